#include "kv/types/element.h"

#include <charconv>

namespace kumo::kv {

Element::Element(std::int64_t value) {
    const auto [end, error] = std::to_chars(digits_, digits_ + sizeof(digits_), value);
    static_cast<void>(error);  // 20 characters are the most there can be.
    size_ = static_cast<unsigned char>(end - digits_);
}

}  // namespace kumo::kv
