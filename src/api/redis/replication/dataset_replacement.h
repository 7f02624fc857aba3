#pragma once

#include "api/redis/persistence/dataset_loader.h"
#include "base/result.h"
#include "io/fs.h"
#include "kv/keyspace/keyspace.h"
#include "kv/rdb/rdb_reader.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace kumo::api_redis {

class Service;

/// Puts a master's file in the place of all keys, a slice at a time, so that the loop goes on: the
/// old keys are set aside at once and freed first, then the file is read. One value is read in one
/// go.
///
/// Thread rule: loop-owned.
class DatasetReplacement final {
public:
    /// The keys are gone when this returns; function libraries too.
    static Result<std::unique_ptr<DatasetReplacement>>
    begin(Service& service, io::Fs& fs, const std::string& path);

    /// Goes on for about that long; true: there is more to do.
    Result<bool> step(Duration budget);

    std::uint64_t total_bytes() const { return file_->bytes().size(); }

    std::uint64_t loaded_bytes() const { return reader_.position(); }

    std::uint64_t keys() const { return loader_.keys(); }

    int stream_database() const { return loader_.stream_database(); }

private:
    DatasetReplacement(Service& service, std::unique_ptr<io::MappedFile> file);
    bool free_some();

    Service& service_;
    std::unique_ptr<io::MappedFile> file_;
    kv::Keyspace old_;
    int freed_ = 0;  ///< Databases of old_ that are empty.
    DatasetLoader loader_;
    kv::RdbReader reader_;
};

}  // namespace kumo::api_redis
