#include "kv/rdb/snapshot.h"

#include "kv/keyspace/access.h"

#include <algorithm>

namespace kumo::kv {

Snapshot::Snapshot(Keyspace& keyspace, RdbWriter& writer, std::int64_t now_ms, Database* extra)
    : keyspace_(keyspace), writer_(writer), now_ms_(now_ms) {
    for (int db = 0; db < keyspace_.database_count(); ++db) {
        databases_.push_back(db == 1 && extra != nullptr ? extra : &keyspace_.database(db));
    }
    if (extra != nullptr && databases_.size() == 1) {
        databases_.push_back(extra);
    }
    early_.resize(databases_.size());
    for (Database* each : databases_) {
        each->add_observer(*this);
    }
}

Snapshot::~Snapshot() {
    for (Database* each : databases_) {
        each->remove_observer(*this);
    }
}

int Snapshot::index_of(const Database& database) const {
    const auto at = std::find(databases_.begin(), databases_.end(), &database);
    return static_cast<int>(at - databases_.begin());
}

bool Snapshot::passed(int db, ByteView key) const {
    if (db != db_) {
        return db < db_;
    }
    const Database& database = *databases_[static_cast<std::size_t>(db)];
    return begun_ && database.scan_place(key) < database.scan_order(cursor_);
}

void Snapshot::select(int db) {
    if (selected_ != db) {
        selected_ = db;
        const Database& database = *databases_[static_cast<std::size_t>(db)];
        writer_.database(db, database.size(), database.volatile_size());
    }
}

void Snapshot::write(int db, const Entry& entry) {
    select(db);
    RdbKey key;
    key.db = db;
    key.key = entry.key();
    if (entry.has_expiry()) {
        key.expire_at_ms = entry.expire_at_ms();
    }
    switch (keyspace_.settings.policy) {
        case EvictionPolicy::kAllkeysLru:
        case EvictionPolicy::kVolatileLru:
            key.idle_seconds = idle_seconds(entry.access(), now_ms_);
            break;
        case EvictionPolicy::kAllkeysLfu:
        case EvictionPolicy::kVolatileLfu:
            key.frequency =
                static_cast<std::uint8_t>(lfu_frequency(keyspace_.settings, entry.access(), now_ms_)
                );
            break;
        default: break;
    }
    if (entry.is_string()) {
        writer_.string(key, entry.string());
    } else {
        writer_.value(key, entry.value());
    }
    ++keys_;
}

bool Snapshot::step(std::size_t budget_bytes) {
    const std::uint64_t begin = writer_.bytes();
    while (db_ < static_cast<int>(databases_.size()) && !broken_) {
        const Database& database = *databases_[static_cast<std::size_t>(db_)];
        const auto& early = early_[static_cast<std::size_t>(db_)];
        if (database.size() > 0) {
            begun_ = true;
            const int db = db_;
            cursor_ = database.scan(cursor_, [&](Entry* entry) {
                if (early.empty() || !early.contains(std::string(entry->key()))) {
                    write(db, *entry);
                }
            });
        } else {
            cursor_ = 0;
        }
        if (cursor_ == 0) {
            ++db_;
            begun_ = false;
        }
        if (writer_.bytes() - begin >= budget_bytes) {
            return true;
        }
    }
    return false;
}

void Snapshot::before_change(const Database& database, const Entry& entry) {
    const int db = index_of(database);
    if (passed(db, entry.key())
        || !early_[static_cast<std::size_t>(db)].insert(std::string(entry.key())).second) {
        return;
    }
    write(db, entry);
}

void Snapshot::before_insert(const Database& database, const Entry& entry) {
    const int db = index_of(database);
    if (!passed(db, entry.key())) {
        early_[static_cast<std::size_t>(db)].insert(std::string(entry.key()));
    }
}

void Snapshot::before_clear(const Database& database) {
    broken_ = broken_ || (database.size() > 0 && index_of(database) >= db_);
}

void Snapshot::before_exchange(const Database& /*database*/, int /*slot*/) {
    broken_ = true;
}

}  // namespace kumo::kv
