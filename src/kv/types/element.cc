#include "kv/types/element.h"

#include <charconv>

namespace kumo::kv {

std::optional<std::int64_t> canonical_integer(ByteView text) {
    if (text.empty() || text.size() > 20) {
        return std::nullopt;
    }
    const std::size_t digits_at = text[0] == '-' ? 1 : 0;
    if (digits_at == text.size()) {
        return std::nullopt;
    }
    if (text[digits_at] == '0') {
        return text.size() == 1 ? std::optional<std::int64_t>(0) : std::nullopt;
    }
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) {
        return std::nullopt;
    }
    return value;
}

Element::Element(std::int64_t value) {
    const auto [end, error] = std::to_chars(digits_, digits_ + sizeof(digits_), value);
    static_cast<void>(error);  // 20 characters are the most there can be.
    size_ = static_cast<unsigned char>(end - digits_);
}

}  // namespace kumo::kv
