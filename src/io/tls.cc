#include "io/tls.h"

#include "base/assert.h"
#include "base/mutex.h"
#include "io/internal/tls_stream.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <climits>
#include <sstream>
#include <string_view>

namespace kumo::io {

namespace {

constexpr unsigned char kAlpn[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

using ContextPtr = std::shared_ptr<SSL_CTX>;
using BioPtr = std::unique_ptr<BIO, decltype(&BIO_free)>;
using CertificatePtr = std::unique_ptr<X509, decltype(&X509_free)>;
using KeyPtr = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

Error bad_file(const std::string& path, const std::string& what) {
    ERR_clear_error();
    return invalid_argument(path + ": " + what);
}

BioPtr view_of(const std::string& bytes) {
    KUMO_ASSERT(bytes.size() <= INT_MAX);
    return {BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())), BIO_free};
}

/// No password is ever asked for on a terminal.
int no_password(char* /*buffer*/, int /*size*/, int /*writing*/, void* /*data*/) {
    return 0;
}

int known_password(char* buffer, int size, int /*writing*/, void* data) {
    const auto& password = *static_cast<const std::string*>(data);
    if (size < 0 || password.size() > static_cast<std::size_t>(size)) {
        return 0;
    }
    std::copy(password.begin(), password.end(), buffer);
    return static_cast<int>(password.size());
}

int choose_protocol(
    SSL* /*ssl*/,
    const unsigned char** out,
    unsigned char* out_size,
    const unsigned char* offered,
    unsigned int offered_size,
    void* /*data*/
) {
    unsigned char* chosen = nullptr;
    const int result =
        SSL_select_next_proto(&chosen, out_size, kAlpn, sizeof(kAlpn), offered, offered_size);
    *out = chosen;
    return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

ContextPtr new_context(const SSL_METHOD* method) {
    ContextPtr context(SSL_CTX_new(method), SSL_CTX_free);
    KUMO_ASSERT(context != nullptr);
    KUMO_ASSERT(SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION) == 1);
    (void)SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    (void)SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS);
    (void)SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
    return context;
}

Status use_certificates(SSL_CTX* context, const std::string& path, const std::string& pem) {
    const BioPtr bio = view_of(pem);
    const CertificatePtr leaf(
        PEM_read_bio_X509_AUX(bio.get(), nullptr, no_password, nullptr),
        X509_free
    );
    if (leaf == nullptr || SSL_CTX_use_certificate(context, leaf.get()) != 1) {
        return bad_file(path, "no certificate in PEM form");
    }
    for (;;) {
        CertificatePtr next(PEM_read_bio_X509(bio.get(), nullptr, no_password, nullptr), X509_free);
        if (next == nullptr) {
            break;
        }
        if (SSL_CTX_add0_chain_cert(context, next.get()) != 1) {
            return bad_file(path, "a certificate of the chain cannot be used");
        }
        (void)next.release();  // The context owns it now.
    }
    ERR_clear_error();  // The end of the file is an error to the reader.
    return {};
}

Status
use_key(SSL_CTX* context, const std::string& path, const std::string& pem, std::string password) {
    const BioPtr bio = view_of(pem);
    const KeyPtr key(
        PEM_read_bio_PrivateKey(bio.get(), nullptr, known_password, &password),
        EVP_PKEY_free
    );
    OPENSSL_cleanse(password.data(), password.size());
    if (key == nullptr) {
        return bad_file(path, "no private key in PEM form, or its password is wrong");
    }
    if (SSL_CTX_use_PrivateKey(context, key.get()) != 1
        || SSL_CTX_check_private_key(context) != 1) {
        return bad_file(path, "the key does not belong to the certificate");
    }
    return {};
}

