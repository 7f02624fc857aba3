#include "api/redis/session.h"

#include "api/redis/replication/replication.h"
#include "api/redis/service.h"

#include <utility>

namespace kumo::api_redis {

Session::Session(Service& service, SessionId session_id, std::unique_ptr<io::Stream> stream)
    : id(session_id), service_(service), stream_(std::move(stream)) {}

Session::~Session() = default;

void Session::start() {
    stream_->start(*this);
}

void Session::on_data(ByteView bytes) {
    service_.count_input(bytes.size());
    if (executing) {
        held_.append(bytes);
        return;
    }
    parser_.feed(bytes);
    if (parser_.buffered_bytes() > service_.query_buffer_bytes_max()) {
        service_.log_closed(*this, "too much unprocessed input");
        abort();
        return;
    }
    service_.note_memory(*this);
    process();
}

void Session::process() {
    if (processing_) {
        return;
    }
    processing_ = true;
    // A session that is destroyed by a command of its own stays until the loop's turn ends: the
    // service keeps it.
    while (!closing_ && !closes_when_released_ && !blocked.has_value()
           && block_reason == BlockReason::kNone && awaited_changes == 0) {
        parser_.set_authenticated(!service_.needs_authentication(*this));
        const wire::RespParser::Outcome outcome = parser_.next();
        if (outcome == wire::RespParser::Outcome::kNeedMore) {
            break;
        }
        if (outcome == wire::RespParser::Outcome::kError) {
            reply.error("ERR " + parser_.error());
            service_.count_protocol_error();
            close_gently();
            break;
        }
        if (parser_.arguments().empty()) {
            if (replica) {
                service_.replication().replicas().on_newline(*this);
            }
            continue;
        }
        service_.execute(*this, parser_.arguments());
        if (gone) {
            service_.remove(*this);
            return;
        }
        if (!held_.empty()) {
            parser_.feed(std::exchange(held_, {}));
        }
        if (close_after_reply) {
            close_gently();
        }
    }
    processing_ = false;
    flush();
    service_.note_memory(*this);
}

void Session::flush() {
    if (closing_ || reply.empty()) {
        return;
    }
    service_.count_output(reply.bytes().size());
    if (service_.must_hold_answers(*this)) {
        if (held_answers_.empty()) {
            service_.hold_answers(*this);
        }
        held_answer_bytes_ += reply.bytes().size();
        const std::uint64_t mark = service_.answer_mark();
        if (!held_answers_.empty() && held_answers_.back().first == mark) {
            held_answers_.back().second.append(reply.take());
        } else {
            held_answers_.emplace_back(mark, reply.take());
        }
        if (service_.over_output_limit(*this)) {
            service_.log_closed(*this, "it does not read its answers");
            abort();
        }
        return;
    }
    const Status written = stream_->write(reply.take());
    if (!written.ok() || service_.over_output_limit(*this)) {
        service_.log_closed(*this, "it does not read its answers");
        abort();
    }
}

void Session::release_answers(std::uint64_t mark) {
    if (awaited_changes > 0) {
        return;
    }
    while (!closing_ && !held_answers_.empty() && held_answers_.front().first <= mark) {
        std::string bytes = std::move(held_answers_.front().second);
        held_answers_.pop_front();
        held_answer_bytes_ -= bytes.size();
        if (!stream_->write(std::move(bytes)).ok()) {
            service_.log_closed(*this, "it does not read its answers");
            abort();
            return;
        }
    }
    if (held_answers_.empty() && std::exchange(closes_when_released_, false)) {
        close_gently();
    }
}

std::size_t Session::output_bytes() const {
    return (stream_ ? stream_->queued_bytes() : 0) + reply.bytes().size() + held_answer_bytes_;
}

std::size_t Session::memory_bytes() const {
    constexpr std::size_t kNodeBytes = 96;  // Of a set's or a map's node and its string.
    const auto names = [](const std::set<std::string>& set) {
        std::size_t bytes = 0;
        for (const std::string& each : set) {
            bytes += kNodeBytes + each.size();
        }
        return bytes;
    };
    std::size_t bytes = sizeof(*this) + parser_.memory_bytes() + held_.capacity() + output_bytes()
                        + after_reply.capacity() + transaction.queued_bytes;
    for (const auto& [key, expired] : transaction.watched) {
        bytes += kNodeBytes + key.second.size();
    }
    return bytes + names(subscriptions.channels) + names(subscriptions.patterns)
           + names(subscriptions.shard_channels) + names(tracking.prefixes);
}

void Session::close_gently() {
    if (closing_) {
        return;
    }
    flush();
    if (closing_) {
        return;
    }
    if (!held_answers_.empty()) {
        closes_when_released_ = true;
        return;
    }
    closing_ = true;
    stream_->close();
    service_.forget(*this);
}

void Session::abort() {
    if (closing_) {
        return;
    }
    closing_ = true;
    stream_->abort();
    service_.forget(*this);
}

void Session::on_eof() {
    close_gently();
}

void Session::on_drained() {
    if (replica) {
        service_.replication().replicas().on_drained(*this);
    }
}

void Session::on_closed(Status /*why*/) {
    if (!closing_) {
        closing_ = true;
        service_.forget(*this);
    }
    service_.remove(*this);
}

std::string Session::peer_text() const {
    return stream_->peer().to_string();
}

}  // namespace kumo::api_redis
