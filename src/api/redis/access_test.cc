#include "api/redis/access.h"

#include "api/redis/internal/redaction.h"

#include <gtest/gtest.h>

namespace kumo::api_redis {
namespace {

std::string add(Settings& settings, const std::vector<std::string>& words) {
    const Status added = add_user_line(settings, words);
    return added.ok() ? "" : added.error().message;
}

TEST(UserLines, AreChecked) {
    Settings settings;
    EXPECT_EQ(add(settings, {"alice", "on", "(+get", "~a)"}), "");
    EXPECT_EQ(
        add(settings, {"alice", "on"}),
        "Error in user declaration 'alice': Duplicate user found. A user can only be defined once "
        "in config files"
    );
    EXPECT_EQ(
        add(settings, {"bob", "on", "+nope"}),
        "Error in user declaration '+nope': Unknown command or category name in ACL"
    );
    EXPECT_EQ(
        add(settings, {"bob", "(+get"}),
        "Error in user declaration '(+get': Unmatched parenthesis in selector definition."
    );
    EXPECT_EQ(add(settings, {"b b", "on"}), "Spaces not allowed in ACL usernames");
    EXPECT_EQ(settings.users.size(), 1U);
}

std::string shown(const std::vector<ByteView>& arguments) {
    const kv::CommandSpec* spec = kv::find_command(arguments[0]);
    if (!spec->subcommands.empty()) {
        spec = kv::find_subcommand(*spec, arguments[1]);
    }
    std::string out;
    for (const ByteView word : redacted(*spec, arguments)) {
        out.append(out.empty() ? "" : " ").append(word == "(redacted)" ? "?" : word);
    }
    return out;
}

TEST(Redaction, HidesPasswordsAndRules) {
    EXPECT_EQ(shown({"auth", "p"}), "auth ?");
    EXPECT_EQ(shown({"AUTH", "u", "p"}), "AUTH ? ?");
    EXPECT_EQ(
        shown({"hello", "3", "AUTH", "u", "p", "SETNAME", "n"}),
        "hello 3 AUTH ? ? SETNAME n"
    );
    EXPECT_EQ(shown({"hello", "3", "AUTH", "u"}), "hello 3 AUTH u");
    EXPECT_EQ(shown({"acl", "setuser", "u", ">p"}), "acl setuser ? ?");
    EXPECT_EQ(shown({"acl", "getuser", "u"}), "acl getuser u");
    EXPECT_EQ(
        shown({"config", "set", "maxmemory", "0", "requirepass", "p"}),
        "config set maxmemory 0 requirepass ?"
    );
    EXPECT_EQ(shown({"migrate", "h", "1", "k", "0", "1", "AUTH", "p"}), "migrate h 1 k 0 1 AUTH ?");
    EXPECT_EQ(
        shown({"migrate", "h", "1", "", "0", "1", "AUTH2", "u", "p", "KEYS", "k"}),
        "migrate h 1  0 1 AUTH2 ? ? KEYS k"
    );
    EXPECT_EQ(shown({"set", "auth", "x"}), "set auth x");
}

}  // namespace
}  // namespace kumo::api_redis
