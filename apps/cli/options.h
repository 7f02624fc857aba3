#pragma once

#include "cli/base_url.h"

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

/// What can be typed, as values. Help texts are in options.cc.
namespace kumo::cli {

/// The process's exit codes.
enum ExitCode : int {
    kExitOk = 0,
    kExitFailed = 1,       ///< Some lines failed, or the server refused the request.
    kExitUsage = 2,        ///< The command line or a file it names is wrong.
    kExitUnreachable = 3,  ///< No server there, or the connection broke.
};

struct ConnectionOptions {
    BaseUrl url;
    std::string api_key;
    bool verify_tls = true;
    std::string ca_file;
};

struct ImportOptions {
    std::string collection;
    std::string file;  ///< "-": standard input.
    std::string action = "create";
    std::uint32_t batch_size = 1000;
    std::string errors_file;
    std::string format = "auto";       ///< By the file's name: .csv, else JSON lines.
    std::string list_separator = ";";  ///< Of values in a CSV cell.
    std::string state_file;            ///< Empty: an import that is broken off begins anew.
    std::uint32_t retry_seconds = 60;  ///< How long a server that cannot take more is waited for.
};

struct ExportOptions {
    std::string collection;
    std::string file = "-";  ///< "-": standard output.
    std::string filter_by;
    std::string fields;  ///< Empty: all.
    std::string exclude_fields;
};

struct CreateKeyOptions {
    std::string description;
    std::vector<std::string> actions;
    std::vector<std::string> collections;
    std::uint64_t expires_at = 0;  ///< Seconds since the epoch; 0: the server's default.
    bool autodelete = false;
    bool json = false;
};

struct SearchOptions {
    std::string collection;
    std::string query;
    std::string query_by;  ///< Empty: every string field.
    std::string filter_by;
    std::string sort_by;
    std::string facet_by;
    std::string fields;  ///< Empty: all.
    std::uint32_t page = 1;
    std::uint32_t per_page = 10;
    bool json = false;
};

struct StatusOptions {};

struct ClusterOptions {
    bool json = false;
};

/// What is done to a cluster of keys.
enum class KeysVerb : std::uint8_t {
    kCheck,
    kRebalance,
    kReshard,
    kFix,
};

struct KeysOptions {
    KeysVerb verb = KeysVerb::kCheck;
    std::string node;  ///< HOST:PORT of one of its nodes.
    std::string user;
    std::string password;
    bool simulate = false;
    // rebalance
    std::vector<std::string> weights;  ///< ID=NUMBER.
    bool use_empty = false;
    double threshold = 2;  ///< Percent.
    // reshard
    std::vector<std::string> sources;  ///< Ids; none: all.
    std::string target;
    std::uint32_t slots = 0;
};

struct CreateCollectionOptions {
    std::string file;  ///< "-": standard input.
};

struct CheckConsistencyOptions {
    std::vector<ConnectionOptions> servers;  ///< Those of one cluster; at least one.
    std::uint32_t seconds = 10;
    std::uint32_t writers = 4;  ///< And as many readers.
};

using Command = std::variant<
    ImportOptions,
    SearchOptions,
    StatusOptions,
    ClusterOptions,
    CreateCollectionOptions,
    CheckConsistencyOptions,
    ExportOptions,
    CreateKeyOptions,
    KeysOptions>;

struct CommandLine {
    ConnectionOptions connection;
    Command command;
};

/// There is nothing to run: print the text and exit.
struct ExitNow {
    int code = kExitOk;
    std::string text;  ///< For standard output if code is kExitOk, else for standard error.
};

/// Reads the arguments and the environment (KUMOSEARCH_URL, KUMOSEARCH_API_KEY).
std::variant<CommandLine, ExitNow> parse_command_line(int argc, const char* const* argv);

}  // namespace kumo::cli
