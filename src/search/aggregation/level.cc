#include "search/aggregation/aggregation.h"

#include <charconv>
#include <cmath>

namespace kumo::search::aggregation {

Status Pipeline::beside(std::vector<NamedOutput>& /*level*/) const {
    return {};
}

Status Pipeline::within(Output& /*parent*/) const {
    return {};
}

Result<std::vector<NamedOutput>> Level::run(Run& run, const DocSet& docs) const {
    std::vector<NamedOutput> out;
    for (const Named& named : aggregations) {
        KUMO_TRY(run.check());
        KUMO_TRY_ASSIGN(Output output, named.aggregation->run(run, docs));
        out.push_back({named.name, std::make_shared<Output>(std::move(output))});
    }
    for (const auto& pipeline : pipelines) {
        KUMO_TRY(pipeline->beside(out));
    }
    return out;
}

Status Level::finish(Output& parent) const {
    for (const auto& pipeline : pipelines) {
        KUMO_TRY(pipeline->within(parent));
    }
    return {};
}

namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

const Output* find(const std::vector<NamedOutput>& level, std::string_view name) {
    for (const NamedOutput& one : level) {
        if (one.name == name) {
            return one.output.get();
        }
    }
    return nullptr;
}

Error no_path(const std::string& path) {
    return not_found("no aggregation found for path [" + path + "]");
}

Error no_number(const std::string& why) {
    return invalid_argument(
        "buckets_path must reference either a number value or a single value numeric metric "
        "aggregation, "
        + why
    );
}

/// What clients call buckets of such keys.
std::string_view kind_of(const Output& output) {
    if (output.buckets.empty()) {
        return "UnmappedTerms";
    }
    const Key& key = output.buckets.front().key;
    if (std::holds_alternative<std::string>(key)) {
        return "StringTerms";
    }
    return std::holds_alternative<double>(key) ? "DoubleTerms" : "LongTerms";
}

Status check_single(const Output& output, const std::string& name) {
    if (output.many) {
        return no_number(
            "got: [" + std::string(kind_of(output)) + "] at aggregation [" + name + "]"
        );
    }
    if (!output.percents.empty() && !output.value) {
        return no_number(
            "but [" + name + "] contains multiple values. Please specify which to use."
        );
    }
    return {};
}

}  // namespace

Result<double> value_of(const Output& output, const std::string& name) {
    if (name.empty() || name == "value") {
        if (output.single) {
            return static_cast<double>(output.doc_count);
        }
        return output.value.value_or(kNone);
    }
    if (name == "_count" || name == "doc_count") {
        return static_cast<double>(output.doc_count);
    }
    const Stats& stats = output.stats;
    const bool none = stats.count == 0;
    if (name == "count") {
        return static_cast<double>(stats.count);
    }
    if (name == "sum") {
        return stats.sum;
    }
    if (name == "min") {
        return stats.min;
    }
    if (name == "max") {
        return stats.max;
    }
    if (name == "avg") {
        return none ? kNone : stats.average();
    }
    if (name == "sum_of_squares") {
        return stats.sum_of_squares;
    }
    if (name == "variance" || name == "variance_population") {
        return none ? kNone : stats.variance();
    }
    if (name == "std_deviation" || name == "std_deviation_population") {
        return none ? kNone : std::sqrt(stats.variance());
    }
    double percent = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), percent);
    if (error == std::errc() && end == name.data() + name.size()) {
        for (const auto& [wanted, found] : output.percents) {
            if (wanted == percent) {
                return found;
            }
        }
    }
    return no_path(name);
}

Result<double> value_at(const std::vector<NamedOutput>& level, const std::string& path) {
    const std::size_t deeper = path.find('>');
    if (deeper != std::string::npos) {
        const std::string name = path.substr(0, deeper);
        const Output* output = find(level, name);
        if (output != nullptr && output->many) {
            return no_number("got: [Object[]] at aggregation [" + name + "]");
        }
        if (output == nullptr || !output->single) {
            return no_path(path);
        }
        const std::string rest = path.substr(deeper + 1);
        if (rest == "_count") {
            return static_cast<double>(output->doc_count);
        }
        return value_at(output->children, rest);
    }
    if (const Output* whole = find(level, path); whole != nullptr) {
        KUMO_TRY(check_single(*whole, path));
        return value_of(*whole, "");
    }
    // "name.value", "name[value]": names may have dots of their own.
    for (std::size_t dot = path.find_first_of(".["); dot != std::string::npos;
         dot = path.find_first_of(".[", dot + 1)) {
        if (const Output* output = find(level, std::string_view(path).substr(0, dot))) {
            std::string name = path.substr(dot + 1);
            if (path[dot] == '[' && name.ends_with(']')) {
                name.pop_back();
            }
            return value_of(*output, name);
        }
    }
    return no_path(path);
}

Result<double> value_at(const Bucket& bucket, const std::string& path) {
    if (path == "_count") {
        return static_cast<double>(bucket.doc_count);
    }
    if (path == "_key") {
        return number_of(bucket.key);
    }
    return value_at(bucket.children, path);
}

}  // namespace kumo::search::aggregation
