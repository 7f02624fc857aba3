// ACL and its subcommands (Redis 7.0).
#include "api/redis/access.h"
#include "api/redis/call.h"
#include "api/redis/service.h"
#include "base/random.h"
#include "kv/command/words.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

namespace kumo::api_redis {

namespace {

constexpr std::int64_t kGenpassBitsMax = 4096;
constexpr std::int64_t kGenpassBits = 256;
constexpr std::int64_t kLogEntriesShown = 10;

void wrong_subcommand(Call& call) {
    call.error(
        "ERR unknown subcommand or wrong number of arguments for '" + std::string(call.arg(1))
        + "'. Try ACL HELP."
    );
}

// Users -----------------------------------------------------------------------------------------

void do_whoami(Call& call) {
    call.reply.bulk(call.session.user->name());
}

void do_setuser(Call& call) {
    Access& access = call.service.access();
    const ByteView name = call.arg(2);
    if (kv::acl_has_spaces(name)) {
        call.error("ERR Usernames can't contain spaces or null characters");
        return;
    }
    const std::span<const ByteView> words = call.arguments.subspan(3);
    std::vector<std::string> rules;
    std::size_t unmatched = 0;
    if (!kv::join_acl_rules(words, &rules, &unmatched)) {
        call.error(
            "ERR Unmatched parenthesis in acl selector starting at '"
            + std::string(words[unmatched]) + "'."
        );
        return;
    }
    const kv::AclUsers::User known = access.users().find(name);
    kv::AclUser user =
        known == nullptr ? kv::AclUser(std::string(name), access.defaults()) : *known;
    for (const std::string& rule : rules) {
        const Status applied = user.apply(rule, access.defaults());
        if (!applied.ok()) {
            call.error(
                "ERR Error in ACL SETUSER modifier '" + rule + "': " + applied.error().message
            );
            return;
        }
    }
    access.put(std::move(user));
    call.reply.ok();
}

void do_deluser(Call& call) {
    const std::span<const ByteView> names = call.arguments.subspan(2);
    if (std::find(names.begin(), names.end(), "default") != names.end()) {
        call.error("ERR The 'default' user cannot be removed");
        return;
    }
    std::int64_t removed = 0;
    for (const ByteView name : names) {
        removed += call.service.access().remove(name) ? 1 : 0;
    }
    call.reply.integer(removed);
}

void reply_selector(Call& call, const kv::AclSelector& selector) {
    call.reply.bulk("commands");
    call.reply.bulk(selector.describe_commands());
    call.reply.bulk("keys");
    call.reply.bulk(selector.describe_keys());
    call.reply.bulk("channels");
    call.reply.bulk(selector.describe_channels());
}

void do_getuser(Call& call) {
    const kv::AclUsers::User user = call.service.access().users().find(call.arg(2));
    if (user == nullptr) {
        call.reply.null();
        return;
    }
    const auto flags = user->flags();
    const std::vector<kv::AclSelector>& selectors = user->selectors();
    call.reply.map(6);
    call.reply.bulk("flags");
    call.reply.set(flags.size());
    for (const std::string_view flag : flags) {
        call.reply.bulk(flag);
    }
    call.reply.bulk("passwords");
    call.reply.array(user->passwords().size());
    for (const std::string& hash : user->passwords()) {
        call.reply.bulk(hash);
    }
    reply_selector(call, selectors.front());
    call.reply.bulk("selectors");
    call.reply.array(selectors.size() - 1);
    for (std::size_t i = 1; i < selectors.size(); ++i) {
        call.reply.map(3);
        reply_selector(call, selectors[i]);
    }
}

void do_list(Call& call) {
    const auto& users = call.service.access().users().all();
    call.reply.array(users.size());
    for (const auto& [name, user] : users) {
        call.reply.bulk(kv::acl_user_line(*user));
    }
}

void do_users(Call& call) {
    const auto& users = call.service.access().users().all();
    call.reply.array(users.size());
    for (const auto& [name, user] : users) {
        call.reply.bulk(name);
    }
}

// Files -----------------------------------------------------------------------------------------

void reply_status(Call& call, const Status& status) {
    if (status.ok()) {
        call.reply.ok();
    } else {
        call.error("ERR " + status.error().message);
    }
}

void do_load(Call& call) {
    reply_status(call, call.service.access().load_file());
}

void do_save(Call& call) {
    reply_status(call, call.service.access().save_file());
}

// The rest --------------------------------------------------------------------------------------

void reply_category(Call& call, std::uint32_t category) {
    std::vector<std::string> names;
    const auto add = [&](const kv::CommandSpec& command) {
        if ((command.categories & category) != 0) {
            names.push_back(command.full_name());
        }
    };
    for (const kv::CommandSpec& command : kv::all_commands()) {
        add(command);
        std::for_each(command.subcommands.begin(), command.subcommands.end(), add);
    }
    call.reply.array(names.size());
    for (const std::string& name : names) {
        call.reply.bulk(name);
    }
}

void do_cat(Call& call) {
    if (call.argc() > 3) {
        wrong_subcommand(call);
        return;
    }
    if (call.argc() == 3) {
        const std::uint32_t category = kv::acl_category(call.arg(2));
        if (category == 0) {
            call.error("ERR Unknown category '" + std::string(call.arg(2)) + "'");
        } else {
            reply_category(call, category);
        }
        return;
    }
    const auto categories = kv::acl_category_names();
    call.reply.array(categories.size());
    for (const kv::CategoryName& category : categories) {
        call.reply.bulk(category.name);
    }
}

void do_genpass(Call& call) {
    if (call.argc() > 3) {
        wrong_subcommand(call);
        return;
    }
    std::int64_t bits = kGenpassBits;
    if (call.argc() == 3 && !call.integer(2, &bits)) {
        return;
    }
    if (bits <= 0 || bits > kGenpassBitsMax) {
        call.error(
            "ERR ACL GENPASS argument must be the number of bits for the output password, a "
            "positive number up to 4096"
        );
        return;
    }
    std::array<unsigned char, kGenpassBitsMax / 8> bytes{};
    secure_random(bytes);
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string out;
    for (std::size_t i = 0; i < static_cast<std::size_t>((bits + 3) / 4); ++i) {
        out.push_back(kDigits[bytes[i / 2] >> (i % 2 * 4) & 15]);
    }
    call.reply.bulk(out);
}

void reply_log_entry(Call& call, const AclLog::Entry& entry) {
    call.reply.map(7);
    call.reply.bulk("count");
    call.reply.integer(static_cast<std::int64_t>(entry.count));
    call.reply.bulk("reason");
    call.reply.bulk(AclLog::name_of(entry.reason));
    call.reply.bulk("context");
    call.reply.bulk(AclLog::name_of(entry.place));
    call.reply.bulk("object");
    call.reply.bulk(entry.object);
    call.reply.bulk("username");
    call.reply.bulk(entry.user);
    call.reply.bulk("age-seconds");
    call.reply.real(static_cast<double>(call.service.now_ms() - entry.at_ms) / 1000);
    call.reply.bulk("client-info");
    call.reply.bulk(entry.client);
}

void do_log(Call& call) {
    AclLog& log = call.service.access().log;
    if (call.argc() > 3) {
        wrong_subcommand(call);
        return;
    }
    std::int64_t count = kLogEntriesShown;
    if (call.argc() == 3) {
        if (call.arg_is(2, "RESET")) {
            log.clear();
            call.reply.ok();
            return;
        }
        if (!call.integer(2, &count)) {
            return;
        }
    }
    const std::size_t shown =
        std::min(log.entries().size(), static_cast<std::size_t>(std::max<std::int64_t>(count, 0)));
    call.reply.array(shown);
    for (std::size_t i = 0; i < shown; ++i) {
        reply_log_entry(call, log.entries()[i]);
    }
}

/// The command that the arguments from the third on name; nullptr: the error has been written.
const kv::CommandSpec* find_dry(Call& call, std::span<const ByteView> arguments) {
    const kv::CommandSpec* spec = kv::find_command(arguments[0]);
    if (spec != nullptr && !spec->subcommands.empty() && arguments.size() > 1) {
        spec = kv::find_subcommand(*spec, arguments[1]);
    }
    if (spec == nullptr) {
        call.error("ERR Command '" + std::string(arguments[0]) + "' not found");
        return nullptr;
    }
    const auto count = static_cast<std::int64_t>(arguments.size());
    if (spec->arity >= 0 ? count != spec->arity : count < -spec->arity) {
        call.error("ERR wrong number of arguments for '" + spec->full_name() + "' command");
        return nullptr;
    }
    return spec;
}

void do_dryrun(Call& call) {
    const kv::AclUsers::User user = call.service.access().users().find(call.arg(2));
    if (user == nullptr) {
        call.error("ERR User '" + std::string(call.arg(2)) + "' not found");
        return;
    }
    const std::span<const ByteView> arguments = call.arguments.subspan(3);
    const kv::CommandSpec* spec = find_dry(call, arguments);
    if (spec == nullptr) {
        return;
    }
    const kv::AclAnswer answer = user->check(*spec, arguments);
    const std::string object(arguments[answer.argument]);
    switch (answer.verdict) {
        case kv::AclVerdict::kAllowed: call.reply.ok(); break;
        case kv::AclVerdict::kCommand:
            call.reply.bulk(
                "This user has no permissions to run the '" + spec->full_name() + "' command"
            );
            break;
        case kv::AclVerdict::kKey:
            call.reply.bulk("This user has no permissions to access the '" + object + "' key");
            break;
        case kv::AclVerdict::kChannel:
            call.reply.bulk("This user has no permissions to access the '" + object + "' channel");
            break;
    }
}

void do_help(Call& call) {
    constexpr std::string_view kLines[] = {
        "CAT [<category>]",
        "    The categories, or the commands of one.",
        "DELUSER <username> [<username> ...]",
        "    Remove users and close their connections.",
        "DRYRUN <username> <command> [<arg> ...]",
        "    Whether the user could run the command, without running it.",
        "GETUSER <username>",
        "    What a user may do.",
        "GENPASS [<bits>]",
        "    A random password, of 256 bits unless said otherwise, in hexadecimal.",
        "LIST",
        "    All users, as lines of a configuration file.",
        "LOAD",
        "    Read the users from the ACL file again.",
        "LOG [<count> | RESET]",
        "    What was refused to users lately; RESET forgets it.",
        "SAVE",
        "    Write the users into the ACL file.",
        "SETUSER <username> <rule> [<rule> ...]",
        "    Make a user, or change one.",
        "USERS",
        "    The names of all users.",
        "WHOAMI",
        "    The user of this connection."};
    reply_help(call.reply, "ACL", kLines);
}

}  // namespace

void add_acl_calls(CallTable& table) {
    table.add({
        {"acl|cat", do_cat},
        {"acl|deluser", do_deluser},
        {"acl|dryrun", do_dryrun},
        {"acl|genpass", do_genpass},
        {"acl|getuser", do_getuser},
        {"acl|help", do_help},
        {"acl|list", do_list},
        {"acl|load", do_load},
        {"acl|log", do_log},
        {"acl|save", do_save},
        {"acl|setuser", do_setuser},
        {"acl|users", do_users},
        {"acl|whoami", do_whoami},
    });
}

}  // namespace kumo::api_redis
