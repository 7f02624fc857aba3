#include "search/tree/matches.h"

#include <algorithm>

namespace kumo::search::tree {

namespace {

/// Where `doc` is in `docs` at or after `from`, or the first one above it: by doubling steps, so
/// that a short list costs little beside a long one.
std::size_t gallop(const std::vector<DocId>& docs, std::size_t from, DocId doc) {
    std::size_t step = 1;
    std::size_t high = from;
    while (high < docs.size() && docs[high] < doc) {
        from = high + 1;
        high += step;
        step *= 2;
    }
    const auto end = docs.begin() + static_cast<std::ptrdiff_t>(std::min(high, docs.size()));
    const auto found = std::lower_bound(docs.begin() + static_cast<std::ptrdiff_t>(from), end, doc);
    return static_cast<std::size_t>(found - docs.begin());
}

Matches select(Matches left, const Matches& right, bool common) {
    std::size_t kept = 0;
    std::size_t at = 0;
    for (std::size_t i = 0; i < left.docs.size(); ++i) {
        at = gallop(right.docs, at, left.docs[i]);
        const bool found = at < right.docs.size() && right.docs[at] == left.docs[i];
        if (found != common) {
            continue;
        }
        left.docs[kept] = left.docs[i];
        if (!left.scores.empty()) {
            left.scores[kept] = left.scores[i];
        }
        ++kept;
    }
    left.docs.resize(kept);
    if (!left.scores.empty()) {
        left.scores.resize(kept);
    }
    return left;
}

}  // namespace

Matches matches_of(const Bitmap& bits, float score) {
    Matches out;
    out.score = score;
    out.docs.reserve(bits.count());
    bits.for_each([&out](std::size_t doc) { out.docs.push_back(static_cast<DocId>(doc)); });
    return out;
}

void set_bits(const Matches& matches, Bitmap& out) {
    for (const DocId doc : matches.docs) {
        out.set(doc);
    }
}

Matches keep(Matches left, const Matches& right) {
    return select(std::move(left), right, true);
}

Matches drop(Matches left, const Matches& right) {
    return select(std::move(left), right, false);
}

void ClauseSum::count(float score, Entry& entry) {
    entry.sum += static_cast<double>(score);
    entry.best = entry.clauses == 0 ? score : std::max(entry.best, score);
    ++entry.clauses;
}

void ClauseSum::spread() {
    dense_.resize(doc_count_);
    for (const Listed& listed : list_) {
        count(listed.score, dense_[listed.doc]);
    }
    list_ = {};
}

void ClauseSum::add(const Matches& clause) {
    if (dense_.empty() && list_.size() + clause.size() > doc_count_ / kListedPart) {
        spread();
    }
    for (std::size_t i = 0; i < clause.size(); ++i) {
        if (dense_.empty()) {
            list_.push_back({clause.docs[i], clause.score_at(i)});
        } else {
            count(clause.score_at(i), dense_[clause.docs[i]]);
        }
    }
}

template <typename Visit>
void ClauseSum::for_each(Visit visit) {
    for (DocId doc = 0; doc < dense_.size(); ++doc) {
        if (dense_[doc].clauses > 0) {
            visit(doc, dense_[doc]);
        }
    }
    std::stable_sort(list_.begin(), list_.end(), [](const Listed& a, const Listed& b) {
        return a.doc < b.doc;
    });
    for (std::size_t i = 0; i < list_.size();) {
        Entry entry;
        const DocId doc = list_[i].doc;
        for (; i < list_.size() && list_[i].doc == doc; ++i) {
            count(list_[i].score, entry);
        }
        visit(doc, entry);
    }
}

Matches ClauseSum::sum(std::uint32_t clauses_min) {
    Matches out;
    for_each([&](DocId doc, const Entry& entry) {
        if (entry.clauses >= clauses_min) {
            out.add(doc, static_cast<float>(entry.sum));
        }
    });
    return out;
}

Matches ClauseSum::best(float tie_breaker) {
    Matches out;
    for_each([&](DocId doc, const Entry& entry) {
        const double others = entry.sum - static_cast<double>(entry.best);
        const double score =
            static_cast<double>(entry.best) + others * static_cast<double>(tie_breaker);
        out.add(doc, static_cast<float>(score));
    });
    return out;
}

}  // namespace kumo::search::tree
