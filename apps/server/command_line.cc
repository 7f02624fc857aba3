#include "settings.h"

#include <CLI/CLI.hpp>

#include <memory>

namespace kumo::server {

namespace {

/// The parser, with one option a setting; `values` gets what is given.
std::unique_ptr<CLI::App> make_parser(CommandLine& out) {
    auto app = std::make_unique<CLI::App>(
        "kumosearch-server: a search server that Typesense clients can talk to.\n"
        "Settings come from the command line, from the file that --config names, or from the "
        "environment\n(KUMOSEARCH_API_KEY, TYPESENSE_API_KEY, ...), in this order of precedence.\n"
        "With a redis.conf as the first argument, or parameters of one (--port 6379), it is a "
        "server of "
        "its own\nthat speaks Redis's protocol.",
        "kumosearch-server"
    );
    app->set_help_flag();  // Ours is printed by main, after parsing.
    app->add_flag("-h,--help", out.help, "Show this text.");
    app->add_flag("-v,--version", out.version, "Show the version.");
    for (const Setting& setting : all_settings()) {
        std::string names = "--" + std::string(setting.name);
        if (!setting.former.empty()) {
            names += ",--" + std::string(setting.former);
        }
        if (setting.dotted != setting.name) {
            names += ",--" + std::string(setting.dotted);
        }
        const auto store = [&out, &setting](const std::vector<std::string>& given) {
            const bool alone = given.empty() || given.back().empty();
            out.values[std::string(setting.name)] = alone && setting.kind == SettingKind::kFlag
                                                        ? "true"
                                                    : alone ? ""
                                                            : given.back();
            return true;
        };
        CLI::Option* option = app->add_option(names, store, std::string(setting.help));
        option->type_name(setting.kind == SettingKind::kNumber ? "NUMBER" : "TEXT");
        option->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
        option->expected(setting.kind == SettingKind::kFlag ? 0 : 1, 1);
        if (setting.kind == SettingKind::kFlag) {
            // What default_str() names would be taken for the value of a flag without one.
            option->type_name("[true|false] [" + std::string(setting.initial) + "]");
        } else {
            option->default_str(std::string(setting.initial));
        }
        if (!setting.in_effect) {
            option->group("Accepted, without effect in this version");
        }
    }
    return app;
}

}  // namespace

Result<CommandLine> read_command_line(int argc, char** argv) {
    CommandLine out;
    const auto parser = make_parser(out);
    try {
        parser->parse(argc, argv);
    } catch (const CLI::Error& error) {
        return invalid_argument(error.what());
    }
    return out;
}

std::string help_text() {
    CommandLine unused;
    return make_parser(unused)->help();
}

}  // namespace kumo::server
