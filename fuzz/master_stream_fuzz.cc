// What a replica hears of a master does not depend on how the bytes were cut, and a file that comes
// with it is read or refused.
#include "api/redis/replication/master_stream.h"

#include "base/assert.h"
#include "kv/rdb/rdb_reader.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

namespace {

using kumo::ByteView;
using kumo::api_redis::MasterStream;

class Keys final : public kumo::kv::RdbSink {
public:
    kumo::kv::ObjectVisitor* begin_key(const kumo::kv::RdbKey& /*key*/) override { return nullptr; }

    kumo::Status end_key(const kumo::kv::RdbKey& /*key*/) override { return {}; }
};

struct Heard {
    std::string all;  ///< Everything that was told, in order, pieces of the file put together.
    std::string file;
    bool broken = false;
};

/// Lines are told until one that begins with '+', which stands for the end of the handshake.
Heard hear(ByteView bytes, std::size_t step) {
    MasterStream stream;
    Heard out;
    while (!bytes.empty() && !out.broken) {
        stream.feed(bytes.substr(0, step));
        bytes.remove_prefix(std::min(step, bytes.size()));
        for (bool more = true; more;) {
            switch (stream.next()) {
                case MasterStream::Event::kNeedMore: more = false; break;
                case MasterStream::Event::kLine:
                    out.all.append("line ").append(stream.text());
                    if (stream.text().substr(0, 2) == "+F") {
                        stream.expect_rdb();
                    } else if (stream.text()[0] == '+') {
                        stream.expect_commands();
                    }
                    break;
                case MasterStream::Event::kRdb: out.file.append(stream.text()); break;
                case MasterStream::Event::kRdbEnd: out.all.append("end"); break;
                case MasterStream::Event::kCommand:
                    KUMO_ASSERT(!stream.text().empty());
                    out.all.append("command ").append(stream.text());
                    for (const ByteView argument : stream.arguments()) {
                        out.all.append(argument);
                    }
                    break;
                case MasterStream::Event::kError:
                    KUMO_ASSERT(!stream.error().empty());
                    KUMO_ASSERT(stream.next() == MasterStream::Event::kError);
                    out.broken = true;
                    more = false;
                    break;
            }
        }
    }
    return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    const std::size_t step = std::size_t{data[0]} + 1;
    const ByteView bytes(reinterpret_cast<const char*>(data + 1), size - 1);
    const Heard whole = hear(bytes, std::max<std::size_t>(bytes.size(), 1));
    const Heard pieces = hear(bytes, step);
    // A line that is too long may be refused before its end is seen, or not: then only what came
    // before is the same.
    KUMO_ASSERT(whole.broken || pieces.broken || whole.all == pieces.all);
    KUMO_ASSERT(whole.broken || pieces.broken || whole.file == pieces.file);
    Keys keys;
    kumo::kv::RdbReader reader(whole.file, keys);
    (void)reader.read_all().ok();
    return 0;
}
