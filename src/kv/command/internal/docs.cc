#include "kv/command/internal/docs.h"

#include "kv/command/internal/argument_tree.h"
#include "kv/command/internal/spec_rows.h"
#include "kv/command/introspection.h"
#include "kv/command/spec.h"

#include <algorithm>
#include <string>

namespace kumo::kv::internal {
namespace {

using wire::RespWriter;

/// A map whose size is known when all of it has been written.
class Map {
public:
    explicit Map(RespWriter& reply) : reply_(reply), mark_(reply.mark()) {}

    Map(const Map&) = delete;
    Map& operator=(const Map&) = delete;

    ~Map() { reply_.insert_map(mark_, pairs_); }

    /// The value follows.
    void key(std::string_view name) {
        reply_.bulk(name);
        ++pairs_;
    }

    void text(std::string_view name, std::string_view value) {
        if (!value.empty()) {
            key(name);
            reply_.bulk(value);
        }
    }

private:
    RespWriter& reply_;
    std::size_t mark_;
    std::size_t pairs_ = 0;
};

void write_flags(const Argument& argument, Map& map, RespWriter& reply) {
    const std::size_t count = (argument.optional ? 1U : 0U) + (argument.multiple ? 1U : 0U)
                              + (argument.multiple_token ? 1U : 0U);
    if (count == 0) {
        return;
    }
    map.key("flags");
    reply.set(count);
    if (argument.optional) {
        reply.simple("optional");
    }
    if (argument.multiple) {
        reply.simple("multiple");
    }
    if (argument.multiple_token) {
        reply.simple("multiple_token");
    }
}

std::string token_of(const Argument& argument) {
    std::string token(argument.name_is_token ? argument.name : argument.token);
    if (argument.name_is_token) {
        std::transform(token.begin(), token.end(), token.begin(), [](char c) {
            return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
        });
    }
    return token;
}

void write_arguments(const std::vector<Argument>& arguments, RespWriter& reply) {
    reply.array(arguments.size());
    for (const Argument& argument : arguments) {
        Map map(reply);
        map.text("name", argument.name);
        map.text("type", argument.type);
        if (argument.key_spec >= 0) {
            map.key("key_spec_index");
            reply.integer(argument.key_spec);
        }
        if (argument.has_token) {
            map.key("token");
            reply.bulk(token_of(argument));
        }
        map.text("since", argument.since);
        map.text("deprecated_since", argument.deprecated_since);
        write_flags(argument, map, reply);
        if (!argument.parts.empty()) {
            map.key("arguments");
            write_arguments(argument.parts, reply);
        }
    }
}

void write_standing(std::string_view standing, Map& map, RespWriter& reply) {
    if (standing.empty()) {
        return;
    }
    const bool for_servers = standing == "syscmd";
    map.key("doc_flags");
    reply.set(1);
    reply.simple(for_servers ? "syscmd" : "deprecated");
    if (!for_servers) {
        const std::size_t space = std::min(standing.find(' '), standing.size() - 1);
        map.text("deprecated_since", standing.substr(0, space));
        map.text("replaced_by", standing.substr(space + 1));
    }
}

void write_docs(const CommandSpec& command, RespWriter& reply) {
    const SpecRow& row = *command.docs->row;
    reply.bulk(row.name);
    Map map(reply);
    map.text("summary", row.summary);
    map.text("since", row.since);
    map.text("group", command.docs->group);
    map.text("complexity", row.complexity);
    write_standing(row.standing, map, reply);
    if (!row.arguments.empty()) {
        map.key("arguments");
        write_arguments(read_arguments(row.arguments), reply);
    }
    if (!command.subcommands.empty()) {
        map.key("subcommands");
        reply.map(command.subcommands.size());
        for (const CommandSpec& subcommand : command.subcommands) {
            write_docs(subcommand, reply);
        }
    }
}

}  // namespace

void answer_docs(std::span<const ByteView> arguments, RespWriter& reply) {
    if (arguments.size() == 2) {
        reply.map(all_commands().size());
        for (const CommandSpec& command : all_commands()) {
            write_docs(command, reply);
        }
        return;
    }
    std::vector<const CommandSpec*> found;
    for (const ByteView name : arguments.subspan(2)) {
        if (const CommandSpec* command = find_by_full_name(name)) {
            found.push_back(command);
        }
    }
    reply.map(found.size());
    for (const CommandSpec* command : found) {
        write_docs(*command, reply);
    }
}

}  // namespace kumo::kv::internal
