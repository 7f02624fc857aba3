#pragma once

#include "base/bytes.h"
#include "base/random.h"
#include "kv/keyspace/change_observer.h"
#include "kv/keyspace/entry.h"
#include "kv/keyspace/key_table.h"
#include "kv/keyspace/slot_counts.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace kumo::kv {

/// What SCAN's and others' cursors are made of.
using ScanCursor = std::uint64_t;

/// One numbered database: keys and their values, by slot if the node is part of a cluster. It knows
/// that keys have an expiry, not what time it is: whoever asks decides what an expired key means.
///
/// Every change of a key's entry goes through here, because its address may change with it.
/// Thread rule: loop-owned.
class Database {
public:
    /// `slotted`: keys lie apart by cluster slot, so that a slot can be counted, listed and moved.
    Database(std::uint64_t seed, bool slotted);

    std::size_t size() const { return size_; }

    /// How many keys have an expiry.
    std::size_t volatile_size() const { return volatile_size_; }

    /// Of the tables, without the entries.
    std::size_t table_bytes() const;

    /// Expired or not; nullptr: absent.
    Entry* find(ByteView key) const;

    /// Adds or overwrites. An older expiry goes unless it is to stay.
    Entry* set_string(ByteView key, ByteView value, StringEncoding encoding, bool keep_expiry);
    Entry* set_value(ByteView key, std::unique_ptr<Value> value, bool keep_expiry);
    Entry* replace_string(Entry* entry, ByteView value, StringEncoding encoding);
    /// See Entry::resize_string.
    Entry* resize_string(Entry* entry, std::size_t size, char** data);
    Entry* set_expiry(Entry* entry, std::int64_t at_ms);
    Entry* clear_expiry(Entry* entry);
    /// The entry under another name. Requires: `to` is absent.
    Entry* rename(Entry* entry, ByteView to);
    void erase(Entry* entry);
    /// Takes it out of the table; the caller destroys it, or gives it to adopt().
    Entry* extract(Entry* entry);
    /// Puts in an entry that extract() took out of another database. Requires: its key is absent.
    void adopt(Entry* entry);
    void clear();
    /// clear() in pieces, for a database that nothing else is done with: false when it is done.
    bool discard_some();

    /// See KeyTable::scan(); 0 begins and ends.
    ScanCursor scan(ScanCursor cursor, const KeyTable::Visitor& visit) const;
    ScanCursor scan_volatile(ScanCursor cursor, const KeyTable::Visitor& visit) const;
    /// Requires: size() > 0.
    Entry* random(Random& random) const;
    /// A key with an expiry; nullptr if none was found soon.
    Entry* random_volatile(Random& random) const;
    /// The first key with an expiry that a walk meets, which goes on from `cursor` and leaves there
    /// where it came to; nullptr: there is none.
    Entry* next_volatile(ScanCursor* cursor) const;

    /// Requires: made slotted.
    std::size_t slot_size(int slot) const;
    void visit_slot(int slot, std::size_t limit, const KeyTable::Visitor& visit) const;
    /// As KeyTable::scan(), of one slot.
    std::uint64_t scan_slot(int slot, std::uint64_t position, const KeyTable::Visitor& visit) const;
    /// Where scan_slot() meets the key: it has been met if the position that scan_slot() gave is
    /// larger, or 0 at the end.
    std::uint64_t slot_position(ByteView key) const;

    /// An empty database that slots can be exchanged with. Requires: made slotted.
    Database sibling() const { return {seed_, true}; }

    /// The slot's keys change places with those of a sibling, if either has any.
    void exchange_slot(int slot, Database& other);

    /// It outlives its being added; in the order of adding.
    void add_observer(ChangeObserver& observer) { observers_.push_back(&observer); }

    void remove_observer(ChangeObserver& observer) { std::erase(observers_, &observer); }

    /// All keys are about to go, or the database to change its number: tells the observers.
    void will_clear() const {
        for (ChangeObserver* observer : observers_) {
            observer->before_clear(*this);
        }
    }

    void will_exchange(int slot) const {
        for (ChangeObserver* observer : observers_) {
            observer->before_exchange(*this, slot);
        }
    }

    /// Takes the other's keys and gives its own; observers are told and stay.
    void exchange_keys(Database& other);

    /// The entry's value is about to be changed in place. Called by whoever hands it out for that;
    /// the functions above do so themselves.
    void will_change(const Entry& entry) const {
        for (ChangeObserver* observer : observers_) {
            observer->before_change(*this, entry);
        }
    }

    /// Where scan() meets the key: it has been met if the cursor that scan() gave is larger, or 0
    /// at the end. Cursors compare by scan_order().
    std::uint64_t scan_place(ByteView key) const;
    std::uint64_t scan_order(ScanCursor cursor) const;

    /// Goes on with resizing, for a turn in which nothing else was to do; false: nothing to do.
    bool rehash_some();
    void reserve(std::size_t keys);

private:
    class Counted;

    /// How many keys there are by slot, and how many of them have an expiry.
    struct Counts {
        SlotCounts keys;
        SlotCounts volatile_keys;
    };

    KeyTable& table_of(ByteView key);
    const KeyTable& table_of(ByteView key) const;

    void will_insert(const Entry& entry) const {
        for (ChangeObserver* observer : observers_) {
            observer->before_insert(*this, entry);
        }
    }

    Entry* replaced(Entry* old, Entry* entry);
    ScanCursor walk(
        ScanCursor cursor,
        const std::function<std::uint64_t(const KeyTable&, std::uint64_t)>& step
    ) const;
    void forget_counts();

    std::uint64_t seed_;
    std::vector<KeyTable> tables_;  ///< One, or one per slot.
    std::size_t size_ = 0;
    std::size_t volatile_size_ = 0;
    std::optional<Counts> counts_;  ///< If slotted.
    std::vector<ChangeObserver*> observers_;
};

}  // namespace kumo::kv
