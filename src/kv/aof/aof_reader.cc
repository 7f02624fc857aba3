#include "kv/aof/aof_reader.h"

#include "wire/decimal.h"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

namespace kumo::kv {

namespace {

/// A longer line with a count, or a comment, is damage.
constexpr std::size_t kLineBytesMax = 1024;

bool is_word(ByteView text, ByteView upper) {
    return std::equal(text.begin(), text.end(), upper.begin(), upper.end(), [](char a, char b) {
        return (a >= 'a' && a <= 'z' ? a - 'a' + 'A' : a) == b;
    });
}

}  // namespace

AofReader::AofReader(ByteView bytes, RdbSink& keys, AofSink& commands, AofReadOptions options)
    : bytes_(bytes),
      commands_(commands),
      options_(options),
      rdb_(bytes, keys, options.rdb),
      in_preamble_(looks_like_rdb(bytes)) {}

Status AofReader::read_all() {
    while (true) {
        KUMO_TRY_ASSIGN(const bool more, read_some());
        if (!more) {
            return {};
        }
    }
}

Result<bool> AofReader::read_some() {
    if (in_preamble_) {
        return read_preamble();
    }
    if (truncated_ || at_ == bytes_.size()) {
        return false;
    }
    if (bytes_[at_] == '#') {
        KUMO_TRY(read_annotation());
        valid_ = truncated_ ? valid_ : at_;
        return !truncated_;
    }
    const Parsed parsed = parse_command(&arguments_);
    if (parsed != Parsed::kDone) {
        KUMO_TRY(stopped(parsed));
        return false;
    }
    KUMO_TRY(is_word(arguments_[0], "MULTI") ? read_transaction() : emit(arguments_));
    if (!truncated_) {
        valid_ = at_;
    }
    return !truncated_;
}

Result<bool> AofReader::read_preamble() {
    KUMO_TRY_ASSIGN(const bool more, rdb_.read_some());
    if (!more) {
        in_preamble_ = false;
        at_ = rdb_.position();
        valid_ = at_;
    }
    return true;
}

/// Reads to the EXEC before it tells of anything: without it nothing was done.
Status AofReader::read_transaction() {
    std::vector<std::vector<ByteView>> queued;
    while (true) {
        if (at_ < bytes_.size() && bytes_[at_] == '#') {
            KUMO_TRY(read_annotation());
            if (truncated_) {
                return {};
            }
            continue;
        }
        std::vector<ByteView> command;
        if (const Parsed parsed = parse_command(&command); parsed != Parsed::kDone) {
            return stopped(parsed);
        }
        if (is_word(command[0], "EXEC")) {
            break;
        }
        queued.push_back(std::move(command));
    }
    for (const auto& command : queued) {
        KUMO_TRY(emit(command));
    }
    return {};
}

Status AofReader::emit(std::span<const ByteView> arguments) {
    ++command_count_;
    return commands_.on_command(arguments);
}

/// "#TS:1628217470", or another comment.
Status AofReader::read_annotation() {
    const std::size_t end = bytes_.substr(at_, kLineBytesMax).find('\n');
    if (end == ByteView::npos) {
        const bool cut_off = bytes_.size() - at_ < kLineBytesMax;
        return stopped(cut_off ? Parsed::kCutOff : Parsed::kDamaged);
    }
    ByteView line = bytes_.substr(at_, end);
    at_ += end + 1;
    if (line.substr(0, 4) != "#TS:") {
        return {};
    }
    line.remove_prefix(4);
    if (!line.empty() && line.back() == '\r') {
        line.remove_suffix(1);
    }
    if (const auto seconds = wire::parse_decimal(line)) {
        return commands_.on_timestamp(*seconds);
    }
    return {};
}

/// Takes "*3\r\n" or "$3\r\n".
AofReader::Parsed AofReader::take_count(char type, std::size_t* count) {
    const ByteView rest = bytes_.substr(at_);
    if (rest.empty()) {
        return Parsed::kCutOff;
    }
    const std::size_t end = rest.substr(0, kLineBytesMax).find("\r\n");
    if (rest[0] != type) {
        return Parsed::kDamaged;
    }
    if (end == ByteView::npos) {
        return rest.size() < kLineBytesMax ? Parsed::kCutOff : Parsed::kDamaged;
    }
    const auto value = wire::parse_decimal(rest.substr(1, end - 1));
    if (!value || *value < 0 || *value > std::numeric_limits<std::int32_t>::max()) {
        return Parsed::kDamaged;
    }
    *count = static_cast<std::size_t>(*value);
    at_ += end + 2;
    return Parsed::kDone;
}

AofReader::Parsed AofReader::parse_command(std::vector<ByteView>* arguments) {
    arguments->clear();
    std::size_t count = 0;
    if (const Parsed parsed = take_count('*', &count); parsed != Parsed::kDone) {
        return parsed;
    }
    if (count == 0) {
        return Parsed::kDamaged;
    }
    for (; count > 0; --count) {
        std::size_t size = 0;
        if (const Parsed parsed = take_count('$', &size); parsed != Parsed::kDone) {
            return parsed;
        }
        const ByteView rest = bytes_.substr(at_);
        if (rest.size() < size || rest.size() - size < 2) {
            return Parsed::kCutOff;
        }
        if (rest.substr(size, 2) != "\r\n") {
            return Parsed::kDamaged;
        }
        arguments->push_back(rest.substr(0, size));
        at_ += size + 2;
    }
    return Parsed::kDone;
}

Status AofReader::stopped(Parsed why) {
    const std::string place = " (after byte " + std::to_string(valid_) + ")";
    if (why == Parsed::kDamaged) {
        return corruption("Bad file format reading the append only file" + place);
    }
    if (!options_.allow_truncated) {
        return corruption("Unexpected end of file reading the append only file" + place);
    }
    truncated_ = true;
    return {};
}

}  // namespace kumo::kv
