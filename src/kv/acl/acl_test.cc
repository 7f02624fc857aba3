#include "kv/acl/users.h"
#include "kv/command/introspection.h"
#include "kv/command/words.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace kumo::kv {
namespace {

using Words = std::vector<ByteView>;

AclUser user(const Words& rules, bool all_channels = false) {
    AclUser made("u", {all_channels});
    for (const ByteView rule : rules) {
        const Status applied = made.apply(rule, {all_channels});
        EXPECT_TRUE(applied.ok()) << rule << ": " << applied.error().message;
    }
    return made;
}

std::string error(ByteView rule, const Words& before = {}) {
    AclUser made = user(before);
    const Status applied = made.apply(rule, {});
    return applied.ok() ? "" : applied.error().message;
}

std::string check(const AclUser& of, const Words& arguments) {
    const CommandSpec* spec = find_command(arguments[0]);
    if (spec != nullptr && !spec->subcommands.empty() && arguments.size() > 1) {
        spec = find_subcommand(*spec, arguments[1]);
    }
    if (spec == nullptr) {
        ADD_FAILURE() << arguments[0];
        return "";
    }
    const AclAnswer answer = of.check(*spec, arguments);
    const std::string object(arguments[answer.argument]);
    switch (answer.verdict) {
        case AclVerdict::kAllowed: return "ok";
        case AclVerdict::kCommand: return "command";
        case AclVerdict::kKey: return "key " + object;
        case AclVerdict::kChannel: return "channel " + object;
    }
    return "";
}

std::string commands(const Words& rules) {
    return user(rules).selectors().front().describe_commands();
}

TEST(Acl, ANewUserIsOffAndMayNothing) {
    const AclUser made = user({});
    EXPECT_EQ(made.describe(), "off resetchannels -@all");
    EXPECT_FALSE(made.accepts(""));
    EXPECT_EQ(check(made, {"ping"}), "command");
    EXPECT_EQ(check(made, {"auth", "x"}), "ok");  // Who has not logged in must be able to.
    EXPECT_FALSE(made.unlimited());
}

TEST(Acl, TheDefaultUserIsUnlimited) {
    const AclUsers users;
    EXPECT_EQ(users.to_text(), "user default on nopass ~* &* +@all\n");
    EXPECT_TRUE(users.default_user()->unlimited());
    EXPECT_TRUE(users.default_user()->accepts("anything"));
}

TEST(Acl, UnlimitedEndsWithAnyLimit) {
    EXPECT_TRUE(user({"allcommands", "allkeys", "allchannels"}).unlimited());
    EXPECT_TRUE(user({"(+@all ~* &*)"}).unlimited());
    EXPECT_FALSE(user({"+@all", "~*", "&*", "-get"}).unlimited());
    EXPECT_FALSE(user({"+@all", "~*", "&*", "-acl|list"}).unlimited());
    EXPECT_FALSE(user({"+@all", "~*"}).unlimited());
    EXPECT_FALSE(user({"+@all", "~*", "&*", "resetkeys"}).unlimited());
    EXPECT_FALSE(user({"(+@all ~*)", "(&*)"}).unlimited());  // Selectors do not add up.
}

TEST(Acl, PasswordsAreHashesOfWhichAnyFits) {
    AclUser made = user({"on", ">one", ">two", ">one"});
    EXPECT_EQ(made.passwords().size(), 2U);
    EXPECT_TRUE(made.accepts("one"));
    EXPECT_TRUE(made.accepts("two"));
    EXPECT_FALSE(made.accepts("three"));
    EXPECT_FALSE(made.accepts(made.passwords().front()));
    ASSERT_TRUE(made.apply("<one", {}).ok());
    EXPECT_FALSE(made.accepts("one"));
    const std::string hash = made.passwords().front();
    ASSERT_TRUE(made.apply("!" + hash, {}).ok());
    EXPECT_FALSE(made.accepts("two"));
    ASSERT_TRUE(made.apply("#" + hash, {}).ok());
    EXPECT_TRUE(made.accepts("two"));
    ASSERT_TRUE(made.apply("off", {}).ok());
    EXPECT_FALSE(made.accepts("two"));
    ASSERT_TRUE(made.apply("on", {}).ok());
    ASSERT_TRUE(made.apply("nopass", {}).ok());
    EXPECT_TRUE(made.accepts("x"));
    EXPECT_TRUE(made.passwords().empty());
    ASSERT_TRUE(made.apply("resetpass", {}).ok());
    EXPECT_FALSE(made.accepts("x"));
}

TEST(Acl, ErrorsAreRediss) {
    const std::string syntax = "Syntax error";
    for (const ByteView rule :
         {"nonsense", " () ", "%~x", "%RR~x", "%R", "~a b", "&a\tb", "+get|", "+debug|a b", ")"}) {
        EXPECT_EQ(error(rule), rule == "%R" ? "" : syntax) << rule;
    }
    for (const ByteView rule :
         {"+nope", "-nope", "+@nope", "-debug|segfault", "+config|nope", "+get|a|b", "+", "-"}) {
        EXPECT_EQ(error(rule), "Unknown command or category name in ACL") << rule;
    }
    EXPECT_EQ(error("+config|get|x"), "Allowing first-arg of a subcommand is not supported");
    EXPECT_EQ(error("<x"), "The password you are trying to remove from the user does not exist");
    EXPECT_EQ(
        error("#abc"),
        "The password hash must be exactly 64 characters and contain only lowercase hexadecimal "
        "characters"
    );
    EXPECT_TRUE(error("~x", {"~*"}).starts_with("Adding a pattern after the * pattern (or the 'a"));
    EXPECT_TRUE(error("&x", {"&*"}).ends_with("start with an empty list of channels"));
    EXPECT_EQ(error("(+get (+set))"), syntax);
    EXPECT_EQ(error(ByteView("~a\0b", 4)), syntax);
}

TEST(Acl, CommandsAreDescribedByTheBestCategories) {
    EXPECT_EQ(commands({"+@all", "-@string", "+incr"}), "+@all -@string +incr");
    EXPECT_EQ(commands({"+@string", "-incr"}), "-@all +@string -incr");
    EXPECT_EQ(commands({"+@all", "+client|id"}), "+@all");
    EXPECT_EQ(commands({"+@all", "-client|kill"}), "+@all -client|kill");
    EXPECT_EQ(commands({"+config", "-config|set"}), "-@all +config -config|set");
    EXPECT_EQ(commands({"+memory|doctor", "+memory"}), "-@all +memory");
    EXPECT_EQ(
        commands({"+debug|Object", "+select|0", "+SELECT|1", "+select|0"}),
        "-@all +select|0 +select|1 +debug|Object"
    );
    for (const CategoryName& category : acl_category_names()) {
        const std::string name(category.name);
        EXPECT_EQ(commands({"+@" + name}), "-@all +@" + name);
        EXPECT_EQ(commands({"+@all", "-@" + name}), "+@all -@" + name);
    }
}

TEST(Acl, WhatIsDescribedMakesTheSameCommands) {
    const std::vector<Words> cases = {
        {"+@read", "-@hash", "+hset", "-client"},
        {"+@all", "-@dangerous", "+keys", "-config|get", "+@geo", "-@slow"},
        {"+@connection", "+select|3", "-hello"}};
    for (const Words& rules : cases) {
        const AclUser first = user(rules);
        AclUser second("u", {});
        std::string words = first.selectors().front().describe_commands();
        for (std::size_t at = 0; at < words.size();) {
            const std::size_t end = std::min(words.find(' ', at), words.size());
            ASSERT_TRUE(second.apply(words.substr(at, end - at), {}).ok());
            at = end + 1;
        }
        EXPECT_EQ(second.describe(), first.describe());
    }
}

TEST(Acl, SubcommandsAndFirstArguments) {
    const AclUser made = user({"+@all", "-client", "+client|id", "-debug", "+debug|object", "~*"});
    EXPECT_EQ(check(made, {"client", "id"}), "ok");
    EXPECT_EQ(check(made, {"client", "list"}), "command");
    EXPECT_EQ(check(made, {"debug", "OBJECT", "k"}), "ok");
    EXPECT_EQ(check(made, {"debug", "sleep", "1"}), "command");
    EXPECT_EQ(check(made, {"get", "k"}), "ok");
    EXPECT_EQ(check(user({"+@all", "-get", "+get"}), {"get", "k"}), "key k");
}

TEST(Acl, KeysAreReadAndWritten) {
    const AclUser made = user({"+@all", "%R~read*", "%W~write*", "%RW~both*"});
    EXPECT_EQ(made.selectors().front().describe_keys(), "%R~read* %W~write* ~both*");
    EXPECT_EQ(check(made, {"get", "read1"}), "ok");
    EXPECT_EQ(check(made, {"get", "write1"}), "key write1");
    EXPECT_EQ(check(made, {"lpush", "write1", "x"}), "ok");
    EXPECT_EQ(check(made, {"lpush", "read1", "x"}), "key read1");
    EXPECT_EQ(check(made, {"copy", "read1", "write1"}), "ok");
    EXPECT_EQ(check(made, {"copy", "write1", "read1"}), "key write1");
    EXPECT_EQ(check(made, {"set", "write1", "x"}), "ok");
    EXPECT_EQ(check(made, {"set", "write1", "x", "get"}), "key write1");
    EXPECT_EQ(check(made, {"strlen", "write1"}), "ok");
    EXPECT_EQ(check(made, {"strlen", "other"}), "key other");
    EXPECT_EQ(check(made, {"sort", "read", "store", "write"}), "ok");
    EXPECT_EQ(check(made, {"sort", "read", "store", "read"}), "key read");
    EXPECT_EQ(check(made, {"eval", "", "1", "read"}), "key read");
    EXPECT_EQ(check(made, {"eval", "", "0", "other"}), "ok");
    EXPECT_EQ(check(made, {"eval", "", "3", "read", "other"}), "ok");  // A syntax error.
    EXPECT_EQ(
        check(made, {"migrate", "h", "1", "", "0", "1", "AUTH2", "u", "KEYS", "KEYS", "x"}),
        "key x"
    );
    EXPECT_EQ(check(made, {"mget", "both1", "read1", "x", "y"}), "key x");
    EXPECT_EQ(user({"%R~a", "%W~a"}).selectors().front().describe_keys(), "~a");
}

TEST(Acl, Channels) {
    const AclUser made = user({"+@all", "&news:*", "&one"});
    EXPECT_EQ(check(made, {"publish", "news:1", "x"}), "ok");
    EXPECT_EQ(check(made, {"publish", "two", "x"}), "channel two");
    EXPECT_EQ(check(made, {"spublish", "one", "x"}), "ok");
    EXPECT_EQ(check(made, {"subscribe", "one", "two"}), "channel two");
    EXPECT_EQ(check(made, {"ssubscribe", "two"}), "channel two");
    EXPECT_EQ(check(made, {"psubscribe", "news:*"}), "ok");
    EXPECT_EQ(check(made, {"psubscribe", "news:1*"}), "channel news:1*");  // Taken literally.
    EXPECT_EQ(check(made, {"unsubscribe", "two"}), "ok");
    EXPECT_EQ(check(made, {"pubsub", "numsub", "two"}), "ok");
    EXPECT_EQ(check(user({"+@all", "reset", "+@all"}, true), {"publish", "x", "y"}), "ok");
}

TEST(Acl, TheNearestSelectorsObjectionCounts) {
    const AclUser made = user({"+mget", "~key", "(+mget ~key ~other)"});
    EXPECT_EQ(check(made, {"get", "key"}), "command");
    EXPECT_EQ(check(made, {"mget", "key", "other"}), "ok");
    EXPECT_EQ(check(made, {"mget", "other", "third"}), "key third");
    EXPECT_EQ(check(made, {"mget", "key", "other", "third"}), "key third");
}

TEST(Acl, SortsPatternsNeedEveryKey) {
    const std::vector<ByteView> arguments = {"sort", "list", "by", "v*"};
    const CommandSpec& sort = *find_command("sort");
    EXPECT_FALSE(user({"(+sort ~list)"}).check_with_every_key(sort, arguments));
    EXPECT_FALSE(user({"(+sort ~list ~v*)"}).check_with_every_key(sort, arguments));
    EXPECT_FALSE(user({"(+sort ~list %W~*)"}).check_with_every_key(sort, arguments));
    EXPECT_FALSE(user({"(+sort ~list)", "%R~*"}).check_with_every_key(sort, arguments));
    EXPECT_TRUE(user({"(+sort ~list %R~*)"}).check_with_every_key(sort, arguments));
    EXPECT_TRUE(user({"+sort", "~*"}).check_with_every_key(sort, arguments));
}

TEST(Acl, SelectorsAreJoinedFromWords) {
    const auto join = [](const Words& words) {
        std::vector<std::string> rules;
        std::size_t unmatched = 0;
        if (!join_acl_rules(words, &rules, &unmatched)) {
            return "unmatched " + std::to_string(unmatched);
        }
        std::string out;
        for (const std::string& rule : rules) {
            out += "[" + rule + "]";
        }
        return out;
    };
    EXPECT_EQ(join({"on", "(+get", "~a", ")", "(~b)"}), "[on][(+get ~a )][(~b)]");
    EXPECT_EQ(join({"on", "(", "+get"}), "unmatched 1");
    EXPECT_EQ(join({"", "()"}), "[][()]");
    EXPECT_EQ(join({}), "");
    const AclUser made = user({"(~a +get )", "( ~b +set )"});
    EXPECT_EQ(
        made.describe(),
        "off resetchannels -@all (~a resetchannels -@all +get) (~b resetchannels -@all +set)"
    );
    EXPECT_EQ(user({"(+get)", "clearselectors"}).selectors().size(), 1U);
}

TEST(Acl, AFileIsReadAndWritten) {
    const auto read = AclUsers::parse(
        "user alice on nopass ~a* +get\r\n\n  user bob on (+set %W~w*) (+get %R~r*)\nuser  off",
        "f",
        {}
    );
    ASSERT_TRUE(read.ok()) << read.error().message;
    const std::string text =
        "user  off resetchannels -@all\n"
        "user alice on nopass ~a* resetchannels -@all +get\n"
        "user bob on resetchannels -@all (%W~w* resetchannels -@all +set) "
        "(%R~r* resetchannels -@all +get)\n"
        "user default on nopass ~* &* +@all\n";
    EXPECT_EQ(read.value().to_text(), text);
    EXPECT_EQ(AclUsers::parse(text, "f", {}).value().to_text(), text);
}

TEST(Acl, AFilesErrorsAreAllTold) {
    const auto read = AclUsers::parse(
        "user alice on +@nope ~a\n# comment\nuser\nuser bob (+get\n\nuser alice on\n"
        "user carl on &a allchannels &b ~x allkeys ~y +foo\n  user dora on #zz >secret\n"
        "user e\tf on",
        "u.acl",
        {}
    );
    ASSERT_FALSE(read.ok());
    EXPECT_EQ(
        read.error().message,
        "u.acl:1: Error in applying operation '+@nope': Unknown command or category name in ACL. "
        "u.acl:2 should start with user keyword followed by the username. "
        "u.acl:3 should start with user keyword followed by the username. "
        "u.acl:4: Unmatched parenthesis in selector definition."
        "WARNING: Duplicate user 'alice' found on line 6. "
        "u.acl:7: Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid "
        "and does not have any effect. Try 'resetchannels' to start with an empty list of "
        "channels. u.acl:7: Error in applying operation '+foo': Unknown command or category name "
        "in ACL. u.acl:8: The password hash must be exactly 64 characters and contain only "
        "lowercase hexadecimal characters. 'u.acl:9: username 'e\tf' contains invalid characters. "
        "WARNING: ACL errors detected, no change to the previously active ACL rules was performed"
    );
}

TEST(Acl, UsersAreSharedByCopies) {
    AclUsers first;
    first.put(user({"on"}));
    AclUsers second = first;
    const AclUsers::User held = first.find("u");
    second.put(user({"off"}));
    EXPECT_TRUE(first.find("u")->enabled());
    EXPECT_EQ(first.find("u"), held);
    EXPECT_FALSE(second.find("u")->enabled());
    EXPECT_TRUE(second.remove("u"));
    EXPECT_FALSE(second.remove("u"));
    EXPECT_EQ(second.find("u"), nullptr);
    EXPECT_TRUE(held->enabled());
}

}  // namespace
}  // namespace kumo::kv
