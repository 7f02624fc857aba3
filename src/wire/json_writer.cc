#include "wire/json_writer.h"

#include "wire/utf8.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>

namespace kumo::wire {

namespace {

/// 0: copy as it is. 1: \u00XX. 2: start of a multi-byte sequence. Else: the letter of \x.
constexpr std::array<char, 256> make_escape_table() {
    std::array<char, 256> table{};
    for (std::size_t i = 0; i < 0x20; ++i) {
        table[i] = 1;
    }
    for (std::size_t i = 0x80; i < 0x100; ++i) {
        table[i] = 2;
    }
    table['\b'] = 'b';
    table['\f'] = 'f';
    table['\n'] = 'n';
    table['\r'] = 'r';
    table['\t'] = 't';
    table['"'] = '"';
    table['\\'] = '\\';
    return table;
}

constexpr std::array<char, 256> kEscape = make_escape_table();

void append_escape(std::string& out, unsigned char c, char kind) {
    out.push_back('\\');
    if (kind != 1) {
        out.push_back(kind);
        return;
    }
    constexpr const char* kHex = "0123456789abcdef";
    out.append("u00");
    out.push_back(kHex[c >> 4]);
    out.push_back(kHex[c & 0xF]);
}

/// True if none of the eight bytes is a control character, '"', '\\' or the start of a sequence.
bool eight_plain(const char* at) {
    constexpr std::uint64_t kOnes = 0x0101010101010101ULL;
    constexpr std::uint64_t kHighs = 0x8080808080808080ULL;
    const auto x = load_unaligned<std::uint64_t>(at);
    const auto has_zero = [](std::uint64_t v) {
        return (v - kOnes) & ~v & kHighs;
    };
    const std::uint64_t below_space = (x - kOnes * 0x20) & ~x & kHighs;
    return ((x & kHighs) | below_space | has_zero(x ^ (kOnes * '"')) | has_zero(x ^ (kOnes * '\\')))
           == 0;
}

template <typename T>
void append_number(std::string& out, T value) {
    std::array<char, 32> digits;
    const auto written = std::to_chars(digits.data(), digits.data() + digits.size(), value);
    out.append(digits.data(), written.ptr);
}

template <typename T>
void append_floating(std::string& out, T value) {
    if (!std::isfinite(value)) {
        out.append("null");
        return;
    }
    const std::size_t begin = out.size();
    append_number(out, value);
    if (out.find_first_of(".e", begin) == std::string::npos) {
        out.append(".0");
    }
}

}  // namespace

void append_json_string(std::string& out, ByteView text) {
    out.push_back('"');
    std::size_t copied = 0;
    for (std::size_t i = 0; i < text.size();) {
        if (i + 8 <= text.size() && eight_plain(text.data() + i)) {
            i += 8;
            continue;
        }
        const auto c = static_cast<unsigned char>(text[i]);
        const char kind = kEscape[c];
        if (kind == 0) {
            ++i;
            continue;
        }
        if (kind == 2) {
            const DecodedCodePoint d = utf8_decode(text.substr(i, 4));
            if (!d.valid) {
                out.append(text.substr(copied, i - copied));
                append_utf8(out, kReplacementCharacter);
                copied = i + d.bytes;
            }
            i += d.bytes;
            continue;
        }
        out.append(text.substr(copied, i - copied));
        append_escape(out, c, kind);
        copied = ++i;
    }
    out.append(text.substr(copied));
    out.push_back('"');
}

void append_json_double(std::string& out, double value) {
    append_floating(out, value);
}

void JsonWriter::separate() {
    if (comma_) {
        out_.push_back(',');
    }
    comma_ = true;
}

JsonWriter& JsonWriter::begin_object() {
    separate();
    out_.push_back('{');
    comma_ = false;
    return *this;
}

JsonWriter& JsonWriter::end_object() {
    out_.push_back('}');
    comma_ = true;
    return *this;
}

JsonWriter& JsonWriter::begin_array() {
    separate();
    out_.push_back('[');
    comma_ = false;
    return *this;
}

JsonWriter& JsonWriter::end_array() {
    out_.push_back(']');
    comma_ = true;
    return *this;
}

JsonWriter& JsonWriter::key(ByteView name) {
    separate();
    append_json_string(out_, name);
    out_.push_back(':');
    comma_ = false;
    return *this;
}

JsonWriter& JsonWriter::string(ByteView text) {
    separate();
    append_json_string(out_, text);
    return *this;
}

JsonWriter& JsonWriter::integer(std::int64_t value) {
    separate();
    append_number(out_, value);
    return *this;
}

JsonWriter& JsonWriter::unsigned_integer(std::uint64_t value) {
    separate();
    append_number(out_, value);
    return *this;
}

JsonWriter& JsonWriter::number(double value) {
    separate();
    append_floating(out_, value);
    return *this;
}

JsonWriter& JsonWriter::number_float(float value) {
    separate();
    append_floating(out_, value);
    return *this;
}

JsonWriter& JsonWriter::boolean(bool value) {
    return raw(value ? "true" : "false");
}

JsonWriter& JsonWriter::null() {
    return raw("null");
}

JsonWriter& JsonWriter::raw(ByteView json) {
    separate();
    out_.append(json);
    return *this;
}

JsonWriter& JsonWriter::value(JsonValue value) {
    switch (value.type()) {
        case JsonType::kNull: return null();
        case JsonType::kBool: return boolean(value.as_bool());
        case JsonType::kInt64: return integer(value.as_int64());
        case JsonType::kUint64: return unsigned_integer(value.as_uint64());
        case JsonType::kDouble: return number(value.as_double());
        case JsonType::kString: return string(value.as_string());
        case JsonType::kArray:
            begin_array();
            for (const JsonValue element : value.as_array()) {
                this->value(element);
            }
            return end_array();
        case JsonType::kObject:
            begin_object();
            for (const JsonMember member : value.as_object()) {
                key(member.key).value(member.value);
            }
            return end_object();
    }
    return *this;
}

}  // namespace kumo::wire
