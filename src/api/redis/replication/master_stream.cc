#include "api/redis/replication/master_stream.h"

#include "wire/decimal.h"

#include <algorithm>
#include <utility>

namespace kumo::api_redis {

namespace {

constexpr std::string_view kMarkHead = "$EOF:";

/// A master may hold values that were made under a higher `proto-max-bulk-len` than ours.
wire::RespLimits master_limits() {
    wire::RespLimits limits;
    limits.bulk_bytes_max = std::size_t{1} << 40U;
    return limits;
}

}  // namespace

MasterStream::MasterStream() : commands_(master_limits()) {}

void MasterStream::feed(ByteView bytes) {
    text_ = {};
    if (state_ == State::kCommands) {
        commands_.feed(bytes);
        return;
    }
    buffer_.erase(0, std::exchange(taken_, 0));
    buffer_.append(bytes);
}

MasterStream::Event MasterStream::fail(std::string why) {
    error_ = std::move(why);
    state_ = State::kBroken;
    return Event::kError;
}

MasterStream::Event MasterStream::next() {
    text_ = {};
    switch (state_) {
        case State::kLines: return next_line();
        case State::kRdbHeader: return next_rdb_header();
        case State::kRdbOfLength: return next_of_length();
        case State::kRdbToMark: return next_to_mark();
        case State::kCommands: return next_command();
        case State::kBroken: return Event::kError;
    }
    return Event::kError;
}

/// The next line that is not empty: a master that prepares a file sends empty ones, to say that it
/// is there.
bool MasterStream::take_line(ByteView* line) {
    while (true) {
        const std::size_t end = buffer_.find('\n', taken_);
        if (end == std::string::npos) {
            return false;
        }
        *line = ByteView(buffer_).substr(taken_, end - taken_);
        taken_ = end + 1;
        if (!line->empty() && line->back() == '\r') {
            line->remove_suffix(1);
        }
        if (!line->empty()) {
            return true;
        }
    }
}

MasterStream::Event MasterStream::next_line() {
    if (take_line(&text_)) {
        return text_.size() > kLineBytesMax ? fail("a line that is too long") : Event::kLine;
    }
    return buffer_.size() - taken_ > kLineBytesMax ? fail("a line that is too long")
                                                   : Event::kNeedMore;
}

void MasterStream::expect_rdb() {
    state_ = State::kRdbHeader;
    rdb_bytes_.reset();
}

void MasterStream::expect_commands() {
    state_ = State::kCommands;
    commands_.feed(ByteView(buffer_).substr(taken_));
    std::string().swap(buffer_);
    taken_ = 0;
    text_ = {};
}

MasterStream::Event MasterStream::next_rdb_header() {
    const Event event = next_line();
    if (event != Event::kLine) {
        return event;
    }
    const ByteView line = std::exchange(text_, {});
    if (line.substr(0, kMarkHead.size()) == kMarkHead) {
        mark_ = line.substr(kMarkHead.size());
        if (mark_.size() != kMarkBytes) {
            return fail("the mark of the file's end has not 40 bytes");
        }
        state_ = State::kRdbToMark;
        return next();
    }
    const auto size = line[0] == '$' ? wire::parse_decimal(line.substr(1)) : std::nullopt;
    if (!size || *size < 0) {
        return fail("no file came, but '" + std::string(line.substr(0, 128)) + "'");
    }
    rdb_bytes_ = static_cast<std::uint64_t>(*size);
    rdb_left_ = *rdb_bytes_;
    state_ = State::kRdbOfLength;
    return next();
}

MasterStream::Event MasterStream::next_of_length() {
    if (rdb_left_ == 0) {
        return end_rdb();
    }
    text_ = ByteView(buffer_).substr(taken_);
    text_ =
        text_.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(rdb_left_, text_.size())));
    taken_ += text_.size();
    rdb_left_ -= text_.size();
    return text_.empty() ? Event::kNeedMore : Event::kRdb;
}

/// The mark may be cut in two: its possible beginning is kept back.
MasterStream::Event MasterStream::next_to_mark() {
    const ByteView rest = ByteView(buffer_).substr(taken_);
    const std::size_t found = rest.find(mark_);
    if (found == 0) {
        taken_ += mark_.size();
        return end_rdb();
    }
    const std::size_t sure =
        found != ByteView::npos ? found : rest.size() - std::min(rest.size(), kMarkBytes - 1);
    text_ = rest.substr(0, sure);
    taken_ += sure;
    return sure == 0 ? Event::kNeedMore : Event::kRdb;
}

MasterStream::Event MasterStream::end_rdb() {
    expect_commands();
    return Event::kRdbEnd;
}

MasterStream::Event MasterStream::next_command() {
    switch (commands_.next()) {
        case wire::RespParser::Outcome::kNeedMore: return Event::kNeedMore;
        case wire::RespParser::Outcome::kError: return fail(commands_.error());
        case wire::RespParser::Outcome::kRequest: break;
    }
    text_ = commands_.request();
    return Event::kCommand;
}

}  // namespace kumo::api_redis
