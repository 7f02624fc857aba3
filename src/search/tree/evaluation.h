#pragma once

#include "base/result.h"
#include "search/index/index.h"
#include "search/query/deadline.h"
#include "search/tree/matches.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>

namespace kumo::search::tree {

/// What one evaluation may cost. Passing a limit is kLimitExceeded, but for memory, which is
/// kResourceExhausted.
struct Limits {
    std::uint32_t clauses_max = 1024;  ///< Of one boolean query, terms that it expands to included.
    std::size_t bytes_max = std::size_t{1} << 30;  ///< That lists of matches take at a time.
};

/// What BM25 needs to know of a field, over all segments; deleted documents count, as in Lucene.
struct FieldStatistics {
    std::uint64_t docs = 0;  ///< That have the field.
    std::uint64_t tokens =
        0;  ///< Of a field of exact strings, the different ones of each document.

    float average_length() const {
        return docs == 0
                   ? 1.0F
                   : static_cast<float>(static_cast<double>(tokens) / static_cast<double>(docs));
    }
};

/// One run of a tree over one snapshot: what it runs on, what it may cost, and what its nodes
/// share. One thread.
class Evaluation {
public:
    /// `deadline` and `cancel` may be null; `cancel` is set by another thread.
    explicit Evaluation(
        const Snapshot& snapshot,
        Limits limits = {},
        Deadline* deadline = nullptr,
        const std::atomic<bool>* cancel = nullptr
    )
        : snapshot_(snapshot), limits_(limits), deadline_(deadline), cancel_(cancel) {}

    const Snapshot& snapshot() const { return snapshot_; }

    std::size_t part_count() const { return snapshot_.parts.size(); }

    const Snapshot::Part& part(std::size_t i) const { return snapshot_.parts[i]; }

    const SegmentReader& segment(std::size_t i) const { return *snapshot_.parts[i].segment; }

    const Limits& limits() const { return limits_; }

    Deadline* deadline() const { return deadline_; }

    /// kTimeout, or kUnavailable if it was cancelled. To be asked often.
    Status check() {
        if (cancel_ != nullptr && cancel_->load(std::memory_order_relaxed)) {
            return Error{ErrorCode::kUnavailable, "the search was cancelled"};
        }
        if (deadline_ != nullptr && deadline_->passed()) {
            return Error{ErrorCode::kTimeout, "the search took too long"};
        }
        return {};
    }

    /// `field`: by its position in the schema; each may be null in a segment.
    const TextReader* text(std::size_t part, std::size_t field) const {
        const auto& texts = segment(part).texts;
        return field < texts.size() ? texts[field].get() : nullptr;
    }

    const ColumnReader* column(std::size_t part, std::size_t field) const {
        const auto& columns = segment(part).columns;
        return field < columns.size() ? columns[field].get() : nullptr;
    }

    const FieldStatistics& statistics(std::size_t field);

private:
    const Snapshot& snapshot_;
    Limits limits_;
    Deadline* deadline_;
    const std::atomic<bool>* cancel_;
    std::map<std::size_t, FieldStatistics> statistics_;
};

/// How the matches of a node are wanted.
struct Scoring {
    bool wanted = false;  ///< False: only which documents match.
    float boost = 1;
};

/// One node of a query. It was made for one index: fields are positions in its schema.
///
/// Immutable; any thread. match() recurses over the tree, whose depth its maker bounds.
class Node {
public:
    Node() = default;
    Node(const Node&) = delete;
    Node& operator=(const Node&) = delete;
    virtual ~Node() = default;

    /// What matches in each segment; deleted documents may be among it.
    virtual Result<AllMatches> match(Evaluation& evaluation, Scoring scoring) const = 0;
};

using NodePtr = std::shared_ptr<const Node>;

/// What matches in each segment, without deleted documents.
Result<AllMatches> evaluate(const Node& node, Evaluation& evaluation, bool scored);

/// Every document, deleted or not, with this score.
AllMatches everything(const Evaluation& evaluation, float score);

}  // namespace kumo::search::tree
