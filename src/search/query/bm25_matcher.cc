#include "search/query/bm25_matcher.h"

#include "search/analysis/code_points.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace kumo::search {

namespace {

constexpr double kK1 = 1.2;
constexpr double kB = 0.75;
constexpr double kWeightOfAnEdit = 0.5;
constexpr double kWeightOfABeginning = 0.7;
constexpr double kWeightOfNeighbours = 0.1;

/// A word in more than this part of the documents says nothing by where it stands.
constexpr double kCommonPart = 0.25;

constexpr std::uint32_t kDocsBetweenLooks = 1 << 16;

}  // namespace

Bm25Matcher::Bm25Matcher(const MatchInputs& in)
    : in_(in), candidates_(in.snapshot, in.request, in.forms) {
    double tokens = 0;
    for (const QueryField& field : in.request.fields) {
        const float weight = field.relative_weight;
        field_weights_.push_back(weight);
        for (const Snapshot::Part& part : in.snapshot.parts) {
            tokens += weight * static_cast<double>(part.segment->texts[field.field]->token_count());
        }
    }
    for (const Snapshot::Part& part : in.snapshot.parts) {
        doc_count_ += part.segment->doc_count;
    }
    if (tokens > 0 && doc_count_ > 0) {
        average_length_ = tokens / static_cast<double>(doc_count_);
    }
}

void Bm25Matcher::run(const QueryText& query) {
    if (!query.tokens.empty() && !in_.request.fields.empty()) {
        score_words(query.tokens, query.joined, true);
    }
    SynonymOptions options;
    options.prefix = in_.request.match.synonym_prefix;
    options.num_typos = in_.request.match.synonym_num_typos;
    std::vector<Words> synonyms;
    if (!in_.request.fields.empty()) {
        options.locale = in_.snapshot.schema->fields[in_.request.fields.front().field].locale;
        for (const auto& set : in_.request.synonyms) {
            set->expand(query.tokens, options, synonyms);
        }
    }
    for (const Words& words : synonyms) {
        score_words(words, in_.forms.joined(words), false);
    }
    for (PartMatches& part : in_.parts) {
        std::stable_sort(
            part.matches.begin(),
            part.matches.end(),
            [](const auto& a, const auto& b) {
                return a.doc != b.doc ? a.doc < b.doc : a.score > b.score;
            }
        );
        const auto same = [](const Match& a, const Match& b) {
            return a.doc == b.doc;
        };
        part.matches.erase(
            std::unique(part.matches.begin(), part.matches.end(), same),
            part.matches.end()
        );
    }
}

void Bm25Matcher::score_words(
    const Words& words,
    const std::vector<bool>& joined,
    bool last_is_prefix
) {
    std::vector<Term> terms = terms_of(words, joined, last_is_prefix);
    std::erase_if(terms, [this](const Term& term) {
        return term.neighbours && has_common_word(term);
    });
    for (Term& term : terms) {
        const auto df = static_cast<double>(doc_frequency(term));
        const auto n = std::max(static_cast<double>(doc_count_), df);
        term.weight *= std::log(1 + (n - df + 0.5) / (df + 0.5));
    }
    for (std::size_t p = 0; p < in_.parts.size() && !in_.deadline.passed(); ++p) {
        const DocId docs = in_.snapshot.parts[p].segment->doc_count;
        scores_.assign(docs, 0);
        words_.assign(docs, 0);
        lengths_.assign(docs, -1);
        for (const Term& term : terms) {
            gather(p, term);
            add_scores(p, term);
        }
        collect(p);
    }
}

