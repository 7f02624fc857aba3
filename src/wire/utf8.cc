#include "wire/utf8.h"

namespace kumo::wire {

namespace {

/// Length of the sequence that a lead byte opens and the range its second byte must be in
/// (Unicode 15, table 3-7: this is where overlong forms and surrogates are refused).
struct Lead {
    std::uint8_t bytes;
    unsigned char second_min;
    unsigned char second_max;
};

constexpr Lead classify(unsigned char b) {
    if (b < 0x80) {
        return {1, 0, 0};
    }
    if (b >= 0xC2 && b <= 0xDF) {
        return {2, 0x80, 0xBF};
    }
    if (b >= 0xE0 && b <= 0xEF) {
        const unsigned char low = b == 0xE0 ? 0xA0 : 0x80;
        const unsigned char high = b == 0xED ? 0x9F : 0xBF;
        return {3, low, high};
    }
    if (b >= 0xF0 && b <= 0xF4) {
        const unsigned char low = b == 0xF0 ? 0x90 : 0x80;
        const unsigned char high = b == 0xF4 ? 0x8F : 0xBF;
        return {4, low, high};
    }
    return {0, 0, 0};
}

bool all_ascii(const char* at) {
    return (load_unaligned<std::uint64_t>(at) & 0x8080808080808080ULL) == 0;
}

}  // namespace

DecodedCodePoint utf8_decode(ByteView bytes) noexcept {
    if (bytes.empty()) {
        return {};
    }
    const auto first = static_cast<unsigned char>(bytes[0]);
    const Lead lead = classify(first);
    if (lead.bytes == 1) {
        return {first, 1, true};
    }
    if (lead.bytes == 0) {
        return {kReplacementCharacter, 1, false};
    }
    char32_t code_point = first & (0xFFU >> (lead.bytes + 1));
    for (std::uint8_t i = 1; i < lead.bytes; ++i) {
        const unsigned char b = i < bytes.size() ? static_cast<unsigned char>(bytes[i]) : 0;
        const unsigned char low = i == 1 ? lead.second_min : 0x80;
        const unsigned char high = i == 1 ? lead.second_max : 0xBF;
        if (b < low || b > high) {
            return {kReplacementCharacter, i, false};
        }
        code_point = (code_point << 6) | (b & 0x3FU);
    }
    return {code_point, lead.bytes, true};
}

std::size_t utf8_valid_prefix(ByteView bytes) noexcept {
    std::size_t i = 0;
    while (i < bytes.size()) {
        if (i + 8 <= bytes.size() && all_ascii(bytes.data() + i)) {
            i += 8;
            continue;
        }
        const DecodedCodePoint d = utf8_decode(bytes.substr(i, 4));
        if (!d.valid) {
            return i;
        }
        i += d.bytes;
    }
    return i;
}

bool utf8_valid(ByteView bytes) noexcept {
    return utf8_valid_prefix(bytes) == bytes.size();
}

void append_utf8(std::string& out, char32_t code_point) {
    if (code_point > 0x10FFFF || (code_point >= 0xD800 && code_point <= 0xDFFF)) {
        code_point = kReplacementCharacter;
    }
    const auto trail = [&](int shift) {
        out.push_back(static_cast<char>(0x80U | ((code_point >> shift) & 0x3FU)));
    };
    if (code_point < 0x80) {
        out.push_back(static_cast<char>(code_point));
    } else if (code_point < 0x800) {
        out.push_back(static_cast<char>(0xC0U | (code_point >> 6)));
        trail(0);
    } else if (code_point < 0x10000) {
        out.push_back(static_cast<char>(0xE0U | (code_point >> 12)));
        trail(6);
        trail(0);
    } else {
        out.push_back(static_cast<char>(0xF0U | (code_point >> 18)));
        trail(12);
        trail(6);
        trail(0);
    }
}

std::string utf8_repair(ByteView bytes) {
    std::string out;
    out.reserve(bytes.size());
    while (!bytes.empty()) {
        const std::size_t good = utf8_valid_prefix(bytes);
        out.append(bytes.substr(0, good));
        bytes.remove_prefix(good);
        if (!bytes.empty()) {
            append_utf8(out, kReplacementCharacter);
            bytes.remove_prefix(utf8_decode(bytes.substr(0, 4)).bytes);
        }
    }
    return out;
}

}  // namespace kumo::wire
