#pragma once

#include <cstdint>

namespace kumo::search {

/// A field's length in tokens as one byte: exact below 40, then 4 significant bits. The encoding is
/// Lucene's SmallFloat.intToByte4, so BM25 scores agree with Elasticsearch's. Stateless.
std::uint8_t encode_norm(std::uint32_t length) noexcept;

/// The smallest length that encodes to this byte.
std::uint32_t decode_norm(std::uint8_t norm) noexcept;

}  // namespace kumo::search
