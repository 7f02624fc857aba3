#include "cli/options.h"

#include "cli/completion.h"

#include <CLI/CLI.hpp>

#include <fstream>
#include <map>
#include <sstream>

namespace kumo::cli {
namespace {

/// What the parser fills in; the URL and the key are judged after it.
struct Typed {
    std::vector<std::string> urls{"http://127.0.0.1:" + std::to_string(kDefaultPort)};
    std::string api_key;
    std::string api_key_file;
    std::string ca_file;
    bool insecure = false;
    ImportOptions import;
    SearchOptions search;
    CreateCollectionOptions create;
    ClusterOptions cluster;
    CheckConsistencyOptions check;
    ExportOptions documents;
    CreateKeyOptions key;
    std::map<KeysVerb, KeysOptions> keys;
    std::string shell;
};

void add_connection(CLI::App& app, Typed& typed) {
    const char* group = "Connection";
    app.add_option("--url", typed.urls, "The server's address; check-consistency takes several")
        ->envname("KUMOSEARCH_URL")
        ->delimiter(',')
        ->allow_extra_args(false)
        ->capture_default_str()
        ->group(group);
    app.add_option("--api-key", typed.api_key, "The API key (visible to others in ps)")
        ->envname("KUMOSEARCH_API_KEY")
        ->group(group);
    app.add_option("--api-key-file", typed.api_key_file, "A file that holds the API key")
        ->group(group);
    app.add_option("--ca-file", typed.ca_file, "PEM certificates to trust instead of the system's")
        ->group(group);
    app.add_flag("--insecure", typed.insecure, "Do not verify the server's certificate")
        ->group(group);
}

CLI::App* add_import(CLI::App& app, ImportOptions& options) {
    auto* command = app.add_subcommand("import", "Load documents: JSON lines or CSV");
    command->add_option("COLLECTION", options.collection, "Where the documents go")->required();
    command->add_option("FILE", options.file, "JSON lines or CSV; - is standard input")->required();
    command
        ->add_option("--format", options.format, "What the file is; auto: CSV if its name says so")
        ->check(CLI::IsMember({"auto", "jsonl", "csv"}))
        ->capture_default_str();
    command
        ->add_option(
            "--list-separator",
            options.list_separator,
            "Between the values of a CSV cell for a list"
        )
        ->check([](const std::string& text) {
            return text.size() == 1 ? std::string() : "one character";
        })
        ->capture_default_str();
    command->add_option(
        "--resume",
        options.state_file,
        "A file that says how far it is: the same command goes on there after it was broken off"
    );
    command
        ->add_option(
            "--retry-seconds",
            options.retry_seconds,
            "How long a server that cannot take more is asked again"
        )
        ->check(CLI::Range(0, 1000000))
        ->capture_default_str();
    command->add_option("--action", options.action, "What to do with each document")
        ->check(CLI::IsMember({"create", "upsert", "update", "emplace"}))
        ->capture_default_str();
    command
        ->add_option("--batch-size", options.batch_size, "Documents the server applies at a time")
        ->check(CLI::Range(1, 10000))
        ->capture_default_str();
    command->add_option(
        "--errors",
        options.errors_file,
        "Write lines that failed to this file: {\"line\", \"error\", \"document\"}"
    );
    return command;
}

CLI::App* add_search(CLI::App& app, SearchOptions& options) {
    auto* command = app.add_subcommand("search", "Search a collection");
    command->add_option("COLLECTION", options.collection, "Where to search")->required();
    command->add_option("QUERY", options.query, "What to look for; * is everything")->required();
    command->add_option("--query-by", options.query_by, "Fields to look in (all text fields)");
    command->add_option("--filter", options.filter_by, "filter_by, as in 'size:>100 && tag:=new'");
    command->add_option("--sort", options.sort_by, "sort_by, as in 'size:desc'");
    command->add_option("--facet", options.facet_by, "facet_by: fields to count values of");
    command->add_option("--fields", options.fields, "Fields to show (all)");
    command->add_option("--page", options.page, "Which page")
        ->check(CLI::Range(1, 1000000))
        ->capture_default_str();
    command->add_option("--per-page", options.per_page, "Hits on a page")
        ->check(CLI::Range(1, 250))
        ->capture_default_str();
    command->add_flag("--json", options.json, "Print the server's answer as it is");
    return command;
}

CLI::App* add_create(CLI::App& app, CreateCollectionOptions& options) {
    auto* collection = app.add_subcommand("collection", "Manage collections");
    collection->require_subcommand(1);
    collection->fallthrough();
    auto* command = collection->add_subcommand("create", "Make a collection from its schema");
    command->add_option("FILE", options.file, "The schema as JSON; - is standard input")
        ->required();
    return command;
}

CLI::App* add_export(CLI::App& app, ExportOptions& options) {
    auto* command = app.add_subcommand("export", "Write documents, one JSON object a line");
    command->add_option("COLLECTION", options.collection, "What to export")->required();
    command->add_option("FILE", options.file, "Where to; - is standard output")
        ->capture_default_str();
    command->add_option("--filter", options.filter_by, "filter_by, as in 'size:>100'");
    command->add_option("--fields", options.fields, "Fields to write (all)");
    command->add_option("--exclude-fields", options.exclude_fields, "Fields to leave out");
    return command;
}

CLI::App* add_create_key(CLI::App& app, CreateKeyOptions& options) {
    auto* key = app.add_subcommand("key", "Manage API keys");
    key->require_subcommand(1);
    key->fallthrough();
    auto* command = key->add_subcommand("create", "Make a key, and print its value");
    command->add_option("--description", options.description, "What it is for")->required();
    command
        ->add_option(
            "--actions",
            options.actions,
            "What it may do, as in documents:search; * is all"
        )
        ->delimiter(',')
        ->required();
    command->add_option("--collections", options.collections, "Where: names or patterns; * is all")
        ->delimiter(',')
        ->required();
    command->add_option("--expires-at", options.expires_at, "Seconds since the epoch (never)");
    command->add_flag("--autodelete", options.autodelete, "Delete it when it has expired");
    command->add_flag("--json", options.json, "Print the server's answer as it is");
    return command;
}

CLI::App* add_completion(CLI::App& app, std::string& shell) {
    auto* command = app.add_subcommand("completion", "Print a script that completes commands");
    command->add_option("SHELL", shell, "bash, zsh or fish")
        ->check(CLI::IsMember({"bash", "zsh", "fish"}))
        ->required();
    return command;
}

std::vector<OptionHelp> options_of(const CLI::App& app) {
    std::vector<OptionHelp> out;
    for (const CLI::Option* option : app.get_options()) {
        if (option->get_lnames().empty()) {
            continue;
        }
        OptionHelp help{"--" + option->get_lnames().front(), option->get_description()};
        help.takes_value = option->get_expected_max() > 0 && option->get_type_size() > 0;
        const std::string& name = help.name;
        help.takes_file = name.ends_with("-file") || name == "--errors" || name == "--resume";
        if (name == "--action") {
            help.choices = {"create", "upsert", "update", "emplace"};
        } else if (name == "--format") {
            help.choices = {"auto", "jsonl", "csv"};
        }
        out.push_back(std::move(help));
    }
    return out;
}

/// Everything that can be typed.
std::vector<CommandHelp> commands_of(const CLI::App& app) {
    std::vector<CommandHelp> out{{"", "", options_of(app)}};
    const auto add = [&](const CLI::App& command, const std::string& name) {
        const bool file = command.get_option_no_throw("FILE") != nullptr;
        out.push_back({name, command.get_description(), options_of(command), file});
    };
    for (const CLI::App* command : app.get_subcommands({})) {
        const auto inner = command->get_subcommands({});
        if (command->get_require_subcommand_min() == 0) {
            add(*command, command->get_name());
        }
        for (const CLI::App* one : inner) {
            add(*one, command->get_name() + " " + one->get_name());
        }
    }
    return out;
}

ExitNow print_completion(const CLI::App& app, const std::string& name) {
    const Shell shell = name == "bash" ? Shell::kBash : name == "zsh" ? Shell::kZsh : Shell::kFish;
    return {kExitOk, completion_script(shell, commands_of(app))};
}

CLI::App* add_cluster(CLI::App& app, ClusterOptions& options) {
    auto* command = app.add_subcommand(
        "cluster",
        "Show the nodes of the cluster, where the copies are, and what is wrong"
    );
    command->add_flag("--json", options.json, "Print the server's answer as it is");
    return command;
}

CLI::App* add_keys_verb(
    CLI::App& cluster,
    const char* name,
    const char* help,
    KeysVerb verb,
    KeysOptions& options
) {
    options.verb = verb;
    auto* command = cluster.add_subcommand(name, help);
    command->add_option("NODE", options.node, "HOST:PORT of any node of the cluster")->required();
    command->add_option("--user", options.user, "Who to be there (the default user)");
    command
        ->add_option("--password", options.password, "The password there (visible to others in ps)")
        ->envname("REDISCLI_AUTH");
    return command;
}

/// What is done to clusters of keys, which other protocols than HTTP lead to.
void add_keys(CLI::App& cluster, std::map<KeysVerb, KeysOptions>& options) {
    add_keys_verb(
        cluster,
        "check",
        "Of keys: whether every slot is served, and all nodes agree",
        KeysVerb::kCheck,
        options[KeysVerb::kCheck]
    );
    add_keys_verb(
        cluster,
        "fix",
        "Of keys: close slots that were left open, and give away those that nobody has",
        KeysVerb::kFix,
        options[KeysVerb::kFix]
    );
    KeysOptions& balance = options[KeysVerb::kRebalance];
    auto* rebalance = add_keys_verb(
        cluster,
        "rebalance",
        "Of keys: give every master its share of the slots, while clients go on",
        KeysVerb::kRebalance,
        balance
    );
    rebalance
        ->add_option("--weight", balance.weights, "ID=NUMBER of a master; 0: it is to be empty")
        ->delimiter(',');
    rebalance->add_flag("--use-empty", balance.use_empty, "Masters without slots get some, too");
    rebalance->add_option("--threshold", balance.threshold, "Percent that a share may be off")
        ->check(CLI::Range(0.0, 100.0))
        ->capture_default_str();
    rebalance->add_flag("--simulate", balance.simulate, "Only say what would move");
    KeysOptions& some = options[KeysVerb::kReshard];
    auto* reshard = add_keys_verb(
        cluster,
        "reshard",
        "Of keys: move some slots to a master, while clients go on",
        KeysVerb::kReshard,
        some
    );
    reshard->add_option("--from", some.sources, "Ids of masters (all)")->delimiter(',');
    reshard->add_option("--to", some.target, "The id of a master")->required();
    reshard->add_option("--slots", some.slots, "How many")->check(CLI::Range(1, 16384))->required();
    reshard->add_flag("--simulate", some.simulate, "Only say what would move");
}

CLI::App* add_check_consistency(CLI::App& app, CheckConsistencyOptions& options) {
    auto* command = app.add_subcommand(
        "check-consistency",
        "Write and read a collection of its own, and check that nothing acknowledged is lost"
    );
    command->add_option("--seconds", options.seconds, "How long")
        ->check(CLI::Range(1, 1000000))
        ->capture_default_str();
    command->add_option("--writers", options.writers, "Writers at once, and as many readers")
        ->check(CLI::Range(1, 1000))
        ->capture_default_str();
    return command;
}

ExitNow usage(const std::string& message) {
    return ExitNow{kExitUsage, "kumosearch-cli: " + message + "\n"};
}

/// The first line of a file. False if there is none to read.
bool read_key_file(const std::string& path, std::string& key) {
    std::ifstream file(path);
    return file.good() && std::getline(file, key) && !key.empty();
}

Result<std::vector<ConnectionOptions>> judge_connections(const Typed& typed) {
    ConnectionOptions connection;
    connection.api_key = typed.api_key;
    if (!typed.api_key_file.empty() && !read_key_file(typed.api_key_file, connection.api_key)) {
        return invalid_argument(
            "--api-key-file " + typed.api_key_file + ": there is no key to read in it"
        );
    }
    connection.verify_tls = !typed.insecure;
    connection.ca_file = typed.ca_file;
    std::vector<ConnectionOptions> connections;
    for (const std::string& text : typed.urls) {
        auto url = parse_base_url(text);
        if (!url.ok()) {
            return invalid_argument("--url " + text + ": " + url.error().message);
        }
        connection.url = std::move(url).value();
        connections.push_back(connection);
    }
    return connections;
}

std::variant<CommandLine, ExitNow> judge(const Typed& typed, Command command) {
    auto connections = judge_connections(typed);
    if (!connections.ok()) {
        return usage(connections.error().message);
    }
    if (auto* check = std::get_if<CheckConsistencyOptions>(&command)) {
        check->servers = connections.value();
    } else if (connections.value().size() > 1) {
        return usage("--url: only check-consistency takes more than one");
    }
    return CommandLine{connections.value().front(), std::move(command)};
}

ExitNow explain_exit(const CLI::App& app, const CLI::ParseError& error) {
    std::ostringstream out;
    std::ostringstream err;
    const bool good = app.exit(error, out, err) == 0;
    return good ? ExitNow{kExitOk, out.str()} : ExitNow{kExitUsage, err.str()};
}

}  // namespace

std::variant<CommandLine, ExitNow> parse_command_line(int argc, const char* const* argv) {
    Typed typed;
    try {
        CLI::App app("Load, search and look at a kumosearch server.", "kumosearch-cli");
        app.set_version_flag("--version", "kumosearch-cli " KUMO_VERSION);
        app.require_subcommand(1);
        app.fallthrough();
        app.failure_message(CLI::FailureMessage::simple);
        app.footer(
            "Exit codes: 0 done; 1 some lines failed, something is not consistent or not "
            "well, the server refused, or the output could not be written; 2 the command line or a "
            "file it names is wrong; 3 the server was not reached, or the connection broke. "
            "Results "
            "go to standard output, everything else to standard error."
        );
        add_connection(app, typed);
        const CLI::App* import = add_import(app, typed.import);
        const CLI::App* search = add_search(app, typed.search);
        const CLI::App* create = add_create(app, typed.create);
        CLI::App* cluster = add_cluster(app, typed.cluster);
        add_keys(*cluster, typed.keys);
        const CLI::App* check = add_check_consistency(app, typed.check);
        const CLI::App* documents = add_export(app, typed.documents);
        const CLI::App* key = add_create_key(app, typed.key);
        const CLI::App* completion = add_completion(app, typed.shell);
        app.add_subcommand("status", "Show health, version, memory and collections");
        try {
            app.parse(argc, argv);
        } catch (const CLI::ParseError& error) {
            return explain_exit(app, error);
        }
        if (import->parsed()) {
            return judge(typed, typed.import);
        }
        if (search->parsed()) {
            return judge(typed, typed.search);
        }
        if (create->parsed()) {
            return judge(typed, typed.create);
        }
        if (cluster->parsed()) {
            for (const auto& [verb, options] : typed.keys) {
                if (!options.node.empty()) {
                    return judge(typed, options);
                }
            }
            return judge(typed, typed.cluster);
        }
        if (check->parsed()) {
            return judge(typed, typed.check);
        }
        if (documents->parsed()) {
            return judge(typed, typed.documents);
        }
        if (key->parsed()) {
            return judge(typed, typed.key);
        }
        if (completion->parsed()) {
            return print_completion(app, typed.shell);
        }
        return judge(typed, StatusOptions{});
    } catch (const std::exception& error) {
        return usage(error.what());
    }
}

}  // namespace kumo::cli
