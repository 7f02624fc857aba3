#include "kv/command/introspection.h"

#include "kv/command/internal/docs.h"
#include "kv/command/internal/spec_rows.h"
#include "kv/command/words.h"
#include "kv/keyspace/glob.h"

#include <algorithm>
#include <string>

namespace kumo::kv {
namespace {

using wire::RespWriter;
using Arguments = std::span<const ByteView>;

template <typename Names>
void write_words(std::uint32_t bits, Names names, ByteView prefix, RespWriter& reply) {
    std::vector<std::string> words;
    for (const auto& name : names) {
        if ((bits & static_cast<std::uint32_t>(name.bit)) != 0) {
            words.push_back(std::string(prefix) + std::string(name.name));
        }
    }
    reply.set(words.size());
    for (const std::string& word : words) {
        reply.simple(word);
    }
}

void write_flags(std::uint32_t flags, RespWriter& reply) {
    for (const FlagName& name : command_flag_names()) {
        flags &= name.shown ? ~0U : ~static_cast<std::uint32_t>(name.bit);
    }
    write_words(flags, command_flag_names(), "", reply);
}

void write_number(ByteView name, std::int64_t value, RespWriter& reply) {
    reply.bulk(name);
    reply.integer(value);
}

void write_begin(const KeySpec& spec, RespWriter& reply) {
    static constexpr std::string_view kTypes[] = {"unknown", "index", "keyword"};
    reply.bulk("begin_search");
    reply.map(2);
    reply.bulk("type");
    reply.bulk(kTypes[static_cast<std::size_t>(spec.begin)]);
    reply.bulk("spec");
    switch (spec.begin) {
        case KeySpec::Begin::kUnknown: reply.map(0); break;
        case KeySpec::Begin::kIndex:
            reply.map(1);
            write_number("index", spec.index, reply);
            break;
        case KeySpec::Begin::kKeyword:
            reply.map(2);
            reply.bulk("keyword");
            reply.bulk(spec.keyword);
            write_number("startfrom", spec.index, reply);
            break;
    }
}

void write_find(const KeySpec& spec, RespWriter& reply) {
    static constexpr std::string_view kTypes[] = {"unknown", "range", "keynum"};
    reply.bulk("find_keys");
    reply.map(2);
    reply.bulk("type");
    reply.bulk(kTypes[static_cast<std::size_t>(spec.find)]);
    reply.bulk("spec");
    switch (spec.find) {
        case KeySpec::Find::kUnknown: reply.map(0); break;
        case KeySpec::Find::kRange:
            reply.map(3);
            write_number("lastkey", spec.last_key, reply);
            write_number("keystep", spec.step, reply);
            write_number("limit", spec.limit, reply);
            break;
        case KeySpec::Find::kKeynum:
            reply.map(3);
            write_number("keynumidx", spec.keynum_index, reply);
            write_number("firstkey", spec.first_key, reply);
            write_number("keystep", spec.key_step, reply);
            break;
    }
}

void write_key_specs(const CommandSpec& command, RespWriter& reply) {
    reply.set(command.keys.size());
    for (const KeySpec& spec : command.keys) {
        reply.map(spec.notes.empty() ? 3 : 4);
        if (!spec.notes.empty()) {
            reply.bulk("notes");
            reply.bulk(spec.notes);
        }
        reply.bulk("flags");
        write_words(spec.flags, key_flag_names(), "", reply);
        write_begin(spec, reply);
        write_find(spec, reply);
    }
}

void write_tips(const CommandSpec& command, RespWriter& reply) {
    std::string_view tips = command.docs->row->tips;
    std::vector<std::string_view> words;
    while (!tips.empty()) {
        const std::size_t end = std::min(tips.find(' '), tips.size());
        words.push_back(tips.substr(0, end));
        tips.remove_prefix(std::min(end + 1, tips.size()));
    }
    reply.set(words.size());
    for (const std::string_view word : words) {
        reply.bulk(word);
    }
}

void write_info(const CommandSpec* command, RespWriter& reply) {
    if (command == nullptr) {
        reply.null_array();
        return;
    }
    reply.array(10);
    reply.bulk(command->docs->row->name);
    reply.integer(command->arity);
    write_flags(command->flags, reply);
    reply.integer(command->first_key);
    reply.integer(command->last_key);
    reply.integer(command->key_step);
    write_words(command->categories, acl_category_names(), "@", reply);
    write_tips(*command, reply);
    write_key_specs(*command, reply);
    reply.array(command->subcommands.size());
    for (const CommandSpec& subcommand : command->subcommands) {
        write_info(&subcommand, reply);
    }
}

void write_all_info(RespWriter& reply) {
    reply.array(all_commands().size());
    for (const CommandSpec& command : all_commands()) {
        write_info(&command, reply);
    }
}

void answer_info(Arguments arguments, RespWriter& reply) {
    if (arguments.size() == 2) {
        write_all_info(reply);
        return;
    }
    reply.array(arguments.size() - 2);
    for (const ByteView name : arguments.subspan(2)) {
        write_info(find_by_full_name(name), reply);
    }
}

// Which commands LIST tells.

struct Filter {
    ByteView kind;  ///< Empty: all.
    ByteView value;

