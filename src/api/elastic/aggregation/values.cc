#include "api/elastic/aggregation/internal/builder.h"
#include "api/elastic/aggregation/internal/expression.h"
#include "api/elastic/mapping/date_math.h"
#include "api/elastic/query/internal/field_queries.h"
#include "search/analysis/chain.h"
#include "search/column/codes.h"
#include "search/index/mapped_write.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <unordered_set>
#include <utility>

namespace kumo::api_elastic {

namespace {

constexpr std::int64_t kNanosPerMilli = 1'000'000;

agg::ValueKind kind_of(const MappedField& field) {
    switch (field.kind) {
        case FieldKind::kUnsignedLong: return agg::ValueKind::kUnsigned;
        case FieldKind::kGeoPoint: return agg::ValueKind::kPoint;
        case FieldKind::kRange: {
            const bool real = field.type == "float_range" || field.type == "double_range";
            return field.type == "ip_range" ? agg::ValueKind::kString
                   : real                   ? agg::ValueKind::kReal
                                            : agg::ValueKind::kInt;
        }
        default: break;
    }
    if (field.is_int()) {
        return agg::ValueKind::kInt;
    }
    if (field.is_real()) {
        return agg::ValueKind::kReal;
    }
    return field.is_exact() ? agg::ValueKind::kString : agg::ValueKind::kNone;
}

/// What two indices' values are read as together.
agg::ValueKind together(agg::ValueKind a, agg::ValueKind b) {
    using agg::ValueKind;
    if (a == ValueKind::kNone || a == b) {
        return b;
    }
    if (b == ValueKind::kNone) {
        return a;
    }
    const auto number = [](ValueKind kind) {
        return kind == ValueKind::kInt || kind == ValueKind::kUnsigned || kind == ValueKind::kReal;
    };
    return number(a) && number(b) ? ValueKind::kReal : a;
}

Error no_fielddata(const MappedField& field) {
    return illegal_argument(
        "Text fields are not optimised for operations that require per-document field data like "
        "aggregations and sorting, so these operations are disabled by default. Please use a "
        "keyword field instead. Alternatively, set fielddata=true on ["
        + field.path
        + "] in order to load field data by uninverting the inverted index. Note that this can use "
          "significant memory."
    );
}

Error wrong_type(const Definition& of, const MappedField& field) {
    return illegal_argument(
        "Field [" + field.path + "] of type [" + field.type + "] is not supported for aggregation ["
        + of.shape.type + "]"
    );
}

Status check_kind(const Definition& of, const MappedField& field, Wants wants) {
    if (field.is_text()) {
        const Json* fielddata = field.definition.find("fielddata");
        if (fielddata == nullptr || !fielddata->to_bool().value_or(false)) {
            return no_fielddata(field);
        }
        return wants == Wants::kAny ? Status() : Status(wrong_type(of, field));
    }
    if (!field.doc_values && !field.is_object()) {
        return illegal_argument(
            "Can't load fielddata on [" + field.path
            + "] because fielddata is unsupported on fields of type [" + field.type
            + "]. Use doc values instead."
        );
    }
    const agg::ValueKind kind = kind_of(field);
    const bool number = kind == agg::ValueKind::kInt || kind == agg::ValueKind::kUnsigned
                        || kind == agg::ValueKind::kReal;
    if (wants == Wants::kNumbers && !number) {
        return wrong_type(of, field);
    }
    if (wants == Wants::kPoints && kind != agg::ValueKind::kPoint) {
        return wrong_type(of, field);
    }
    if (kind == agg::ValueKind::kNone) {
        return wrong_type(of, field);
    }
    return {};
}

/// "value_type": what values of no field are.
void apply_value_type(const std::string& type, ReadValues& out) {
    if (type == "string" || type == "keyword") {
        out.values.kind = agg::ValueKind::kString;
    } else if (type == "boolean") {
        out.values.kind = agg::ValueKind::kInt;
        out.format.boolean = true;
    } else if (type == "date") {
        out.values.kind = agg::ValueKind::kInt;
        out.format.date = true;
        out.format.dates = default_date_format();
    } else if (type == "ip") {
        out.values.kind = agg::ValueKind::kString;
        out.format.ip = true;
    } else if (type == "unsigned_long") {
        out.values.kind = agg::ValueKind::kUnsigned;
    } else if (type == "double" || type == "float" || type == "number") {
        out.values.kind = agg::ValueKind::kReal;
    } else {
        out.values.kind = agg::ValueKind::kInt;
    }
}

/// A number of a document that a script names: doc['x'].value, doc['x'].length, _score.
Result<double> script_value(
    const AggregationContext& context,
    const agg::Run& run,
    const agg::PartDocs& part,
    search::DocId doc,
    const Json* params,
    const std::string& name
) {
    if (name.starts_with("params.") && params != nullptr) {
        if (const Json* value = params->find(name.substr(7))) {
            return value->to_double().value_or(0);
        }
    }
    if (name == "_score") {
        const auto at = std::lower_bound(part.docs.begin(), part.docs.end(), doc);
        const auto i = static_cast<std::size_t>(at - part.docs.begin());
        return i < part.scores.size() ? static_cast<double>(part.scores[i]) : 0.0;
    }
    if (!name.starts_with("doc['")) {
        return fault("script_exception", "compile error: unknown variable [" + name + "]");
    }
    const std::size_t end = name.find("']");
    const std::string path = name.substr(5, end - 5);
    const std::string member = end == std::string::npos ? "" : name.substr(end + 2);
    const Target target = resolve(*context.indices[part.index], path);
    const auto& columns = run.segment(part.index, part.part).columns;
    if (target.field == nullptr) {
        return illegal_argument("No field found for [" + path + "] in mapping");
    }
    const search::ColumnReader* column =
        target.engine && *target.engine < columns.size() ? columns[*target.engine].get() : nullptr;
    const auto range =
        column != nullptr ? column->values_of(doc) : search::ColumnReader::ValueRange{0, 0};
    if (member == ".length" || member == ".size") {
        return static_cast<double>(range.size());
    }
    if (member == ".empty") {
        return range.size() == 0 ? 1 : 0;
    }
    if (range.size() == 0) {
        return fault(
            "script_exception",
            "runtime error: A document doesn't have a value for a field! Use "
            "doc[<field>].size()==0 "
            "to check if a document is missing a field!"
        );
    }
    const std::int64_t code = column->value(range.begin);
    return target.field->is_real() ? search::double_of_code(code) : static_cast<double>(code);
}

Status read_script(const Definition& of, const Json& script, ReadValues& out) {
    const Json* source = script.is_object() ? script.find("source") : &script;
    if (source == nullptr || !source->is_string()) {
        return not_supported("stored scripts are not supported");
    }
    KUMO_TRY_ASSIGN(const Expression expression, Expression::parse(source->as_string()));
    const Json* given = script.find("params");
    const auto params = std::make_shared<const Json>(given != nullptr ? *given : Json::object());
    const auto context = std::make_shared<const AggregationContext>(of.context);
    const agg::Values plain = out.values;
    const bool of_values = plain.kind != agg::ValueKind::kNone;
    out.values.kind = agg::ValueKind::kReal;
    out.values.computed = [=](const agg::Run& run,
                              const agg::PartDocs& part,
                              search::DocId doc,
                              std::vector<double>& numbers) -> Status {
        std::vector<double> before;
        if (of_values) {
            agg::ValuesReader reader(run, plain);
            reader.open(part);
            KUMO_TRY(reader.numbers(doc, before));
        } else {
            before.push_back(0);
        }
        for (const double value : before) {
            KUMO_TRY_ASSIGN(
                const double number,
                expression.evaluate([&](const std::string& name) -> Result<double> {
                    if (name == "_value" && of_values) {
                        return value;
                    }
                    return script_value(*context, run, part, doc, params.get(), name);
                })
            );
            numbers.push_back(number);
        }
        return {};
    };
    return {};
}

Status read_format(const Json& body, ReadValues& out) {
    if (const Json* zone = body.find("time_zone")) {
        KUMO_TRY_ASSIGN(out.format.zone, TimeZone::parse(zone->text()));
    }
    const Json* format = body.find("format");
    if (format == nullptr) {
        return {};
    }
    if (out.format.date) {
        KUMO_TRY_ASSIGN(out.format.dates, DateFormat::make(format->text()));
    } else {
        out.format.pattern = format->text();
    }
    return {};
}

}  // namespace

Result<ReadValues> read_values(const Definition& of, const Json& body, Wants wants) {
    ReadValues out;
    const Json* field = body.find("field");
    const Json* script = body.find("script");
    if (field == nullptr && script == nullptr) {
        return illegal_argument("Required one of fields [field, script], but none were specified. "
        );
    }
    out.values.by_index.resize(of.context.indices.size());
    agg::Values ends = out.values;
    bool ranges = false;
    agg::ValueKind declared = agg::ValueKind::kNone;
    for (std::size_t i = 0; field != nullptr && i < of.context.indices.size(); ++i) {
        if (of.context.indices[i] == nullptr) {
            continue;
        }
        const QueryContext& index = *of.context.indices[i];
        const Target target = resolve(index, field->text());
        if (target.field == nullptr) {
            continue;
        }
        const MappedField& mapped = *target.field;
        KUMO_TRY(check_kind(of, mapped, wants));
        if (out.format.field == nullptr) {
            out.format.field = &mapped;
            out.format.date = mapped.is_date() || mapped.type == "date_range";
            out.format.boolean = mapped.kind == FieldKind::kBoolean;
            out.format.ip = mapped.kind == FieldKind::kIp;
            if (out.format.date) {
                out.format.dates =
                    mapped.format.name().empty() ? default_date_format() : mapped.format;
            }
        }
        if (mapped.is_text()) {
            out.text = true;
            out.values.kind = agg::ValueKind::kString;
            continue;
        }
        agg::Values::Source source;
        source.kind = kind_of(mapped);
        source.divisor = mapped.kind == FieldKind::kDateNanos ? kNanosPerMilli : 1;
        declared = together(declared, source.kind);
        if (target.engine || mapped.kind == FieldKind::kRange) {
            // Who has no values says nothing about what they are.
            out.values.kind = together(out.values.kind, source.kind);
        }
        if (mapped.kind == FieldKind::kRange) {
            ranges = true;
            source.field = index.schema.find(mapped.path + "#gte").value_or(agg::Values::kNoField);
            agg::Values::Source end = source;
            end.field = index.schema.find(mapped.path + "#lte").value_or(agg::Values::kNoField);
            ends.by_index[i] = end;
        } else if (target.engine) {
            source.field = *target.engine;
        }
        out.values.by_index[i] = source;
    }
    if (out.values.kind == agg::ValueKind::kNone) {
        out.values.kind = declared;
    }
    if (ranges) {
        ends.kind = out.values.kind;
        out.range_ends = std::move(ends);
    }
    if (out.text) {
        const std::string path = field->text();
        out.values.words = analysed_words(of.context, path, nullptr).words;
    }
    if (field != nullptr && field->text() == "_index" && wants == Wants::kAny) {
        std::vector<std::string> names;
        for (const QueryContext* const index : of.context.indices) {
            names.push_back(index == nullptr ? "" : index->index);
        }
        out.values.kind = agg::ValueKind::kString;
        out.values.words = [names](
                               const agg::Run& /*run*/,
                               const agg::PartDocs& part,
                               search::DocId /*doc*/,
                               std::vector<std::string>& words
                           ) -> Status {
            words.push_back(part.index < names.size() ? names[part.index] : "");
            return {};
        };
    }
    const Json* value_type = body.find("value_type");
    value_type = value_type != nullptr ? value_type : body.find("valueType");
    if (out.values.kind == agg::ValueKind::kNone && value_type != nullptr) {
        apply_value_type(value_type->text(), out);
    }
    if (script != nullptr) {
        KUMO_TRY(read_script(of, *script, out));
    }
    const Json* missing = body.find("missing");
    if (out.values.kind == agg::ValueKind::kNone && missing != nullptr && !missing->is_null()) {
        out.values.kind = missing->is_string()  ? agg::ValueKind::kString
                          : missing->is_int64() ? agg::ValueKind::kInt
                                                : agg::ValueKind::kReal;
        if (missing->is_string() && wants == Wants::kNumbers) {
            out.values.kind = agg::ValueKind::kReal;
        }
    }
    KUMO_TRY(read_format(body, out));
    if (missing != nullptr && !missing->is_null()) {
        KUMO_TRY_ASSIGN(out.values.missing, key_of(out, *missing, of));
    }
    return out;
}

Result<agg::Key> key_of(const ReadValues& values, const Json& value, const Definition& of) {
    const ValueFormat& format = values.format;
    if (values.values.kind == agg::ValueKind::kString) {
        if (format.ip) {
            KUMO_TRY_ASSIGN(std::string digits, ip_digits(value.text()));
            return agg::Key(std::move(digits));
        }
        return agg::Key(value.text());
    }
    if (format.boolean) {
        const auto truth = value.to_bool();
        const auto number = value.to_int64();
        if (!truth && !number) {
            return illegal_argument(
                "Cannot parse boolean [" + value.text() + "], expected either [true] or [false]"
            );
        }
        const bool set = truth ? *truth : *number != 0;
        return agg::Key(std::int64_t{set ? 1 : 0});
    }
    if (format.date && value.is_string()) {
        KUMO_TRY_ASSIGN(
            const Instant at,
            parse_date_math(
                value.as_string(),
                *format.dates,
                of.context.now_millis,
                MissingParts::kLowest,
                format.zone
            )
        );
        return agg::Key(at.millis);
    }
    const auto number = value.to_double();
    if (!number) {
        return fault("number_format_exception", "For input string: \"" + value.text() + "\"");
    }
    if (values.values.kind == agg::ValueKind::kReal) {
        return agg::Key(*number);
    }
    if (values.values.kind == agg::ValueKind::kUnsigned) {
        if (value.is_uint64()) {
            return agg::Key(value.as_uint64());
        }
        const std::string text = value.text();
        std::uint64_t natural = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), natural);
        if (error == std::errc() && end == text.data() + text.size()) {
            return agg::Key(natural);
        }
        return agg::Key(static_cast<std::uint64_t>(std::clamp(*number, 0.0, 1.8e19)));
    }
    if (const auto whole = value.to_int64()) {
        return agg::Key(*whole);
    }
    constexpr double kMost = 9.2e18;
    return agg::Key(static_cast<std::int64_t>(std::clamp(*number, -kMost, kMost)));
}

