#include "search/query/candidates.h"

#include "search/analysis/code_points.h"

#include <algorithm>

namespace kumo::search {

namespace {

using Words = std::vector<std::string>;

constexpr std::uint64_t kManyDocs = 500'000;
constexpr std::size_t kCandidatesFewDocs = 10;
constexpr std::size_t kCandidatesManyDocs = 4;
constexpr std::size_t kCandidatesExhaustive = 10'000;

std::size_t choose_max(const Snapshot& snapshot, const SearchRequest& request) {
    if (request.match.max_candidates) {
        return std::clamp<std::size_t>(*request.match.max_candidates, 1, kCandidatesExhaustive);
    }
    if (request.match.exhaustive_search) {
        return kCandidatesExhaustive;
    }
    return snapshot.doc_count < kManyDocs ? kCandidatesFewDocs : kCandidatesManyDocs;
}

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

}  // namespace

CandidateFinder::CandidateFinder(
    const Snapshot& snapshot,
    const SearchRequest& request,
    const QueryForms& forms
)
    : snapshot_(snapshot),
      request_(request),
      forms_(forms),
      candidates_max_(choose_max(snapshot, request)),
      kept_max_(std::max<std::size_t>(candidates_max_ * 16, 256)),
      ranked_(!snapshot.schema->default_sorting_field.empty()) {}

std::uint32_t CandidateFinder::edits_allowed(std::string_view word) const {
    const MatchOptions& match = request_.match;
    const bool digits = std::any_of(word.begin(), word.end(), is_digit);
    const bool number = std::all_of(word.begin(), word.end(), is_digit);
    if ((number && !match.typos_in_numbers)
        || (digits && !number && !match.typos_in_alphanumerics)) {
        return 0;
    }
    std::uint32_t fields = 0;
    for (const QueryField& field : request_.fields) {
        fields = std::max(fields, field.num_typos);
    }
    const std::size_t length = code_points(word);
    const std::uint32_t by_length =
        length < match.min_len_1typo ? 0U : (length < match.min_len_2typo ? 1U : 2U);
    return std::min({by_length, fields, 2U});
}

bool CandidateFinder::contains(const std::string& word) const {
    for (std::size_t i = 0; i < request_.fields.size(); ++i) {
        const std::string written = forms_.write(forms_.of(i), word);
        const std::size_t field = request_.fields[i].field;
        if (std::any_of(snapshot_.parts.begin(), snapshot_.parts.end(), [&](const auto& part) {
                return part.segment->texts[field]->find(written).has_value();
            })) {
            return true;
        }
    }
    return false;
}

void CandidateFinder::collect(
    const TextReader& text,
    std::string_view word,
    std::uint32_t cost,
    bool prefix,
    FoundTerms& out
) const {
    const auto add = [&](std::string_view term, const TermInfo& info) {
        auto at = out.find(term);
        if (at == out.end()) {
            if (out.size() >= kCollectedMax) {
                return false;
            }
            at = out.emplace(std::string(term), Found{}).first;
            at->second.rank = info.max_rank;
        }
        at->second.df += info.df;
        at->second.rank = std::max(at->second.rank, info.max_rank);
        at->second.prefix_only = cost == 0 ? term != word : at->second.prefix_only;
        return true;
    };
    if (cost > 0) {
        (void)text.fuzzy(word, {.max_cost = cost, .prefix = prefix}, [&](const FuzzyMatch& match) {
            if (match.cost != cost) {
                return true;
            }
            const bool more = add(match.term, match.info);
            if (more && match.prefix_only) {
                out.find(match.term)->second.prefix_only = true;
            }
            return more;
        });
        return;
    }
    if (const auto handle = text.find(word)) {
        (void)add(word, text.info(*handle));
    }
}

/// Adds the reader's best terms that start with `prefix`, and `prefix` itself; add_up() counts
/// them.
void CandidateFinder::collect_prefixed(
    const TextReader& text,
    std::string_view prefix,
    FoundTerms& out
) const {
    struct Entry {
        TermHandle handle;
        TermInfo info;
    };

    std::vector<Entry> entries;
    for_each_prefixed(text, prefix, [&](const TermEnum& term) {
        entries.push_back({term.handle(), term.info()});
        return entries.size() < kCollectedMax;
    });
    const bool more = entries.size() > kept_max_;
    if (more) {
        const auto end = entries.begin() + static_cast<std::ptrdiff_t>(kept_max_);
        std::nth_element(entries.begin(), end, entries.end(), [&](const Entry& a, const Entry& b) {
            return ranked_ && a.info.max_rank != b.info.max_rank ? a.info.max_rank > b.info.max_rank
                                                                 : a.info.df > b.info.df;
        });
        entries.erase(end, entries.end());
    }
    for (const Entry& entry : entries) {
        const std::string_view term = text.text(entry.handle);
        out.try_emplace(std::string(term), Found{0, 0, term != prefix});
    }
    if (more && text.find(prefix)) {
        out.try_emplace(std::string(prefix), Found{});
    }
}

/// Sets frequency and rank of each term from all query fields and segments.
void CandidateFinder::add_up(FoundTerms& found) const {
    for (auto& [term, info] : found) {
        info.df = 0;
        bool first = true;
        for (const QueryField& field : request_.fields) {
            for (const Snapshot::Part& part : snapshot_.parts) {
                const TextReader& text = *part.segment->texts[field.field];
                if (const auto handle = text.find(term)) {
                    const TermInfo one = text.info(*handle);
                    info.df += one.df;
                    info.rank = first ? one.max_rank : std::max(info.rank, one.max_rank);
                    first = false;
                }
            }
        }
    }
}

std::vector<Candidate>
CandidateFinder::best(const FoundTerms& found, const std::string& word, std::uint32_t cost) const {
    std::vector<std::string> forms;
    for (std::size_t form = 0; form < forms_.count(); ++form) {
        forms.push_back(forms_.write(form, word));
    }
    const auto is_word = [&](std::string_view term) {
        return std::find(forms.begin(), forms.end(), term) != forms.end();
    };
    std::vector<std::pair<const std::string*, const Found*>> order;
    order.reserve(found.size());
    for (const auto& [term, info] : found) {
        order.emplace_back(&term, &info);
    }
    const auto before = [&](const auto& a, const auto& b) {
        if (is_word(*a.first) != is_word(*b.first)) {
            return is_word(*a.first);
        }
        if (ranked_ && a.second->rank != b.second->rank) {
            return a.second->rank > b.second->rank;
        }
        if (a.second->df != b.second->df) {
            return a.second->df > b.second->df;
        }
        return *a.first < *b.first;
    };
    // More than are used: the last word's candidates are thinned out by co-occurrence.
    const std::size_t keep =
        std::min(order.size(), std::max<std::size_t>(candidates_max_ * 16, 256));
    const auto end = order.begin() + static_cast<std::ptrdiff_t>(keep);
    std::partial_sort(order.begin(), end, order.end(), before);
    std::vector<Candidate> out;
    bool has_word = false;
    for (auto at = order.begin(); at != end; ++at) {
        if (cost > 0 || !is_word(*at->first)) {
            out.push_back({*at->first, cost, at->second->prefix_only});
        } else if (!has_word) {
            has_word = true;
            const bool same = forms.size() == 1;
            out.push_back({forms.front(), 0, false, same ? Words() : forms});
        }
    }
    return out;
}

const std::vector<Candidate>&
CandidateFinder::find(const std::string& word, std::uint32_t cost, bool prefix) {
    const auto key = std::pair(word, cost * 2 + (prefix ? 1 : 0));
    if (const auto at = cache_.find(key); at != cache_.end()) {
        return at->second;
    }
    FoundTerms found;
    for (std::size_t i = 0; i < request_.fields.size(); ++i) {
        const QueryField& field = request_.fields[i];
        if (cost > field.num_typos) {
            continue;
        }
        const std::string written = forms_.write(forms_.of(i), word);
        for (const Snapshot::Part& part : snapshot_.parts) {
            const TextReader& text = *part.segment->texts[field.field];
            if (cost == 0 && prefix && field.prefix) {
                collect_prefixed(text, written, found);
            } else {
                collect(text, written, cost, prefix && field.prefix, found);
            }
        }
    }
    if (cost == 0 && prefix) {
        add_up(found);
    }
    return cache_.emplace(key, best(found, word, cost)).first->second;
}

}  // namespace kumo::search
