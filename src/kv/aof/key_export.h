#pragma once

#include "base/bytes.h"
#include "kv/keyspace/entry.h"
#include "kv/types/stream_id.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace kumo::kv {

/// One key as the commands that make it where it is absent, piece by piece: a collection of a
/// million elements takes many calls, none of which takes long, on either side.
///
/// Thread rule: loop-owned. The entry must stay what it is, and where it is, while this lives.
class KeyExport {
public:
    explicit KeyExport(const Entry& entry) : entry_(entry) {}

    /// Appends commands of about so many bytes, as an append-only file has them; false: that was
    /// the last of them.
    bool step(std::size_t bytes, std::string* out);

private:
    void write_small(std::string* out);
    bool step_string(std::size_t bytes, std::string* out);
    bool step_elements(std::size_t bytes, std::string* out);
    bool write_some(std::string* out);
    bool step_stream(std::size_t bytes, std::string* out);
    void write_stream_tail(std::string* out);
    void write_expiry(std::string* out);
    void gather(ByteView first, ByteView second);
    void flush(ByteView command, std::string* out);

    const Entry& entry_;
    bool begun_ = false;
    std::uint64_t position_ = 0;  ///< Of an element, a byte, or a cursor.
    StreamId next_id_;
    std::vector<std::string> gathered_;  ///< Arguments of the next command.
};

}  // namespace kumo::kv