/// Certificate and key, that is, who this end is.
Status use_identity(
    Fs& fs,
    SSL_CTX* context,
    const std::string& certificate,
    const std::string& private_key,
    const std::string& password
) {
    KUMO_TRY_ASSIGN(const std::string pem, read_file(fs, certificate, kPemFileBytesMax));
    KUMO_TRY_ASSIGN(std::string key, read_file(fs, private_key, kPemFileBytesMax));
    Status status = use_certificates(context, certificate, pem);
    if (status.ok()) {
        status = use_key(context, private_key, key, password);
    }
    OPENSSL_cleanse(key.data(), key.size());
    return status;
}

/// Whom this end trusts; `offer` names them to the other end.
Status use_authorities(Fs& fs, SSL_CTX* context, const std::string& path, bool offer) {
    KUMO_TRY_ASSIGN(const std::string pem, read_file(fs, path, kPemFileBytesMax));
    const BioPtr bio = view_of(pem);
    int count = 0;
    for (;; ++count) {
        const CertificatePtr ca(
            PEM_read_bio_X509(bio.get(), nullptr, no_password, nullptr),
            X509_free
        );
        if (ca == nullptr) {
            break;
        }
        if (X509_STORE_add_cert(SSL_CTX_get_cert_store(context), ca.get()) != 1
            || (offer && SSL_CTX_add_client_CA(context, ca.get()) != 1)) {
            return bad_file(path, "a certificate cannot be used");
        }
    }
    ERR_clear_error();
    if (count == 0) {
        return bad_file(path, "no certificate in PEM form");
    }
    return {};
}

struct Protocol {
    std::string_view name;
    int version;
    std::uint64_t off;
};

/// In the order of versions. Older ones are not spoken.
constexpr Protocol kProtocols[] = {
    {"TLSv1.2", TLS1_2_VERSION, SSL_OP_NO_TLSv1_2},
    {"TLSv1.3", TLS1_3_VERSION, SSL_OP_NO_TLSv1_3},
};

Status use_protocols(SSL_CTX* context, const std::string& names) {
    std::uint64_t off = SSL_OP_NO_TLSv1_2 | SSL_OP_NO_TLSv1_3;
    std::istringstream in(names);
    for (std::string name; in >> name;) {
        const auto* const known = std::find_if(
            std::begin(kProtocols),
            std::end(kProtocols),
            [&name](const Protocol& one) { return one.name == name; }
        );
        if (known == std::end(kProtocols)) {
            return invalid_argument("no such protocol of TLS, or one that is not safe: " + name);
        }
        off &= ~known->off;
    }
    if (off == (SSL_OP_NO_TLSv1_2 | SSL_OP_NO_TLSv1_3)) {
        return invalid_argument("no protocol of TLS is named");
    }
    (void)SSL_CTX_set_options(context, off);
    return {};
}

Status use_algorithms(SSL_CTX* context, const TlsAlgorithms& algorithms) {
    if (!algorithms.protocols.empty()) {
        KUMO_TRY(use_protocols(context, algorithms.protocols));
    }
    if (!algorithms.ciphers.empty()
        && SSL_CTX_set_cipher_list(context, algorithms.ciphers.c_str()) != 1) {
        return bad_file(algorithms.ciphers, "no such ciphers");
    }
    if (!algorithms.cipher_suites.empty()
        && SSL_CTX_set_ciphersuites(context, algorithms.cipher_suites.c_str()) != 1) {
        return bad_file(algorithms.cipher_suites, "no such cipher suites");
    }
    if (algorithms.servers_order) {
        (void)SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE);
    }
    return {};
}

Result<ContextPtr> load_server(Fs& fs, const TlsServerFiles& files) {
    ContextPtr context = new_context(TLS_server_method());
    KUMO_TRY(use_algorithms(context.get(), files.algorithms));
    KUMO_TRY(
        use_identity(fs, context.get(), files.certificate, files.private_key, files.key_password)
    );
    if (!files.client_ca.empty()) {
        KUMO_TRY(use_authorities(fs, context.get(), files.client_ca, true));
    }
    if (!files.client_ca_directory.empty()
        && SSL_CTX_load_verify_dir(context.get(), files.client_ca_directory.c_str()) != 1) {
        return bad_file(files.client_ca_directory, "no directory of certificates");
    }
    if (!files.client_ca.empty() || !files.client_ca_directory.empty()) {
        SSL_CTX_set_verify(
            context.get(),
            files.client_may_be_unknown ? SSL_VERIFY_PEER
                                        : SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
            nullptr
        );
    }
    SSL_CTX_set_alpn_select_cb(context.get(), choose_protocol, nullptr);
    return context;
}

