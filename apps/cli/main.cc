#include "cli/command.h"
#include "cli/explain.h"
#include "cli/keys/keys_command.h"
#include "cli/options.h"
#include "cli/session.h"

#include <cstdio>

namespace kumo::cli {
namespace {

struct Run {
    Session& session;

    int operator()(const ImportOptions& options) const { return run_import(session, options); }

    int operator()(const SearchOptions& options) const { return run_search(session, options); }

    int operator()(const StatusOptions& options) const { return run_status(session, options); }

    int operator()(const ClusterOptions& options) const { return run_cluster(session, options); }

    int operator()(const CreateCollectionOptions& options) const {
        return run_create_collection(session, options);
    }

    int operator()(const ExportOptions& options) const { return run_export(session, options); }

    int operator()(const CreateKeyOptions& options) const {
        return run_create_key(session, options);
    }

    int operator()(const CheckConsistencyOptions& options) const {
        return run_check_consistency(options);
    }

    int operator()(const KeysOptions& options) const { return run_keys(options); }
};

int run(int argc, const char* const* argv) {
    const auto parsed = parse_command_line(argc, argv);
    if (const auto* exit = std::get_if<ExitNow>(&parsed)) {
        (void)std::fputs(exit->text.c_str(), exit->code == kExitOk ? stdout : stderr);
        return exit->code;
    }
    const auto& line = std::get<CommandLine>(parsed);
    if (const auto* check = std::get_if<CheckConsistencyOptions>(&line.command)) {
        return run_check_consistency(*check);
    }
    if (const auto* keys = std::get_if<KeysOptions>(&line.command)) {
        return run_keys(*keys);
    }
    const auto session = open_session(line.connection);
    if (!session.ok()) {
        return session.error().code == ErrorCode::kUnavailable
                   ? fail_unreachable(line.connection.url, session.error())
                   : fail(kExitUsage, session.error().message);
    }
    return std::visit(Run{*session.value()}, line.command);
}

}  // namespace
}  // namespace kumo::cli

int main(int argc, char** argv) {
    return kumo::cli::run(argc, argv);
}
