#pragma once

#include "base/clock.h"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace kumo::node::sim {

/// Virtual time, in nanoseconds.
using Time = std::int64_t;
inline constexpr Time kNever = std::numeric_limits<Time>::max();

/// What was done to one document and seen of it, and whether one order of all that explains it:
/// every write and every linearizable read takes effect at one moment between its beginning and
/// its end. Writes give the document numbers that no other write gives it; at most one removes it.
///
/// Because values are unique, that is simple (Gibbons and Korach, "Testing shared memories", 1997):
/// operations with the same value form a group, and there is an order if and only if of no two
/// groups each has an operation that ended before one of the other began.
class History {
public:
    using Value = std::int64_t;
    static constexpr Value kInitial = 0;   ///< Not there yet.
    static constexpr Value kRemoved = -1;  ///< Not there any more.

    /// A write begins. It counts as under way for ever until it is ended.
    std::size_t begin_write(Value value, Time now);

    /// It was acknowledged.
    void end_write(std::size_t write, Time now);

    /// It was refused: nothing has been changed.
    void refuse_write(std::size_t write);

    /// `value` was read, kInitial for "not there".
    void read(Value value, Time begin, Time end);

    /// The value was seen where reads may lag: it is committed, and stays in the order.
    void see(Value value, Time now);

    /// Whether some write ever gave this value, refused ones left out.
    bool knows(Value value) const;

    /// Whether something besides this write may have made the document.
    bool has_other_writes(std::size_t write) const;

    /// Empty, or what no order explains.
    std::string check() const;

    std::string describe() const;

private:
    struct Operation {
        bool is_write = false;
        bool refused = false;
        Value value = kInitial;
        Time begin = 0;
        Time end = kNever;
    };

    struct Group {
        Value value = kInitial;
        Time first_end = kNever;
        Time last_begin = 0;
        bool read = false;
    };

    std::vector<Operation> resolved() const;
    std::vector<Group> groups(const std::vector<Operation>& operations) const;

    std::vector<Operation> operations_;
};

}  // namespace kumo::node::sim
