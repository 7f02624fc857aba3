#include "io/internal/tls_stream.h"

#include "base/assert.h"
#include "base/log.h"
#include "io/tls.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <climits>

namespace kumo::io {

namespace {

/// The library's reason for the last failure, which it forgets.
std::string openssl_reason(const SSL* ssl) {
    const auto code = ERR_get_error();
    ERR_clear_error();
    const auto verified = SSL_get_verify_result(ssl);
    if (verified != X509_V_OK) {
        return X509_verify_cert_error_string(verified);
    }
    const char* const reason = code != 0 ? ERR_reason_error_string(code) : nullptr;
    return reason != nullptr ? reason : "the connection ended early";
}

}  // namespace

TlsConnection::TlsConnection(SslPtr ssl, std::unique_ptr<Stream> raw)
    : ssl_(std::move(ssl)),
      from_peer_(BIO_new(BIO_s_mem())),
      to_peer_(BIO_new(BIO_s_mem())),
      raw_(std::move(raw)),
      loop_(raw_->loop()),
      peer_(raw_->peer()),
      local_(raw_->local()) {
    KUMO_ASSERT(from_peer_ != nullptr && to_peer_ != nullptr);
    SSL_set_bio(ssl_.get(), from_peer_, to_peer_);
}

TlsConnection::~TlsConnection() = default;

void TlsConnection::start(StreamHandler& handler) {
    KUMO_ASSERT(handler_ == nullptr);
    handler_ = &handler;
    set_deadline(kTlsHandshakeTimeout);
    raw_->start(*this);
    schedule_advance();  // A client speaks first.
}

Status TlsConnection::write(std::string bytes) {
    if (phase_ != Phase::kHandshake && phase_ != Phase::kOpen) {
        return Error{
            ErrorCode::kUnavailable,
            "the connection to " + peer_.to_string() + " is closed"};
    }
    if (queued_bytes() >= kStreamQueueBytesMax) {
        return Error{
            ErrorCode::kOverloaded,
            peer_.to_string() + " does not read what it asked for"};
    }
    if (bytes.empty()) {
        return {};
    }
    plain_bytes_ += bytes.size();
    // Joined up to a TLS record's size: small writes of one turn share a record.
    if (!queue_.empty() && queue_.back().size() + bytes.size() <= SSL3_RT_MAX_PLAIN_LENGTH) {
        queue_.back() += bytes;
    } else {
        queue_.push_back(std::move(bytes));
    }
    schedule_encrypt();
    return {};
}

std::size_t TlsConnection::queued_bytes() const {
    return plain_bytes_ + (raw_ != nullptr ? raw_->queued_bytes() : 0);
}

void TlsConnection::set_paused(bool paused) {
    paused_ = paused;
    if (phase_ != Phase::kOpen && phase_ != Phase::kHandshake) {
        return;
    }
    if (paused) {
        raw_->pause_reading();
    } else {
        raw_->resume_reading();
        schedule_advance();  // What was decrypted or buffered before the pause.
    }
}

void TlsConnection::close() {
    if (phase_ == Phase::kHandshake) {
        end_raw();
        return;
    }
    if (phase_ != Phase::kOpen) {
        return;
    }
    phase_ = Phase::kClosing;
    raw_->resume_reading();  // To hear the peer's end; what arrives is discarded.
    set_deadline(kCloseFlushTimeout);
    schedule_encrypt();
}

void TlsConnection::abort() {
    if (raw_ != nullptr && phase_ != Phase::kClosed) {
        phase_ = Phase::kEnding;
        raw_->abort();
    }
}

void TlsConnection::detach() {
    handler_ = nullptr;
    phase_ = Phase::kClosed;
    loop_.cancel_timer(deadline_);
    raw_.reset();
}

void TlsConnection::on_data(ByteView bytes) {
    if (phase_ != Phase::kHandshake && phase_ != Phase::kOpen) {
        return;
    }
    KUMO_ASSERT(bytes.size() <= INT_MAX);
    const int size = static_cast<int>(bytes.size());
    KUMO_ASSERT(BIO_write(from_peer_, bytes.data(), size) == size);
    advance();
}

void TlsConnection::on_eof() {
    const auto self = shared_from_this();
    if (phase_ == Phase::kHandshake) {
        fail("TLS handshake with", ErrorCode::kIo);
    } else if (phase_ == Phase::kOpen && !end_of_input_) {
        fail("TLS goodbye is missing from", ErrorCode::kIo);
    }
}

void TlsConnection::on_drained() {
    const auto self = shared_from_this();
    if (plain_bytes_ > 0 || phase_ == Phase::kClosing) {
        schedule_encrypt();
    } else if (phase_ == Phase::kOpen) {
        handler_->on_drained();
    }
}

void TlsConnection::on_closed(Status why) {
    const auto self = shared_from_this();
    phase_ = Phase::kClosed;
    loop_.cancel_timer(deadline_);
    StreamHandler* const handler = std::exchange(handler_, nullptr);
    if (handler != nullptr) {
        handler->on_closed(failure_.ok() ? std::move(why) : std::move(failure_));
    }
}

void TlsConnection::advance() {
    const auto self = shared_from_this();
    if (phase_ == Phase::kHandshake && !shake_hands()) {
        return;
    }
    read_plaintext();
}

bool TlsConnection::shake_hands() {
    ERR_clear_error();
    const int result = SSL_do_handshake(ssl_.get());
    if (result == 1) {
        phase_ = Phase::kOpen;
        loop_.cancel_timer(deadline_);
        send_ciphertext();
        schedule_encrypt();
        return true;
    }
    if (SSL_get_error(ssl_.get(), result) == SSL_ERROR_WANT_READ) {
        send_ciphertext();
        return false;
    }
    fail("TLS handshake with", ErrorCode::kIo);
    return false;
}

void TlsConnection::read_plaintext() {
    std::array<char, SSL3_RT_MAX_PLAIN_LENGTH> plain;  // NOLINT(*-member-init): 16 KiB to read into
    while (phase_ == Phase::kOpen && !paused_ && !end_of_input_) {
        ERR_clear_error();
        const int n = SSL_read(ssl_.get(), plain.data(), static_cast<int>(plain.size()));
        if (n > 0) {
            handler_->on_data({plain.data(), static_cast<std::size_t>(n)});
            continue;
        }
        const int error = SSL_get_error(ssl_.get(), n);
        if (error == SSL_ERROR_WANT_READ) {
            break;
        }
        if (error == SSL_ERROR_ZERO_RETURN) {
            end_of_input_ = true;
            handler_->on_eof();
            break;
        }
        fail("TLS data from", ErrorCode::kIo);
        return;
    }
    if (phase_ == Phase::kOpen) {
        send_ciphertext();  // Reading may answer: session tickets, key updates.
    }
}

void TlsConnection::schedule_advance() {
    const auto weak = weak_from_this();
    loop_.defer([weak] {
        const auto self = weak.lock();
        if (self != nullptr) {
            self->advance();
        }
    });
}

void TlsConnection::schedule_encrypt() {
    if (encrypt_scheduled_ || phase_ == Phase::kHandshake) {
        return;
    }
    encrypt_scheduled_ = true;
    const auto weak = weak_from_this();
    loop_.defer([weak] {
        const auto self = weak.lock();
        if (self != nullptr) {
            self->encrypt_scheduled_ = false;
            self->encrypt_queue();
        }
    });
}

void TlsConnection::encrypt_queue() {
    if (phase_ != Phase::kOpen && phase_ != Phase::kClosing) {
        return;
    }
    std::size_t done = 0;
    while (!queue_.empty() && done < kEncryptBytesPerTurn
           && raw_->queued_bytes() + done < kCiphertextQueueBytes) {
        const ByteView head = ByteView(queue_.front()).substr(head_done_);
        const std::size_t size = std::min<std::size_t>(head.size(), kEncryptBytesPerTurn);
        ERR_clear_error();
        const int n = SSL_write(ssl_.get(), head.data(), static_cast<int>(size));
        if (n <= 0) {
            fail("TLS data to", ErrorCode::kIo);
            return;
        }
        const auto written = static_cast<std::size_t>(n);
        done += written;
        plain_bytes_ -= written;
        head_done_ += written;
        if (head_done_ == queue_.front().size()) {
            head_done_ = 0;
            queue_.pop_front();
        }
    }
    if (phase_ == Phase::kClosing && queue_.empty()) {
        (void)SSL_shutdown(ssl_.get());  // Writes our goodbye; the peer's is not waited for.
        end_raw();
        return;
    }
    send_ciphertext();
    if (!queue_.empty() && raw_->queued_bytes() < kCiphertextQueueBytes) {
        schedule_encrypt();
    }
}

void TlsConnection::send_ciphertext() {
    char* data = nullptr;
    const auto size = BIO_get_mem_data(to_peer_, &data);
    if (size <= 0) {
        return;
    }
    std::string bytes(data, static_cast<std::size_t>(size));
    (void)BIO_reset(to_peer_);
    // What is refused here is refused because the raw stream has ended, and on_closed is due.
    (void)raw_->write(std::move(bytes));
}

void TlsConnection::end_raw() {
    phase_ = Phase::kEnding;
    queue_.clear();
    plain_bytes_ = 0;
    send_ciphertext();
    raw_->resume_reading();
    raw_->close();
}

void TlsConnection::fail(std::string_view doing, ErrorCode code) {
    std::string message(doing);
    message += ' ' + peer_.to_string() + ": ";
    message += code == ErrorCode::kTimeout ? "not done in time" : openssl_reason(ssl_.get());
    log_debug(message);  // Anybody can make this happen as often as he likes; owners say more.
    failure_ = Error{code, std::move(message)};
    end_raw();  // After the alert that says so to the peer.
}

void TlsConnection::set_deadline(Duration delay) {
    loop_.cancel_timer(deadline_);
    const auto weak = weak_from_this();
    deadline_ = loop_.add_timer(delay, [weak] {
        const auto self = weak.lock();
        if (self == nullptr) {
            return;
        }
        if (self->phase_ == Phase::kHandshake) {
            self->fail("TLS handshake with", ErrorCode::kTimeout);
        } else if (self->phase_ == Phase::kClosing) {
            self->abort();
        }
    });
}

}  // namespace kumo::io
