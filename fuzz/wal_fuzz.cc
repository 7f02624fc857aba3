#include "store/wal.h"

#include "io/sim/sim_fs.h"
#include "io/sim/sim_loop.h"
#include "io/sim/sim_worker_pool.h"
#include "store/internal/wal_format.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

// Opens a log whose segments are the input's, split at "|SEG|". Bit 0 of the first byte: checksums
// of records are made right, so that the input gets behind them. Bit 1: headers are the input's.
// What opens once must replay without a crash, take an append, let it be read and cut off again,
// and open again with the same end.

namespace {

using namespace kumo;         // NOLINT(google-build-using-namespace): a program, not a header
using namespace kumo::store;  // NOLINT(google-build-using-namespace): as above

constexpr std::string_view kSeparator = "|SEG|";
constexpr std::uint64_t kNonce = 7;

/// Makes the checksums of as many whole records as there are right.
void fix_checksums(std::string& records) {
    std::size_t end = 0;
    while (records.size() - end >= sizeof(WalRecordHeader)) {
        const auto header = load_unaligned<WalRecordHeader>(records.data() + end);
        const std::size_t bytes = wal_record_bytes(header.payload_bytes);
        if (bytes > records.size() - end) {
            break;
        }
        end += bytes;
    }
    std::string whole = records.substr(0, end);
    seal_wal_records(whole, wal_crc_seed(kNonce));
    records.replace(0, end, whole);
}

void put_segment(io::Fs& fs, const WalSegmentHeader& header, std::string bytes, unsigned flags) {
    if ((flags & 1U) != 0) {
        fix_checksums(bytes);
    }
    if ((flags & 2U) == 0) {
        bytes.insert(0, encode_wal_header(header));
    }
    auto file = fs.open("/wal/" + wal_segment_name(header.number), io::OpenMode::kCreate);
    KUMO_ASSERT(file.ok() && file.value()->write(0, bytes).ok() && file.value()->sync().ok());
}

void put_segments(io::Fs& fs, std::string_view input, unsigned flags) {
    WalSegmentHeader header;
    header.nonce = kNonce;
    while (header.number < 8) {
        ++header.number;
        const std::size_t end = input.find(kSeparator);
        const std::string_view bytes = input.substr(0, end);
        put_segment(fs, header, std::string(bytes), flags);
        header.previous_end = {header.number, kWalSegmentHeaderBytes + bytes.size()};
        header.previous_durable = (flags & 4U) != 0;
        if (end == std::string_view::npos) {
            return;
        }
        input.remove_prefix(end + kSeparator.size());
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    io::SimWorld world(1);
    io::SimFs fs(world);
    const auto loop = world.make_loop();
    KUMO_ASSERT(fs.mkdir("/wal").ok());
    put_segments(fs, {reinterpret_cast<const char*>(data) + 1, size - 1}, data[0]);

    io::SimWorkerPool readers(world, {});
    const WalOptions options = {.directory = "/wal", .readers = &readers};
    const StreamId stream{1};
    Seq end = 0;
    {
        auto wal = Wal::open(*loop, fs, options);
        if (!wal.ok()) {
            return 0;
        }
        const auto ignore = [](StreamId, Seq, ByteView) {
            return Status();
        };
        (void)wal.value()->replay({{stream, 0}, {StreamId{2}, 5}}, ignore).ok();
        end = wal.value()->last_seq(stream);
        if (end >= ~Seq{0} - 2) {
            return 0;
        }
        bool done = false;
        const auto told = [&](const Status& status) {
            done = status.ok();
        };
        KUMO_ASSERT(wal.value()->append(stream, end + 1, "appended", told).ok());
        KUMO_ASSERT(world.run_until_idle() && done);
        std::size_t read = 0;
        const auto count = [&](const Result<std::vector<WalEntry>>& entries) {
            read = entries.ok() ? entries.value().size() : 0;
        };
        (void)wal.value()->read(stream, 1, 1000, [](const Result<std::vector<WalEntry>>&) {}).ok();
        KUMO_ASSERT(wal.value()->read(stream, end + 1, 1000, count).ok());
        KUMO_ASSERT(world.run_until_idle() && read == 1);
        done = false;
        KUMO_ASSERT(wal.value()->append(stream, end + 2, "cut off", told).ok());
        KUMO_ASSERT(wal.value()->cut(stream, end + 2, told).ok());
        KUMO_ASSERT(world.run_until_idle() && done);
    }
    auto again = Wal::open(*loop, fs, options);
    KUMO_ASSERT(again.ok() && again.value()->last_seq(stream) == end + 1);
    return 0;
}
