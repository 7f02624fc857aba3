#include "keys/history.h"

#include <algorithm>

namespace kumo::node::sim {

std::size_t KeyHistory::place_of(std::uint64_t id) const {
    const auto found = places_.find(id);
    return found == places_.end() ? 0 : found->second;
}

std::string KeyHistory::extend(const std::vector<std::uint64_t>& list) {
    const std::size_t common = std::min(list.size(), known_.size());
    for (std::size_t i = 0; i < common; ++i) {
        if (list[i] != known_[i]) {
            return "at place " + std::to_string(i + 1) + " there is append "
                   + std::to_string(list[i]) + ", and was " + std::to_string(known_[i]);
        }
    }
    for (std::size_t i = common; i < list.size(); ++i) {
        const auto begun = begun_.find(list[i]);
        if (begun == begun_.end() || begun->second.second) {
            return "nobody made append " + std::to_string(list[i]);
        }
        known_.push_back(list[i]);
        if (!places_.emplace(list[i], known_.size()).second) {
            return "append " + std::to_string(list[i]) + " was made twice";
        }
    }
    return "";
}

std::string KeyHistory::check_made(const std::vector<std::uint64_t>& list) const {
    std::set<std::uint64_t> once;
    for (const std::uint64_t id : list) {
        const auto begun = begun_.find(id);
        if (begun == begun_.end() || begun->second.second) {
            return "nobody made append " + std::to_string(id);
        }
        if (!once.insert(id).second) {
            return "append " + std::to_string(id) + " was made twice";
        }
    }
    return "";
}

std::string KeyHistory::answer(std::uint64_t id, const Value& value, Time begin, Time end) {
    if (value.count != value.ids.size()) {
        return "it was counted to " + std::to_string(value.count) + ", with "
               + std::to_string(value.ids.size()) + " appends";
    }
    if (id != 0 && (value.ids.empty() || value.ids.back() != id)) {
        return "append " + std::to_string(id) + " has not appended";
    }
    if (may_lose_) {
        return check_made(value.ids);
    }
    if (id != 0) {
        answered_.insert(id);
    }
    seen_.push_back({begin, end, value.ids.size(), id != 0});
    return extend(value.ids);
}

std::string KeyHistory::check() const {
    std::vector<Seen> all = seen_;
    for (const auto& [id, begun] : begun_) {
        const std::size_t place = place_of(id);
        if (place != 0 && !answered_.contains(id)) {
            all.push_back({begun.first, kNever, place, true});  // Nobody was told.
        }
    }
    std::sort(all.begin(), all.end(), [](const Seen& a, const Seen& b) {
        return a.begin < b.begin;
    });
    std::vector<std::pair<Time, std::size_t>> ends;
    for (const Seen& each : all) {
        ends.emplace_back(each.end, each.length);
    }
    std::sort(ends.begin(), ends.end());
    std::size_t longest = 0;
    std::size_t next = 0;
    for (const Seen& each : all) {
        for (; next < ends.size() && ends[next].first < each.begin; ++next) {
            longest = std::max(longest, ends[next].second);
        }
        if (each.length < longest + (each.append ? 1 : 0)) {
            return "what began at " + std::to_string(each.begin / 1'000'000) + " ms saw or made "
                   + std::to_string(each.length) + " appends, and " + std::to_string(longest)
                   + " had been seen before";
        }
    }
    return "";
}

}  // namespace kumo::node::sim
