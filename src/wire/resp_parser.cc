#include "wire/decimal.h"
#include "wire/resp.h"

#include <algorithm>
#include <optional>

namespace kumo::wire {

// The buffer holds, in this order: requests that were given out (up to consumed_), the part of the
// next one that was understood (up to position_), and bytes nobody looked at but for the end of a
// line (up to scanned_). Only feed() moves bytes, and only when at least as many are dropped as
// moved, so the work is linear in what arrives however it is cut.

namespace {

/// What an idle connection may keep.
constexpr std::size_t kMemoryKeptBytes = std::size_t{128} * 1024;
constexpr std::size_t kArgumentsKept = 1024;
/// Below that, std::string's own growth is as good.
constexpr std::size_t kBigBulkBytes = std::size_t{32} * 1024;

bool is_space(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/// '\v' and '\f' stand between words, but do not end one.
bool ends_word(char c) {
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

int hex_digit(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    const char lower = static_cast<char>(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

char unescape(char c) {
    switch (c) {
        case 'n': return '\n';
        case 'r': return '\r';
        case 't': return '\t';
        case 'b': return '\b';
        case 'a': return '\a';
        default: return c;
    }
}

/// Takes the inside of "..." off `rest`, which begins behind the opening quote. False: it does not
/// end, or something else than a space follows the closing quote.
bool take_double_quoted(ByteView* rest, std::string* out) {
    while (!rest->empty() && rest->front() != '"') {
        if (rest->front() != '\\' || rest->size() == 1) {
            out->push_back(rest->front());
            rest->remove_prefix(1);
            continue;
        }
        if (rest->size() >= 4 && (*rest)[1] == 'x' && hex_digit((*rest)[2]) >= 0
            && hex_digit((*rest)[3]) >= 0) {
            const int value = hex_digit((*rest)[2]) * 16 + hex_digit((*rest)[3]);
            out->push_back(static_cast<char>(value));
            rest->remove_prefix(4);
            continue;
        }
        out->push_back(unescape((*rest)[1]));
        rest->remove_prefix(2);
    }
    if (rest->empty()) {
        return false;
    }
    rest->remove_prefix(1);
    return rest->empty() || is_space(rest->front());
}

/// The same for '...'.
bool take_single_quoted(ByteView* rest, std::string* out) {
    while (!rest->empty() && rest->front() != '\'') {
        if (rest->front() == '\\' && rest->size() > 1 && (*rest)[1] == '\'') {
            rest->remove_prefix(1);
        }
        out->push_back(rest->front());
        rest->remove_prefix(1);
    }
    if (rest->empty()) {
        return false;
    }
    rest->remove_prefix(1);
    return rest->empty() || is_space(rest->front());
}

/// Appends the next word. A quote in the middle of a word opens a quoted part, which ends the word.
bool take_word(ByteView* rest, std::string* out) {
    while (!rest->empty() && !ends_word(rest->front())) {
        const char c = rest->front();
        rest->remove_prefix(1);
        if (c == '"') {
            return take_double_quoted(rest, out);
        }
        if (c == '\'') {
            return take_single_quoted(rest, out);
        }
        out->push_back(c);
    }
    return true;
}

using Spans = std::vector<std::pair<std::size_t, std::size_t>>;

bool split_words(ByteView line, std::string* bytes, Spans* spans) {
    while (true) {
        while (!line.empty() && is_space(line.front())) {
            line.remove_prefix(1);
        }
        if (line.empty()) {
            return true;
        }
        const std::size_t begin = bytes->size();
        if (!take_word(&line, bytes)) {
            return false;
        }
        spans->emplace_back(begin, bytes->size() - begin);
    }
}

}  // namespace

bool split_quoted(ByteView line, std::vector<std::string>* words) {
    std::string bytes;
    Spans spans;
    words->clear();
    if (!split_words(line, &bytes, &spans)) {
        return false;
    }
    words->reserve(spans.size());
    for (const auto& [offset, size] : spans) {
        words->push_back(bytes.substr(offset, size));
    }
    return true;
}

RespParser::RespParser(RespLimits limits) : limits_(limits) {}

void RespParser::set_limits(const RespLimits& limits) {
    limits_ = limits;
}

void RespParser::set_authenticated(bool authenticated) {
    authenticated_ = authenticated;
}

void RespParser::feed(ByteView bytes) {
    drop_consumed();
    make_room(bytes.size());
    buffer_.append(bytes);
}

void RespParser::drop_consumed() {
    if (consumed_ < buffer_.size() - consumed_) {
        return;
    }
    if (consumed_ == buffer_.size() && buffer_.capacity() > kMemoryKeptBytes) {
        std::string().swap(buffer_);  // An assignment would keep the memory.
    } else {
        buffer_.erase(0, consumed_);
    }
    position_ -= consumed_;
    scanned_ -= std::min(scanned_, consumed_);
    consumed_ = 0;
    request_bytes_ = 0;
}

/// Room for the whole bulk that is awaited as soon as an eighth of it is here: then it is moved
/// once, and nobody makes us reserve more than eight times what was sent.
void RespParser::make_room(std::size_t bytes) {
    const std::size_t size = buffer_.size() + bytes;
    if (size <= buffer_.capacity() || awaited_bytes() < kBigBulkBytes) {
        return;
    }
    const std::size_t whole = position_ + static_cast<std::size_t>(bulk_left_) + 2;
    buffer_.reserve(std::max(size, std::min(whole, 8 * size)));
}

std::size_t RespParser::awaited_bytes() const {
    return bulk_left_ > 0 ? static_cast<std::size_t>(bulk_left_) : 0;
}

RespParser::Outcome RespParser::fail(std::string text) {
    error_ = std::move(text);
    return Outcome::kError;
}

/// The line that begins at position_, without its end; moves behind its end. An `end` of '\r' has
/// one more byte, as Redis has it: nobody asks whether it is a '\n'.
bool RespParser::find_line(char end, ByteView* line) {
    const std::size_t from = std::max(position_, scanned_);
    const std::size_t found = buffer_.find(end, from);
    if (found == std::string::npos) {
        scanned_ = buffer_.size();
        return false;
    }
    scanned_ = found;
    const std::size_t end_bytes = end == '\r' ? 2 : 1;
    if (buffer_.size() - found < end_bytes) {
        return false;
    }
    *line = ByteView(buffer_).substr(position_, found - position_);
    position_ = found + end_bytes;
    return true;
}

/// The usual "*3\r\n" or "$12\r\n", all of it there and read in one go. False: nothing was read, it
/// takes the long way.
bool RespParser::take_short_number(char kind, std::int64_t* out) {
    constexpr std::ptrdiff_t kDigitsMax = 6;
    const char* const begin = buffer_.data() + position_;
    const char* const end = buffer_.data() + buffer_.size();
    if (end - begin < 4 || begin[0] != kind) {
        return false;
    }
    const char* at = begin + 1;
    const char* const last =
        at + std::min(kDigitsMax, end - at - 2);  // The line's end comes after.
    std::int64_t value = 0;
    for (; at < last && *at >= '0' && *at <= '9'; ++at) {
        value = value * 10 + (*at - '0');
    }
    const std::ptrdiff_t digits = at - begin - 1;
    if (digits == 0 || *at != '\r' || (begin[1] == '0' && digits > 1)) {
        return false;
    }
    position_ += static_cast<std::size_t>(digits) + 3;
    *out = value;
    return true;
}

/// There is no line yet: more bytes, unless there are too many already.
RespParser::Outcome RespParser::need_line(ByteView too_long) {
    if (buffer_.size() - position_ > limits_.inline_bytes_max) {
        return fail("Protocol error: " + std::string(too_long));
    }
    return Outcome::kNeedMore;
}

RespParser::Outcome RespParser::next() {
    if (!error_.empty()) {
        return Outcome::kError;
    }
    if (arguments_left_ < 0) {
        arguments_.clear();
        if (spans_.capacity() > kArgumentsKept) {
            // An assignment would keep the memory.
            std::vector<std::pair<std::size_t, std::size_t>>().swap(spans_);
            std::vector<ByteView>().swap(arguments_);
        }
        spans_.clear();
        if (consumed_ == buffer_.size()) {
            drop_consumed();
            return Outcome::kNeedMore;
        }
        if (buffer_[position_] != '*') {
            return next_inline();
        }
    }
    return next_array();
}

RespParser::Outcome RespParser::next_inline() {
    ByteView line;
    if (!find_line('\n', &line)) {
        return need_line("too big inline request");
    }
    if (line.size() > limits_.inline_bytes_max) {
        return fail("Protocol error: too big inline request");
    }
    unquoted_.clear();
    if (!split_words(line, &unquoted_, &spans_)) {
        return fail("Protocol error: unbalanced quotes in request");
    }
    for (const auto& [offset, size] : spans_) {
        arguments_.push_back(ByteView(unquoted_).substr(offset, size));
    }
    request_bytes_ = position_ - consumed_;
    consumed_ = position_;
    return Outcome::kRequest;
}

RespParser::Outcome RespParser::next_array() {
    if (arguments_left_ < 0) {
        if (const Outcome outcome = read_count(); outcome != Outcome::kRequest) {
            return outcome;
        }
    }
    while (arguments_left_ > 0) {
        if (const Outcome outcome = read_bulk(); outcome != Outcome::kRequest) {
            return outcome;
        }
    }
    return finish_array();
}

/// Reads "*3". kRequest: it is there.
RespParser::Outcome RespParser::read_count() {
    std::int64_t short_count = 0;
    std::optional<std::int64_t> count;
    if (take_short_number('*', &short_count)) {
        count = short_count;
    } else {
        ByteView line;
        if (!find_line('\r', &line)) {
            return need_line("too big mbulk count string");
        }
        count = parse_decimal(line.substr(1));
    }
    if (!count || *count > static_cast<std::int64_t>(limits_.arguments_max)) {
        return fail("Protocol error: invalid multibulk length");
    }
    if (!authenticated_ && *count > std::int64_t{kRespUnauthenticatedArgumentsMax}) {
        return fail("Protocol error: unauthenticated multibulk length");
    }
    arguments_left_ = std::max<std::int64_t>(*count, 0);
    return Outcome::kRequest;
}

/// Reads "$3" and the bulk, or what is missing of them. kRequest: it is there.
RespParser::Outcome RespParser::read_bulk() {
    if (bulk_left_ < 0) {
        std::int64_t short_size = 0;
        std::optional<std::int64_t> size;
        if (take_short_number('$', &short_size)) {
            size = short_size;
        } else {
            ByteView line;
            const std::size_t begin = position_;
            if (!find_line('\r', &line)) {
                return need_line("too big bulk count string");
            }
            if (buffer_[begin] != '$') {
                return fail(
                    std::string("Protocol error: expected '$', got '") + buffer_[begin] + "'"
                );
            }
            size = parse_decimal(line.substr(1));
        }
        if (!size || *size < 0 || *size > static_cast<std::int64_t>(limits_.bulk_bytes_max)) {
            return fail("Protocol error: invalid bulk length");
        }
        if (!authenticated_ && *size > std::int64_t{kRespUnauthenticatedBulkBytesMax}) {
            return fail("Protocol error: unauthenticated bulk length");
        }
        bulk_left_ = *size;
    }
    const auto size = static_cast<std::size_t>(bulk_left_);
    if (buffer_.size() - position_ < size + 2) {
        return Outcome::kNeedMore;
    }
    spans_.emplace_back(position_ - consumed_, size);
    position_ += size + 2;
    bulk_left_ = -1;
    --arguments_left_;
    return Outcome::kRequest;
}

RespParser::Outcome RespParser::finish_array() {
    arguments_.reserve(spans_.size());
    for (const auto& [offset, size] : spans_) {
        arguments_.push_back(ByteView(buffer_).substr(consumed_ + offset, size));
    }
    arguments_left_ = -1;
    request_bytes_ = position_ - consumed_;
    consumed_ = position_;
    return Outcome::kRequest;
}

}  // namespace kumo::wire
