#include "keys/engine.h"

#include "node/internal/kv_mutant.h"
#include "wire/byte_reader.h"

#include <utility>

namespace kumo::node::sim {

namespace {

constexpr std::uint64_t kSnapshotMsMax = 400;
constexpr std::uint64_t kSnapshotBytesMax = std::uint64_t{1} << 24;

std::string encode(const Operation& operation) {
    std::string out;
    wire::append_varint(out, operation.slot);
    wire::append_varint(out, operation.id);
    wire::append_varint(out, operation.keys.size());
    for (const std::string& key : operation.keys) {
        wire::append_sized(out, key);
    }
    wire::append_sized(out, std::string(operation.padding, '.'));
    return out;
}

std::optional<Operation> decode(ByteView bytes) {
    wire::ByteReader in(bytes);
    Operation operation;
    operation.slot = static_cast<std::uint16_t>(in.below_or_at(kSlots - 1));
    operation.id = in.number();
    operation.keys.resize(in.count());
    for (std::string& key : operation.keys) {
        key = in.text();
    }
    operation.padding = in.sized().size();
    return in.at_end() ? std::optional(std::move(operation)) : std::nullopt;
}

std::string encode(const Engine::Data& data) {
    std::string out;
    for (const auto& [slot, keys] : data) {
        for (const auto& [key, value] : keys) {
            wire::append_varint(out, slot);
            wire::append_sized(out, key);
            wire::append_varint(out, value.count);
            wire::append_varint(out, value.ids.size());
            for (const std::uint64_t id : value.ids) {
                wire::append_varint(out, id);
            }
        }
    }
    return out;
}

std::optional<Engine::Data> decode_data(ByteView bytes) {
    wire::ByteReader in(bytes);
    Engine::Data data;
    while (in.ok() && !in.at_end()) {
        const auto slot = static_cast<std::uint16_t>(in.below_or_at(kSlots - 1));
        Value& value = data[slot][in.text()];
        value.count = in.number();
        value.ids.resize(in.count());
        for (std::uint64_t& id : value.ids) {
            id = in.number();
        }
    }
    return in.ok() ? std::optional(std::move(data)) : std::nullopt;
}

void make(const Operation& operation, Engine::Data& data) {
    for (const std::string& key : operation.keys) {
        Value& value = data[operation.slot][key];
        ++value.count;
        value.ids.push_back(operation.id);
    }
}

Status write_whole(io::Fs& fs, const std::string& path, const std::string& bytes) {
    const std::string temporary = path + ".new";
    KUMO_TRY_ASSIGN(const auto file, fs.open(temporary, io::OpenMode::kCreate));
    KUMO_TRY(file->truncate(0));
    KUMO_TRY(file->write(0, bytes));
    KUMO_TRY(file->sync());
    KUMO_TRY(fs.rename(temporary, path));
    return fs.sync_dir(io::parent_path(path));
}

}  // namespace

Engine::Engine(io::Fs& fs, io::Loop& loop, std::function<void(const std::string&)> on_misuse)
    : fs_(fs), loop_(loop), on_misuse_(std::move(on_misuse)) {}

// ---- clients

bool Engine::leads(std::uint16_t slot) const {
    const State& state = *node_->state();
    const KvGroup* own = group_led_by(state.kv, state.cluster, node_->self());
    return own != nullptr && own->slots.contains(slot) && !node_->moves().is_frozen(slot);
}

void Engine::run(const Operation& operation, Done done) {
    const bool may = node_->may_run() && leads(operation.slot)
                     && (node_->has_lease() || planted(KvMutant::kNoLeaseCheck));
    if (!may || (operation.id != 0 && !node_->copy()->has_room())) {
        done(End::kRefused, {});
        return;
    }
    if (operation.id != 0) {
        make(operation, data_);
        node_->copy()->append(encode(operation));
        give_out(operation);
    }
    Answer answer;
    for (const std::string& key : operation.keys) {
        const auto slot = data_.find(operation.slot);
        const bool there = slot != data_.end() && slot->second.contains(key);
        answer.push_back(there ? slot->second.at(key) : Value());
    }
    const store::Seq mark = node_->copy()->appended();
    if (mark <= released_ || planted(KvMutant::kAnswerBeforeCommit)) {
        done(End::kAnswered, answer);
    } else {
        held_.push_back({mark, std::move(answer), std::move(done)});
    }
}

void Engine::on_committed(store::Seq seq) {
    released_ = seq;
    while (!held_.empty() && held_.front().mark <= seq) {
        const Held held = std::move(held_.front());
        held_.pop_front();
        held.done(End::kAnswered, held.answer);
    }
}

void Engine::on_role_lost() {
    if (planted(KvMutant::kAnswersSurviveRole)) {
        return;
    }
    released_ = 0;
    for (const Held& held : std::exchange(held_, {})) {
        held.done(End::kDropped, {});
    }
}

// ---- replication

void Engine::apply(ByteView changes) {
    const auto operation = decode(changes);
    if (operation) {
        make(*operation, data_);
    } else {
        on_misuse_("changes that nobody made are to be applied");
    }
}

void Engine::clear() {
    data_.clear();
    arriving_.clear();
    if (giving_) {
        giving_->broken = true;
    }
    if (snapshot_) {
        snapshot_->broken = true;
    }
}

bool Engine::is_empty() const {
    return data_.empty();
}

SlotSet Engine::slots_in_use() const {
    SlotSet slots;
    for (const auto& [slot, keys] : data_) {
        slots.insert(slot);
    }
    return slots;
}

Status Engine::begin_snapshot(const std::string& path, std::function<void(Status)> done) {
    if (snapshot_) {
        return Error{ErrorCode::kConflict, "a snapshot is being written"};
    }
    std::string bytes;
    wire::append_sized(bytes, encode(data_));
    wire::append_sized(bytes, planted(KvMutant::kMoveArrivingNotStored) ? "" : encode(arriving_));
    snapshot_ = Snapshot{path, std::move(bytes), std::move(done), false};
    const auto takes = std::chrono::milliseconds(1 + loop_.random().below(kSnapshotMsMax));
    (void)loop_.add_timer(takes, [this] { end_snapshot(); });
    return {};
}

void Engine::end_snapshot() {
    const Snapshot ended = std::move(*snapshot_);
    snapshot_.reset();
    ended.done(
        ended.broken ? Status(Error{ErrorCode::kConflict, "the keys are gone"})
                     : write_whole(fs_, ended.path, ended.bytes)
    );
}

Status Engine::load(const std::string& path) {
    if (!data_.empty()) {
        on_misuse_("keys are to be loaded on top of others");
    }
    KUMO_TRY_ASSIGN(const std::string bytes, io::read_file(fs_, path, kSnapshotBytesMax));
    wire::ByteReader in(bytes);
    auto data = decode_data(in.sized());
    auto arriving = decode_data(in.sized());
    if (!data || !arriving || !in.at_end()) {
        return corruption(path + ": no keys");
    }
    data_ = std::move(*data);
    arriving_ = std::move(*arriving);
    return {};
}

// ---- slots that move

namespace {

// The first byte of a record: a key as it is, or what was done.
constexpr char kKey = 'k';
constexpr char kDone = 'd';

}  // namespace

void Engine::begin_export(const SlotSet& slots) {
    giving_.emplace();
    for (const auto& [first, last] : slots.ranges()) {
        for (std::uint32_t slot = first; slot <= last; ++slot) {
            if (data_.contains(static_cast<std::uint16_t>(slot))) {
                giving_->slots.push_back(static_cast<std::uint16_t>(slot));
            } else {
                giving_->walked.insert(static_cast<std::uint16_t>(slot));
            }
        }
    }
}

KvEngine::Export Engine::export_some(std::size_t bytes, std::string* out) {
    while (!giving_->broken && out->size() < bytes) {
        if (!giving_->records.empty()) {
            wire::append_sized(*out, giving_->records.front());
            giving_->records.pop_front();
        } else if (giving_->slots.empty()) {
            return Export::kDry;
        } else {
            const std::uint16_t slot = giving_->slots.front();
            giving_->slots.pop_front();
            giving_->walked.insert(slot);
            for (const auto& [key, value] : data_[slot]) {
                giving_->records.push_back(kKey + encode(Data{{slot, {{key, value}}}}));
            }
        }
    }
    return giving_->broken ? Export::kBroken : Export::kMore;
}

void Engine::give_out(const Operation& operation) {
    if (giving_ && giving_->walked.contains(operation.slot) && !planted(KvMutant::kMoveNoTail)) {
        giving_->records.push_back(kDone + encode(operation));
    }
}

void Engine::apply_arriving(ByteView changes) {
    wire::ByteReader in(changes);
    while (in.ok() && !in.at_end()) {
        const ByteView record = in.sized();
        const auto key = record.starts_with(kKey) ? decode_data(record.substr(1)) : std::nullopt;
        const auto done = record.starts_with(kDone) ? decode(record.substr(1)) : std::nullopt;
        if (key) {
            for (const auto& [slot, keys] : *key) {
                arriving_[slot].insert(keys.begin(), keys.end());
            }
        } else if (done) {
            make(*done, arriving_);
        } else {
            on_misuse_("what arrives is nothing that was given out");
        }
    }
}

void Engine::adopt(const SlotSet& slots) {
    drop_slots(slots);
    for (auto each = arriving_.begin(); each != arriving_.end();) {
        if (slots.contains(each->first)) {
            data_[each->first] = std::move(each->second);
            each = arriving_.erase(each);
        } else {
            ++each;
        }
    }
    if (snapshot_) {
        snapshot_->broken = true;
    }
}

void Engine::drop_arriving(const SlotSet& slots) {
    std::erase_if(arriving_, [&](const auto& each) { return slots.contains(each.first); });
}

void Engine::drop_slots(const SlotSet& slots) {
    if (!planted(KvMutant::kMoveKeeps)) {
        std::erase_if(data_, [&](const auto& each) { return slots.contains(each.first); });
    }
}

}  // namespace kumo::node::sim
