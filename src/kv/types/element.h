#pragma once

#include "base/bytes.h"

#include <cstddef>
#include <cstdint>
#include <optional>

namespace kumo::kv {

/// One element as it lies in a value: a view of bytes, or a number whose digits are in here. Valid
/// until the value changes.
class Element {
public:
    Element() = default;

    explicit Element(ByteView text) : text_(text) {}

    explicit Element(std::int64_t value);

    /// Valid as long as this Element and the value it came from are.
    ByteView view() const { return size_ == 0 ? text_ : ByteView(digits_, size_); }

private:
    ByteView text_;
    char digits_[23] = {};
    unsigned char size_ = 0;  ///< 0: text_ counts.
};

}  // namespace kumo::kv
