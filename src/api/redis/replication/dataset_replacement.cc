#include "api/redis/replication/dataset_replacement.h"

#include "api/redis/scripting.h"
#include "api/redis/service.h"

#include <utility>

namespace kumo::api_redis {

namespace {

/// Between two looks at the clock.
constexpr int kKeysPerLook = 16;

}  // namespace

DatasetReplacement::DatasetReplacement(Service& service, std::unique_ptr<io::MappedFile> file)
    : service_(service),
      file_(std::move(file)),
      old_(service.random().next(), service.keyspace.database_count(), service.keyspace.slotted()),
      loader_(service, true),
      reader_(file_->bytes(), loader_) {
    for (int db = 0; db < old_.database_count(); ++db) {
        service_.keyspace.database(db).exchange_keys(old_.database(db));
    }
}

Result<std::unique_ptr<DatasetReplacement>>
DatasetReplacement::begin(Service& service, io::Fs& fs, const std::string& path) {
    KUMO_TRY_ASSIGN(std::unique_ptr<io::MappedFile> file, fs.map(path));
    service.note_all_keys_go();
    service.scripting().libraries.flush();
    return std::unique_ptr<DatasetReplacement>(new DatasetReplacement(service, std::move(file)));
}

/// Some of the old keys; false: there are none left.
bool DatasetReplacement::free_some() {
    while (freed_ < old_.database_count()) {
        if (old_.database(freed_).discard_some()) {
            return true;
        }
        ++freed_;
    }
    return false;
}

Result<bool> DatasetReplacement::step(Duration budget) {
    const MonotonicTime begun = service_.monotonic_now();
    while (service_.monotonic_now() - begun < budget) {
        for (int i = 0; i < kKeysPerLook; ++i) {
            if (free_some()) {
                continue;
            }
            KUMO_TRY_ASSIGN(const bool more, reader_.read_some());
            if (!more) {
                return false;
            }
        }
    }
    return true;
}

}  // namespace kumo::api_redis
