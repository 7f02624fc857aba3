#pragma once

#include "base/bytes.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

namespace kumo::kv::internal {

/// A member and its score, in one allocation.
class ScoredEntry {
public:
    struct Deleter {
        void operator()(ScoredEntry* entry) const;
    };

    using Owned = std::unique_ptr<ScoredEntry, Deleter>;

    static Owned make(ByteView member, double score);
    ScoredEntry(const ScoredEntry&) = delete;
    ScoredEntry& operator=(const ScoredEntry&) = delete;

    ByteView key() const { return {text(), size_}; }

    double score() const { return score_; }

    void set_score(double score) { score_ = score; }

    std::size_t memory_bytes() const;

private:
    ScoredEntry(double score, std::uint32_t size) : score_(score), size_(size) {}

    ~ScoredEntry() = default;

    const char* text() const { return reinterpret_cast<const char*>(this) + kHeadBytes; }

    static constexpr std::size_t kHeadBytes = 12;
    double score_;
    std::uint32_t size_;
};

/// Entries that somebody else owns, in the order of (score, bytes), with ranks: a B+-tree whose
/// inner nodes know how many entries are below each child. Insertion, removal, rank and the entry
/// at a rank are O(log n); neighbours are linked.
///
/// An inner node holds a pointer to the least entry below each child, which is brought up to date
/// on the way back from every change, so an entry can be freed as soon as it is removed.
///
/// Thread rule: as its owner.
class RankedTree {
public:
    RankedTree();
    ~RankedTree();
    RankedTree(const RankedTree&) = delete;
    RankedTree& operator=(const RankedTree&) = delete;

    std::size_t size() const { return size_; }

    std::size_t memory_bytes() const { return node_bytes_; }

    /// REQUIRES that no entry has its member.
    void insert(ScoredEntry* entry);
    /// REQUIRES that it is there, with the score it was inserted with.
    void remove(const ScoredEntry* entry);
    /// REQUIRES that it is there.
    std::size_t rank(const ScoredEntry* entry) const;

    /// How many scores are less than `score`, or equal if `inclusive`.
    std::size_t count_below(double score, bool inclusive) const;
    /// How many members are less than `member`, or equal if `inclusive`; all scores being the same.
    std::size_t count_below(ByteView member, bool inclusive) const;

    struct Leaf;

    /// Where an entry is; invalid after any change.
    struct Place {
        const Leaf* leaf = nullptr;
        std::size_t index = 0;

        bool valid() const { return leaf != nullptr; }

        ScoredEntry* entry() const;
        void next();
        void previous();
    };

    /// REQUIRES rank < size().
    Place at(std::size_t rank) const;

private:
    struct Inner;

    struct Child {
        void* node = nullptr;  ///< A Leaf below the lowest Inner, else an Inner.
        std::size_t size = 0;
        double score = 0;  ///< Of the least entry.
        const ScoredEntry* least = nullptr;
    };

    Child insert_at(Child& at, unsigned height, ScoredEntry* entry);
    Child insert_in_leaf(Leaf& leaf, ScoredEntry* entry);
    Child insert_in_inner(Inner& inner, unsigned height, ScoredEntry* entry);
    void remove_at(Child& at, unsigned height, const ScoredEntry* entry);
    void drop_empty(Inner& inner, unsigned height, std::size_t index);
    void join_if_small(Inner& inner, unsigned height, std::size_t index);
    void refresh(Child& child, unsigned height) const;
    void free_node(void* node, unsigned height);
    void free_all(void* node, unsigned height);
    Leaf* new_leaf();
    Inner* new_inner();
    template <typename Below>
    std::size_t count_prefix(Below below) const;

    Child root_;
    unsigned height_ = 0;  ///< 0: the root is a leaf.
    std::size_t size_ = 0;
    std::size_t node_bytes_ = 0;
};

}  // namespace kumo::kv::internal
