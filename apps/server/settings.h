#pragma once

#include "base/result.h"

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kumo::server {

enum class SettingKind : std::uint8_t {
    kText,
    kNumber,  ///< A decimal number; may be negative.
    kFlag,    ///< true or false; given without a value: true.
};

/// One setting of the server. It is given on the command line (`--name value`), in the file that
/// `--config` names, or in the environment (`KUMOSEARCH_NAME`, `TYPESENSE_NAME`), under any of its
/// names; the command line beats the file, the file the environment.
struct Setting {
    std::string_view name;    ///< "api-port": what clients of this dialect know.
    std::string_view dotted;  ///< "api.port": the name in YAML files.
    std::string_view former;  ///< An older name that is still taken, or empty.
    SettingKind kind;
    std::string_view initial;  ///< The value if it is not given.
    std::string_view help;
    bool in_effect = true;  ///< False: accepted, and changes nothing in this version.
};

std::span<const Setting> all_settings();

/// Null if nothing is called so. Takes all names, with '-' or '_' between words.
const Setting* find_setting(std::string_view name);

/// Values by Setting::name. Only those that were given.
using SettingValues = std::map<std::string, std::string, std::less<>>;

/// What the command line asks for.
struct CommandLine {
    SettingValues values;
    bool help = false;
    bool version = false;
};

Result<CommandLine> read_command_line(int argc, char** argv);

/// The text of --help.
std::string help_text();

/// `get` is getenv.
SettingValues read_environment(const char* (*get)(const std::string& name));

/// A file's settings: YAML if its name ends in .yml or .yaml, else the ini form, whose [server]
/// section counts. kInvalidArgument names the line or the key.
Result<SettingValues> parse_config_file(std::string_view path, const std::string& text);

/// Overwrites the secrets among the arguments, so that a process list does not show them.
void scrub_secrets(int argc, char** argv);

}  // namespace kumo::server
