#pragma once

#include "base/bytes.h"
#include "kv/command/context.h"

#include <cstddef>
#include <cstdint>
#include <string>

namespace kumo::kv {

/// MATCH, COUNT and TYPE of SCAN and of SSCAN, HSCAN, ZSCAN.
struct ScanOptions {
    std::int64_t count = 10;
    ByteView pattern = {};
    bool all = true;   ///< No pattern, or `*`.
    std::string type;  ///< Lower case; empty: any. SCAN only.

    bool matches(ByteView text) const;
};

/// False: the error has been written.
bool read_scan_cursor(Context& ctx, std::size_t index, ScanCursor* cursor);
bool read_scan_options(Context& ctx, std::size_t from, bool of_keys, ScanOptions* options);

}  // namespace kumo::kv
