#pragma once

#include "http/handler.h"

#include <functional>
#include <memory>

namespace kumo::http {

class Connection;

/// The ResponseWriter that handlers hold: a link to the connection that either side can cut. A
/// handler that drops it unanswered has a mistake, and the client gets a 500 instead of silence.
/// Loop-owned.
class Exchange final : public ResponseWriter, public std::enable_shared_from_this<Exchange> {
public:
    explicit Exchange(Connection& connection);
    ~Exchange() override;

    void respond(int status, Headers headers, std::string body) override;
    void begin(int status, Headers headers) override;
    void write(ByteView piece) override;
    void end() override;
    void abort() override;
    std::size_t queued_bytes() const override;
    void on_writable(std::function<void()> callback) override;
    void on_abandoned(std::function<void()> callback) override;
    bool alive() const override;
    void pause_body() override;
    void resume_body() override;

    const io::Address& peer() const override { return peer_; }

    io::Loop& loop() const override { return loop_; }

    /// From the connection: the answer is complete; nothing more is told.
    void complete() noexcept;

    /// From the connection: it is over. Tells the handler.
    void abandon();

    /// From the connection: everything queued has left.
    void drained();

private:
    Connection* connection_;
    io::Loop& loop_;
    io::Address peer_;
    std::function<void()> writable_;
    std::function<void()> abandoned_;
    bool was_abandoned_ = false;
};

}  // namespace kumo::http
