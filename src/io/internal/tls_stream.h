#pragma once

#include "io/stream.h"

#include <openssl/ssl.h>

#include <cstddef>
#include <deque>
#include <memory>
#include <string>

namespace kumo::io {

/// What one turn encrypts at most, and how much ciphertext may wait below before we encrypt more.
inline constexpr std::size_t kEncryptBytesPerTurn = std::size_t{512} * 1024;
inline constexpr std::size_t kCiphertextQueueBytes = std::size_t{1024} * 1024;

struct SslDeleter {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
};

using SslPtr = std::unique_ptr<SSL, SslDeleter>;

/// The encrypted side of a TlsStream: OpenSSL between two memory buffers, the raw stream below.
/// Lives through the callbacks in which its owner destroys the stream. Loop-owned.
class TlsConnection final : public StreamHandler,
                            public std::enable_shared_from_this<TlsConnection> {
public:
    TlsConnection(SslPtr ssl, std::unique_ptr<Stream> raw);
    ~TlsConnection() override;
    TlsConnection(const TlsConnection&) = delete;
    TlsConnection& operator=(const TlsConnection&) = delete;

    void start(StreamHandler& handler);
    Status write(std::string bytes);
    std::size_t queued_bytes() const;
    void set_paused(bool paused);
    void close();
    void abort();
    void detach();

    const Address& peer() const { return peer_; }

    Address local() const { return local_; }

    Loop& loop() { return loop_; }

    void on_data(ByteView bytes) override;
    void on_eof() override;
    void on_drained() override;
    void on_closed(Status why) override;

private:
    enum class Phase : std::uint8_t {
        kHandshake,
        kOpen,
        kClosing,  ///< Sends what is queued, then TLS's goodbye.
        kEnding,   ///< The raw stream is closing.
        kClosed,
    };

    void advance();
    bool shake_hands();
    void read_plaintext();
    void encrypt_queue();
    void send_ciphertext();
    void schedule_encrypt();
    void schedule_advance();
    void end_raw();
    void fail(std::string_view doing, ErrorCode code);
    void set_deadline(Duration delay);

    SslPtr ssl_;
    BIO* from_peer_ = nullptr;  ///< Owned by ssl_.
    BIO* to_peer_ = nullptr;    ///< Owned by ssl_.
    std::unique_ptr<Stream> raw_;
    Loop& loop_;
    const Address peer_;
    const Address local_;
    StreamHandler* handler_ = nullptr;
    Phase phase_ = Phase::kHandshake;
    bool paused_ = false;
    bool end_of_input_ = false;
    bool encrypt_scheduled_ = false;
    TimerId deadline_;
    std::deque<std::string> queue_;  ///< Plaintext.
    std::size_t head_done_ = 0;      ///< Bytes of queue_.front() that are encrypted.
    std::size_t plain_bytes_ = 0;
    Status failure_;
};

/// Stream over a TlsConnection.
class TlsStream final : public Stream {
public:
    TlsStream(SslPtr ssl, std::unique_ptr<Stream> raw)
        : connection_(std::make_shared<TlsConnection>(std::move(ssl), std::move(raw))) {}

    ~TlsStream() override { connection_->detach(); }

    TlsStream(const TlsStream&) = delete;
    TlsStream& operator=(const TlsStream&) = delete;

    void start(StreamHandler& handler) override { connection_->start(handler); }

    Status write(std::string bytes) override { return connection_->write(std::move(bytes)); }

    std::size_t queued_bytes() const override { return connection_->queued_bytes(); }

    void pause_reading() override { connection_->set_paused(true); }

    void resume_reading() override { connection_->set_paused(false); }

    void close() override { connection_->close(); }

    void abort() override { connection_->abort(); }

    const Address& peer() const override { return connection_->peer(); }

    Address local() const override { return connection_->local(); }

    Loop& loop() override { return connection_->loop(); }

private:
    std::shared_ptr<TlsConnection> connection_;
};

}  // namespace kumo::io
