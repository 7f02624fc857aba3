#pragma once

#include "base/bytes.h"

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace kumo::api_redis {

/// How long a command took, over all its calls: log-linear buckets, sixteen in each power of two of
/// nanoseconds, so that a percentile is at most 6 % off.
class DurationHistogram {
public:
    void add(std::uint64_t nanoseconds);

    std::uint64_t count() const { return count_; }

    /// The upper edge of the bucket in which that share (0 to 100) ends, in nanoseconds.
    std::uint64_t percentile(double percent) const;
    /// (upper edge in microseconds, calls up to there), a power of two apart: LATENCY HISTOGRAM's
    /// rows.
    std::vector<std::pair<std::uint64_t, std::uint64_t>> cumulative() const;

private:
    static constexpr int kSubBits = 4;
    static constexpr std::size_t kBuckets = std::size_t{64} << kSubBits;

    static std::size_t bucket_of(std::uint64_t value);
    static std::uint64_t upper_edge(std::size_t bucket);

    std::array<std::uint32_t, kBuckets> counts_{};
    std::uint64_t count_ = 0;
};

struct CommandStats {
    std::uint64_t calls = 0;
    std::uint64_t microseconds = 0;
    std::uint64_t rejected = 0;
    std::uint64_t failed = 0;
    std::unique_ptr<DurationHistogram>
        histogram;  ///< From the first call on, if latency is tracked.
};

/// What INFO counts. Thread rule: loop-owned.
struct Stats {
    std::vector<CommandStats> commands;                        ///< By CommandSpec::id.
    std::map<std::string, std::uint64_t, std::less<>> errors;  ///< By their first word.
    std::uint64_t connections_received = 0;
    std::uint64_t connections_rejected = 0;
    std::uint64_t commands_processed = 0;
    std::uint64_t input_bytes = 0;
    std::uint64_t output_bytes = 0;
    std::uint64_t error_replies = 0;
    std::uint64_t evicted_clients = 0;
    std::uint64_t acl_denied_auth = 0;
    std::uint64_t acl_denied_command = 0;
    std::uint64_t acl_denied_key = 0;
    std::uint64_t acl_denied_channel = 0;
    std::uint64_t output_limit_disconnections = 0;
    std::uint64_t expire_cycles = 0;
    std::uint64_t peak_memory = 0;
    std::uint64_t dirty = 0;  ///< Changes since the last save.

    void count_error(ByteView reply);
    void reset();
};

/// "ERR", "WRONGTYPE": the first word of "-ERR ...".
ByteView error_code(ByteView reply);

inline constexpr std::size_t kErrorKindsMax = 128;

}  // namespace kumo::api_redis
