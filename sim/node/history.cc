#include "node/history.h"

#include <algorithm>

namespace kumo::node::sim {

namespace {

std::string show(Time time) {
    return time == kNever ? "?" : std::to_string(time / 1000) + "us";
}

}  // namespace

std::size_t History::begin_write(Value value, Time now) {
    operations_.push_back({true, false, value, now, kNever});
    return operations_.size() - 1;
}

void History::end_write(std::size_t write, Time now) {
    operations_[write].end = std::min(operations_[write].end, now);
}

void History::refuse_write(std::size_t write) {
    operations_[write].refused = true;
}

void History::read(Value value, Time begin, Time end) {
    operations_.push_back({false, false, value, begin, end});
}

void History::see(Value value, Time now) {
    for (Operation& operation : operations_) {
        if (operation.is_write && operation.value == value) {
            operation.end = std::min(operation.end, now);
        }
    }
}

bool History::knows(Value value) const {
    return std::any_of(operations_.begin(), operations_.end(), [value](const Operation& each) {
        return each.is_write && !each.refused && each.value == value;
    });
}

bool History::has_other_writes(std::size_t write) const {
    for (std::size_t i = 0; i < operations_.size(); ++i) {
        const Operation& each = operations_[i];
        if (i != write && each.is_write && !each.refused && each.value != kRemoved) {
            return true;
        }
    }
    return false;
}

/// Without refused writes, and with every "not there" told apart: not yet, or not any more. Reads
/// that may mean either say nothing.
std::vector<History::Operation> History::resolved() const {
    Time first_ended = kNever;
    Time removal_begun = kNever;
    for (const Operation& each : operations_) {
        if (each.is_write && !each.refused) {
            if (each.value == kRemoved) {
                removal_begun = std::min(removal_begun, each.begin);
            } else {
                first_ended = std::min(first_ended, each.end);
            }
        } else if (!each.is_write && each.value != kInitial) {
            first_ended = std::min(first_ended, each.end);
        }
    }
    std::vector<Operation> out = {{true, false, kInitial, 0, 0}};
    for (Operation each : operations_) {
        if (each.refused) {
            continue;
        }
        if (!each.is_write && each.value == kInitial && removal_begun <= each.end) {
            if (each.begin <= first_ended) {
                continue;
            }
            each.value = kRemoved;
        }
        out.push_back(each);
    }
    return out;
}

std::vector<History::Group> History::groups(const std::vector<Operation>& operations) const {
    std::vector<Group> groups;
    for (const Operation& each : operations) {
        auto found = std::find_if(groups.begin(), groups.end(), [&](const Group& group) {
            return group.value == each.value;
        });
        if (found == groups.end()) {
            groups.push_back({each.value, kNever, 0, false});
            found = std::prev(groups.end());
        }
        found->first_end = std::min(found->first_end, each.end);
        found->last_begin = std::max(found->last_begin, each.begin);
        found->read = found->read || !each.is_write;
    }
    return groups;
}

std::string History::check() const {
    const std::vector<Group> all = groups(resolved());
    for (const Group& a : all) {
        if (!knows(a.value) && a.value != kInitial) {
            return "the value " + std::to_string(a.value) + " was read and never written";
        }
        for (const Group& b : all) {
            if (&a < &b && a.first_end < b.last_begin && b.first_end < a.last_begin) {
                return "the values " + std::to_string(a.value) + " and " + std::to_string(b.value)
                       + " each come after the other";
            }
        }
    }
    return "";
}

std::string History::describe() const {
    std::string out;
    for (const Operation& each : operations_) {
        out += "\n    " + std::string(each.is_write ? "write " : "read ")
               + std::to_string(each.value) + " from " + show(each.begin) + " to " + show(each.end)
               + (each.refused ? ", refused" : "");
    }
    return out;
}

}  // namespace kumo::node::sim