std::vector<Bm25Matcher::Term>
Bm25Matcher::terms_of(const Words& words, const std::vector<bool>& joined, bool last_is_prefix) {
    std::vector<Term> out;
    const auto is_joined = [&](std::size_t word) {
        return word < joined.size() && joined[word];
    };
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (is_joined(i)) {
            out.push_back(pair_of(words[i - 1], words[i]));
            note(out.back(), 0);
            continue;
        }
        if (i > 0) {
            out.push_back(pair_of(words[i - 1], words[i]));
            out.back().neighbours = true;
            out.back().weight = kWeightOfNeighbours;
        }
        if (is_joined(i + 1)) {
            continue;  // In a pair.
        }
        if (candidates_.contains(words[i])) {
            out.push_back(term_of(candidates_.find(words[i], 0, false).front(), 1));
            note(out.back(), 0);
        } else {
            add_near(words[i], last_is_prefix && i + 1 == words.size(), out);
        }
    }
    return out;
}

Bm25Matcher::Term Bm25Matcher::pair_of(const std::string& left, const std::string& right) const {
    Term out;
    for (std::size_t form = 0; form < in_.forms.count(); ++form) {
        out.forms.push_back({in_.forms.write(form, left), in_.forms.write(form, right)});
    }
    return out;
}

bool Bm25Matcher::has_common_word(const Term& pair) const {
    const double most = kCommonPart * static_cast<double>(doc_count_);
    return static_cast<double>(word_frequency(pair, 0)) > most
           || static_cast<double>(word_frequency(pair, 1)) > most;
}

void Bm25Matcher::add_near(const std::string& word, bool prefix, std::vector<Term>& out) {
    for (std::uint32_t cost = 0; cost <= candidates_.edits_allowed(word); ++cost) {
        const auto& near = candidates_.find(word, cost, prefix && cost == 0);
        const std::size_t count = std::min(near.size(), candidates_.candidates_max());
        for (std::size_t i = 0; i < count; ++i) {
            const double weight = cost == 0 ? kWeightOfABeginning : std::pow(kWeightOfAnEdit, cost);
            out.push_back(term_of(near[i], weight));
            note(out.back(), near[i].prefix_only ? code_points(word) : 0);
        }
        if (count > 0) {
            return;
        }
    }
}

Bm25Matcher::Term Bm25Matcher::term_of(const Candidate& word, double weight) const {
    Term out;
    out.weight = weight;
    for (std::size_t form = 0; form < in_.forms.count(); ++form) {
        out.forms.push_back({word.in(form)});
    }
    return out;
}

void Bm25Matcher::note(const Term& term, std::size_t prefix_points) {
    for (const Words& words : term.forms) {
        const bool pair = words.size() > 1;
        for (const std::string& word : words) {
            auto [at, fresh] = found_.words.try_emplace(word, FoundWord{prefix_points, pair});
            at->second.only_in_run = at->second.only_in_run && pair;
        }
        if (pair) {
            found_.runs.insert(words);
        }
    }
}

std::uint64_t Bm25Matcher::doc_frequency(const Term& term) {
    if (term.forms.front().size() > 1) {
        std::uint64_t df = 0;
        for (std::size_t p = 0; p < in_.parts.size(); ++p) {
            gather(p, term);
            df += touched_.size();
            forget();
        }
        return df;
    }
    return word_frequency(term, 0);
}

/// In how many documents a word of the term is: of the field where it is in most.
std::uint64_t Bm25Matcher::word_frequency(const Term& term, std::size_t word) const {
    std::uint64_t most = 0;
    for (std::size_t i = 0; i < in_.request.fields.size(); ++i) {
        std::uint64_t df = 0;
        for (const Snapshot::Part& part : in_.snapshot.parts) {
            const TextReader& text = *part.segment->texts[in_.request.fields[i].field];
            if (const auto handle = text.find(term.forms[in_.forms.of(i)][word])) {
                df += text.info(*handle).df;
            }
        }
        most = std::max(most, df);
    }
    return most;
}

void Bm25Matcher::gather(std::size_t part, const Term& term) {
    tf_.resize(std::max<std::size_t>(tf_.size(), in_.snapshot.parts[part].segment->doc_count), 0);
    touched_.clear();
    for (std::size_t i = 0; i < in_.request.fields.size(); ++i) {
        gather_field(part, i, term);
    }
}

