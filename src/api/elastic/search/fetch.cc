#include "api/elastic/search/fetch.h"

#include "api/elastic/fault.h"
#include "api/elastic/mapping/geo_values.h"
#include "api/elastic/wildcard.h"
#include "search/analysis/chain.h"
#include "search/column/codes.h"
#include "search/geo/geo_point.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <optional>
#include <utility>

namespace kumo::api_elastic {

namespace {

void add_values(const Json& value, std::vector<const Json*>& out) {
    if (value.is_array()) {
        for (const Json& one : value.items()) {
            add_values(one, out);
        }
    } else if (!value.is_null()) {
        out.push_back(&value);
    }
}

/// All values at a path, through lists of objects.
void collect(const Json& source, std::string_view path, std::vector<const Json*>& out) {
    if (source.is_array()) {
        for (const Json& one : source.items()) {
            collect(one, path, out);
        }
        return;
    }
    if (const Json* const whole = source.find(path)) {
        add_values(*whole, out);
        return;
    }
    for (std::size_t dot = path.find('.'); dot != std::string_view::npos;
         dot = path.find('.', dot + 1)) {
        if (const Json* const child = source.find(path.substr(0, dot))) {
            collect(*child, path.substr(dot + 1), out);
        }
    }
}

/// A source's value as its field says it is.
std::optional<Json>
shown_value(const MappedField& field, const Json& value, const std::string& format) {
    if (field.kind == FieldKind::kGeoPoint) {
        const auto point = parse_geo_point(value);
        if (!point.ok()) {
            return std::nullopt;
        }
        return Json::object(
            {{"coordinates", Json::array({point.value().lng, point.value().lat})},
             {"type", "Point"}}
        );
    }
    if (value.is_object()) {
        return value;
    }
    if (field.kind == FieldKind::kTokenCount) {
        if (!field.doc_values) {
            return std::nullopt;
        }
        return Json(search::AnalysisChain::of(field.analyzer)->tokens(value.text()).size());
    }
    if (field.is_exact()) {
        const auto text = json_to_string(field, value);
        const bool long_text = value.text().size() > field.ignore_above;
        return text.ok() && !long_text ? std::optional(string_to_json(field, text.value()))
                                       : std::nullopt;
    }
    if (!field.is_int() && !field.is_real()) {
        return field.is_text() ? Json(value.text()) : value;
    }
    const auto code = json_to_code(field, value);
    if (!code.ok()) {
        return std::nullopt;
    }
    if (field.is_date()) {
        const auto by =
            format.empty() ? Result<DateFormat>(field.format) : DateFormat::make(format);
        return by.ok() ? std::optional(Json(code_to_text(field, code.value(), &by.value())))
                       : std::nullopt;
    }
    return code_to_json(field, code.value());
}

/// DecimalFormat's patterns, as far as "#.0" and "0.00" go.
std::string decimal_text(double number, const std::string& format) {
    const std::size_t dot = format.find('.');
    const std::size_t digits = dot == std::string::npos ? 0 : format.size() - dot - 1;
    std::array<char, 64> out{};
    std::snprintf(
        out.data(),
        out.size(),
        "%.*f",
        static_cast<int>(std::min<std::size_t>(digits, 20)),
        number
    );
    return out.data();
}

Result<Json> column_value(
    const MappedField& field,
    const search::ColumnReader& column,
    std::uint64_t at,
    const std::string& format
) {
    const std::int64_t code = column.value(at);
    if (field.is_exact()) {
        return string_to_json(field, column.string(static_cast<std::uint32_t>(code)));
    }
    if (field.kind == FieldKind::kGeoPoint) {
        const search::GeoPoint point = search::point_of_code(code);
        return Json(Json(point.lat).text() + ", " + Json(point.lng).text());
    }
    if (field.is_date()) {
        if (format.empty() || format == "use_field_mapping") {
            return Json(code_to_text(field, code));
        }
        KUMO_TRY_ASSIGN(const DateFormat by, DateFormat::make(format));
        return Json(code_to_text(field, code, &by));
    }
    if (!format.empty() && format != "use_field_mapping" && (field.is_real() || field.is_int())
        && field.kind != FieldKind::kBoolean) {
        const double number =
            field.is_real() ? search::double_of_code(code) : static_cast<double>(code);
        return Json(decimal_text(number, format));
    }
    return code_to_json(field, code);
}

}  // namespace

Result<search::StoredDocument> stored_document(const SearchTarget& target, const Hit& hit) {
    std::string bytes;
    KUMO_TRY(target.snapshot->parts[hit.part].segment->stored->append(hit.doc, bytes));
    return search::parse_stored(bytes);
}

Json source_fields(const Index& index, const Json& source, const std::vector<WantedField>& wanted) {
    Json out = Json::object();
    for (const WantedField& one : wanted) {
        for (const auto& [path, declared] : index.mapping->fields()) {
            if (declared.is_object() || !matches_wildcard(one.pattern, path)) {
                continue;
            }
            const MappedField* const field = index.mapping->find(path);
            std::vector<const Json*> values;
            const std::string& from = declared.kind == FieldKind::kAlias ? declared.target : path;
            collect(
                source,
                field != nullptr && !field->parent.empty() ? field->parent : from,
                values
            );
            Json list = Json::array();
            for (const Json* const value : values) {
                auto shown =
                    field == nullptr ? std::nullopt : shown_value(*field, *value, one.format);
                if (shown) {
                    list.push(std::move(*shown));
                }
            }
            if (!list.empty()) {
                out[path] = std::move(list);
            }
        }
    }
    return out;
}

Result<Json>
column_fields(const SearchTarget& target, const Hit& hit, const std::vector<WantedField>& wanted) {
    Json out = Json::object();
    const search::SegmentReader& segment = *target.snapshot->parts[hit.part].segment;
    for (const WantedField& one : wanted) {
        for (const MappedField* const field : target.index->mapping->matching(one.pattern)) {
            const auto position = target.snapshot->schema->find(field->path);
            if (field->is_text()) {
                return shard_failure(
                    target.index->name,
                    illegal_argument(
                        "Text fields are not optimised for operations that require per-document "
                        "field data like "
                        "aggregations and sorting, so these operations are disabled by default. "
                        "Please use a keyword "
                        "field instead. Alternatively, set fielddata=true on ["
                        + field->path + "]"
                    )
                );
            }
            if (!position || *position >= segment.columns.size()
                || segment.columns[*position] == nullptr) {
                continue;
            }
            const search::ColumnReader& column = *segment.columns[*position];
            const auto range = column.values_of(hit.doc);
            Json list = Json::array();
            for (std::uint64_t at = range.begin; at < range.end; ++at) {
                KUMO_TRY_ASSIGN(Json value, column_value(*field, column, at, one.format));
                list.push(std::move(value));
            }
            if (!list.empty()) {
                // Columns are read in the order of their values.
                if (field->is_exact() || field->is_int()) {
                    std::stable_sort(
                        list.items().begin(),
                        list.items().end(),
                        [](const Json& a, const Json& b) {
                            return a.is_string() && b.is_string()   ? a.as_string() < b.as_string()
                                   : a.is_number() && b.is_number() ? a.as_double() < b.as_double()
                                                                    : false;
                        }
                    );
                }
                const bool named = one.pattern.find('*') == std::string::npos;
                Json& all = out[named ? one.pattern : field->path];
                for (Json& value : list.items()) {
                    all.push(std::move(value));
                }
            }
        }
    }
    return out;
}

namespace {

Json ignored_fields(const SearchTarget& target, const Hit& hit) {
    Json out = Json::array();
    const search::SegmentReader& segment = *target.snapshot->parts[hit.part].segment;
    const auto position = target.snapshot->schema->find(kIgnoredField);
    if (!position || *position >= segment.columns.size() || segment.columns[*position] == nullptr) {
        return out;
    }
    const search::ColumnReader& column = *segment.columns[*position];
    const auto range = column.values_of(hit.doc);
    for (std::uint64_t at = range.begin; at < range.end; ++at) {
        out.push(column.string(static_cast<std::uint32_t>(column.value(at))));
    }
    return out;
}

}  // namespace

Result<Json> hit_json(
    const SearchTarget& target,
    const Hit& hit,
    const search::StoredDocument& document,
    const SearchBody& body
) {
    Json out = Json::object({{"_index", target.index->name}});
    if (!body.stored_none) {
        out["_id"] = document.id;
    }
    if (body.version) {
        out["_version"] = document.meta.version;
    }
    if (body.seq_no) {
        out["_seq_no"] = document.meta.seq;
        out["_primary_term"] = document.meta.term;
    }
    out["_score"] = Json();
    if (!document.meta.routing.empty() && !body.stored_none) {
        out["_routing"] = document.meta.routing;
    }
    if (Json ignored = ignored_fields(target, hit); !ignored.empty() && !body.stored_none) {
        out["_ignored"] = std::move(ignored);
    }
    const bool shows =
        body.shows_source && !body.stored_none && target.index->mapping->source_enabled();
    Json source;
    if (shows || !body.fields.empty() || !body.stored_fields.empty()) {
        KUMO_TRY_ASSIGN(source, Json::parse(document.source));
    }
    if (shows) {
        out["_source"] = body.source.apply(source);
    }
    Json fields = source_fields(*target.index, source, body.fields);
    KUMO_TRY_ASSIGN(const Json columns, column_fields(target, hit, body.docvalue_fields));
    fields.merge(columns);
    for (const WantedField& one : body.docvalue_fields) {
        if (one.pattern == "_seq_no") {
            fields["_seq_no"] = Json::array({document.meta.seq});
        }
    }
    for (const std::string& pattern : body.stored_fields) {
        for (const auto& [path, field] : target.index->mapping->fields()) {
            const Json* const stored = field.definition.find("store");
            if (stored == nullptr || !stored->to_bool().value_or(false)
                || !matches_wildcard(pattern, path)) {
                continue;
            }
            std::vector<const Json*> values;
            collect(source, path, values);
            for (const Json* const value : values) {
                fields[path].push(*value);
            }
        }
    }
    if (!fields.empty()) {
        out["fields"] = std::move(fields);
    }
    return out;
}

}  // namespace kumo::api_elastic
