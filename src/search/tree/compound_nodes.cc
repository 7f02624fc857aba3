#include "search/tree/tree.h"

#include <algorithm>
#include <utility>

namespace kumo::search::tree {

namespace {

class AllNode : public Node {
public:
    Result<AllMatches> match(Evaluation& evaluation, Scoring wanted) const override {
        KUMO_TRY(evaluation.check());
        return everything(evaluation, wanted.boost);
    }
};

class NoneNode : public Node {
public:
    Result<AllMatches> match(Evaluation& evaluation, Scoring /*wanted*/) const override {
        return AllMatches(evaluation.part_count());
    }
};

class BoostedNode : public Node {
public:
    BoostedNode(NodePtr child, float boost) : child_(std::move(child)), boost_(boost) {}

    Result<AllMatches> match(Evaluation& evaluation, Scoring wanted) const override {
        return child_->match(evaluation, {wanted.wanted, wanted.boost * boost_});
    }

private:
    NodePtr child_;
    float boost_;
};

class ConstantNode : public Node {
public:
    explicit ConstantNode(NodePtr child) : child_(std::move(child)) {}

    Result<AllMatches> match(Evaluation& evaluation, Scoring wanted) const override {
        KUMO_TRY_ASSIGN(AllMatches out, child_->match(evaluation, {}));
        for (Matches& part : out) {
            part.scores.clear();
            part.score = wanted.boost;
        }
        return out;
    }

private:
    NodePtr child_;
};

std::vector<ClauseSum> sums_of(const Evaluation& evaluation) {
    std::vector<ClauseSum> out;
    for (std::size_t p = 0; p < evaluation.part_count(); ++p) {
        out.emplace_back(evaluation.segment(p).doc_count);
    }
    return out;
}

/// Adds b's score to each document of `a` that b has too.
void add_scores(Matches& a, const Matches& b) {
    if (b.docs.empty()) {
        return;
    }
    if (a.scores.empty()) {
        a.scores.assign(a.docs.size(), a.score);
    }
    std::size_t j = 0;
    for (std::size_t i = 0; i < a.docs.size() && j < b.docs.size(); ++i) {
        while (j < b.docs.size() && b.docs[j] < a.docs[i]) {
            ++j;
        }
        if (j < b.docs.size() && b.docs[j] == a.docs[i]) {
            a.scores[i] += b.score_at(j);
        }
    }
}

class BooleanNode : public Node {
public:
    explicit BooleanNode(Boolean clauses) : clauses_(std::move(clauses)) {}

    Result<AllMatches> match(Evaluation& evaluation, Scoring wanted) const override {
        const std::size_t count = clauses_.must.size() + clauses_.should.size()
                                  + clauses_.filter.size() + clauses_.must_not.size();
        if (count > evaluation.limits().clauses_max) {
            return Error{
                ErrorCode::kLimitExceeded,
                "maxClauseCount is set to " + std::to_string(evaluation.limits().clauses_max)};
        }
        const bool required = !clauses_.must.empty() || !clauses_.filter.empty();
        const bool only_not = count == clauses_.must_not.size();
        const std::uint32_t should_min =
            clauses_.should_min.value_or(required || clauses_.should.empty() ? 0 : 1);
        AllMatches out;
        if (required) {
            KUMO_TRY_ASSIGN(out, match_required(evaluation, wanted));
        }
        if (!clauses_.should.empty()) {
            KUMO_TRY(match_should(evaluation, wanted, {required, should_min}, out));
        } else if (should_min > 0) {
            return AllMatches(evaluation.part_count());
        }
        if (only_not) {
            out = everything(evaluation, count == 0 ? wanted.boost : 0);
        }
        for (const NodePtr& child : clauses_.must_not) {
            KUMO_TRY_ASSIGN(const AllMatches found, child->match(evaluation, {}));
            for (std::size_t p = 0; p < out.size(); ++p) {
                out[p] = drop(std::move(out[p]), found[p]);
            }
        }
        return out;
    }

private:
    struct Should {
        bool optional;
        std::uint32_t clauses_min;
    };

    /// What matches all of `must` and `filter`, with the sum of the first ones' scores.
    Result<AllMatches> match_required(Evaluation& evaluation, Scoring wanted) const {
        AllMatches out;
        bool first = true;
        const auto narrow = [&](AllMatches found) {
            for (std::size_t p = 0; p < found.size() && !first; ++p) {
                found[p] = keep(std::move(found[p]), out[p]);
            }
            out = std::move(found);
            first = false;
        };
        for (const NodePtr& child : clauses_.filter) {
            KUMO_TRY_ASSIGN(AllMatches found, child->match(evaluation, {}));
            for (Matches& part : found) {
                part.scores.clear();
                part.score = 0;
            }
            narrow(std::move(found));
        }
        if (!wanted.wanted || clauses_.must.size() == 1) {
            for (const NodePtr& child : clauses_.must) {
                KUMO_TRY_ASSIGN(AllMatches found, child->match(evaluation, wanted));
                narrow(std::move(found));
            }
            return out;
        }
        if (!clauses_.must.empty()) {
            KUMO_TRY_ASSIGN(AllMatches found, all_of_must(evaluation, wanted));
            narrow(std::move(found));
        }
        return out;
    }

    Result<AllMatches> all_of_must(Evaluation& evaluation, Scoring wanted) const {
        std::vector<ClauseSum> sums = sums_of(evaluation);
        for (const NodePtr& child : clauses_.must) {
            KUMO_TRY_ASSIGN(const AllMatches found, child->match(evaluation, wanted));
            for (std::size_t p = 0; p < found.size(); ++p) {
                sums[p].add(found[p]);
            }
        }
        AllMatches out;
        for (ClauseSum& sum : sums) {
            out.push_back(sum.sum(static_cast<std::uint32_t>(clauses_.must.size())));
        }
        return out;
    }

