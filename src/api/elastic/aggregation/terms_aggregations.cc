#include "api/elastic/aggregation/internal/builder.h"
#include "wire/murmur3.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <set>
#include <utility>

namespace kumo::api_elastic {

namespace {

using Accepts = std::function<bool(const agg::Key&)>;

struct KeyLess {
    bool operator()(const agg::Key& a, const agg::Key& b) const { return agg::less(a, b); }
};

/// One of "include" and "exclude": a pattern or values.
Result<Accepts> read_selection(const Definition& of, const ReadValues& read, const Json& json) {
    if (json.is_string()) {
        if (read.values.kind != agg::ValueKind::kString || read.format.ip) {
            return fault(
                "aggregation_execution_exception",
                "Aggregation [" + of.name
                + "] cannot support regular expression style include/exclude settings as they can "
                  "only be applied to string fields. Use an array of values for include/exclude "
                  "clauses"
            );
        }
        auto pattern = search::tree::regexp_pattern(json.as_string(), {}, false);
        if (!pattern.ok()) {
            return illegal_argument(pattern.error().message);
        }
        return Accepts([pattern = std::move(pattern).value()](const agg::Key& key) {
            const auto* text = std::get_if<std::string>(&key);
            return text != nullptr && pattern->matches(*text);
        });
    }
    if (!json.is_array()) {
        return parsing_error("Unexpected token in include/exclude of [" + of.name + "]");
    }
    std::set<agg::Key, KeyLess> keys;
    for (const Json& item : json.items()) {
        KUMO_TRY_ASSIGN(agg::Key key, key_of(read, item, of));
        keys.insert(std::move(key));
    }
    return Accepts([keys = std::move(keys)](const agg::Key& key) { return keys.contains(key); });
}

std::int64_t hash_of(const agg::Key& key) {
    if (const auto* text = std::get_if<std::string>(&key)) {
        constexpr std::uint32_t kSeed = 31;
        return static_cast<std::int32_t>(wire::murmur3_32(*text, kSeed));
    }
    // As hppc mixes a 64-bit number.
    std::uint64_t z = std::holds_alternative<std::int64_t>(key)
                          ? static_cast<std::uint64_t>(std::get<std::int64_t>(key))
                          : std::bit_cast<std::uint64_t>(agg::number_of(key));
    z = (z ^ (z >> 32)) * 0x4cd6944c5cc20b6dULL;
    z = (z ^ (z >> 29)) * 0xfc12c5b19d3259e9ULL;
    return static_cast<std::int64_t>(z ^ (z >> 32));
}

Result<Accepts> read_accepts(const Definition& of, const ReadValues& read) {
    const Json* include = of.find("include");
    const Json* exclude = of.find("exclude");
    Accepts in;
    Accepts out;
    if (include != nullptr && include->is_object()) {
        const Json* partition = include->find("partition");
        const Json* count = include->find("num_partitions");
        const auto which = partition != nullptr ? partition->to_int64() : std::nullopt;
        const auto all = count != nullptr ? count->to_int64() : std::nullopt;
        if (!which || !all || *all < 1 || *which < 0 || *which >= *all) {
            return illegal_argument(
                "Missing [partition] or [num_partitions] parameter for partition-based include"
            );
        }
        in = [which = *which, all = *all](const agg::Key& key) {
            const std::int64_t rest = hash_of(key) % all;
            return (rest < 0 ? rest + all : rest) == which;
        };
    } else if (include != nullptr) {
        KUMO_TRY_ASSIGN(in, read_selection(of, read, *include));
    }
    if (exclude != nullptr) {
        KUMO_TRY_ASSIGN(out, read_selection(of, read, *exclude));
    }
    if (!in && !out) {
        return Accepts();
    }
    return Accepts([in = std::move(in), out = std::move(out)](const agg::Key& key) {
        return (!in || in(key)) && (!out || !out(key));
    });
}

std::string typed_name(const ReadValues& read, const char* prefix) {
    const std::string before(prefix);
    switch (read.values.kind) {
        case agg::ValueKind::kString: return before + "sterms";
        case agg::ValueKind::kInt: return before + "lterms";
        case agg::ValueKind::kUnsigned: return before + "ulterms";
        case agg::ValueKind::kReal: return before + "dterms";
        default:
            // Nobody has the field: the API calls them strings.
            return before + "sterms";
    }
}

Result<std::int64_t> positive(const Definition& of, std::string_view name, std::int64_t otherwise) {
    KUMO_TRY_ASSIGN(const std::int64_t value, integer_option(of, name, otherwise));
    if (value <= 0) {
        return illegal_argument(
            "[" + std::string(name) + "] must be greater than 0. Found [" + std::to_string(value)
            + "] in [" + of.name + "]"
        );
    }
    return value;
}

Result<std::uint64_t> read_min_doc_count(const Definition& of, std::int64_t otherwise) {
    KUMO_TRY_ASSIGN(const std::int64_t value, integer_option(of, "min_doc_count", otherwise));
    if (value < 0) {
        return illegal_argument(
            "[minDocCount] must be greater than or equal to 0. Found [" + std::to_string(value)
            + "] in [" + of.name + "]"
        );
    }
    return static_cast<std::uint64_t>(value);
}

Result<agg::Terms> read_options(const Definition& of, ReadValues read, std::int64_t least) {
    agg::Terms out;
    constexpr std::int64_t kSize = 10;
    KUMO_TRY_ASSIGN(const std::int64_t size, positive(of, "size", kSize));
    out.size = static_cast<std::size_t>(size);
    KUMO_TRY_ASSIGN(out.min_doc_count, read_min_doc_count(of, least));
    KUMO_TRY_ASSIGN(out.accepts, read_accepts(of, read));
    out.values = std::move(read.values);
    return out;
}

}  // namespace

AggregationResult read_terms(Definition& of) {
    KUMO_TRY(of.check(
        {"field",
         "script",
         "missing",
         "format",
         "value_type",
         "size",
         "shard_size",
         "min_doc_count",
         "shard_min_doc_count",
         "order",
         "include",
         "exclude",
         "execution_hint",
         "collect_mode",
         "show_term_doc_count_error",
         "time_zone"}
    ));
    KUMO_TRY_ASSIGN(ReadValues read, read_values(of, of.body, Wants::kAny));
    if (read.values.kind == agg::ValueKind::kPoint) {
        return illegal_argument(
            "Field [" + of.find("field")->text()
            + "] of type [geo_point] is not supported for aggregation [terms]"
        );
    }
    of.shape.format = read.format;
    of.shape.typed_name = typed_name(read, "");
    KUMO_TRY_ASSIGN(agg::Terms terms, read_options(of, std::move(read), 1));
    KUMO_TRY_ASSIGN(terms.order, read_order(of, std::move(terms.order)));
    return agg::terms(std::move(terms), std::move(of.children.level));
}

AggregationResult read_rare_terms(Definition& of) {
    KUMO_TRY(of.check(
        {"field",
         "script",
         "missing",
         "format",
         "value_type",
         "max_doc_count",
         "precision",
         "include",
         "exclude"}
    ));
    KUMO_TRY_ASSIGN(const std::int64_t most, positive(of, "max_doc_count", 1));
    constexpr std::int64_t kMost = 100;
    if (most > kMost) {
        return illegal_argument("[max_doc_count] must be smaller than 100");
    }
    KUMO_TRY_ASSIGN(ReadValues read, read_values(of, of.body, Wants::kAny));
    of.shape.format = read.format;
    of.shape.typed_name = read.values.kind == agg::ValueKind::kString ? "srareterms" : "lrareterms";
    KUMO_TRY_ASSIGN(Accepts accepts, read_accepts(of, read));
    return agg::rare_terms(
        std::move(read.values),
        static_cast<std::uint64_t>(most),
        std::move(accepts),
        std::move(of.children.level)
    );
}

namespace {

bool flag(const Json& options, std::string_view name, bool otherwise) {
    const Json* value = options.find(name);
    return value != nullptr ? value->to_bool().value_or(otherwise) : otherwise;
}

using Score = std::function<double(const agg::Frequencies&)>;

/// The four numbers of a table of two properties.
struct Table {
    double n11;
    double n10;
    double n01;
    double n00;
    double n;

