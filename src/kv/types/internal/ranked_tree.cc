#include "kv/types/internal/ranked_tree.h"

#include "base/assert.h"
#include "kv/types/internal/packed.h"

#include <algorithm>
#include <cstring>
#include <new>

namespace kumo::kv::internal {

void ScoredEntry::Deleter::operator()(ScoredEntry* entry) const {
    ::operator delete(entry);
}

ScoredEntry::Owned ScoredEntry::make(ByteView member, double score) {
    KUMO_ASSERT(member.size() <= UINT32_MAX - 64);
    const std::size_t bytes = std::max(kHeadBytes + member.size(), sizeof(ScoredEntry));
    void* block = ::operator new(bytes);
    Owned entry(new (block) ScoredEntry(score, static_cast<std::uint32_t>(member.size())));
    std::memcpy(static_cast<char*>(block) + kHeadBytes, member.data(), member.size());
    return entry;
}

std::size_t ScoredEntry::memory_bytes() const {
    return allocation_bytes(std::max(kHeadBytes + size_, sizeof(ScoredEntry)));
}

namespace {

constexpr std::size_t kLeafMax = 30;   // 504 bytes.
constexpr std::size_t kInnerMax = 31;  // 1000 bytes.

/// -1, 0, 1 in the set's order. The same pointer is equal without a look at it.
int order(double score, const ScoredEntry* entry, double other_score, const ScoredEntry* other) {
    if (score != other_score) {
        return score < other_score ? -1 : 1;
    }
    if (entry == other) {
        return 0;
    }
    return entry->key().compare(other->key());
}

}  // namespace

struct RankedTree::Leaf {
    std::size_t count = 0;
    Leaf* previous = nullptr;
    Leaf* next = nullptr;
    double scores[kLeafMax] = {};
    ScoredEntry* entries[kLeafMax] = {};

    std::size_t position(double score, const ScoredEntry* entry) const {
        std::size_t low = 0;
        std::size_t high = count;
        while (low < high) {
            const std::size_t middle = (low + high) / 2;
            if (order(scores[middle], entries[middle], score, entry) < 0) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }

    void open(std::size_t at) {
        std::copy_backward(scores + at, scores + count, scores + count + 1);
        std::copy_backward(entries + at, entries + count, entries + count + 1);
        ++count;
    }

    void close(std::size_t at) {
        std::copy(scores + at + 1, scores + count, scores + at);
        std::copy(entries + at + 1, entries + count, entries + at);
        --count;
    }

    /// The entries from `from` on of `other` go to the end of this one.
    void take(Leaf& other, std::size_t from) {
        std::copy(other.scores + from, other.scores + other.count, scores + count);
        std::copy(other.entries + from, other.entries + other.count, entries + count);
        count += other.count - from;
        other.count = from;
    }
};

struct RankedTree::Inner {
    std::size_t count = 0;
    Child children[kInnerMax];

