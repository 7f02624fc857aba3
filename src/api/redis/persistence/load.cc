// Reading what a server left: RDB and append-only files.
#include "api/redis/persistence/persistence.h"
#include "base/log.h"
#include "kv/aof/aof_reader.h"
#include "kv/keyspace/access.h"
#include "kv/rdb/rdb_reader.h"
#include "kv/rdb/value_codec.h"

#include <utility>

namespace kumo::api_redis {

namespace {

constexpr std::uint64_t kManifestBytesMax = std::uint64_t{4} << 20;

/// Puts what a file holds into a service's keyspace.
class Loader final : public kv::RdbSink, public kv::AofSink {
public:
    struct Options {
        /// Commands follow that expect the keys: expired ones are taken, too.
        bool of_aof = false;
        /// What is there already is replaced; else it is an error.
        bool merge = false;
    };

    Loader(Service& service, const Options& options)
        : service_(service), options_(options), builder_(service.keyspace.limits) {}

    Status on_function(ByteView code) override {
        return service_.load_function(code, options_.merge);
    }

    Status on_database(int db, std::uint64_t keys, std::uint64_t /*volatile_keys*/) override {
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

    kv::ObjectVisitor* begin_key(const kv::RdbKey& key) override {
        const bool expired = key.expire_at_ms.has_value() && *key.expire_at_ms <= service_.now_ms();
        return expired && !options_.of_aof ? nullptr : &builder_;
    }

    Status end_key(const kv::RdbKey& key) override {
        if (key.db < 0 || key.db >= service_.keyspace.database_count()) {
            return Error{ErrorCode::kInvalidArgument, "the file has a database out of range"};
        }
        kv::Database& database = service_.keyspace.database(key.db);
        if (!options_.merge && database.find(key.key) != nullptr) {
            return Error{ErrorCode::kCorruption, "a key is there twice"};
        }
        std::unique_ptr<kv::Value> value = builder_.take();
        const std::string& text = builder_.string();
        kv::Entry* entry =
            value == nullptr ? database.set_string(key.key, text, kv::natural_encoding(text), false)
                             : database.set_value(key.key, std::move(value), false);
        set_access(entry, key);
        if (key.expire_at_ms.has_value()) {
            database.set_expiry(entry, *key.expire_at_ms);
        }
        ++keys_;
        return {};
    }

    Status on_command(std::span<const ByteView> arguments) override {
        return service_.replay(&db_, arguments);
    }

    std::uint64_t keys() const { return keys_; }

private:
    void set_access(kv::Entry* entry, const kv::RdbKey& key) {
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

    Service& service_;
    Options options_;
    kv::ValueBuilder builder_;
    int db_ = 0;
    std::uint64_t keys_ = 0;
};

Error in_file(const std::string& path, const Error& error) {
    return {error.code, path + ": " + error.message};
}

}  // namespace

Status Persistence::load_rdb(const std::string& path, bool merge) {
    auto mapped = fs_.map(path);
    if (!mapped.ok()) {
        return mapped.error().code == ErrorCode::kNotFound ? Status() : Status(mapped.error());
    }
    if (mapped.value()->bytes().empty()) {
        return {};
    }
    Loader loader(service_, {.merge = merge});
    kv::RdbReader reader(mapped.value()->bytes(), loader);
    const Status read = reader.read_all();
    if (!read.ok()) {
        return in_file(path, read.error());
    }
    info_.keys_loaded += loader.keys();
    log_info("loaded " + std::to_string(loader.keys()) + " keys from " + path);
    return {};
}

Status Persistence::load_aof_file(const std::string& path, bool last) {
    std::size_t valid = 0;
    bool truncated = false;
    {
        auto mapped = fs_.map(path);
        if (!mapped.ok()) {
            return mapped.error().code == ErrorCode::kNotFound
                       ? Error{ErrorCode::kNotFound, path + " : No such file or directory"}
                       : mapped.error();
        }
        Loader loader(service_, {.of_aof = true, .merge = true});
        kv::AofReadOptions options;
        options.allow_truncated = last && service_.settings.flag("aof-load-truncated");
        kv::AofReader reader(mapped.value()->bytes(), loader, loader, options);
        const Status read = reader.read_all();
        if (!read.ok()) {
            return in_file(path, read.error());
        }
        valid = reader.valid_bytes();
        truncated = reader.truncated();
        info_.keys_loaded += loader.keys();
    }
    if (truncated) {
        log_warn(path + " ends within a command: cut to " + std::to_string(valid) + " bytes");
        KUMO_TRY_ASSIGN(const auto file, fs_.open(path, io::OpenMode::kReadWrite));
        KUMO_TRY(file->truncate(valid));
        KUMO_TRY(file->sync());
    }
    base_bytes_ += valid;
    return {};
}

Result<kv::AofManifest> Persistence::read_manifest() {
    const std::string path =
        aof_path(kv::aof_manifest_name(service_.settings.text("appendfilename")));
    auto text = io::read_file(fs_, path, kManifestBytesMax);
    if (!text.ok()) {
        if (text.error().code == ErrorCode::kNotFound) {
            return kv::AofManifest();
        }
        return text.error();
    }
    auto parsed = kv::AofManifest::parse(text.value());
    if (!parsed.ok()) {
        return in_file(path, parsed.error());
    }
    return parsed;
}

/// A single append-only file of before Redis 7 moves into the directory and becomes the base.
Status Persistence::adopt_old_aof() {
    const std::string& name = service_.settings.text("appendfilename");
    const std::string old = io::join_path(service_.settings.text("dir"), name);
    KUMO_TRY_ASSIGN(const bool there, io::exists(fs_, old));
    if (!manifest_.empty() || !there) {
        return {};
    }
    KUMO_TRY(io::make_directories(fs_, aof_directory()));
    const kv::AofManifest upgraded = kv::AofManifest::upgrade(name);
    KUMO_TRY(fs_.rename(old, aof_path(name)));
    KUMO_TRY(fs_.sync_dir(aof_directory()));
    KUMO_TRY(write_manifest(upgraded));
    manifest_ = upgraded;
    log_info("took over " + old);
    return {};
}

Status Persistence::load_aof() {
    base_bytes_ = 0;
    const std::vector<kv::AofFile> files = manifest_.files();
    for (std::size_t i = 0; i < files.size(); ++i) {
        KUMO_TRY(load_aof_file(aof_path(files[i].name), i + 1 == files.size()));
    }
    rewritten_at_bytes_ = base_bytes_;
    log_info(
        "loaded " + std::to_string(service_.keyspace.size()) + " keys from "
        + std::to_string(files.size()) + " append-only files"
    );
    return {};
}

Status Persistence::load() {
    if (!service_.settings.flag("appendonly")) {
        return load_rdb(rdb_path());
    }
    KUMO_TRY_ASSIGN(manifest_, read_manifest());
    KUMO_TRY(adopt_old_aof());
    // Without an append-only file a snapshot is what there is; a base is made of it at once.
    return manifest_.empty() ? load_rdb(rdb_path()) : load_aof();
}

}  // namespace kumo::api_redis
