#include "search/tree/internal/bm25.h"
#include "search/tree/internal/term_docs.h"
#include "search/tree/internal/term_finder.h"
#include "search/tree/tree.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

namespace kumo::search::tree {

namespace {

/// Words of more code points are not corrected (as FuzzyOptions says).
constexpr std::size_t kPointsMax = kFuzzyLengthMax;

class FuzzyNode : public Node {
public:
    FuzzyNode(std::size_t field, FuzzyTerm term, TermScoring scoring)
        : field_(field),
          term_(std::move(term)),
          points_(code_points_of(term_.text)),
          scoring_(scoring) {}

    Result<AllMatches> match(Evaluation& evaluation, Scoring wanted) const override {
        KUMO_TRY_ASSIGN(const std::vector<Near> near, find(evaluation));
        std::vector<std::vector<TermDocs>> docs;
        std::uint64_t df = 0;
        const bool scored = wanted.wanted && !term_.constant;
        for (const Near& one : near) {
            KUMO_TRY(evaluation.check());
            docs.push_back(find_term_docs(
                evaluation,
                field_,
                one.term,
                scored && scoring_.bm25 && scoring_.frequencies
            ));
            df = std::max(df, count_docs(docs.back()));
        }
        std::vector<ClauseSum> sums;
        for (std::size_t p = 0; p < evaluation.part_count(); ++p) {
            sums.emplace_back(evaluation.segment(p).doc_count);
        }
        const FieldStatistics& statistics = evaluation.statistics(field_);
        const float idf = inverse_frequency(statistics.docs, df);
        for (std::size_t i = 0; i < near.size(); ++i) {
            const TermWeight weight(statistics, idf, wanted.boost * near[i].boost);
            const AllMatches one =
                scored && scoring_.bm25
                    ? score_docs(evaluation, field_, std::move(docs[i]), weight, scoring_)
                    : only_docs(std::move(docs[i]), wanted.boost);
            for (std::size_t p = 0; p < one.size(); ++p) {
                sums[p].add(one[p]);
            }
        }
        return finish(sums, scored, wanted.boost);
    }

private:
    struct Near {
        std::string term;
        float boost;
    };

    static AllMatches finish(std::vector<ClauseSum>& sums, bool scored, float score) {
        AllMatches out;
        for (ClauseSum& sum : sums) {
            out.push_back(sum.sum(1));
            if (!scored) {
                out.back().scores.clear();
                out.back().score = score;
            }
        }
        return out;
    }

    /// The nearest terms of all segments, nearest first, then in their order.
    Result<std::vector<Near>> find(Evaluation& evaluation) const {
        std::map<std::string, float, std::less<>> found;
        const std::string prefix = prefix_text();
        const std::uint32_t most = points_.size() > kPointsMax ? 0 : term_.edits;
        for (std::size_t p = 0; p < evaluation.part_count(); ++p) {
            KUMO_TRY(evaluation.check());
            const TextReader* text = evaluation.text(p, field_);
            if (text != nullptr && term_.swaps) {
                FuzzyOptions options;
                options.max_cost = most;
                const auto end = text->fuzzy(term_.text, options, [&](const FuzzyMatch& match) {
                    if (match.term.starts_with(prefix)) {
                        note(match.term, match.cost, found);
                    }
                    return true;
                });
                if (end == WalkEnd::kCutShort) {
                    return Error{ErrorCode::kLimitExceeded, "too many terms are that near"};
                }
                continue;
            }
            for_each_term(evaluation, p, field_, prefix, [&](std::string_view term, std::uint32_t) {
                const std::uint32_t cost =
                    edit_distance(points_, code_points_of(term), most, term_.swaps);
                if (cost <= most) {
                    note(term, cost, found);
                }
                return true;
            });
        }
        std::vector<Near> out;
        for (const auto& [term, boost] : found) {
            out.push_back({term, boost});
        }
        std::stable_sort(out.begin(), out.end(), [](const Near& a, const Near& b) {
            return a.boost > b.boost;
        });
        const std::size_t most_terms =
            std::min(term_.expansions_max, evaluation.limits().clauses_max);
        out.resize(std::min(out.size(), most_terms));
        return out;
    }

    void note(
        std::string_view term,
        std::uint32_t cost,
        std::map<std::string, float, std::less<>>& found
    ) const {
        const std::size_t shorter = std::min(points_.size(), code_points_of(term).size());
        const float boost = cost == 0
                                ? 1
                                : 1
                                      - static_cast<float>(cost)
                                            / static_cast<float>(std::max<std::size_t>(1, shorter));
        if (boost > 0) {
            found.emplace(std::string(term), boost);
        }
    }

    std::string prefix_text() const {
        std::size_t bytes = 0;
        for (std::uint32_t left = term_.prefix_points; left > 0 && bytes < term_.text.size();
             --left) {
            do {
                ++bytes;
            } while (bytes < term_.text.size()
                     && (static_cast<unsigned char>(term_.text[bytes]) & 0xC0U) == 0x80U);
        }
        return term_.text.substr(0, bytes);
    }

    std::size_t field_;
    FuzzyTerm term_;
    std::u32string points_;
    TermScoring scoring_;
};

}  // namespace

NodePtr fuzzy(std::size_t field, FuzzyTerm term, TermScoring scoring) {
    return std::make_shared<const FuzzyNode>(field, std::move(term), scoring);
}

}  // namespace kumo::search::tree
