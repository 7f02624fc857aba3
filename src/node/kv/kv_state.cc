#include "node/kv/kv_state.h"

#include "node/internal/kv_mutant.h"
#include "wire/crc32c.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace kumo::node {

namespace {

using cluster::NodeId;

Error unknown_node(const NodeId& node) {
    return not_found("Unknown node " + node_name(node));
}

Error in_no_group() {
    return not_found("the node has no slots to speak of: it has only just joined");
}

KvGroup* edit(KvState& kv, cluster::ShardId shard) {
    const auto found = kv.groups.find(shard);
    if (found == kv.groups.end()) {
        return nullptr;
    }
    auto copy = std::make_shared<KvGroup>(*found->second);
    KvGroup* group = copy.get();
    found->second = std::move(copy);
    return group;
}

void drop_group(KvState& kv, cluster::State& cluster, cluster::ShardId shard) {
    kv.groups.erase(shard);
    cluster::drop_shard(cluster, shard);
}

/// Whoever has them has them no more.
void take_slots(KvState& kv, const SlotSet& slots) {
    for (auto& [shard, shared] : kv.groups) {
        if (shared->slots.first_common(slots)) {
            auto copy = std::make_shared<KvGroup>(*shared);
            copy->slots.erase(slots);
            shared = std::move(copy);
        }
    }
}

void close_slot(KvState& kv, const NodeId& node, std::uint16_t slot) {
    const auto found = kv.open_slots.find(node);
    if (found != kv.open_slots.end()) {
        found->second.erase(slot);
        if (found->second.empty()) {
            kv.open_slots.erase(found);
        }
    }
}

Status run(KvState& kv, cluster::State& cluster, const KvEnter& command) {
    const cluster::Member* member = cluster::find_member(cluster, command.node);
    if (member == nullptr) {
        return unknown_node(command.node);
    }
    if (group_of(kv, cluster, command.node) != nullptr) {
        return Error{ErrorCode::kAlreadyExists, "the node is in a group"};
    }
    KUMO_TRY_ASSIGN(
        const cluster::ShardId shard,
        cluster::add_shard_at(cluster, command.mode, command.node)
    );
    SlotSet claimed = command.slots;
    for (const auto& [other, group] : kv.groups) {
        const bool stronger = std::pair(command.epoch, command.node)
                              > std::pair(group->config_epoch, master_of(cluster, *group));
        if (!stronger) {
            claimed.erase(group->slots);
        }
    }
    take_slots(kv, claimed);
    KvGroup group{shard, command.epoch, claimed};
    const bool taken = std::any_of(kv.groups.begin(), kv.groups.end(), [&](const auto& each) {
        return each.second->config_epoch == command.epoch;
    });
    kv.current_epoch = std::max({kv.current_epoch, command.epoch, command.epoch_seen});
    if (taken && command.epoch != 0) {
        group.config_epoch = ++kv.current_epoch;
    }
    kv.groups[shard] = std::make_shared<const KvGroup>(std::move(group));
    kv.forgotten.erase(command.node);
    return {};
}

Result<KvGroup*> edit_led_by(KvState& kv, const cluster::State& cluster, const NodeId& node) {
    if (cluster::find_member(cluster, node) == nullptr) {
        return unknown_node(node);
    }
    const KvGroup* known = group_led_by(kv, cluster, node);
    if (known == nullptr) {
        return group_of(kv, cluster, node) == nullptr
                   ? in_no_group()
                   : Error{ErrorCode::kInvalidArgument, "Target node is not a master"};
    }
    return edit(kv, known->shard);
}

Status run(KvState& kv, cluster::State& cluster, const KvAddSlots& command) {
    for (const auto& [shard, group] : kv.groups) {
        const auto busy = group->slots.first_common(command.slots);
        if (busy) {
            return Error{
                ErrorCode::kConflict,
                "Slot " + std::to_string(*busy) + " is already busy"};
        }
    }
    KUMO_TRY_ASSIGN(KvGroup * group, edit_led_by(kv, cluster, command.node));
    group->slots.insert(command.slots);
    for (const auto& [first, last] : command.slots.ranges()) {
        for (std::uint32_t slot = first; slot <= last; ++slot) {
            const auto open = kv.open_slots.find(command.node);
            if (open != kv.open_slots.end()
                && open->second.contains(static_cast<std::uint16_t>(slot))
                && open->second.at(static_cast<std::uint16_t>(slot)).importing) {
                close_slot(kv, command.node, static_cast<std::uint16_t>(slot));
            }
        }
    }
    return {};
}

Status run(KvState& kv, cluster::State& /*cluster*/, const KvDropSlots& command) {
    SlotSet free = command.slots;
    for (const auto& [shard, group] : kv.groups) {
        free.erase(group->slots);
    }
    if (const auto first = free.first_common(free)) {
        return Error{
            ErrorCode::kConflict,
            "Slot " + std::to_string(*first) + " is already unassigned"};
    }
    take_slots(kv, command.slots);
    return {};
}

Status run(KvState& kv, cluster::State& cluster, const KvGiveSlot& command) {
    if (command.slot >= kSlots) {
        return invalid_argument("Invalid or out of range slot");
    }
    const KvGroup* before = owner_of(kv, command.slot);
    const NodeId giver = before == nullptr ? NodeId() : master_of(cluster, *before);
    KUMO_TRY_ASSIGN(KvGroup * group, edit_led_by(kv, cluster, command.node));
    close_slot(kv, command.node, command.slot);
    if (giver == command.node) {
        return {};
    }
    SlotSet slot;
    slot.insert(command.slot);
    const cluster::ShardId shard = group->shard;
    take_slots(kv, slot);
    group = edit(kv, shard);
    group->slots.insert(command.slot);
    // As Redis does where the importing side gets the slot: its claim is to be the strongest.
    if (group->config_epoch == 0 || group->config_epoch != kv.current_epoch) {
        group->config_epoch = ++kv.current_epoch;
    }
    const auto open = kv.open_slots.find(giver);
    if (open != kv.open_slots.end() && open->second.contains(command.slot)) {
        close_slot(kv, giver, command.slot);
    }
    return {};
}

Status run(KvState& kv, cluster::State& cluster, const KvMarkSlot& command) {
    if (command.slot >= kSlots) {
        return invalid_argument("Invalid or out of range slot");
    }
    if (cluster::find_member(cluster, command.node) == nullptr) {
        return unknown_node(command.node);
    }
    if (!command.mark) {
        close_slot(kv, command.node, command.slot);
        return {};
    }
    if (cluster::find_member(cluster, command.mark->peer) == nullptr) {
        return unknown_node(command.mark->peer);
    }
    for (const auto& [id, move] : kv.moves) {
        if (move->slots.contains(command.slot)) {
            return Error{
                ErrorCode::kConflict,
                "Slot " + std::to_string(command.slot)
                    + " is being moved by CLUSTER MIGRATESLOTS."};
        }
    }
    kv.open_slots[command.node][command.slot] = *command.mark;
    return {};
}

/// Takes the node out of the group it is in; its own group, which has no slots, goes with that, and
/// who replicates it follows it to `next`.
Status
leave_group(KvState& kv, cluster::State& cluster, const NodeId& node, cluster::ShardId next) {
    const KvGroup* present = group_of(kv, cluster, node);
    if (present == nullptr) {
        return {};
    }
    const cluster::ShardId shard = present->shard;
    const cluster::Shard* known = cluster::find_shard(cluster, shard);
    if (known->primary != node && known->copies.size() > 1) {
        return cluster::apply(cluster, cluster::RemoveCopy{shard, node});
    }
    if (!present->slots.empty()) {
        return Error{
            ErrorCode::kConflict,
            "To set a master the node must be empty and without assigned slots."};
    }
    std::vector<NodeId> followers;
    for (const auto& [other, copy] : known->copies) {
        if (other != node) {
            followers.push_back(other);
        }
    }
    drop_group(kv, cluster, shard);
    for (const NodeId& follower : followers) {
        KUMO_TRY(cluster::apply(cluster, cluster::PlaceCopy{next, follower}));
    }
    return {};
}

Status run(KvState& kv, cluster::State& cluster, const KvReplicate& command) {
    const KvGroup* target = group_led_by(kv, cluster, command.master);
    if (cluster::find_member(cluster, command.master) == nullptr) {
        return unknown_node(command.master);
    }
    if (command.node == command.master) {
        return invalid_argument("Can't replicate myself");
    }
    if (target == nullptr) {
        return invalid_argument("I can only replicate a master, not a replica.");
    }
    const cluster::ShardId shard = target->shard;
    if (cluster::find_shard(cluster, shard)->copies.contains(command.node)) {
        return {};
    }
    KUMO_TRY(leave_group(kv, cluster, command.node, shard));
    kv.open_slots.erase(command.node);
    return cluster::apply(cluster, cluster::PlaceCopy{shard, command.node});
}

Status run(KvState& kv, cluster::State& cluster, const KvSetEpoch& command) {
    KUMO_TRY_ASSIGN(KvGroup * group, edit_led_by(kv, cluster, command.node));
    if (group->config_epoch != 0) {
        return Error{ErrorCode::kConflict, "Node config epoch is already non-zero"};
    }
    group->config_epoch = command.epoch;
    kv.current_epoch = std::max(kv.current_epoch, command.epoch);
    return {};
}

Status run(KvState& kv, cluster::State& cluster, const KvBumpEpoch& command) {
    const KvGroup* known = group_of(kv, cluster, command.node);
    if (known == nullptr) {
        return in_no_group();
    }
    std::uint64_t highest = kv.current_epoch;
    for (const auto& [shard, group] : kv.groups) {
        highest = std::max(highest, group->config_epoch);
    }
    if (known->config_epoch == 0 || known->config_epoch != highest) {
        kv.current_epoch = highest + 1;
        edit(kv, known->shard)->config_epoch = kv.current_epoch;
    }
    return {};
}

Status run(KvState& kv, cluster::State& cluster, const KvForget& command) {
    const cluster::Member* member = cluster::find_member(cluster, command.node);
    if (member == nullptr) {
        return kv.forgotten.contains(command.node) ? Status() : Status(unknown_node(command.node));
    }
    const KvGroup* led = group_led_by(kv, cluster, command.node);
    if (led != nullptr && !member->fenced && !led->slots.empty()) {
        return Error{
            ErrorCode::kConflict,
            "the node is up and has slots: move them to other masters first"};
    }
    const KvGroup* present = group_of(kv, cluster, command.node);
    if (present != nullptr) {
        const cluster::Shard* shard = cluster::find_shard(cluster, present->shard);
        const bool alone = shard->copies.size() == 1 || shard->primary == command.node;
        if (alone) {
            drop_group(kv, cluster, present->shard);
        } else {
            KUMO_TRY(cluster::apply(cluster, cluster::RemoveCopy{present->shard, command.node}));
        }
    }
    kv.open_slots.erase(command.node);
    cluster.members.erase(command.node);
    if (kv.forgotten.size() >= kForgottenMax) {
        const auto oldest = std::min_element(
            kv.forgotten.begin(),
            kv.forgotten.end(),
            [](const auto& a, const auto& b) { return a.second < b.second; }
        );
        kv.forgotten.erase(oldest);
    }
    kv.forgotten[command.node] = command.at_ms;
    return {};
}

// ---- slots that move

bool has_all(const KvGroup& group, const SlotSet& slots) {
    SlotSet others = slots;
    others.erase(group.slots);
    return others.empty();
}

/// The source's primary is who began it, so that it can be finished.
bool may_be_finished(const KvState& kv, const cluster::State& cluster, const KvMove& move) {
    const cluster::Shard* source = cluster::find_shard(cluster, move.source);
    const auto group = kv.groups.find(move.source);
    if (source == nullptr || group == kv.groups.end() || !kv.groups.contains(move.target)) {
        return false;
    }
    const bool same_primary =
        (source->term == move.term && source->primary_incarnation == move.incarnation)
        || planted(KvMutant::kMoveUnfenced);
    return same_primary && has_all(*group->second, move.slots);
}

/// After a change of anything: moves that cannot be finished any more go, and those where nobody
/// is left to make them true.
void end_moves(KvState& kv, const cluster::State& cluster) {
    for (auto each = kv.moves.begin(); each != kv.moves.end();) {
        const KvMove& move = *each->second;
        const bool adopted = move.adopted || !kv.groups.contains(move.target);
        const bool dropped = move.dropped || !kv.groups.contains(move.source);
        const bool over = move.done ? adopted && dropped : !may_be_finished(kv, cluster, move);
        each = over ? kv.moves.erase(each) : std::next(each);
    }
}

Status run(KvState& kv, cluster::State& cluster, const KvBeginMove& command) {
    for (const NodeId& node : {command.source, command.target}) {
        if (cluster::find_member(cluster, node) == nullptr) {
            return unknown_node(node);
        }
    }
    const KvGroup* source = group_led_by(kv, cluster, command.source);
    const KvGroup* target = group_led_by(kv, cluster, command.target);
    if (target == nullptr) {
        return invalid_argument("Target node is not a master");
    }
    if (source == nullptr || command.slots.empty() || !has_all(*source, command.slots)) {
        return Error{ErrorCode::kConflict, "Slots are not served by this node."};
    }
    if (source == target) {
        return invalid_argument("Target node can not be this node");
    }
    for (const auto& [id, move] : kv.moves) {
        if (const auto slot = move->slots.first_common(command.slots)) {
            return Error{
                ErrorCode::kConflict,
                "I am already migrating slot " + std::to_string(*slot) + "."};
        }
    }
    for (const auto& [node, open] : kv.open_slots) {
        for (const auto& [slot, mark] : open) {
            if (command.slots.contains(slot)) {
                return Error{
                    ErrorCode::kConflict,
                    "Slot " + std::to_string(slot) + " is being moved by CLUSTER SETSLOT."};
            }
        }
    }
    if (kv.moves.size() >= kMovesMax) {
        return Error{ErrorCode::kLimitExceeded, "too many slot migrations are under way"};
    }
    const cluster::Shard& shard = *cluster::find_shard(cluster, source->shard);
    auto move = std::make_shared<KvMove>();
    move->id = command.id;
    move->source = source->shard;
    move->target = target->shard;
    move->slots = command.slots;
    move->term = shard.term;
    move->incarnation = shard.primary_incarnation;
    move->begun_ms = command.at_ms;
    if (!kv.moves.emplace(command.id, std::move(move)).second) {
        return Error{ErrorCode::kAlreadyExists, "the move is under way"};
    }
    return {};
}

Error no_such_move() {
    return not_found("there is no such slot migration any more");
}

Status run(KvState& kv, cluster::State& cluster, const KvFinishMove& command) {
    const auto found = kv.moves.find(command.id);
    if (found == kv.moves.end()) {
        return no_such_move();
    }
    if (found->second->done) {
        return {};
    }
    auto move = std::make_shared<KvMove>(*found->second);
    if (!may_be_finished(kv, cluster, *move)) {
        kv.moves.erase(found);
        return {};
    }
    take_slots(kv, move->slots);
    KvGroup* group = edit(kv, move->target);
    group->slots.insert(move->slots);
    group->config_epoch = ++kv.current_epoch;
    move->done = true;
    found->second = std::move(move);
    return {};
}

Status run(KvState& kv, cluster::State& /*cluster*/, const KvCancelMove& command) {
    const auto found = kv.moves.find(command.id);
    if (found == kv.moves.end()) {
        return no_such_move();
    }
    if (found->second->done) {
        return Error{ErrorCode::kConflict, "the slots have moved"};
    }
    kv.moves.erase(found);
    return {};
}

Status run(KvState& kv, cluster::State& /*cluster*/, const KvSettleMove& command) {
    const auto found = kv.moves.find(command.id);
    if (found == kv.moves.end()) {
        return no_such_move();
    }
    auto move = std::make_shared<KvMove>(*found->second);
    if (!move->done) {
        return invalid_argument("the slots have not moved");
    }
    (command.adopted ? move->adopted : move->dropped) = true;
    found->second = std::move(move);
    return {};
}

}  // namespace

