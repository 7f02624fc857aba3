#include "api/kumosearch/query/search_response.h"

#include "search/schema/json_path.h"
#include "wire/json.h"
#include "wire/json_writer.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace kumo::api_kumosearch {

namespace {

using search::FieldHighlight;
using search::HighlightedValue;
using wire::JsonWriter;

void write_strings(JsonWriter& writer, const std::vector<std::string>& strings) {
    writer.begin_array();
    for (const std::string& text : strings) {
        writer.string(text);
    }
    writer.end_array();
}

/// {matched_tokens, snippet[, value]}
void write_highlighted(JsonWriter& writer, const HighlightedValue& value) {
    writer.begin_object().key("matched_tokens");
    write_strings(writer, value.matched_tokens);
    writer.key("snippet").string(value.snippet);
    if (!value.value.empty()) {
        writer.key("value").string(value.value);
    }
    writer.end_object();
}

const HighlightedValue* value_at(const FieldHighlight& highlight, std::size_t index) {
    for (const HighlightedValue& value : highlight.values) {
        if (value.index == index) {
            return &value;
        }
    }
    return nullptr;
}

/// All elements of an array field, those without a match too. `elements` is the field's value in
/// the document.
void write_elements(JsonWriter& writer, const FieldHighlight& highlight, wire::JsonValue elements) {
    writer.begin_array();
    std::size_t index = 0;
    for (const wire::JsonValue element : elements.as_array()) {
        if (const HighlightedValue* value = value_at(highlight, index++)) {
            write_highlighted(writer, *value);
        } else {
            HighlightedValue plain;
            plain.snippet = element.is_string() ? element.as_string() : element.raw();
            write_highlighted(writer, plain);
        }
    }
    writer.end_array();
}

/// The document of a hit, parsed if somebody asks.
class LazyDocument {
public:
    explicit LazyDocument(ByteView json) : json_(json) {}

    /// Absent if the document is damaged.
    wire::JsonValue root() {
        if (!parsed_) {
            parsed_.emplace(wire::JsonDocument::parse(json_));
        }
        return parsed_->ok() ? parsed_->value().root() : wire::JsonValue();
    }

    /// Absent if there is none of that name.
    wire::JsonValue find(std::string_view name) {
        const wire::JsonValue all = root();
        return all ? all.find(name) : wire::JsonValue();
    }

private:
    ByteView json_;
    std::optional<Result<wire::JsonDocument>> parsed_;
};

/// A field inside objects, and how many of its values have been written.
struct NestedHighlight {
    const FieldHighlight* highlight = nullptr;
    std::size_t next = 0;
};

/// Writes what is highlighted inside objects in the shape of the document.
class NestedWriter {
public:
    explicit NestedWriter(JsonWriter& writer) : writer_(writer) {}

    void add(const std::string& name, const FieldHighlight& highlight) {
        fields_[name] = {&highlight, 0};
    }

    bool empty() const { return fields_.empty(); }

    void write_members(wire::JsonValue object, const std::string& prefix) {
        for (const wire::JsonMember member : object.as_object()) {
            const std::string path = prefix + std::string(member.key);
            const auto field = fields_.find(path);
            if (field != fields_.end()) {
                writer_.key(member.key);
                write_values(member.value, field->second);
            } else if (leads_on(path)) {
                writer_.key(member.key);
                write_inside(member.value, path + ".");
            }
        }
    }

private:
    bool leads_on(const std::string& path) const {
        const auto next = fields_.lower_bound(path + ".");
        return next != fields_.end() && search::is_inside(next->first, path);
    }

    void write_inside(wire::JsonValue value, const std::string& prefix) {
        if (value.is_object()) {
            writer_.begin_object();
            write_members(value, prefix);
            writer_.end_object();
        } else if (value.is_array()) {
            writer_.begin_array();
            for (const wire::JsonValue element : value.as_array()) {
                write_inside(element, prefix);
            }
            writer_.end_array();
        } else {
            writer_.raw(value.raw());
        }
    }

