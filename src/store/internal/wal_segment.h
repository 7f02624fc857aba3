#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "io/fs.h"
#include "store/internal/wal_format.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace kumo::store {

/// One record as it lies in a segment. The payload is valid until the reader moves on.
struct WalRecord {
    WalRecordType type = WalRecordType::kData;
    StreamId stream{};
    Seq seq = 0;
    ByteView payload;
};

/// What is read at once unless a record is longer.
inline constexpr std::size_t kWalWindowBytes = std::size_t{1} << 20;

enum class WalReadOutcome : std::uint8_t {
    kRecord,
    kEnd,
    kBad,  ///< At offset(): torn, damaged, or never written.
};

/// Reads a segment from front to back through a window, whose size is that of the longest record
/// at most. Used by one thread. Errors are the file system's only; content is never one.
class WalSegmentReader {
public:
    static Result<std::unique_ptr<WalSegmentReader>>
    open(io::Fs& fs, const std::string& path, std::size_t window_bytes = kWalWindowBytes);

    /// Absent if the file has no undamaged header. Then there is nothing else to be read.
    const std::optional<WalSegmentHeader>& header() const { return header_; }

    /// Of the file.
    std::uint64_t bytes() const { return bytes_; }

    /// Where the next record starts, or where the bad one does.
    std::uint64_t offset() const { return offset_; }

    /// Goes to where a record is known to start.
    void seek(std::uint64_t offset) { offset_ = offset; }

    Result<WalReadOutcome> next(WalRecord& record);

    /// Looks beyond a bad record for undamaged marks; the highest position they name as durable,
    /// {0, 0} if there are none.
    Result<WalPosition> highest_mark_beyond();

private:
    WalSegmentReader(std::unique_ptr<io::File> file, std::uint64_t bytes, std::size_t window_bytes);

    bool is_known_type(std::uint32_t type) const;

    /// The `size` bytes at `offset`, or fewer at the end of the file.
    Result<ByteView> look(std::uint64_t offset, std::size_t size);

    std::unique_ptr<io::File> file_;
    const std::uint64_t bytes_;
    const std::size_t window_bytes_;
    std::optional<WalSegmentHeader> header_;
    std::uint32_t crc_seed_ = 0;
    std::uint64_t offset_ = 0;
    std::string window_;
    std::uint64_t window_offset_ = 0;
};

}  // namespace kumo::store
