#pragma once

#include "kv/command/context.h"

#include <initializer_list>
#include <string_view>
#include <vector>

namespace kumo::kv {

using Handler = void (*)(Context&);

struct HandlerEntry {
    std::string_view name;  ///< "get", or "object|encoding" for a subcommand.
    Handler handler;
};

/// The commands on keys, by CommandSpec::id. Immutable once made.
class HandlerTable {
public:
    HandlerTable();

    /// Requires: the table of commands has every name, and none has a handler yet.
    void add(std::initializer_list<HandlerEntry> entries);

    /// nullptr: not a command on keys (or one that is not there yet).
    Handler find(const CommandSpec& spec) const { return by_id_[spec.id]; }

private:
    std::vector<Handler> by_id_;
};

/// The one table of the process.
const HandlerTable& keyspace_handlers();

// One function for each file of src/kv/commands/, called by keyspace_handlers().
void add_string_commands(HandlerTable& table);
void add_expire_commands(HandlerTable& table);
void add_key_commands(HandlerTable& table);
void add_scan_commands(HandlerTable& table);
void add_object_commands(HandlerTable& table);
void add_bit_commands(HandlerTable& table);
void add_bitfield_commands(HandlerTable& table);
void add_lcs_commands(HandlerTable& table);
void add_dump_commands(HandlerTable& table);
void add_sort_commands(HandlerTable& table);
void add_set_commands(HandlerTable& table);
void add_stream_commands(HandlerTable& table);
void add_stream_read_commands(HandlerTable& table);
void add_stream_info_commands(HandlerTable& table);
void add_stream_group_commands(HandlerTable& table);
void add_hyperloglog_commands(HandlerTable& table);
void add_geo_commands(HandlerTable& table);
void add_list_commands(HandlerTable& table);
void add_list_pop_commands(HandlerTable& table);
void add_hash_commands(HandlerTable& table);
void add_zset_commands(HandlerTable& table);
void add_zset_range_commands(HandlerTable& table);
void add_zset_algebra_commands(HandlerTable& table);

}  // namespace kumo::kv
