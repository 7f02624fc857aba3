#include "api/elastic/query/internal/query_parser.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <utility>

namespace kumo::api_elastic {

namespace {

struct LikeOptions {
    std::uint64_t term_frequency_min = 2;
    std::uint64_t doc_frequency_min = 5;
    std::uint64_t doc_frequency_max = INT32_MAX;
    std::size_t terms_max = 25;
    std::size_t word_min = 0;
    std::size_t word_max = 0;
    std::set<std::string> stop_words{};
    std::string minimum = "30%";
    float boost_terms = 0;
};

/// A word of what documents have to be like.
struct LikeTerm {
    std::size_t field;
    std::string text;

    auto operator<=>(const LikeTerm&) const = default;
};

/// Chooses the words that say most when it runs: how rare they are is known only then.
class LikeNode : public tree::Node {
public:
    LikeNode(LikeOptions options, std::map<LikeTerm, std::uint64_t> terms)
        : options_(std::move(options)), terms_(std::move(terms)) {}

    Result<tree::AllMatches> match(tree::Evaluation& evaluation, tree::Scoring wanted)
        const override {
        std::vector<std::pair<double, const LikeTerm*>> chosen;
        for (const auto& [term, frequency] : terms_) {
            if (frequency < options_.term_frequency_min) {
                continue;
            }
            const std::uint64_t df = doc_frequency(evaluation, term);
            if (df < std::max<std::uint64_t>(1, options_.doc_frequency_min)
                || df > options_.doc_frequency_max) {
                continue;
            }
            const auto docs = static_cast<double>(evaluation.statistics(term.field).docs);
            const double idf = std::log((docs + 1) / (static_cast<double>(df) + 1)) + 1;
            chosen.emplace_back(static_cast<double>(frequency) * idf, &term);
        }
        std::stable_sort(chosen.begin(), chosen.end(), [](const auto& a, const auto& b) {
            return a.first > b.first;
        });
        chosen.resize(std::min(chosen.size(), options_.terms_max));
        if (chosen.empty()) {
            return tree::AllMatches(evaluation.part_count());
        }
        tree::Boolean any;
        for (const auto& [weight, term] : chosen) {
            tree::NodePtr node = tree::term(term->field, term->text);
            if (options_.boost_terms > 0) {
                const double relative = weight / chosen.front().first;
                node = tree::boosted(
                    std::move(node),
                    options_.boost_terms * static_cast<float>(relative)
                );
            }
            any.should.push_back(std::move(node));
        }
        KUMO_TRY_ASSIGN(
            const std::int64_t least,
            minimum_should_match(static_cast<std::int64_t>(any.should.size()), options_.minimum)
        );
        any.should_min = static_cast<std::uint32_t>(std::max<std::int64_t>(1, least));
        return tree::boolean(std::move(any))->match(evaluation, wanted);
    }

private:
    static std::uint64_t doc_frequency(const tree::Evaluation& evaluation, const LikeTerm& term) {
        std::uint64_t out = 0;
        for (std::size_t p = 0; p < evaluation.part_count(); ++p) {
            const search::TextReader* text = evaluation.text(p, term.field);
            const auto handle = text != nullptr ? text->find(term.text) : std::nullopt;
            out += handle ? text->info(*handle).df : 0;
        }
        return out;
    }

    LikeOptions options_;
    std::map<LikeTerm, std::uint64_t> terms_;
};

class LikeReader {
public:
    LikeReader(const QueryContext& context, const LikeOptions& options)
        : context_(context), options_(options) {}

    std::vector<std::string> fields;
    std::vector<std::string> ids;  ///< Of documents of this index that are liked.

    Status read(const Json& like, bool wanted) {
        if (like.is_array()) {
            for (const Json& item : like.items()) {
                KUMO_TRY(read(item, wanted));
            }
            return {};
        }
        if (!like.is_object()) {
            for (const std::string& field : fields) {
                KUMO_TRY(add_text(field, like.text(), wanted));
            }
            return {};
        }
        std::vector<std::string> own = fields;
        if (const Json* list = like.find("fields"); list != nullptr && list->is_array()) {
            own.clear();
            for (const Json& item : list->items()) {
                own.push_back(item.text());
            }
        }
        KUMO_TRY_ASSIGN(const std::optional<Json> source, source_of(like, wanted));
        for (const std::string& field : own) {
            if (source) {
                const Target target = resolve(context_, field);
                const bool multi = target.field != nullptr && !target.field->parent.empty();
                KUMO_TRY(
                    add_values(field, source->at_path(multi ? target.field->parent : field), wanted)
                );
            }
        }
        return {};
    }

    std::map<LikeTerm, std::uint64_t> take() {
        for (const LikeTerm& term : unwanted_) {
            terms_.erase(term);
        }
        return std::move(terms_);
    }

private:
    Result<std::optional<Json>> source_of(const Json& like, bool wanted) {
        if (const Json* doc = like.find("doc")) {
            return std::optional<Json>(*doc);
        }
        const Json* id = like.find("_id");
        if (id == nullptr) {
            return parsing_error("[more_like_this] like documents have an [_id] or a [doc]");
        }
        const Json* index = like.find("_index");
        const std::string name = index != nullptr ? index->text() : context_.index;
        if (wanted && name == context_.index) {
            ids.push_back(id->text());
        }
        if (!context_.lookup) {
            return not_supported("documents cannot be looked up here");
        }
        const Json* routing = like.find("routing");
        return context_.lookup(name, id->text(), routing != nullptr ? routing->text() : "");
    }

