// What has its time: expiry, eviction, idle clients, tables that grow.
#include "api/redis/internal/command_effects.h"
#include "api/redis/replication/replication.h"
#include "api/redis/service.h"
#include "kv/keyspace/access.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace kumo::api_redis {

namespace {

constexpr Duration kCronInterval = std::chrono::milliseconds(50);
/// One round of expiry looks at that many buckets of a database at least, and goes on while many
/// keys are expired, up to this time.
constexpr int kExpireBucketsMin = 2000;
constexpr Duration kExpireTimeMax = std::chrono::milliseconds(2);
constexpr int kExpireBatchBuckets = 64;
constexpr int kRehashSteps = 200;
constexpr int kEvictionsPerCall = 1000;

}  // namespace

void Service::cron() {
    cron_timer_ = environment_.loop.add_timer(kCronInterval, [this] { cron(); });
    if (cron_paused) {
        return;
    }
    if (active_expire && !paused() && removes_expired()) {
        expire_some();
    }
    for (int db = 0; db < keyspace.database_count(); ++db) {
        for (int i = 0; i < kRehashSteps && keyspace.database(db).rehash_some(); ++i) {
        }
    }
    check_idle_sessions();
    check_output_limits();
    if (settings_cache_.client_memory_max > 0) {
        evict_clients();
    }
    stats.peak_memory = std::max(stats.peak_memory, used_memory());
    for (const std::function<void()>& task : periodic_) {
        task();
    }
}

void Service::expire_some() {
    const MonotonicTime begun = monotonic_now();
    const std::int64_t now = now_ms();
    ++stats.expire_cycles;
    std::vector<kv::Entry*> expired;
    for (int db = 0; db < keyspace.database_count(); ++db) {
        kv::Database& database = keyspace.database(db);
        if (database.volatile_size() == 0) {
            continue;
        }
        kv::ScanCursor& cursor = expire_cursors_[static_cast<std::size_t>(db)];
        int buckets = 0;
        bool many = true;
        while (buckets < kExpireBucketsMin || (many && monotonic_now() - begun < kExpireTimeMax)) {
            expired.clear();
            for (int i = 0; i < kExpireBatchBuckets; ++i, ++buckets) {
                cursor = database.scan_volatile(cursor, [&](kv::Entry* entry) {
                    if (entry->expired(now)) {
                        expired.push_back(entry);
                    }
                });
                if (cursor == 0) {
                    break;
                }
            }
            for (kv::Entry* entry : expired) {
                kv::remove_expired(keyspace, db, entry, *effects_);
                flush_propagation();  // Each on its own, not as one transaction.
            }
            many = expired.size() > kExpireBatchBuckets / 4;
            if (cursor == 0 || monotonic_now() - begun >= kExpireTimeMax) {
                break;
            }
        }
    }
    add_latency("expire-cycle", static_cast<std::uint64_t>((monotonic_now() - begun).count()));
    after_command(nullptr);
}

void Service::check_idle_sessions() {
    const std::int64_t timeout = settings.number("timeout");
    if (timeout == 0) {
        return;
    }
    std::vector<SessionId> idle;
    for (const auto& [id, open] : sessions_) {
        if (!open->closing() && !open->blocked.has_value() && !open->subscriptions.any()
            && !open->monitor && !open->replica && now_ms() - open->last_used_ms > timeout * 1000) {
            idle.push_back(id);
        }
    }
    for (const SessionId id : idle) {
        sessions_.at(id)->close_gently();
    }
}

/// A soft limit can be exceeded for too long without anything being written.
void Service::check_output_limits() {
    std::vector<SessionId> over;
    for (const auto& [id, open] : sessions_) {
        if (!open->closing() && open->over_soft_limit_since_ms != 0 && over_output_limit(*open)) {
            over.push_back(id);
        }
    }
    for (const SessionId id : over) {
        log_closed(*sessions_.at(id), "it does not read its answers");
        sessions_.at(id)->abort();
    }
}

// Eviction --------------------------------------------------------------------------------------

