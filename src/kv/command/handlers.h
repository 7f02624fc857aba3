#pragma once

#include "kv/command/command_table.h"
#include "kv/command/context.h"

namespace kumo::kv {

using Handler = void (*)(Context&);

/// The commands on keys.
using HandlerTable = CommandTable<Handler>;

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
void add_geo_search_commands(HandlerTable& table);
void add_list_commands(HandlerTable& table);
void add_list_pop_commands(HandlerTable& table);
void add_hash_commands(HandlerTable& table);
void add_zset_commands(HandlerTable& table);
void add_zset_range_commands(HandlerTable& table);
void add_zset_algebra_commands(HandlerTable& table);

}  // namespace kumo::kv
