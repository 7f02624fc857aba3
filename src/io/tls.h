#pragma once

#include "base/result.h"
#include "io/fs.h"
#include "io/stream.h"

#include <memory>
#include <string>

namespace kumo::io {

/// A handshake that takes longer is a closed connection.
inline constexpr Duration kTlsHandshakeTimeout = std::chrono::seconds(10);

inline constexpr std::uint64_t kPemFileBytesMax = std::uint64_t{1} << 20;

/// What is spoken; empty: OpenSSL's choice, of TLS 1.2 and newer.
struct TlsAlgorithms {
    std::string protocols = {};      ///< "TLSv1.2 TLSv1.3"
    std::string ciphers = {};        ///< Of TLS 1.2, in OpenSSL's form.
    std::string cipher_suites = {};  ///< Of TLS 1.3.
    bool servers_order = false;      ///< The server's preference counts, not the client's.
};

struct TlsServerFiles {
    std::string certificate;  ///< PEM, the leaf first, then its chain.
    std::string private_key;  ///< PEM.
    /// PEM; if set, a client must show a certificate that one of these has signed.
    std::string client_ca = {};
    std::string client_ca_directory = {};  ///< The same, in OpenSSL's hashed form, read as needed.
    /// A client may also show none; one that it shows must be good.
    bool client_may_be_unknown = false;
    std::string key_password = {};  ///< Of an encrypted private key.
    TlsAlgorithms algorithms = {};
};

struct TlsClientOptions {
    bool verify = true;   ///< Check the chain and the name. Off only when a user said so.
    std::string ca_file;  ///< PEM; empty: the system's store.
    /// What is shown to a server that asks who we are, as TlsServerFiles; empty: nothing.
    std::string certificate = {};
    std::string private_key = {};
};

/// TLS 1.2 or newer, ALPN http/1.1, no renegotiation, no compression. Streams are encrypted through
/// memory buffers, so any Stream, real or simulated, can be wrapped.
///
/// Thread rule: guarded. wrap_*() on the stream's loop, reload() from any thread.
class TlsContext {
public:
    /// Errors name the file (missing, not PEM, or a key that is not the certificate's) or the
    /// algorithms that there are not.
    static Result<std::unique_ptr<TlsContext>> server(Fs& fs, const TlsServerFiles& files);

    static Result<std::unique_ptr<TlsContext>> client(Fs& fs, const TlsClientOptions& options);

    ~TlsContext();
    TlsContext(const TlsContext&) = delete;
    TlsContext& operator=(const TlsContext&) = delete;

    /// Reads the files again. Connections made from now on use them; on an error everything stays
    /// as it was.
    Status reload(Fs& fs);

    /// The encrypted end of an accepted connection that has not been started. A failed handshake,
    /// plain text on the port or an end without TLS's own goodbye close it with a reason (kIo, or
    /// kTimeout); writes made before the handshake ends are kept until then.
    std::unique_ptr<Stream> wrap_server(std::unique_ptr<Stream> raw);

    /// The same for a connection we made. `host` is sent as SNI and, if verifying, checked against
    /// the certificate. Requires: a name or a numeric address, not empty, as it was resolved.
    std::unique_ptr<Stream> wrap_client(std::unique_ptr<Stream> raw, const std::string& host);

private:
    struct Impl;
    explicit TlsContext(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace kumo::io
