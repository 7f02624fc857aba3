#pragma once

#include "search/text/internal/bit_pack.h"
#include "search/text/postings_cursor.h"

#include <array>
#include <cstdint>
#include <vector>

namespace kumo::search {

/// Reads the position gaps of a sealed term from its first document on, as they were encoded. One
/// owner; the cursor must stay open on the term.
class PositionStream {
public:
    explicit PositionStream(const PostingsCursor& cursor);

    /// False when the term has no more.
    bool next(std::uint32_t& gap);

    /// All of a long term that were not read yet.
    void append_all(std::vector<std::uint32_t>& out);

private:
    const PostingsView& view_;
    const std::uint8_t* short_at_ = nullptr;
    const std::uint8_t* short_end_ = nullptr;
    std::uint64_t entry_ = 0;
    std::array<std::uint32_t, kPackCount> group_{};
};

}  // namespace kumo::search
