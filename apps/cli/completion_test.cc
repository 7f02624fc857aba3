#include "cli/completion.h"

#include "cli/options.h"
#include "cli/temporary_test.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>

namespace kumo::cli {
namespace {

std::string script(const char* shell) {
    const char* arguments[] = {"kumosearch-cli", "completion", shell};
    const auto parsed = parse_command_line(3, arguments);
    const auto* exit = std::get_if<ExitNow>(&parsed);
    return exit != nullptr && exit->code == kExitOk ? exit->text : "";
}

/// What bash offers for the words, the last of which is not complete yet.
std::string offered(const std::string& words) {
    const std::string path = temporary_path("completion");
    const std::string out = path + ".out";
    std::ofstream(path) << script("bash") << "COMP_WORDS=(" << words << ")\n"
                        << "COMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n_kumosearch_cli\n"
                        << "echo \"${COMPREPLY[*]}\"\n";
    const int status = std::system(("bash " + path + " >" + out + " 2>&1").c_str());
    std::ostringstream text;
    text << std::ifstream(out).rdbuf();
    return (status == 0 ? "" : "failed: ") + text.str();
}

TEST(Completion, BashOffersWhatCanBeTyped) {
    EXPECT_EQ(
        offered("kumosearch-cli ''"),
        "import search collection cluster check-consistency export key completion status\n"
    );
    EXPECT_EQ(offered("kumosearch-cli imp"), "import\n");
    EXPECT_EQ(offered("kumosearch-cli key ''"), "create\n");
    EXPECT_EQ(offered("kumosearch-cli import books x.jsonl --act"), "--action\n");
    EXPECT_EQ(offered("kumosearch-cli import --action up"), "upsert update\n");
    EXPECT_EQ(offered("kumosearch-cli --insecure search b --fil"), "--filter\n");
    EXPECT_EQ(offered("kumosearch-cli key create --desc"), "--description\n");
    EXPECT_EQ(offered("kumosearch-cli status --api"), "--api-key --api-key-file\n");
}

TEST(Completion, ZshAndFishKnowEveryCommand) {
    const std::string zsh = script("zsh");
    EXPECT_TRUE(zsh.starts_with("#compdef kumosearch-cli\n"));
    EXPECT_NE(zsh.find("'import:Load documents\\: JSON lines or CSV'"), std::string::npos);
    EXPECT_NE(zsh.find(":value:(create upsert update emplace)"), std::string::npos);
    const std::string fish = script("fish");
    EXPECT_NE(fish.find("-n __fish_use_subcommand -a export"), std::string::npos);
    EXPECT_NE(fish.find("-l action -x -a 'create upsert update emplace'"), std::string::npos);
    EXPECT_NE(fish.find("-n '__fish_seen_subcommand_from key' -a create\n"), std::string::npos);
}

}  // namespace
}  // namespace kumo::cli
