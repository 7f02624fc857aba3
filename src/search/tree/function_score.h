#pragma once

#include "search/tree/tree.h"

#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <vector>

namespace kumo::search::tree {

/// The factor that a function has for a document.
using ScoreFunction = std::function<Result<double>(const DocRef&)>;

ScoreFunction weight_function(double weight);

enum class FieldModifier : std::uint8_t {
    kNone,
    kLog,
    kLog1p,
    kLog2p,
    kLn,
    kLn1p,
    kLn2p,
    kSquare,
    kSqrt,
    kReciprocal,
};

struct FieldFactor {
    std::size_t field = 0;
    bool floating = false;  ///< The column's codes are of doubles.
    double factor = 1;
    FieldModifier modifier = FieldModifier::kNone;
    std::optional<double> missing{};  ///< Without one, a document without a value is an error.
};

/// kInvalidArgument when it runs for a factor that is not finite or below 0.
ScoreFunction field_function(FieldFactor factor);

/// From 0 to 1, the same for the same seed and id.
ScoreFunction random_function(std::uint64_t seed);

enum class DecayShape : std::uint8_t {
    kGauss,
    kExp,
    kLinear
};
enum class ManyValues : std::uint8_t {
    kMin,
    kMax,
    kAvg,
    kSum
};

struct Decay {
    DecayShape shape = DecayShape::kGauss;
    std::size_t field = 0;
    bool floating = false;             ///< As above.
    std::optional<GeoPoint> center{};  ///< Of a field of points, which has meters.
    double origin = 0;
    double scale = 1;  ///< Above 0.
    double offset = 0;
    double decay = 0.5;  ///< At `scale` from the origin; between 0 and 1.
    ManyValues many = ManyValues::kMin;
};

ScoreFunction decay_function(const Decay& decay);

enum class ScoreMode : std::uint8_t {
    kMultiply,
    kSum,
    kAvg,
    kFirst,
    kMax,
    kMin
};
enum class BoostMode : std::uint8_t {
    kMultiply,
    kReplace,
    kSum,
    kAvg,
    kMax,
    kMin
};

struct FunctionScore {
    struct Function {
        NodePtr filter;       ///< Null: for every document.
        ScoreFunction score;  ///< Null: 1.
        double weight = 1;
    };

    NodePtr query;
    std::vector<Function> functions;
    ScoreMode score_mode = ScoreMode::kMultiply;
    BoostMode boost_mode = BoostMode::kMultiply;
    double max_boost = std::numeric_limits<float>::max();
    std::optional<float> min_score{};
};

NodePtr function_score(FunctionScore score);

}  // namespace kumo::search::tree
