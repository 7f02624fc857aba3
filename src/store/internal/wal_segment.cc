#include "store/internal/wal_segment.h"

#include <algorithm>

namespace kumo::store {

namespace {

bool is_mark(const WalRecordHeader& header) {
    return header.type == static_cast<std::uint32_t>(WalRecordType::kMark)
           && wal_record_bytes(header.payload_bytes) == kWalMarkBytes;
}

}  // namespace

WalSegmentReader::WalSegmentReader(
    std::unique_ptr<io::File> file,
    std::uint64_t bytes,
    std::size_t window_bytes
)
    : file_(std::move(file)), bytes_(bytes), window_bytes_(window_bytes) {}

Result<std::unique_ptr<WalSegmentReader>>
WalSegmentReader::open(io::Fs& fs, const std::string& path, std::size_t window_bytes) {
    KUMO_TRY_ASSIGN(auto file, fs.open(path, io::OpenMode::kRead));
    KUMO_TRY_ASSIGN(const std::uint64_t bytes, file->size());
    std::unique_ptr<WalSegmentReader> reader(
        new WalSegmentReader(std::move(file), bytes, window_bytes)
    );
    KUMO_TRY_ASSIGN(const ByteView head, reader->look(0, kWalSegmentHeaderBytes));
    reader->header_ = decode_wal_header(head);
    if (reader->header_.has_value()) {
        reader->crc_seed_ = wal_crc_seed(reader->header_->nonce);
        reader->offset_ = kWalSegmentHeaderBytes;
    }
    return reader;
}

bool WalSegmentReader::is_known_type(std::uint32_t type) const {
    return type == static_cast<std::uint32_t>(WalRecordType::kData)
           || type == static_cast<std::uint32_t>(WalRecordType::kMark)
           || (type == static_cast<std::uint32_t>(WalRecordType::kCut)
               && header_->version != kWalVersionWithoutCuts);
}

Result<WalReadOutcome> WalSegmentReader::next(WalRecord& record) {
    if (offset_ >= bytes_) {
        return WalReadOutcome::kEnd;
    }
    KUMO_TRY_ASSIGN(const ByteView head, look(offset_, sizeof(WalRecordHeader)));
    if (head.size() < sizeof(WalRecordHeader)) {
        return WalReadOutcome::kBad;
    }
    const auto header = load_unaligned<WalRecordHeader>(head.data());
    const std::size_t size = wal_record_bytes(header.payload_bytes);
    const bool fits = header.payload_bytes <= kWalRecordBytesMax && size <= bytes_ - offset_;
    if (!fits || !is_known_type(header.type)) {
        return WalReadOutcome::kBad;
    }
    KUMO_TRY_ASSIGN(const ByteView whole, look(offset_, size));
    if (whole.size() < size || !check_wal_record(whole, crc_seed_)) {
        return WalReadOutcome::kBad;
    }
    record.type = static_cast<WalRecordType>(header.type);
    if (record.type == WalRecordType::kMark && !is_mark(header)) {
        return WalReadOutcome::kBad;
    }
    if (record.type == WalRecordType::kCut && (header.payload_bytes != 0 || header.seq == 0)) {
        return WalReadOutcome::kBad;
    }
    record.stream = StreamId{header.stream};
    record.seq = header.seq;
    record.payload = whole.substr(sizeof(WalRecordHeader), header.payload_bytes);
    offset_ += size;
    return WalReadOutcome::kRecord;
}

Result<WalPosition> WalSegmentReader::highest_mark_beyond() {
    WalPosition highest;
    for (std::uint64_t at = offset_ + kWalAlignment; at + kWalMarkBytes <= bytes_;
         at += kWalAlignment) {
        KUMO_TRY_ASSIGN(const ByteView bytes, look(at, kWalMarkBytes));
        if (bytes.size() < kWalMarkBytes) {
            break;
        }
        if (is_mark(load_unaligned<WalRecordHeader>(bytes.data()))
            && check_wal_record(bytes, crc_seed_)) {
            const WalPosition mark = decode_wal_mark(bytes.substr(sizeof(WalRecordHeader)));
            highest = std::max(highest, mark);
        }
    }
    return highest;
}

Result<ByteView> WalSegmentReader::look(std::uint64_t offset, std::size_t size) {
    const bool inside =
        offset >= window_offset_ && offset - window_offset_ + size <= window_.size();
    if (!inside) {
        KUMO_TRY_ASSIGN(window_, file_->read(offset, std::max(size, window_bytes_)));
        window_offset_ = offset;
    }
    return ByteView(window_).substr(static_cast<std::size_t>(offset - window_offset_), size);
}

}  // namespace kumo::store
