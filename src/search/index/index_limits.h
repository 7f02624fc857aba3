#pragma once

#include <cstddef>
#include <cstdint>

namespace kumo::search {

/// When a live segment is due to be sealed, and when writes must wait until it is.
struct IndexLimits {
    std::uint32_t live_docs_max = 64 * 1024;
    std::size_t live_bytes_max = std::size_t{64} << 20;
    std::uint32_t live_docs_hard_max = 256 * 1024;
    std::size_t live_bytes_hard_max = std::size_t{256} << 20;
    std::uint32_t merge_factor = 8;           ///< Segments of one size class that are merged.
    std::uint32_t merged_docs_max = 4 << 20;  ///< Segments above this are not merged any more.
};

}  // namespace kumo::search
