#include "settings.h"

#include <yaml-cpp/yaml.h>

#include <cstddef>

namespace kumo::server {

namespace {

constexpr int kYamlDepthMax = 8;

std::string_view trim(std::string_view text) {
    constexpr std::string_view kSpace = " \t\r";
    const std::size_t begin = text.find_first_not_of(kSpace);
    return begin == std::string_view::npos
               ? std::string_view()
               : text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

Error at_line(std::string_view path, std::size_t line, std::string_view what) {
    return invalid_argument(
        std::string(path) + ", line " + std::to_string(line) + ": " + std::string(what)
    );
}

/// key = value lines; ';' and '#' begin comments; only the section [server] counts.
Result<SettingValues> parse_ini(std::string_view path, std::string_view text) {
    SettingValues values;
    bool in_server = false;
    for (std::size_t number = 1; !text.empty(); ++number) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        const std::string_view line = trim(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
        if (line.empty() || line.front() == ';' || line.front() == '#') {
            continue;
        }
        if (line.front() == '[') {
            in_server = line == "[server]";
            continue;
        }
        if (!in_server) {
            continue;
        }
        const std::size_t equals = line.find('=');
        if (equals == std::string_view::npos) {
            return at_line(path, number, "not of the form `name = value`");
        }
        const std::string_view name = trim(line.substr(0, equals));
        const Setting* setting = find_setting(name);
        if (setting == nullptr) {
            return at_line(path, number, "no setting is called `" + std::string(name) + "`");
        }
        values[std::string(setting->name)] = trim(line.substr(equals + 1));
    }
    return values;
}

Status add_yaml(const YAML::Node& node, const std::string& name, int depth, SettingValues& values) {
    if (node.IsMap() && depth < kYamlDepthMax) {
        for (const auto& member : node) {
            const auto key = member.first.as<std::string>();
            KUMO_TRY(
                add_yaml(member.second, name.empty() ? key : name + "." + key, depth + 1, values)
            );
        }
        return {};
    }
    const Setting* setting = find_setting(name);
    if (setting == nullptr) {
        return invalid_argument("no setting is called `" + name + "`");
    }
    if (node.IsSequence()) {
        std::string joined;
        for (const auto& element : node) {
            joined.append(joined.empty() ? "" : ",").append(element.as<std::string>());
        }
        values[std::string(setting->name)] = joined;
    } else if (node.IsScalar()) {
        values[std::string(setting->name)] = node.as<std::string>();
    } else if (!node.IsNull()) {
        return invalid_argument("the value of `" + name + "` is neither a text nor a list");
    }
    return {};
}

Result<SettingValues> parse_yaml(std::string_view path, const std::string& text) {
    SettingValues values;
    try {
        const YAML::Node root = YAML::Load(text);
        if (!root.IsNull()) {
            const Status added = add_yaml(root, "", 0, values);
            if (!added.ok()) {
                return invalid_argument(std::string(path) + ": " + added.error().message);
            }
        }
    } catch (const YAML::Exception& error) {
        return invalid_argument(std::string(path) + ": " + error.what());
    }
    return values;
}

}  // namespace

Result<SettingValues> parse_config_file(std::string_view path, const std::string& text) {
    const bool yaml = path.ends_with(".yml") || path.ends_with(".yaml");
    return yaml ? parse_yaml(path, text) : parse_ini(path, text);
}

}  // namespace kumo::server
