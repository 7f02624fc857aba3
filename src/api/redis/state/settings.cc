#include "api/redis/state/settings.h"

#include "base/assert.h"
#include "kv/command/words.h"
#include "kv/keyspace/number.h"
#include "wire/resp.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>

namespace kumo::api_redis {

namespace {

struct Unit {
    std::string_view name;
    std::int64_t bytes;
};

constexpr std::array<Unit, 8> kUnits = {{
    {"", 1},
    {"b", 1},
    {"k", 1000},
    {"kb", 1024},
    {"m", 1000LL * 1000},
    {"mb", 1024LL * 1024},
    {"g", 1000LL * 1000 * 1000},
    {"gb", 1024LL * 1024 * 1024},
}};

Error invalid(std::string text) {
    return {ErrorCode::kInvalidArgument, std::move(text)};
}

Result<std::string> check_range(const SettingSpec& spec, std::int64_t value) {
    if (value < spec.low || value > spec.high) {
        return invalid(
            "argument must be between " + std::to_string(spec.low) + " and "
            + std::to_string(spec.high) + " inclusive"
        );
    }
    return std::to_string(value);
}

Result<std::string> check_choice(const SettingSpec& spec, const std::string& value) {
    const std::string wanted = kv::lower_word(value);
    std::string_view rest = spec.choices;
    std::string all;
    while (!rest.empty()) {
        const std::size_t end = std::min(rest.find(' '), rest.size());
        if (rest.substr(0, end) == wanted) {
            return wanted;
        }
        all.append(all.empty() ? "" : ", ").append(rest.substr(0, end));
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return invalid("argument(s) must be one of the following: " + all);
}

Result<std::string> check_keyspace_events(const std::string& value) {
    constexpr std::string_view kKnown = "Ag$lshzxeKEtmdn";
    if (value.find_first_not_of(kKnown) != std::string::npos) {
        return invalid("Invalid event class character. Use 'Ag$lshzxeKEtmdn'.");
    }
    // Shown in one order, with A for all the classes it stands for.
    constexpr std::string_view kAll = "g$lshzxetd";
    const bool every =
        value.find('A') != std::string::npos || std::all_of(kAll.begin(), kAll.end(), [&](char c) {
            return value.find(c) != std::string::npos;
        });
    std::string out = every ? "A" : "";
    for (const char c : std::string_view("g$lshzxetd")) {
        if (!every && value.find(c) != std::string::npos) {
            out.push_back(c);
        }
    }
    for (const char c : std::string_view("KEmn")) {
        if (value.find(c) != std::string::npos) {
            out.push_back(c);
        }
    }
    return out;
}

Result<std::string> check_save(const std::string& value) {
    std::vector<std::string> words;
    if (!wire::split_quoted(value, &words) || words.size() % 2 != 0) {
        return invalid("Invalid save parameters");
    }
    std::string out;
    for (std::size_t i = 0; i < words.size(); ++i) {
        const auto number = kv::parse_integer(words[i]);
        if (!number.has_value() || *number < (i % 2 == 0 ? 1 : 0)) {
            return invalid("Invalid save parameters");
        }
        out.append(out.empty() ? "" : " ").append(words[i]);
    }
    return out;
}

bool output_class(std::string_view name) {
    return name == "normal" || name == "slave" || name == "replica" || name == "pubsub";
}

Result<std::string> check_output_limits(const std::string& value) {
    std::vector<std::string> words;
    if (!wire::split_quoted(value, &words) || words.empty() || words.size() % 4 != 0) {
        return invalid("Wrong number of arguments in buffer limit configuration.");
    }
    std::string out;
    for (std::size_t i = 0; i < words.size(); i += 4) {
        const std::string name = kv::lower_word(words[i]);
        if (!output_class(name)) {
            return invalid("Invalid client class specified in buffer limit configuration.");
        }
        const auto hard = parse_memory(words[i + 1]);
        const auto soft = parse_memory(words[i + 2]);
        const auto seconds = kv::parse_integer(words[i + 3]);
        if (!hard.ok() || !soft.ok() || !seconds.has_value() || *seconds < 0) {
            return invalid(
                "Error in hard, soft or soft_seconds setting in buffer limit configuration."
            );
        }
        out.append(out.empty() ? "" : " ").append(name == "replica" ? "slave" : name);
        out.append(" ").append(std::to_string(hard.value()));
        out.append(" ").append(std::to_string(soft.value()));
        out.append(" ").append(std::to_string(*seconds));
    }
    return out;
}

Result<std::string> check_oom_values(const std::string& value) {
    std::vector<std::string> words;
    if (!wire::split_quoted(value, &words) || words.size() != 3) {
        return invalid("wrong number of arguments");
    }
    std::string out;
    std::int64_t last = INT64_MIN;
    for (const std::string& word : words) {
        const auto number = kv::parse_integer(word);
        if (!number.has_value() || *number < -2000 || *number > 2000) {
            return invalid("Invalid oom-score-adj-values, elements must be between -2000 and 2000."
            );
        }
        if (*number < last) {
            return invalid("The oom-score-adj-values component must be in increasing order");
        }
        last = *number;
        out.append(out.empty() ? "" : " ").append(std::to_string(*number));
    }
    return out;
}

Result<std::string> check_percentiles(const std::string& value) {
    std::vector<std::string> words;
    if (!wire::split_quoted(value, &words)) {
        return invalid("unbalanced quotes");
    }
    std::string out;
    for (const std::string& word : words) {
        const auto number = kv::parse_double(word);
        if (!number.has_value() || *number < 0 || *number > 100) {
            return invalid(
                "latency-tracking-info-percentiles should be between 0.0 and 100.0 inclusive"
            );
        }
        std::array<char, 32> text{};
        (void)std::snprintf(text.data(), text.size(), "%.10g", *number);
        out.append(out.empty() ? "" : " ").append(text.data());
    }
    return out;
}

Result<std::string> check_percentage(const std::string& value) {
    const auto number = kv::parse_integer(ByteView(value).substr(0, value.size() - 1));
    if (!number.has_value() || *number < 0) {
        return invalid("argument must be a memory or percent value");
    }
    if (*number > 100) {
        return invalid("percentage argument must be less or equal to 100");
    }
    return value;
}

/// The parameters whose text has a grammar of its own.
Result<std::string> check_text(const SettingSpec& spec, const std::string& value) {
    if (spec.name == "notify-keyspace-events") {
        return check_keyspace_events(value);
    }
    if (spec.name == "save") {
        return check_save(value);
    }
    if (spec.name == "client-output-buffer-limit") {
        return check_output_limits(value);
    }
    if (spec.name == "oom-score-adj-values") {
        return check_oom_values(value);
    }
    if (spec.name == "latency-tracking-info-percentiles") {
        return check_percentiles(value);
    }
    if (spec.name == "dbfilename" && value.find('/') != std::string::npos) {
        return invalid("dbfilename can't be a path, just a filename");
    }
    return value;
}

/// A value that names some classes leaves the others as they were.
std::string merge_output_limits(const std::string& old, const std::string& now) {
    std::vector<std::string> before;
    std::vector<std::string> after;
    wire::split_quoted(old, &before);
    wire::split_quoted(now, &after);
    for (std::size_t i = 0; i + 3 < after.size(); i += 4) {
        for (std::size_t k = 0; k + 3 < before.size(); k += 4) {
            if (before[k] == after[i]) {
                std::copy_n(
                    after.begin() + static_cast<std::ptrdiff_t>(i),
                    4,
                    before.begin() + static_cast<std::ptrdiff_t>(k)
                );
            }
        }
    }
    std::string out;
    for (const std::string& word : before) {
        out.append(out.empty() ? "" : " ").append(word);
    }
    return out;
}

}  // namespace

Result<std::int64_t> parse_memory(std::string_view text) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error == std::errc() && end != text.data() && number >= 0) {
        const std::string unit = kv::lower_word(std::string_view(end, text.data() + text.size()));
        for (const Unit& known : kUnits) {
            std::int64_t bytes = 0;
            if (known.name == unit && !__builtin_mul_overflow(number, known.bytes, &bytes)) {
                return bytes;
            }
        }
    }
    return invalid("argument must be a memory value");
}