namespace {

void gather_texts(const Json* value, std::vector<std::string>& out) {
    if (value == nullptr || value->is_null()) {
        return;
    }
    if (value->is_array()) {
        for (const Json& item : value->items()) {
            gather_texts(&item, out);
        }
    } else if (!value->is_object()) {
        out.push_back(value->text());
    }
}

}  // namespace

agg::Values analysed_words(
    const AggregationContext& context,
    const std::string& field,
    const Json* source_fields
) {
    agg::Values out;
    out.kind = agg::ValueKind::kString;
    out.by_index.resize(context.indices.size());

    struct Index {
        std::shared_ptr<const search::AnalysisChain> chain;
        std::vector<std::string> paths;
    };

    std::vector<Index> indices;
    for (const QueryContext* index : context.indices) {
        Index one;
        if (index == nullptr) {
            indices.push_back(std::move(one));
            continue;
        }
        const Target target = resolve(*index, field);
        if (target.field != nullptr) {
            one.chain = search::AnalysisChain::of(target.field->analyzer);
            const bool has_parent = !target.field->parent.empty();
            one.paths.push_back(has_parent ? target.field->parent : target.field->path);
        }
        if (source_fields != nullptr && source_fields->is_array()) {
            one.paths.clear();
            gather_texts(source_fields, one.paths);
        }
        indices.push_back(std::move(one));
    }
    out.words = [indices = std::move(indices
                 )](const agg::Run& run,
                    const agg::PartDocs& part,
                    search::DocId doc,
                    std::vector<std::string>& words) -> Status {
        const Index& index = indices[part.index];
        if (index.chain == nullptr) {
            return {};
        }
        std::string stored;
        KUMO_TRY(run.segment(part.index, part.part).stored->append(doc, stored));
        KUMO_TRY_ASSIGN(const search::StoredDocument document, search::parse_stored(stored));
        KUMO_TRY_ASSIGN(const Json source, Json::parse(document.source));
        std::vector<std::string> texts;
        for (const std::string& path : index.paths) {
            gather_texts(source.at_path(path), texts);
        }
        search::TokenBuffer tokens;
        for (const std::string& text : texts) {
            index.chain->analyze(text, tokens);
        }
        for (const search::AnalyzedToken& token : tokens.tokens) {
            words.emplace_back(tokens.term(token));
        }
        return {};
    };
    return out;
}

