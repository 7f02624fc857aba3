#pragma once

#include "api/redis/service.h"
#include "base/result.h"
#include "kv/aof/aof_reader.h"
#include "kv/rdb/rdb_reader.h"
#include "kv/rdb/value_codec.h"

#include <cstdint>
#include <optional>
#include <span>

namespace kumo::api_redis {

/// Puts what a file holds into a service's keyspace. Keys that a file has expired are left out by a
/// master, and kept by a replica, whose master says when they go.
///
/// Thread rule: loop-owned.
class DatasetLoader final : public kv::RdbSink, public kv::AofSink {
public:
    /// `keep_expired`: changes follow that expect all keys. `replace`: what is there already is
    /// replaced, else it is an error.
    explicit DatasetLoader(Service& service, bool keep_expired = false, bool replace = true);

    Status on_aux(ByteView name, ByteView value) override;
    Status on_function(ByteView code) override;
    Status on_database(int db, std::uint64_t keys, std::uint64_t volatile_keys) override;
    kv::ObjectVisitor* begin_key(const kv::RdbKey& key) override;
    Status end_key(const kv::RdbKey& key) override;
    Status on_command(std::span<const ByteView> arguments) override;

    std::uint64_t keys() const { return keys_; }

    /// The database that a master's stream was in when it wrote the file; 0 if it did not say.
    int stream_database() const { return stream_database_; }

private:
    void set_access(kv::Entry* entry, const kv::RdbKey& key);

    Service& service_;
    kv::ValueBuilder builder_;
    bool keep_expired_;
    bool replace_;
    int db_ = 0;
    int stream_database_ = 0;
    std::uint64_t keys_ = 0;
};

}  // namespace kumo::api_redis
