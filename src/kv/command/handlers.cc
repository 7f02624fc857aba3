#include "kv/command/handlers.h"

namespace kumo::kv {

const HandlerTable& keyspace_handlers() {
    static const HandlerTable kTable = [] {
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
        add_geo_search_commands(made);
        add_list_commands(made);
        add_list_pop_commands(made);
        add_hash_commands(made);
        add_zset_commands(made);
        add_zset_range_commands(made);
        add_zset_algebra_commands(made);
        return made;
    }();
    return kTable;
}

}  // namespace kumo::kv
