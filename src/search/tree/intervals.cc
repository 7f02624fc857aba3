#include "search/tree/intervals.h"

#include "search/text/postings_cursor.h"
#include "search/tree/internal/bm25.h"
#include "search/tree/internal/term_docs.h"
#include "search/tree/internal/term_finder.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace kumo::search::tree {

namespace {

using Kind = IntervalSource::Kind;

/// Positions from first to last, and how many of them are words of the source.
struct Interval {
    std::uint32_t first;
    std::uint32_t last;
    std::uint32_t words;

    std::uint32_t gaps() const { return last - first + 1 - words; }
};

using Intervals = std::vector<Interval>;

/// By their first position; without those that contain another.
Intervals minimal(Intervals all) {
    std::sort(all.begin(), all.end(), [](const Interval& a, const Interval& b) {
        return a.first != b.first ? a.first > b.first : a.last < b.last;
    });
    Intervals out;
    for (const Interval& one : all) {
        // Those that begin later were there before: the shortest end of them is the last one's.
        if (out.empty() || one.last < out.back().last) {
            out.push_back(one);
        }
    }
    std::reverse(out.begin(), out.end());
    return out;
}

bool lies(IntervalFilter filter, const Interval& a, const Interval& b, const IntervalSource& of) {
    switch (filter) {
        case IntervalFilter::kAfter: return a.first > b.last;
        case IntervalFilter::kBefore: return a.last < b.first;
        case IntervalFilter::kContainedBy:
        case IntervalFilter::kNotContainedBy: return b.first <= a.first && a.last <= b.last;
        case IntervalFilter::kContaining:
        case IntervalFilter::kNotContaining: return a.first <= b.first && b.last <= a.last;
        case IntervalFilter::kNotOverlapping:
        case IntervalFilter::kOverlapping:
            return a.first <= b.last + of.after && b.first <= a.last + of.before;
    }
    return false;
}

bool is_negative(IntervalFilter filter) {
    return filter == IntervalFilter::kNotContainedBy || filter == IntervalFilter::kNotContaining
           || filter == IntervalFilter::kNotOverlapping;
}

Intervals filtered(const IntervalSource& source, const Intervals& a, const Intervals& b) {
    Intervals out;
    for (const Interval& one : a) {
        const bool any = std::any_of(b.begin(), b.end(), [&](const Interval& other) {
            return lies(source.filter, one, other, source);
        });
        if (any != is_negative(source.filter)) {
            out.push_back(one);
        }
    }
    return out;
}

/// One of each, each behind the one before and as near to it as may be.
Intervals in_order(const std::vector<Intervals>& parts) {
    Intervals out;
    for (const Interval& start : parts.front()) {
        Interval whole = start;
        bool complete = true;
        for (std::size_t i = 1; i < parts.size() && complete; ++i) {
            const auto next =
                std::find_if(parts[i].begin(), parts[i].end(), [&](const Interval& one) {
                    return one.first > whole.last;
                });
            complete = next != parts[i].end();
            if (complete) {
                whole.last = next->last;
                whole.words += next->words;
            }
        }
        if (!complete) {
            break;
        }
        out.push_back(whole);
    }
    return minimal(std::move(out));
}

/// One of each, wherever they are: always on from the one that begins first.
Intervals in_any_order(const std::vector<Intervals>& parts) {
    Intervals out;
    std::vector<std::size_t> at(parts.size());
    while (true) {
        std::size_t first = 0;
        Interval whole{UINT32_MAX, 0, 0};
        for (std::size_t i = 0; i < parts.size(); ++i) {
            const Interval& one = parts[i][at[i]];
            if (one.first < whole.first) {
                whole.first = one.first;
                first = i;
            }
            whole.last = std::max(whole.last, one.last);
            whole.words += one.words;
        }
        whole.words = std::min(whole.words, whole.last - whole.first + 1);
        out.push_back(whole);
        if (++at[first] == parts[first].size()) {
            return minimal(std::move(out));
        }
    }
}

/// The same where sources may be equal: two of them do not stand at one place.
bool repeats(const std::vector<IntervalPtr>& children, std::size_t i) {
    for (std::size_t j = 0; j < i; ++j) {
        if (children[j]->kind == Kind::kTerms && children[i]->kind == Kind::kTerms
            && children[j]->terms == children[i]->terms) {
            return true;
        }
    }
    return false;
}

/// A source in one segment.
class SourceReader {
public:
    SourceReader(Evaluation& evaluation, std::size_t part, std::size_t field)
        : evaluation_(evaluation), part_(part), field_(field) {}

    Status open(const IntervalSource& source) {
        switch (source.kind) {
            case Kind::kTerms: return open_terms(source, source.terms);
            case Kind::kPattern:
            case Kind::kFuzzy: {
                std::vector<std::string> terms;
                KUMO_TRY(expand(source, terms));
                return open_terms(source, terms);
            }
            default: break;
        }
        for (const IntervalPtr& child : source.children) {
            KUMO_TRY(open(*child));
        }
        return {};
    }

