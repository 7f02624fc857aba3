// CLUSTER: slots that move as a whole (Valkey 9), and how much is in each (Valkey 8).
#include "api/redis/call.h"
#include "api/redis/cluster/cluster.h"
#include "kv/keyspace/number.h"
#include "node/kv/kv_node.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace kumo::api_redis {

namespace {

using Phase = node::KvMoveReport::Phase;

constexpr ByteView kDisabled = "ERR This instance has cluster support disabled";
constexpr ByteView kBadSlot = "ERR Invalid or out of range slot";
constexpr std::int64_t kMsPerSecond = 1000;

/// False: the error has been written.
bool read_slot(Call& call, std::size_t index, std::uint16_t* slot) {
    const auto value = kv::parse_integer(call.arg(index));
    if (!value || *value < 0 || *value >= node::kSlots) {
        call.error(kBadSlot);
        return false;
    }
    *slot = static_cast<std::uint16_t>(*value);
    return true;
}

bool read_range(Call& call, std::size_t index, node::SlotSet::Range* range) {
    if (!read_slot(call, index, &range->first) || !read_slot(call, index + 1, &range->second)) {
        return false;
    }
    if (range->first > range->second) {
        call.error(
            "ERR start slot number " + std::to_string(range->first)
            + " is greater than end slot number " + std::to_string(range->second)
        );
        return false;
    }
    return true;
}

bool is_word(const Call& call, std::size_t index, ByteView word) {
    return index < call.argc() && call.arg_is(index, word);
}

// MIGRATESLOTS ------------------------------------------------------------------------------------

/// One SLOTSRANGE .. NODE .., from `*index` on. False: the error has been written.
bool read_move(Call& call, std::size_t* index, node::SlotSet* taken, node::KvBeginMove* move) {
    if (!is_word(call, *index, "slotsrange")) {
        call.syntax_error();
        return false;
    }
    ++*index;
    do {
        if (*index + 1 >= call.argc()) {
            call.error("ERR No end slot for final slot range");
            return false;
        }
        node::SlotSet::Range range;
        if (!read_range(call, *index, &range)) {
            return false;
        }
        for (std::uint32_t at = range.first; at <= range.second; ++at) {
            const auto slot = static_cast<std::uint16_t>(at);
            if (taken->contains(slot)) {
                call.error("ERR Slot ranges in migrations overlap");
                return false;
            }
            taken->insert(slot);
            move->slots.insert(slot);
        }
        *index += 2;
    } while (*index < call.argc() && !is_word(call, *index, "node"));
    if (*index + 1 >= call.argc()) {
        call.syntax_error();
        return false;
    }
    const Cluster& of = *call.service.cluster;
    const ByteView name = call.arg(*index + 1);
    const auto target = node::parse_node_name(name);
    if (!target || cluster::find_member(of.members(), *target) == nullptr) {
        call.error("ERR Unknown node name: " + std::string(name));
        return false;
    }
    *index += 2;
    move->target = *target;
    return true;
}

/// All of them, or none.
void do_migrateslots(Call& call) {
    Cluster& of = *call.service.cluster;
    if (node::group_led_by(of.slots(), of.members(), of.self()) == nullptr) {
        call.error("ERR Only a master can move slots to another one");
        return;
    }
    std::vector<node::KvBeginMove> moves;
    node::SlotSet taken;
    for (std::size_t index = 2; index < call.argc();) {
        node::KvBeginMove move;
        if (!read_move(call, &index, &taken, &move)) {
            return;
        }
        move.id = make_uuid(call.service.random());
        move.source = of.self();
        move.at_ms = call.service.now_ms();
        moves.push_back(std::move(move));
    }
    auto tried = std::pair(of.slots(), of.members());
    for (const node::KvBeginMove& move : moves) {
        const Status begun = node::apply(tried.first, tried.second, move);
        if (!begun.ok()) {
            call.error("ERR " + begun.error().message);
            return;
        }
    }
    std::string error;
    for (const node::KvBeginMove& move : moves) {
        if (!of.change(call.session, move, &error)) {
            call.error(error);
            return;
        }
    }
    call.reply.ok();
}

/// Those from this node.
void do_cancelslotmigrations(Call& call) {
    Cluster& of = *call.service.cluster;
    const node::KvGroup* own = node::group_led_by(of.slots(), of.members(), of.self());
    std::vector<Uuid> own_moves;
    for (const auto& [id, move] : of.slots().moves) {
        if (own != nullptr && move->source == own->shard && !move->done) {
            own_moves.push_back(id);
        }
    }
    std::string error;
    for (const Uuid& id : own_moves) {
        of.node().moves().note_cancel(id);
        (void)of.change(call.session, node::KvCancelMove{id}, &error);
    }
    call.reply.ok();
}

std::string_view state_of(const node::KvMoveReport& report) {
    switch (report.phase) {
        case Phase::kWaiting:
            return report.exports ? "waiting-to-snapshot" : "waiting-for-snapshot";
        case Phase::kStreaming: return report.exports ? "snapshotting" : "receiving-snapshot";
        case Phase::kFrozen: return "failover-paused";
        case Phase::kDone: return "success";
        case Phase::kFailed: return "failed";
        case Phase::kCancelled: return "cancelled";
    }
    return "";
}

std::string ranges_of(const node::SlotSet& slots) {
    std::string out;
    for (const auto& [first, last] : slots.ranges()) {
        out += (out.empty() ? "" : " ") + std::to_string(first) + "-" + std::to_string(last);
    }
    return out;
}

void reply_move(wire::RespWriter& reply, const node::KvMoveReport& report) {
    const auto text = [&reply](ByteView name, ByteView value) {
        reply.bulk(name);
        reply.bulk(value);
    };
    const auto number = [&reply](ByteView name, std::int64_t value) {
        reply.bulk(name);
        reply.integer(value);
    };
    reply.map(12);
    text("name", node::node_name(report.id));
    text("operation", report.exports ? "EXPORT" : "IMPORT");
    text("slot_ranges", ranges_of(report.slots));
    text("target_node", node::node_name(report.target));
    text("source_node", node::node_name(report.source));
    number("create_time", report.begun_ms / kMsPerSecond);
    number("last_update_time", report.updated_ms / kMsPerSecond);
    number("last_ack_time", report.acked_ms / kMsPerSecond);
    text("state", state_of(report));
    text("message", report.message);
    number("cow_size", 0);
    number("remaining_repl_size", 0);
}

/// The newest first.
void do_getslotmigrations(Call& call) {
    node::KvMoves& moves = call.service.cluster->node().moves();
    moves.keep_reports(
        static_cast<std::size_t>(call.service.settings.number("cluster-slot-migration-log-max-len"))
    );
    const auto reports = moves.reports();
    call.reply.array(reports.size());
    for (auto each = reports.rbegin(); each != reports.rend(); ++each) {
        reply_move(call.reply, *each);
    }
}

// SLOT-STATS --------------------------------------------------------------------------------------

using SlotKeys = std::vector<std::pair<std::uint16_t, std::size_t>>;

SlotKeys keys_of_own(const Cluster& of, const node::SlotSet::Range& range) {
    SlotKeys out;
    const node::KvGroup* own = of.node().group();
    for (std::uint32_t at = range.first; own != nullptr && at <= range.second; ++at) {
        const auto slot = static_cast<std::uint16_t>(at);
        if (own->slots.contains(slot)) {
            out.emplace_back(slot, of.keys_in_slot(slot));
        }
    }
    return out;
}

void reply_stats(Call& call, const SlotKeys& slots) {
    call.reply.array(slots.size());
    for (const auto& [slot, keys] : slots) {
        call.reply.array(2);
        call.reply.integer(slot);
        call.reply.map(1);
        call.reply.bulk("key-count");
        call.reply.integer(static_cast<std::int64_t>(keys));
    }
}

bool read_order(Call& call, std::size_t* limit, bool* descending) {
    *limit = node::kSlots;
    *descending = true;
    bool limit_given = false;
    bool order_given = false;
    for (std::size_t i = 4; i < call.argc(); ++i) {
        const bool orders = is_word(call, i, "asc") || is_word(call, i, "desc");
        if (orders && !order_given) {
            order_given = true;
            *descending = is_word(call, i, "desc");
        } else if (is_word(call, i, "limit") && i + 1 < call.argc() && !limit_given) {
            limit_given = true;
            const auto value = kv::parse_integer(call.arg(++i));
            if (!value || *value < 1 || *value > node::kSlots) {
                call.error("ERR Limit has to lie in between 1 and 16384 (maximum number of slots)."
                );
                return false;
            }
            *limit = static_cast<std::size_t>(*value);
        } else {
            call.syntax_error();
            return false;
        }
    }
    return true;
}

void do_slot_stats(Call& call) {
    const Cluster& of = *call.service.cluster;
    if (is_word(call, 2, "slotsrange") && call.argc() == 5) {
        node::SlotSet::Range range;
        if (read_range(call, 3, &range)) {
            reply_stats(call, keys_of_own(of, range));
        }
        return;
    }
    if (!is_word(call, 2, "orderby")) {
        call.syntax_error();
        return;
    }
    std::size_t limit = 0;
    bool descending = true;
    if (!is_word(call, 3, "key-count")) {
        call.error("ERR Unrecognized sort metric for ORDERBY.");
        return;
    }
    if (!read_order(call, &limit, &descending)) {
        return;
    }
    SlotKeys slots = keys_of_own(of, {0, node::kSlots - 1});
    std::stable_sort(slots.begin(), slots.end(), [descending](const auto& a, const auto& b) {
        return descending ? a.second > b.second : a.second < b.second;
    });
    slots.resize(std::min(slots.size(), limit));
    reply_stats(call, slots);
}

/// With the check that all of them begin with.
template <void (*Handler)(Call&)>
void in_cluster(Call& call) {
    if (call.service.cluster == nullptr) {
        call.error(kDisabled);
        return;
    }
    Handler(call);
}

}  // namespace

void add_slot_calls(CallTable& table) {
    table.add({
        {"cluster|cancelslotmigrations", in_cluster<do_cancelslotmigrations>},
        {"cluster|getslotmigrations", in_cluster<do_getslotmigrations>},
        {"cluster|migrateslots", in_cluster<do_migrateslots>},
        {"cluster|slot-stats", in_cluster<do_slot_stats>},
    });
}

}  // namespace kumo::api_redis
