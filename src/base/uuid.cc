#include "base/uuid.h"

#include <algorithm>

namespace kumo {

namespace {

constexpr char kDigits[] = "0123456789abcdef";
constexpr std::size_t kTextBytes = 36;

bool is_dash_place(std::size_t place) {
    return place == 8 || place == 13 || place == 18 || place == 23;
}

std::optional<unsigned> hex_value(char c) {
    if (c >= '0' && c <= '9') {
        return static_cast<unsigned>(c - '0');
    }
    if (c >= 'a' && c <= 'f') {
        return static_cast<unsigned>(c - 'a' + 10);
    }
    if (c >= 'A' && c <= 'F') {
        return static_cast<unsigned>(c - 'A' + 10);
    }
    return std::nullopt;
}

}  // namespace

std::string Uuid::to_string() const {
    std::string text;
    for (const std::uint8_t byte : bytes) {
        if (is_dash_place(text.size())) {
            text.push_back('-');
        }
        text.push_back(kDigits[byte >> 4U]);
        text.push_back(kDigits[byte & 0xFU]);
    }
    return text;
}

Uuid make_uuid(Random& random) {
    Uuid uuid;
    for (std::size_t i = 0; i < uuid.bytes.size(); i += 8) {
        std::uint64_t word = random.next();
        for (std::size_t j = 0; j < 8; ++j) {
            uuid.bytes[i + j] = static_cast<std::uint8_t>(word & 0xFFU);
            word >>= 8U;
        }
    }
    uuid.bytes[6] = static_cast<std::uint8_t>((uuid.bytes[6] & 0x0FU) | 0x40U);
    uuid.bytes[8] = static_cast<std::uint8_t>((uuid.bytes[8] & 0x3FU) | 0x80U);
    return uuid;
}

std::optional<Uuid> parse_uuid(ByteView text) {
    if (text.size() != kTextBytes) {
        return std::nullopt;
    }
    Uuid uuid;
    std::size_t digit = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (is_dash_place(i)) {
            if (text[i] != '-') {
                return std::nullopt;
            }
            continue;
        }
        const auto value = hex_value(text[i]);
        if (!value) {
            return std::nullopt;
        }
        std::uint8_t& byte = uuid.bytes[digit / 2];
        byte = static_cast<std::uint8_t>((unsigned{byte} << 4U) | *value);
        ++digit;
    }
    return uuid;
}

std::optional<Uuid> uuid_from_bytes(ByteView bytes) {
    Uuid uuid;
    if (bytes.size() != uuid.bytes.size()) {
        return std::nullopt;
    }
    std::copy(bytes.begin(), bytes.end(), uuid.bytes.begin());
    return uuid;
}

}  // namespace kumo
