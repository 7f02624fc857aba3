#include "api/redis/cluster/slot_moves.h"

#include "api/redis/service.h"
#include "base/log.h"
#include "kv/aof/aof_writer.h"
#include "kv/command/handlers.h"
#include "kv/command/spec.h"
#include "wire/crc16.h"
#include "wire/resp.h"

#include <utility>
#include <vector>

namespace kumo::api_redis {

namespace {

/// What is done to one slot while it is walked waits for that: more ends the move.
constexpr std::size_t kWaitingBytesMax = std::size_t{256} << 20;

/// Nobody hears of keys that arrive.
class NoEffects final : public kv::Effects {
public:
    void on_changed(int /*db*/, ByteView /*key*/) override {}

    void on_event(kv::EventClass, ByteView /*event*/, int /*db*/, ByteView /*key*/) override {}

    void on_ready(int /*db*/, ByteView /*key*/) override {}

    void on_flush(int /*db*/) override {}

    void on_swapped(int /*first*/, int /*second*/) override {}

    void on_expired(int /*db*/, ByteView /*key*/) override {}
};

template <class Action>
void for_each_slot(const node::SlotSet& slots, const Action& action) {
    for (const auto& [first, last] : slots.ranges()) {
        for (int slot = first; slot <= last; ++slot) {
            action(slot);
        }
    }
}

/// Of the command's keys; -1: it has none.
int slot_of(std::span<const ByteView> arguments) {
    const kv::CommandSpec* spec = kv::find_command(arguments[0]);
    if (spec != nullptr && !spec->subcommands.empty() && arguments.size() > 1) {
        spec = kv::find_subcommand(*spec, arguments[1]);
    }
    if (spec == nullptr) {
        return -1;
    }
    const auto keys = kv::find_keys(*spec, arguments);
    return keys.ok() && !keys.value().empty()
               ? wire::key_slot(arguments[keys.value().front().index])
               : -1;
}

}  // namespace

SlotMoves::SlotMoves(Service& service) : service_(service) {}

SlotMoves::~SlotMoves() = default;

kv::Database& SlotMoves::present() const {
    return service_.keyspace.database(0);
}

kv::Database& SlotMoves::make_arriving() {
    if (arriving_ == nullptr) {
        arriving_ = std::make_unique<kv::Keyspace>(service_.keyspace.sibling());
    }
    return arriving_->database(0);
}

// ---- the source

void SlotMoves::begin_export(const node::SlotSet& slots) {
    std::vector<std::uint16_t> list;
    for_each_slot(slots, [&list](int slot) { list.push_back(static_cast<std::uint16_t>(slot)); });
    export_ = std::make_unique<kv::SlotExport>(present(), std::move(list));
}

node::KvEngine::Export SlotMoves::export_some(std::size_t bytes, std::string* out) {
    using Export = node::KvEngine::Export;
    if (export_ == nullptr || export_->broken() || export_->waiting_bytes() > kWaitingBytesMax) {
        return Export::kBroken;
    }
    if (service_.running_session() != 0) {
        return Export::kMore;  // A script lets others in: what it has done is half done.
    }
    const bool more = export_->step(bytes, out);
    return export_->broken() ? Export::kBroken : more ? Export::kMore : Export::kDry;
}

void SlotMoves::end_export() {
    export_.reset();
}

void SlotMoves::on_changes(std::span<const PropagatedCommand> commands) {
    if (export_ == nullptr) {
        return;
    }
    for (const PropagatedCommand& command : commands) {
        if (command.for_replicas_only || command.arguments.empty()) {
            continue;
        }
        const std::vector<ByteView> views(command.arguments.begin(), command.arguments.end());
        const int slot = slot_of(views);
        if (slot >= 0) {
            std::string bytes;
            kv::append_aof_command(views, &bytes);
            export_->add_changes(slot, bytes);
        }
    }
}

// ---- the target

void SlotMoves::apply_arriving(ByteView changes) {
    make_arriving();
    arriving_->limits = service_.keyspace.limits;
    arriving_->settings = service_.keyspace.settings;
    NoEffects effects;
    wire::RespParser parser(wire::RespLimits{});
    parser.feed(changes);
    wire::RespWriter answer;
    while (parser.next() == wire::RespParser::Outcome::kRequest) {
        const auto arguments = parser.arguments();
        const kv::CommandSpec* spec = Service::resolve(arguments, answer);
        const kv::Handler handler = spec == nullptr ? nullptr : kv::keyspace_handlers().find(*spec);
        if (handler == nullptr) {
            log_error("a slot that moves has a change of no use: " + std::string(arguments[0]));
            continue;
        }
        const kv::Context::Environment environment{
            .keyspace = *arriving_,
            .effects = effects,
            .random = service_.random(),
            .now_us = service_.now_us(),
            .followed = false,
            .replaying = true};
        answer.rewind(0);
        kv::Context context(environment, *spec, arguments, answer);
        handler(context);
        if (answer.bytes().starts_with('-')) {
            log_error("a change of a slot that moves cannot be made: " + answer.bytes());
        }
    }
}

void SlotMoves::adopt(const node::SlotSet& slots) {
    throw_away(slots, present());
    for_each_slot(slots, [this](int slot) { make_arriving().exchange_slot(slot, present()); });
}

void SlotMoves::drop_arriving(const node::SlotSet& slots) {
    if (arriving_ != nullptr) {
        throw_away(slots, arriving_->database(0));
    }
}

void SlotMoves::take_loaded() {
    if (service_.keyspace.database_count() < 2) {
        return;
    }
    kv::Database& loaded = service_.keyspace.database(1);
    std::vector<kv::Entry*> entries;
    entries.reserve(loaded.size());
    kv::ScanCursor cursor = 0;
    do {
        cursor = loaded.scan(cursor, [&entries](kv::Entry* entry) { entries.push_back(entry); });
    } while (cursor != 0);
    for (kv::Entry* entry : entries) {
        make_arriving().adopt(loaded.extract(entry));
    }
}

// ---- keys that go

void SlotMoves::drop_slots(const node::SlotSet& slots) {
    service_.let_go(
        [&slots](ByteView key) { return slots.contains(wire::key_slot(key)); },
        [&] { throw_away(slots, present()); }
    );
}

void SlotMoves::throw_away(const node::SlotSet& slots, kv::Database& from) {
    if (from.size() == 0) {
        return;
    }
    auto away = std::make_shared<kv::Database>(from.sibling());
    for_each_slot(slots, [&](int slot) { away->exchange_slot(slot, from); });
    if (away->size() == 0) {
        return;
    }
    std::erase_if(freeing_, [](const Freeing& each) { return each.done->load(); });
    auto done = std::make_shared<std::atomic<bool>>(false);
    freeing_.push_back({done, std::make_unique<io::Thread>("free", [this, away, done] {
                            service_.free_elsewhere([&away] { away->clear(); });
                            done->store(true);
                        })});
}

}  // namespace kumo::api_redis
