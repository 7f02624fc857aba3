#include "search/query/combination.h"

#include "search/query/text_set.h"

#include <algorithm>

namespace kumo::search {

namespace {

/// Whether the words stand at base, base + 1, ... and the query is nothing but them. One word alone
/// has to be there whole; several may have typos, or end in a beginning.
bool is_whole_element(
    std::span<const WordPositions> words,
    const ElementPlace& element,
    const Combination& combination
) {
    if (element.length != words.size() || combination.query_words != words.size()) {
        return false;
    }
    for (std::size_t i = 0; i < words.size(); ++i) {
        const Candidate& word = *combination.words[i];
        const auto& at = words[i].positions;
        if ((words.size() == 1 && word.prefix_only)
            || !std::binary_search(
                at.begin(),
                at.end(),
                element.base + static_cast<std::uint32_t>(i)
            )) {
            return false;
        }
    }
    return true;
}

/// How many of the query's words `words` of a synonym's words count as: all for all, else in
/// proportion.
std::size_t counted(std::size_t words, const Combination& combination) {
    return words * combination.stands_for / combination.query_words;
}

/// Makes a synonym's words as good as the words they stand for would be in their place.
void stand_for_query(const Combination& combination, FieldMatch& match) {
    const std::size_t all = combination.words.size();
    if (match.window.words == all) {
        const std::uint32_t apart =
            match.window.spread
            - std::min(match.window.spread, static_cast<std::uint32_t>(all - 1));
        match.window.spread = apart + static_cast<std::uint32_t>(combination.stands_for - 1);
    }
    match.window.words = static_cast<std::uint32_t>(counted(match.window.words, combination));
    match.distinct_words = static_cast<std::uint32_t>(counted(match.distinct_words, combination));
}

}  // namespace

std::uint32_t Combination::cost() const {
    std::uint32_t cost = 0;
    for (const Candidate* word : words) {
        cost += 2 * word->cost + (word->prefix_only ? 1 : 0);
    }
    return cost;
}

CombinationRunner::CombinationRunner(
    const SegmentReader& segment,
    const SearchRequest& request,
    const QueryForms& forms
)
    : segment_(segment), request_(request), forms_(forms) {}

void CombinationRunner::WordCursor::settle() {
    doc = kNoDoc;
    for (const FieldCursor& field : fields) {
        doc = std::min(doc, field.cursor->doc());
    }
}

DocId CombinationRunner::WordCursor::advance(DocId target) {
    if (doc < target) {
        for (const FieldCursor& field : fields) {
            if (field.cursor->doc() < target) {
                (void)field.cursor->advance(target);
            }
        }
        settle();
    }
    return doc;
}

CombinationRunner::WordCursor CombinationRunner::open(const Candidate& candidate) {
    WordCursor word;
    for (std::size_t i = 0; i < request_.fields.size(); ++i) {
        const QueryField& field = request_.fields[i];
        if (candidate.cost > field.num_typos || (candidate.prefix_only && !field.prefix)) {
            continue;
        }
        const TextReader& text = *segment_.texts[field.field];
        const auto handle = text.find(candidate.in(forms_.of(i)));
        if (!handle) {
            continue;
        }
        if (pool_used_ == pool_.size()) {
            pool_.emplace_back();
        }
        PostingsCursor& cursor = pool_[pool_used_++];
        text.open(*handle, cursor);
        word.fields.push_back({i, &cursor});
    }
    word.settle();
    return word;
}

DocId CombinationRunner::next_common(DocId target) {
    std::size_t agreed = 0;
    std::size_t i = 0;
    while (agreed < words_.size()) {
        const DocId doc = words_[i].advance(target);
        if (doc == kNoDoc) {
            return kNoDoc;
        }
        agreed = doc == target ? agreed + 1 : 1;
        target = doc;
        i = i + 1 == words_.size() ? 0 : i + 1;
    }
    return target;
}

void CombinationRunner::run(
    const Combination& combination,
    const Bitmap& allowed,
    Deadline& deadline,
    Bitmap& matched,
    std::vector<Match>& out
) {
    pool_used_ = 0;
    words_.clear();
    dropped_.clear();
    for (const Candidate* word : combination.words) {
        words_.push_back(open(*word));
        if (words_.back().doc == kNoDoc) {
            return;
        }
    }
    for (const std::string& word : combination.dropped) {
        Candidate candidate;
        for (std::size_t form = 0; form < forms_.count(); ++form) {
            candidate.forms.push_back(forms_.write(form, word));
        }
        dropped_.push_back(open(candidate));
    }
    for (DocId doc = next_common(0); doc != kNoDoc; doc = next_common(doc + 1)) {
        if (deadline.passed()) {
            return;
        }
        if (allowed.test(doc)
            && (combination.joined == nullptr || is_joined(doc, *combination.joined))) {
            matched.set(doc);
            out.push_back(score(doc, combination));
        }
    }
}

/// Whether each run of joined words stands together in some field.
bool CombinationRunner::is_joined(DocId doc, const std::vector<bool>& joined) {
    together_.assign(words_.size(), false);
    for (std::size_t field = 0; field < request_.fields.size(); ++field) {
        gather(field, doc);
        bool all = true;
        for (std::size_t begin = 0; begin < words_.size();) {
            std::size_t end = begin + 1;
            while (end < words_.size() && joined[end]) {
                ++end;
            }
            together_[begin] = together_[begin] || end == begin + 1 || stands_together(begin, end);
            all = all && together_[begin];
            begin = end;
        }
        if (all) {
            return true;
        }
    }
    return false;
}

/// Whether the words stand at successive positions of those that were gathered.
bool CombinationRunner::stands_together(std::size_t begin, std::size_t end) {
    starts_ = positions_[begin].positions;
    for (std::size_t w = begin + 1; w < end && !starts_.empty(); ++w) {
        const auto& at = positions_[w].positions;
        std::erase_if(starts_, [&](std::uint32_t start) {
            const auto wanted = start + static_cast<std::uint32_t>(w - begin);
            return !std::binary_search(at.begin(), at.end(), wanted);
        });
    }
    return !starts_.empty();
}

Match CombinationRunner::score(DocId doc, const Combination& combination) {
    Match match;
    match.doc = doc;
    match.dropped_tokens = static_cast<std::uint32_t>(combination.dropped.size());
    std::size_t words = words_.size();
    for (WordCursor& word : dropped_) {
        words += word.advance(doc) == doc ? 1 : 0;
    }
    match.parts.tokens_matched = static_cast<std::uint32_t>(
        combination.stands_for > 0 ? counted(words, combination) : words
    );
    const bool by_weight = request_.match.text_match_type == TextMatchType::kMaxWeight;
    for (std::size_t i = 0; i < request_.fields.size(); ++i) {
        const std::uint64_t score = score_field(i, doc, combination);
        if (score == 0) {
            continue;
        }
        const std::uint32_t weight = request_.fields[i].weight;
        DocumentMatch& parts = match.parts;
        const auto mine = by_weight ? std::pair<std::uint64_t, std::uint64_t>(weight, score)
                                    : std::pair<std::uint64_t, std::uint64_t>(score, weight);
        const auto best = by_weight ? std::pair<std::uint64_t, std::uint64_t>(
                              parts.best_field_weight,
                              parts.best_field_score
                          )
                                    : std::pair<std::uint64_t, std::uint64_t>(
                                        parts.best_field_score,
                                        parts.best_field_weight
                                    );
        if (mine > best) {
            parts.best_field_score = score;
            parts.best_field_weight = weight;
        }
        ++parts.fields_matched;
        parts.weighted_sum += std::uint64_t{weight} * score;
    }
    DocumentMatch ranked = match.parts;
    if (!request_.match.prioritize_num_matching_fields) {
        ranked.fields_matched = 0;
    }
    match.score = document_score(request_.match.text_match_type, ranked);
    return match;
}

void CombinationRunner::gather(std::size_t query_field, DocId doc) {
    positions_.resize(words_.size());
    for (std::size_t w = 0; w < words_.size(); ++w) {
        positions_[w].positions.clear();
        for (const FieldCursor& field : words_[w].fields) {
            if (field.query_field == query_field && field.cursor->doc() == doc) {
                field.cursor->positions(positions_[w].positions);
            }
        }
    }
}

std::uint64_t
CombinationRunner::score_field(std::size_t query_field, DocId doc, const Combination& combination) {
    bool any = false;
    for (const WordCursor& word : words_) {
        any = any || std::any_of(word.fields.begin(), word.fields.end(), [&](const FieldCursor& f) {
                  return f.query_field == query_field && f.cursor->doc() == doc;
              });
    }
    if (!any) {
        return 0;
    }
    gather(query_field, doc);
    const ColumnReader& lengths = *segment_.lengths[request_.fields[query_field].field];
    if (lengths.values_of(doc).size() <= 1) {
        element_.swap(positions_);
        return score_element(lengths, doc, 0, combination);
    }
    elements_.clear();
    for (const WordPositions& word : positions_) {
        for (const std::uint32_t position : word.positions) {
            elements_.push_back(element_of(lengths, doc, position).base);
        }
    }
    std::sort(elements_.begin(), elements_.end());
    elements_.erase(std::unique(elements_.begin(), elements_.end()), elements_.end());
    std::uint64_t best = 0;
    for (const std::uint32_t base : elements_) {
        const std::uint32_t end = base + element_of(lengths, doc, base).length;
        element_.resize(positions_.size());
        for (std::size_t w = 0; w < positions_.size(); ++w) {
            const auto& from = positions_[w].positions;
            element_[w].positions.assign(
                std::lower_bound(from.begin(), from.end(), base),
                std::lower_bound(from.begin(), from.end(), end)
            );
        }
        best = std::max(best, score_element(lengths, doc, base, combination));
    }
    return best;
}

std::uint64_t CombinationRunner::score_element(
    const ColumnReader& lengths,
    DocId doc,
    std::uint32_t element,
    const Combination& combination
) {
    const ElementPlace place = element_of(lengths, doc, element);
    FieldMatch match;
    match.window = best_window(element_, order_);
    match.distinct_words = static_cast<std::uint32_t>(std::count_if(
        element_.begin(),
        element_.end(),
        [](const WordPositions& word) { return !word.positions.empty(); }
    ));
    if (combination.stands_for > 0) {
        stand_for_query(combination, match);
    }
    match.cost = combination.cost();
    match.demoted = combination.demoted;
    match.exact =
        request_.match.prioritize_exact_match && is_whole_element(element_, place, combination);
    match.use_position = request_.match.prioritize_token_position;
    match.last_position = match.window.start + match.window.spread - place.base;
    return field_score(match);
}

}  // namespace kumo::search
