#pragma once

#include "base/bytes.h"

#include <cstddef>
#include <cstdint>
#include <string>

namespace kumo::kv {

/// Makes a listpack (packed.h), element by element.
class ListpackWriter {
public:
    ListpackWriter() { clear(); }

    void text(ByteView bytes);
    void number(std::int64_t value);
    /// Text, or a number where the text is the number's own.
    void element(ByteView bytes);

    std::size_t bytes() const { return blob_.size(); }

    std::size_t count() const { return count_; }

    /// The blob, complete. Only clear() may follow.
    ByteView finish();
    void clear();

private:
    void end_element(std::size_t begin);

    std::string blob_;
    std::size_t count_ = 0;
};

}  // namespace kumo::kv