Result<ContextPtr> load_client(Fs& fs, const TlsClientOptions& options) {
    ContextPtr context = new_context(TLS_client_method());
    SSL_CTX_set_verify(context.get(), options.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
    KUMO_ASSERT(SSL_CTX_set_alpn_protos(context.get(), kAlpn, sizeof(kAlpn)) == 0);
    if (!options.certificate.empty()) {
        KUMO_TRY(use_identity(fs, context.get(), options.certificate, options.private_key, {}));
    }
    if (options.ca_file.empty()) {
        (void)SSL_CTX_set_default_verify_paths(context.get());
    } else {
        KUMO_TRY(use_authorities(fs, context.get(), options.ca_file, false));
    }
    return context;
}

}  // namespace

struct TlsContext::Impl {
    bool is_server = false;
    TlsServerFiles server_files;
    TlsClientOptions client_options;
    Mutex mutex;
    ContextPtr context KUMO_GUARDED_BY(mutex);

    Result<ContextPtr> load(Fs& fs) const {
        return is_server ? load_server(fs, server_files) : load_client(fs, client_options);
    }

    SslPtr new_session() {
        const MutexLock lock(mutex);
        SslPtr ssl(SSL_new(context.get()));  // Keeps its own reference to the context.
        KUMO_ASSERT(ssl != nullptr);
        return ssl;
    }
};

TlsContext::TlsContext(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

TlsContext::~TlsContext() = default;

Result<std::unique_ptr<TlsContext>> TlsContext::server(Fs& fs, const TlsServerFiles& files) {
    auto impl = std::make_unique<Impl>();
    impl->is_server = true;
    impl->server_files = files;
    std::unique_ptr<TlsContext> context(new TlsContext(std::move(impl)));
    KUMO_TRY(context->reload(fs));
    return context;
}

Result<std::unique_ptr<TlsContext>> TlsContext::client(Fs& fs, const TlsClientOptions& options) {
    auto impl = std::make_unique<Impl>();
    impl->client_options = options;
    std::unique_ptr<TlsContext> context(new TlsContext(std::move(impl)));
    KUMO_TRY(context->reload(fs));
    return context;
}

Status TlsContext::reload(Fs& fs) {
    KUMO_TRY_ASSIGN(ContextPtr loaded, impl_->load(fs));
    const MutexLock lock(impl_->mutex);
    impl_->context = std::move(loaded);
    return {};
}

std::unique_ptr<Stream> TlsContext::wrap_server(std::unique_ptr<Stream> raw) {
    SslPtr ssl = impl_->new_session();
    SSL_set_accept_state(ssl.get());
    return std::make_unique<TlsStream>(std::move(ssl), std::move(raw));
}

std::unique_ptr<Stream>
TlsContext::wrap_client(std::unique_ptr<Stream> raw, const std::string& host) {
    SslPtr ssl = impl_->new_session();
    SSL_set_connect_state(ssl.get());
    X509_VERIFY_PARAM* const expected = SSL_get0_param(ssl.get());
    const auto numeric = Address::parse(host, 0);
    // A name that was not taken would leave the certificate's name unchecked.
    if (numeric.ok()) {
        const std::string address = numeric.value().host_string();
        KUMO_ASSERT(X509_VERIFY_PARAM_set1_ip_asc(expected, address.c_str()) == 1);
    } else {
        KUMO_ASSERT(X509_VERIFY_PARAM_set1_host(expected, host.data(), host.size()) == 1);
        (void)SSL_set_tlsext_host_name(ssl.get(), host.c_str());
    }
    return std::make_unique<TlsStream>(std::move(ssl), std::move(raw));
}

}  // namespace kumo::io
