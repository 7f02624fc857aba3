#include "api/elastic/query/internal/bitmap_values.h"
#include "api/elastic/query/internal/query_parser.h"

#include <algorithm>
#include <array>

namespace kumo::api_elastic {

namespace {

Error unknown_field(std::string_view query, std::string_view option) {
    return parsing_error(
        "[" + std::string(query) + "] query does not support [" + std::string(option) + "]"
    );
}

/// One query, or an array of them.
Result<std::vector<tree::NodePtr>> read_clauses(QueryParser& parser, const Json& value) {
    std::vector<tree::NodePtr> out;
    if (value.is_array()) {
        for (const Json& item : value.items()) {
            KUMO_TRY_ASSIGN(tree::NodePtr node, parser.parse(item));
            out.push_back(std::move(node));
        }
        return out;
    }
    KUMO_TRY_ASSIGN(tree::NodePtr node, parser.parse(value));
    out.push_back(std::move(node));
    return out;
}

}  // namespace

NodeResult read_match_all(QueryParser& parser, const Json& body) {
    for (const auto& [key, value] : body.members()) {
        if (key != "boost" && key != "_name") {
            return parsing_error("[match_all] unknown field [" + key + "]");
        }
    }
    return parser.finish(tree::match_all(), body);
}

NodeResult read_match_none(QueryParser& parser, const Json& body) {
    return parser.finish(tree::match_none(), body);
}

NodeResult read_bool(QueryParser& parser, const Json& body) {
    tree::Boolean clauses;
    std::string least;
    for (const auto& [key, value] : body.members()) {
        std::vector<tree::NodePtr>* into = nullptr;
        if (key == "must") {
            into = &clauses.must;
        } else if (key == "should") {
            into = &clauses.should;
        } else if (key == "filter") {
            into = &clauses.filter;
        } else if (key == "must_not" || key == "mustNot") {
            into = &clauses.must_not;
        } else if (key == "minimum_should_match") {
            least = value.text();
            continue;
        } else if (key == "boost" || key == "_name" || key == "adjust_pure_negative") {
            continue;
        } else {
            return unknown_field("bool", key);
        }
        KUMO_TRY_ASSIGN(*into, read_clauses(parser, value));
    }
    const std::size_t count = clauses.must.size() + clauses.should.size() + clauses.filter.size()
                              + clauses.must_not.size();
    if (count > parser.context().clauses_max) {
        return fault(
            "too_many_clauses",
            "maxClauseCount is set to " + std::to_string(parser.context().clauses_max)
        );
    }
    if (!least.empty() && !clauses.should.empty()) {
        KUMO_TRY_ASSIGN(
            const std::int64_t wanted,
            minimum_should_match(static_cast<std::int64_t>(clauses.should.size()), least)
        );
        const bool required = !clauses.must.empty() || !clauses.filter.empty();
        if (wanted > 0 || required) {
            clauses.should_min = static_cast<std::uint32_t>(wanted);
        }
    }
    return parser.finish(tree::boolean(std::move(clauses)), body);
}

NodeResult read_dis_max(QueryParser& parser, const Json& body) {
    std::vector<tree::NodePtr> children;
    double tie_breaker = 0;
    bool found = false;
    for (const auto& [key, value] : body.members()) {
        if (key == "queries") {
            KUMO_TRY_ASSIGN(children, read_clauses(parser, value));
            found = true;
        } else if (key == "tie_breaker") {
            tie_breaker = value.to_double().value_or(0);
        } else if (key != "boost" && key != "_name") {
            return unknown_field("dis_max", key);
        }
    }
    if (!found || children.empty()) {
        return parsing_error("[dis_max] requires 'queries' field with at least one clause");
    }
    return parser.finish(tree::dis_max(std::move(children), static_cast<float>(tie_breaker)), body);
}

NodeResult read_constant_score(QueryParser& parser, const Json& body) {
    tree::NodePtr child;
    for (const auto& [key, value] : body.members()) {
        if (key == "filter") {
            if (child != nullptr) {
                return parsing_error("[constant_score] accepts only one 'filter' element.");
            }
            if (!value.is_object()) {
                return parsing_error("unexpected token [START_ARRAY]");
            }
            KUMO_TRY_ASSIGN(child, parser.parse(value));
        } else if (key != "boost" && key != "_name") {
            return unknown_field("constant_score", key);
        }
    }
    if (child == nullptr) {
        return parsing_error("[constant_score] requires a 'filter' element");
    }
    return parser.finish(tree::constant(std::move(child)), body);
}

NodeResult read_boosting(QueryParser& parser, const Json& body) {
    tree::NodePtr positive;
    tree::NodePtr negative;
    std::optional<double> factor;
    for (const auto& [key, value] : body.members()) {
        if (key == "positive") {
            KUMO_TRY_ASSIGN(positive, parser.parse(value));
        } else if (key == "negative") {
            KUMO_TRY_ASSIGN(negative, parser.parse(value));
        } else if (key == "negative_boost") {
            factor = value.to_double();
        } else if (key != "boost" && key != "_name") {
            return unknown_field("boosting", key);
        }
    }
    if (positive == nullptr) {
        return parsing_error("[boosting] query requires 'positive' query to be set'");
    }
    if (negative == nullptr) {
        return parsing_error("[boosting] query requires 'negative' query to be set'");
    }
    if (!factor || *factor < 0) {
        return parsing_error(
            "[boosting] query requires 'negative_boost' to be set to be a positive value'"
        );
    }
    return parser.finish(
        tree::boosting(std::move(positive), std::move(negative), static_cast<float>(*factor)),
        body
    );
}

NodeResult read_nested(QueryParser& parser, const Json& body) {
    const QueryContext& context = parser.context();
    std::string path;
    const Json* query = nullptr;
    const Json* inner = nullptr;
    std::string mode = "avg";
    bool ignore_unmapped = false;
    for (const auto& [key, value] : body.members()) {
        if (key == "path") {
            path = value.text();
        } else if (key == "query") {
            query = &value;
        } else if (key == "score_mode") {
            mode = value.text();
        } else if (key == "ignore_unmapped") {
            ignore_unmapped = value.to_bool().value_or(false);
        } else if (key == "inner_hits") {
            inner = &value;
        } else if (key != "boost" && key != "_name") {
            return unknown_field("nested", key);
        }
    }
    if (query == nullptr) {
        return parsing_error("[nested] requires 'query' field");
    }
    if (path.empty()) {
        return parsing_error("[nested] requires 'path' field");
    }
    if (!context.expensive_allowed) {
        return fault(
            "exception",
            "[joining] queries cannot be executed when 'search.allow_expensive_queries' is set to "
            "false."
        );
    }
    constexpr std::array kModes{"avg", "sum", "min", "max", "none"};
    if (std::find(kModes.begin(), kModes.end(), mode) == kModes.end()) {
        return illegal_argument("No score mode for child query [" + mode + "] found");
    }
    const MappedField* object = context.mapping.find_declared(path);
    if (object == nullptr || object->kind != FieldKind::kNested) {
        if (ignore_unmapped) {
            return parser.finish(tree::match_none(), body);
        }
        if (object != nullptr) {
            return fault(
                "query_shard_exception",
                "[nested] nested object under path [" + path + "] is not of nested type"
            );
        }
        return fault(
            "query_shard_exception",
            "[nested] failed to find nested object under path [" + path + "]"
        );
    }
    if (inner != nullptr && context.inner_hits != nullptr) {
        const Json* name = inner->find("name");
        context.inner_hits->push_back({path, name != nullptr ? name->text() : path, *inner, *query}
        );
    }
    tree::NodePtr node;
    if (context.nested) {
        KUMO_TRY_ASSIGN(node, context.nested(path, *query, mode));
    } else {
        KUMO_TRY_ASSIGN(node, parser.parse(*query));
    }
    if (mode == "none") {
        node = tree::boosted(tree::constant(std::move(node)), 0);
    }
    return parser.finish(std::move(node), body);
}

NodeResult read_wrapper(QueryParser& parser, const Json& body) {
    const Json* query = body.find("query");
    if (query == nullptr || !query->is_string()) {
        return parsing_error("[wrapper] query malformed, expected `query` but was []");
    }
    const auto text = base64_decoded(query->as_string());
    if (!text) {
        return illegal_argument("Illegal base64 character in the query of [wrapper]");
    }
    KUMO_TRY_ASSIGN(const Json inner, Json::parse(*text));
    return parser.parse(inner);
}

NodeResult read_script(QueryParser& parser, const Json& body) {
    const Json* script = body.find("script");
    if (script == nullptr) {
        return parsing_error("script must be provided with a [script] query");
    }
    if (!parser.context().script) {
        return not_supported("[script] queries are not supported");
    }
    KUMO_TRY_ASSIGN(const tree::ScoreFunction function, parser.context().script(*script));
    auto node = tree::computed(
        nullptr,
        [function](const tree::DocRef& doc) -> Result<std::optional<float>> {
            KUMO_TRY_ASSIGN(const double value, function(doc));
            return value != 0 ? std::optional<float>(1) : std::nullopt;
        }
    );
    return parser.finish(std::move(node), body);
}

}  // namespace kumo::api_elastic
