#include "search/text/bm25.h"

#include "search/text/internal/sealed_format.h"
#include "search/text/internal/segment_query.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <string>

namespace kumo::search {
namespace {

/// Stored bounds say nothing for other parameters; then a term's weight is its only bound.
constexpr float kUnknownBoundScale = 1e30F;

/// Seeds are lowered by this: the threshold must stay below the score they stand for.
constexpr float kSeedSlack = 0.99999F;

Status check_limits(const Bm25Query& query, std::uint32_t k) {
    if (query.terms.size() > kBm25TermsMax || k > kBm25HitsMax) {
        return Error{
            ErrorCode::kLimitExceeded,
            "a query may have " + std::to_string(kBm25TermsMax) + " terms and ask for "
                + std::to_string(kBm25HitsMax) + " hits"};
    }
    return {};
}

}  // namespace

struct Bm25Searcher::State {
    struct Segment {
        const TextReader* text = nullptr;
        const std::uint64_t* filter = nullptr;
        DocPages deleted;
        ScoreContext context{};
        float seed_scale = 0;  // stored seeds times this hold; 0 if they cannot be used
    };

    /// A query term: where each segment has it, and its idf over all.
    struct Term {
        std::vector<std::optional<TermHandle>> handles;
        float weight;
    };

    /// At least k documents score more than this; where some are deleted, that is a guess.
    struct Seed {
        float score = 0;
        bool certain = true;
    };

    State(std::span<const Bm25Segment> given, Bm25Params params);
    static void set_scales(Segment& segment, double average);
    Term resolve(std::string_view text) const;
    bool open_segment(std::size_t s, const std::vector<Term>& terms, Bm25Op op);
    std::uint64_t run_segment(std::size_t s, Bm25Op op, TopK* top, bool want_count);
    void find_in_segment(std::size_t s, Bm25Op op, std::uint64_t* out);
    std::vector<Term> resolve_all(const Bm25Query& query) const;
    SegmentQuery query_of(std::size_t s);
    Bm25Result
    run(const std::vector<Term>& terms, Bm25Op op, std::uint32_t k, bool want_count, float seed);
    Seed best_seed(const std::vector<Term>& terms, std::uint32_t k) const;

