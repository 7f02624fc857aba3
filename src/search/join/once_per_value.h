#pragma once

#include "search/column/column.h"
#include "search/join/join_keys.h"

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

namespace kumo::search {

/// A value of a reference's column.
inline JoinKey key_at(const ColumnReader& column, bool is_string, std::int64_t code) {
    return is_string ? JoinKey{false, 0, column.string(static_cast<std::uint32_t>(code))}
                     : JoinKey{true, code, {}};
}

/// Remembers what was said of each value of a column. One request's; refers to the column.
template <typename Said>
class OncePerValue {
public:
    OncePerValue(const ColumnReader& column, bool is_string)
        : column_(column), is_string_(is_string), by_ordinal_(column.string_count()) {}

    template <typename Say>
    const Said& of(std::int64_t code, Say say) {
        std::optional<Said>& said =
            is_string_ ? by_ordinal_[static_cast<std::size_t>(code)] : by_number_[code];
        if (!said) {
            said.emplace(say(key_at(column_, is_string_, code)));
        }
        return *said;
    }

private:
    const ColumnReader& column_;
    bool is_string_;
    std::vector<std::optional<Said>> by_ordinal_;
    std::unordered_map<std::int64_t, std::optional<Said>> by_number_;
};

}  // namespace kumo::search
