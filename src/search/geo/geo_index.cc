#include "search/geo/geo_index.h"

#include "search/text/section_file.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

namespace kumo::search {

namespace {

constexpr std::uint32_t kGeoMagic = 0x4f45474b;  // "KGEO"
constexpr std::uint32_t kGeoVersion = 1;

struct Header {
    std::uint32_t magic;
    std::uint32_t version;
    std::uint64_t count;
};

struct Entry {
    std::int64_t code;
    std::uint32_t doc;
};

}  // namespace

Result<std::unique_ptr<GeoIndex>>
GeoIndex::open(const SectionFile& file, const std::string& prefix, std::uint32_t doc_count) {
    KUMO_TRY_ASSIGN(const ByteView meta, file.section(prefix + ".meta"));
    if (meta.size() != sizeof(Header)) {
        return corruption("index `" + prefix + "` has a header of the wrong size");
    }
    const auto header = load_unaligned<Header>(meta.data());
    if (header.magic != kGeoMagic || header.version != kGeoVersion) {
        return corruption("index `" + prefix + "` has a header that is not one");
    }
    std::unique_ptr<GeoIndex> out(new GeoIndex);
    KUMO_TRY_ASSIGN(out->codes_, file.section(prefix + ".codes"));
    KUMO_TRY_ASSIGN(out->docs_, file.section(prefix + ".docs"));
    out->count_ = header.count;
    if (header.count != out->codes_.size() / sizeof(std::int64_t)
        || out->codes_.size() % sizeof(std::int64_t) != 0
        || header.count != out->docs_.size() / sizeof(std::uint32_t)
        || out->docs_.size() % sizeof(std::uint32_t) != 0) {
        return corruption("index `" + prefix + "` has sections of the wrong size");
    }
    for (std::uint64_t i = 0; i < out->count_; ++i) {
        if (out->doc(i) >= doc_count || (i > 0 && out->code(i) < out->code(i - 1))) {
            return corruption("index `" + prefix + "` is not in order");
        }
    }
    return out;
}

std::uint64_t GeoIndex::lower_bound(std::uint64_t from, std::int64_t code_wanted) const {
    std::uint64_t to = count_;
    while (from < to) {
        const std::uint64_t middle = from + (to - from) / 2;
        if (code(middle) < code_wanted) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    return from;
}

void GeoIndex::match(const GeoRegion& region, Bitmap& out) const {
    std::uint64_t at = 0;
    for (const CodeRange& range : region.covering()) {
        at = lower_bound(at, range.first);
        for (; at < count_ && code(at) <= range.last; ++at) {
            if (range.inside || region.contains(point_of_code(code(at)))) {
                out.set(doc(at));
            }
        }
    }
}

void write_geo_index(
    std::span<const ColumnSource> sources,
    SectionFileBuilder& out,
    const std::string& prefix
) {
    std::vector<Entry> entries;
    for (const ColumnSource& source : sources) {
        for (std::uint32_t doc = 0; source.column != nullptr && doc < source.new_ids.size();
             ++doc) {
            if (source.new_ids[doc] == kDroppedDoc) {
                continue;
            }
            const auto range = source.column->values_of(doc);
            for (std::uint64_t i = range.begin; i < range.end; ++i) {
                entries.push_back({source.column->value(i), source.new_ids[doc]});
            }
        }
    }
    std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
        return a.code != b.code ? a.code < b.code : a.doc < b.doc;
    });
    std::string meta;
    append_fixed(meta, Header{kGeoMagic, kGeoVersion, entries.size()});
    std::string codes;
    std::string docs;
    codes.reserve(entries.size() * sizeof(std::int64_t));
    docs.reserve(entries.size() * sizeof(std::uint32_t));
    for (const Entry& entry : entries) {
        append_fixed(codes, entry.code);
        append_fixed(docs, entry.doc);
    }
    out.add(prefix + ".meta", meta);
    out.add(prefix + ".codes", codes);
    out.add(prefix + ".docs", docs);
}

namespace {

bool has_code(const GeoRegion& region, std::int64_t code) {
    const std::vector<CodeRange>& covering = region.covering();
    const auto after = std::upper_bound(
        covering.begin(),
        covering.end(),
        code,
        [](std::int64_t wanted, const CodeRange& range) { return wanted < range.first; }
    );
    if (after == covering.begin() || std::prev(after)->last < code) {
        return false;
    }
    return std::prev(after)->inside || region.contains(point_of_code(code));
}

}  // namespace

void match_points(const ColumnReader& column, const GeoRegion& region, Bitmap& out) {
    for (std::uint32_t doc = 0; doc < column.doc_count(); ++doc) {
        const auto range = column.values_of(doc);
        for (std::uint64_t i = range.begin; i < range.end && !out.test(doc); ++i) {
            if (has_code(region, column.value(i))) {
                out.set(doc);
            }
        }
    }
}

namespace {

/// False if the polygon surely has not the point: told without trigonometry, for most polygons.
/// Along an edge the longitude goes one way, and the latitude is at most half the edge's length
/// above or below its ends.
bool may_contain(const std::vector<GeoPoint>& vertices, GeoPoint point) {
    double south = 90;
    double north = -90;
    double west = 0;
    double east = 0;
    double turned = 0;
    double longest = 0;
    for (std::size_t i = 0; i < vertices.size(); ++i) {
        const GeoPoint& a = vertices[i];
        const GeoPoint& b = vertices[(i + 1) % vertices.size()];
        const double across = std::remainder(b.lng - a.lng, 360);
        south = std::min(south, a.lat);
        north = std::max(north, a.lat);
        turned += across;
        west = std::min(west, turned);
        east = std::max(east, turned);
        longest = std::max(longest, std::abs(b.lat - a.lat) + std::abs(across));
    }
    if (std::abs(turned) > 1 || longest >= 179) {
        return true;  // It goes around a pole, or nearly through one.
    }
    constexpr double kSlack = 1e-6;
    const double reach = longest / 2 + kSlack;
    if (point.lat < south - reach || point.lat > north + reach) {
        return false;
    }
    // How far east of the most western point, going around.
    const double from_west = point.lng - (vertices[0].lng + west) + kSlack;
    return from_west - std::floor(from_west / 360) * 360 <= east - west + 2 * kSlack;
}

}  // namespace

void match_polygons(const ColumnReader& column, GeoPoint point, Bitmap& out) {
    const Vector3 wanted = vector_of(point);
    std::vector<GeoPoint> vertices;
    for (std::uint32_t doc = 0; doc < column.doc_count(); ++doc) {
        const auto range = column.values_of(doc);
        vertices.clear();
        for (std::uint64_t i = range.begin; i < range.end; ++i) {
            vertices.push_back(point_of_code(column.value(i)));
        }
        if (vertices.empty() || !may_contain(vertices, point)) {
            continue;
        }
        const auto polygon = GeoPolygon::of_checked(vertices);
        if (polygon.ok() && polygon.value().contains(wanted)) {
            out.set(doc);
        }
    }
}

}  // namespace kumo::search
