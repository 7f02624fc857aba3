#include "kv/aof/slot_export.h"

#include "wire/crc16.h"

#include <algorithm>
#include <utility>

namespace kumo::kv {

namespace {

constexpr std::size_t kPieceBytes = std::size_t{64} << 10;

}  // namespace

void SlotExport::Pieces::add(std::string piece) {
    bytes += piece.size();
    pieces.push_back(std::move(piece));
}

SlotExport::SlotExport(Database& database, std::vector<std::uint16_t> slots)
    : database_(database), slots_(std::move(slots)) {
    database_.add_observer(*this);
}

SlotExport::~SlotExport() {
    database_.remove_observer(*this);
}

bool SlotExport::step(std::size_t bytes, std::string* out) {
    const std::size_t end = out->size() + bytes;
    while (!broken_ && out->size() < end) {
        if (!ready_.pieces.empty()) {
            ready_.bytes -= ready_.pieces.front().size();
            out->append(ready_.pieces.front());
            ready_.pieces.pop_front();
        } else if (walked()) {
            return false;
        } else if (!take_key(end, out)) {
            end_slot();
        }
    }
    return !broken_ && !(walked() && ready_.pieces.empty());
}

/// False: the present slot has no more.
bool SlotExport::take_key(std::size_t end, std::string* out) {
    if (key_) {
        if (!key_->step(end - out->size(), out)) {
            key_.reset();
            writing_.reset();
        }
        return true;
    }
    if (to_write_.empty() && !scanned_) {
        position_ = database_.scan_slot(slots_[at_], position_, [this](Entry* entry) {
            to_write_.emplace_back(entry->key());
        });
        scanned_ = position_ == 0;
    }
    if (to_write_.empty()) {
        return !scanned_;
    }
    std::string name = std::move(to_write_.front());
    to_write_.pop_front();
    if (early_.contains(name)) {
        return true;
    }
    const Entry* entry = database_.find(name);
    if (entry != nullptr) {
        writing_ = std::move(name);
        key_.emplace(*entry);
    }
    return true;
}

void SlotExport::end_slot() {
    ++at_;
    position_ = 0;
    scanned_ = false;
    early_.clear();
    for (std::string& piece : std::exchange(later_, {}).pieces) {
        ready_.add(std::move(piece));
    }
}

void SlotExport::add_changes(int slot, ByteView commands) {
    const auto found = std::lower_bound(slots_.begin(), slots_.end(), slot);
    if (found == slots_.end() || *found != slot) {
        return;
    }
    const auto place = static_cast<std::size_t>(found - slots_.begin());
    if (place < at_) {
        ready_.add(std::string(commands));
    } else if (place == at_) {
        later_.add(std::string(commands));
    }
}

void SlotExport::write_rest(KeyExport& key) {
    bool more = true;
    while (more) {
        std::string piece;
        more = key.step(kPieceBytes, &piece);
        ready_.add(std::move(piece));
    }
}

/// Of the present slot, and not written yet.
bool SlotExport::is_in_walk(ByteView key) const {
    if (walked() || wire::key_slot(key) != slots_[at_]) {
        return false;
    }
    const bool met = scanned_ || database_.slot_position(key) < position_;
    return !met || std::find(to_write_.begin(), to_write_.end(), key) != to_write_.end();
}

void SlotExport::before_change(const Database& /*database*/, const Entry& entry) {
    if (writing_ && entry.key() == *writing_) {
        write_rest(*key_);
        key_.reset();
        writing_.reset();
        return;
    }
    if (is_in_walk(entry.key()) && early_.insert(std::string(entry.key())).second) {
        KeyExport whole(entry);
        write_rest(whole);
    }
}

void SlotExport::before_insert(const Database& /*database*/, const Entry& entry) {
    if (is_in_walk(entry.key())) {
        early_.emplace(entry.key());
    }
}

void SlotExport::before_clear(const Database& /*database*/) {
    broken_ = true;
}

void SlotExport::before_exchange(const Database& /*database*/, int slot) {
    broken_ = broken_ || std::binary_search(slots_.begin(), slots_.end(), slot);
}

}  // namespace kumo::kv