    std::vector<Segment> segments;
    std::array<float, 256> norm_weight{};
    std::uint64_t doc_count = 0;
    std::vector<std::unique_ptr<TermScorer>> pool;
    std::vector<TermScorer*> open;
    OrRanker or_ranker;
    OrCounter or_counter;
    AndCounter and_counter;
    AndRanker and_ranker;
};

Bm25Searcher::State::State(std::span<const Bm25Segment> given, Bm25Params params) {
    std::uint64_t tokens = 0;
    for (const Bm25Segment& segment : given) {
        doc_count += segment.text->doc_count();
        tokens += segment.text->token_count();
    }
    const double average =
        doc_count == 0 ? 1 : static_cast<double>(tokens) / static_cast<double>(doc_count);
    norm_weight = norm_weights(params.k1, params.b, average);
    segments.resize(given.size());
    for (std::size_t s = 0; s < given.size(); ++s) {
        Segment& segment = segments[s];
        segment.text = given[s].text;
        segment.filter = given[s].filter;
        segment.deleted = given[s].deleted;
        segment.context = {segment.text->norms(), &norm_weight, &kernels(), kUnknownBoundScale};
        if (params.k1 == kStoredK1 && params.b == kStoredB) {
            set_scales(segment, average);
        }
    }
}

/// A factor tf / (tf + w) changes by less than the quotient of the average lengths: bounds grow
/// with a longer average, and seeds shrink with a shorter one.
void Bm25Searcher::State::set_scales(Segment& segment, double average) {
    const double stored = segment.text->bound_length();
    if (stored > 0) {
        const auto quotient = static_cast<float>(average / stored);
        segment.context.bound_scale = std::max(1.0F, quotient);
        segment.seed_scale = segment.filter == nullptr ? std::min(1.0F, quotient) : 0;
    }
}

Bm25Searcher::State::Term Bm25Searcher::State::resolve(std::string_view text) const {
    Term term{{}, 0};
    std::uint64_t df = 0;
    for (const Segment& segment : segments) {
        auto handle = segment.text->find(text);
        if (handle.has_value()) {
            df += segment.text->info(*handle).df;
        }
        term.handles.push_back(handle);
    }
    // The live segment's counts may run ahead of each other.
    const auto n = static_cast<double>(std::max(doc_count, df));
    const auto holding = static_cast<double>(df);
    term.weight = static_cast<float>(std::log(1 + (n - holding + 0.5) / (holding + 0.5)));
    return term;
}

/// Opens the terms that the segment has. False if it cannot match.
bool Bm25Searcher::State::open_segment(std::size_t s, const std::vector<Term>& terms, Bm25Op op) {
    open.clear();
    for (const Term& term : terms) {
        if (!term.handles[s].has_value()) {
            if (op != Bm25Op::kOr) {
                return false;
            }
            continue;
        }
        if (open.size() == pool.size()) {
            pool.push_back(std::make_unique<TermScorer>());
        }
        TermScorer* scorer = pool[open.size()].get();
        scorer->open(*segments[s].text, *term.handles[s], segments[s].context, term.weight);
        open.push_back(scorer);
    }
    return !open.empty();
}

/// The best lower bound of the k-th score: any term's k-th best single score in any segment.
/// Where documents are deleted, 100 are looked at for 10: it is unlikely that 91 of them are gone.
Bm25Searcher::State::Seed
Bm25Searcher::State::best_seed(const std::vector<Term>& terms, std::uint32_t k) const {
    Seed best;
    for (std::size_t s = 0; s < segments.size(); ++s) {
        const bool certain = segments[s].deleted.empty();
        const std::uint32_t rank = certain || k > kSeedsFew ? k : kSeedsMost;
        if (segments[s].seed_scale == 0 || (!certain && k > kSeedsFew)) {
            continue;
        }
        for (const Term& term : terms) {
            if (!term.handles[s].has_value()) {
                continue;
            }
            const float factor = segments[s].text->seed_factor(*term.handles[s], rank);
            const float score = factor * segments[s].seed_scale * term.weight * kSeedSlack;
            if (score > best.score) {
                best = {score, certain};
            }
        }
    }
    return best;
}

std::uint64_t
Bm25Searcher::State::run_segment(std::size_t s, Bm25Op op, TopK* top, bool want_count) {
    const SegmentQuery query = query_of(s);
    if (op == Bm25Op::kPhrase && open.size() > 1) {
        return and_ranker.phrase(query, top, want_count);
    }
    if (op == Bm25Op::kAnd && open.size() > 1 && top == nullptr && AndCounter::pays(query)) {
        return and_counter.count(query);
    }
    if (op == Bm25Op::kAnd && open.size() > 1) {
        return and_ranker.all_of(query, top, want_count);
    }
    if (top != nullptr && open.size() == 1) {
        top_of_term(query, *top);
    } else if (top != nullptr) {
        or_ranker.run(query, *top);
    }
    if (!want_count) {
        return 0;
    }
    for (TermScorer* term : open) {
        term->cursor().set_block(0);
    }
    return or_counter.count(query);
}

/// Of the terms that are open.
SegmentQuery Bm25Searcher::State::query_of(std::size_t s) {
    const Segment& segment = segments[s];
    return {open, segment.text->doc_limit(), segment.filter, segment.deleted, &kernels()};
}

void Bm25Searcher::State::find_in_segment(std::size_t s, Bm25Op op, std::uint64_t* out) {
    SegmentQuery query = query_of(s);
    query.matches = out;
    if (op == Bm25Op::kOr || open.size() == 1) {
        OrCounter::find(query, out);
    } else if (op == Bm25Op::kAnd) {
        (void)and_ranker.all_of(query, nullptr, true);
    } else {
        (void)and_ranker.phrase(query, nullptr, true);
    }
}

std::vector<Bm25Searcher::State::Term> Bm25Searcher::State::resolve_all(const Bm25Query& query
) const {
    std::vector<Term> terms;
    terms.reserve(query.terms.size());
    for (std::string_view text : query.terms) {
        terms.push_back(resolve(text));
    }
    return terms;
}

Bm25Result Bm25Searcher::State::run(
    const std::vector<Term>& terms,
    Bm25Op op,
    std::uint32_t k,
    bool want_count,
    float seed
) {
    Bm25Result result;
    TopK top(k);
    top.prime(seed);
    for (std::size_t s = 0; s < segments.size(); ++s) {
        if (open_segment(s, terms, op)) {
            top.set_segment(static_cast<std::uint32_t>(s));
            result.count += run_segment(s, op, k == 0 ? nullptr : &top, want_count);
        }
    }
    result.hits = top.take();
    return result;
}

Bm25Searcher::Bm25Searcher(std::span<const Bm25Segment> segments, Bm25Params params)
    : state_(std::make_unique<State>(segments, params)) {}

Bm25Searcher::~Bm25Searcher() = default;

Result<Bm25Result> Bm25Searcher::search(const Bm25Query& query, std::uint32_t k, bool want_count) {
    KUMO_TRY(check_limits(query, k));
    Bm25Result result;
    if (query.terms.empty() || (k == 0 && !want_count)) {
        return result;
    }
    const std::vector<State::Term> terms = state_->resolve_all(query);
    State::Seed seed;
    if (k != 0 && (query.op == Bm25Op::kOr || terms.size() == 1)) {
        seed = state_->best_seed(terms, k);
    }
    result = state_->run(terms, query.op, k, want_count, seed.score);
    if (!seed.certain && result.hits.size() < k) {
        result = state_->run(terms, query.op, k, want_count, 0);
    }
    return result;
}

Status Bm25Searcher::matches(const Bm25Query& query, std::span<std::uint64_t* const> out) {
    KUMO_TRY(check_limits(query, 0));
    if (query.terms.empty()) {
        return {};
    }
    const std::vector<State::Term> terms = state_->resolve_all(query);
    for (std::size_t s = 0; s < state_->segments.size(); ++s) {
        if (state_->open_segment(s, terms, query.op)) {
            state_->find_in_segment(s, query.op, out[s]);
        }
    }
    return {};
}

}  // namespace kumo::search
