#pragma once

#include "base/published.h"
#include "search/column/column.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace kumo::search {

/// Numbers for the distinct strings of several sealed columns of one field, in the strings' order:
/// a string has an ordinal of its own in every segment. Refers to the columns; immutable; any
/// thread.
class StringNumbers {
public:
    using Columns = std::vector<const ColumnReader*>;

    /// The columns' strings are sorted.
    explicit StringNumbers(const Columns& columns);

    std::uint32_t count() const { return static_cast<std::uint32_t>(places_.size()); }

    /// Of each string of a column, by its ordinal there.
    std::span<const std::uint32_t> of(std::size_t column) const { return numbers_[column]; }

    std::string_view string(std::uint32_t number) const {
        return columns_[places_[number].column]->string(places_[number].ordinal);
    }

    std::optional<std::uint32_t> find(std::string_view string) const;

private:
    struct Place {
        std::uint32_t column;
        std::uint32_t ordinal;
    };

    Columns columns_;
    std::vector<std::vector<std::uint32_t>> numbers_;
    std::vector<Place> places_;  ///< One for each number.
};

/// The numbers that searches of one set of sealed segments have needed: making them takes longer
/// than the search. Whoever owns the segments makes a new cache when they change, so that it never
/// outlives what it refers to. Any thread: where two make the same at once, one is forgotten.
class StringNumberCache {
public:
    /// More strings, over all columns, are not kept in numbers: null.
    static constexpr std::size_t kStringsMax = std::size_t{1} << 20;
    static constexpr std::size_t kEntriesMax = 64;

    std::shared_ptr<const StringNumbers> of(const StringNumbers::Columns& columns);

private:
    using Entries = std::map<StringNumbers::Columns, std::shared_ptr<const StringNumbers>>;

    Published<Entries> entries_;
};

}  // namespace kumo::search
