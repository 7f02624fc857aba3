#include "search/tree/function_score.h"

#include "search/column/codes.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

namespace kumo::search::tree {

namespace {

double number_of(std::int64_t code, bool floating) {
    return floating ? double_of_code(code) : static_cast<double>(code);
}

const ColumnReader* column_of(const DocRef& doc, std::size_t field) {
    const auto& columns = doc.snapshot.parts[doc.part].segment->columns;
    return field < columns.size() ? columns[field].get() : nullptr;
}

double modified(FieldModifier modifier, double value) {
    switch (modifier) {
        case FieldModifier::kNone: return value;
        case FieldModifier::kLog: return std::log10(value);
        case FieldModifier::kLog1p: return std::log10(value + 1);
        case FieldModifier::kLog2p: return std::log10(value + 2);
        case FieldModifier::kLn: return std::log(value);
        case FieldModifier::kLn1p: return std::log1p(value);
        case FieldModifier::kLn2p: return std::log1p(value + 1);
        case FieldModifier::kSquare: return value * value;
        case FieldModifier::kSqrt: return std::sqrt(value);
        case FieldModifier::kReciprocal: return 1 / value;
    }
    return value;
}

double combined_of(ManyValues many, const std::vector<double>& values) {
    double sum = 0;
    for (const double value : values) {
        sum += value;
    }
    switch (many) {
        case ManyValues::kMin: return *std::min_element(values.begin(), values.end());
        case ManyValues::kMax: return *std::max_element(values.begin(), values.end());
        case ManyValues::kSum: return sum;
        case ManyValues::kAvg: return sum / static_cast<double>(values.size());
    }
    return sum;
}

double decayed(const Decay& decay, double distance) {
    const double value = std::max(0.0, distance - decay.offset);
    switch (decay.shape) {
        case DecayShape::kGauss: {
            const double variance = 0.5 * decay.scale * decay.scale / std::log(decay.decay);
            return std::exp(0.5 * value * value / variance);
        }
        case DecayShape::kExp: return std::exp(std::log(decay.decay) / decay.scale * value);
        case DecayShape::kLinear: {
            const double width = decay.scale / (1 - decay.decay);
            return std::max(0.0, (width - value) / width);
        }
    }
    return 1;
}

class FunctionScoreNode : public Node {
public:
    explicit FunctionScoreNode(FunctionScore score) : score_(std::move(score)) {}

    Result<AllMatches> match(Evaluation& evaluation, Scoring wanted) const override {
        const bool scored = wanted.wanted || score_.min_score;
        KUMO_TRY_ASSIGN(AllMatches out, score_.query->match(evaluation, {scored, wanted.boost}));
        if (!scored) {
            return out;
        }
        KUMO_TRY_ASSIGN(const std::vector<AllMatches> filters, match_filters(evaluation));
        for (std::size_t p = 0; p < out.size(); ++p) {
            KUMO_TRY(score_part(evaluation, p, filters, out[p]));
        }
        return out;
    }

private:
    /// Of each function; nothing for one without.
    Result<std::vector<AllMatches>> match_filters(Evaluation& evaluation) const {
        std::vector<AllMatches> out;
        for (const FunctionScore::Function& function : score_.functions) {
            out.emplace_back();
            if (function.filter != nullptr) {
                KUMO_TRY_ASSIGN(out.back(), function.filter->match(evaluation, {}));
            }
        }
        return out;
    }

    Status score_part(
        Evaluation& evaluation,
        std::size_t part,
        const std::vector<AllMatches>& filters,
        Matches& matches
    ) const {
        Matches out;
        for (std::size_t i = 0; i < matches.size(); ++i) {
            KUMO_TRY(evaluation.check());
            DocRef doc{evaluation.snapshot(), part, matches.docs[i], matches.score_at(i)};
            if (evaluation.part(part).deleted.test(doc.doc)) {
                continue;
            }
            KUMO_TRY_ASSIGN(const double factor, factor_of(doc, filters));
            const float score = combine(static_cast<double>(doc.score), factor);
            if (std::isnan(score) || score < 0) {
                return invalid_argument(
                    "function score query returned an invalid score: " + std::to_string(score)
                );
            }
            if (!score_.min_score || score >= *score_.min_score) {
                out.add(doc.doc, score);
            }
        }
        matches = std::move(out);
        return {};
    }

