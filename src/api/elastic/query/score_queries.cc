#include "api/elastic/mapping/date_math.h"
#include "api/elastic/mapping/geo_values.h"
#include "api/elastic/query/internal/query_parser.h"
#include "api/elastic/query/internal/units.h"
#include "search/column/codes.h"

#include <cmath>
#include <map>

namespace kumo::api_elastic {

namespace {

template <typename T>
Result<T>
one_of(const std::map<std::string_view, T>& names, const Json& value, std::string_view what) {
    const auto found = names.find(value.text());
    if (found == names.end()) {
        return illegal_argument("illegal " + std::string(what) + " [" + value.text() + "]");
    }
    return found->second;
}

const std::map<std::string_view, tree::FieldModifier>& modifiers() {
    static const std::map<std::string_view, tree::FieldModifier> kNames{
        {"none", tree::FieldModifier::kNone},
        {"log", tree::FieldModifier::kLog},
        {"log1p", tree::FieldModifier::kLog1p},
        {"log2p", tree::FieldModifier::kLog2p},
        {"ln", tree::FieldModifier::kLn},
        {"ln1p", tree::FieldModifier::kLn1p},
        {"ln2p", tree::FieldModifier::kLn2p},
        {"square", tree::FieldModifier::kSquare},
        {"sqrt", tree::FieldModifier::kSqrt},
        {"reciprocal", tree::FieldModifier::kReciprocal},
    };
    return kNames;
}

Result<tree::ScoreFunction> field_value_factor(const QueryContext& context, const Json& body) {
    tree::FieldFactor out;
    const Json* name = body.find("field");
    if (name == nullptr) {
        return parsing_error("[field_value_factor] required field 'field' missing");
    }
    for (const auto& [key, value] : body.members()) {
        if (key == "factor") {
            out.factor = value.to_double().value_or(1);
        } else if (key == "modifier") {
            KUMO_TRY_ASSIGN(out.modifier, one_of(modifiers(), value, "modifier"));
        } else if (key == "missing") {
            out.missing = value.to_double();
        } else if (key != "field") {
            return parsing_error("field_value_factor query does not support [" + key + "]");
        }
    }
    const Target target = resolve(context, name->text());
    if (target.field == nullptr) {
        if (out.missing) {
            out.field = SIZE_MAX;
            return tree::field_function(out);
        }
        return fault(
            "query_shard_exception",
            "Unable to find a field mapper for field [" + name->text()
                + "]. No 'missing' value defined."
        );
    }
    out.field = target.engine.value_or(SIZE_MAX);
    out.floating = target.field->is_real();
    return tree::field_function(out);
}

Result<double> duration_millis(const Json& value) {
    KUMO_TRY_ASSIGN(const double nanos, time_nanos(value.text()));
    return nanos / 1e6;
}

Result<tree::ScoreFunction>
decay_of(const QueryContext& context, tree::DecayShape shape, const Json& body) {
    tree::Decay out;
    out.shape = shape;
    const Json* options = nullptr;
    std::string path;
    for (const auto& [key, value] : body.members()) {
        if (key == "multi_value_mode") {
            static const std::map<std::string_view, tree::ManyValues> kModes{
                {"min", tree::ManyValues::kMin},
                {"max", tree::ManyValues::kMax},
                {"avg", tree::ManyValues::kAvg},
                {"sum", tree::ManyValues::kSum},
            };
            KUMO_TRY_ASSIGN(out.many, one_of(kModes, value, "multi_value_mode"));
        } else {
            path = key;
            options = &value;
        }
    }
    if (options == nullptr || !options->is_object()) {
        return parsing_error("malformed score function score parameters.");
    }
    const Target target = resolve(context, path);
    if (target.field == nullptr) {
        return fault("query_shard_exception", "unknown field [" + path + "]");
    }
    const MappedField& field = *target.field;
    out.field = target.engine.value_or(SIZE_MAX);
    out.floating = field.is_real();
    const Json* origin = options->find("origin");
    const Json* scale = options->find("scale");
    const Json* offset = options->find("offset");
    if (const Json* decay = options->find("decay")) {
        out.decay = decay->to_double().value_or(0);
    }
    if (out.decay <= 0 || out.decay >= 1) {
        return illegal_argument("decay must be in the range (0..1), exclusive");
    }
    if (scale == nullptr || (origin == nullptr && !field.is_date())) {
        return parsing_error(
            "Both [origin] and [scale] must be set for " + std::string(field.type) + " fields."
        );
    }
    if (field.kind == FieldKind::kGeoPoint) {
        KUMO_TRY_ASSIGN(out.center, parse_geo_point(*origin));
        KUMO_TRY_ASSIGN(out.scale, distance_meters(scale->text()));
        if (offset != nullptr) {
            KUMO_TRY_ASSIGN(out.offset, distance_meters(offset->text()));
        }
    } else if (field.is_date()) {
        const double unit = field.kind == FieldKind::kDateNanos ? 1e6 : 1;
        KUMO_TRY_ASSIGN(
            const Instant at,
            parse_date_math(
                origin != nullptr ? origin->text() : "now",
                field.format,
                context.now_millis
            )
        );
        out.origin = static_cast<double>(at.millis) * unit;
        KUMO_TRY_ASSIGN(out.scale, duration_millis(*scale));
        out.scale *= unit;
        if (offset != nullptr) {
            KUMO_TRY_ASSIGN(out.offset, duration_millis(*offset));
            out.offset *= unit;
        }
    } else if (field.is_int() || field.is_real()) {
        out.origin = origin->to_double().value_or(0);
        out.scale = scale->to_double().value_or(0);
        out.offset = offset != nullptr ? offset->to_double().value_or(0) : 0;
    } else {
        return parsing_error(
            "field [" + path + "] is of type [" + field.type
            + "], but only numeric types are supported."
        );
    }
    if (out.scale <= 0) {
        return illegal_argument("scale must be > 0.");
    }
    if (out.offset < 0) {
        return illegal_argument("offset must be > 0.0");
    }
    return tree::decay_function(out);
}

Result<std::optional<tree::ScoreFunction>>
function_of(const QueryContext& context, const std::string& key, const Json& value) {
    std::optional<tree::ScoreFunction> out;
    if (key == "field_value_factor") {
        KUMO_TRY_ASSIGN(out, field_value_factor(context, value));
    } else if (key == "random_score") {
        const Json* seed = value.find("seed");
        const auto number = seed != nullptr ? seed->to_int64() : std::nullopt;
        std::uint64_t mixed = number ? static_cast<std::uint64_t>(*number) : 0;
        if (seed != nullptr && !number) {
            for (const char c : seed->text()) {
                mixed = mixed * 31 + static_cast<unsigned char>(c);
            }
        }
        out = tree::random_function(
            seed != nullptr ? mixed : static_cast<std::uint64_t>(context.now_millis)
        );
    } else if (key == "script_score") {
        const Json* script = value.find("script");
        if (!context.script || script == nullptr) {
            return not_supported("[script_score] functions are not supported");
        }
        KUMO_TRY_ASSIGN(out, context.script(*script));
    } else if (key == "gauss") {
        KUMO_TRY_ASSIGN(out, decay_of(context, tree::DecayShape::kGauss, value));
    } else if (key == "exp") {
        KUMO_TRY_ASSIGN(out, decay_of(context, tree::DecayShape::kExp, value));
    } else if (key == "linear") {
        KUMO_TRY_ASSIGN(out, decay_of(context, tree::DecayShape::kLinear, value));
    }
    return out;
}

Result<tree::FunctionScore::Function> read_function(QueryParser& parser, const Json& body) {
    tree::FunctionScore::Function out;
    for (const auto& [key, value] : body.members()) {
        if (key == "filter") {
            KUMO_TRY_ASSIGN(out.filter, parser.parse(value));
        } else if (key == "weight") {
            out.weight = value.to_double().value_or(1);
        } else if (key != "_name") {
            KUMO_TRY_ASSIGN(
                std::optional<tree::ScoreFunction> function,
                function_of(parser.context(), key, value)
            );
            if (!function) {
                return parsing_error("field [" + key + "] is not allowed in function_score");
            }
            out.score = std::move(*function);
        }
    }
    return out;
}

}  // namespace

NodeResult read_function_score(QueryParser& parser, const Json& body) {
    tree::FunctionScore out;
    static const std::map<std::string_view, tree::ScoreMode> kScoreModes{
        {"multiply", tree::ScoreMode::kMultiply},
        {"sum", tree::ScoreMode::kSum},
        {"avg", tree::ScoreMode::kAvg},
        {"first", tree::ScoreMode::kFirst},
        {"max", tree::ScoreMode::kMax},
        {"min", tree::ScoreMode::kMin},
    };
    static const std::map<std::string_view, tree::BoostMode> kBoostModes{
        {"multiply", tree::BoostMode::kMultiply},
        {"replace", tree::BoostMode::kReplace},
        {"sum", tree::BoostMode::kSum},
        {"avg", tree::BoostMode::kAvg},
        {"max", tree::BoostMode::kMax},
        {"min", tree::BoostMode::kMin},
    };
    std::optional<tree::FunctionScore::Function> single;
    std::optional<double> weight;
    for (const auto& [key, value] : body.members()) {
        if (key == "query") {
            KUMO_TRY_ASSIGN(out.query, parser.parse(value));
        } else if (key == "functions") {
            for (const Json& item : value.is_array() ? value.items() : Json::Array()) {
                KUMO_TRY_ASSIGN(auto function, read_function(parser, item));
                out.functions.push_back(std::move(function));
            }
        } else if (key == "score_mode") {
            KUMO_TRY_ASSIGN(out.score_mode, one_of(kScoreModes, value, "score_mode"));
        } else if (key == "boost_mode") {
            KUMO_TRY_ASSIGN(out.boost_mode, one_of(kBoostModes, value, "boost_mode"));
        } else if (key == "max_boost") {
            out.max_boost = value.to_double().value_or(out.max_boost);
        } else if (key == "min_score") {
            out.min_score = static_cast<float>(value.to_double().value_or(0));
        } else if (key == "weight") {
            weight = value.to_double();
        } else if (key != "boost" && key != "_name") {
            KUMO_TRY_ASSIGN(
                std::optional<tree::ScoreFunction> function,
                function_of(parser.context(), key, value)
            );
            if (!function) {
                return QueryParser::unknown_option("function_score", key);
            }
            single = tree::FunctionScore::Function{nullptr, std::move(*function), 1};
        }
    }
    if (weight && !single) {
        single = tree::FunctionScore::Function{};
    }
    if (single) {
        single->weight = weight.value_or(1);
        out.functions.push_back(std::move(*single));
    }
    if (out.query == nullptr) {
        out.query = tree::match_all();
    }
    return parser.finish(tree::function_score(std::move(out)), body);
}

NodeResult read_script_score(QueryParser& parser, const Json& body) {
    const Json* query = body.find("query");
    const Json* script = body.find("script");
    if (query == nullptr || script == nullptr) {
        return parsing_error("[script_score] requires [query] and [script]");
    }
    if (!parser.context().script) {
        return not_supported("[script_score] queries are not supported");
    }
    tree::FunctionScore out;
    KUMO_TRY_ASSIGN(out.query, parser.parse(*query));
    KUMO_TRY_ASSIGN(tree::ScoreFunction function, parser.context().script(*script));
    out.functions.push_back({nullptr, std::move(function), 1});
    out.boost_mode = tree::BoostMode::kReplace;
    if (const Json* least = body.find("min_score")) {
        out.min_score = static_cast<float>(least->to_double().value_or(0));
    }
    return parser.finish(tree::function_score(std::move(out)), body);
}

/// pivot / (pivot + distance): of a point or a date.
NodeResult read_distance_feature(QueryParser& parser, const Json& body) {
    const QueryContext& context = parser.context();
    const Json* name = body.find("field");
    const Json* origin = body.find("origin");
    const Json* pivot = body.find("pivot");
    if (name == nullptr || origin == nullptr || pivot == nullptr) {
        return illegal_argument("[distance_feature] requires [field], [origin] and [pivot]");
    }
    const Target target = resolve(context, name->text());
    if (target.field == nullptr || !target.engine) {
        return parser.finish(tree::match_none(), body);
    }
    const std::size_t field = *target.engine;
    std::optional<search::GeoPoint> center;
    double from = 0;
    double width = 0;
    if (target.field->kind == FieldKind::kGeoPoint) {
        KUMO_TRY_ASSIGN(center, parse_geo_point(*origin));
        KUMO_TRY_ASSIGN(width, distance_meters(pivot->text()));
    } else if (target.field->is_date()) {
        KUMO_TRY_ASSIGN(
            const Instant at,
            parse_date_math(origin->text(), target.field->format, context.now_millis)
        );
        const bool nanos = target.field->kind == FieldKind::kDateNanos;
        from = static_cast<double>(at.millis) * (nanos ? 1e6 : 1) + (nanos ? at.nanos : 0);
        KUMO_TRY_ASSIGN(width, time_nanos(pivot->text()));
        width /= nanos ? 1 : 1e6;
    } else {
        return illegal_argument(
            "Illegal data type of [" + target.field->type
            + "]!" "[distance_feature] query can only be run on a date, date_nanos or geo_point "
              "field type!"
        );
    }
    auto score = [field, center, from, width](const tree::DocRef& doc
                 ) -> Result<std::optional<float>> {
        const auto& column = doc.snapshot.parts[doc.part].segment->columns[field];
        std::optional<double> nearest;
        const auto range = column->values_of(doc.doc);
        for (std::uint64_t i = range.begin; i < range.end; ++i) {
            const std::int64_t code = column->value(i);
            const double distance =
                center ? search::distance_meters(*center, search::point_of_code(code))
                       : std::fabs(static_cast<double>(code) - from);
            nearest = std::min(nearest.value_or(distance), distance);
        }
        if (!nearest) {
            return std::optional<float>();
        }
        return std::optional<float>(static_cast<float>(width / (width + *nearest)));
    };
    return parser.finish(tree::computed(tree::exists(field), std::move(score)), body);
}

NodeResult read_rank_feature(QueryParser& parser, const Json& body) {
    const Json* name = body.find("field");
    if (name == nullptr) {
        return parsing_error("[rank_feature] requires [field]");
    }
    const Target target = resolve(parser.context(), name->text());
    if (target.field == nullptr || !target.engine) {
        return parser.finish(tree::match_none(), body);
    }
    enum class Shape : std::uint8_t {
        kSaturation,
        kLog,
        kSigmoid,
        kLinear
    };
    Shape shape = Shape::kSaturation;
    double first = 1;
    double exponent = 1;
    for (const auto& [key, value] : body.members()) {
        const auto option = [&value](const char* option_name, double otherwise) {
            const Json* found = value.find(option_name);
            return found != nullptr ? found->to_double().value_or(otherwise) : otherwise;
        };
        if (key == "saturation") {
            first = option("pivot", 1);
        } else if (key == "log") {
            shape = Shape::kLog;
            first = option("scaling_factor", 1);
        } else if (key == "sigmoid") {
            shape = Shape::kSigmoid;
            first = option("pivot", 1);
            exponent = option("exponent", 1);
        } else if (key == "linear") {
            shape = Shape::kLinear;
        } else if (key != "field" && key != "boost" && key != "_name") {
            return parsing_error("[rank_feature] unknown field [" + key + "]");
        }
    }
    const std::size_t field = *target.engine;
    auto score = [field, shape, first, exponent](const tree::DocRef& doc
                 ) -> Result<std::optional<float>> {
        const auto code = doc.snapshot.parts[doc.part].segment->columns[field]->first(doc.doc);
        if (!code) {
            return std::optional<float>();
        }
        const double value = search::double_of_code(*code);
        double out = value;
        switch (shape) {
            case Shape::kSaturation: out = value / (value + first); break;
            case Shape::kLog: out = std::log(first + value); break;
            case Shape::kSigmoid:
                out = std::pow(value, exponent)
                      / (std::pow(value, exponent) + std::pow(first, exponent));
                break;
            case Shape::kLinear: break;
        }
        return std::optional<float>(static_cast<float>(out));
    };
    return parser.finish(tree::computed(tree::exists(field), std::move(score)), body);
}

}  // namespace kumo::api_elastic
