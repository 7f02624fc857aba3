#pragma once

#include "search/text/internal/live_term.h"
#include "search/text/internal/stable_vector.h"

#include <atomic>
#include <cstdint>
#include <string_view>
#include <vector>

namespace kumo::search {

/// The ordered dictionary of the live segment: a byte trie whose children are linked lists sorted
/// by label. A node without children holds one term and stands for all of the term's remaining
/// bytes; it is split when a second term reaches it. So a term costs about one and a half nodes of
/// 16 bytes, and every change is one atomic store.
///
/// Thread rule: one writer; readers any time, lock-free. A reader may meet terms that were added
/// after it began (their first_doc tells) and loses none that was there before.
class LiveTrie {
public:
    static constexpr std::uint32_t kNoTerm = 0xFFFFFFFFU;

    /// A node as read at one moment: readers keep this, so that a split beneath them changes
    /// nothing for them.
    struct Node {
        std::uint32_t index = 0;
        std::uint32_t first_child = 0;
        std::uint32_t term = kNoTerm;

        bool is_leaf() const { return first_child == 0; }
    };

    explicit LiveTrie(const StableVector<LiveTerm>& terms);

    /// Writer only. Requires a term that is not there yet.
    void insert(std::uint32_t term);

    Node root() const { return load(0); }

    Node load(std::uint32_t index) const {
        std::uint64_t payload = nodes_[index].payload.load(std::memory_order_acquire);
        return {index, first_child_of(payload), static_cast<std::uint32_t>(payload >> 32U) - 1};
    }

    /// The following child of the same parent, 0 if there is none.
    std::uint32_t sibling(std::uint32_t index) const {
        return nodes_[index].sibling.load(std::memory_order_acquire);
    }

    std::uint8_t label(std::uint32_t index) const { return nodes_[index].label; }

    std::string_view text(std::uint32_t term) const { return terms_[term].text(); }

    /// Without the writer's shortcuts (at most 32 KiB). Any thread.
    std::uint64_t bytes() const { return nodes_.bytes(); }

private:
    struct Slot {
        std::atomic<std::uint64_t> payload{0};  // first child | (term + 1) << 32
        std::atomic<std::uint32_t> sibling{0};
        std::uint8_t label = 0;
    };

    /// The writer's shortcut to a node at kDeepDepth: there it has passed the long lists of
    /// children.
    struct Deep {
        std::uint32_t bytes = 0;  // those above the node
        std::uint32_t node = 0;   // 0: none
    };

    static constexpr std::uint64_t kDeepDepth = 3;
    static constexpr std::uint32_t kDeepSlots = 4096;  // a power of two
    /// Smaller tries have no shortcuts.
    static constexpr std::uint32_t kDeepNodesMin = 8192;

    Deep* deep_slot(std::string_view bytes);

    static std::uint32_t first_child_of(std::uint64_t payload) {
        return static_cast<std::uint32_t>(payload);
    }

    static std::uint64_t payload_of(std::uint32_t first_child, std::uint32_t term) {
        return first_child | (std::uint64_t{term + 1} << 32U);
    }

    std::uint32_t make_node(std::uint8_t label, std::uint64_t payload, std::uint32_t sibling);
    std::uint64_t
    split_payload(std::uint32_t old_term, std::uint32_t new_term, std::uint64_t depth);

    const StableVector<LiveTerm>& terms_;
    StableVector<Slot> nodes_;
    std::vector<Deep> deep_;  // writer only
};

}  // namespace kumo::search
