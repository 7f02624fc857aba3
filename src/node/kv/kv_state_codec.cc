#include "node/kv/kv_state.h"

#include <utility>

namespace kumo::node {

namespace {

using wire::append_varint;
using wire::ByteReader;

constexpr auto kAckModeMax = static_cast<std::uint64_t>(cluster::AckMode::kAsync);

/// Places in KvCommand. Part of the format.
constexpr std::uint64_t kCommandsMax = std::variant_size_v<KvCommand> - 1;

void append(std::string& out, const cluster::NodeId& node) {
    out.append(node.view());
}

void append(std::string& out, const std::optional<OpenSlot>& mark) {
    append_varint(out, !mark ? 0U : mark->importing ? 1U : 2U);
    if (mark) {
        append(out, mark->peer);
    }
}

std::optional<OpenSlot> read_mark(ByteReader& in) {
    const std::uint64_t kind = in.below_or_at(2);
    if (kind == 0) {
        return std::nullopt;
    }
    return OpenSlot{kind == 1, in.uuid()};
}

std::uint16_t read_slot(ByteReader& in) {
    return static_cast<std::uint16_t>(in.below_or_at(kSlots - 1));
}

void append(std::string& out, const KvEnter& command) {
    append(out, command.node);
    append_slots(out, command.slots);
    append_varint(out, command.epoch);
    append_varint(out, static_cast<std::uint64_t>(command.mode));
    append_varint(out, command.epoch_seen);
}

void append(std::string& out, const KvAddSlots& command) {
    append(out, command.node);
    append_slots(out, command.slots);
}

void append(std::string& out, const KvDropSlots& command) {
    append_slots(out, command.slots);
}

void append(std::string& out, const KvGiveSlot& command) {
    append_varint(out, command.slot);
    append(out, command.node);
}

void append(std::string& out, const KvMarkSlot& command) {
    append(out, command.node);
    append_varint(out, command.slot);
    append(out, command.mark);
}

void append(std::string& out, const KvReplicate& command) {
    append(out, command.node);
    append(out, command.master);
}

void append(std::string& out, const KvSetEpoch& command) {
    append(out, command.node);
    append_varint(out, command.epoch);
}

void append(std::string& out, const KvBumpEpoch& command) {
    append(out, command.node);
}

void append(std::string& out, const KvForget& command) {
    append(out, command.node);
    append_varint(out, static_cast<std::uint64_t>(command.at_ms));
}

void append(std::string& out, const KvBeginMove& command) {
    out.append(command.id.view());
    append(out, command.source);
    append(out, command.target);
    append_slots(out, command.slots);
    append_varint(out, static_cast<std::uint64_t>(command.at_ms));
}

void append(std::string& out, const KvFinishMove& command) {
    out.append(command.id.view());
}

void append(std::string& out, const KvCancelMove& command) {
    out.append(command.id.view());
}

void append(std::string& out, const KvSettleMove& command) {
    out.append(command.id.view());
    append_varint(out, command.adopted ? 1 : 0);
}

constexpr std::uint64_t kMoveDone = 1;
constexpr std::uint64_t kMoveAdopted = 2;
constexpr std::uint64_t kMoveDropped = 4;
constexpr std::uint64_t kMoveFlagsMax = 7;

void append(std::string& out, const KvMove& move) {
    out.append(move.id.view());
    append_varint(out, static_cast<std::uint64_t>(move.source));
    append_varint(out, static_cast<std::uint64_t>(move.target));
    append_slots(out, move.slots);
    append_varint(out, move.term);
    append_varint(out, move.incarnation);
    append_varint(out, static_cast<std::uint64_t>(move.begun_ms));
    append_varint(
        out,
        (move.done ? kMoveDone : 0) | (move.adopted ? kMoveAdopted : 0)
            | (move.dropped ? kMoveDropped : 0)
    );
}

std::optional<KvMove> read_move(ByteReader& in) {
    KvMove move;
    move.id = in.uuid();
    move.source = cluster::ShardId{in.number()};
    move.target = cluster::ShardId{in.number()};
    const auto slots = decode_slots(in.sized());
    move.slots = slots.value_or(SlotSet());
    move.term = in.number();
    move.incarnation = in.number();
    move.begun_ms = static_cast<std::int64_t>(in.number());
    const std::uint64_t flags = in.below_or_at(kMoveFlagsMax);
    move.done = (flags & kMoveDone) != 0;
    move.adopted = (flags & kMoveAdopted) != 0;
    move.dropped = (flags & kMoveDropped) != 0;
    return slots ? std::optional(std::move(move)) : std::nullopt;
}

}  // namespace

void append_kv_command(std::string& out, const KvCommand& command) {
    append_varint(out, command.index());
    std::visit([&out](const auto& what) { append(out, what); }, command);
}

std::optional<KvCommand> read_kv_command(ByteReader& in) {
    const std::uint64_t place = in.below_or_at(kCommandsMax);
    const auto slots = [&in]() -> SlotSet {
        return decode_slots(in.sized()).value_or(SlotSet());
    };
    std::optional<KvCommand> out;
    // Each in the order of its fields: what is read in a braced list is read from left to right.
    switch (in.ok() ? place : kCommandsMax + 1) {
        case 0: {
            const cluster::NodeId node = in.uuid();
            const SlotSet claimed = slots();
            const std::uint64_t epoch = in.number();
            const auto mode = static_cast<cluster::AckMode>(in.below_or_at(kAckModeMax));
            out = KvEnter{node, claimed, epoch, mode, in.number()};
            break;
        }
        case 1: out = KvAddSlots{in.uuid(), slots()}; break;
        case 2: out = KvDropSlots{slots()}; break;
        case 3: out = KvGiveSlot{read_slot(in), in.uuid()}; break;
        case 4: out = KvMarkSlot{in.uuid(), read_slot(in), read_mark(in)}; break;
        case 5: out = KvReplicate{in.uuid(), in.uuid()}; break;
        case 6: out = KvSetEpoch{in.uuid(), in.number()}; break;
        case 7: out = KvBumpEpoch{in.uuid()}; break;
        case 8: out = KvForget{in.uuid(), static_cast<std::int64_t>(in.number())}; break;
        case 9: {
            KvBeginMove move;
            move.id = in.uuid();
            move.source = in.uuid();
            move.target = in.uuid();
            move.slots = slots();
            move.at_ms = static_cast<std::int64_t>(in.number());
            out = move;
            break;
        }
        case 10: out = KvFinishMove{in.uuid()}; break;
        case 11: out = KvCancelMove{in.uuid()}; break;
        case 12: out = KvSettleMove{in.uuid(), in.below_or_at(1) == 1}; break;
        default: return std::nullopt;
    }
    return in.ok() ? out : std::nullopt;
}

void append_kv_state(std::string& out, const KvState& state) {
    append_varint(out, state.current_epoch);
    append_varint(out, state.groups.size());
    for (const auto& [shard, group] : state.groups) {
        append_varint(out, static_cast<std::uint64_t>(shard));
        append_varint(out, group->config_epoch);
        append_slots(out, group->slots);
    }
    append_varint(out, state.open_slots.size());
    for (const auto& [node, open] : state.open_slots) {
        append(out, node);
        append_varint(out, open.size());
        for (const auto& [slot, mark] : open) {
            append_varint(out, slot);
            append(out, std::optional(mark));
        }
    }
    append_varint(out, state.forgotten.size());
    for (const auto& [node, at_ms] : state.forgotten) {
        append(out, node);
        append_varint(out, static_cast<std::uint64_t>(at_ms));
    }
    append_varint(out, state.moves.size());
    for (const auto& [id, move] : state.moves) {
        append(out, *move);
    }
}

Result<KvState> read_kv_state(ByteView bytes) {
    ByteReader in(bytes);
    KvState state;
    state.current_epoch = in.number();
    bool good = true;
    for (std::size_t left = in.count(); left > 0 && in.ok(); --left) {
        KvGroup group;
        group.shard = cluster::ShardId{in.number()};
        group.config_epoch = in.number();
        const auto slots = decode_slots(in.sized());
        good = good && slots.has_value();
        group.slots = slots.value_or(SlotSet());
        state.groups[group.shard] = std::make_shared<const KvGroup>(std::move(group));
    }
    for (std::size_t nodes = in.count(); nodes > 0 && in.ok(); --nodes) {
        auto& open = state.open_slots[in.uuid()];
        for (std::size_t left = in.count(); left > 0 && in.ok(); --left) {
            const std::uint16_t slot = read_slot(in);
            const auto mark = read_mark(in);
            good = good && mark.has_value();
            open[slot] = mark.value_or(OpenSlot());
        }
    }
    for (std::size_t left = in.count(); left > 0 && in.ok(); --left) {
        const cluster::NodeId node = in.uuid();
        state.forgotten[node] = static_cast<std::int64_t>(in.number());
    }
    // States from before there were moves end here.
    for (std::size_t left = in.at_end() ? 0 : in.count(); left > 0 && in.ok(); --left) {
        auto move = read_move(in);
        good = good && move.has_value();
        if (move) {
            const Uuid id = move->id;
            state.moves[id] = std::make_shared<const KvMove>(std::move(*move));
        }
    }
    if (!good || !in.at_end()) {
        return corruption("the state of the slots is not well formed");
    }
    return state;
}

}  // namespace kumo::node