    /// The child that has the entry, or where it belongs.
    std::size_t position(double score, const ScoredEntry* entry) const {
        std::size_t low = 1;
        std::size_t high = count;
        while (low < high) {
            const std::size_t middle = (low + high) / 2;
            if (order(children[middle].score, children[middle].least, score, entry) <= 0) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low - 1;
    }

    void put(std::size_t at, const Child& child) {
        std::copy_backward(children + at, children + count, children + count + 1);
        children[at] = child;
        ++count;
    }

    void drop(std::size_t at) {
        std::copy(children + at + 1, children + count, children + at);
        --count;
    }

    void take(Inner& other, std::size_t from) {
        std::copy(other.children + from, other.children + other.count, children + count);
        count += other.count - from;
        other.count = from;
    }
};

ScoredEntry* RankedTree::Place::entry() const {
    return leaf->entries[index];
}

void RankedTree::Place::next() {
    if (++index == leaf->count) {
        leaf = leaf->next;
        index = 0;
    }
}

void RankedTree::Place::previous() {
    if (index > 0) {
        --index;
        return;
    }
    leaf = leaf->previous;
    index = leaf == nullptr ? 0 : leaf->count - 1;
}

RankedTree::RankedTree() {
    root_.node = new_leaf();
}

RankedTree::~RankedTree() {
    free_all(root_.node, height_);
}

RankedTree::Leaf* RankedTree::new_leaf() {
    node_bytes_ += allocation_bytes(sizeof(Leaf));
    return std::make_unique<Leaf>().release();
}

RankedTree::Inner* RankedTree::new_inner() {
    node_bytes_ += allocation_bytes(sizeof(Inner));
    return std::make_unique<Inner>().release();
}

void RankedTree::free_node(void* node, unsigned height) {
    if (height == 0) {
        const std::unique_ptr<Leaf> owned(static_cast<Leaf*>(node));
        node_bytes_ -= allocation_bytes(sizeof(Leaf));
    } else {
        const std::unique_ptr<Inner> owned(static_cast<Inner*>(node));
        node_bytes_ -= allocation_bytes(sizeof(Inner));
    }
}

void RankedTree::free_all(void* node, unsigned height) {  // The height is a logarithm of the size.
    if (height > 0) {
        const auto& inner = *static_cast<const Inner*>(node);
        for (std::size_t i = 0; i < inner.count; ++i) {
            free_all(inner.children[i].node, height - 1);
        }
    }
    free_node(node, height);
}

void RankedTree::refresh(Child& child, unsigned height) const {
    if (height == 0) {
        const auto& leaf = *static_cast<const Leaf*>(child.node);
        child.size = leaf.count;
        child.score = leaf.scores[0];
        child.least = leaf.entries[0];
        return;
    }
    const auto& inner = *static_cast<const Inner*>(child.node);
    child.size = 0;
    for (std::size_t i = 0; i < inner.count; ++i) {
        child.size += inner.children[i].size;
    }
    child.score = inner.children[0].score;
    child.least = inner.children[0].least;
}

void RankedTree::insert(ScoredEntry* entry) {
    const Child right = insert_at(root_, height_, entry);
    ++size_;
    if (right.node == nullptr) {
        return;
    }
    Inner* root = new_inner();
    root->put(0, root_);
    root->put(1, right);
    root_.node = root;
    ++height_;
    refresh(root_, height_);
}

RankedTree::Child RankedTree::insert_at(Child& at, unsigned height, ScoredEntry* entry) {
    Child right = height == 0 ? insert_in_leaf(*static_cast<Leaf*>(at.node), entry)
                              : insert_in_inner(*static_cast<Inner*>(at.node), height, entry);
    refresh(at, height);
    if (right.node != nullptr) {
        refresh(right, height);
    }
    return right;
}

RankedTree::Child RankedTree::insert_in_leaf(Leaf& leaf, ScoredEntry* entry) {
    Child right;
    Leaf* target = &leaf;
    std::size_t at = leaf.position(entry->score(), entry);
    if (leaf.count == kLeafMax) {
        Leaf* split = new_leaf();
        split->previous = &leaf;
        split->next = leaf.next;
        if (leaf.next != nullptr) {
            leaf.next->previous = split;
        }
        leaf.next = split;
        // What comes in order fills the leaves instead of leaving them half empty.
        const std::size_t middle =
            at == kLeafMax && split->next == nullptr ? kLeafMax : kLeafMax / 2;
        split->take(leaf, middle);
        right.node = split;
        if (at > middle || middle == kLeafMax) {
            target = split;
            at -= middle;
        }
    }
    target->open(at);
    target->scores[at] = entry->score();
    target->entries[at] = entry;
    return right;
}

RankedTree::Child RankedTree::insert_in_inner(Inner& inner, unsigned height, ScoredEntry* entry) {
    std::size_t at = inner.position(entry->score(), entry);
    const Child split = insert_at(inner.children[at], height - 1, entry);
    Child right;
    if (split.node == nullptr) {
        return right;
    }
    ++at;
    Inner* target = &inner;
    if (inner.count == kInnerMax) {
        Inner* half = new_inner();
        const std::size_t middle = at == kInnerMax ? kInnerMax - 1 : kInnerMax / 2;
        half->take(inner, middle);
        right.node = half;
        if (at > middle) {
            target = half;
            at -= middle;
        }
    }
    target->put(at, split);
    return right;
}

void RankedTree::remove(const ScoredEntry* entry) {
    remove_at(root_, height_, entry);
    --size_;
    while (height_ > 0 && static_cast<const Inner*>(root_.node)->count == 1) {
        void* old = root_.node;
        root_ = static_cast<const Inner*>(old)->children[0];
        free_node(old, height_);
        --height_;
    }
}

void RankedTree::remove_at(Child& at, unsigned height, const ScoredEntry* entry) {
    if (height == 0) {
        auto& leaf = *static_cast<Leaf*>(at.node);
        const std::size_t index = leaf.position(entry->score(), entry);
        KUMO_ASSERT(index < leaf.count && leaf.entries[index] == entry);
        leaf.close(index);
    } else {
        auto& inner = *static_cast<Inner*>(at.node);
        const std::size_t index = inner.position(entry->score(), entry);
        remove_at(inner.children[index], height - 1, entry);
        join_if_small(inner, height - 1, index);
    }
    refresh(at, height);
}

/// The child and all below it, which hold no entry, go.
void RankedTree::drop_empty(Inner& inner, unsigned height, std::size_t index) {
    void* node = inner.children[index].node;
    for (unsigned at = height; at > 0; --at) {
        node = static_cast<Inner*>(node)->children[0].node;
    }
    auto& leaf = *static_cast<Leaf*>(node);
    if (leaf.previous != nullptr) {
        leaf.previous->next = leaf.next;
    }
    if (leaf.next != nullptr) {
        leaf.next->previous = leaf.previous;
    }
    free_all(inner.children[index].node, height);
    inner.drop(index);
}

/// Joins the child with a neighbour if both then leave room.
void RankedTree::join_if_small(Inner& inner, unsigned height, std::size_t index) {
    if (inner.count == 1) {
        return;  // If it is empty, so is `inner`, and goes with it.
    }
    if (inner.children[index].size == 0) {
        drop_empty(inner, height, index);
        return;
    }
    const auto count = [&](std::size_t i) {
        void* node = inner.children[i].node;
        return height == 0 ? static_cast<Leaf*>(node)->count : static_cast<Inner*>(node)->count;
    };
    const std::size_t roomy = (height == 0 ? kLeafMax : kInnerMax) * 3 / 4;
    std::size_t left = index;
    if (index + 1 == inner.count || count(index) + count(index + 1) > roomy) {
        if (index == 0 || count(index) + count(index - 1) > roomy) {
            return;
        }
        left = index - 1;
    }
    Child& kept = inner.children[left];
    void* gone = inner.children[left + 1].node;
    if (height == 0) {
        auto& to = *static_cast<Leaf*>(kept.node);
        auto& from = *static_cast<Leaf*>(gone);
        to.take(from, 0);
        to.next = from.next;
        if (from.next != nullptr) {
            from.next->previous = &to;
        }
    } else {
        static_cast<Inner*>(kept.node)->take(*static_cast<Inner*>(gone), 0);
    }
    free_node(gone, height);
    inner.drop(left + 1);
    refresh(kept, height);
}

std::size_t RankedTree::rank(const ScoredEntry* entry) const {
    std::size_t rank = 0;
    const void* node = root_.node;
    for (unsigned height = height_; height > 0; --height) {
        const auto& inner = *static_cast<const Inner*>(node);
        const std::size_t at = inner.position(entry->score(), entry);
        for (std::size_t i = 0; i < at; ++i) {
            rank += inner.children[i].size;
        }
        node = inner.children[at].node;
    }
    return rank + static_cast<const Leaf*>(node)->position(entry->score(), entry);
}

/// `below` holds for a prefix of the order; how long that is.
template <typename Below>
std::size_t RankedTree::count_prefix(Below below) const {
    std::size_t counted = 0;
    const void* node = root_.node;
    for (unsigned height = height_; height > 0; --height) {
        const auto& inner = *static_cast<const Inner*>(node);
        std::size_t at = 0;
        while (at + 1 < inner.count
               && below(inner.children[at + 1].score, inner.children[at + 1].least)) {
            counted += inner.children[at].size;
            ++at;
        }
        node = inner.children[at].node;
    }
    const auto& leaf = *static_cast<const Leaf*>(node);
    std::size_t at = 0;
    while (at < leaf.count && below(leaf.scores[at], leaf.entries[at])) {
        ++at;
    }
    return counted + at;
}

std::size_t RankedTree::count_below(double score, bool inclusive) const {
    return count_prefix([&](double at, const ScoredEntry*) {
        return at < score || (inclusive && at == score);
    });
}

std::size_t RankedTree::count_below(ByteView member, bool inclusive) const {
    return count_prefix([&](double, const ScoredEntry* entry) {
        const int compared = entry->key().compare(member);
        return compared < 0 || (inclusive && compared == 0);
    });
}

RankedTree::Place RankedTree::at(std::size_t rank) const {
    const void* node = root_.node;
    for (unsigned height = height_; height > 0; --height) {
        const auto& inner = *static_cast<const Inner*>(node);
        std::size_t at = 0;
        while (rank >= inner.children[at].size) {
            rank -= inner.children[at].size;
            ++at;
        }
        node = inner.children[at].node;
    }
    return {static_cast<const Leaf*>(node), rank};
}

}  // namespace kumo::kv::internal
