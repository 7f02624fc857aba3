#include "search/text/internal/live_trie.h"

#include "base/assert.h"

#include <algorithm>
#include <utility>

namespace kumo::search {

LiveTrie::LiveTrie(const StableVector<LiveTerm>& terms) : terms_(terms) {
    nodes_.append();
}

std::uint32_t
LiveTrie::make_node(std::uint8_t label, std::uint64_t payload, std::uint32_t sibling) {
    std::uint32_t index = nodes_.size();
    Slot& slot = nodes_.append();
    slot.label = label;
    slot.payload.store(payload, std::memory_order_relaxed);
    slot.sibling.store(sibling, std::memory_order_relaxed);
    return index;
}

/// What the leaf of old_term at `depth` becomes when new_term joins it: the bytes both share as a
/// chain of nodes, then a leaf for each (or a term on the inner node for the one that ends there).
std::uint64_t
LiveTrie::split_payload(std::uint32_t old_term, std::uint32_t new_term, std::uint64_t depth) {
    std::string_view a = text(old_term);
    std::string_view b = text(new_term);
    KUMO_ASSERT(a != b);
    std::uint64_t shared = depth;
    while (shared < a.size() && shared < b.size() && a[shared] == b[shared]) {
        ++shared;
    }
    if (shared < a.size() && shared < b.size()
        && static_cast<std::uint8_t>(a[shared]) > static_cast<std::uint8_t>(b[shared])) {
        std::swap(a, b);
        std::swap(old_term, new_term);
    }
    std::uint32_t ends_here = kNoTerm;
    std::uint32_t child = 0;
    for (auto [term, bytes] : {std::pair{new_term, b}, std::pair{old_term, a}}) {
        if (bytes.size() == shared) {
            ends_here = term;
        } else {
            auto label = static_cast<std::uint8_t>(bytes[shared]);
            child = make_node(label, payload_of(0, term), child);
        }
    }
    std::uint64_t payload = payload_of(child, ends_here);
    while (shared > depth) {
        --shared;
        std::uint32_t node = make_node(static_cast<std::uint8_t>(a[shared]), payload, 0);
        payload = payload_of(node, kNoTerm);
    }
    return payload;
}

/// Where the node at kDeepDepth above a term is noted; null for short terms and in small tries.
LiveTrie::Deep* LiveTrie::deep_slot(std::string_view bytes) {
    if (bytes.size() <= kDeepDepth || nodes_.size() < kDeepNodesMin) {
        return nullptr;
    }
    deep_.resize(kDeepSlots);
    std::uint32_t key = 0;
    for (std::uint64_t i = 0; i < kDeepDepth; ++i) {
        key = key << 8U | static_cast<std::uint8_t>(bytes[i]);
    }
    Deep& slot = deep_[(key * 0x9E3779B1U) >> 20U];
    if (slot.bytes != key) {
        slot = {key, 0};
    }
    return &slot;
}

void LiveTrie::insert(std::uint32_t term) {
    std::string_view bytes = text(term);
    Deep* deep = deep_slot(bytes);
    const bool known = deep != nullptr && deep->node != 0;
    Node node = known ? load(deep->node) : root();
    for (std::uint64_t depth = known ? kDeepDepth : 0;; ++depth) {
        if (depth == kDeepDepth && deep != nullptr) {
            deep->node = node.index;
        }
        Slot& slot = nodes_[node.index];
        if (node.is_leaf()) {
            std::uint64_t payload =
                node.term == kNoTerm ? payload_of(0, term) : split_payload(node.term, term, depth);
            slot.payload.store(payload, std::memory_order_release);
            return;
        }
        if (bytes.size() == depth) {
            slot.payload.store(payload_of(node.first_child, term), std::memory_order_release);
            return;
        }
        auto wanted = static_cast<std::uint8_t>(bytes[depth]);
        std::uint32_t before = 0;
        std::uint32_t child = node.first_child;
        while (child != 0 && label(child) < wanted) {
            before = child;
            child = sibling(child);
        }
        if (child != 0 && label(child) == wanted) {
            node = load(child);
            continue;
        }
        std::uint32_t leaf = make_node(wanted, payload_of(0, term), child);
        if (before != 0) {
            nodes_[before].sibling.store(leaf, std::memory_order_release);
        } else {
            slot.payload.store(payload_of(leaf, node.term), std::memory_order_release);
        }
        return;
    }
}

}  // namespace kumo::search