    /// Documents that have any of the terms.
    DocId next(DocId target) {
        DocId out = kNoDoc;
        for (auto& [source, cursors] : cursors_) {
            for (PostingsCursor& cursor : cursors) {
                if (cursor.doc() < target) {
                    cursor.advance(target);
                }
                out = std::min(out, cursor.doc());
            }
        }
        return out;
    }

    Intervals read(const IntervalSource& source, DocId doc) {
        switch (source.kind) {
            case Kind::kTerms:
            case Kind::kPattern:
            case Kind::kFuzzy: return read_terms(source, doc);
            case Kind::kOrdered:
            case Kind::kUnordered: return read_all(source, doc);
            case Kind::kAny: {
                Intervals all;
                for (const IntervalPtr& child : source.children) {
                    const Intervals own = read(*child, doc);
                    all.insert(all.end(), own.begin(), own.end());
                }
                return minimal(std::move(all));
            }
            case Kind::kFiltered: {
                const Intervals first = read(*source.children[0], doc);
                return first.empty() ? first
                                     : filtered(source, first, read(*source.children[1], doc));
            }
            case Kind::kFirst: {
                Intervals all = read(*source.children[0], doc);
                std::erase_if(all, [&source](const Interval& one) {
                    return one.last >= source.max_gaps.value_or(UINT32_MAX);
                });
                return all;
            }
        }
        return {};
    }

private:
    Status expand(const IntervalSource& source, std::vector<std::string>& out) {
        const bool fuzzy = source.kind == Kind::kFuzzy;
        const std::u32string wanted = fuzzy ? code_points_of(source.text) : std::u32string();
        const std::u32string start = wanted.substr(0, source.prefix_points);
        Status status;
        const std::string prefix = fuzzy ? std::string() : source.pattern->prefix();
        for_each_term(
            evaluation_,
            part_,
            field_,
            prefix,
            [&](std::string_view term, std::uint32_t) {
                status = evaluation_.check();
                bool fits = false;
                if (fuzzy) {
                    const std::u32string points = code_points_of(term);
                    fits = points.starts_with(start)
                           && edit_distance(wanted, points, source.edits, source.swaps)
                                  <= source.edits;
                } else {
                    fits = source.pattern->matches(term);
                }
                if (fits) {
                    out.emplace_back(term);
                }
                if (out.size() > kIntervalTermsMax) {
                    status = Error{
                        ErrorCode::kLimitExceeded,
                        "the pattern stands for more than " + std::to_string(kIntervalTermsMax)
                            + " terms"};
                }
                return status.ok();
            }
        );
        return status;
    }

    Status open_terms(const IntervalSource& source, const std::vector<std::string>& terms) {
        std::vector<PostingsCursor>& cursors = cursors_[&source];
        const TextReader* text = evaluation_.text(part_, field_);
        for (const std::string& term : terms) {
            if (const auto handle = text->find(term)) {
                cursors.emplace_back();
                text->open(*handle, cursors.back());
            }
        }
        return {};
    }

    Intervals read_terms(const IntervalSource& source, DocId doc) {
        Intervals out;
        for (PostingsCursor& cursor : cursors_[&source]) {
            if (cursor.doc() != doc) {
                continue;
            }
            cursor.positions(positions_);
            for (const std::uint32_t position : positions_) {
                out.push_back({position, position, 1});
            }
        }
        return minimal(std::move(out));
    }

    Intervals read_all(const IntervalSource& source, DocId doc) {
        std::vector<Intervals> parts;
        for (std::size_t i = 0; i < source.children.size(); ++i) {
            parts.push_back(read(*source.children[i], doc));
            if (parts.back().empty()) {
                return {};
            }
        }
        Intervals out;
        bool again = false;
        for (std::size_t i = 1; i < source.children.size(); ++i) {
            again = again || repeats(source.children, i);
        }
        if (source.kind == Kind::kOrdered) {
            out = in_order(parts);
        } else if (!source.overlaps) {
            out = pair_by_pair(parts);
        } else if (again) {
            out = apart(parts);
        } else {
            out = in_any_order(parts);
        }
        if (source.max_gaps) {
            std::erase_if(out, [&source](const Interval& one) {
                return one.gaps() > *source.max_gaps;
            });
        }
        return out;
    }

    /// Each beside all before it, which count as one: what stands between those is not beside them.
    static Intervals pair_by_pair(const std::vector<Intervals>& parts) {
        Intervals out = parts.front();
        for (std::size_t i = 1; i < parts.size() && !out.empty(); ++i) {
            Intervals both = in_order({out, parts[i]});
            const Intervals reversed = in_order({parts[i], out});
            both.insert(both.end(), reversed.begin(), reversed.end());
            out = minimal(std::move(both));
        }
        return out;
    }

