// Reading what a server left: RDB and append-only files.
#include "api/redis/persistence/dataset_loader.h"
#include "api/redis/persistence/persistence.h"
#include "base/log.h"
#include "kv/aof/aof_reader.h"
#include "kv/rdb/rdb_reader.h"

#include <utility>

namespace kumo::api_redis {

namespace {

constexpr std::uint64_t kManifestBytesMax = std::uint64_t{4} << 20;

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
    DatasetLoader loader(service_, false, merge);
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
        DatasetLoader loader(service_, true);
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
