#include "node/kv/kv_files.h"

#include "base/log.h"
#include "node/internal/kv_mutant.h"
#include "node/internal/numbered_name.h"
#include "store/checkpoint.h"
#include "wire/byte_reader.h"

#include <algorithm>
#include <utility>

namespace kumo::node {

namespace {

constexpr store::FileKind kLifeKind = {{'K', 'V', 'L', 'I', 'F', 'E', ' ', ' '}, 1};
constexpr store::FileKind kMarkKind = {{'K', 'V', 'M', 'A', 'R', 'K', ' ', ' '}, 1};
constexpr std::string_view kSuffix = ".rdb";

/// Copies of one life; more are never given out.
constexpr unsigned kCopyBits = 44;

std::string encode(const KvLifeRecord& record) {
    std::string out;
    wire::append_varint(out, record.life);
    out.append(record.cluster.view());
    wire::append_varint(out, record.imports ? 1 : 0);
    wire::append_varint(out, record.carried ? 1 : 0);
    if (record.carried) {
        wire::append_varint(out, record.carried->life);
        wire::append_varint(out, static_cast<std::uint64_t>(record.carried->copy));
        append_slots(out, record.carried->slots);
        wire::append_varint(out, record.carried->epoch);
    }
    return out;
}

}  // namespace

store::StreamId kv_stream_of(KvLife life, cluster::CopyId copy) {
    return store::StreamId{life << kCopyBits | static_cast<std::uint64_t>(copy)};
}

KvFiles::Place place_of(store::StreamId stream) {
    const auto number = static_cast<std::uint64_t>(stream);
    return {number >> kCopyBits, cluster::CopyId{number & ((std::uint64_t{1} << kCopyBits) - 1)}};
}

std::string encode_kv_checkpoint(const KvCheckpoint& checkpoint) {
    std::string out;
    wire::append_varint(out, checkpoint.seq);
    wire::append_varint(out, checkpoint.bytes);
    wire::append_sized(out, encode_mark(checkpoint.mark));
    append_move_table(out, planted(KvMutant::kMoveNotStored) ? KvMoveTable() : checkpoint.moves);
    return out;
}

Result<KvCheckpoint> decode_kv_checkpoint(ByteView bytes) {
    wire::ByteReader in(bytes);
    KvCheckpoint checkpoint;
    checkpoint.seq = in.number();
    checkpoint.bytes = in.number();
    KUMO_TRY_ASSIGN(checkpoint.mark, decode_mark(in.sized()));
    auto moves = in.at_end() ? KvMoveTable() : read_move_table(in);  // Not in older ones.
    checkpoint.moves = moves.value_or(KvMoveTable());
    if (!moves || !in.at_end()) {
        return corruption("the mark of a copy of keys is not well formed");
    }
    return checkpoint;
}

Result<KvLifeRecord> KvFiles::read_life() const {
    const std::string path = io::join_path(directory_, "life");
    const auto file = store::read_checked_file(fs_, path, kLifeKind);
    if (!file.ok() && file.error().code == ErrorCode::kNotFound) {
        return KvLifeRecord();
    }
    if (!file.ok()) {
        return file.error();
    }
    wire::ByteReader in(file.value().bytes);
    KvLifeRecord record;
    record.life = in.number();
    record.cluster = in.uuid();
    record.imports = in.below_or_at(1) == 1;
    if (in.below_or_at(1) == 1) {
        KvCarried carried;
        carried.life = in.number();
        carried.copy = cluster::CopyId{in.number()};
        const auto slots = decode_slots(in.sized());
        if (!slots) {
            return corruption(path + ": not well formed");
        }
        carried.slots = *slots;
        carried.epoch = in.number();
        record.carried = carried;
    }
    if (!in.at_end()) {
        return corruption(path + ": not well formed");
    }
    return record;
}

Status KvFiles::write_life(const KvLifeRecord& record) const {
    return store::write_checked_file(
        fs_,
        io::join_path(directory_, "life"),
        kLifeKind,
        encode(record)
    );
}

std::string KvFiles::directory_of(KvLife life, cluster::CopyId copy) const {
    return io::join_path(
        directory_,
        std::to_string(life) + "-" + std::to_string(static_cast<std::uint64_t>(copy))
    );
}

std::string KvFiles::path_of(KvLife life, cluster::CopyId copy, store::Seq seq) const {
    return io::join_path(directory_of(life, copy), std::to_string(seq) + std::string(kSuffix));
}

Result<std::optional<KvCheckpoint>> KvFiles::read_mark(KvLife life, cluster::CopyId copy) const {
    const std::string path = io::join_path(directory_of(life, copy), "mark");
    const auto file = store::read_checked_file(fs_, path, kMarkKind);
    if (!file.ok() && file.error().code == ErrorCode::kNotFound) {
        return std::optional<KvCheckpoint>();
    }
    if (!file.ok()) {
        return file.error();
    }
    KUMO_TRY_ASSIGN(auto checkpoint, decode_kv_checkpoint(file.value().bytes));
    return std::optional(std::move(checkpoint));
}

Status KvFiles::write_mark(KvLife life, cluster::CopyId copy, const KvCheckpoint& checkpoint)
    const {
    const std::string directory = directory_of(life, copy);
    KUMO_TRY(store::write_checked_file(
        fs_,
        io::join_path(directory, "mark"),
        kMarkKind,
        encode_kv_checkpoint(checkpoint)
    ));
    KUMO_TRY_ASSIGN(const auto entries, fs_.list(directory));
    for (const io::DirEntry& entry : entries) {
        const auto seq = number_in_name(entry.name, "", kSuffix);
        if (seq && *seq < checkpoint.seq) {
            (void)fs_.unlink(io::join_path(directory, entry.name));  // It costs room, no more.
        }
    }
    return {};
}

Result<std::vector<KvFiles::Place>> KvFiles::copies() const {
    KUMO_TRY_ASSIGN(const auto entries, fs_.list(directory_));
    std::vector<Place> places;
    for (const io::DirEntry& entry : entries) {
        const std::size_t dash = entry.name.find('-');
        const auto life = number_in_name(entry.name.substr(0, dash), "");
        const auto copy = dash == std::string::npos
                              ? std::nullopt
                              : number_in_name(entry.name.substr(dash + 1), "");
        if (life && copy) {
            places.push_back({*life, cluster::CopyId{*copy}});
        }
    }
    return places;
}

Status KvFiles::remove(KvLife life, cluster::CopyId copy) const {
    const std::string directory = directory_of(life, copy);
    Status removed = fs_.unlink(io::join_path(directory, "mark"));
    if (removed.ok()) {
        removed = fs_.sync_dir(directory);
    } else if (removed.error().code == ErrorCode::kNotFound) {
        removed = {};
    }
    if (removed.ok()) {
        const Status rest = io::remove_tree(fs_, directory);
        if (!rest.ok()) {
            log_warn(rest.error().message);
        }
    } else {
        log_warn(removed.error().message);
    }
    return removed;
}

}  // namespace kumo::node