    /// In any order, but nowhere two at one place: every order of a few, in turn.
    static Intervals apart(const std::vector<Intervals>& parts) {
        constexpr std::size_t kPartsMax = 6;
        if (parts.size() > kPartsMax) {
            return in_any_order(parts);
        }
        std::vector<std::size_t> order(parts.size());
        for (std::size_t i = 0; i < order.size(); ++i) {
            order[i] = i;
        }
        Intervals out;
        do {
            std::vector<Intervals> turned;
            for (const std::size_t i : order) {
                turned.push_back(parts[i]);
            }
            const Intervals found = in_order(turned);
            out.insert(out.end(), found.begin(), found.end());
        } while (std::next_permutation(order.begin(), order.end()));
        return minimal(std::move(out));
    }

    Evaluation& evaluation_;
    std::size_t part_;
    std::size_t field_;
    std::map<const IntervalSource*, std::vector<PostingsCursor>> cursors_;
    std::vector<std::uint32_t> positions_;
};

void gather_terms(const IntervalSource& source, std::set<std::string>& out) {
    out.insert(source.terms.begin(), source.terms.end());
    for (const IntervalPtr& child : source.children) {
        gather_terms(*child, out);
    }
}

/// The fewest positions that an interval of the source can have.
std::uint32_t least_width(const IntervalSource& source) {
    std::uint32_t out = 0;
    switch (source.kind) {
        case Kind::kOrdered:
        case Kind::kUnordered:
            for (const IntervalPtr& child : source.children) {
                out += least_width(*child);
            }
            return out;
        case Kind::kAny:
            out = UINT32_MAX;
            for (const IntervalPtr& child : source.children) {
                out = std::min(out, least_width(*child));
            }
            return out;
        case Kind::kFiltered:
        case Kind::kFirst: return least_width(*source.children[0]);
        default: return 1;
    }
}

class IntervalsNode : public Node {
public:
    IntervalsNode(std::size_t field, IntervalPtr source, bool bm25)
        : field_(field), source_(std::move(source)), bm25_(bm25) {}

    Result<AllMatches> match(Evaluation& evaluation, Scoring wanted) const override {
        std::vector<TermDocs> docs(evaluation.part_count());
        const std::uint32_t least = least_width(*source_);
        for (std::size_t p = 0; p < docs.size(); ++p) {
            if (evaluation.text(p, field_) == nullptr) {
                continue;
            }
            SourceReader reader(evaluation, p, field_);
            KUMO_TRY(reader.open(*source_));
            for (DocId doc = reader.next(0); doc != kNoDoc; doc = reader.next(doc + 1)) {
                KUMO_TRY(evaluation.check());
                float frequency = 0;
                for (const Interval& one : reader.read(*source_, doc)) {
                    const std::uint32_t width = one.last - one.first + 1;
                    frequency += 1 / static_cast<float>(std::max(width, least) - least + 1);
                }
                if (frequency > 0) {
                    docs[p].docs.push_back(doc);
                    docs[p].frequencies.push_back(frequency);
                }
            }
        }
        if (!wanted.wanted) {
            return only_docs(std::move(docs), wanted.boost);
        }
        if (bm25_) {
            return score_as_phrase(evaluation, std::move(docs), wanted.boost);
        }
        AllMatches out(docs.size());
        for (std::size_t p = 0; p < docs.size(); ++p) {
            for (std::size_t i = 0; i < docs[p].docs.size(); ++i) {
                const float frequency = docs[p].frequencies[i];
                out[p].add(docs[p].docs[i], wanted.boost * frequency / (frequency + 1));
            }
        }
        return out;
    }

private:
    AllMatches score_as_phrase(Evaluation& evaluation, std::vector<TermDocs> docs, float boost)
        const {
        std::set<std::string> terms;
        gather_terms(*source_, terms);
        const FieldStatistics& statistics = evaluation.statistics(field_);
        double idf = 0;
        for (const std::string& term : terms) {
            std::uint64_t df = 0;
            for (std::size_t p = 0; p < evaluation.part_count(); ++p) {
                const TextReader* text = evaluation.text(p, field_);
                const auto handle = text != nullptr ? text->find(term) : std::nullopt;
                df += handle ? text->info(*handle).df : 0;
            }
            if (df > 0) {
                idf += static_cast<double>(inverse_frequency(statistics.docs, df));
            }
        }
        const TermWeight weight(statistics, static_cast<float>(idf), boost);
        return score_docs(evaluation, field_, std::move(docs), weight, {});
    }

    std::size_t field_;
    IntervalPtr source_;
    bool bm25_;
};

}  // namespace

std::shared_ptr<const Node> intervals(std::size_t field, IntervalPtr source, bool bm25) {
    return std::make_shared<const IntervalsNode>(field, std::move(source), bm25);
}

}  // namespace kumo::search::tree