const SettingSpec* find_setting_spec(std::string_view name) {
    const std::string wanted = kv::lower_word(name);
    for (const SettingSpec& spec : all_setting_specs()) {
        if (spec.name == wanted || (!spec.alias.empty() && spec.alias == wanted)) {
            return &spec;
        }
    }
    return nullptr;
}

Settings::Settings() {
    for (const SettingSpec& spec : all_setting_specs()) {
        values_.emplace(spec.name, spec.standard);
    }
}

Result<std::string> Settings::check(const SettingSpec& spec, const std::string& value) {
    switch (spec.kind) {
        case SettingKind::kFlag: {
            const std::string word = kv::lower_word(value);
            if (word != "yes" && word != "no") {
                return invalid("argument must be 'yes' or 'no'");
            }
            return word;
        }
        case SettingKind::kNumber: {
            const auto number = kv::parse_integer(value);
            if (!number.has_value()) {
                return invalid("argument couldn't be parsed into an integer");
            }
            return check_range(spec, *number);
        }
        case SettingKind::kMemory: {
            if ((spec.flags & kPercent) != 0 && value.ends_with('%')) {
                return check_percentage(value);
            }
            const auto bytes = parse_memory(value);
            return bytes.ok() ? check_range(spec, bytes.value())
                              : Result<std::string>(bytes.error());
        }
        case SettingKind::kEnum: return check_choice(spec, value);
        case SettingKind::kText: return check_text(spec, value);
    }
    KUMO_ASSERT(false);
    return invalid({});
}

