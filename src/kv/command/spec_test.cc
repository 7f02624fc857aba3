#include "kv/command/spec.h"

#include "kv/command/internal/argument_tree.h"
#include "kv/command/internal/spec_rows.h"
#include "kv/command/introspection.h"
#include "kv/command/words.h"

#include <gtest/gtest.h>

#include <functional>
#include <set>
#include <string>

namespace kumo::kv {
namespace {

using Words = std::vector<ByteView>;

std::string keys_of(const Words& words) {
    const CommandSpec* command = find_command(words[0]);
    if (command == nullptr) {
        return "no command";
    }
    if (!command->subcommands.empty() && words.size() > 1) {
        command = find_subcommand(*command, words[1]);
    }
    const auto keys = find_keys(*command, words);
    if (!keys.ok()) {
        return "error: " + keys.error().message;
    }
    std::string out;
    for (const KeyRef& key : keys.value()) {
        out += out.empty() ? "" : " ";
        out += std::string(words[key.index]) + ":";
        for (const KeyFlagName& name : key_flag_names()) {
            if (name.bit <= kKeyRm && (key.flags & name.bit) != 0) {
                out += name.name;
            }
        }
    }
    return out;
}

void for_all(const std::function<void(const CommandSpec&)>& see) {
    for (const CommandSpec& command : all_commands()) {
        see(command);
        for (const CommandSpec& subcommand : command.subcommands) {
            see(subcommand);
        }
    }
}

TEST(CommandTable, FindsEveryCommandInAnyCase) {
    for (const CommandSpec& command : all_commands()) {
        std::string upper(command.name);
        for (char& c : upper) {
            c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
        }
        EXPECT_EQ(find_command(command.name), &command);
        EXPECT_EQ(find_command(upper), &command);
        for (const CommandSpec& subcommand : command.subcommands) {
            EXPECT_EQ(find_subcommand(command, subcommand.name), &subcommand);
            EXPECT_EQ(find_by_full_name(subcommand.full_name()), &subcommand);
            EXPECT_EQ(subcommand.parent, &command);
        }
    }
}

TEST(CommandTable, DoesNotFindWhatIsNotThere) {
    for (const ByteView name :
         {"",
          "ge",
          "gett",
          "client|id",
          "config|get",
          "a_name_longer_than_every_command_there_is"}) {
        EXPECT_EQ(find_command(name), nullptr) << name;
    }
    EXPECT_EQ(find_command(ByteView("get\0", 4)), nullptr);
    EXPECT_EQ(find_subcommand(*find_command("client"), "nothing"), nullptr);
    EXPECT_EQ(find_subcommand(*find_command("get"), "get"), nullptr);
}

TEST(CommandTable, NumbersCommandsWithoutGaps) {
    std::set<std::size_t> ids;
    for_all([&](const CommandSpec& command) { ids.insert(command.id); });
    EXPECT_EQ(ids.size(), command_count());
    EXPECT_EQ(*ids.rbegin(), command_count() - 1);
}

TEST(CommandTable, IsConsistent) {
    for_all([](const CommandSpec& command) {
        SCOPED_TRACE(command.full_name());
        EXPECT_NE(command.arity, 0);
        EXPECT_FALSE(command.is(kFlagWrite) && command.is(kFlagReadonly));
        EXPECT_EQ((command.categories & kAclFast) != 0, (command.categories & kAclSlow) == 0);
        EXPECT_FALSE(command.is(kFlagWrite) && (command.categories & kAclWrite) == 0);
        EXPECT_FALSE(command.docs->row->summary.empty());
        for (const KeySpec& key : command.keys) {
            EXPECT_TRUE(key.flags != 0);
            EXPECT_TRUE(key.find != KeySpec::Find::kRange || key.step > 0);
        }
        for (const auto& argument : internal::read_arguments(command.docs->row->arguments)) {
            EXPECT_LT(argument.key_spec, static_cast<int>(command.keys.size()));
        }
        if (command.arity == 1) {
            EXPECT_TRUE(command.keys.empty());
        }
    });
}

TEST(CommandTable, FindsKeysByIndexCountAndKeyword) {
    EXPECT_EQ(keys_of({"GET", "a"}), "a:RO");
    EXPECT_EQ(keys_of({"mset", "a", "1", "b", "2"}), "a:OW b:OW");
    EXPECT_EQ(keys_of({"del", "a", "b"}), "a:RM b:RM");
    EXPECT_EQ(keys_of({"blpop", "a", "b", "0"}), "a:RW b:RW");
    EXPECT_EQ(keys_of({"eval", "script", "2", "a", "b", "c"}), "a:RW b:RW");
    EXPECT_EQ(keys_of({"zunionstore", "d", "2", "a", "b"}), "d:OW a:RO b:RO");
    EXPECT_EQ(keys_of({"xread", "count", "1", "streams", "a", "b", "0", "0"}), "a:RO b:RO");
    EXPECT_EQ(keys_of({"xreadgroup", "group", "g", "c", "streams", "a", ">"}), "a:RO");
    EXPECT_EQ(keys_of({"object", "encoding", "a"}), "a:RO");
    EXPECT_EQ(keys_of({"ping"}), "");
}

TEST(CommandTable, FindsKeysThatOnlyTheCommandKnows) {
    EXPECT_EQ(keys_of({"set", "a", "1"}), "a:OW");
    EXPECT_EQ(keys_of({"set", "a", "1", "GET"}), "a:RW");
    EXPECT_EQ(keys_of({"bitfield", "a", "get", "u8", "0"}), "a:RO");
    EXPECT_EQ(keys_of({"bitfield", "a", "overflow", "wrap", "set", "u8", "0", "1"}), "a:RW");
    EXPECT_EQ(keys_of({"sort", "a"}), "a:RO");
    EXPECT_EQ(keys_of({"sort", "a", "by", "store", "store", "x", "STORE", "y"}), "a:RO y:OW");
    EXPECT_EQ(keys_of({"georadius", "k", "1", "1", "1", "km", "store", "d"}), "k:RO d:OW");
    EXPECT_EQ(keys_of({"georadius", "k", "1", "1", "1", "km", "store"}), "k:RO");
    EXPECT_EQ(keys_of({"migrate", "h", "1", "a", "0", "9"}), "a:RW");
    EXPECT_EQ(
        keys_of({"migrate", "h", "1", "", "0", "9", "auth", "keys", "keys", "a", "b"}),
        "a:RW b:RW"
    );
}

TEST(CommandTable, RefusesCountsOfKeysThatAreNone) {
    const std::string invalid = "error: Invalid arguments specified for command";
    EXPECT_EQ(keys_of({"zinter", "2", "a"}), invalid);
    EXPECT_EQ(keys_of({"zunionstore", "d", "0", "a"}), invalid);
    EXPECT_EQ(keys_of({"lmpop", "9223372036854775807", "a", "left"}), invalid);
    EXPECT_EQ(keys_of({"lmpop", "-1", "a", "left"}), invalid);
    EXPECT_EQ(keys_of({"migrate", "h", "1", "x", "0", "9", "keys", "a"}), "");
    EXPECT_EQ(
        keys_of({"zunionstore", "d", "0"}),
        "error: Invalid number of arguments specified for command"
    );
    // A script's keys may be none.
    EXPECT_EQ(keys_of({"eval", "script", "0"}), "");
    EXPECT_EQ(keys_of({"eval", "script", "abc"}), "");
    EXPECT_EQ(keys_of({"eval", "script", "5", "a"}), "");
}

std::string answer(const Words& words) {
    wire::RespWriter reply;
    answer_command(words, reply);
    return reply.take();
}

TEST(CommandCommand, AnswersKeysAndWhatIsDoneToThem) {
    EXPECT_EQ(answer({"command", "getkeys", "get", "a"}), "*1\r\n$1\r\na\r\n");
    EXPECT_EQ(
        answer({"command", "getkeysandflags", "get", "a"}),
        "*1\r\n*2\r\n$1\r\na\r\n*2\r\n+RO\r\n+access\r\n"
    );
    EXPECT_EQ(answer({"command", "getkeys", "eval", "x", "0"}), "*0\r\n");
    EXPECT_EQ(
        answer({"command", "getkeys", "ping", "a"}),
        "-ERR The command has no key arguments\r\n"
    );
    EXPECT_EQ(
        answer({"command", "getkeys", "spublish", "a", "b"}),
        "-ERR The command has no key arguments\r\n"
    );
    EXPECT_EQ(answer({"command", "getkeys", "nothing", "a"}), "-ERR Invalid command specified\r\n");
    EXPECT_EQ(
        answer({"command", "getkeys", "zinter", "2", "a"}),
        "-ERR Invalid arguments specified for command\r\n"
    );
}

TEST(CommandCommand, ListsWhatAFilterAccepts) {
    EXPECT_EQ(
        answer({"command", "list", "filterby", "pattern", "XGROUP|DEL*"}),
        "*1\r\n$18\r\nxgroup|delconsumer\r\n"
    );
    EXPECT_EQ(answer({"command", "list", "filterby", "aclcat", "nothing"}), "*0\r\n");
    EXPECT_EQ(answer({"command", "list", "filterby", "module", "m"}), "*0\r\n");
    EXPECT_EQ(answer({"command", "list", "filterby", "other", "m"}), "-ERR syntax error\r\n");
}

TEST(CommandCommand, AnswersNullForUnknownNames) {
    EXPECT_EQ(answer({"command", "info", "nothing"}), "*1\r\n*-1\r\n");
    EXPECT_EQ(answer({"command", "docs", "nothing"}), "*0\r\n");
}

}  // namespace
}  // namespace kumo::kv
