#include "node/kv/kv_move_table.h"

#include "base/log.h"
#include "node/internal/kv_mutant.h"

#include <utility>

namespace kumo::node {

namespace {

/// The first byte of a record.
enum class Kind : char {
    kBegins = 1,
    kBrings = 2,
    kComplete = 3,
    kAdopted = 4,
    kDrops = 5,
    kOver = 6,
};

std::string record_of(Kind kind, const Uuid& move) {
    std::string out(1, static_cast<char>(kind));
    out.append(move.view());
    return out;
}

std::string record_of(Kind kind, const Uuid& move, const SlotSet& slots) {
    std::string out = record_of(kind, move);
    append_slots(out, slots);
    return out;
}

constexpr std::uint64_t kComplete = 1;
constexpr std::uint64_t kAdopted = 2;
constexpr std::uint64_t kDropped = 4;
constexpr std::uint64_t kFlagsMax = 7;

void adopt(const Uuid& move, const SlotSet& slots, KvMoveTable& table, KvEngine& engine) {
    KvMoveProgress& progress = table[move];
    if (progress.adopted && !planted(KvMutant::kMoveAdoptTwice)) {
        return;
    }
    progress.slots = slots;
    progress.adopted = true;
    if (progress.complete) {
        engine.adopt(slots);
    } else {
        log_error("slots have come here whose keys have not");
    }
}

void end(const Uuid& move, KvMoveTable& table, KvEngine& engine) {
    const auto found = table.find(move);
    if (found == table.end()) {
        return;
    }
    if (!found->second.adopted && !found->second.dropped) {
        engine.drop_arriving(found->second.slots);
    }
    table.erase(found);
}

}  // namespace

std::string move_begins(const Uuid& move, const SlotSet& slots) {
    return record_of(Kind::kBegins, move, slots);
}

std::string move_brings(const Uuid& move, ByteView changes) {
    return record_of(Kind::kBrings, move).append(changes);
}

std::string move_is_complete(const Uuid& move) {
    return record_of(Kind::kComplete, move);
}

std::string move_is_adopted(const Uuid& move, const SlotSet& slots) {
    return record_of(Kind::kAdopted, move, slots);
}

std::string move_drops(const Uuid& move, const SlotSet& slots) {
    return record_of(Kind::kDrops, move, slots);
}

std::string move_is_over(const Uuid& move) {
    return record_of(Kind::kOver, move);
}

void make_move_record(ByteView record, KvMoveTable& table, KvEngine& engine) {
    wire::ByteReader in(record.substr(std::min<std::size_t>(1, record.size())));
    const Uuid move = in.uuid();
    const auto kind = record.empty() ? Kind{} : static_cast<Kind>(record.front());
    if (kind == Kind::kBrings && in.ok()) {
        if (table.contains(move)) {
            engine.apply_arriving(in.rest());
        }
        return;
    }
    const bool has_slots = kind == Kind::kBegins || kind == Kind::kAdopted || kind == Kind::kDrops;
    const auto slots = has_slots ? decode_slots(in.sized()) : SlotSet();
    if (!slots || !in.at_end()) {
        log_error("an entry about a move of slots is not well formed");
        return;
    }
    switch (kind) {
        case Kind::kBegins:
            engine.drop_arriving(*slots);
            table[move] = {*slots, false, false, false};
            return;
        case Kind::kComplete:
            if (const auto found = table.find(move); found != table.end()) {
                found->second.complete = true;
            }
            return;
        case Kind::kAdopted: adopt(move, *slots, table, engine); return;
        case Kind::kDrops:
            engine.drop_slots(*slots);
            table[move] = {*slots, false, false, true};
            return;
        case Kind::kOver: end(move, table, engine); return;
        case Kind::kBrings: break;
    }
    log_error("an entry about a move of slots is of a kind that there is not");
}

void append_move_table(std::string& out, const KvMoveTable& table) {
    wire::append_varint(out, table.size());
    for (const auto& [move, progress] : table) {
        out.append(move.view());
        append_slots(out, progress.slots);
        wire::append_varint(
            out,
            (progress.complete ? kComplete : 0) | (progress.adopted ? kAdopted : 0)
                | (progress.dropped ? kDropped : 0)
        );
    }
}

std::optional<KvMoveTable> read_move_table(wire::ByteReader& in) {
    KvMoveTable table;
    for (std::size_t left = in.count(); left > 0 && in.ok(); --left) {
        const Uuid move = in.uuid();
        const auto slots = decode_slots(in.sized());
        const std::uint64_t flags = in.below_or_at(kFlagsMax);
        if (!slots) {
            return std::nullopt;
        }
        table[move] = {
            *slots,
            (flags & kComplete) != 0,
            (flags & kAdopted) != 0,
            (flags & kDropped) != 0};
    }
    return in.ok() ? std::optional(std::move(table)) : std::nullopt;
}

}  // namespace kumo::node
