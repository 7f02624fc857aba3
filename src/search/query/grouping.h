#pragma once

#include "search/index/index.h"
#include "search/query/request.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace kumo::search {

/// Numbers the distinct values of one field over all segments of a snapshot, from 0 in the order
/// they are asked for: a string has an ordinal of its own in every segment. One search's; refers
/// to the snapshot.
class ValueNumbers {
public:
    ValueNumbers(const Snapshot& snapshot, std::size_t field);

    /// Of a value of that part's column.
    std::uint32_t of(std::size_t part, std::int64_t code);

    /// How many there are so far.
    std::uint32_t count() const { return count_; }

private:
    const Snapshot& snapshot_;
    std::size_t field_;
    bool strings_;
    std::uint32_t count_ = 0;
    std::vector<std::vector<std::uint32_t>> of_ordinal_;  ///< By part; kNone: not asked for yet.
    std::unordered_map<std::string_view, std::uint32_t> of_string_;
    std::unordered_map<std::int64_t, std::uint32_t> of_number_;
};

/// A group's number, dense from 0.
using GroupId = std::uint32_t;

/// Which group each document of a search is in, exactly: documents with the same values, in the
/// same order, in all of the fields are one group. One search's; refers to the snapshot. Takes four
/// bytes for each document of the index.
class Groups {
public:
    Groups(const Snapshot& snapshot, const GroupRequest& request);

    /// Counts a document into its group. Nothing if it was added before.
    void add(std::size_t part, DocId doc);

    /// Requires that it was added.
    GroupId of(std::size_t part, DocId doc) const { return of_doc_[part][doc]; }

    /// Documents in a group.
    std::uint64_t found(GroupId group) const { return found_[group]; }

    std::size_t count() const { return found_.size(); }

private:
    GroupId find(std::size_t part, DocId doc);

    const Snapshot& snapshot_;
    const GroupRequest& request_;
    std::vector<ValueNumbers> values_;  ///< One for each field.
    std::vector<std::vector<GroupId>> of_doc_;
    std::vector<std::uint64_t> found_;
    std::u32string key_;  ///< Scratch: for each field how many values, then their numbers.
    std::unordered_map<std::u32string, GroupId> of_key_;
};

}  // namespace kumo::search