    bool accepts(const CommandSpec& command) const {
        if (kind.empty()) {
            return true;
        }
        if (same_word(kind, "aclcat")) {
            return (command.categories & acl_category(value)) != 0;
        }
        return same_word(kind, "pattern") && glob_matches(value, command.docs->row->name, true);
    }
};

void answer_list(Arguments arguments, RespWriter& reply) {
    Filter filter;
    if (arguments.size() > 2) {
        const bool known =
            arguments.size() == 5 && same_word(arguments[2], "filterby")
            && (same_word(arguments[3], "module") || same_word(arguments[3], "aclcat")
                || same_word(arguments[3], "pattern"));
        if (!known) {
            reply.error("ERR syntax error");
            return;
        }
        filter = Filter{arguments[3], arguments[4]};
    }
    std::vector<std::string_view> names;
    const auto add = [&](const CommandSpec& command) {
        if (filter.accepts(command)) {
            names.push_back(command.docs->row->name);
        }
    };
    for (const CommandSpec& command : all_commands()) {
        add(command);
        std::for_each(command.subcommands.begin(), command.subcommands.end(), add);
    }
    reply.set(names.size());
    for (const std::string_view name : names) {
        reply.bulk(name);
    }
}

/// The command that the arguments from 2 on are; nullptr: the error has been written.
const CommandSpec* command_given(Arguments given, RespWriter& reply) {
    const CommandSpec* command = find_command(given[0]);
    if (command != nullptr && !command->subcommands.empty() && given.size() > 1) {
        command = find_subcommand(*command, given[1]);
    }
    if (command == nullptr) {
        reply.error("ERR Invalid command specified");
        return nullptr;
    }
    const bool has_keys =
        std::any_of(command->keys.begin(), command->keys.end(), [](const KeySpec& spec) {
            return (spec.flags & kKeyNotKey) == 0;
        });
    if (!has_keys) {
        reply.error("ERR The command has no key arguments");
        return nullptr;
    }
    return command;
}

void answer_keys(Arguments arguments, bool with_flags, RespWriter& reply) {
    const Arguments given = arguments.subspan(2);
    const CommandSpec* command = command_given(given, reply);
    if (command == nullptr) {
        return;
    }
    const auto keys = find_keys(*command, given);
    if (!keys.ok()) {
        reply.error("ERR " + keys.error().message);
        return;
    }
    if (keys.value().empty() && !command->is(kFlagNoMandatoryKeys)) {
        reply.error("ERR Invalid arguments specified for command");
        return;
    }
    reply.array(keys.value().size());
    for (const KeyRef& key : keys.value()) {
        if (!with_flags) {
            reply.bulk(given[key.index]);
            continue;
        }
        reply.array(2);
        reply.bulk(given[key.index]);
        write_words(key.flags, key_flag_names(), "", reply);
    }
}

void answer_help(RespWriter& reply) {
    static constexpr std::string_view kLines[] = {
        "COMMAND <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        "(no subcommand)",
        "    Tells everything about every command.",
        "COUNT",
        "    Counts the commands.",
        "LIST [FILTERBY MODULE|ACLCAT|PATTERN <value>]",
        "    Lists the names of commands.",
        "INFO [<command> ...]",
        "    Describes commands for clients; all of them if none is named.",
        "DOCS [<command> ...]",
        "    Describes commands for people; all of them if none is named.",
        "GETKEYS <command> [<arg> ...]",
        "    Finds the keys of a whole command.",
        "GETKEYSANDFLAGS <command> [<arg> ...]",
        "    Finds the keys of a whole command, and what is done to each.",
        "HELP",
        "    Prints this help.",
    };
    reply.array(std::size(kLines));
    for (const std::string_view line : kLines) {
        reply.simple(line);
    }
}

}  // namespace

const CommandSpec* find_by_full_name(ByteView name) {
    const std::size_t bar = std::min(name.find('|'), name.size());
    const CommandSpec* command = find_command(name.substr(0, bar));
    if (command == nullptr || bar == name.size()) {
        return command;
    }
    return find_subcommand(*command, name.substr(bar + 1));
}

void answer_command(Arguments arguments, RespWriter& reply) {
    const ByteView what = arguments.size() > 1 ? arguments[1] : ByteView();
    if (what.empty()) {
        write_all_info(reply);
    } else if (same_word(what, "count")) {
        reply.integer(static_cast<std::int64_t>(all_commands().size()));
    } else if (same_word(what, "info")) {
        answer_info(arguments, reply);
    } else if (same_word(what, "docs")) {
        internal::answer_docs(arguments, reply);
    } else if (same_word(what, "list")) {
        answer_list(arguments, reply);
    } else if (same_word(what, "getkeys") && arguments.size() > 2) {
        answer_keys(arguments, false, reply);
    } else if (same_word(what, "getkeysandflags") && arguments.size() > 2) {
        answer_keys(arguments, true, reply);
    } else if (same_word(what, "help")) {
        answer_help(reply);
    } else {
        reply.error(
            "ERR unknown subcommand '" + std::string(what.substr(0, 128)) + "'. Try COMMAND HELP."
        );
    }
}

}  // namespace kumo::kv
