#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "search/column/bitmap.h"
#include "search/column/column.h"
#include "search/geo/geo_region.h"

#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace kumo::search {

/// The points of one field of a sealed segment in the order of their codes: a region's ranges of
/// codes are found by halving. Immutable; any thread. Its bytes are the segment file's.
class GeoIndex {
public:
    /// kCorruption for bytes that are no index of `doc_count` documents.
    static Result<std::unique_ptr<GeoIndex>>
    open(const SectionFile& file, const std::string& prefix, std::uint32_t doc_count);

    /// Sets the bits of the documents with a point in the region.
    void match(const GeoRegion& region, Bitmap& out) const;

private:
    GeoIndex() = default;

    std::int64_t code(std::uint64_t i) const {
        return load_unaligned<std::int64_t>(codes_.data() + i * sizeof(std::int64_t));
    }

    std::uint32_t doc(std::uint64_t i) const {
        return load_unaligned<std::uint32_t>(docs_.data() + i * sizeof(std::uint32_t));
    }

    std::uint64_t lower_bound(std::uint64_t from, std::int64_t code) const;

    std::uint64_t count_ = 0;
    ByteView codes_;
    ByteView docs_;
};

/// Writes the index over the columns' documents, as sections named `prefix` + ".meta" and so on
/// (docs/formats/segment.md).
void write_geo_index(
    std::span<const ColumnSource> sources,
    SectionFileBuilder& out,
    const std::string& prefix
);

/// The same as GeoIndex::match, by looking at every point of a column.
void match_points(const ColumnReader& column, const GeoRegion& region, Bitmap& out);

/// Sets the bits of the documents whose polygon, the vertices in document order, has the point.
void match_polygons(const ColumnReader& column, GeoPoint point, Bitmap& out);

}  // namespace kumo::search
