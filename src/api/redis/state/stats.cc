#include "api/redis/state/stats.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace kumo::api_redis {

std::size_t DurationHistogram::bucket_of(std::uint64_t value) {
    if (value < (std::uint64_t{1} << kSubBits)) {
        return static_cast<std::size_t>(value);
    }
    const int power = 63 - std::countl_zero(value);
    const auto sub = (value >> static_cast<unsigned>(power - kSubBits)) & ((1U << kSubBits) - 1);
    return (static_cast<std::size_t>(power - kSubBits + 1) << kSubBits)
           + static_cast<std::size_t>(sub);
}

std::uint64_t DurationHistogram::upper_edge(std::size_t bucket) {
    if (bucket < (std::size_t{1} << kSubBits)) {
        return bucket;
    }
    const std::size_t power = bucket >> kSubBits;
    const std::size_t sub = (bucket & ((std::size_t{1} << kSubBits) - 1)) + (1U << kSubBits);
    return ((static_cast<std::uint64_t>(sub) + 1) << (power - 1)) - 1;
}

void DurationHistogram::add(std::uint64_t nanoseconds) {
    ++counts_[std::min(bucket_of(nanoseconds), kBuckets - 1)];
    ++count_;
}

std::uint64_t DurationHistogram::percentile(double percent) const {
    const auto wanted =
        static_cast<std::uint64_t>(std::llround(static_cast<double>(count_) * percent / 100));
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < kBuckets; ++i) {
        seen += counts_[i];
        if (seen >= std::max<std::uint64_t>(wanted, 1)) {
            return upper_edge(i);
        }
    }
    return 0;
}

std::vector<std::pair<std::uint64_t, std::uint64_t>> DurationHistogram::cumulative() const {
    std::vector<std::pair<std::uint64_t, std::uint64_t>> out;
    std::uint64_t seen = 0;
    std::uint64_t edge_us = 1;
    for (std::size_t i = 0; i < kBuckets && seen < count_; ++i) {
        while (upper_edge(i) > edge_us * 1000) {
            if (seen > 0 && (out.empty() || out.back().second != seen)) {
                out.emplace_back(edge_us, seen);
            }
            edge_us *= 2;
        }
        seen += counts_[i];
    }
    if (seen > 0 && (out.empty() || out.back().second != seen)) {
        out.emplace_back(edge_us, seen);
    }
    return out;
}

ByteView error_code(ByteView reply) {
    if (!reply.empty() && reply.front() == '-') {
        reply.remove_prefix(1);
    }
    return reply.substr(0, std::min(reply.find_first_of(" \r"), reply.size()));
}

void Stats::count_error(ByteView reply) {
    ++error_replies;
    const ByteView code = error_code(reply);
    if (const auto at = errors.find(code); at != errors.end()) {
        ++at->second;
    } else if (errors.size() < kErrorKindsMax) {
        errors.emplace(code, 1);
    }
}

void Stats::reset() {
    const std::uint64_t kept_dirty = dirty;
    const std::size_t count = commands.size();
    *this = {};
    commands.resize(count);
    dirty = kept_dirty;
}

}  // namespace kumo::api_redis
