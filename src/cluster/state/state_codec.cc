#include "cluster/state/state.h"

#include <utility>

namespace kumo::cluster {

namespace {

using wire::append_sized;
using wire::append_varint;
using wire::ByteReader;

/// Places in Command. Part of the format.
constexpr std::uint64_t kCommandsMax = std::variant_size_v<Command> - 1;
constexpr auto kAckModeMax = static_cast<std::uint64_t>(AckMode::kAsync);
constexpr auto kPhaseMax = static_cast<std::uint64_t>(Phase::kElecting);

void append(std::string& out, const Uuid& uuid) {
    out.append(uuid.view());
}

void append(std::string& out, std::uint64_t number) {
    append_varint(out, number);
}

void append(std::string& out, bool flag) {
    append_varint(out, flag ? 1 : 0);
}

void append(std::string& out, const LogEnd& end) {
    append_varint(out, end.incarnation);
    append_varint(out, end.last_term);
    append_varint(out, end.last_seq);
}

void append(std::string& out, const std::string& text) {
    append_sized(out, text);
}

void append(std::string& out, ShardId id) {
    append_varint(out, static_cast<std::uint64_t>(id));
}

void append(std::string& out, CopyId id) {
    append_varint(out, static_cast<std::uint64_t>(id));
}

template <typename T>
void append(std::string& out, const std::set<T>& set) {
    append_varint(out, set.size());
    for (const T& item : set) {
        append(out, item);
    }
}

template <typename T>
void append(std::string& out, const std::vector<T>& list) {
    append_varint(out, list.size());
    for (const T& item : list) {
        append(out, item);
    }
}

template <typename T>
void append(std::string& out, const std::map<NodeId, T>& map) {
    append_varint(out, map.size());
    for (const auto& [key, value] : map) {
        append(out, key);
        append(out, value);
    }
}

void read(ByteReader& in, Uuid& uuid) {
    uuid = in.uuid();
}

void read(ByteReader& in, std::uint64_t& number) {
    number = in.number();
}

void read(ByteReader& in, bool& flag) {
    flag = in.below_or_at(1) == 1;
}

void read(ByteReader& in, LogEnd& end) {
    end.incarnation = in.number();
    end.last_term = in.number();
    end.last_seq = in.number();
}

void read(ByteReader& in, std::string& text) {
    text = in.text();
}

void read(ByteReader& in, ShardId& id) {
    id = ShardId{in.number()};
}

void read(ByteReader& in, CopyId& id) {
    id = CopyId{in.number()};
}

template <typename T>
void read(ByteReader& in, std::set<T>& set) {
    for (std::size_t left = in.count(); left > 0 && in.ok(); --left) {
        T item{};
        read(in, item);
        set.insert(item);
    }
}

template <typename T>
void read(ByteReader& in, std::vector<T>& list) {
    for (std::size_t left = in.count(); left > 0 && in.ok(); --left) {
        read(in, list.emplace_back());
    }
}

template <typename T>
void read(ByteReader& in, std::map<NodeId, T>& map) {
    for (std::size_t left = in.count(); left > 0 && in.ok(); --left) {
        NodeId key;
        read(in, key);
        read(in, map[key]);
    }
}

/// The fields of each value in the order of the format, for writing and reading alike.
template <typename Value, typename Visit>
void visit_member(Value& member, Visit visit) {
    visit(member.id);
    visit(member.name);
    visit(member.peering_address);
    visit(member.api_address);
    visit(member.zone);
    visit(member.holds_data);
    visit(member.boot);
    visit(member.boots_before);
    visit(member.incarnation);
    visit(member.fenced);
    visit(member.draining);
}

template <typename Value, typename Visit>
void visit_shard(Value& shard, Visit visit) {
    visit(shard.id);
    visit(shard.version);
    visit(shard.term);
    visit(shard.primary);
    visit(shard.primary_incarnation);
    visit(shard.in_sync);
    visit(shard.copies);
    visit(shard.target);
    visit(shard.everywhere);
}

/// What a shard of mode kSync and min_in_sync 1 does not have is not written: those before it had
/// modes look the same.
void append_mode(std::string& out, const Shard& shard) {
    const auto mode = static_cast<std::uint64_t>(shard.mode);
    const bool more = shard.min_in_sync != 1 || !shard.log_ends.empty() || !shard.blank.empty();
    append_varint(out, more ? mode + kAckModeMax + 1 : mode);
    if (more) {
        append(out, shard.min_in_sync);
        append(out, shard.log_ends);
        append(out, shard.blank);
    }
}

void read_mode(ByteReader& in, Shard& shard) {
    const std::uint64_t mode = in.below_or_at((2 * kAckModeMax) + 1);
    shard.mode = static_cast<AckMode>(mode % (kAckModeMax + 1));
    if (mode > kAckModeMax) {
        read(in, shard.min_in_sync);
        read(in, shard.log_ends);
        read(in, shard.blank);
    }
}

/// Has a shard and its version, and nothing else.
template <typename T>
constexpr bool kNamesAVersion =
    std::is_same_v<
        T,
        CompleteHandover> || std::is_same_v<T, AbortHandover> || std::is_same_v<T, EndElection>;

template <typename Visit>
struct CommandVisitor {
    Visit visit;

