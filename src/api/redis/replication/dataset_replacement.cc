#include "api/redis/replication/dataset_replacement.h"

#include "api/redis/scripting.h"
#include "api/redis/service.h"

#include <utility>
#include <vector>

namespace kumo::api_redis {

namespace {

/// Between two looks at the clock.
constexpr int kKeysPerLook = 16;

}  // namespace

DatasetReplacement::DatasetReplacement(Service& service, std::unique_ptr<io::MappedFile> file)
    : service_(service),
      file_(std::move(file)),
      old_(
          service.random().next(),
          service.keyspace.database_count(),
          service.keyspace.slotted()
      ),
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

/// A bucket of the old keys; false: there are none left.
bool DatasetReplacement::free_some() {
    while (freed_ < old_.database_count() && old_.database(freed_).size() == 0) {
        ++freed_;
    }
    if (freed_ == old_.database_count()) {
        return false;
    }
    kv::Database& database = old_.database(freed_);
    std::vector<kv::Entry*> entries;
    cursor_ = database.scan(cursor_, [&entries](kv::Entry* entry) { entries.push_back(entry); });
    for (kv::Entry* entry : entries) {
        database.erase(entry);
    }
    return true;
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
