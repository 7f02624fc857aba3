#include "api/elastic/query/internal/common.h"
#include "api/elastic/query/internal/match.h"
#include "api/elastic/query/internal/query_parser.h"

#include <algorithm>

namespace kumo::api_elastic {

namespace {

Result<std::uint32_t> count_of(std::string_view name, const Json& value) {
    const auto number = value.to_int64();
    if (!number || *number < 0 || *number > INT32_MAX) {
        return illegal_argument("No negative " + std::string(name) + " allowed.");
    }
    return static_cast<std::uint32_t>(*number);
}

/// One option that the queries of this family share; nothing if it is none.
Result<bool>
read_option(std::string_view query, const std::string& key, const Json& value, MatchOptions& out) {
    if (key == "operator") {
        const std::string name = lower_case(value.text());
        if (name != "and" && name != "or") {
            return illegal_argument(
                "operator needs to be either and or or, but not [" + value.text() + "]"
            );
        }
        out.all = name == "and";
    } else if (key == "minimum_should_match") {
        out.minimum_should_match = value.is_null() ? "" : value.text();
    } else if (key == "fuzziness") {
        KUMO_TRY_ASSIGN(out.fuzziness, Fuzziness::parse(value));
    } else if (key == "prefix_length") {
        KUMO_TRY_ASSIGN(out.prefix_length, count_of("prefix length", value));
    } else if (key == "max_expansions") {
        KUMO_TRY_ASSIGN(out.expansions_max, count_of("maxExpansions", value));
        if (out.expansions_max == 0) {
            return illegal_argument(
                "[" + std::string(query) + "] requires maxExpansions to be positive."
            );
        }
    } else if (key == "fuzzy_transpositions") {
        out.transpositions = value.to_bool().value_or(true);
    } else if (key == "fuzzy_rewrite") {
        out.constant_fuzzy = value.text().starts_with("constant_score");
    } else if (key == "slop") {
        KUMO_TRY_ASSIGN(out.slop, count_of("slop", value));
    } else if (key == "analyzer") {
        out.analyzer = value.is_null() ? "" : value.text();
    } else if (key == "lenient") {
        out.lenient = value.to_bool().value_or(false);
    } else if (key == "zero_terms_query") {
        out.zero_terms_all = lower_case(value.text()) == "all";
    } else {
        return key == "boost" || key == "_name" || key == "cutoff_frequency"
               || key == "auto_generate_synonyms_phrase_query";
    }
    return true;
}

NodeResult
read_match_of(QueryParser& parser, const Json& body, std::string_view query, MatchOptions options) {
    KUMO_TRY_ASSIGN(const FieldBody field, field_body(query, body, {"query"}));
    if (field.value.is_null()) {
        return parsing_error("No text specified for text query");
    }
    for (const auto& [key, value] : field.options.members()) {
        KUMO_TRY_ASSIGN(const bool known, read_option(query, key, value, options));
        if (!known) {
            return QueryParser::unknown_option(query, key);
        }
    }
    KUMO_TRY_ASSIGN(
        tree::NodePtr node,
        match_field_or_none(parser.context(), field.field, field.value, options)
    );
    return parser.finish(std::move(node), field.options);
}

}  // namespace

NodeResult read_match(QueryParser& parser, const Json& body) {
    return read_match_of(parser, body, "match", {});
}

NodeResult read_match_phrase(QueryParser& parser, const Json& body) {
    return read_match_of(parser, body, "match_phrase", {.type = MatchType::kPhrase});
}

NodeResult read_match_phrase_prefix(QueryParser& parser, const Json& body) {
    return read_match_of(parser, body, "match_phrase_prefix", {.type = MatchType::kPhrasePrefix});
}

NodeResult read_match_bool_prefix(QueryParser& parser, const Json& body) {
    return read_match_of(parser, body, "match_bool_prefix", {.type = MatchType::kBoolPrefix});
}

namespace {

Result<std::vector<std::string>> field_names(std::string_view query, const Json& value) {
    std::vector<std::string> out;
    if (value.is_string()) {
        out.push_back(value.as_string());
        return out;
    }
    if (!value.is_array()) {
        return parsing_error(
            "[" + std::string(query) + "] unknown token [" + value.text() + "] after [fields]"
        );
    }
    for (const Json& item : value.items()) {
        if (item.is_null()) {
            return parsing_error(
                "[" + std::string(query) + "] field name in [fields] cannot be null"
            );
        }
        out.push_back(item.text());
    }
    return out;
}

Status check_bool_prefix(const Json& body) {
    for (const char* name : {"slop", "cutoff_frequency"}) {
        if (body.find(name) != nullptr) {
            return illegal_argument(
                "[" + std::string(name) + "] not allowed for type [bool_prefix]"
            );
        }
    }
    return {};
}

}  // namespace

NodeResult read_multi_match(QueryParser& parser, const Json& body) {
    MultiMatch options;
    std::vector<std::string> patterns;
    const Json* text = nullptr;
    for (const auto& [key, value] : body.members()) {
        if (key == "fields") {
            KUMO_TRY_ASSIGN(patterns, field_names("multi_match", value));
        } else if (key == "query") {
            text = &value;
        } else if (key == "type") {
            KUMO_TRY_ASSIGN(options.type, multi_type(lower_case(value.text())));
        } else if (key == "tie_breaker") {
            options.tie_breaker = static_cast<float>(value.to_double().value_or(0));
        } else {
            KUMO_TRY_ASSIGN(
                const bool known,
                read_option("multi_match", key, value, options.match)
            );
            if (!known) {
                return QueryParser::unknown_option("multi_match", key);
            }
        }
    }
    if (text == nullptr || text->is_null()) {
        return parsing_error("No text specified for multi_match query");
    }
    if (options.type == MultiType::kBoolPrefix) {
        KUMO_TRY(check_bool_prefix(body));
    }
    const bool phrase =
        options.type == MultiType::kPhrase || options.type == MultiType::kPhrasePrefix;
    if (options.match.fuzziness && (phrase || options.type == MultiType::kCrossFields)) {
        const Json* type = body.find("type");
        return parsing_error("Fuzziness not allowed for type [" + lower_case(type->text()) + "]");
    }
    KUMO_TRY_ASSIGN(const FieldList fields, expand_fields(parser.context(), patterns));
    options.match.lenient = options.match.lenient || fields.any;
    KUMO_TRY_ASSIGN(
        tree::NodePtr node,
        match_fields(parser.context(), fields.fields, *text, options)
    );
    if (node == nullptr) {
        node = options.match.zero_terms_all ? tree::match_all() : tree::match_none();
    }
    return parser.finish(std::move(node), body);
}

NodeResult read_combined_fields(QueryParser& parser, const Json& body) {
    MatchOptions options;
    std::vector<std::string> patterns;
    const Json* text = nullptr;
    for (const auto& [key, value] : body.members()) {
        if (key == "fields") {
            KUMO_TRY_ASSIGN(patterns, field_names("combined_fields", value));
        } else if (key == "query") {
            text = &value;
        } else {
            KUMO_TRY_ASSIGN(const bool known, read_option("combined_fields", key, value, options));
            if (!known) {
                return parsing_error("[combined_fields] unknown field [" + key + "]");
            }
        }
    }
    if (text == nullptr) {
        return parsing_error("Required [query]");
    }
    if (patterns.empty()) {
        return parsing_error("Required [fields]");
    }
    const QueryContext& context = parser.context();
    KUMO_TRY_ASSIGN(const FieldList fields, expand_fields(context, patterns));
    std::vector<tree::CombinedTerm> terms;
    for (const BoostedField& one : fields.fields) {
        if (one.boost < 1) {
            return illegal_argument("[combined_fields] requires field boosts to be >= 1.0");
        }
        const Target target = resolve(context, one.path);
        if (target.field == nullptr || !target.engine) {
            continue;
        }
        if (!target.field->is_text()) {
            return illegal_argument(
                "Field [" + one.path + "] of type [" + target.field->type
                + "] does not support [combined_fields] queries"
            );
        }
        KUMO_TRY_ASSIGN(
            const search::TokenBuffer tokens,
            analyze_query(context, *target.field, text->text())
        );
        terms.resize(std::max(terms.size(), tokens.tokens.size()));
        for (std::size_t i = 0; i < tokens.tokens.size(); ++i) {
            terms[i].parts.push_back(
                {*target.engine, {std::string(tokens.term(tokens.tokens[i]))}, one.boost}
            );
        }
    }
    std::vector<tree::NodePtr> nodes;
    for (tree::CombinedTerm& term : terms) {
        nodes.push_back(tree::combined(std::move(term)));
    }
    if (nodes.empty()) {
        return parser.finish(options.zero_terms_all ? tree::match_all() : tree::match_none(), body);
    }
    tree::Boolean all;
    if (options.all) {
        all.must = std::move(nodes);
    } else {
        if (!options.minimum_should_match.empty()) {
            KUMO_TRY_ASSIGN(
                const std::int64_t least,
                minimum_should_match(
                    static_cast<std::int64_t>(nodes.size()),
                    options.minimum_should_match
                )
            );
            all.should_min = static_cast<std::uint32_t>(std::max<std::int64_t>(1, least));
        }
        all.should = std::move(nodes);
    }
    return parser.finish(tree::boolean(std::move(all)), body);
}

}  // namespace kumo::api_elastic
