#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "search/column/bitmap.h"
#include "search/column/chunked_array.h"

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace kumo::search {

class SectionFile;
class SectionFileBuilder;

/// The values of one field over the documents of one segment, for filters, sorting and facets.
/// A value is a 64-bit code (codes.h); string fields hold ordinals into a table of distinct
/// strings. A document has zero, one or (in array fields) many values, in document order.
///
/// Immutable; any thread. Live columns are seen through a reader too, whose doc_count() is the
/// snapshot's and which must not outlive the live segment.
class ColumnReader {
public:
    struct ValueRange {
        std::uint64_t begin;
        std::uint64_t end;

        std::uint64_t size() const { return end - begin; }
    };

    struct DocRange {
        std::uint32_t begin;
        std::uint32_t end;
    };

    virtual ~ColumnReader() = default;

    virtual std::uint32_t doc_count() const = 0;

    /// Indices of the document's values, for value(). Requires doc < doc_count().
    virtual ValueRange values_of(std::uint32_t doc) const = 0;

    virtual std::int64_t value(std::uint64_t index) const = 0;

    /// Sets the bits of the documents that have a value in [low, high]. `out` has doc_count() bits.
    virtual void match_range(std::int64_t low, std::int64_t high, Bitmap& out) const;

    /// Of a string column: counts[ordinal] grows by one for each value of each of the documents.
    /// `counts` has string_count() entries.
    virtual void count_values(const Bitmap& docs, std::span<std::uint32_t> counts) const;

    /// Appends those of `docs` in [begin, end) of which the first value is at least `bound`, or,
    /// with `least` false, at most; and those that have none. Requires begin % 64 == 0.
    virtual void find_beyond(
        const Bitmap& docs,
        DocRange range,
        std::int64_t bound,
        bool least,
        std::vector<std::uint32_t>& out
    ) const;

    /// The document's first value, or nothing.
    std::optional<std::int64_t> first(std::uint32_t doc) const {
        const ValueRange range = values_of(doc);
        if (range.size() == 0) {
            return std::nullopt;
        }
        return value(range.begin);
    }

    /// Distinct strings of a string column; 0 for others.
    virtual std::uint32_t string_count() const = 0;

    /// Requires ordinal < string_count().
    virtual std::string_view string(std::uint32_t ordinal) const = 0;

    /// True if ordinals are in the strings' order (sealed columns).
    virtual bool strings_sorted() const = 0;
};

/// The mutable column of a live segment. One writer; see ChunkedArray for what readers may do.
class LiveColumn {
public:
    explicit LiveColumn(bool strings) : strings_(strings) {}

    /// Appends the next document with these codes. For columns of numbers.
    void add(std::span<const std::int64_t> codes);

    /// Appends the next document with these strings. For columns of strings.
    void add_strings(std::span<const std::string_view> values);

    std::uint32_t doc_count() const { return static_cast<std::uint32_t>(ends_.size()); }

    bool is_string() const { return strings_; }

    /// The first code of a document that has one. Writer thread.
    std::int64_t code(std::uint32_t doc) const { return values_[doc == 0 ? 0 : ends_[doc - 1]]; }

    std::size_t bytes() const;

    /// A view of the first `doc_count` documents. Writer thread.
    std::unique_ptr<ColumnReader> reader(std::uint32_t doc_count) const;

private:
    friend class LiveColumnReader;

    bool strings_;
    ChunkedArray<std::uint64_t> ends_;
    ChunkedArray<std::int64_t> values_;
    // Strings in order of first appearance. The map is the writer's; readers go by ordinal.
    std::unordered_map<std::string_view, std::uint32_t> ordinals_;
    ChunkedArray<std::string_view> table_;
    std::deque<std::string> storage_;
    std::size_t string_bytes_ = 0;
};

/// One source of a merge: a column and where its documents go (kDropped, or the new id; ascending).
struct ColumnSource {
    const ColumnReader* column;  ///< Null: none of these documents has a value.
    std::span<const std::uint32_t> new_ids;
};

inline constexpr std::uint32_t kDroppedDoc = UINT32_MAX;

/// Writes the sealed form of `doc_count` documents, taken from the sources in order, as sections
/// named `prefix` + ".meta" and so on (docs/formats/segment.md).
void write_column(
    bool strings,
    std::span<const ColumnSource> sources,
    std::uint32_t doc_count,
    SectionFileBuilder& out,
    const std::string& prefix
);

/// Opens a sealed column. The bytes stay the file's. Checks every index it would follow later, so
/// that damaged bytes give kCorruption here and not a wild read later.
Result<std::unique_ptr<ColumnReader>>
open_column(const SectionFile& file, const std::string& prefix);

}  // namespace kumo::search