    void write_values(wire::JsonValue value, NestedHighlight& field) {
        if (value.is_array()) {
            writer_.begin_array();
            for (const wire::JsonValue element : value.as_array()) {
                write_values(element, field);
            }
            writer_.end_array();
            return;
        }
        if (const HighlightedValue* found = value_at(*field.highlight, field.next++)) {
            write_highlighted(writer_, *found);
        } else {
            HighlightedValue plain;
            plain.snippet = value.is_string() ? value.as_string() : value.raw();
            write_highlighted(writer_, plain);
        }
    }

    JsonWriter& writer_;
    std::map<std::string, NestedHighlight> fields_;
};

bool is_nested(const search::Schema& schema, const search::Field& field) {
    return schema.enable_nested_fields && field.name.find('.') != std::string::npos;
}

/// The current form: an object by field.
void write_highlight(JsonWriter& writer, const search::Hit& hit, const search::Schema& schema) {
    LazyDocument document(hit.document);
    NestedWriter nested(writer);
    writer.begin_object();
    for (const FieldHighlight& highlight : hit.highlights) {
        if (highlight.values.empty()) {
            continue;
        }
        const search::Field& field = schema.fields[highlight.field];
        if (is_nested(schema, field) && !document.find(field.name)) {
            nested.add(field.name, highlight);
            continue;
        }
        const wire::JsonValue elements =
            field.array ? document.find(field.name) : wire::JsonValue();
        writer.key(field.name);
        if (elements && elements.is_array()) {
            write_elements(writer, highlight, elements);
        } else {
            write_highlighted(writer, highlight.values.front());
        }
    }
    if (!nested.empty() && document.root()) {
        nested.write_members(document.root(), "");
    }
    writer.end_object();
}

void write_array_entry(JsonWriter& writer, const FieldHighlight& highlight) {
    const bool full = !highlight.values.front().value.empty();
    writer.key("indices").begin_array();
    for (const HighlightedValue& value : highlight.values) {
        writer.unsigned_integer(value.index);
    }
    writer.end_array();
    writer.key("matched_tokens").begin_array();
    for (const HighlightedValue& value : highlight.values) {
        write_strings(writer, value.matched_tokens);
    }
    writer.end_array();
    writer.key("snippets").begin_array();
    for (const HighlightedValue& value : highlight.values) {
        writer.string(value.snippet);
    }
    writer.end_array();
    if (full) {
        writer.key("values").begin_array();
        for (const HighlightedValue& value : highlight.values) {
            writer.string(value.value);
        }
        writer.end_array();
    }
}

/// The older form: a list, best field first.
void write_highlights(
    JsonWriter& writer,
    const std::vector<FieldHighlight>& highlights,
    const search::Schema& schema
) {
    std::vector<const FieldHighlight*> order;
    for (const FieldHighlight& highlight : highlights) {
        // Those inside objects have the current form only.
        if (!highlight.values.empty() && !is_nested(schema, schema.fields[highlight.field])) {
            order.push_back(&highlight);
        }
    }
    std::stable_sort(order.begin(), order.end(), [](const auto* a, const auto* b) {
        return a->match_score > b->match_score;
    });
    writer.begin_array();
    for (const FieldHighlight* highlight : order) {
        const search::Field& field = schema.fields[highlight->field];
        writer.begin_object().key("field").string(field.name);
        if (field.array) {
            write_array_entry(writer, *highlight);
        } else {
            const HighlightedValue& value = highlight->values.front();
            writer.key("matched_tokens");
            write_strings(writer, value.matched_tokens);
            writer.key("snippet").string(value.snippet);
            if (!value.value.empty()) {
                writer.key("value").string(value.value);
            }
        }
        writer.end_object();
    }
    writer.end_array();
}

void write_text_match(JsonWriter& writer, const search::TextMatchInfo& info) {
    writer.key("text_match").unsigned_integer(info.score);
    writer.key("text_match_info").begin_object();
    writer.key("best_field_score").string(std::to_string(info.best_field_score));
    writer.key("best_field_weight").unsigned_integer(info.best_field_weight);
    writer.key("fields_matched").unsigned_integer(info.fields_matched);
    writer.key("num_tokens_dropped").unsigned_integer(info.num_tokens_dropped);
    writer.key("score").string(std::to_string(info.score));
    writer.key("tokens_matched").unsigned_integer(info.tokens_matched);
    writer.key("typo_prefix_score").unsigned_integer(info.typo_prefix_score);
    writer.end_object();
}

/// The members of a hit.
Status write_hit(
    JsonWriter& writer,
    const search::Hit& hit,
    const ResultShape& shape,
    const search::Schema& schema
) {
    if (hit.curated) {
        writer.key("curated").boolean(true);
    }
    writer.key("document");
    if (shape.fields.all() && shape.joins.empty()) {
        writer.raw(hit.document);
    } else {
        std::string selected;
        KUMO_TRY(append_shown(shape.fields, shape.joins, hit.document, hit.joined, selected));
        writer.raw(selected);
    }
    if (!hit.distances.empty()) {
        writer.key("geo_distance_meters").begin_object();
        for (const search::FieldDistance& distance : hit.distances) {
            writer.key(schema.fields[distance.field].name).integer(distance.meters);
        }
        writer.end_object();
    }
    writer.key("highlight");
    write_highlight(writer, hit, schema);
    if (shape.highlights_list) {
        writer.key("highlights");
        write_highlights(writer, hit.highlights, schema);
    }
    if (hit.fusion_score) {
        writer.key("hybrid_search_info").begin_object();
        writer.key("rank_fusion_score").number(*hit.fusion_score).end_object();
    }
    if (hit.text_match) {
        write_text_match(writer, *hit.text_match);
    }
    if (hit.vector_distance) {
        writer.key("vector_distance").number_float(*hit.vector_distance);
    }
    return {};
}

Status write_hits(
    JsonWriter& writer,
    const std::vector<search::Hit>& hits,
    const ResultShape& shape,
    const search::Schema& schema
) {
    writer.key("hits").begin_array();
    for (const search::Hit& hit : hits) {
        writer.begin_object();
        KUMO_TRY(write_hit(writer, hit, shape, schema));
        writer.end_object();
    }
    writer.end_array();
    return {};
}

Status write_groups(
    JsonWriter& writer,
    const search::SearchResult& result,
    const ResultShape& shape,
    const search::Schema& schema
) {
    writer.key("found_docs").unsigned_integer(result.found_docs);
    writer.key("grouped_hits").begin_array();
    for (const search::HitGroup& group : result.groups) {
        writer.begin_object().key("found").unsigned_integer(group.found);
        writer.key("group_key").begin_array();
        for (const std::string& value : group.key) {
            writer.raw(value);
        }
        writer.end_array();
        KUMO_TRY(write_hits(writer, group.hits, shape, schema));
        writer.end_object();
    }
    writer.end_array();
    return {};
}

/// For a facet of joined documents, `Coll(field)`: what finds the documents that were counted.
std::string facet_filter(const std::string& name, const search::FacetValue& value, bool number) {
    const std::string quoted = number ? value.value : "`" + value.value + "`";
    return "$" + name.substr(0, name.size() - 1) + ": " + quoted + ")";
}

void write_facet(JsonWriter& writer, const search::FacetResult& facet, const std::string& name) {
    const bool joined = name.ends_with(')');
    writer.begin_object().key("counts").begin_array();
    for (const search::FacetValue& value : facet.counts) {
        writer.begin_object();
        writer.key("count").unsigned_integer(value.count);
        if (joined) {
            writer.key("facet_filter").string(facet_filter(name, value, facet.stats.has_value()));
        }
        writer.key("highlighted").string(value.highlighted);
        if (!value.parent.empty()) {
            writer.key("parent").raw(value.parent);
        }
        writer.key("value").string(value.value);
        writer.end_object();
    }
    writer.end_array();
    writer.key("field_name").string(name);
    writer.key("sampled").boolean(false);
    writer.key("stats").begin_object();
    if (facet.stats) {
        writer.key("avg").number(facet.stats->avg);
        writer.key("max").number(facet.stats->max);
        writer.key("min").number(facet.stats->min);
        writer.key("sum").number(facet.stats->sum);
    }
    writer.key("total_values").unsigned_integer(facet.total_values);
    writer.end_object().end_object();
}

/// Where the page is, of how much.
void write_page(JsonWriter& writer, const ResultShape& shape, std::uint64_t out_of) {
    if (shape.offset) {
        writer.key("offset").unsigned_integer(*shape.offset);
    }
    if (shape.show_out_of) {
        writer.key("out_of").unsigned_integer(out_of);
    }
    if (!shape.offset) {
        writer.key("page").unsigned_integer(shape.page);
    }
}

/// The members that say what was asked for.
void write_asked(JsonWriter& writer, const ResultShape& shape) {
    writer.key("first_q").string(shape.q);
    writer.key("per_page").unsigned_integer(shape.per_page);
    writer.key("q").string(shape.q);
}

void write_request_params(JsonWriter& writer, const ResultShape& shape, std::string_view name) {
    writer.key("request_params").begin_object();
    writer.key("collection_name").string(name);
    write_asked(writer, shape);
    writer.end_object();
}

void write_end(JsonWriter& writer, const ResultShape& shape, bool cut_off, Duration took) {
    writer.key("search_cutoff").boolean(cut_off);
    if (shape.show_time) {
        const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(took).count();
        writer.key("search_time_ms").integer(ms);
    }
}

}  // namespace

