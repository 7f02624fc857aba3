#include "api/elastic/query/internal/match.h"

#include "api/elastic/fault.h"

#include <algorithm>
#include <map>
#include <utility>

namespace kumo::api_elastic {

namespace {

/// What stands at one position: a term, or several ways to write it.
struct Place {
    std::uint32_t position = 0;
    std::vector<std::string> forms;
};

std::vector<Place> places_of(const search::TokenBuffer& tokens) {
    std::vector<Place> out;
    for (const search::AnalyzedToken& token : tokens.tokens) {
        if (out.empty() || out.back().position != token.position) {
            out.push_back({token.position, {}});
        }
        const std::string text(tokens.term(token));
        auto& forms = out.back().forms;
        if (std::find(forms.begin(), forms.end(), text) == forms.end()) {
            forms.push_back(text);
        }
    }
    return out;
}

NodeResult one_term(const FieldQueries& field, const Place& place, const MatchOptions& options) {
    if (!options.fuzziness) {
        return field.text_term(place.forms);
    }
    FuzzyOptions fuzzy;
    fuzzy.fuzziness = *options.fuzziness;
    fuzzy.prefix_length = options.prefix_length;
    fuzzy.expansions_max = options.expansions_max;
    fuzzy.transpositions = options.transpositions;
    fuzzy.constant = options.constant_fuzzy;
    tree::Boolean any;
    for (const std::string& form : place.forms) {
        KUMO_TRY_ASSIGN(tree::NodePtr node, field.fuzzy(form, fuzzy));
        any.should.push_back(std::move(node));
    }
    return any.should.size() == 1 ? any.should.front() : tree::boolean(std::move(any));
}

/// Terms, each at most once in a document's score.
NodeResult together(std::vector<tree::NodePtr> terms, const MatchOptions& options) {
    if (terms.size() == 1) {
        return terms.front();
    }
    tree::Boolean out;
    if (options.all) {
        out.must = std::move(terms);
        return tree::boolean(std::move(out));
    }
    if (!options.minimum_should_match.empty()) {
        KUMO_TRY_ASSIGN(
            const std::int64_t least,
            minimum_should_match(
                static_cast<std::int64_t>(terms.size()),
                options.minimum_should_match
            )
        );
        out.should_min = static_cast<std::uint32_t>(std::max<std::int64_t>(1, least));
    }
    out.should = std::move(terms);
    return tree::boolean(std::move(out));
}

NodeResult match_phrase(
    const FieldQueries& field,
    const std::vector<Place>& places,
    const MatchOptions& options
) {
    if (!field.target().engine) {
        return tree::match_none();
    }
    tree::Phrase phrase;
    for (const Place& place : places) {
        phrase.places.push_back({place.position - places.front().position, place.forms});
    }
    phrase.slop = options.slop;
    phrase.last_is_prefix = options.type == MatchType::kPhrasePrefix;
    phrase.expansions_max = options.expansions_max;
    return tree::phrase(*field.target().engine, std::move(phrase), field.scoring());
}

NodeResult match_words(
    const FieldQueries& field,
    const std::vector<Place>& places,
    const MatchOptions& options
) {
    std::vector<tree::NodePtr> terms;
    for (std::size_t i = 0; i < places.size(); ++i) {
        if (options.type == MatchType::kBoolPrefix && i + 1 == places.size()) {
            KUMO_TRY_ASSIGN(tree::NodePtr last, field.prefix(places[i].forms.front()));
            terms.push_back(std::move(last));
            continue;
        }
        KUMO_TRY_ASSIGN(tree::NodePtr term, one_term(field, places[i], options));
        terms.push_back(std::move(term));
    }
    return together(std::move(terms), options);
}

/// A value that is one term: of a keyword, a number, ...
NodeResult match_value(
    const QueryContext& context,
    const FieldQueries& field,
    const Json& text,
    const MatchOptions& options
) {
    const MappedField* mapped = field.target().field;
    if (mapped != nullptr && options.type == MatchType::kPhrasePrefix) {
        if (options.lenient) {
            return tree::match_none();
        }
        return fault(
            "query_shard_exception",
            "Can only use phrase prefix queries on text fields - not on [" + mapped->path
                + "] which is of type [" + mapped->type + "]"
        );
    }
    const bool words = mapped != nullptr && mapped->is_exact() && mapped->kind != FieldKind::kIp;
    NodeResult out = tree::match_none();
    if (words && options.fuzziness && options.type == MatchType::kBoolean) {
        FuzzyOptions fuzzy;
        fuzzy.fuzziness = *options.fuzziness;
        fuzzy.prefix_length = options.prefix_length;
        fuzzy.expansions_max = options.expansions_max;
        fuzzy.transpositions = options.transpositions;
        out = field.fuzzy(text.text(), fuzzy);
    } else if (words && options.type == MatchType::kBoolPrefix) {
        out = field.prefix(text.text());
    } else {
        out = field.term(text);
    }
    if (!out.ok() && options.lenient) {
        return tree::match_none();
    }
    if (!out.ok()) {
        const Fault cause = fault_of(out.error());
        if (cause.type == "query_shard_exception") {
            return out;
        }
        return fault("query_shard_exception", "failed to create query: " + cause.reason);
    }
    (void)context;
    return out;
}

}  // namespace

NodeResult match_field(
    const QueryContext& context,
    const std::string& path,
    const Json& text,
    const MatchOptions& options
) {
    const FieldQueries field(context, path);
    if (!field.is_text()) {
        return match_value(context, field, text, options);
    }
    const bool phrase =
        options.type == MatchType::kPhrase || options.type == MatchType::kPhrasePrefix;
    MappedField searched = *field.target().field;
    if (phrase && !searched.search_quote_analyzer.empty()) {
        searched.search_analyzer = searched.search_quote_analyzer;
    }
    KUMO_TRY_ASSIGN(
        const search::TokenBuffer tokens,
        analyze_query(context, searched, text.text(), options.analyzer)
    );
    const std::vector<Place> places = places_of(tokens);
    if (places.empty()) {
        return tree::NodePtr();
    }
    if (phrase) {
        if (const Json* options_of = searched.definition.find("index_options");
            places.size() > 1 && options_of != nullptr && options_of->text() != "positions"
            && options_of->text() != "offsets") {
            return illegal_argument(
                "field:[" + searched.path
                + "] was indexed without position data; cannot run PhraseQuery"
            );
        }
        return match_phrase(field, places, options);
    }
    return match_words(field, places, options);
}

NodeResult match_field_or_none(
    const QueryContext& context,
    const std::string& path,
    const Json& text,
    const MatchOptions& options
) {
    KUMO_TRY_ASSIGN(tree::NodePtr node, match_field(context, path, text, options));
    if (node != nullptr) {
        return node;
    }
    return options.zero_terms_all ? tree::match_all() : tree::match_none();
}

namespace {

/// Kinds that a search of all fields looks into.
bool is_searchable(const MappedField& field) {
    switch (field.kind) {
        case FieldKind::kObject:
        case FieldKind::kNested:
        case FieldKind::kBinary:
        case FieldKind::kGeoPoint:
        case FieldKind::kGeoShape:
        case FieldKind::kVector:
        case FieldKind::kCompletion:
        case FieldKind::kPercolator:
        case FieldKind::kAlias:
        case FieldKind::kJoin:
        case FieldKind::kRankFeature: return false;
        default: return field.index;
    }
}

Result<BoostedField> boosted_field(const std::string& pattern) {
    const std::size_t caret = pattern.find('^');
    if (caret == std::string::npos) {
        return BoostedField{pattern, 1};
    }
    const auto boost = Json(pattern.substr(caret + 1)).to_double();
    if (!boost) {
        return fault(
            "number_format_exception",
            "For input string: \"" + pattern.substr(caret + 1) + "\""
        );
    }
    return BoostedField{pattern.substr(0, caret), static_cast<float>(*boost)};
}

}  // namespace

Result<FieldList>
expand_fields(const QueryContext& context, const std::vector<std::string>& patterns) {
    FieldList out;
    out.any = patterns.empty();
    const auto& all = patterns.empty() ? context.default_fields : patterns;
    for (const std::string& pattern : all) {
        KUMO_TRY_ASSIGN(const BoostedField field, boosted_field(pattern));
        if (field.path.find('*') == std::string::npos) {
            out.fields.push_back(field);
            continue;
        }
        out.any = true;
        for (const MappedField* mapped : context.mapping.matching(field.path)) {
            if (is_searchable(*mapped)) {
                out.fields.push_back({mapped->path, field.boost});
            }
        }
    }
    if (out.fields.size() > context.clauses_max) {
        return illegal_argument(
            "field expansion for [*] matches too many fields, limit: "
            + std::to_string(context.clauses_max) + ", got: " + std::to_string(out.fields.size())
        );
    }
    return out;
}

Result<MultiType> multi_type(const std::string& name) {
    static const std::map<std::string, MultiType> kTypes{
        {"best_fields", MultiType::kBestFields},
        {"boolean", MultiType::kBestFields},
        {"most_fields", MultiType::kMostFields},
        {"cross_fields", MultiType::kCrossFields},
        {"phrase", MultiType::kPhrase},
        {"phrase_prefix", MultiType::kPhrasePrefix},
        {"bool_prefix", MultiType::kBoolPrefix},
    };
    const auto found = kTypes.find(name);
    if (found == kTypes.end()) {
        return fault(
            "parse_exception",
            "failed to parse [multi_match] query type [" + name + "]. unknown type."
        );
    }
    return found->second;
}

namespace {

/// Each term in the best of the fields; fields with the same analyzer are one group.
NodeResult cross_fields(
    const QueryContext& context,
    const std::vector<BoostedField>& fields,
    const Json& text,
    const MultiMatch& options
) {
    std::map<std::string, std::vector<BoostedField>> groups;
    std::vector<tree::NodePtr> out;
    const float tie = options.tie_breaker.value_or(0);
    for (const BoostedField& one : fields) {
        const FieldQueries field(context, one.path);
        if (field.is_text()) {
            const MappedField& mapped = *field.target().field;
            groups[mapped.search_analyzer.empty() ? mapped.analyzer : mapped.search_analyzer]
                .push_back(one);
        } else {
            groups["value of " + one.path].push_back(one);
        }
    }
    for (const auto& [analyzer, group] : groups) {
        const FieldQueries first(context, group.front().path);
        if (!first.is_text()) {
            KUMO_TRY_ASSIGN(
                tree::NodePtr node,
                match_field(context, group.front().path, text, options.match)
            );
            out.push_back(tree::boosted(std::move(node), group.front().boost));
            continue;
        }
        KUMO_TRY_ASSIGN(
            const search::TokenBuffer tokens,
            analyze_query(context, *first.target().field, text.text(), options.match.analyzer)
        );
        std::vector<tree::NodePtr> terms;
        for (const Place& place : places_of(tokens)) {
            std::vector<tree::NodePtr> ways;
            for (const BoostedField& one : group) {
                const FieldQueries field(context, one.path);
                ways.push_back(tree::boosted(field.text_term(place.forms), one.boost));
            }
            terms.push_back(ways.size() == 1 ? ways.front() : tree::dis_max(std::move(ways), tie));
        }
        if (!terms.empty()) {
            KUMO_TRY_ASSIGN(tree::NodePtr node, together(std::move(terms), options.match));
            out.push_back(std::move(node));
        }
    }
    if (out.empty()) {
        return tree::NodePtr();
    }
    return out.size() == 1 ? out.front() : tree::dis_max(std::move(out), tie);
}

}  // namespace

NodeResult match_fields(
    const QueryContext& context,
    const std::vector<BoostedField>& fields,
    const Json& text,
    const MultiMatch& options
) {
    if (options.type == MultiType::kCrossFields) {
        return cross_fields(context, fields, text, options);
    }
    MatchOptions match = options.match;
    if (options.type == MultiType::kPhrase) {
        match.type = MatchType::kPhrase;
    } else if (options.type == MultiType::kPhrasePrefix) {
        match.type = MatchType::kPhrasePrefix;
    } else if (options.type == MultiType::kBoolPrefix) {
        match.type = MatchType::kBoolPrefix;
    }
    std::vector<tree::NodePtr> found;
    for (const BoostedField& field : fields) {
        KUMO_TRY_ASSIGN(tree::NodePtr node, match_field(context, field.path, text, match));
        if (node != nullptr) {
            found.push_back(tree::boosted(std::move(node), field.boost));
        }
    }
    if (found.empty()) {
        return fields.empty() ? tree::match_none() : tree::NodePtr();
    }
    if (found.size() == 1) {
        return found.front();
    }
    const bool add =
        options.type == MultiType::kMostFields || options.type == MultiType::kBoolPrefix;
    return tree::dis_max(std::move(found), options.tie_breaker.value_or(add ? 1.0F : 0.0F));
}

}  // namespace kumo::api_elastic
