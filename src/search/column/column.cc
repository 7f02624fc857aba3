#include "search/column/column.h"

#include "base/assert.h"

#include <algorithm>

namespace kumo::search {

void ColumnReader::match_range(std::int64_t low, std::int64_t high, Bitmap& out) const {
    const std::uint32_t docs = doc_count();
    for (std::uint32_t doc = 0; doc < docs; ++doc) {
        const ValueRange range = values_of(doc);
        for (std::uint64_t i = range.begin; i < range.end; ++i) {
            const std::int64_t code = value(i);
            if (code >= low && code <= high) {
                out.set(doc);
                break;
            }
        }
    }
}

void ColumnReader::count_values(const Bitmap& docs, std::span<std::uint32_t> counts) const {
    docs.for_each([&](std::size_t doc) {
        const ValueRange range = values_of(static_cast<std::uint32_t>(doc));
        for (std::uint64_t i = range.begin; i < range.end; ++i) {
            ++counts[static_cast<std::size_t>(value(i))];
        }
    });
}

void ColumnReader::find_beyond(
    const Bitmap& docs,
    DocRange range,
    std::int64_t bound,
    bool least,
    std::vector<std::uint32_t>& out
) const {
    docs.for_each_in(range.begin, range.end, [&](std::size_t doc) {
        const auto code = first(static_cast<std::uint32_t>(doc));
        if (!code || (least ? *code >= bound : *code <= bound)) {
            out.push_back(static_cast<std::uint32_t>(doc));
        }
    });
}

/// The first documents of a live column, as one snapshot sees them.
class LiveColumnReader final : public ColumnReader {
public:
    LiveColumnReader(const LiveColumn& column, std::uint32_t doc_count, std::uint32_t string_count)
        : column_(column), doc_count_(doc_count), string_count_(string_count) {}

    std::uint32_t doc_count() const override { return doc_count_; }

    ValueRange values_of(std::uint32_t doc) const override {
        return {doc == 0 ? 0 : column_.ends_[doc - 1], column_.ends_[doc]};
    }

    std::int64_t value(std::uint64_t index) const override { return column_.values_[index]; }

    std::uint32_t string_count() const override { return string_count_; }

    std::string_view string(std::uint32_t ordinal) const override {
        return column_.table_[ordinal];
    }

    bool strings_sorted() const override { return false; }

private:
    const LiveColumn& column_;
    std::uint32_t doc_count_;
    std::uint32_t string_count_;
};

void LiveColumn::add(std::span<const std::int64_t> codes) {
    KUMO_ASSERT(!strings_);
    for (const std::int64_t code : codes) {
        values_.push_back(code);
    }
    ends_.push_back(values_.size());
}

void LiveColumn::add_strings(std::span<const std::string_view> values) {
    KUMO_ASSERT(strings_);
    for (const std::string_view value : values) {
        auto at = ordinals_.find(value);
        if (at == ordinals_.end()) {
            storage_.emplace_back(value);
            string_bytes_ += value.size() + 96;
            at =
                ordinals_.emplace(storage_.back(), static_cast<std::uint32_t>(table_.size())).first;
            table_.push_back(storage_.back());
        }
        values_.push_back(at->second);
    }
    ends_.push_back(values_.size());
}

std::size_t LiveColumn::bytes() const {
    return ends_.bytes() + values_.bytes() + table_.bytes() + string_bytes_;
}

std::unique_ptr<ColumnReader> LiveColumn::reader(std::uint32_t doc_count) const {
    KUMO_ASSERT(doc_count <= ends_.size());
    return std::make_unique<LiveColumnReader>(
        *this,
        doc_count,
        static_cast<std::uint32_t>(table_.size())
    );
}

}  // namespace kumo::search
