#include "search/query/matcher.h"

#include "search/analysis/code_points.h"
#include "search/query/text_set.h"

#include <algorithm>
#include <set>
#include <utility>

namespace kumo::search {

namespace {

/// Counts through the product of `sizes`, the last digit fastest. False after the last one.
bool step(std::vector<std::size_t>& digits, const std::vector<std::size_t>& sizes) {
    for (std::size_t i = digits.size(); i-- > 0;) {
        if (++digits[i] < sizes[i]) {
            return true;
        }
        digits[i] = 0;
    }
    return false;
}

template <typename T>
std::vector<std::size_t> sizes_of(const std::vector<std::vector<T>>& lists) {
    std::vector<std::size_t> sizes;
    sizes.reserve(lists.size());
    for (const auto& list : lists) {
        sizes.push_back(list.size());
    }
    return sizes;
}

}  // namespace

Matcher::Matcher(const MatchInputs& in) : in_(in), candidates_(in.snapshot, in.request, in.forms) {
    for (const Snapshot::Part& part : in.snapshot.parts) {
        runners_.emplace_back(*part.segment, in.request, in.forms);
    }
}

void Matcher::run(const QueryText& query) {
    query_words_ = query.tokens.size();
    const bool joins =
        std::find(query.joined.begin(), query.joined.end(), true) != query.joined.end();
    const Attempt whole{query.tokens, {}, true, false, joins ? query.joined : std::vector<bool>()};
    if (query_words_ > 0) {
        try_words(whole);
    }
    if (joins && found_docs_ < in_.request.match.drop_tokens_threshold) {
        try_words({query.tokens, {}, true, false});
    }
    const bool always = in_.request.match.split_join_tokens == SplitJoin::kAlways;
    const bool fallback = in_.request.match.split_join_tokens == SplitJoin::kFallback;
    if (always || (fallback && found_docs_ == 0)) {
        try_split_and_join(query.tokens);
    }
    const std::vector<Words> synonyms = synonyms_of(query.tokens);
    for (const Words& words : synonyms) {
        const Attempt attempt{words, {}, true, true, in_.forms.joined(words)};
        try_words(attempt);
        if (!attempt.joined.empty() && found_docs_ < in_.request.match.drop_tokens_threshold) {
            try_words({words, {}, true, true});
        }
    }
    if (found_docs_ < in_.request.match.drop_tokens_threshold) {
        try_fewer(whole);
    }
    for (const Words& words : synonyms) {
        if (found_docs_ < in_.request.match.drop_tokens_threshold) {
            try_fewer({words, {}, true, true});
        }
    }
    finish();
}

std::vector<Matcher::Words> Matcher::synonyms_of(const Words& words) const {
    std::vector<Words> out;
    if (in_.request.synonyms.empty() || in_.request.fields.empty() || words.empty()) {
        return out;
    }
    const SynonymOptions options{
        in_.snapshot.schema->fields[in_.request.fields.front().field].locale,
        in_.request.match.synonym_prefix,
        in_.request.match.synonym_num_typos};
    for (const auto& set : in_.request.synonyms) {
        set->expand(words, options, out);
    }
    return out;
}

void Matcher::try_words(const Attempt& attempt) {
    std::vector<std::vector<std::uint32_t>> costs;
    for (const std::string& word : attempt.words) {
        auto& list = costs.emplace_back();
        const std::uint32_t edits = attempt.synonym ? 0 : candidates_.edits_allowed(word);
        for (std::uint32_t cost = 0; cost <= edits; ++cost) {
            list.push_back(cost);
        }
    }
    const std::size_t limit = in_.request.match.exhaustive_search ? kExhaustiveMax : kVectorsMax;
    std::set<std::vector<std::uint32_t>> tried;
    std::vector<std::size_t> digits(costs.size(), 0);
    while (tried.size() < limit && !in_.deadline.passed()) {
        std::vector<std::uint32_t> chosen;
        for (std::size_t i = 0; i < digits.size(); ++i) {
            chosen.push_back(costs[i][digits[i]]);
        }
        std::size_t empty = 0;
        if (!tried.contains(chosen) && !try_costs(attempt, chosen, empty)) {
            // No word of the index is that far from this one: never try this cost again.
            std::erase(costs[empty], chosen[empty]);
            if (costs[empty].empty()) {
                return;
            }
            digits.assign(costs.size(), 0);
            continue;
        }
        tried.insert(std::move(chosen));
        if (found_docs_ >= in_.request.match.typo_tokens_threshold
            || !step(digits, sizes_of(costs))) {
            return;
        }
    }
}

bool Matcher::try_costs(
    const Attempt& attempt,
    const std::vector<std::uint32_t>& costs,
    std::size_t& empty
) {
    std::vector<std::vector<const Candidate*>> choices;
    for (std::size_t i = 0; i < attempt.words.size(); ++i) {
        const bool last = i + 1 == attempt.words.size();
        const auto& found =
            candidates_.find(attempt.words[i], costs[i], last && attempt.last_is_prefix);
        if (found.empty()) {
            empty = i;
            return false;
        }
        auto& list = choices.emplace_back();
        if (last && i > 0 && found.size() > 1) {
            list = co_occurring(*choices[i - 1].front(), found);
            continue;
        }
        const std::size_t count = std::min(found.size(), candidates_.candidates_max());
        for (std::size_t c = 0; c < count; ++c) {
            list.push_back(&found[c]);
        }
    }
    try_combinations(attempt, std::move(choices));
    return true;
}

std::vector<Bitmap> Matcher::docs_with(const Candidate& word) const {
    std::vector<Bitmap> docs;
    for (const Snapshot::Part& part : in_.snapshot.parts) {
        Bitmap& bits = docs.emplace_back(part.segment->doc_count);
        for (std::size_t i = 0; i < in_.request.fields.size(); ++i) {
            const TextReader& text = *part.segment->texts[in_.request.fields[i].field];
            add_docs_with_term(text, word.in(in_.forms.of(i)), bits);
        }
    }
    return docs;
}

std::vector<const Candidate*>
Matcher::co_occurring(const Candidate& previous, const std::vector<Candidate>& last) {
    const std::vector<Bitmap> docs = docs_with(previous);
    std::vector<const Candidate*> out;
    PostingsCursor cursor;
    const auto meets = [&](const Candidate& candidate) {
        for (std::size_t p = 0; p < docs.size(); ++p) {
            for (std::size_t i = 0; i < in_.request.fields.size(); ++i) {
                const std::size_t field = in_.request.fields[i].field;
                const TextReader& text = *in_.snapshot.parts[p].segment->texts[field];
                const auto handle = text.find(candidate.in(in_.forms.of(i)));
                if (!handle) {
                    continue;
                }
                text.open(*handle, cursor);
                for (DocId doc = cursor.doc(); doc != kNoDoc; doc = cursor.next()) {
                    if (docs[p].test(doc)) {
                        return true;
                    }
                }
            }
        }
        return false;
    };
    for (const Candidate& candidate : last) {
        if (out.size() == candidates_.candidates_max() || in_.deadline.passed()) {
            break;
        }
        if (meets(candidate)) {
            out.push_back(&candidate);
        }
    }
    // The previous word's other candidates may still meet the best of the last one's.
    if (out.empty()) {
        out.push_back(&last.front());
    }
    return out;
}

void Matcher::try_combinations(
    const Attempt& attempt,
    std::vector<std::vector<const Candidate*>> choices
) {
    const std::size_t limit =
        in_.request.match.exhaustive_search ? kExhaustiveMax : kCombinationsMax;
    const std::vector<std::size_t> sizes = sizes_of(choices);
    std::vector<std::size_t> digits(choices.size(), 0);
    for (std::size_t n = 0; n < limit && !in_.deadline.passed(); ++n) {
        std::vector<const Candidate*> words;
        for (std::size_t i = 0; i < digits.size(); ++i) {
            words.push_back(choices[i][digits[i]]);
        }
        run_combination(attempt, std::move(words));
        if (!step(digits, sizes)) {
            return;
        }
    }
}

void Matcher::run_combination(const Attempt& attempt, std::vector<const Candidate*> words) {
    const bool synonym = attempt.synonym;
    const Combination combination{
        std::move(words),
        attempt.dropped,
        synonym ? attempt.words.size() + attempt.dropped.size() : query_words_,
        synonym ? query_words_ : 0,
        synonym && in_.request.match.demote_synonym_match,
        attempt.joined.empty() ? nullptr : &attempt.joined};
    bool any = false;
    for (std::size_t p = 0; p < in_.parts.size(); ++p) {
        PartMatches& part = in_.parts[p];
        const std::size_t before = part.matches.size();
        runners_[p].run(combination, part.allowed, in_.deadline, part.matched, part.matches);
        any = any || part.matches.size() > before;
    }
    if (!any) {
        return;
    }
    found_docs_ = 0;
    for (const PartMatches& part : in_.parts) {
        found_docs_ += part.matched.count();
    }
    note_words(attempt, combination.words);
}

void Matcher::note_words(const Attempt& attempt, const std::vector<const Candidate*>& words) {
    const auto is_joined = [&](std::size_t word) {
        return word < attempt.joined.size() && attempt.joined[word];
    };
    for (std::size_t form = 0; form < in_.forms.count(); ++form) {
        FoundWords::Run run;
        for (std::size_t i = 0; i < words.size(); ++i) {
            const std::size_t points =
                words[i]->prefix_only ? code_points(in_.forms.write(form, attempt.words[i])) : 0;
            const bool in_run = is_joined(i) || is_joined(i + 1);
            auto [at, fresh] =
                found_.words.try_emplace(words[i]->in(form), FoundWord{points, in_run});
            if (!fresh && points == 0) {
                at->second.prefix_points = 0;
            }
            at->second.only_in_run = at->second.only_in_run && in_run;
            run.push_back(words[i]->in(form));
            if (!is_joined(i + 1)) {
                if (run.size() > 1) {
                    found_.runs.insert(run);
                }
                run.clear();
            }
        }
        for (const std::string& word : attempt.dropped) {
            found_.words.try_emplace(in_.forms.write(form, word), FoundWord{});
        }
    }
}

void Matcher::try_split_and_join(const Words& words) {
    for (std::size_t i = 0; i + 1 < words.size(); ++i) {
        const std::string joined = words[i] + words[i + 1];
        if (!candidates_.contains(joined)) {
            continue;
        }
        Words changed(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(i));
        changed.push_back(joined);
        changed
            .insert(changed.end(), words.begin() + static_cast<std::ptrdiff_t>(i) + 2, words.end());
        try_words({std::move(changed), {}, true, false});
    }
    for (std::size_t i = 0; i < words.size() && found_docs_ == 0; ++i) {
        for (std::size_t cut = 1; cut < words[i].size() && found_docs_ == 0; ++cut) {
            const std::string left = words[i].substr(0, cut);
            const std::string right = words[i].substr(cut);
            if (!candidates_.contains(left) || !candidates_.contains(right)) {
                continue;
            }
            Words changed = words;
            changed[i] = left;
            changed.insert(changed.begin() + static_cast<std::ptrdiff_t>(i) + 1, right);
            try_words({std::move(changed), {}, false, false});
        }
    }
}

void Matcher::try_fewer(const Attempt& whole) {
    if (whole.words.size() < 2 || whole.words.size() > kDropTokensMax) {
        return;
    }
    const bool right_first = in_.request.match.drop_tokens_mode != DropTokensMode::kLeftToRight;
    drop_from(whole, right_first);
    if (found_docs_ < in_.request.match.drop_tokens_threshold) {
        drop_from(whole, !right_first);
    }
}

void Matcher::drop_from(const Attempt& whole, bool right) {
    const Words& words = whole.words;
    for (std::size_t keep = words.size() - 1; keep > 0; --keep) {
        if (found_docs_ >= in_.request.match.drop_tokens_threshold || in_.deadline.passed()) {
            return;
        }
        const auto cut = static_cast<std::ptrdiff_t>(right ? keep : words.size() - keep);
        Attempt fewer = whole;
        Words head(words.begin(), words.begin() + cut);
        Words tail(words.begin() + cut, words.end());
        fewer.last_is_prefix = !right;
        if (!right) {
            std::swap(head, tail);
        }
        fewer.words = std::move(head);
        fewer.dropped = std::move(tail);
        if (!whole.joined.empty()) {
            const auto from = whole.joined.begin() + (right ? 0 : cut);
            fewer.joined.assign(from, from + static_cast<std::ptrdiff_t>(keep));
            fewer.joined.front() = false;
        }
        try_words(fewer);
    }
}

void Matcher::finish() {
    for (PartMatches& part : in_.parts) {
        auto& matches = part.matches;
        std::stable_sort(matches.begin(), matches.end(), [](const Match& a, const Match& b) {
            return a.doc != b.doc ? a.doc < b.doc : a.score > b.score;
        });
        const auto same = [](const Match& a, const Match& b) {
            return a.doc == b.doc;
        };
        matches.erase(std::unique(matches.begin(), matches.end(), same), matches.end());
    }
}

}  // namespace kumo::search
