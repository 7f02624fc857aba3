#include "kv/command/handlers.h"

#include "base/assert.h"

namespace kumo::kv {

HandlerTable::HandlerTable() : by_id_(command_count(), nullptr) {}

void HandlerTable::add(std::initializer_list<HandlerEntry> entries) {
    for (const HandlerEntry& entry : entries) {
        const std::size_t bar = entry.name.find('|');
        const CommandSpec* spec = find_command(entry.name.substr(0, bar));
        if (spec != nullptr && bar != std::string_view::npos) {
            spec = find_subcommand(*spec, entry.name.substr(bar + 1));
        }
        KUMO_ASSERT(spec != nullptr);
        KUMO_ASSERT(by_id_[spec->id] == nullptr);
        by_id_[spec->id] = entry.handler;
    }
}

const HandlerTable& keyspace_handlers() {
    static const HandlerTable table = [] {
        HandlerTable made;
        add_string_commands(made);
        add_expire_commands(made);
        add_key_commands(made);
        add_scan_commands(made);
        add_object_commands(made);
        add_bit_commands(made);
        add_bitfield_commands(made);
        add_lcs_commands(made);
        add_dump_commands(made);
        add_sort_commands(made);
        add_set_commands(made);
        add_stream_commands(made);
        add_stream_read_commands(made);
        add_stream_info_commands(made);
        add_stream_group_commands(made);
        add_hyperloglog_commands(made);
        add_geo_commands(made);
        add_list_commands(made);
        add_list_pop_commands(made);
        add_hash_commands(made);
        add_zset_commands(made);
        add_zset_range_commands(made);
        add_zset_algebra_commands(made);
        return made;
    }();
    return table;
}

}  // namespace kumo::kv
