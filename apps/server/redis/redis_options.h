#pragma once

#include "api/redis/state/settings.h"
#include "base/result.h"

#include <string>
#include <vector>

namespace kumo::server {

/// What a command line in Redis's form asks for.
struct RedisCommandLine {
    api_redis::Settings settings;
    bool help = false;
    bool version = false;
};

/// Whether the arguments are Redis's: a configuration file first, or a parameter of redis.conf that
/// is no setting of ours (`--port 7000`). The program's name is not among them.
bool is_redis_command_line(const std::vector<std::string>& arguments);

/// Reads the file, if one is named ("-": standard input), then the `--name value...` arguments,
/// which win. Relative `include`s are of the present directory. Errors are for the user.
Result<RedisCommandLine> read_redis_command_line(const std::vector<std::string>& arguments);

/// Writes the settings that differ from the defaults into the configuration file: lines of
/// parameters that are there keep their place, comments stay, the rest follows at the end. Replaces
/// the file atomically.
Status rewrite_redis_config(const api_redis::Settings& settings);

}  // namespace kumo::server
