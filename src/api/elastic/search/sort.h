#pragma once

#include "api/elastic/json.h"
#include "api/elastic/search/hit.h"
#include "api/elastic/search/target.h"
#include "base/result.h"
#include "search/geo/geo_point.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace kumo::api_elastic {

/// `index.max_...`: parts of one sort.
inline constexpr std::size_t kSortPartsMax = 32;

/// One part of "sort".
struct SortPart {
    enum class By : std::uint8_t {
        kScore,
        kDoc,
        kField,
        kDistance,
        kScript,  ///< The search makes its keys.
    };

    By by = By::kField;
    std::string field;
    bool descending = false;
    std::string mode;  ///< "min", "max", "avg", "sum", "median"; empty: as the order says.
    Json missing;      ///< "_last", "_first", or a value.
    std::string unmapped_type;
    std::string format;
    std::vector<search::GeoPoint> points;
    double unit_meters = 1;
    Json script;        ///< Of kScript.
    bool text = false;  ///< Its values are.
};

/// "sort" of a body; parsing_exception, illegal_argument_exception.
Result<std::vector<SortPart>> parse_sort(const Json& json);
/// "a:desc,b" of a query string.
std::vector<SortPart> parse_sort_parameter(const std::string& text);

/// Sorts what a search has found. Made for its targets. query_shard_exception for fields that
/// cannot be sorted by.
class Sorter {
public:
    static Result<Sorter>
    make(std::vector<SortPart> parts, const std::vector<SearchTarget>& targets);

    bool by_score_only() const;
    bool needs_scores() const;

    const std::vector<SortPart>& parts() const { return parts_; }

    /// Fills hit.keys.
    void read_keys(const std::vector<SearchTarget>& targets, Hit& hit) const;
    bool less(const Hit& a, const Hit& b) const;

    /// "search_after" of a body as keys. illegal_argument_exception.
    Result<std::vector<SortKey>>
    parse_after(const Json& after, const std::vector<SearchTarget>& targets) const;
    bool is_after(const Hit& hit, const std::vector<SortKey>& after) const;

    /// The "sort" of a hit.
    Json values(const std::vector<SearchTarget>& targets, const Hit& hit) const;

private:
    int compare(const SortKey& a, const SortKey& b, const SortPart& part) const;

    std::vector<SortPart> parts_;
    /// Of each part, of each target: the field's position, if it has it.
    std::vector<std::vector<std::optional<std::size_t>>> fields_;
};

}  // namespace kumo::api_elastic
