#include "api/elastic/query/internal/bitmap_values.h"
#include "api/elastic/query/internal/query_parser.h"

#include <algorithm>

namespace kumo::api_elastic {

namespace {

/// Errors of values, as the API wraps them.
NodeResult wrapped(NodeResult result) {
    if (result.ok()) {
        return result;
    }
    const Fault cause = fault_of(result.error());
    if (cause.type == "query_shard_exception" || cause.type == "exception"
        || cause.type == "too_complex_to_determinize_exception"
        || cause.type == "unsupported_operation_exception") {
        return result;
    }
    if (cause.type == "parse_exception" || cause.reason.starts_with("The length of regex")) {
        return result;
    }
    return fault("query_shard_exception", "failed to create query: " + cause.reason);
}

Status check_value(std::string_view, const Json& value) {
    if (value.is_null()) {
        return illegal_argument("value cannot be null");
    }
    return {};
}

bool flag(const Json& options, std::string_view name) {
    const Json* value = options.find(name);
    return value != nullptr && value->to_bool().value_or(false);
}

Result<std::uint32_t>
count_option(const Json& options, std::string_view name, std::uint32_t otherwise) {
    const Json* value = options.find(name);
    if (value == nullptr) {
        return otherwise;
    }
    const auto number = value->to_int64();
    if (!number || *number < 0 || *number > INT32_MAX) {
        return illegal_argument(
            "[" + std::string(name) + "] must be a positive integer, found [" + value->text() + "]"
        );
    }
    return static_cast<std::uint32_t>(*number);
}

}  // namespace

NodeResult read_term(QueryParser& parser, const Json& body) {
    KUMO_TRY_ASSIGN(const FieldBody field, field_body("term", body, {"value", "term"}));
    KUMO_TRY(check_options("term", field.options, {"case_insensitive"}));
    KUMO_TRY(check_value("term", field.value));
    const FieldQueries queries(parser.context(), field.field);
    KUMO_TRY_ASSIGN(
        tree::NodePtr node,
        wrapped(queries.term(field.value, flag(field.options, "case_insensitive")))
    );
    return parser.finish(std::move(node), field.options);
}

namespace {

void gather(const Json& value, Json::Array& out) {
    if (value.is_array()) {
        for (const Json& item : value.items()) {
            gather(item, out);
        }
    } else if (!value.is_null()) {
        out.push_back(value);
    }
}

/// Values at a path of an object, through the arrays on the way.
void gather_at(const Json& value, std::string_view path, Json::Array& out) {
    if (value.is_array()) {
        for (const Json& item : value.items()) {
            gather_at(item, path, out);
        }
        return;
    }
    if (const Json* whole = value.find(path)) {
        gather(*whole, out);
        return;
    }
    for (std::size_t dot = path.find('.'); dot != std::string_view::npos;
         dot = path.find('.', dot + 1)) {
        if (const Json* inner = value.find(path.substr(0, dot))) {
            gather_at(*inner, path.substr(dot + 1), out);
            return;
        }
    }
}

Result<Json::Array> look_up(const QueryContext& context, const Json& lookup) {
    for (const auto& [key, value] : lookup.members()) {
        if (key != "index" && key != "id" && key != "path" && key != "routing" && key != "type"
            && key != "store") {
            return parsing_error("[terms_lookup] unknown field [" + key + "]");
        }
    }
    const Json* index = lookup.find("index");
    const Json* id = lookup.find("id");
    const Json* path = lookup.find("path");
    if (index == nullptr) {
        return illegal_argument("[terms] query lookup element requires specifying the index.");
    }
    if (id == nullptr) {
        return illegal_argument("[terms] query lookup element requires specifying the id.");
    }
    if (path == nullptr) {
        return illegal_argument("[terms] query lookup element requires specifying the path.");
    }
    if (!context.lookup) {
        return not_supported("terms lookup is not supported here");
    }
    const Json* routing = lookup.find("routing");
    KUMO_TRY_ASSIGN(
        const std::optional<Json> source,
        context.lookup(index->text(), id->text(), routing != nullptr ? routing->text() : "")
    );
    Json::Array out;
    if (source) {
        gather_at(*source, path->text(), out);
    }
    return out;
}

}  // namespace

namespace {

/// Numbers that one bitmap has, written as base64.
NodeResult terms_of_bitmap(const FieldQueries& queries, const Json::Array& terms) {
    if (terms.size() != 1) {
        return illegal_argument(
            "Invalid value for bitmap type: Expected a single-element array with a base64 encoded "
            "serialized bitmap."
        );
    }
    const auto bytes = base64_decoded(terms.front().text());
    if (!bytes) {
        return illegal_argument("the bitmap is not encoded in base64");
    }
    const Target& target = queries.target();
    const bool wide = target.field != nullptr && target.field->kind == FieldKind::kLong;
    auto values = bitmap_values(*bytes, wide);
    if (!values.ok()) {
        return illegal_argument("Failed to deserialize the bitmap: " + values.error().message);
    }
    if (target.field == nullptr || !target.engine) {
        return tree::match_none();
    }
    if (!target.field->is_int() || target.field->is_date()) {
        return illegal_argument(
            "Field [" + target.path + "] of type [" + target.field->type
            + "] does not support bitmap terms queries"
        );
    }
    return tree::codes(*target.engine, std::move(values).value());
}

}  // namespace

NodeResult read_terms(QueryParser& parser, const Json& body) {
    std::string field;
    const Json* values = nullptr;
    bool bitmap = false;
    for (const auto& [key, value] : body.members()) {
        if (key == "boost" || key == "_name") {
            continue;
        }
        if (key == "value_type") {
            bitmap = value.text() == "bitmap";
            if (!bitmap && value.text() != "default") {
                return illegal_argument(
                    "No valid term type for the given value_type [" + value.text() + "]"
                );
            }
            continue;
        }
        if (!value.is_array() && !value.is_object()) {
            return parsing_error("[terms] query does not support [" + key + "]");
        }
        if (values != nullptr) {
            return parsing_error("[terms] query does not support multiple fields");
        }
        field = key;
        values = &value;
    }
    if (values == nullptr) {
        return parsing_error(
            "[terms] query requires a field name, followed by array of terms or a document lookup "
            "specification"
        );
    }
    Json::Array terms;
    if (values->is_object()) {
        KUMO_TRY_ASSIGN(terms, look_up(parser.context(), *values));
    } else {
        for (const Json& value : values->items()) {
            KUMO_TRY(check_value("terms", value));
            terms.push_back(value);
        }
    }
    if (terms.size() > parser.context().terms_max) {
        return illegal_argument(
            "The number of terms [" + std::to_string(terms.size())
            + "] used in the Terms Query request has exceeded the allowed maximum of ["
            + std::to_string(parser.context().terms_max)
            + "]. This maximum can be set by changing the [index.max_terms_count] index level "
              "setting."
        );
    }
    const FieldQueries queries(parser.context(), field);
    if (bitmap) {
        KUMO_TRY_ASSIGN(tree::NodePtr node, terms_of_bitmap(queries, terms));
        return parser.finish(std::move(node), body);
    }
    KUMO_TRY_ASSIGN(tree::NodePtr node, wrapped(queries.terms(terms)));
    return parser.finish(std::move(node), body);
}

namespace {

void set_low(RangeBounds& bounds, const Json& value, bool included) {
    bounds.low = value.is_null() ? std::optional<Json>() : value;
    bounds.low_included = included;
}

void set_high(RangeBounds& bounds, const Json& value, bool included) {
    bounds.high = value.is_null() ? std::optional<Json>() : value;
    bounds.high_included = included;
}

Status read_bound(RangeBounds& bounds, const std::string& key, const Json& value) {
    if (key == "gt" || key == "gte" || key == "from") {
        const bool included = key != "gt" && (key == "gte" || bounds.low_included);
        set_low(bounds, value, included);
    } else if (key == "lt" || key == "lte" || key == "to") {
        const bool included = key != "lt" && (key == "lte" || bounds.high_included);
        set_high(bounds, value, included);
    } else if (key == "include_lower") {
        bounds.low_included = value.to_bool().value_or(true);
    } else if (key == "include_upper") {
        bounds.high_included = value.to_bool().value_or(true);
    } else if (key == "format") {
        bounds.format = value.text();
    } else if (key == "time_zone") {
        bounds.time_zone = value.text();
    } else if (key == "relation") {
        bounds.relation = value.text();
    } else if (key != "boost" && key != "_name") {
        return QueryParser::unknown_option("range", key);
    }
    return {};
}

}  // namespace

NodeResult read_range(QueryParser& parser, const Json& body) {
    std::string field;
    RangeBounds bounds;
    Json options = Json::object();
    for (const auto& [key, value] : body.members()) {
        if (key == "boost" || key == "_name") {
            options[key] = value;
            continue;
        }
        if (!value.is_object()) {
            return QueryParser::unknown_option("range", key);
        }
        if (!field.empty()) {
            return parsing_error(
                "[range] query doesn't support multiple fields, found [" + field + "] and [" + key
                + "]"
            );
        }
        field = key;
        for (const auto& [option, inner] : value.members()) {
            KUMO_TRY(read_bound(bounds, option, inner));
            if (option == "boost" || option == "_name") {
                options[option] = inner;
            }
        }
    }
    if (field.empty()) {
        return illegal_argument("field name is null or empty");
    }
    const FieldQueries queries(parser.context(), field);
    KUMO_TRY_ASSIGN(tree::NodePtr node, wrapped(queries.range(bounds)));
    return parser.finish(std::move(node), options);
}

NodeResult read_exists(QueryParser& parser, const Json& body) {
    KUMO_TRY(check_options("exists", body, {"field"}));
    const Json* field = body.find("field");
    if (field == nullptr || field->text().empty()) {
        return parsing_error("[exists] must be provided with a [field]");
    }
    const std::string name = field->text();
    tree::NodePtr node;
    if (name.find('*') == std::string::npos) {
        KUMO_TRY_ASSIGN(node, FieldQueries(parser.context(), name).exists());
    } else {
        tree::Boolean any;
        for (const MappedField* one : parser.context().mapping.matching(name)) {
            KUMO_TRY_ASSIGN(
                tree::NodePtr child,
                FieldQueries(parser.context(), one->path).exists()
            );
            any.should.push_back(std::move(child));
        }
        node = any.should.empty() ? tree::match_none() : tree::boolean(std::move(any));
    }
    return parser.finish(tree::constant(std::move(node)), body);
}

NodeResult read_ids(QueryParser& parser, const Json& body) {
    for (const auto& [key, value] : body.members()) {
        if (key != "values" && key != "type" && key != "boost" && key != "_name") {
            return parsing_error("[ids] unknown field [" + key + "]");
        }
    }
    std::vector<std::string> ids;
    if (const Json* values = body.find("values")) {
        Json::Array all;
        gather(*values, all);
        for (const Json& value : all) {
            ids.push_back(value.text());
        }
    }
    return parser.finish(tree::ids(std::move(ids)), body);
}

NodeResult read_prefix(QueryParser& parser, const Json& body) {
    KUMO_TRY_ASSIGN(const FieldBody field, field_body("prefix", body, {"value", "prefix"}));
    KUMO_TRY(check_options("prefix", field.options, {"case_insensitive", "rewrite"}));
    KUMO_TRY(check_value("prefix", field.value));
    const FieldQueries queries(parser.context(), field.field);
    KUMO_TRY_ASSIGN(
        tree::NodePtr node,
        wrapped(queries.prefix(field.value.text(), flag(field.options, "case_insensitive")))
    );
    return parser.finish(std::move(node), field.options);
}

NodeResult read_wildcard(QueryParser& parser, const Json& body) {
    KUMO_TRY_ASSIGN(const FieldBody field, field_body("wildcard", body, {"value", "wildcard"}));
    KUMO_TRY(check_options("wildcard", field.options, {"case_insensitive", "rewrite"}));
    KUMO_TRY(check_value("wildcard", field.value));
    const FieldQueries queries(parser.context(), field.field);
    KUMO_TRY_ASSIGN(
        tree::NodePtr node,
        wrapped(queries.wildcard(field.value.text(), flag(field.options, "case_insensitive")))
    );
    return parser.finish(std::move(node), field.options);
}

namespace {

/// "INTERSECTION|COMPLEMENT": the operators that are on.
Result<tree::RegexpSyntax> regexp_syntax(const Json& options) {
    const Json* flags = options.find("flags");
    if (flags == nullptr || flags->is_null()) {
        return tree::RegexpSyntax{};
    }
    if (const Json* value = options.find("flags_value"); value != nullptr && value->is_number()) {
        return tree::RegexpSyntax{};
    }
    tree::RegexpSyntax out{false, false, false, false, false};
    const std::string text = flags->text();
    for (std::size_t at = 0; at <= text.size();) {
        std::size_t end = text.find('|', at);
        end = end == std::string::npos ? text.size() : end;
        const std::string one = text.substr(at, end - at);
        at = end + 1;
        if (one == "ALL") {
            return tree::RegexpSyntax{};
        }
        if (one == "INTERVAL") {
            out.interval = true;
        } else if (one == "ANYSTRING") {
            out.any_string = true;
        } else if (one == "EMPTY") {
            out.empty = true;
        } else if (one == "COMPLEMENT") {
            out.complement = true;
        } else if (one == "INTERSECTION") {
            out.intersection = true;
        } else if (one != "NONE" && !one.empty()) {
            return illegal_argument("Unknown regexp flag [" + one + "]");
        }
    }
    return out;
}

}  // namespace

NodeResult read_regexp(QueryParser& parser, const Json& body) {
    KUMO_TRY_ASSIGN(const FieldBody field, field_body("regexp", body, {"value", "regexp"}));
    KUMO_TRY(check_options(
        "regexp",
        field.options,
        {"flags", "flags_value", "max_determinized_states", "case_insensitive", "rewrite"}
    ));
    KUMO_TRY(check_value("regexp", field.value));
    KUMO_TRY_ASSIGN(const tree::RegexpSyntax syntax, regexp_syntax(field.options));
    const FieldQueries queries(parser.context(), field.field);
    KUMO_TRY_ASSIGN(
        tree::NodePtr node,
        wrapped(queries.regexp(field.value.text(), syntax, flag(field.options, "case_insensitive")))
    );
    return parser.finish(std::move(node), field.options);
}

NodeResult read_fuzzy(QueryParser& parser, const Json& body) {
    KUMO_TRY_ASSIGN(const FieldBody field, field_body("fuzzy", body, {"value", "term"}));
    KUMO_TRY(check_options(
        "fuzzy",
        field.options,
        {"fuzziness", "prefix_length", "max_expansions", "transpositions", "rewrite"}
    ));
    KUMO_TRY(check_value("fuzzy", field.value));
    FuzzyOptions options;
    if (const Json* fuzziness = field.options.find("fuzziness")) {
        KUMO_TRY_ASSIGN(options.fuzziness, Fuzziness::parse(*fuzziness));
    }
    KUMO_TRY_ASSIGN(options.prefix_length, count_option(field.options, "prefix_length", 0));
    KUMO_TRY_ASSIGN(options.expansions_max, count_option(field.options, "max_expansions", 50));
    if (const Json* swaps = field.options.find("transpositions")) {
        options.transpositions = swaps->to_bool().value_or(true);
    }
    if (const Json* rewrite = field.options.find("rewrite")) {
        options.constant = rewrite->text().starts_with("constant_score");
    }
    const FieldQueries queries(parser.context(), field.field);
    KUMO_TRY_ASSIGN(tree::NodePtr node, wrapped(queries.fuzzy(field.value.text(), options)));
    return parser.finish(std::move(node), field.options);
}

NodeResult read_terms_set(QueryParser& parser, const Json& body) {
    KUMO_TRY_ASSIGN(const FieldBody field, field_body("terms_set", body, {"terms"}));
    KUMO_TRY(check_options(
        "terms_set",
        field.options,
        {"minimum_should_match_field", "minimum_should_match_script", "minimum_should_match"}
    ));
    if (!field.value.is_array()) {
        return parsing_error("[terms_set] requires [terms]");
    }
    const FieldQueries queries(parser.context(), field.field);
    std::vector<tree::NodePtr> terms;
    for (const Json& value : field.value.items()) {
        KUMO_TRY_ASSIGN(tree::NodePtr term, wrapped(queries.term(value)));
        terms.push_back(std::move(term));
    }
    if (terms.empty()) {
        return parser.finish(tree::match_none(), field.options);
    }
    if (const Json* least = field.options.find("minimum_should_match")) {
        KUMO_TRY_ASSIGN(
            const std::int64_t count,
            minimum_should_match(static_cast<std::int64_t>(terms.size()), least->text())
        );
        tree::Boolean any;
        any.should = std::move(terms);
        any.should_min = static_cast<std::uint32_t>(std::max<std::int64_t>(1, count));
        return parser.finish(tree::boolean(std::move(any)), field.options);
    }
    const Json* least_field = field.options.find("minimum_should_match_field");
    if (least_field == nullptr) {
        return not_supported("scripts are not supported in [terms_set]");
    }
    const Target least = resolve(parser.context(), least_field->text());
    if (least.field == nullptr || !least.engine || !least.field->is_int()) {
        return parser.finish(tree::match_none(), field.options);
    }
    // For each number that documents may ask for, those that ask for it and have so many terms.
    tree::Boolean any;
    for (std::uint32_t count = 1; count <= terms.size(); ++count) {
        tree::Boolean enough;
        enough.should = terms;
        enough.should_min = count;
        tree::Boolean one;
        one.must = {tree::boolean(std::move(enough))};
        one.filter = {tree::code_range(*least.engine, count == 1 ? INT64_MIN : count, count)};
        any.should.push_back(tree::boolean(std::move(one)));
    }
    return parser.finish(tree::boolean(std::move(any)), field.options);
}

}  // namespace kumo::api_elastic
