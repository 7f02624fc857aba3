#include "api/elastic/search/sort.h"

#include "api/elastic/fault.h"
#include "api/elastic/mapping/geo_values.h"
#include "api/elastic/request.h"
#include "search/analysis/chain.h"
#include "search/column/codes.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <tuple>
#include <utility>

namespace kumo::api_elastic {

namespace {

double meters_of(const std::string& unit) {
    static const std::map<std::string, double> kUnits = {
        {"m", 1},
        {"meters", 1},
        {"km", 1000},
        {"kilometers", 1000},
        {"mi", 1609.344},
        {"miles", 1609.344},
        {"cm", 0.01},
        {"mm", 0.001},
        {"ft", 0.3048},
        {"feet", 0.3048},
        {"yd", 0.9144},
        {"in", 0.0254},
        {"nmi", 1852},
        {"NM", 1852}};
    const auto found = kUnits.find(unit);
    return found == kUnits.end() ? 1 : found->second;
}

Result<bool> descending_of(const std::string& order) {
    if (order == "asc" || order == "desc") {
        return order == "desc";
    }
    return illegal_argument("No enum constant org.opensearch.search.sort.SortOrder." + order);
}

SortPart simple(const std::string& name) {
    SortPart out;
    out.field = name;
    if (name == "_score") {
        out.by = SortPart::By::kScore;
        out.descending = true;
    } else if (name == "_doc" || name == "_shard_doc") {
        out.by = SortPart::By::kDoc;
    }
    return out;
}

Status read_points(const Json& value, std::vector<search::GeoPoint>& out) {
    const bool pair = value.is_array() && !value.empty() && value.items().front().is_number();
    if (value.is_array() && !pair) {
        for (const Json& one : value.items()) {
            KUMO_TRY(read_points(one, out));
        }
        return {};
    }
    KUMO_TRY_ASSIGN(const search::GeoPoint point, parse_geo_point(value));
    out.push_back(point);
    return {};
}

Status read_option(const std::string& name, const Json& value, SortPart& out) {
    if (name == "order") {
        KUMO_TRY_ASSIGN(out.descending, descending_of(value.text()));
    } else if (name == "mode") {
        out.mode = value.text();
        if (out.mode != "min" && out.mode != "max" && out.mode != "avg" && out.mode != "sum"
            && out.mode != "median") {
            return illegal_argument("Unknown SortMode [" + out.mode + "]");
        }
    } else if (name == "missing") {
        out.missing = value;
    } else if (name == "unmapped_type") {
        out.unmapped_type = value.text();
    } else if (name == "format") {
        out.format = value.text();
    } else if (name == "unit") {
        out.unit_meters = meters_of(value.text());
    } else if (name == "nested" || name == "nested_path" || name == "nested_filter") {
        return not_supported("sorting by fields of nested objects is not supported");
    } else if (name != "numeric_type" && name != "distance_type" && name != "ignore_unmapped"
               && name != "validation_method") {
        return fault(
            "x_content_parse_exception",
            "[1:2] [field_sort] unknown field [" + name + "]"
        );
    }
    return {};
}

Result<SortPart> distance_part(const Json& options) {
    static const std::vector<std::string> kOptions = {
        "order",
        "unit",
        "mode",
        "distance_type",
        "ignore_unmapped",
        "validation_method",
        "nested"};
    SortPart out;
    out.by = SortPart::By::kDistance;
    for (const auto& [name, value] : options.members()) {
        if (std::find(kOptions.begin(), kOptions.end(), name) != kOptions.end()) {
            KUMO_TRY(read_option(name, value, out));
        } else {
            out.field = name;
            KUMO_TRY(read_points(value, out.points));
        }
    }
    if (out.points.empty()) {
        return parsing_error("geo distance sort needs a point");
    }
    return out;
}

Result<SortPart> script_part(const Json& options) {
    SortPart out;
    out.by = SortPart::By::kScript;
    for (const auto& [name, value] : options.is_object() ? options.members() : Json::Object()) {
        if (name == "script") {
            out.script = value;
        } else if (name == "type") {
            if (value.text() != "number" && value.text() != "string") {
                return illegal_argument("Unknown ScriptSortType [" + value.text() + "]");
            }
            out.text = value.text() == "string";
        } else {
            KUMO_TRY(read_option(name, value, out));
        }
    }
    if (out.script.is_null()) {
        return illegal_argument("a script sort needs a [script] and a [type]");
    }
    return out;
}

Result<SortPart> part_of(const std::string& name, const Json& value) {
    if (name == "_geo_distance") {
        return distance_part(value);
    }
    if (name == "_script") {
        return script_part(value);
    }
    SortPart out = simple(name);
    if (value.is_string()) {
        KUMO_TRY_ASSIGN(out.descending, descending_of(value.as_string()));
        return out;
    }
    for (const auto& [option, of] : value.is_object() ? value.members() : Json::Object()) {
        KUMO_TRY(read_option(option, of, out));
    }
    return out;
}

Status read_entry(const Json& entry, std::vector<SortPart>& out) {
    if (entry.is_string()) {
        out.push_back(simple(entry.as_string()));
        return {};
    }
    if (!entry.is_object()) {
        return illegal_argument(
            "malformed sort format, within the sort array, an object, or an actual string are "
            "allowed"
        );
    }
    for (const auto& [name, value] : entry.members()) {
        KUMO_TRY_ASSIGN(SortPart part, part_of(name, value));
        out.push_back(std::move(part));
    }
    return {};
}

double number_of(const SortKey& key) {
    if (const auto* const whole = std::get_if<std::int64_t>(&key)) {
        return static_cast<double>(*whole);
    }
    const auto* const real = std::get_if<double>(&key);
    return real == nullptr ? 0 : *real;
}

/// One of several values of a field.
template <typename T>
T chosen(std::vector<T> values, const SortPart& part) {
    std::sort(values.begin(), values.end());
    const std::string mode = part.mode.empty() ? (part.descending ? "max" : "min") : part.mode;
    return mode == "max" ? values.back() : values.front();
}

double combined(std::vector<double> values, const SortPart& part) {
    if (part.mode == "avg" || part.mode == "sum") {
        const double sum = std::accumulate(values.begin(), values.end(), 0.0);
        return part.mode == "sum" ? sum : sum / static_cast<double>(values.size());
    }
    if (part.mode == "median") {
        std::sort(values.begin(), values.end());
        const std::size_t n = values.size();
        return n % 2 == 1 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
    }
    return chosen(std::move(values), part);
}

void gather_words(
    const Json& source,
    std::string_view path,
    const search::AnalysisChain& chain,
    std::vector<std::string>& out
) {
    if (source.is_array()) {
        for (const Json& one : source.items()) {
            gather_words(one, path, chain, out);
        }
        return;
    }
    if (path.empty()) {
        for (const search::ChainToken& token : source.is_null() || source.is_object()
                                                   ? decltype(chain.tokens(""))()
                                                   : chain.tokens(source.text())) {
            out.push_back(token.text);
        }
        return;
    }
    for (std::size_t dot = path.find('.');; dot = path.find('.', dot + 1)) {
        if (const Json* const child = source.find(path.substr(0, dot))) {
            const bool last = dot == std::string_view::npos;
            gather_words(*child, last ? std::string_view() : path.substr(dot + 1), chain, out);
        }
        if (dot == std::string_view::npos) {
            return;
        }
    }
}

/// The words of a text field, analysed again: "fielddata".
std::vector<std::string>
words_of(const search::SegmentReader& segment, search::DocId doc, const MappedField& field) {
    std::string bytes;
    if (!segment.stored->append(doc, bytes).ok()) {
        return {};
    }
    const auto stored = search::parse_stored(bytes);
    const auto source = stored.ok() ? Json::parse(stored.value().source) : Result<Json>(Json());
    std::vector<std::string> out;
    if (source.ok()) {
        const auto chain = search::AnalysisChain::of(field.analyzer);
        gather_words(source.value(), field.parent.empty() ? field.path : field.parent, *chain, out);
    }
    return out;
}

/// What stands in the place of no value.
SortKey missing_key(const MappedField* field, const SortPart& part) {
    if (part.missing.is_null() || part.missing == Json("_last") || part.missing == Json("_first")
        || field == nullptr) {
        return {};
    }
    if (field->is_exact()) {
        return part.missing.text();
    }
    const auto code = json_to_code(*field, part.missing);
    if (!code.ok()) {
        return {};
    }
    return field->is_real() ? SortKey(search::double_of_code(code.value())) : SortKey(code.value());
}

}  // namespace

Result<std::vector<SortPart>> parse_sort(const Json& json) {
    std::vector<SortPart> out;
    for (const Json& entry : json.is_array() ? json.items() : Json::Array{json}) {
        KUMO_TRY(read_entry(entry, out));
    }
    if (out.size() > kSortPartsMax) {
        return illegal_argument("a sort has at most 32 parts");
    }
    return out;
}

std::vector<SortPart> parse_sort_parameter(const std::string& text) {
    std::vector<SortPart> out;
    for (std::string one : split_list(text)) {
        bool descending = false;
        bool says = false;
        for (const char* const end : {":desc", ":asc"}) {
            if (one.ends_with(end)) {
                says = true;
                descending = std::string_view(end) == ":desc";
                one.resize(one.size() - std::string_view(end).size());
            }
        }
        SortPart part = simple(one);
        part.descending = says ? descending : part.descending;
        out.push_back(std::move(part));
    }
    return out;
}

Result<Sorter> Sorter::make(std::vector<SortPart> parts, const std::vector<SearchTarget>& targets) {
    Sorter out;
    out.parts_ = std::move(parts);
    for (const SortPart& part : out.parts_) {
        std::vector<std::optional<std::size_t>> positions(targets.size());
        const bool meta = part.field == "_id" || part.field == "_seq_no" || part.field == "_index";
        for (std::size_t i = 0; i < targets.size(); ++i) {
            if ((part.by != SortPart::By::kField && part.by != SortPart::By::kDistance) || meta) {
                continue;
            }
            const MappedField* const field = targets[i].index->mapping->find(part.field);
            if (field == nullptr && part.unmapped_type.empty()) {
                if (part.by == SortPart::By::kDistance) {
                    return shard_failure(
                        targets[i].index->name,
                        fault(
                            "illegal_argument_exception",
                            "failed to find mapper for [" + part.field
                                + "] for geo distance based sort"
                        )
                    );
                }
                return shard_failure(
                    targets[i].index->name,
                    fault(
                        "query_shard_exception",
                        "No mapping found for [" + part.field + "] in order to sort on"
                    )
                );
            }
            if (field == nullptr) {
                continue;
            }
            const Json* const fielddata = field->definition.find("fielddata");
            if (field->is_text() && fielddata != nullptr && fielddata->to_bool().value_or(false)) {
                continue;
            }
            if (field->is_text()
                || (!field->is_exact() && !field->is_int() && !field->is_real()
                    && field->kind != FieldKind::kGeoPoint)) {
                return shard_failure(
                    targets[i].index->name,
                    illegal_argument(
                        "Text fields are not optimised for operations that require per-document "
                        "field data like "
                        "aggregations and sorting, so these operations are disabled by default. "
                        "Please use a keyword "
                        "field instead. Alternatively, set fielddata=true on ["
                        + part.field
                        + "] in order to load field data by uninverting the inverted index. Note "
                          "that this can use "
                          "significant memory."
                    )
                );
            }
            positions[i] = targets[i].snapshot->schema->find(field->path);
        }
        out.fields_.push_back(std::move(positions));
    }
    return out;
}

bool Sorter::by_score_only() const {
    return parts_.empty()
           || (parts_.size() == 1 && parts_[0].by == SortPart::By::kScore && parts_[0].descending);
}

bool Sorter::needs_scores() const {
    return parts_.empty() || std::any_of(parts_.begin(), parts_.end(), [](const SortPart& part) {
               return part.by == SortPart::By::kScore;
           });
}

void Sorter::read_keys(const std::vector<SearchTarget>& targets, Hit& hit) const {
    const SearchTarget& target = targets[hit.index];
    const search::SegmentReader& segment = *target.snapshot->parts[hit.part].segment;
    hit.keys.clear();
    for (std::size_t i = 0; i < parts_.size(); ++i) {
        const SortPart& part = parts_[i];
        if (part.by == SortPart::By::kScore) {
            hit.keys.emplace_back(double{hit.score});
            continue;
        }
        if (part.by == SortPart::By::kScript) {
            hit.keys.emplace_back();
            continue;
        }
        if (part.by == SortPart::By::kDoc) {
            hit.keys.emplace_back(std::int64_t{hit.doc} + (std::int64_t{hit.part} << 32));
            continue;
        }
        if (part.field == "_index") {
            hit.keys.emplace_back(target.index->name);
            continue;
        }
        if (part.field == "_id" || part.field == "_seq_no") {
            std::string bytes;
            const bool read = segment.stored->append(hit.doc, bytes).ok();
            const auto stored = search::parse_stored(read ? bytes : "{}");
            if (!stored.ok()) {
                hit.keys.emplace_back();
            } else if (part.field == "_id") {
                hit.keys.emplace_back(stored.value().id);
            } else {
                hit.keys.emplace_back(static_cast<std::int64_t>(stored.value().meta.seq));
            }
            continue;
        }
        const MappedField* const field = target.index->mapping->find(part.field);
        if (field != nullptr && field->is_text()) {
            std::vector<std::string> words = words_of(segment, hit.doc, *field);
            hit.keys.push_back(words.empty() ? SortKey() : SortKey(chosen(std::move(words), part)));
            continue;
        }
        const auto position = fields_[i][hit.index];
        const search::ColumnReader* const column = position && *position < segment.columns.size()
                                                       ? segment.columns[*position].get()
                                                       : nullptr;
        const auto range =
            column == nullptr ? search::ColumnReader::ValueRange{0, 0} : column->values_of(hit.doc);
        if (range.size() == 0) {
            hit.keys.push_back(
                part.by == SortPart::By::kDistance
                    ? SortKey(std::numeric_limits<double>::infinity())
                    : missing_key(field, part)
            );
            continue;
        }
        if (part.by == SortPart::By::kDistance) {
            std::vector<double> distances;
            for (std::uint64_t v = range.begin; v < range.end; ++v) {
                for (const search::GeoPoint& point : part.points) {
                    distances.push_back(
                        search::distance_meters(search::point_of_code(column->value(v)), point)
                        / part.unit_meters
                    );
                }
            }
            hit.keys.emplace_back(combined(std::move(distances), part));
        } else if (field->is_exact()) {
            std::vector<std::string_view> strings;
            for (std::uint64_t v = range.begin; v < range.end; ++v) {
                strings.push_back(column->string(static_cast<std::uint32_t>(column->value(v))));
            }
            hit.keys.emplace_back(std::string(chosen(std::move(strings), part)));
        } else if (field->is_real()) {
            std::vector<double> numbers;
            for (std::uint64_t v = range.begin; v < range.end; ++v) {
                numbers.push_back(search::double_of_code(column->value(v)));
            }
            hit.keys.emplace_back(combined(std::move(numbers), part));
        } else {
            std::vector<std::int64_t> codes;
            for (std::uint64_t v = range.begin; v < range.end; ++v) {
                codes.push_back(column->value(v));
            }
            if (part.mode.empty() || part.mode == "min" || part.mode == "max") {
                hit.keys.emplace_back(chosen(std::move(codes), part));
            } else {
                std::vector<double> numbers(codes.begin(), codes.end());
                hit.keys.emplace_back(
                    static_cast<std::int64_t>(std::llround(combined(std::move(numbers), part)))
                );
            }
        }
    }
}

int Sorter::compare(const SortKey& a, const SortKey& b, const SortPart& part) const {
    const bool no_a = std::holds_alternative<std::monostate>(a);
    const bool no_b = std::holds_alternative<std::monostate>(b);
    if (no_a || no_b) {
        const int order = static_cast<int>(no_a) - static_cast<int>(no_b);
        return part.missing == Json("_first") ? -order : order;
    }
    int order = 0;
    if (std::holds_alternative<std::string>(a) && std::holds_alternative<std::string>(b)) {
        order = std::get<std::string>(a).compare(std::get<std::string>(b));
    } else if (std::holds_alternative<std::int64_t>(a) && std::holds_alternative<std::int64_t>(b)) {
        const auto x = std::get<std::int64_t>(a);
        const auto y = std::get<std::int64_t>(b);
        order = x < y ? -1 : x > y ? 1 : 0;
    } else if (a.index() != b.index() && (a.index() == 3 || b.index() == 3)) {
        order = static_cast<int>(a.index()) - static_cast<int>(b.index());
    } else {
        const double x = number_of(a);
        const double y = number_of(b);
        order = x < y ? -1 : x > y ? 1 : 0;
    }
    return part.descending ? -order : order;
}

bool Sorter::less(const Hit& a, const Hit& b) const {
    for (std::size_t i = 0; i < parts_.size(); ++i) {
        const int order = compare(a.keys[i], b.keys[i], parts_[i]);
        if (order != 0) {
            return order < 0;
        }
    }
    if (parts_.empty() && a.score != b.score) {
        return a.score > b.score;
    }
    return std::tie(a.index, a.part, a.doc) < std::tie(b.index, b.part, b.doc);
}

Result<std::vector<SortKey>>
Sorter::parse_after(const Json& after, const std::vector<SearchTarget>& targets) const {
    if (!after.is_array()) {
        return parsing_error("Expected [START_ARRAY] for [search_after]");
    }
    if (parts_.empty()) {
        return illegal_argument("Sort must contain at least one field.");
    }
    if (after.size() != parts_.size()) {
        return illegal_argument(
            "search_after has " + std::to_string(after.size()) + " value(s) but sort has "
            + std::to_string(parts_.size()) + "."
        );
    }
    std::vector<SortKey> out;
    for (std::size_t i = 0; i < parts_.size(); ++i) {
        const Json& value = after.items()[i];
        const MappedField* field = nullptr;
        for (const SearchTarget& target : targets) {
            field = field == nullptr ? target.index->mapping->find(parts_[i].field) : field;
        }
        if (value.is_null()) {
            out.emplace_back();
        } else if (parts_[i].by == SortPart::By::kScript) {
            out.push_back(
                parts_[i].text ? SortKey(value.text()) : SortKey(value.to_double().value_or(0))
            );
        } else if (parts_[i].by == SortPart::By::kScore || parts_[i].by == SortPart::By::kDistance) {
            out.emplace_back(value.to_double().value_or(0));
        } else if (parts_[i].by == SortPart::By::kDoc || parts_[i].field == "_seq_no") {
            out.emplace_back(value.to_int64().value_or(0));
        } else if (field == nullptr) {
            out.emplace_back(value.text());
        } else if (field->is_text()) {
            out.emplace_back(value.text());
        } else if (field->is_exact()) {
            KUMO_TRY_ASSIGN(std::string text, json_to_string(*field, value));
            out.emplace_back(std::move(text));
        } else {
            MappedField by = *field;
            if (field->is_date() && !parts_[i].format.empty()) {
                KUMO_TRY_ASSIGN(by.format, DateFormat::make(parts_[i].format));
            } else if (field->is_date() && value.is_integer()) {
                out.emplace_back(value.to_int64().value_or(0));
                continue;
            }
            auto code = json_to_code(by, value);
            if (!code.ok()) {
                return illegal_argument(
                    "Failed to parse search_after value for field [" + parts_[i].field + "]."
                );
            }
            out.push_back(
                field->is_real() ? SortKey(search::double_of_code(code.value()))
                                 : SortKey(code.value())
            );
        }
    }
    return out;
}

bool Sorter::is_after(const Hit& hit, const std::vector<SortKey>& after) const {
    for (std::size_t i = 0; i < parts_.size(); ++i) {
        const int order = compare(hit.keys[i], after[i], parts_[i]);
        if (order != 0) {
            return order > 0;
        }
    }
    return false;
}

Json Sorter::values(const std::vector<SearchTarget>& targets, const Hit& hit) const {
    Json out = Json::array();
    for (std::size_t i = 0; i < parts_.size(); ++i) {
        const SortKey& key = hit.keys[i];
        const MappedField* const field = targets[hit.index].index->mapping->find(parts_[i].field);
        if (std::holds_alternative<std::monostate>(key)) {
            if (field != nullptr && (field->is_int() || field->is_real())) {
                const bool first = parts_[i].missing == Json("_first");
                const bool least = first != parts_[i].descending;
                if (field->is_real()) {
                    out.push(least ? "-Infinity" : "Infinity");
                } else {
                    out.push(least ? INT64_MIN : INT64_MAX);
                }
            } else {
                out.push(Json());
            }
        } else if (const auto* const text = std::get_if<std::string>(&key)) {
            out.push(
                field == nullptr || field->is_text() ? Json(*text) : string_to_json(*field, *text)
            );
        } else if (const auto* const whole = std::get_if<std::int64_t>(&key)) {
            if (field != nullptr && field->is_date() && !parts_[i].format.empty()) {
                const auto format = DateFormat::make(parts_[i].format);
                out.push(
                    format.ok() ? Json(code_to_text(*field, *whole, &format.value())) : Json(*whole)
                );
            } else if (field != nullptr && field->kind == FieldKind::kBoolean) {
                out.push(*whole);
            } else {
                out.push(field == nullptr ? Json(*whole) : code_to_json(*field, *whole));
            }
        } else {
            const double number = std::get<double>(key);
            if (parts_[i].by == SortPart::By::kScore) {
                out.push(Json::number_float(static_cast<float>(number)));
            } else if (std::isinf(number)) {
                out.push(number > 0 ? "Infinity" : "-Infinity");
            } else {
                out.push(number);
            }
        }
    }
    return out;
}

}  // namespace kumo::api_elastic