    Result<double> factor_of(const DocRef& doc, const std::vector<AllMatches>& filters) const {
        double out = score_.score_mode == ScoreMode::kMultiply ? 1 : 0;
        double weights = 0;
        bool any = false;
        for (std::size_t i = 0; i < score_.functions.size(); ++i) {
            const FunctionScore::Function& function = score_.functions[i];
            if (function.filter != nullptr) {
                const auto& docs = filters[i][doc.part].docs;
                if (!std::binary_search(docs.begin(), docs.end(), doc.doc)) {
                    continue;
                }
            }
            double value = 1;
            if (function.score) {
                KUMO_TRY_ASSIGN(value, function.score(doc));
            }
            value *= function.weight;
            weights += function.weight;
            add(value, !any, out);
            any = true;
            if (score_.score_mode == ScoreMode::kFirst) {
                break;
            }
        }
        if (!any) {
            return 1.0;
        }
        return score_.score_mode == ScoreMode::kAvg && weights != 0 ? out / weights : out;
    }

    void add(double value, bool first, double& out) const {
        switch (score_.score_mode) {
            case ScoreMode::kMultiply: out *= value; return;
            case ScoreMode::kSum:
            case ScoreMode::kAvg: out += value; return;
            case ScoreMode::kFirst: out = value; return;
            case ScoreMode::kMax: out = first ? value : std::max(out, value); return;
            case ScoreMode::kMin: out = first ? value : std::min(out, value); return;
        }
    }

    float combine(double score, double factor) const {
        const double bounded = std::min(factor, score_.max_boost);
        switch (score_.boost_mode) {
            case BoostMode::kMultiply: return static_cast<float>(score * bounded);
            case BoostMode::kReplace: return static_cast<float>(bounded);
            case BoostMode::kSum: return static_cast<float>(score + bounded);
            case BoostMode::kAvg: return static_cast<float>((score + bounded) / 2);
            case BoostMode::kMax: return static_cast<float>(std::max(score, bounded));
            case BoostMode::kMin: return static_cast<float>(std::min(score, bounded));
        }
        return static_cast<float>(score);
    }

    FunctionScore score_;
};

}  // namespace

ScoreFunction weight_function(double weight) {
    return [weight](const DocRef&) -> Result<double> {
        return weight;
    };
}

ScoreFunction field_function(FieldFactor factor) {
    return [factor](const DocRef& doc) -> Result<double> {
        const ColumnReader* column = column_of(doc, factor.field);
        const auto code = column != nullptr ? column->first(doc.doc) : std::nullopt;
        if (!code && !factor.missing) {
            return invalid_argument("Missing value for field of field_value_factor");
        }
        const double value = code ? number_of(*code, factor.floating) : *factor.missing;
        const double out = modified(factor.modifier, value * factor.factor);
        if (!std::isfinite(out) || out < 0) {
            return invalid_argument(
                "field value function must not produce negative scores, but got: ["
                + std::to_string(out) + "]"
            );
        }
        return out;
    };
}

ScoreFunction random_function(std::uint64_t seed) {
    return [seed](const DocRef& doc) -> Result<double> {
        const SegmentReader& segment = *doc.snapshot.parts[doc.part].segment;
        // The order of arrival is the same on every copy and stays when segments merge.
        const auto order = segment.order != nullptr ? segment.order->first(doc.doc) : std::nullopt;
        std::uint64_t x = seed ^ static_cast<std::uint64_t>(order.value_or(doc.doc));
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
        x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
        x ^= x >> 31;
        return static_cast<double>(x >> 11) / static_cast<double>(std::uint64_t{1} << 53);
    };
}

ScoreFunction decay_function(const Decay& decay) {
    return [decay](const DocRef& doc) -> Result<double> {
        const ColumnReader* column = column_of(doc, decay.field);
        std::vector<double> distances;
        if (column != nullptr) {
            const auto range = column->values_of(doc.doc);
            for (std::uint64_t i = range.begin; i < range.end; ++i) {
                distances.push_back(
                    decay.center
                        ? distance_meters(*decay.center, point_of_code(column->value(i)))
                        : std::fabs(number_of(column->value(i), decay.floating) - decay.origin)
                );
            }
        }
        return distances.empty() ? 1.0 : decayed(decay, combined_of(decay.many, distances));
    };
}

NodePtr function_score(FunctionScore score) {
    return std::make_shared<const FunctionScoreNode>(std::move(score));
}

}  // namespace kumo::search::tree
