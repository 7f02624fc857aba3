#include "node/control/lost_control.h"

#include "base/log.h"
#include "node/control/control_storage.h"
#include "node/control/death_notice.h"
#include "node/internal/set_aside.h"
#include "store/checkpoint.h"
#include "wire/byte_reader.h"

namespace kumo::node {

namespace {

constexpr store::FileKind kLostKind = {{'C', 'T', 'L', 'L', 'O', 'S', 'T', '_'}, 1};

std::string lost_path(const std::string& directory) {
    return directory + "_lost";
}

/// The cluster that the node was in, by whichever file is whole.
Uuid cluster_of(io::Fs& fs, const std::string& directory) {
    const auto snapshot = ControlStorage::read_snapshot(fs, directory);
    if (snapshot.ok() && snapshot.value()) {
        return snapshot.value()->state->cluster.id;
    }
    const auto obituary = read_obituary(fs, directory);
    return obituary.ok() ? obituary.value().cluster : Uuid();
}

Result<std::string> place_aside(io::Fs& fs, const std::string& directory) {
    const std::string parent = io::parent_path(directory);
    const std::string prefix = directory + ".damaged-";
    const std::string name = prefix.substr(prefix.find_last_of('/') + 1);
    KUMO_TRY_ASSIGN(const auto numbers, aside_numbers(fs, parent, name));
    for (std::size_t i = 0; i + kDamagedControlsMax <= numbers.size(); ++i) {
        KUMO_TRY(io::remove_tree(fs, prefix + std::to_string(numbers[i])));
    }
    return prefix + std::to_string(next_aside_number(numbers));
}

}  // namespace

Status set_control_aside(io::Fs& fs, const std::string& directory, const Error& why) {
    KUMO_TRY_ASSIGN(const std::string aside, place_aside(fs, directory));
    KUMO_TRY_ASSIGN(const auto before, read_lost_control(fs, directory));
    LostControl lost{why.message + "; it was set aside as " + aside, cluster_of(fs, directory)};
    if (lost.cluster.is_nil() && before) {
        lost.cluster = before->cluster;
    }
    std::string bytes(lost.cluster.view());
    wire::append_sized(bytes, lost.why);
    // First the mark: whatever comes in between, this node founds no other cluster.
    KUMO_TRY(store::write_checked_file(fs, lost_path(directory), kLostKind, bytes));
    const std::string wal = io::join_path(directory, "wal");
    KUMO_TRY_ASSIGN(const bool has_wal, io::exists(fs, wal));
    if (has_wal) {
        KUMO_TRY(fs.sync_dir(wal));
    }
    return move_aside(fs, directory, aside);
}

Result<std::optional<LostControl>> read_lost_control(io::Fs& fs, const std::string& directory) {
    const std::string path = lost_path(directory);
    const auto file = store::read_checked_file(fs, path, kLostKind);
    if (!file.ok() && file.error().code == ErrorCode::kNotFound) {
        return std::optional<LostControl>();
    }
    if (!file.ok()) {
        return file.error();
    }
    wire::ByteReader in(file.value().bytes);
    LostControl lost;
    lost.cluster = in.uuid();
    lost.why = in.text();
    return in.at_end() ? Result<std::optional<LostControl>>(lost)
                       : corruption(path + ": not well formed");
}

Status forget_lost_control(io::Fs& fs, const std::string& directory) {
    KUMO_TRY(io::remove_tree(fs, lost_path(directory)));
    return fs.sync_dir(io::parent_path(directory));
}

}  // namespace kumo::node