    Status match_should(Evaluation& evaluation, Scoring wanted, Should should, AllMatches& out)
        const {
        if (should.optional && should.clauses_min == 0 && !wanted.wanted) {
            return {};
        }
        std::vector<ClauseSum> sums = sums_of(evaluation);
        for (const NodePtr& child : clauses_.should) {
            KUMO_TRY(evaluation.check());
            KUMO_TRY_ASSIGN(const AllMatches found, child->match(evaluation, wanted));
            for (std::size_t p = 0; p < found.size(); ++p) {
                sums[p].add(found[p]);
            }
        }
        const std::uint32_t clauses_min = std::max<std::uint32_t>(1, should.clauses_min);
        out.resize(sums.size());
        for (std::size_t p = 0; p < sums.size(); ++p) {
            Matches found = sums[p].sum(clauses_min);
            if (!should.optional) {
                out[p] = std::move(found);
                continue;
            }
            if (should.clauses_min > 0) {
                out[p] = keep(std::move(out[p]), found);
            }
            if (wanted.wanted) {
                add_scores(out[p], found);
            }
        }
        return {};
    }

    Boolean clauses_;
};

class DisMaxNode : public Node {
public:
    DisMaxNode(std::vector<NodePtr> children, float tie_breaker)
        : children_(std::move(children)), tie_breaker_(tie_breaker) {}

    Result<AllMatches> match(Evaluation& evaluation, Scoring wanted) const override {
        if (children_.size() > evaluation.limits().clauses_max) {
            return Error{
                ErrorCode::kLimitExceeded,
                "maxClauseCount is set to " + std::to_string(evaluation.limits().clauses_max)};
        }
        std::vector<ClauseSum> sums = sums_of(evaluation);
        for (const NodePtr& child : children_) {
            KUMO_TRY_ASSIGN(const AllMatches found, child->match(evaluation, wanted));
            for (std::size_t p = 0; p < found.size(); ++p) {
                sums[p].add(found[p]);
            }
        }
        AllMatches out;
        for (ClauseSum& sum : sums) {
            out.push_back(sum.best(tie_breaker_));
        }
        return out;
    }

private:
    std::vector<NodePtr> children_;
    float tie_breaker_;
};

class BoostingNode : public Node {
public:
    BoostingNode(NodePtr positive, NodePtr negative, float factor)
        : positive_(std::move(positive)), negative_(std::move(negative)), factor_(factor) {}

    Result<AllMatches> match(Evaluation& evaluation, Scoring wanted) const override {
        KUMO_TRY_ASSIGN(AllMatches out, positive_->match(evaluation, wanted));
        if (!wanted.wanted) {
            return out;
        }
        KUMO_TRY_ASSIGN(const AllMatches negative, negative_->match(evaluation, {}));
        for (std::size_t p = 0; p < out.size(); ++p) {
            lower(out[p], negative[p]);
        }
        return out;
    }

private:
    void lower(Matches& matches, const Matches& negative) const {
        if (matches.scores.empty()) {
            matches.scores.assign(matches.docs.size(), matches.score);
        }
        for (std::size_t i = 0; i < matches.docs.size(); ++i) {
            if (std::binary_search(negative.docs.begin(), negative.docs.end(), matches.docs[i])) {
                matches.scores[i] *= factor_;
            }
        }
    }

    NodePtr positive_;
    NodePtr negative_;
    float factor_;
};

class ComputedNode : public Node {
public:
    ComputedNode(NodePtr candidates, DocScore score)
        : candidates_(std::move(candidates)), score_(std::move(score)) {}

    Result<AllMatches> match(Evaluation& evaluation, Scoring wanted) const override {
        const NodePtr candidates = candidates_ != nullptr ? candidates_ : match_all();
        KUMO_TRY_ASSIGN(const AllMatches found, candidates->match(evaluation, {wanted.wanted, 1}));
        AllMatches out(found.size());
        for (std::size_t p = 0; p < found.size(); ++p) {
            for (std::size_t i = 0; i < found[p].size(); ++i) {
                const DocId doc = found[p].docs[i];
                if (evaluation.part(p).deleted.test(doc)) {
                    continue;
                }
                KUMO_TRY(evaluation.check());
                KUMO_TRY_ASSIGN(
                    const std::optional<float> score,
                    score_({evaluation.snapshot(), p, doc, found[p].score_at(i)})
                );
                if (score) {
                    out[p].add(doc, *score * wanted.boost);
                }
            }
        }
        return out;
    }

private:
    NodePtr candidates_;
    DocScore score_;
};

}  // namespace

NodePtr match_all() {
    return std::make_shared<const AllNode>();
}

NodePtr match_none() {
    return std::make_shared<const NoneNode>();
}

NodePtr boosted(NodePtr child, float boost) {
    return boost == 1 ? std::move(child)
                      : std::make_shared<const BoostedNode>(std::move(child), boost);
}

NodePtr constant(NodePtr child) {
    return std::make_shared<const ConstantNode>(std::move(child));
}

NodePtr boolean(Boolean clauses) {
    return std::make_shared<const BooleanNode>(std::move(clauses));
}

NodePtr dis_max(std::vector<NodePtr> children, float tie_breaker) {
    return std::make_shared<const DisMaxNode>(std::move(children), tie_breaker);
}

NodePtr boosting(NodePtr positive, NodePtr negative, float factor) {
    return std::make_shared<const BoostingNode>(std::move(positive), std::move(negative), factor);
}

NodePtr computed(NodePtr candidates, DocScore score) {
    return std::make_shared<const ComputedNode>(std::move(candidates), std::move(score));
}

}  // namespace kumo::search::tree
