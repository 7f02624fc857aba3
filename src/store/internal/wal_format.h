#pragma once

#include "base/bytes.h"
#include "store/wal.h"

#include <compare>
#include <cstdint>
#include <optional>
#include <string>

namespace kumo::store {

// The bytes of a log: docs/formats/wal.md. Pure functions.

/// A place in the log. Segment numbers only grow, so positions are ordered as they were written.
struct WalPosition {
    std::uint64_t segment = 0;
    std::uint64_t offset = 0;
    auto operator<=>(const WalPosition&) const = default;
};

enum class WalRecordType : std::uint32_t {
    kData = 1,
    kMark = 2,  ///< Says up to which position everything is known to be durable.
    kCut = 3,   ///< Removes its stream's records from its number on. Since version 2.
};

inline constexpr std::uint32_t kWalVersion = 2;
inline constexpr std::uint32_t kWalVersionWithoutCuts = 1;  ///< Still read.

/// What a segment starts with. It is durable before anything follows it.
struct WalSegmentHeader {
    std::uint32_t version = kWalVersion;
    std::uint64_t number = 0;
    std::uint64_t nonce = 0;  ///< Random; seeds the checksums of the segment's records.
    /// Where the log ended when this segment was begun; segment 0 if it is the first.
    WalPosition previous_end;
    /// Whether everything before `previous_end` was durable then.
    bool previous_durable = false;
};

struct WalRecordHeader {
    std::uint32_t payload_bytes;
    std::uint32_t crc;
    std::uint32_t type;
    std::uint32_t reserved;
    std::uint64_t stream;
    std::uint64_t seq;
};

static_assert(sizeof(WalRecordHeader) == 32);

inline constexpr std::size_t kWalSegmentHeaderBytes = 64;
inline constexpr std::size_t kWalAlignment = 8;
inline constexpr std::size_t kWalMarkBytes = sizeof(WalRecordHeader) + 16;

/// "wal-00000000000000000042.log"
std::string wal_segment_name(std::uint64_t number);

/// The number in a segment's name; nothing if it is not such a name.
std::optional<std::uint64_t> parse_wal_segment_name(ByteView name);

std::string encode_wal_header(const WalSegmentHeader& header);

/// Nothing if the bytes are not a whole, undamaged header of a known version.
std::optional<WalSegmentHeader> decode_wal_header(ByteView bytes);

/// What the records of a segment seed their checksums with.
std::uint32_t wal_crc_seed(std::uint64_t nonce);

/// Length of a record with its padding.
std::size_t wal_record_bytes(std::size_t payload_bytes);

/// Appends a data record without its checksum.
void append_wal_record(std::string& out, StreamId stream, Seq seq, ByteView payload);

/// Appends a cut of everything from `from` on without its checksum.
void append_wal_cut(std::string& out, StreamId stream, Seq from);

/// Writes a mark without its checksum into kWalMarkBytes at `offset`.
void put_wal_mark(std::string& out, std::size_t offset, const WalPosition& durable);

/// Fills in the checksums of all the records in `batch`, which holds whole records only.
void seal_wal_records(std::string& batch, std::uint32_t crc_seed);

/// Whether `record` (header, payload and padding) is undamaged. Requires: its header's length is
/// the view's.
bool check_wal_record(ByteView record, std::uint32_t crc_seed);

WalPosition decode_wal_mark(ByteView payload);

}  // namespace kumo::store
