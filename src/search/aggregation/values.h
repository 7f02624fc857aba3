#pragma once

#include "base/result.h"
#include "search/geo/geo_point.h"
#include "search/index/index.h"
#include "search/query/deadline.h"
#include "search/text/doc.h"
#include "search/tree/evaluation.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

/// What aggregations run on: documents of several indices, and their values. An aggregation is a
/// function of a set of documents; a bucket is a smaller set that others run on.
namespace kumo::search::aggregation {

/// Documents of one segment of one index, ascending.
struct PartDocs {
    std::size_t index = 0;
    std::size_t part = 0;
    std::vector<DocId> docs;
    std::vector<float> scores;  ///< One each, or none at all.
};

using DocSet = std::vector<PartDocs>;

std::uint64_t count_of(const DocSet& docs);

/// One index that is searched, at one moment.
struct IndexInput {
    const Snapshot* snapshot = nullptr;
    /// A column that says for how many documents each stands.
    std::optional<std::size_t> weight_field{};
    bool objects = false;  ///< Parts of the other indices' documents: not among everything.
};

/// One run of aggregations: what they run on, and what it may cost. One thread.
class Run {
public:
    struct Options {
        std::uint64_t buckets_max = 65535;
        Deadline* deadline = nullptr;               ///< Null: none.
        const std::atomic<bool>* cancel = nullptr;  ///< Null: never.
    };

    Run(std::vector<IndexInput> indices, Options options)
        : indices_(std::move(indices)), options_(options) {}

    const std::vector<IndexInput>& indices() const { return indices_; }

    const Snapshot& snapshot(std::size_t index) const { return *indices_[index].snapshot; }

    const SegmentReader& segment(std::size_t index, std::size_t part) const {
        return *snapshot(index).parts[part].segment;
    }

    /// kTimeout, kUnavailable. To be asked often.
    Status check();

    /// kLimitExceeded above the limit.
    Status add_buckets(std::uint64_t count);

    /// For how many documents these stand.
    std::uint64_t weight_of(const DocSet& docs) const;

    std::uint64_t weight_of(const PartDocs& part, DocId doc) const {
        const auto& field = indices_[part.index].weight_field;
        if (!field) {
            return 1;
        }
        return weight_in(segment(part.index, part.part), *field, doc);
    }

    bool weighted() const;

    /// Every document that is not deleted.
    DocSet everything() const;

    const Options& options() const { return options_; }

private:
    static std::uint64_t weight_in(const SegmentReader& segment, std::size_t field, DocId doc);

    std::vector<IndexInput> indices_;
    Options options_;
    std::uint64_t buckets_ = 0;
};

enum class ValueKind : std::uint8_t {
    kNone,      ///< No index has the field.
    kInt,       ///< Codes as they are; dates in milliseconds.
    kUnsigned,  ///< Codes with their first bit turned.
    kReal,
    kString,
    kPoint,
};

/// One value as a key of a bucket.
using Key = std::variant<std::int64_t, std::uint64_t, double, std::string>;

/// Numbers by their value, strings by their bytes; numbers before strings.
bool less(const Key& a, const Key& b);

/// Of a number.
double number_of(const Key& key);

/// The values that an aggregation reads in each document.
struct Values {
    static constexpr std::size_t kNoField = std::numeric_limits<std::size_t>::max();

    struct Source {
        std::size_t field = kNoField;  ///< A column.
        ValueKind kind = ValueKind::kNone;
        std::int64_t divisor = 1;  ///< Of integers: nanoseconds as milliseconds.
    };

    ValueKind kind = ValueKind::kNone;  ///< What all of them are read as.
    std::vector<Source> by_index;
    std::optional<Key> missing{};  ///< Of documents without a value. Of `kind`.
    /// Computed in the place of a field's, which may still be there to be looked at.
    std::function<Status(const Run&, const PartDocs&, DocId, std::vector<double>&)> computed{};
    /// The same for strings.
    std::function<Status(const Run&, const PartDocs&, DocId, std::vector<std::string>&)> words{};

    bool is_number() const {
        return kind == ValueKind::kInt || kind == ValueKind::kUnsigned || kind == ValueKind::kReal;
    }
};

/// Reads them in one segment at a time. One owner.
class ValuesReader {
public:
    ValuesReader(const Run& run, const Values& values) : run_(run), values_(values) {}

    void open(const PartDocs& part);

    /// Replaces `out` with the document's numbers, in its order.
    Status numbers(DocId doc, std::vector<double>& out);

    /// With what they are: keys in order, each once.
    Status keys(DocId doc, std::vector<Key>& out);

    /// Of a field of points; false if it has none.
    bool points(DocId doc, std::vector<GeoPoint>& out) const;

    bool has_value(DocId doc) const;

    /// The column of a plain field in this segment; null if it has none, or if values are computed.
    const ColumnReader* column() const { return column_; }

    const Values::Source& source() const { return source_; }

private:
    Key key_of(std::int64_t code) const;
    double number_of_code(std::int64_t code) const;

    const Run& run_;
    const Values& values_;
    const PartDocs* part_ = nullptr;
    const ColumnReader* column_ = nullptr;
    Values::Source source_;
    std::vector<double> computed_;
    std::vector<std::string> words_;
};

}  // namespace kumo::search::aggregation
