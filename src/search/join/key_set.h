#pragma once

#include "search/join/join_keys.h"

#include <cstdint>
#include <string>
#include <unordered_set>

namespace kumo::search {

/// Values of one field, copied.
class KeySet {
public:
    void add(const JoinKey& key) {
        if (key.is_number) {
            numbers_.insert(key.number);
        } else {
            strings_.emplace(key.text);
        }
    }

    bool has(const JoinKey& key) const {
        return key.is_number ? numbers_.contains(key.number)
                             : strings_.contains(std::string(key.text));
    }

private:
    std::unordered_set<std::int64_t> numbers_;
    std::unordered_set<std::string> strings_;
};

}  // namespace kumo::search
