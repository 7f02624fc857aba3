#include "search/column/string_numbers.h"

#include <algorithm>
#include <utility>

namespace kumo::search {

StringNumbers::StringNumbers(const Columns& columns) : columns_(columns) {
    struct Entry {
        std::string_view string;
        Place place;
    };

    std::vector<Entry> all;
    std::vector<std::size_t> ends;
    for (std::uint32_t c = 0; c < columns.size(); ++c) {
        numbers_.emplace_back(columns[c]->string_count());
        for (std::uint32_t ordinal = 0; ordinal < columns[c]->string_count(); ++ordinal) {
            all.push_back({columns[c]->string(ordinal), {c, ordinal}});
        }
        ends.push_back(all.size());
    }
    // Each column is sorted: merge neighbours until one run is left.
    const auto at = [&](std::size_t i) {
        return all.begin() + static_cast<std::ptrdiff_t>(i);
    };
    while (ends.size() > 1) {
        std::vector<std::size_t> merged;
        for (std::size_t i = 0; i < ends.size(); i += 2) {
            const std::size_t begin = merged.empty() ? 0 : merged.back();
            const std::size_t end = i + 1 < ends.size() ? ends[i + 1] : ends[i];
            std::inplace_merge(at(begin), at(ends[i]), at(end), [](const Entry& a, const Entry& b) {
                return a.string < b.string;
            });
            merged.push_back(end);
        }
        ends = std::move(merged);
    }
    for (std::size_t i = 0; i < all.size(); ++i) {
        if (i == 0 || all[i].string != all[i - 1].string) {
            places_.push_back(all[i].place);
        }
        numbers_[all[i].place.column][all[i].place.ordinal] = count() - 1;
    }
}

std::optional<std::uint32_t> StringNumbers::find(std::string_view string) const {
    const auto place = std::lower_bound(
        places_.begin(),
        places_.end(),
        string,
        [this](const Place& a, std::string_view b) {
            return columns_[a.column]->string(a.ordinal) < b;
        }
    );
    if (place == places_.end() || columns_[place->column]->string(place->ordinal) != string) {
        return std::nullopt;
    }
    return static_cast<std::uint32_t>(place - places_.begin());
}

std::shared_ptr<const StringNumbers> StringNumberCache::of(const StringNumbers::Columns& columns) {
    const std::shared_ptr<const Entries> entries = entries_.load();
    if (entries != nullptr) {
        if (const auto known = entries->find(columns); known != entries->end()) {
            return known->second;
        }
    }
    std::size_t strings = 0;
    for (const ColumnReader* column : columns) {
        strings += column->string_count();
    }
    if (strings > kStringsMax) {
        return nullptr;
    }
    auto made = std::make_shared<const StringNumbers>(columns);
    auto more = entries == nullptr || entries->size() >= kEntriesMax
                    ? std::make_shared<Entries>()
                    : std::make_shared<Entries>(*entries);
    more->emplace(columns, made);
    entries_.store(std::move(more));
    return made;
}

}  // namespace kumo::search
