#pragma once

#include "base/clock.h"
#include "keys/engine.h"

#include <cstdint>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace kumo::node::sim {

/// Virtual time, in nanoseconds.
using Time = std::int64_t;
inline constexpr Time kNever = std::numeric_limits<Time>::max();

/// What was done to one key and seen of it, and whether one order explains it. Each append has an
/// id of its own and answers tell the whole list, so the list is that order: an operation takes
/// effect as the list grows to the length that it saw. Left to check is that all lists are
/// beginnings of one, and that nothing that began later saw, or made, an earlier length.
///
/// Where acknowledged appends may be lost (`may_lose()`), all that is checked is that nobody makes
/// up appends, or makes one twice.
class KeyHistory {
public:
    void may_lose() { may_lose_ = true; }

    void begin_append(std::uint64_t id, Time now) { begun_[id] = {now, false}; }

    /// It has not been done, and never will be.
    void refuse_append(std::uint64_t id) { begun_[id].second = true; }

    /// Says what is wrong with an answer; empty: nothing. `id`: of the append, 0: a read's.
    std::string answer(std::uint64_t id, const Value& value, Time begin, Time end);

    /// When the end has been read: whether the real time order is kept.
    std::string check() const;

    /// The longest list seen.
    const std::vector<std::uint64_t>& known() const { return known_; }

    /// 0: never seen.
    std::size_t place_of(std::uint64_t id) const;

private:
    struct Seen {
        Time begin = 0;
        Time end = kNever;
        std::size_t length = 0;
        bool append = false;
    };

    std::string check_made(const std::vector<std::uint64_t>& list) const;
    std::string extend(const std::vector<std::uint64_t>& list);

    std::map<std::uint64_t, std::pair<Time, bool>> begun_;  ///< When; whether it was refused.
    std::map<std::uint64_t, std::size_t> places_;
    std::set<std::uint64_t> answered_;
    std::vector<std::uint64_t> known_;
    std::vector<Seen> seen_;
    bool may_lose_ = false;
};

}  // namespace kumo::node::sim