bool operator==(const KvState& a, const KvState& b) {
    const auto same = [](const auto& x, const auto& y) {
        return x.first == y.first && *x.second == *y.second;
    };
    return a.current_epoch == b.current_epoch && a.open_slots == b.open_slots
           && a.forgotten == b.forgotten
           && std::equal(a.moves.begin(), a.moves.end(), b.moves.begin(), b.moves.end(), same)
           && std::equal(a.groups.begin(), a.groups.end(), b.groups.begin(), b.groups.end(), same);
}

Status apply(KvState& kv, cluster::State& cluster, const KvCommand& command) {
    KvState next = kv;
    cluster::State shards = cluster;
    KUMO_TRY(std::visit([&](const auto& what) { return run(next, shards, what); }, command));
    follow(next, cluster, shards);
    kv = std::move(next);
    cluster = std::move(shards);
    return {};
}

void follow(KvState& kv, const cluster::State& before, const cluster::State& cluster) {
    for (auto each = kv.groups.begin(); each != kv.groups.end();) {
        const cluster::Shard* shard = cluster::find_shard(cluster, each->first);
        if (shard == nullptr) {
            each = kv.groups.erase(each);
            continue;
        }
        const cluster::Shard* was = cluster::find_shard(before, each->first);
        const bool moved = was != nullptr && !was->primary.is_nil()
                           && was->primary != shard->primary && !shard->primary.is_nil();
        if (moved) {
            auto copy = std::make_shared<KvGroup>(*each->second);
            copy->config_epoch = ++kv.current_epoch;
            each->second = std::move(copy);
        }
        ++each;
    }
    end_moves(kv, cluster);
}