    Status add_values(const std::string& field, const Json* value, bool wanted) {
        if (value == nullptr || value->is_null() || value->is_object()) {
            return {};
        }
        if (value->is_array()) {
            for (const Json& item : value->items()) {
                KUMO_TRY(add_values(field, &item, wanted));
            }
            return {};
        }
        return add_text(field, value->text(), wanted);
    }

    Status add_text(const std::string& field, const std::string& text, bool wanted) {
        const Target target = resolve(context_, field);
        if (target.field == nullptr || !target.engine) {
            return {};
        }
        if (!target.field->is_text()) {
            if (target.field->is_exact()) {
                count({*target.engine, text}, wanted);
            }
            return {};
        }
        KUMO_TRY_ASSIGN(
            const search::TokenBuffer tokens,
            analyze_query(context_, *target.field, text)
        );
        for (const search::AnalyzedToken& token : tokens.tokens) {
            const std::string word(tokens.term(token));
            const std::size_t points = tree::code_points_of(word).size();
            const bool fits = points >= options_.word_min
                              && (options_.word_max == 0 || points <= options_.word_max)
                              && !options_.stop_words.contains(word);
            if (fits) {
                count({*target.engine, word}, wanted);
            }
        }
        return {};
    }

    void count(LikeTerm term, bool wanted) {
        if (wanted) {
            ++terms_[std::move(term)];
        } else {
            unwanted_.insert(std::move(term));
        }
    }

    const QueryContext& context_;
    const LikeOptions& options_;
    std::map<LikeTerm, std::uint64_t> terms_;
    std::set<LikeTerm> unwanted_;
};

Status read_option(const std::string& key, const Json& value, LikeOptions& out) {
    const auto number =
        static_cast<std::uint64_t>(std::max<std::int64_t>(0, value.to_int64().value_or(0)));
    if (key == "min_term_freq") {
        out.term_frequency_min = number;
    } else if (key == "min_doc_freq") {
        out.doc_frequency_min = number;
    } else if (key == "max_doc_freq") {
        out.doc_frequency_max = number;
    } else if (key == "max_query_terms") {
        if (number == 0) {
            return illegal_argument("requires 'maxQueryTerms' to be greater than 0");
        }
        out.terms_max = number;
    } else if (key == "min_word_length") {
        out.word_min = number;
    } else if (key == "max_word_length") {
        out.word_max = number;
    } else if (key == "minimum_should_match") {
        out.minimum = value.text();
    } else if (key == "boost_terms") {
        out.boost_terms = static_cast<float>(value.to_double().value_or(0));
    } else if (key == "stop_words") {
        for (const Json& word : value.is_array() ? value.items() : Json::Array{value}) {
            out.stop_words.insert(word.text());
        }
    } else if (key != "boost" && key != "_name" && key != "include" && key != "fields"
               && key != "like" && key != "unlike" && key != "analyzer"
               && key != "fail_on_unsupported_field" && key != "docs" && key != "ids"
               && key != "like_text") {
        return parsing_error("[more_like_this] query does not support [" + key + "]");
    }
    return {};
}

}  // namespace

NodeResult read_more_like_this(QueryParser& parser, const Json& body) {
    LikeOptions options;
    for (const auto& [key, value] : body.members()) {
        KUMO_TRY(read_option(key, value, options));
    }
    const QueryContext& context = parser.context();
    LikeReader reader(context, options);
    if (const Json* fields = body.find("fields")) {
        if (!fields->is_array() || fields->empty()) {
            return illegal_argument("more_like_this requires 'fields' to be non-empty");
        }
        for (const Json& field : fields->items()) {
            reader.fields.push_back(field.text());
        }
    } else {
        for (const auto& [path, field] : context.mapping.fields()) {
            if (field.is_text() || field.kind == FieldKind::kKeyword) {
                reader.fields.push_back(path);
            }
        }
    }
    const Json* like = body.find("like");
    like = like != nullptr ? like : body.find("docs");
    like = like != nullptr ? like : body.find("like_text");
    if (like == nullptr) {
        return parsing_error("more_like_this requires 'like' to be specified");
    }
    KUMO_TRY(reader.read(*like, true));
    if (const Json* unlike = body.find("unlike")) {
        KUMO_TRY(reader.read(*unlike, false));
    }
    const Json* include = body.find("include");
    tree::NodePtr node = std::make_shared<const LikeNode>(options, reader.take());
    if (!reader.ids.empty() && (include == nullptr || !include->to_bool().value_or(false))) {
        tree::Boolean others;
        others.must = {std::move(node)};
        others.must_not = {tree::ids(reader.ids)};
        node = tree::boolean(std::move(others));
    }
    return parser.finish(std::move(node), body);
}

}  // namespace kumo::api_elastic
