#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace kumo::search::aggregation {

/// Numbers in their order, for percentiles: all of them while they are few, then neighbours
/// together (a t-digest whose groups are equally large). One owner.
class Quantiles {
public:
    /// Above, neighbours become one group.
    static constexpr std::size_t kGroupsMax = std::size_t{1} << 22;

    void add(double value);

    /// Between what was added, where `q` of all (0 to 1) are below; groups count as in their
    /// middle.
    double at(double q);

    /// The part of all that is below `value`.
    double below(double value);

    /// The value that `q` of all, rounded, are not above; as a histogram with so many significant
    /// digits knows it.
    double ranked(double q, unsigned digits);

    std::uint64_t count() const { return count_; }

private:
    struct Group {
        double mean;
        double count;
    };

    void sort();

    std::vector<Group> groups_;
    std::uint64_t count_ = 0;
    bool sorted_ = true;
};

}  // namespace kumo::search::aggregation