void Bm25Matcher::gather_field(std::size_t part, std::size_t query_field, const Term& term) {
    const TextReader& text =
        *in_.snapshot.parts[part].segment->texts[in_.request.fields[query_field].field];
    const Words& words = term.forms[in_.forms.of(query_field)];
    const float weight = field_weights_[query_field];
    const auto first = text.find(words.front());
    if (!first) {
        return;
    }
    text.open(*first, left_);
    if (words.size() > 1) {
        if (const auto second = text.find(words.back())) {
            text.open(*second, right_);
            count_pairs(left_, right_, weight);
        }
        return;
    }
    std::uint32_t until_look = kDocsBetweenLooks;
    for (DocId doc = left_.doc(); doc != kNoDoc; doc = left_.next()) {
        if (--until_look == 0) {
            until_look = kDocsBetweenLooks;
            if (in_.deadline.passed()) {
                return;
            }
        }
        add_tf(doc, weight * static_cast<float>(left_.tf()));
    }
}

/// How often the second word stands right behind the first.
void Bm25Matcher::count_pairs(PostingsCursor& left, PostingsCursor& right, float weight) {
    DocId doc = left.doc();
    while (doc != kNoDoc && !in_.deadline.passed()) {
        const DocId other = right.doc() < doc ? right.advance(doc) : right.doc();
        if (other != doc) {
            doc = other == kNoDoc ? kNoDoc : left.advance(other);
            continue;
        }
        left.positions(left_at_);
        right.positions(right_at_);
        const auto count = std::count_if(left_at_.begin(), left_at_.end(), [&](std::uint32_t at) {
            return std::binary_search(right_at_.begin(), right_at_.end(), at + 1);
        });
        if (count > 0) {
            add_tf(doc, weight * static_cast<float>(count));
        }
        doc = left.next();
    }
}

void Bm25Matcher::add_tf(DocId doc, float tf) {
    if (tf_[doc] == 0) {
        touched_.push_back(doc);
    }
    tf_[doc] += tf;
}

/// Adds what the gathered term is worth, and forgets it.
void Bm25Matcher::add_scores(std::size_t part, const Term& term) {
    const Bitmap& allowed = in_.parts[part].allowed;
    for (const DocId doc : touched_) {
        const double tf = std::exchange(tf_[doc], 0.0F);
        if (!allowed.test(doc)) {
            continue;
        }
        const double norm = kK1 * (1 - kB + kB * length(part, doc) / average_length_);
        scores_[doc] += static_cast<float>(term.weight * tf / (tf + norm));
        const int words = words_[doc] + (term.neighbours ? 0 : 1);
        words_[doc] = static_cast<std::uint8_t>(std::min(words, UINT8_MAX));
    }
    touched_.clear();
}

void Bm25Matcher::forget() {
    for (const DocId doc : touched_) {
        tf_[doc] = 0;
    }
    touched_.clear();
}

float Bm25Matcher::length(std::size_t part, DocId doc) {
    float& known = lengths_[doc];
    if (known >= 0) {
        return known;
    }
    known = 0;
    for (std::size_t i = 0; i < in_.request.fields.size(); ++i) {
        const ColumnReader& lengths =
            *in_.snapshot.parts[part].segment->lengths[in_.request.fields[i].field];
        const auto range = lengths.values_of(doc);
        for (std::uint64_t at = range.begin; at < range.end; ++at) {
            known += field_weights_[i] * static_cast<float>(lengths.value(at));
        }
    }
    return known;
}

/// Makes matches of the scores.
void Bm25Matcher::collect(std::size_t part) {
    for (std::size_t doc = 0; doc < scores_.size(); ++doc) {
        if (words_[doc] == 0) {
            continue;
        }
        Match match;
        match.doc = static_cast<DocId>(doc);
        match.score =
            static_cast<std::uint64_t>(std::llround(static_cast<double>(scores_[doc]) * kScoreUnit)
            );
        match.parts.tokens_matched = words_[doc];
        match.parts.best_field_score = match.score;
        match.parts.fields_matched = 1;
        in_.parts[part].matches.push_back(match);
        in_.parts[part].matched.set(doc);
    }
}

}  // namespace kumo::search
