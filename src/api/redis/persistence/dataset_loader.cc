#include "api/redis/persistence/dataset_loader.h"

#include "kv/keyspace/access.h"
#include "kv/keyspace/number.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

namespace kumo::api_redis {

DatasetLoader::DatasetLoader(Service& service, bool keep_expired, bool replace)
    : service_(service),
      builder_(service.keyspace.limits),
      keep_expired_(keep_expired),
      replace_(replace) {}

Status DatasetLoader::on_aux(ByteView name, ByteView value) {
    if (name == "repl-stream-db") {
        const auto db = kv::parse_integer(value);
        if (db.has_value() && *db >= 0 && *db < service_.keyspace.database_count()) {
            stream_database_ = static_cast<int>(*db);
        }
    }
    return {};
}

Status DatasetLoader::on_function(ByteView code) {
    return service_.load_function(code, replace_);
}

Status DatasetLoader::on_database(int db, std::uint64_t keys, std::uint64_t /*volatile_keys*/) {
    if (db < 0 || db >= service_.keyspace.database_count()) {
        return Error{
            ErrorCode::kInvalidArgument,
            "the file has database " + std::to_string(db) + ", the server has only "
                + std::to_string(service_.keyspace.database_count())};
    }
    // What a file announces is not believed beyond a bound.
    constexpr std::uint64_t kReserveMax = 50'000'000;
    service_.keyspace.database(db).reserve(std::min(keys, kReserveMax));
    return {};
}

kv::ObjectVisitor* DatasetLoader::begin_key(const kv::RdbKey& key) {
    const bool expired = key.expire_at_ms.has_value() && *key.expire_at_ms <= service_.now_ms();
    return expired && !keep_expired_ ? nullptr : &builder_;
}

Status DatasetLoader::end_key(const kv::RdbKey& key) {
    if (key.db < 0 || key.db >= service_.keyspace.database_count()) {
        return Error{ErrorCode::kInvalidArgument, "the file has a database out of range"};
    }
    kv::Database& database = service_.keyspace.database(key.db);
    if (!replace_ && database.find(key.key) != nullptr) {
        return Error{ErrorCode::kCorruption, "a key is there twice"};
    }
    std::unique_ptr<kv::Value> value = builder_.take();
    const std::string& text = builder_.string();
    kv::Entry* entry = value == nullptr
                           ? database.set_string(key.key, text, kv::natural_encoding(text), false)
                           : database.set_value(key.key, std::move(value), false);
    set_access(entry, key);
    if (key.expire_at_ms.has_value()) {
        database.set_expiry(entry, *key.expire_at_ms);
    }
    ++keys_;
    return {};
}

Status DatasetLoader::on_command(std::span<const ByteView> arguments) {
    return service_.replay(&db_, arguments);
}

void DatasetLoader::set_access(kv::Entry* entry, const kv::RdbKey& key) {
    const kv::KeyspaceSettings& settings = service_.keyspace.settings;
    const std::int64_t now = service_.now_ms();
    std::uint32_t access = kv::initial_access(settings, now);
    if (kv::is_lfu(settings.policy) && key.frequency.has_value()) {
        access = kv::access_of_frequency(*key.frequency, now);
    } else if (!kv::is_lfu(settings.policy) && key.idle_seconds.has_value()) {
        access = kv::access_of_idle(static_cast<std::uint32_t>(*key.idle_seconds), now);
    }
    entry->set_access(access);
}

}  // namespace kumo::api_redis
