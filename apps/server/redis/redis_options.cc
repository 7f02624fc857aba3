#include "redis/redis_options.h"

#include "api/redis/access.h"
#include "kv/command/words.h"
#include "settings.h"
#include "wire/resp.h"

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <set>
#include <sstream>
#include <system_error>

namespace kumo::server {

namespace {

constexpr int kIncludesMax = 16;
constexpr std::size_t kConfigBytesMax = std::size_t{16} << 20;

/// Directives that are not parameters, or that users of KeyDB bring and that change nothing here.
const std::set<std::string, std::less<>>& ignored_directives() {
    static const std::set<std::string, std::less<>> kNames = {
        "server-threads",
        "server-thread-affinity",
        "active-replica",
        "multi-master",
        "min-clients-per-thread",
        "replica-weighting-factor",
        "storage-provider",
        "enable-async-commands",
        "force-backlog-disk-reserve",
        "maxmemory-eviction-tenacity"};
    return kNames;
}

Error bad(const std::string& text) {
    return {ErrorCode::kInvalidArgument, text};
}

Result<std::string> read_file(const std::string& path) {
    std::ostringstream out;
    if (path == "-") {
        out << std::cin.rdbuf();
    } else {
        std::ifstream in(path, std::ios::binary);
        if (!in) {
            return bad("Fatal error, can't open config file '" + path + "'");
        }
        out << in.rdbuf();
    }
    std::string text = out.str();
    if (text.size() > kConfigBytesMax) {
        return bad("The config file '" + path + "' is too long");
    }
    return text;
}

std::string join(const std::vector<std::string>& words) {
    std::string out;
    for (const std::string& word : words) {
        out.append(out.empty() ? "" : " ").append(word);
    }
    return out;
}

Status apply(
    api_redis::Settings& settings,
    const std::string& name,
    const std::vector<std::string>& words,
    bool* save_given
);

Status
apply_file(api_redis::Settings& settings, const std::string& path, int depth, bool* save_given) {
    if (depth > kIncludesMax) {
        return bad("too many includes: '" + path + "'");
    }
    KUMO_TRY_ASSIGN(const std::string text, read_file(path));
    auto lines = api_redis::parse_config_lines(text);
    if (!lines.ok()) {
        return bad("*** FATAL CONFIG FILE ERROR ***\n" + path + ", " + lines.error().message);
    }
    for (const auto& [name, words] : lines.value()) {
        const Status applied = name == "include" && words.size() == 1
                                   ? apply_file(settings, words.front(), depth + 1, save_given)
                                   : apply(settings, name, words, save_given);
        if (!applied.ok()) {
            std::string why = "*** FATAL CONFIG FILE ERROR ***\nReading the configuration file '";
            why.append(path).append("', at '").append(name).append(" ").append(join(words));
            return bad(why.append("'\n").append(applied.error().message));
        }
    }
    return {};
}

Status apply(
    api_redis::Settings& settings,
    const std::string& name,
    const std::vector<std::string>& words,
    bool* save_given
) {
    if (ignored_directives().contains(name) || name == "loadmodule" || name == "rename-command") {
        return name == "loadmodule"       ? Status(bad("modules are not supported"))
               : name == "rename-command" ? Status(bad("rename-command is not supported: use ACLs"))
                                          : Status();
    }
    if (words.empty()) {
        return bad("wrong number of arguments");
    }
    if (name == "user") {
        return api_redis::add_user_line(settings, words);
    }
    std::string value = join(words);
    if (name == "save") {
        // Several lines add up; the first takes the place of the default, "" clears.
        if (*save_given && !value.empty() && !settings.text("save").empty()) {
            value = settings.text("save") + " " + value;
        }
        *save_given = true;
    }
    return settings.set(name, value);
}

bool is_option(const std::string& argument) {
    return argument.size() > 2 && argument.starts_with("--");
}

}  // namespace

bool is_redis_command_line(const std::vector<std::string>& arguments) {
    if (arguments.empty()) {
        return false;
    }
    if (!arguments.front().starts_with("-") || arguments.front() == "-") {
        return true;
    }
    for (const std::string& argument : arguments) {
        if (!is_option(argument)) {
            continue;
        }
        const std::string name = argument.substr(2, argument.find('=') - 2);
        const bool known = api_redis::find_setting_spec(name) != nullptr || name == "user";
        if (find_setting(name) == nullptr && known) {
            return true;
        }
    }
    return false;
}

Result<RedisCommandLine> read_redis_command_line(const std::vector<std::string>& arguments) {
    RedisCommandLine out;
    bool save_given = false;
    std::size_t at = 0;
    if (!arguments.front().starts_with("-") || arguments.front() == "-") {
        const std::string& path = arguments[at++];
        KUMO_TRY(apply_file(out.settings, path, 0, &save_given));
        if (path != "-") {
            std::error_code failed;
            const auto absolute = std::filesystem::canonical(path, failed);
            out.settings.config_file = failed ? path : absolute.string();
        }
    }
    save_given = false;
    while (at < arguments.size()) {
        const std::string& option = arguments[at++];
        if (option == "-h" || option == "--help") {
            out.help = true;
            continue;
        }
        if (option == "-v" || option == "--version") {
            out.version = true;
            continue;
        }
        if (!is_option(option)) {
            return bad("unexpected argument '" + option + "'");
        }
        std::vector<std::string> words;
        const std::size_t equals = option.find('=');
        if (equals != std::string::npos) {
            words.push_back(option.substr(equals + 1));
        }
        while (at < arguments.size() && !is_option(arguments[at])) {
            words.push_back(arguments[at++]);
        }
        const std::string name =
            option.substr(2, equals == std::string::npos ? equals : equals - 2);
        const Status applied = apply(out.settings, name, words, &save_given);
        if (!applied.ok()) {
            return bad(
                "*** FATAL CONFIG FILE ERROR ***\nat '" + option + " " + join(words) + "'\n"
                + applied.error().message
            );
        }
    }
    return out;
}

namespace {

/// A value as a line of the file holds it: texts that blanks or quotes would break are quoted.
std::string quoted(const std::string& name, const std::string& value) {
    if (name == "save" || name == "client-output-buffer-limit" || name == "bind"
        || name == "oom-score-adj-values" || name == "latency-tracking-info-percentiles"
        || name == "replicaof") {
        return value.empty() ? "\"\"" : value;
    }
    if (!value.empty() && value.find_first_of(" \t\"'\\\n\r#") == std::string::npos) {
        return value;
    }
    std::string out = "\"";
    for (const char c : value) {
        if (c == '"' || c == '\\') {
            out.push_back('\\');
        }
        out.append(c == '\n' ? "\\n" : std::string(1, c));
    }
    return out + "\"";
}

std::string lower_first_word(const std::string& line) {
    std::istringstream in(line);
    std::string word;
    in >> word;
    return kv::lower_word(word);
}

}  // namespace

Status rewrite_redis_config(const api_redis::Settings& settings) {
    KUMO_TRY_ASSIGN(const std::string old, read_file(settings.config_file));
    std::istringstream in(old);
    std::string out;
    std::set<std::string> written;
    for (std::string line; std::getline(in, line);) {
        const std::string word = lower_first_word(line);
        if (word == "user") {
            continue;  // All follow at the end.
        }
        const api_redis::SettingSpec* spec =
            word.empty() || word[0] == '#' ? nullptr : api_redis::find_setting_spec(word);
        if (spec == nullptr) {
            out += line + "\n";
        } else if (written.insert(std::string(spec->name)).second) {
            const std::string& value = settings.text(spec->name);
            out += std::string(spec->name) + " " + quoted(std::string(spec->name), value) + "\n";
        }
    }
    bool headed = old.find("# Generated by CONFIG REWRITE") != std::string::npos;
    for (const auto& [name, value] : settings.changed()) {
        if (!written.insert(name).second) {
            continue;
        }
        out += headed ? "" : "# Generated by CONFIG REWRITE\n";
        headed = true;
        out += name + " " + quoted(name, value) + "\n";
    }
    for (const std::vector<std::string>& words : settings.users) {
        out += "user " + join(words) + "\n";
    }
    const std::string temporary = settings.config_file + ".tmp";
    {
        std::ofstream file(temporary, std::ios::binary | std::ios::trunc);
        file << out;
        file.flush();
        if (!file) {
            return Error{ErrorCode::kIo, "cannot write " + temporary};
        }
    }
    if (std::rename(temporary.c_str(), settings.config_file.c_str()) != 0) {
        return Error{ErrorCode::kIo, "cannot replace " + settings.config_file};
    }
    return {};
}

}  // namespace kumo::server