namespace {

/// The larger, the better it goes.
std::uint64_t
eviction_score(const kv::KeyspaceSettings& settings, const kv::Entry& entry, std::int64_t now_ms) {
    switch (settings.policy) {
        case kv::EvictionPolicy::kAllkeysLru:
        case kv::EvictionPolicy::kVolatileLru: return kv::idle_seconds(entry.access(), now_ms);
        case kv::EvictionPolicy::kAllkeysLfu:
        case kv::EvictionPolicy::kVolatileLfu:
            return 255 - kv::lfu_frequency(settings, entry.access(), now_ms);
        case kv::EvictionPolicy::kVolatileTtl:
            return entry.has_expiry() ? std::numeric_limits<std::uint64_t>::max()
                                            - static_cast<std::uint64_t>(entry.expire_at_ms())
                                      : 0;
        case kv::EvictionPolicy::kNoeviction:
        case kv::EvictionPolicy::kAllkeysRandom:
        case kv::EvictionPolicy::kVolatileRandom: return 0;
    }
    return 0;
}

bool only_volatile(kv::EvictionPolicy policy) {
    return policy == kv::EvictionPolicy::kVolatileLru || policy == kv::EvictionPolicy::kVolatileLfu
           || policy == kv::EvictionPolicy::kVolatileRandom
           || policy == kv::EvictionPolicy::kVolatileTtl;
}

}  // namespace

kv::Entry* Service::eviction_candidate(int* db) {
    const bool of_volatile = only_volatile(keyspace.settings.policy);
    const std::int64_t samples = settings.number("maxmemory-samples");
    kv::Entry* best = nullptr;
    std::uint64_t best_score = 0;
    for (int at = 0; at < keyspace.database_count(); ++at) {
        kv::Database& database = keyspace.database(at);
        for (std::int64_t i = 0; i < samples && database.size() > 0; ++i) {
            kv::Entry* entry =
                of_volatile ? database.random_volatile(random()) : database.random(random());
            if (entry == nullptr) {
                break;
            }
            const std::uint64_t score = eviction_score(keyspace.settings, *entry, now_ms());
            if (best == nullptr || score > best_score) {
                best = entry;
                best_score = score;
                *db = at;
            }
        }
    }
    // Few keys among many have an expiry: all are looked through, from where the last one was.
    for (int at = 0; of_volatile && best == nullptr && at < keyspace.database_count(); ++at) {
        best =
            keyspace.database(at).next_volatile(&eviction_cursors_[static_cast<std::size_t>(at)]);
        *db = at;
    }
    return best;
}

/// What erasing the key gives back: not what telling of it takes.
std::uint64_t Service::evict(int db, kv::Entry* entry) {
    const std::string key(entry->key());
    const std::uint64_t before = used_memory();
    keyspace.database(db).erase(entry);
    const std::uint64_t after = used_memory();
    ++keyspace.stats.evicted;
    announce_deletion(db, key, kv::EventClass::kEvicted, "evicted");
    flush_propagation();
    return before - std::min(before, after);
}

bool Service::make_room() {
    const std::uint64_t most = settings_cache_.memory_max;
    const std::uint64_t used = most == 0 ? 0 : used_memory();
    if (used <= most || paused()) {
        return true;
    }
    if (cluster != nullptr && !removes_expired()) {
        return true;  // Whoever leads the keys evicts.
    }
    if (replication_->is_replica() && settings.flag("replica-ignore-maxmemory")) {
        return true;  // What goes is its master's to say.
    }
    if (keyspace.settings.policy == kv::EvictionPolicy::kNoeviction) {
        return false;
    }
    const std::uint64_t wanted = used - most;
    std::uint64_t freed = 0;
    const MonotonicTime begun = monotonic_now();
    bool more = true;
    for (int i = 0; i < kEvictionsPerCall && freed < wanted && more; ++i) {
        int db = 0;
        kv::Entry* entry = eviction_candidate(&db);
        more = entry != nullptr;
        freed += more ? evict(db, entry) : 0;
    }
    add_latency("eviction-cycle", static_cast<std::uint64_t>((monotonic_now() - begun).count()));
    if (more && freed < wanted) {
        evict_later();  // The rest after this turn; nobody has to wait for it.
    }
    return more;
}

/// A lower limit is kept at once, not only when the next command comes.
void Service::evict_later() {
    if (!std::exchange(evicts_later_, true)) {
        environment_.loop.defer([this] {
            evicts_later_ = false;
            (void)make_room();
        });
    }
}

}  // namespace kumo::api_redis