const KvGroup* group_of(const KvState& kv, const cluster::State& cluster, const NodeId& node) {
    for (const auto& [shard, group] : kv.groups) {
        const cluster::Shard* known = cluster::find_shard(cluster, shard);
        if (known != nullptr && known->copies.contains(node)) {
            return group.get();
        }
    }
    return nullptr;
}

const KvGroup* owner_of(const KvState& kv, std::uint16_t slot) {
    for (const auto& [shard, group] : kv.groups) {
        if (group->slots.contains(slot)) {
            return group.get();
        }
    }
    return nullptr;
}

const KvGroup* group_led_by(const KvState& kv, const cluster::State& cluster, const NodeId& node) {
    const KvGroup* group = group_of(kv, cluster, node);
    return group != nullptr && master_of(cluster, *group) == node ? group : nullptr;
}

NodeId master_of(const cluster::State& cluster, const KvGroup& group) {
    const cluster::Shard* shard = cluster::find_shard(cluster, group.shard);
    if (shard == nullptr) {
        return {};
    }
    if (shard->primary.is_nil() && shard->in_sync.size() == 1) {
        return *shard->in_sync.begin();  // It was never up since: nobody else can lead.
    }
    return shard->primary;
}

// ---- names

namespace {

constexpr std::size_t kNameBytes = 40;
constexpr std::string_view kDigits = "0123456789abcdef";

}  // namespace

std::string node_name(const NodeId& node) {
    std::string bytes(node.view());
    const std::uint32_t sum = wire::crc32c(node.view());
    for (unsigned shift = 0; shift < 32; shift += 8) {
        bytes.push_back(static_cast<char>(sum >> shift & 0xFFU));
    }
    std::string name;
    for (const char c : bytes) {
        const auto byte = static_cast<unsigned char>(c);
        name.push_back(kDigits[byte >> 4U]);
        name.push_back(kDigits[byte & 15U]);
    }
    return name;
}

std::optional<NodeId> parse_node_name(ByteView name) {
    if (name.size() != kNameBytes) {
        return std::nullopt;
    }
    NodeId node;
    for (std::size_t i = 0; i < node.bytes.size(); ++i) {
        const char* first = name.data() + 2 * i;
        const auto parsed = std::from_chars(first, first + 2, node.bytes[i], 16);
        if (parsed.ec != std::errc() || parsed.ptr != first + 2) {
            return std::nullopt;
        }
    }
    return node_name(node) == name ? std::optional(node) : std::nullopt;
}

}  // namespace kumo::node
