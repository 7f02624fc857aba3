#include "store/internal/wal_format.h"

#include "base/assert.h"
#include "wire/crc32c.h"

#include <charconv>
#include <cstddef>
#include <cstring>

namespace kumo::store {

namespace {

constexpr char kMagic[8] = {'K', 'U', 'M', 'O', 'W', 'A', 'L', '1'};
constexpr ByteView kNamePrefix = "wal-";
constexpr ByteView kNameSuffix = ".log";
constexpr std::size_t kNameDigits = 20;

/// Far beyond what a log can reach; keeps sums with numbers from foreign names in range.
constexpr std::uint64_t kNumberMax = std::uint64_t{1} << 62;

struct RawHeader {
    char magic[8];
    std::uint32_t version;
    std::uint32_t previous_durable;
    std::uint64_t number;
    std::uint64_t nonce;
    std::uint64_t previous_segment;
    std::uint64_t previous_offset;
    std::uint64_t reserved;
    std::uint32_t reserved_too;
    std::uint32_t crc;  ///< Of all the bytes before it.
};

static_assert(sizeof(RawHeader) == kWalSegmentHeaderBytes);

std::uint32_t header_crc(ByteView bytes) {
    return wire::crc32c(bytes.substr(0, offsetof(RawHeader, crc)));
}

/// The checksum covers everything but itself.
std::uint32_t record_crc(ByteView record, std::uint32_t seed) {
    const std::uint32_t length_crc = wire::crc32c(record.substr(0, sizeof(std::uint32_t)), seed);
    return wire::crc32c(record.substr(offsetof(WalRecordHeader, type)), length_crc);
}

}  // namespace

std::string wal_segment_name(std::uint64_t number) {
    const std::string digits = std::to_string(number);
    std::string name(kNamePrefix);
    name.append(kNameDigits - digits.size(), '0');
    name += digits;
    name += kNameSuffix;
    return name;
}

std::optional<std::uint64_t> parse_wal_segment_name(ByteView name) {
    if (name.size() != kNamePrefix.size() + kNameDigits + kNameSuffix.size()
        || !name.starts_with(kNamePrefix) || !name.ends_with(kNameSuffix)) {
        return std::nullopt;
    }
    std::uint64_t number = 0;
    const char* const begin = name.data() + kNamePrefix.size();
    const auto parsed = std::from_chars(begin, begin + kNameDigits, number);
    if (parsed.ec != std::errc{} || parsed.ptr != begin + kNameDigits || number == 0
        || number > kNumberMax) {
        return std::nullopt;
    }
    return number;
}

std::string encode_wal_header(const WalSegmentHeader& header) {
    RawHeader raw = {};
    std::memcpy(raw.magic, kMagic, sizeof(kMagic));
    raw.version = header.version;
    raw.previous_durable = header.previous_durable ? 1 : 0;
    raw.number = header.number;
    raw.nonce = header.nonce;
    raw.previous_segment = header.previous_end.segment;
    raw.previous_offset = header.previous_end.offset;
    const ByteView bytes(reinterpret_cast<const char*>(&raw), sizeof(raw));
    raw.crc = header_crc(bytes);
    return std::string(bytes);
}

std::optional<WalSegmentHeader> decode_wal_header(ByteView bytes) {
    if (bytes.size() < kWalSegmentHeaderBytes) {
        return std::nullopt;
    }
    const auto raw = load_unaligned<RawHeader>(bytes.data());
    const bool known = raw.version == kWalVersion || raw.version == kWalVersionWithoutCuts;
    if (!known || std::memcmp(raw.magic, kMagic, sizeof(kMagic)) != 0
        || raw.crc != header_crc(bytes) || raw.previous_segment >= raw.number) {
        return std::nullopt;
    }
    WalSegmentHeader header;
    header.version = raw.version;
    header.number = raw.number;
    header.nonce = raw.nonce;
    header.previous_end = {raw.previous_segment, raw.previous_offset};
    header.previous_durable = raw.previous_durable != 0;
    return header;
}

std::uint32_t wal_crc_seed(std::uint64_t nonce) {
    return wire::crc32c(ByteView(reinterpret_cast<const char*>(&nonce), sizeof(nonce)));
}

std::size_t wal_record_bytes(std::size_t payload_bytes) {
    return sizeof(WalRecordHeader)
           + (payload_bytes + kWalAlignment - 1) / kWalAlignment * kWalAlignment;
}

void append_wal_record(std::string& out, StreamId stream, Seq seq, ByteView payload) {
    WalRecordHeader header = {};
    header.payload_bytes = static_cast<std::uint32_t>(payload.size());
    header.type = static_cast<std::uint32_t>(WalRecordType::kData);
    header.stream = static_cast<std::uint64_t>(stream);
    header.seq = seq;
    const std::size_t end = out.size() + wal_record_bytes(payload.size());
    append_fixed(out, header);
    out += payload;
    out.append(end - out.size(), '\0');
}

void append_wal_cut(std::string& out, StreamId stream, Seq from) {
    WalRecordHeader header = {};
    header.type = static_cast<std::uint32_t>(WalRecordType::kCut);
    header.stream = static_cast<std::uint64_t>(stream);
    header.seq = from;
    append_fixed(out, header);
}

void put_wal_mark(std::string& out, std::size_t offset, const WalPosition& durable) {
    KUMO_ASSERT(offset + kWalMarkBytes <= out.size());
    WalRecordHeader header = {};
    header.payload_bytes = 2 * sizeof(std::uint64_t);
    header.type = static_cast<std::uint32_t>(WalRecordType::kMark);
    std::string mark;
    append_fixed(mark, header);
    append_fixed(mark, durable.segment);
    append_fixed(mark, durable.offset);
    out.replace(offset, kWalMarkBytes, mark);
}

void seal_wal_records(std::string& batch, std::uint32_t crc_seed) {
    std::size_t offset = 0;
    while (offset < batch.size()) {
        const auto header = load_unaligned<WalRecordHeader>(batch.data() + offset);
        const std::size_t bytes = wal_record_bytes(header.payload_bytes);
        KUMO_ASSERT(bytes <= batch.size() - offset);
        const std::uint32_t crc = record_crc(ByteView(batch).substr(offset, bytes), crc_seed);
        std::memcpy(batch.data() + offset + offsetof(WalRecordHeader, crc), &crc, sizeof(crc));
        offset += bytes;
    }
}

bool check_wal_record(ByteView record, std::uint32_t crc_seed) {
    const auto header = load_unaligned<WalRecordHeader>(record.data());
    return header.crc == record_crc(record, crc_seed);
}

WalPosition decode_wal_mark(ByteView payload) {
    WalPosition position;
    position.segment = load_unaligned<std::uint64_t>(payload.data());
    position.offset = load_unaligned<std::uint64_t>(payload.data() + sizeof(std::uint64_t));
    return position;
}

}  // namespace kumo::store
