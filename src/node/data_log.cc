#include "node/data_log.h"

#include "base/log.h"
#include "base/uuid.h"
#include "node/internal/set_aside.h"
#include "store/checkpoint.h"
#include "wire/byte_reader.h"

#include <string_view>
#include <utility>

namespace kumo::node {

namespace {

constexpr store::FileKind kIdKind = {{'W', 'A', 'L', 'I', 'D', 'E', 'N', 'T'}, 1};
constexpr store::FileKind kLostKind = {{'W', 'A', 'L', 'L', 'O', 'S', 'T', '_'}, 1};
constexpr std::string_view kAsidePrefix = "wal.damaged-";

/// Nothing if there is no such file.
Result<std::optional<Uuid>> read_id(io::Fs& fs, const std::string& path) {
    const auto file = store::read_checked_file(fs, path, kIdKind);
    if (!file.ok() && file.error().code == ErrorCode::kNotFound) {
        return std::optional<Uuid>();
    }
    if (!file.ok()) {
        return file.error();
    }
    const auto id = uuid_from_bytes(file.value().bytes);
    return id ? Result<std::optional<Uuid>>(id) : corruption(path + ": not well formed");
}

}  // namespace

DataLog::DataLog(io::Fs& fs, std::string data_dir) : fs_(fs), data_dir_(std::move(data_dir)) {}

std::string DataLog::path(const char* name) const {
    return io::join_path(data_dir_, name);
}

std::string DataLog::directory() const {
    return path("wal");
}

Status DataLog::check(Random& random) const {
    const std::string inside = io::join_path(directory(), "id");
    KUMO_TRY_ASSIGN(const auto known, read_id(fs_, path("wal_id")));
    KUMO_TRY_ASSIGN(const auto found, read_id(fs_, inside));
    if (known && found == known) {
        return {};
    }
    if (known) {
        return corruption(
            inside + ": " + (found ? "of another log" : "missing")
            + "; the log of this data directory was removed or exchanged: put it back, or, to go on "
              "without what only it had, remove "
            + path("wal_id")
        );
    }
    const Uuid id = found ? *found : make_uuid(random);
    if (!found) {
        KUMO_TRY(io::make_directories(fs_, directory()));
        KUMO_TRY(store::write_checked_file(fs_, inside, kIdKind, id.view()));
    }
    return store::write_checked_file(fs_, path("wal_id"), kIdKind, id.view());
}

/// A free name; there are fewer than kDamagedLogsMax others then.
Result<std::string> DataLog::place_aside() const {
    KUMO_TRY_ASSIGN(const auto numbers, aside_numbers(fs_, data_dir_, kAsidePrefix));
    KUMO_TRY_ASSIGN(const auto before, lost());
    const auto name = [this](std::uint64_t number) {
        return path((std::string(kAsidePrefix) + std::to_string(number)).c_str());
    };
    for (std::size_t i = 0; i + kDamagedLogsMax <= numbers.size(); ++i) {
        if (before) {
            return corruption(
                name(numbers[i]) + ": still needed, and there are " + std::to_string(numbers.size())
                + " damaged logs already: look at the disk, then move them elsewhere"
            );
        }
        log_warn(name(numbers[i]) + " is removed: its copies were built anew long ago");
        KUMO_TRY(io::remove_tree(fs_, name(numbers[i])));
    }
    return name(next_aside_number(numbers));
}

Status DataLog::set_aside(const Error& why) const {
    KUMO_TRY_ASSIGN(const bool there, io::exists(fs_, directory()));
    KUMO_TRY_ASSIGN(const std::string aside, place_aside());
    // First the mark: whatever comes in between, nobody believes in the copies any more.
    KUMO_TRY(remember({why.message + (there ? "; it was set aside as " + aside : ""), 0}));
    if (there) {
        KUMO_TRY(move_aside(fs_, directory(), aside));
    }
    KUMO_TRY(io::remove_tree(fs_, path("wal_id")));
    return fs_.sync_dir(data_dir_);
}

Result<std::optional<LostLog>> DataLog::lost() const {
    const auto file = store::read_checked_file(fs_, path("wal_lost"), kLostKind);
    if (!file.ok() && file.error().code == ErrorCode::kNotFound) {
        return std::optional<LostLog>();
    }
    if (!file.ok()) {
        return file.error();
    }
    wire::ByteReader in(file.value().bytes);
    LostLog lost;
    lost.first_whole = in.number();
    lost.why = in.text();
    return in.at_end() ? Result<std::optional<LostLog>>(lost)
                       : corruption(path("wal_lost") + ": not well formed");
}

Status DataLog::remember(const LostLog& lost) const {
    std::string bytes;
    wire::append_varint(bytes, lost.first_whole);
    wire::append_sized(bytes, lost.why);
    return store::write_checked_file(fs_, path("wal_lost"), kLostKind, bytes);
}

Status DataLog::forget() const {
    KUMO_TRY(io::remove_tree(fs_, path("wal_lost")));
    return fs_.sync_dir(data_dir_);
}

}  // namespace kumo::node