void Settings::put(const SettingSpec& spec, std::string value) {
    std::string& slot = values_.find(spec.name)->second;
    slot = spec.name == "client-output-buffer-limit" ? merge_output_limits(slot, value)
                                                     : std::move(value);
}

Status Settings::set(std::string_view name, const std::string& value) {
    const SettingSpec* spec = find_setting_spec(name);
    if (spec == nullptr) {
        return invalid("Bad directive or wrong number of arguments");
    }
    auto checked = check(*spec, value);
    if (!checked.ok()) {
        return checked.error();
    }
    put(*spec, std::move(checked).value());
    return {};
}

const std::string& Settings::text(std::string_view name) const {
    const auto at = values_.find(name);
    KUMO_ASSERT(at != values_.end());
    return at->second;
}

bool Settings::flag(std::string_view name) const {
    return text(name) == "yes";
}

std::int64_t Settings::number(std::string_view name) const {
    const auto value = kv::parse_integer(text(name));
    KUMO_ASSERT(value.has_value());
    return *value;
}

std::int64_t Settings::share(std::string_view name, std::int64_t whole) const {
    const std::string& value = text(name);
    if (!value.ends_with('%')) {
        return number(name);
    }
    const auto percent = kv::parse_integer(ByteView(value).substr(0, value.size() - 1));
    return static_cast<std::int64_t>(
        static_cast<double>(whole) * static_cast<double>(percent.value_or(0)) / 100
    );
}

std::vector<std::pair<std::string, std::string>> Settings::changed() const {
    std::vector<std::pair<std::string, std::string>> out;
    for (const SettingSpec& spec : all_setting_specs()) {
        const std::string& value = text(spec.name);
        if (value != spec.standard) {
            out.emplace_back(spec.name, value);
        }
    }
    return out;
}

Result<std::vector<std::pair<std::string, std::vector<std::string>>>> parse_config_lines(
    std::string_view text
) {
    std::vector<std::pair<std::string, std::vector<std::string>>> out;
    std::size_t number = 0;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        ++number;
        const std::size_t first = line.find_first_not_of(" \t\r");
        if (first == std::string_view::npos || line[first] == '#') {
            continue;
        }
        std::vector<std::string> words;
        if (!wire::split_quoted(line, &words)) {
            return invalid("line " + std::to_string(number) + ": unbalanced quotes");
        }
        if (words.empty()) {
            continue;
        }
        std::string name = kv::lower_word(words.front());
        words.erase(words.begin());
        out.emplace_back(std::move(name), std::move(words));
    }
    return out;
}

}  // namespace kumo::api_redis
