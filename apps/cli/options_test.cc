#include "cli/options.h"

#include "cli/temporary_test.h"

#include <gtest/gtest.h>

#include <fstream>
#include <vector>

namespace kumo::cli {
namespace {

std::variant<CommandLine, ExitNow> parse(std::vector<const char*> arguments) {
    arguments.insert(arguments.begin(), "kumosearch-cli");
    return parse_command_line(static_cast<int>(arguments.size()), arguments.data());
}

template <typename Options>
Options command(std::vector<const char*> arguments) {
    auto parsed = parse(std::move(arguments));
    const auto* line = std::get_if<CommandLine>(&parsed);
    if (line == nullptr) {
        ADD_FAILURE() << std::get<ExitNow>(parsed).text;
        return {};
    }
    return std::get<Options>(line->command);
}

ExitNow refusal(std::vector<const char*> arguments) {
    auto parsed = parse(std::move(arguments));
    const auto* exit = std::get_if<ExitNow>(&parsed);
    return exit != nullptr ? *exit : ExitNow{-1, "accepted"};
}

TEST(CliOptions, ReadsAnImport) {
    const auto options = command<ImportOptions>(
        {"import",
         "books",
         "-",
         "--action",
         "upsert",
         "--batch-size",
         "50",
         "--errors",
         "bad.jsonl"}
    );
    EXPECT_EQ(options.collection, "books");
    EXPECT_EQ(options.file, "-");
    EXPECT_EQ(options.action, "upsert");
    EXPECT_EQ(options.batch_size, 50U);
    EXPECT_EQ(options.errors_file, "bad.jsonl");
}

TEST(CliOptions, ReadsHowAnImportIsReadAndResumed) {
    const auto options = command<ImportOptions>(
        {"import", "b", "x", "--format", "csv", "--list-separator", "|", "--resume", "x.state"}
    );
    EXPECT_EQ(options.format, "csv");
    EXPECT_EQ(options.list_separator, "|");
    EXPECT_EQ(options.state_file, "x.state");
    EXPECT_EQ(refusal({"import", "b", "x", "--list-separator", "||"}).code, kExitUsage);
    EXPECT_EQ(refusal({"import", "b", "x", "--format", "xml"}).code, kExitUsage);
}

TEST(CliOptions, ReadsAnExportAndAKey) {
    const auto documents = command<ExportOptions>({"export", "b", "--filter", "x:1"});
    EXPECT_EQ(documents.file, "-");
    EXPECT_EQ(documents.filter_by, "x:1");
    const auto key = command<CreateKeyOptions>(
        {"key", "create", "--description", "d", "--actions", "a:b,c:*", "--collections", "x"}
    );
    EXPECT_EQ(key.actions, (std::vector<std::string>{"a:b", "c:*"}));
    EXPECT_EQ(key.collections, std::vector<std::string>{"x"});
    EXPECT_EQ(refusal({"key", "create", "--description", "d"}).code, kExitUsage);
    EXPECT_EQ(refusal({"completion", "tcsh"}).code, kExitUsage);
    EXPECT_EQ(refusal({"completion", "fish"}).code, kExitOk);
}

TEST(CliOptions, ReadsASearch) {
    const auto options = command<SearchOptions>(
        {"search", "books", "harry poter", "--filter", "year:>1990", "--facet", "author"}
    );
    EXPECT_EQ(options.query, "harry poter");
    EXPECT_EQ(options.filter_by, "year:>1990");
    EXPECT_EQ(options.facet_by, "author");
    EXPECT_EQ(options.per_page, 10U);
}

TEST(CliOptions, TakesTheServersAddressBeforeOrAfterTheCommand) {
    for (const auto& arguments : std::vector<std::vector<const char*>>{
             {"--url", "https://h:1", "status"},
             {"status", "--url", "https://h:1"},
         }) {
        const auto parsed = parse(arguments);
        ASSERT_TRUE(std::holds_alternative<CommandLine>(parsed));
        EXPECT_EQ(std::get<CommandLine>(parsed).connection.url.to_string(), "https://h:1");
    }
}

TEST(CliOptions, AConsistencyCheckTakesSeveralServers) {
    const auto options = command<CheckConsistencyOptions>(
        {"--url", "http://a:1,b:2", "check-consistency", "--url", "c", "--seconds", "7"}
    );
    ASSERT_EQ(options.servers.size(), 3U);
    EXPECT_EQ(options.servers[1].url.to_string(), "http://b:2");
    EXPECT_EQ(options.servers[2].url.host, "c");
    EXPECT_EQ(options.seconds, 7U);
    EXPECT_EQ(refusal({"status", "--url", "a", "--url", "b"}).code, kExitUsage);
    EXPECT_EQ(refusal({"check-consistency", "--writers", "0"}).code, kExitUsage);
}

TEST(CliOptions, ShowsAClusterAsATableOrAsItIs) {
    EXPECT_FALSE(command<ClusterOptions>({"cluster"}).json);
    EXPECT_TRUE(command<ClusterOptions>({"cluster", "--json"}).json);
    EXPECT_EQ(refusal({"cluster", "books"}).code, kExitUsage);
}

TEST(CliOptions, ClustersOfKeysHaveVerbs) {
    const auto check = command<KeysOptions>({"cluster", "check", "host:7000"});
    EXPECT_EQ(check.verb, KeysVerb::kCheck);
    EXPECT_EQ(check.node, "host:7000");
    const auto balance = command<KeysOptions>(
        {"cluster", "rebalance", "host:7000", "--weight", "a=1,b=0.5", "--use-empty", "--simulate"}
    );
    EXPECT_EQ(balance.verb, KeysVerb::kRebalance);
    EXPECT_EQ(balance.weights, (std::vector<std::string>{"a=1", "b=0.5"}));
    EXPECT_TRUE(balance.use_empty && balance.simulate);
    const auto reshard = command<KeysOptions>(
        {"cluster", "reshard", "host:7000", "--from", "a", "--to", "b", "--slots", "7"}
    );
    EXPECT_EQ(reshard.verb, KeysVerb::kReshard);
    EXPECT_EQ(reshard.target, "b");
    EXPECT_EQ(reshard.slots, 7U);
    EXPECT_EQ(command<KeysOptions>({"cluster", "fix", "h"}).verb, KeysVerb::kFix);
    EXPECT_EQ(refusal({"cluster", "rebalance"}).code, kExitUsage);
    EXPECT_EQ(refusal({"cluster", "reshard", "h", "--to", "b"}).code, kExitUsage);
    EXPECT_EQ(refusal({"cluster", "rebalance", "h", "--threshold", "x"}).code, kExitUsage);
    EXPECT_EQ(refusal({"cluster", "rebalance", "--help"}).code, kExitOk);
}

TEST(CliOptions, TakesTheKeyFromAFile) {
    const std::string path = temporary_path("key");
    std::ofstream(path) << "secret\n";
    const auto parsed = parse({"status", "--api-key-file", path.c_str()});
    ASSERT_TRUE(std::holds_alternative<CommandLine>(parsed));
    EXPECT_EQ(std::get<CommandLine>(parsed).connection.api_key, "secret");
    EXPECT_EQ(refusal({"status", "--api-key-file", "/no/such/file"}).code, kExitUsage);
}

TEST(CliOptions, MistakesAreUsageErrors) {
    EXPECT_EQ(refusal({}).code, kExitUsage);
    EXPECT_EQ(refusal({"fly"}).code, kExitUsage);
    EXPECT_EQ(refusal({"import", "books"}).code, kExitUsage);
    EXPECT_EQ(refusal({"import", "b", "-", "--action", "destroy"}).code, kExitUsage);
    EXPECT_EQ(refusal({"import", "b", "-", "--batch-size", "0"}).code, kExitUsage);
    EXPECT_EQ(refusal({"collection"}).code, kExitUsage);
    const ExitNow bad_url = refusal({"status", "--url", "ftp://x"});
    EXPECT_EQ(bad_url.code, kExitUsage);
    EXPECT_NE(bad_url.text.find("neither http:// nor https://"), std::string::npos);
}

TEST(CliOptions, HelpAndVersionAreNotErrors) {
    EXPECT_EQ(refusal({"--help"}).code, kExitOk);
    EXPECT_EQ(refusal({"--version"}).code, kExitOk);
    const ExitNow help = refusal({"search", "--help"});
    EXPECT_EQ(help.code, kExitOk);
    EXPECT_NE(help.text.find("--query-by"), std::string::npos);
}

}  // namespace
}  // namespace kumo::cli