Result<std::string> write_result(
    const search::SearchResult& result,
    const ResultShape& shape,
    const search::Schema& schema,
    std::string_view collection,
    Duration took
) {
    if (result.cut_off && result.hits.empty() && result.found == 0) {
        return Error{ErrorCode::kTimeout, "Request Timeout"};
    }
    std::string json;
    JsonWriter writer(json);
    writer.begin_object().key("facet_counts").begin_array();
    for (std::size_t i = 0; i < result.facets.size(); ++i) {
        write_facet(writer, result.facets[i], shape.facet_names[i]);
    }
    writer.end_array();
    writer.key("found").unsigned_integer(result.found);
    if (result.grouped) {
        KUMO_TRY(write_groups(writer, result, shape, schema));
    } else {
        KUMO_TRY(write_hits(writer, result.hits, shape, schema));
    }
    if (!shape.metadata.empty()) {
        writer.key("metadata").raw(shape.metadata);
    }
    write_page(writer, shape, result.out_of);
    write_request_params(writer, shape, collection);
    write_end(writer, shape, result.cut_off, took);
    writer.end_object();
    return json;
}

Result<std::string> write_union_result(
    const search::UnionResult& result,
    const std::vector<UnionShape>& shapes,
    Duration took
) {
    if (result.cut_off && result.hits.empty() && result.found == 0) {
        return Error{ErrorCode::kTimeout, "Request Timeout"};
    }
    std::string json;
    JsonWriter writer(json);
    writer.begin_object().key("found").unsigned_integer(result.found);
    writer.key("hits").begin_array();
    for (const search::UnionHit& hit : result.hits) {
        const UnionShape& of = shapes[hit.search];
        writer.begin_object().key("collection").string(of.collection->name);
        KUMO_TRY(write_hit(writer, hit.hit, of.shape, of.collection->schema));
        writer.key("search_index").unsigned_integer(hit.search).end_object();
    }
    writer.end_array();
    write_page(writer, shapes[0].shape, result.out_of);
    write_end(writer, shapes[0].shape, result.cut_off, took);
    writer.key("union_request_params").begin_array();
    for (std::size_t i = 0; i < shapes.size(); ++i) {
        writer.begin_object().key("collection").string(shapes[i].collection->name);
        writer.key("found").unsigned_integer(result.found_by_search[i]);
        write_asked(writer, shapes[i].shape);
        writer.end_object();
    }
    writer.end_array().end_object();
    return json;
}

}  // namespace kumo::api_kumosearch
