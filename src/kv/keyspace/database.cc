#include "kv/keyspace/database.h"

#include "base/assert.h"
#include "wire/crc16.h"

#include <algorithm>
#include <utility>

namespace kumo::kv {

namespace {

constexpr unsigned kSlotBits = 14;
constexpr std::size_t kSlots = std::size_t{1} << kSlotBits;

}  // namespace

/// While a table is changed: what its keys become is counted at the end.
class Database::Counted {
public:
    Counted(Database& database, const KeyTable& table)
        : database_(database),
          table_(table),
          size_(table.size()),
          volatile_size_(table.volatile_size()) {}

    Counted(const Counted&) = delete;
    Counted& operator=(const Counted&) = delete;

    ~Counted() {
        const std::size_t size = table_.size();
        const std::size_t volatile_size = table_.volatile_size();
        database_.size_ += size - size_;
        database_.volatile_size_ += volatile_size - volatile_size_;
        if (!database_.counts_.has_value()) {
            return;
        }
        const auto slot = static_cast<std::size_t>(&table_ - database_.tables_.data());
        if (size != size_) {
            database_.counts_->keys.add(slot, static_cast<std::int64_t>(size - size_));
        }
        if (volatile_size != volatile_size_) {
            database_.counts_->volatile_keys.add(
                slot,
                static_cast<std::int64_t>(volatile_size - volatile_size_)
            );
        }
    }

private:
    Database& database_;
    const KeyTable& table_;
    const std::size_t size_;
    const std::size_t volatile_size_;
};

Database::Database(std::uint64_t seed, bool slotted) : seed_(seed), tables_(slotted ? kSlots : 1) {
    if (slotted) {
        counts_.emplace(Counts{SlotCounts(kSlots), SlotCounts(kSlots)});
    }
}

std::size_t Database::table_bytes() const {
    std::size_t sum = tables_.size() * sizeof(KeyTable);
    for (const KeyTable& table : tables_) {
        sum += table.memory_bytes();
    }
    return sum;
}

KeyTable& Database::table_of(ByteView key) {
    return tables_.size() == 1 ? tables_.front()
                               : tables_[static_cast<std::size_t>(wire::key_slot(key))];
}

const KeyTable& Database::table_of(ByteView key) const {
    return tables_.size() == 1 ? tables_.front()
                               : tables_[static_cast<std::size_t>(wire::key_slot(key))];
}

Entry* Database::find(ByteView key) const {
    return table_of(key).find(key, key_hash(key, seed_));
}

Entry* Database::replaced(Entry* old, Entry* entry) {
    // `old` is only compared, never looked into: it may be gone.
    KeyTable& table = table_of(entry->key());
    const Counted counted(*this, table);
    table.replace(old, entry, key_hash(entry->key(), seed_));
    return entry;
}

Entry*
Database::set_string(ByteView key, ByteView value, StringEncoding encoding, bool keep_expiry) {
    KeyTable& table = table_of(key);
    const Counted counted(*this, table);
    const std::uint64_t hash = key_hash(key, seed_);
    table.rehash_step(seed_);
    Entry* old = table.find(key, hash);
    if (old == nullptr) {
        Entry* made = Entry::make_string(key, value, encoding);
        will_insert(*made);
        table.insert(made, hash);
        return made;
    }
    will_change(*old);
    Entry* entry = old;
    if (!keep_expiry && entry->has_expiry()) {
        entry = Entry::without_expiry(entry);
        table.replace(old, entry, hash);
        old = entry;
    }
    entry = Entry::with_string(entry, value, encoding);
    if (entry != old) {
        table.replace(old, entry, hash);
    }
    return entry;
}

Entry* Database::set_value(ByteView key, std::unique_ptr<Value> value, bool keep_expiry) {
    KeyTable& table = table_of(key);
    const Counted counted(*this, table);
    const std::uint64_t hash = key_hash(key, seed_);
    table.rehash_step(seed_);
    Entry* old = table.find(key, hash);
    if (old == nullptr) {
        Entry* made = Entry::make_value(key, std::move(value));
        will_insert(*made);
        table.insert(made, hash);
        return made;
    }
    will_change(*old);
    Entry* entry = Entry::with_value(old, std::move(value));
    entry = keep_expiry ? entry : Entry::without_expiry(entry);
    table.replace(old, entry, hash);
    return entry;
}

Entry* Database::replace_string(Entry* entry, ByteView value, StringEncoding encoding) {
    will_change(*entry);
    return replaced(entry, Entry::with_string(entry, value, encoding));
}

Entry* Database::resize_string(Entry* entry, std::size_t size, char** data) {
    will_change(*entry);
    return replaced(entry, Entry::resize_string(entry, size, data));
}

Entry* Database::set_expiry(Entry* entry, std::int64_t at_ms) {
    will_change(*entry);
    return replaced(entry, Entry::with_expiry(entry, at_ms));
}

Entry* Database::clear_expiry(Entry* entry) {
    will_change(*entry);
    return replaced(entry, Entry::without_expiry(entry));
}

Entry* Database::extract(Entry* entry) {
    will_change(*entry);
    KeyTable& table = table_of(entry->key());
    const Counted counted(*this, table);
    table.rehash_step(seed_);
    table.erase(entry, key_hash(entry->key(), seed_));
    return entry;
}

void Database::adopt(Entry* entry) {
    will_insert(*entry);
    KeyTable& table = table_of(entry->key());
    const Counted counted(*this, table);
    table.rehash_step(seed_);
    table.insert(entry, key_hash(entry->key(), seed_));
}

Entry* Database::rename(Entry* entry, ByteView to) {
    Entry* renamed = Entry::with_key(extract(entry), to);
    adopt(renamed);
    return renamed;
}

void Database::erase(Entry* entry) {
    Entry::destroy(extract(entry));
}

void Database::exchange_keys(Database& other) {
    will_clear();
    other.will_clear();
    std::swap(seed_, other.seed_);
    std::swap(tables_, other.tables_);
    std::swap(size_, other.size_);
    std::swap(volatile_size_, other.volatile_size_);
    std::swap(counts_, other.counts_);
}

void Database::clear() {
    will_clear();
    for (KeyTable& table : tables_) {
        table.clear();
    }
    forget_counts();
}

void Database::forget_counts() {
    size_ = 0;
    volatile_size_ = 0;
    if (counts_.has_value()) {
        counts_->keys.clear();
        counts_->volatile_keys.clear();
    }
}

bool Database::discard_some() {
    std::size_t buckets = 256;
    for (KeyTable& table : tables_) {
        buckets -= table.discard_some(buckets);
        if (buckets == 0) {
            return true;
        }
    }
    forget_counts();
    return false;
}

ScanCursor Database::walk(
    ScanCursor cursor,
    const std::function<std::uint64_t(const KeyTable&, std::uint64_t)>& step
) const {
    if (tables_.size() == 1) {
        return step(tables_.front(), cursor);
    }
    std::size_t slot = cursor & (kSlots - 1);
    std::uint64_t position = cursor >> kSlotBits;
    while (tables_[slot].size() == 0) {
        position = 0;
        if (++slot == kSlots) {
            return 0;
        }
    }
    position = step(tables_[slot], position);
    if (position == 0) {
        do {
            ++slot;
        } while (slot < kSlots && tables_[slot].size() == 0);
    }
    return slot == kSlots ? 0 : (position << kSlotBits) | slot;
}

std::uint64_t Database::scan_order(ScanCursor cursor) const {
    constexpr unsigned kPositionBits = KeyTable::kPositionBits;
    return tables_.size() == 1 ? cursor
                               : ((cursor & (kSlots - 1)) << kPositionBits) | (cursor >> kSlotBits);
}

std::uint64_t Database::slot_position(ByteView key) const {
    return key_hash(key, seed_) >> (64U - KeyTable::kPositionBits);
}

std::uint64_t Database::scan_place(ByteView key) const {
    const std::uint64_t position = slot_position(key);
    if (tables_.size() == 1) {
        return position;
    }
    return (static_cast<std::uint64_t>(wire::key_slot(key)) << KeyTable::kPositionBits) | position;
}

ScanCursor Database::scan(ScanCursor cursor, const KeyTable::Visitor& visit) const {
    return walk(cursor, [&](const KeyTable& table, std::uint64_t position) {
        return table.scan(position, seed_, visit);
    });
}

ScanCursor Database::scan_volatile(ScanCursor cursor, const KeyTable::Visitor& visit) const {
    return walk(cursor, [&](const KeyTable& table, std::uint64_t position) {
        return table.scan_volatile(position, visit);
    });
}

/// A slot is as likely as it has keys.
Entry* Database::random(Random& random) const {
    KUMO_ASSERT(size_ > 0);
    const std::size_t slot = counts_.has_value() ? counts_->keys.slot_of(random.below(size_)) : 0;
    return tables_[slot].random(random);
}

Entry* Database::random_volatile(Random& random) const {
    if (volatile_size_ == 0) {
        return nullptr;
    }
    const std::size_t slot =
        counts_.has_value() ? counts_->volatile_keys.slot_of(random.below(volatile_size_)) : 0;
    return tables_[slot].random_volatile(random);
}

Entry* Database::next_volatile(ScanCursor* cursor) const {
    Entry* found = nullptr;
    // From anywhere to the end, then from the beginning.
    for (int ends = 0; volatile_size_ > 0 && found == nullptr && ends < 2;) {
        *cursor = scan_volatile(*cursor, [&found](Entry* entry) { found = entry; });
        ends += *cursor == 0 ? 1 : 0;
    }
    return found;
}

std::size_t Database::slot_size(int slot) const {
    KUMO_ASSERT(tables_.size() == kSlots);
    return tables_[static_cast<std::size_t>(slot)].size();
}

void Database::visit_slot(int slot, std::size_t limit, const KeyTable::Visitor& visit) const {
    KUMO_ASSERT(tables_.size() == kSlots);
    const KeyTable& table = tables_[static_cast<std::size_t>(slot)];
    std::size_t seen = 0;
    std::uint64_t position = 0;
    do {
        position = table.scan(position, seed_, [&](Entry* entry) {
            if (seen < limit) {
                ++seen;
                visit(entry);
            }
        });
    } while (position != 0 && seen < limit);
}

std::uint64_t Database::scan_slot(int slot, std::uint64_t position, const KeyTable::Visitor& visit)
    const {
    KUMO_ASSERT(tables_.size() == kSlots);
    return tables_[static_cast<std::size_t>(slot)].scan(position, seed_, visit);
}

void Database::exchange_slot(int slot, Database& other) {
    KUMO_ASSERT(tables_.size() == kSlots && other.tables_.size() == kSlots && seed_ == other.seed_);
    KeyTable& own = tables_[static_cast<std::size_t>(slot)];
    KeyTable& its = other.tables_[static_cast<std::size_t>(slot)];
    if (own.size() == 0 && its.size() == 0) {
        return;
    }
    will_exchange(slot);
    other.will_exchange(slot);
    const Counted counted(*this, own);
    const Counted its_counted(other, its);
    std::swap(own, its);
}

bool Database::rehash_some() {
    bool any = false;
    for (KeyTable& table : tables_) {
        any = table.rehash_step(seed_) || any;
    }
    return any;
}

void Database::reserve(std::size_t keys) {
    for (KeyTable& table : tables_) {
        table.reserve(keys / tables_.size());
    }
}

}  // namespace kumo::kv