Words without_repeats(Words words) {
    // What was seen belongs to one pass over documents, which ascend.
    struct Seen {
        std::array<std::size_t, 3> last{};
        bool any = false;
        std::unordered_set<std::size_t> sequences;
    };

    auto seen = std::make_shared<Seen>();
    return [words = std::move(words), seen](
               const agg::Run& run,
               const agg::PartDocs& part,
               search::DocId doc,
               std::vector<std::string>& out
           ) -> Status {
        constexpr std::size_t kLength = 6;
        const std::array<std::size_t, 3> at{part.index, part.part, doc};
        if (seen->any && at <= seen->last) {
            seen->sequences.clear();
        }
        seen->last = at;
        seen->any = true;
        std::vector<std::string> all;
        KUMO_TRY(words(run, part, doc, all));
        std::vector<bool> copied(all.size());
        for (std::size_t i = 0; i + kLength <= all.size(); ++i) {
            std::size_t hash = 0;
            for (std::size_t j = i; j < i + kLength; ++j) {
                hash = hash * 1000003 + std::hash<std::string>()(all[j]);
            }
            if (!seen->sequences.insert(hash).second) {
                std::fill_n(copied.begin() + static_cast<std::ptrdiff_t>(i), kLength, true);
            }
        }
        for (std::size_t i = 0; i < all.size(); ++i) {
            if (!copied[i]) {
                out.push_back(std::move(all[i]));
            }
        }
        return {};
    };
}

}  // namespace kumo::api_elastic
