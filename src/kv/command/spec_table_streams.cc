// Rows of the command table: internal/spec_rows.h says what stands where. Facts are of
// Redis 7.0.15.
#include "kv/command/internal/spec_rows.h"

namespace kumo::kv::internal {
namespace {

// clang-format off
constexpr SpecRow kStream[] = {
    {"xack", "5.0.0", -4, "write fast", "stream", {1, 1, 1},
     "RW update @1 0/1/0", "",
     "Says that entries of a group have been dealt with.", "O(1)", "",
     "key.k0 group id*"},
    {"xadd", "5.0.0", -5, "write denyoom fast", "stream", {1, 1, 1},
     "RW update @1 0/1/0 -- It may trim, so it does not only insert.", "nondeterministic_output",
     "Adds an entry to a stream; makes it if there is none.", "O(1)", "",
     "key.k0 nomkstream!?@6.2.0 trim?(strategy[maxlen! minid!@6.2.0] operator?[equal!'=' "
     "approximately!'~'] threshold count.i'LIMIT'?@6.2.0) id_or_auto[auto_id!'*' id] "
     "field_value*(field value)"},
    {"xautoclaim", "6.2.0", -6, "write fast", "stream", {1, 1, 1},
     "RW delete @1 0/1/0", "nondeterministic_output",
     "Takes over pending entries that nobody has dealt with for long.", "O(1)", "",
     "key.k0 group consumer min-idle-time start count.i'COUNT'? justid!?"},
    {"xclaim", "5.0.0", -6, "write fast", "stream", {1, 1, 1},
     "RW update @1 0/1/0", "nondeterministic_output",
     "Takes over pending entries by their identifiers.", "O(log(N))", "",
     "key.k0 group consumer min-idle-time id* ms.i'IDLE'? unix-time-milliseconds.u'TIME'? "
     "count.i'RETRYCOUNT'? force!? justid!? id'LASTID'?"},
    {"xdel", "5.0.0", -3, "write fast", "stream", {1, 1, 1},
     "RW delete @1 0/1/0", "",
     "Removes entries of a stream.", "O(1)", "",
     "key.k0 id*"},
    {"xgroup", "5.0.0", -2, "", "", {0, 0, 0},
     "", "",
     "Consumer groups of a stream.", "", "",
     ""},
    {"xgroup|create", "5.0.0", -5, "write denyoom", "stream", {2, 2, 1},
     "RW insert @2 0/1/0", "",
     "Makes a group.", "O(1)", "",
     "key.k0 groupname id[id new_id!'$'] mkstream!? entries_read.i'ENTRIESREAD'?"},
    {"xgroup|createconsumer", "6.2.0", 5, "write denyoom", "stream", {2, 2, 1},
     "RW insert @2 0/1/0", "",
     "Makes a consumer of a group.", "O(1)", "",
     "key.k0 groupname consumername"},
    {"xgroup|delconsumer", "5.0.0", 5, "write", "stream", {2, 2, 1},
     "RW delete @2 0/1/0", "",
     "Removes a consumer of a group.", "O(1)", "",
     "key.k0 groupname consumername"},
    {"xgroup|destroy", "5.0.0", 4, "write", "stream", {2, 2, 1},
     "RW delete @2 0/1/0", "",
     "Removes a group.", "O(N)", "",
     "key.k0 groupname"},
    {"xgroup|help", "5.0.0", 2, "loading stale", "stream", {0, 0, 0},
     "", "",
     "Lists the subcommands.", "O(1)", "",
     ""},
    {"xgroup|setid", "5.0.0", -5, "write", "stream", {2, 2, 1},
     "RW update @2 0/1/0", "",
     "Sets the last entry a group was given.", "O(1)", "",
     "key.k0 groupname id[id new_id!'$'] entries_read.i'ENTRIESREAD'?"},
    {"xinfo", "5.0.0", -2, "", "", {0, 0, 0},
     "", "",
     "What streams, groups and consumers look like.", "", "",
     ""},
    {"xinfo|consumers", "5.0.0", 4, "readonly", "stream", {2, 2, 1},
     "RO access @2 0/1/0", "nondeterministic_output",
     "Lists a group's consumers.", "O(1)", "",
     "key.k0 groupname"},
    {"xinfo|groups", "5.0.0", 3, "readonly", "stream", {2, 2, 1},
     "RO access @2 0/1/0", "",
     "Lists a stream's groups.", "O(1)", "",
     "key.k0"},
    {"xinfo|help", "5.0.0", 2, "loading stale", "stream", {0, 0, 0},
     "", "",
     "Lists the subcommands.", "O(1)", "",
     ""},
    {"xinfo|stream", "5.0.0", -3, "readonly", "stream", {2, 2, 1},
     "RO access @2 0/1/0", "",
     "Describes a stream.", "O(1)", "",
     "key.k0 full'FULL'?(count.i'COUNT'?)"},
    {"xlen", "5.0.0", 2, "readonly fast", "stream", {1, 1, 1},
     "RO @1 0/1/0", "",
     "Counts a stream's entries.", "O(1)", "",
     "key.k0"},
    {"xpending", "5.0.0", -3, "readonly", "stream", {1, 1, 1},
     "RO access @1 0/1/0", "nondeterministic_output",
     "Shows what a group was given and has not dealt with.", "O(N)", "",
     "key.k0 group filters?(min-idle-time.i'IDLE'?@6.2.0 start end count.i consumer?)"},
    {"xrange", "5.0.0", -4, "readonly", "stream", {1, 1, 1},
     "RO access @1 0/1/0", "",
     "Reads entries between two identifiers.", "O(N)", "",
     "key.k0 start end count.i'COUNT'?"},
    {"xread", "5.0.0", -4, "readonly blocking movablekeys", "stream", {0, 0, 0},
     "RO access @STREAMS:1 -1/1/2", "",
     "Reads new entries of streams; may wait for them.", "", "",
     "count.i'COUNT'? milliseconds.i'BLOCK'? streams'STREAMS'(key.k0* id*)"},
    {"xreadgroup", "5.0.0", -7, "write blocking movablekeys", "stream", {0, 0, 0},
     "RO access @STREAMS:4 -1/1/2", "",
     "Reads new or pending entries as a consumer of a group; may wait.", "", "",
     "group_consumer'GROUP'(group consumer) count.i'COUNT'? milliseconds.i'BLOCK'? noack!? "
     "streams'STREAMS'(key.k0* id*)"},
    {"xrevrange", "5.0.0", -4, "readonly", "stream", {1, 1, 1},
     "RO access @1 0/1/0", "",
     "Reads entries between two identifiers, the latest first.", "O(N)", "",
     "key.k0 end start count.i'COUNT'?"},
    {"xsetid", "5.0.0", -3, "write denyoom fast", "stream", {1, 1, 1},
     "RW update @1 0/1/0", "",
     "Sets a stream's last identifier; for servers.", "O(1)", "",
     "key.k0 last-id entries_added.i'ENTRIESADDED'?@7.0.0 "
     "max_deleted_entry_id'MAXDELETEDID'?@7.0.0"},
    {"xtrim", "5.0.0", -4, "write", "stream", {1, 1, 1},
     "RW delete @1 0/1/0", "nondeterministic_output",
     "Removes a stream's oldest entries.", "O(N)", "",
     "key.k0 trim(strategy[maxlen! minid!@6.2.0] operator?[equal!'=' approximately!'~'] threshold "
     "count.i'LIMIT'?@6.2.0)"},
};

// clang-format on

}  // namespace

const SpecGroup kStreamGroup{"stream", kStream};

}  // namespace kumo::kv::internal