    static Table of(const agg::Frequencies& f, bool background_is_superset) {
        Table out{};
        if (background_is_superset) {
            out.n11 = f.subset;
            out.n10 = f.superset - f.subset;
            out.n01 = f.subset_size - f.subset;
            out.n00 = f.superset_size - f.superset - (f.subset_size - f.subset);
            out.n = f.superset_size;
        } else {
            out.n11 = f.subset;
            out.n10 = f.superset;
            out.n01 = f.subset_size - f.subset;
            out.n00 = f.superset_size - f.superset;
            out.n = f.superset_size + f.subset_size;
        }
        return out;
    }
};

double mutual_information(const Table& t, bool negatives) {
    const double with = t.n11 + t.n10;
    const double without = t.n01 + t.n00;
    const double in = t.n11 + t.n01;
    const double outside = t.n10 + t.n00;
    const auto part = [&t](double both, double row, double column) {
        const double ratio = t.n * both / (row * column);
        return both == 0 || ratio <= 0 ? 0 : both / t.n * std::log2(ratio);
    };
    const double score = part(t.n11, with, in) + part(t.n01, without, in)
                         + part(t.n10, with, outside) + part(t.n00, without, outside);
    if (!negatives && t.n11 / in < t.n10 / outside && outside != 0) {
        return -std::numeric_limits<double>::max();
    }
    return std::isnan(score) ? -std::numeric_limits<double>::max() : score;
}

double chi_square(const Table& t, bool negatives) {
    const double with = t.n11 + t.n10;
    const double without = t.n01 + t.n00;
    const double in = t.n11 + t.n01;
    const double outside = t.n10 + t.n00;
    if (!negatives && t.n11 / in < t.n10 / outside) {
        return -std::numeric_limits<double>::max();
    }
    return t.n * std::pow(t.n11 * t.n00 - t.n01 * t.n10, 2) / (in * with * without * outside);
}

/// Which score it is said to have: at most one of them.
Score read_score(const Definition& of) {
    if (const Json* options = of.find("mutual_information")) {
        const bool negatives = flag(*options, "include_negatives", false);
        const bool superset = flag(*options, "background_is_superset", true);
        return [=](const agg::Frequencies& f) {
            return mutual_information(Table::of(f, superset), negatives);
        };
    }
    if (const Json* options = of.find("chi_square")) {
        const bool negatives = flag(*options, "include_negatives", false);
        const bool superset = flag(*options, "background_is_superset", true);
        return [=](const agg::Frequencies& f) {
            return chi_square(Table::of(f, superset), negatives);
        };
    }
    if (const Json* options = of.find("gnd")) {
        const bool superset = flag(*options, "background_is_superset", true);
        return [=](const agg::Frequencies& f) {
            const double all = superset ? f.superset_size : f.superset_size + f.subset_size;
            const double term = superset ? f.superset : f.superset + f.subset;
            if (f.subset == 0) {
                return 0.0;
            }
            const double score =
                (std::max(std::log(term), std::log(f.subset_size)) - std::log(f.subset))
                / (std::log(all) - std::min(std::log(term), std::log(f.subset_size)));
            return std::exp(-score);
        };
    }
    if (of.find("percentage") != nullptr) {
        return [](const agg::Frequencies& f) {
            return f.superset == 0 ? 0 : f.subset / f.superset;
        };
    }
    return agg::jlh;
}

AggregationResult significant(Definition& of, ReadValues read) {
    of.shape.format = read.format;
    of.shape.typed_name = typed_name(read, "sig");
    agg::Significant out;
    constexpr std::int64_t kMinDocCount = 3;
    KUMO_TRY_ASSIGN(out.terms, read_options(of, std::move(read), kMinDocCount));
    out.score = read_score(of);
    if (const Json* filter = of.find("background_filter")) {
        std::vector<tree::NodePtr> nodes;
        for (const QueryContext* index : of.context.indices) {
            if (index == nullptr) {
                nodes.emplace_back();
                continue;
            }
            KUMO_TRY_ASSIGN(tree::NodePtr node, parse_query(*filter, *index));
            nodes.push_back(std::move(node));
        }
        out.background = agg::filter_of(std::move(nodes));
    }
    return agg::significant_terms(std::move(out), std::move(of.children.level));
}

}  // namespace

AggregationResult read_significant_terms(Definition& of) {
    KUMO_TRY(of.check(
        {"field",
         "script",
         "missing",
         "format",
         "value_type",
         "size",
         "shard_size",
         "min_doc_count",
         "shard_min_doc_count",
         "include",
         "exclude",
         "execution_hint",
         "background_filter",
         "jlh",
         "mutual_information",
         "chi_square",
         "gnd",
         "percentage",
         "script_heuristic"}
    ));
    if (of.find("script_heuristic") != nullptr) {
        return not_supported("[script_heuristic] is not supported");
    }
    KUMO_TRY_ASSIGN(ReadValues read, read_values(of, of.body, Wants::kAny));
    return significant(of, std::move(read));
}

AggregationResult read_significant_text(Definition& of) {
    KUMO_TRY(of.check(
        {"field",
         "size",
         "shard_size",
         "min_doc_count",
         "shard_min_doc_count",
         "include",
         "exclude",
         "background_filter",
         "filter_duplicate_text",
         "source_fields",
         "jlh",
         "mutual_information",
         "chi_square",
         "gnd",
         "percentage",
         "script_heuristic"}
    ));
    const Json* field = of.find("field");
    if (field == nullptr) {
        return illegal_argument("[field] must not be null: [" + of.name + "]");
    }
    ReadValues read;
    read.values = analysed_words(of.context, field->text(), of.find("source_fields"));
    if (flag(of.body, "filter_duplicate_text", false)) {
        read.values.words = without_repeats(std::move(read.values.words));
    }
    return significant(of, std::move(read));
}

AggregationResult read_multi_terms(Definition& of) {
    KUMO_TRY(of.check(
        {"terms",
         "size",
         "shard_size",
         "min_doc_count",
         "shard_min_doc_count",
         "order",
         "collect_mode",
         "show_term_doc_count_error"}
    ));
    const Json* list = of.find("terms");
    if (list == nullptr || !list->is_array() || list->size() < 2) {
        return illegal_argument(
            "multi term aggregation must has at least 2 terms. Found ["
            + std::to_string(list != nullptr ? list->size() : 0) + "] in [" + of.name
            + "] Use terms aggregation for single term aggregation"
        );
    }
    std::vector<agg::Values> values;
    for (const Json& item : list->items()) {
        KUMO_TRY_ASSIGN(ReadValues read, read_values(of, item, Wants::kAny));
        of.shape.formats.push_back(read.format);
        values.push_back(std::move(read.values));
    }
    KUMO_TRY_ASSIGN(agg::Terms terms, read_options(of, {}, 1));
    KUMO_TRY_ASSIGN(terms.order, read_order(of, std::move(terms.order)));
    return agg::multi_terms(std::move(values), std::move(terms), std::move(of.children.level));
}

}  // namespace kumo::api_elastic
