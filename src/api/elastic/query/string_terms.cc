#include "api/elastic/fault.h"
#include "api/elastic/query/internal/query_string.h"

#include <utility>

namespace kumo::api_elastic {

/// The best of what `make` makes for each field.
template <typename Make>
NodeResult StringTerms::best_of(const Fields& fields, Make make) const {
    std::vector<tree::NodePtr> found;
    for (const BoostedField& one : fields) {
        const FieldQueries field(context_, one.path);
        NodeResult node = make(field);
        if (!node.ok()) {
            const Fault cause = fault_of(node.error());
            const bool limit = cause.reason.starts_with("The length of regex");
            if (options_.lenient && cause.type != "exception" && !limit) {
                continue;
            }
            if (cause.type == "query_shard_exception" || cause.type == "exception") {
                return node;
            }
            return fault("query_shard_exception", "failed to create query: " + cause.reason);
        }
        if (node.value() != nullptr) {
            found.push_back(tree::boosted(std::move(node).value(), one.boost));
        }
    }
    if (found.empty()) {
        return tree::match_none();
    }
    const float tie = options_.multi.tie_breaker.value_or(0);
    return found.size() == 1 ? found.front() : tree::dis_max(std::move(found), tie);
}

NodeResult StringTerms::words(const Fields& fields, const std::string& text) const {
    MultiMatch multi = options_.multi;
    multi.match.lenient = options_.lenient;
    multi.match.all = options_.all;
    return match_fields(context_, fields, Json(text), multi);
}

NodeResult StringTerms::phrase(
    const Fields& fields,
    const std::string& text,
    std::optional<std::uint32_t> slop
) const {
    MultiMatch multi = options_.multi;
    multi.type = MultiType::kPhrase;
    multi.match.lenient = options_.lenient;
    multi.match.slop = slop.value_or(options_.phrase_slop);
    if (!options_.quote_analyzer.empty()) {
        multi.match.analyzer = options_.quote_analyzer;
    }
    if (options_.quote_field_suffix.empty()) {
        return match_fields(context_, fields, Json(text), multi);
    }
    Fields quoted = fields;
    for (BoostedField& field : quoted) {
        const std::string other = field.path + options_.quote_field_suffix;
        field.path = context_.mapping.find(other) != nullptr ? other : field.path;
    }
    return match_fields(context_, quoted, Json(text), multi);
}

std::string StringTerms::normalized(const FieldQueries& field, const std::string& text) const {
    if (!field.is_text()) {
        return text;
    }
    // Parts between wildcards, each as its analyzer writes it if that leaves one word.
    std::string out;
    std::string part;
    const auto flush = [&] {
        if (part.empty()) {
            return;
        }
        auto tokens =
            analyze_query(context_, *field.target().field, part, options_.multi.match.analyzer);
        const bool one = tokens.ok() && tokens.value().tokens.size() == 1;
        std::string made =
            one ? std::string(tokens.value().term(tokens.value().tokens.front())) : part;
        // Stemmers would cut what was not whole.
        if (made.size() < part.size()) {
            made = part;
            for (char& c : made) {
                c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
            }
        }
        out += made;
        part.clear();
    };
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\' && i + 1 < text.size()) {
            flush();
            out += text.substr(i, 2);
            ++i;
        } else if (text[i] == '*' || text[i] == '?') {
            flush();
            out += text[i];
        } else {
            part += text[i];
        }
    }
    flush();
    return out;
}

NodeResult StringTerms::prefix(const Fields& fields, const std::string& text) const {
    return best_of(fields, [&](const FieldQueries& field) {
        return field.prefix(normalized(field, text));
    });
}

NodeResult StringTerms::wildcard(const Fields& fields, const std::string& text) const {
    if (!options_.leading_wildcard && (text.starts_with('*') || text.starts_with('?'))) {
        return fault(
            "query_shard_exception",
            "Failed to parse query [" + text
                + "]: '*' or '?' not allowed as first character in WildcardQuery"
        );
    }
    return best_of(fields, [&](const FieldQueries& field) {
        return field.wildcard(normalized(field, text));
    });
}

NodeResult StringTerms::regexp(const Fields& fields, const std::string& text) const {
    return best_of(fields, [&](const FieldQueries& field) {
        return field.regexp(text, {}, false);
    });
}

NodeResult StringTerms::fuzzy(
    const Fields& fields,
    const std::string& text,
    std::optional<Fuzziness> fuzziness
) const {
    FuzzyOptions options = options_.fuzzy;
    if (fuzziness) {
        options.fuzziness = *fuzziness;
    }
    return best_of(fields, [&](const FieldQueries& field) {
        return field.fuzzy(normalized(field, text), options);
    });
}

NodeResult StringTerms::range(const Fields& fields, const RangeBounds& bounds) const {
    return best_of(fields, [&](const FieldQueries& field) {
        RangeBounds own = bounds;
        own.time_zone = options_.time_zone;
        for (std::optional<Json>* end : {&own.low, &own.high}) {
            if (*end) {
                *end = Json(normalized(field, (*end)->text()));
            }
        }
        return field.range(own);
    });
}

NodeResult StringTerms::exists(const Fields& fields) const {
    return best_of(fields, [](const FieldQueries& field) -> NodeResult {
        KUMO_TRY_ASSIGN(tree::NodePtr node, field.exists());
        return tree::constant(std::move(node));
    });
}

}  // namespace kumo::api_elastic
