#pragma once

#include "base/clock.h"
#include "http/handler.h"
#include "http/internal/body_decoder.h"
#include "http/internal/exchange.h"
#include "http/internal/gzip.h"
#include "http/internal/server_core.h"
#include "io/stream.h"
#include "wire/http1.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace kumo::http {

/// One connection of a server. Loop-owned.
///
/// Two halves share it. The *request* half (connection.cc) feeds bytes to the parser and stops as
/// soon as a complete request waits for its answer or the handler has paused its body; what is
/// unread stays in `pending_`, and reading from the socket pauses when that grows. The *answer*
/// half (connection_answer.cc) is driven by the handler through the Exchange. The next request
/// starts when both halves of the current one are done, and never from inside a call that the
/// handler makes.
class Connection final : public io::StreamHandler, public std::enable_shared_from_this<Connection> {
public:
    Connection(ServerCore& core, std::unique_ptr<io::Stream> stream);
    ~Connection() override;
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    void start();

    /// Answers 503 and closes: the server has too many connections.
    void start_refusing();

    void on_data(ByteView bytes) override;
    void on_eof() override;
    void on_drained() override;
    void on_closed(Status why) override;

    /// From the core: time-outs; a graceful end; the end.
    void sweep(MonotonicTime now);
    void drain();
    void cut();

    /// From the exchange. Each requires that the exchange is linked.
    void respond(int status, const Headers& headers, std::string body);
    void begin(int status, const Headers& headers);
    void write(ByteView piece);
    void end();
    void abort_exchange();
    void exchange_dropped();
    void pause_body();
    void resume_body();

    std::size_t queued_bytes() const { return stream_->queued_bytes(); }

    const io::Address& peer() const { return stream_->peer(); }

    io::Loop& loop() const { return core_.loop(); }

private:
    /// Where the answer stands.
    enum class Answer : std::uint8_t {
        kNone,   ///< No request, or not begun.
        kBegun,  ///< begin() without end().
        kDone,
    };

    // Request half.
    void process(ByteView input);
    void process_later();
    void run_parser(ByteView& input);
    bool may_parse() const;
    void keep_unread(ByteView input);
    void update_reading();
    void start_request();
    bool admit_body(std::uint64_t bytes_max);
    void take_body(ByteView piece);
    bool feed_sink(ByteView& piece);
    void request_complete();
    void refuse(wire::HttpError error);
    void input_ended();

    // Answer half.
    std::string answer_head(int status, const Headers& headers, bool has_length);
    bool wants_gzip(const Headers& headers) const;
    bool body_allowed(int status) const;
    void send_refusal(wire::HttpError error);
    void send(std::string bytes);
    void answer_done();
    void next_request();
    bool keeps_alive() const;

    void close();
    void abort();
    void drop_exchange();
    void retire_sink();
    std::optional<Duration> time_allowed() const;

    void touch() { progress_at_ = core_.now(); }

    ServerCore& core_;
    std::unique_ptr<io::Stream> stream_;
    wire::HttpRequestParser parser_;
    std::string pending_;         ///< Bytes read and not parsed.
    std::string deferred_body_;   ///< Coded body bytes behind a pause.
    bool body_deferred_ = false;  ///< The decoder has more, maybe without further input.
    MonotonicTime progress_at_;   ///< When the current wait began or last got on.

    // The request under way.
    Exchange* exchange_ = nullptr;  ///< Owned by the handler; it unlinks itself.
    std::unique_ptr<RequestSink> sink_;
    std::unique_ptr<RequestSink> finished_sink_;  ///< Kept until no call of it can be running.
    std::optional<BodyDecoder> decoder_;
    std::uint64_t dropped_bytes_ = 0;  ///< Body bytes that nobody wants.
    bool in_request_ = false;
    bool request_done_ = false;
    bool continue_owed_ = false;  ///< The client waits for 100 Continue.
    bool body_paused_ = false;

    // Its answer.
    Answer answer_ = Answer::kNone;
    bool chunked_ = false;
    bool headless_body_ = false;  ///< The answer to HEAD: pieces are dropped.
    bool close_after_ = false;
    std::optional<GzipCompressor> compressor_;

    // The connection.
    bool processing_ = false;
    bool closing_ = false;
    bool eof_ = false;
    std::uint64_t written_bytes_ = 0;
    std::uint64_t taken_bytes_ = 0;  ///< Of the written, when last looked at.
    MonotonicTime taken_at_;
};

}  // namespace kumo::http