    template <typename T>
    void operator()(T& command) {
        using Plain = std::remove_const_t<T>;
        if constexpr (std::is_same_v<Plain, Found>) {
            visit(command.id);
            visit(command.members_expected);
        } else if constexpr (std::is_same_v<Plain, Register>) {
            visit_member(command.member, visit);
            visit(command.previous_is_over);
            visit(command.unclean);
        } else if constexpr (std::is_same_v<Plain, Fence>) {
            visit(command.nodes);
        } else if constexpr (std::is_same_v<Plain, Unfence>) {
            visit(command.node);
            visit(command.incarnation);
        } else if constexpr (std::is_same_v<Plain, ProposeInSync>) {
            visit(command.shard);
            visit(command.version);
            visit(command.term);
            visit(command.in_sync);
            visit(command.added);
        } else if constexpr (std::is_same_v<Plain, BeginHandover>) {
            visit(command.shard);
            visit(command.target);
        } else if constexpr (kNamesAVersion<Plain>) {
            visit(command.shard);
            visit(command.version);
        } else if constexpr (std::is_same_v<Plain, ReplaceCopy>) {
            visit(command.shard);
            visit(command.node);
            visit(command.copy);
        } else if constexpr (std::is_same_v<Plain, PlaceCopy> || std::is_same_v<Plain, RemoveCopy>) {
            visit(command.shard);
            visit(command.node);
        } else if constexpr (std::is_same_v<Plain, SetDraining>) {
            visit(command.node);
            visit(command.draining);
        } else if constexpr (std::is_same_v<Plain, ReportLog>) {
            visit(command.shard);
            visit(command.term);
            visit(command.node);
            visit(command.copy);
            visit(command.end);
        } else {
            visit(command.node);  // RemoveMember, TakeOver
        }
    }
};

template <typename Visit>
CommandVisitor(Visit) -> CommandVisitor<Visit>;

template <std::size_t I = 0>
Command command_at(std::uint64_t place) {
    if constexpr (I < std::variant_size_v<Command>) {
        if (place == I) {
            return Command(std::in_place_index<I>);
        }
        return command_at<I + 1>(place);
    } else {
        return Command();
    }
}

}  // namespace

void append_command(std::string& out, const Command& command) {
    append_varint(out, command.index());
    std::visit(
        CommandVisitor{[&out](const auto& field) {
            append(out, field);
        }},
        command
    );
}

std::optional<Command> read_command(ByteReader& in) {
    const std::uint64_t place = in.below_or_at(kCommandsMax);
    if (!in.ok()) {
        return std::nullopt;
    }
    Command command = command_at(place);
    std::visit(
        CommandVisitor{[&in](auto& field) {
            read(in, field);
        }},
        command
    );
    if (!in.ok()) {
        return std::nullopt;
    }
    return command;
}

void append_state(std::string& out, const State& state) {
    append(out, state.id);
    append(out, state.next_id);
    append(out, state.members_expected);
    append_varint(out, state.members.size());
    for (const auto& [id, member] : state.members) {
        visit_member(*member, [&out](const auto& field) { append(out, field); });
    }
    append_varint(out, state.shards.size());
    for (const auto& [id, shard] : state.shards) {
        visit_shard(*shard, [&out](const auto& field) { append(out, field); });
        append_varint(out, static_cast<std::uint64_t>(shard->phase));
        append_mode(out, *shard);
    }
}

State read_state(ByteReader& in) {
    State state;
    read(in, state.id);
    read(in, state.next_id);
    read(in, state.members_expected);
    const auto visit = [&in](auto& field) {
        read(in, field);
    };
    for (std::size_t left = in.count(); left > 0 && in.ok(); --left) {
        auto member = std::make_shared<Member>();
        visit_member(*member, visit);
        state.members[member->id] = std::move(member);
    }
    for (std::size_t left = in.count(); left > 0 && in.ok(); --left) {
        auto shard = std::make_shared<Shard>();
        visit_shard(*shard, visit);
        shard->phase = static_cast<Phase>(in.below_or_at(kPhaseMax));
        read_mode(in, *shard);
        state.shards[shard->id] = std::move(shard);
    }
    return state;
}

}  // namespace kumo::cluster
