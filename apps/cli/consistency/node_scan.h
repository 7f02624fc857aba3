#pragma once

#include "cli/consistency/book.h"

#include <cstdint>
#include <vector>

namespace kumo::cli {

/// Everything that one node holds at the end, against what the book says. Loop-owned; the book
/// outlives it and does not change meanwhile.
class NodeScan {
public:
    explicit NodeScan(const ConsistencyBook& book);

    /// One document of the node. Absent: what it holds is not a whole number.
    void add(ByteView id, std::optional<std::int64_t> value);

    /// Subjects that are less than was acknowledged or seen.
    std::uint64_t lost() const;

    /// Documents that nobody wrote, that were refused, or that are there twice.
    std::uint64_t invented() const { return invented_; }

    std::uint64_t documents() const { return documents_; }

    bool holds(const Subject& subject) const { return held(subject) > 0; }

    /// Subjects that two nodes do not hold alike.
    static std::uint64_t differing(const NodeScan& one, const NodeScan& other);

private:
    std::int64_t held(const Subject& subject) const;

    const ConsistencyBook& book_;
    std::vector<std::int64_t> document_values_;  ///< 0: not there.
    std::vector<std::int64_t> counter_values_;
    std::uint64_t documents_ = 0;
    std::uint64_t invented_ = 0;
};

}  // namespace kumo::cli
