#include "node/run_record.h"

#include "base/log.h"
#include "store/checkpoint.h"
#include "wire/byte_reader.h"
#include "wire/varint.h"

#include <utility>

namespace kumo::node {

namespace {

constexpr store::FileKind kRunKind = {{'N', 'O', 'D', 'E', 'R', 'U', 'N', '_'}, 1};
constexpr const char* kBootIdPath = "/proc/sys/kernel/random/boot_id";
constexpr std::size_t kBootIdBytesMax = 64;

/// Empty if the system does not tell. Not io::read_file(): such files have no size.
std::string read_boot_id(io::Fs& fs) {
    const auto file = fs.open(kBootIdPath, io::OpenMode::kRead);
    if (!file.ok()) {
        return "";
    }
    auto text = file.value()->read(0, kBootIdBytesMax);
    std::string boot = text.ok() ? std::move(text).value() : "";
    while (!boot.empty() && boot.back() == '\n') {
        boot.pop_back();
    }
    return boot;
}

}  // namespace

RunRecords::RunRecords(io::Fs& fs, std::string data_dir)
    : fs_(fs), data_dir_(std::move(data_dir)) {}

std::string RunRecords::path() const {
    return io::join_path(data_dir_, "run");
}

RunRecord RunRecords::present(bool fsync) const {
    return {read_boot_id(fs_), fsync, false};
}

Result<std::optional<RunRecord>> RunRecords::read() const {
    const auto file = store::read_checked_file(fs_, path(), kRunKind);
    if (!file.ok() && file.error().code == ErrorCode::kNotFound) {
        return std::optional<RunRecord>();
    }
    if (!file.ok() && file.error().code != ErrorCode::kCorruption) {
        return file.error();
    }
    const RunRecord worst{"", false, false};
    if (!file.ok()) {
        log_warn(file.error().message);
        return std::optional(worst);
    }
    wire::ByteReader in(file.value().bytes);
    RunRecord record;
    record.boot = in.text();
    record.fsync = in.number() == 1;
    record.clean = in.number() == 1;
    return std::optional(in.at_end() ? record : worst);
}

bool RunRecords::may_lack(const std::optional<RunRecord>& before, const RunRecord& present) {
    if (!before) {
        return !present.fsync;  // As in a version that kept no record: as it is set now.
    }
    const bool same_boot = !before->boot.empty() && before->boot == present.boot;
    return !before->fsync && !before->clean && !same_boot;
}

Status RunRecords::write(RunRecord record) const {
    if (record.fsync) {
        record.boot.clear();  // Of no interest; and the file needs no change after each boot.
    }
    KUMO_TRY_ASSIGN(const auto there, read());
    if (there == record) {
        return {};
    }
    std::string bytes;
    wire::append_sized(bytes, record.boot);
    wire::append_varint(bytes, record.fsync ? 1 : 0);
    wire::append_varint(bytes, record.clean ? 1 : 0);
    return store::write_checked_file(fs_, path(), kRunKind, bytes);
}

Status RunRecords::end_cleanly(RunRecord record, const std::string& log) const {
    KUMO_TRY_ASSIGN(const auto entries, fs_.list(log));
    for (const io::DirEntry& entry : entries) {
        if (!entry.is_directory) {
            KUMO_TRY_ASSIGN(
                const auto file,
                fs_.open(io::join_path(log, entry.name), io::OpenMode::kReadWrite)
            );
            KUMO_TRY(file->sync());
        }
    }
    KUMO_TRY(fs_.sync_dir(log));
    record.clean = true;
    return write(record);
}

}  // namespace kumo::node
