#include "search/text/internal/live_index.h"

#include "base/assert.h"
#include "search/text/norm.h"

#include <algorithm>
#include <cstring>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace kumo::search {
namespace {

constexpr std::uint32_t kTableFirstSlots = 256;
constexpr std::uint32_t kNormsFirst = 256;
constexpr std::uint32_t kNormsPadding = 64;
constexpr std::uint64_t kFingerprintMask = 0xFFFFFFFF'00000000ULL;

std::uint64_t hash_of(std::string_view term) {
    return XXH3_64bits(term.data(), term.size());
}

}  // namespace

LiveIndex::Table::Table(std::uint32_t size)
    : mask(size - 1), slots(std::make_unique<std::atomic<std::uint64_t>[]>(size)) {}

LiveIndex::LiveIndex() {
    tables_.push_back(std::make_unique<Table>(kTableFirstSlots));
    table_.store(tables_.back().get(), std::memory_order_release);
    array_bytes_.store(std::uint64_t{kTableFirstSlots} * 8, std::memory_order_relaxed);
}

std::uint64_t LiveIndex::bytes() const {
    return terms_.bytes() + trie_.bytes() + arena_.bytes()
           + array_bytes_.load(std::memory_order_relaxed);
}

std::uint32_t LiveIndex::find(std::string_view term) const {
    std::uint64_t hash = hash_of(term);
    const Table& table = *table_.load(std::memory_order_acquire);
    for (auto i = static_cast<std::uint32_t>(hash) & table.mask;; i = (i + 1) & table.mask) {
        std::uint64_t slot = table.slots[i].load(std::memory_order_acquire);
        if (slot == 0) {
            return LiveTrie::kNoTerm;
        }
        auto id = static_cast<std::uint32_t>(slot) - 1;
        if (((slot ^ hash) & kFingerprintMask) == 0 && terms_[id].text() == term) {
            return id;
        }
    }
}

void LiveIndex::place(Table& table, std::uint32_t id, std::uint64_t hash) {
    auto i = static_cast<std::uint32_t>(hash) & table.mask;
    while (table.slots[i].load(std::memory_order_relaxed) != 0) {
        i = (i + 1) & table.mask;
    }
    table.slots[i].store((hash & kFingerprintMask) | (id + 1), std::memory_order_release);
}

void LiveIndex::grow_table() {
    std::uint32_t size = (tables_.back()->mask + 1) * 2;
    auto table = std::make_unique<Table>(size);
    for (std::uint32_t id = 0; id < terms_.size(); ++id) {
        place(*table, id, hash_of(terms_[id].text()));
    }
    array_bytes_.fetch_add(std::uint64_t{size} * 8, std::memory_order_relaxed);
    table_.store(table.get(), std::memory_order_release);
    tables_.push_back(std::move(table));
}

std::uint32_t LiveIndex::find_or_add(std::string_view term, std::uint64_t hash, DocId doc) {
    Table& table = *tables_.back();
    for (auto i = static_cast<std::uint32_t>(hash) & table.mask;; i = (i + 1) & table.mask) {
        std::uint64_t slot = table.slots[i].load(std::memory_order_relaxed);
        if (slot == 0) {
            break;
        }
        auto id = static_cast<std::uint32_t>(slot) - 1;
        if (((slot ^ hash) & kFingerprintMask) == 0 && terms_[id].text() == term) {
            return id;
        }
    }
    KUMO_ASSERT(term.size() <= kTermBytesMax);
    std::uint32_t id = terms_.size();
    LiveTerm& fresh = terms_.append();
    std::uint8_t* bytes = arena_.allocate(static_cast<std::uint32_t>(term.size()));
    std::memcpy(bytes, term.data(), term.size());
    fresh.bytes = reinterpret_cast<const char*>(bytes);
    fresh.length = static_cast<std::uint32_t>(term.size());
    fresh.first_doc = doc;
    term_count_.store(id + 1, std::memory_order_relaxed);
    if (terms_.size() > table.mask / 3 * 2) {
        grow_table();
    } else {
        place(table, id, hash);
    }
    trie_.insert(id);
    return id;
}

/// Finds every token's term, and strings the tokens of one term together.
void LiveIndex::gather(std::span<const Token> tokens, DocId doc) {
    hashes_.resize(tokens.size());
    next_token_.resize(tokens.size());
    touched_.clear();
    const Table& table = *tables_.back();
    for (std::size_t i = 0; i < tokens.size(); ++i) {
        hashes_[i] = hash_of(tokens[i].term);
        __builtin_prefetch(&table.slots[static_cast<std::uint32_t>(hashes_[i]) & table.mask]);
    }
    for (std::uint32_t i = 0; i < tokens.size(); ++i) {
        std::uint32_t id = find_or_add(tokens[i].term, hashes_[i], doc);
        LiveTerm& term = terms_[id];
        if (term.pending_count++ == 0) {
            term.pending_first = i;
            touched_.push_back(id);
        } else {
            next_token_[term.pending_last] = i;
        }
        term.pending_last = i;
    }
}

void LiveIndex::write_record(LiveTerm& term, std::span<const Token> tokens, DocId doc, float rank) {
    ChainWriter chain(term, arena_);
    std::uint32_t tf = term.pending_count;
    chain.put(((doc - term.last_doc) << 1U) | (tf == 1 ? 1U : 0U));
    if (tf > 1) {
        chain.put(tf);
    }
    std::uint32_t last = 0;
    for (std::uint32_t token = term.pending_first, n = 0; n < tf; ++n) {
        KUMO_ASSERT(tokens[token].position >= last);
        chain.put(tokens[token].position - last);
        last = tokens[token].position;
        token = next_token_[token];
    }
    term.last_doc = doc;
    term.pending_count = 0;
    std::uint32_t df = term.df.load(std::memory_order_relaxed);
    if (df == 0 || rank > term.max_rank.load(std::memory_order_relaxed)) {
        term.max_rank.store(rank, std::memory_order_relaxed);
    }
    term.ttf.store(term.ttf.load(std::memory_order_relaxed) + tf, std::memory_order_relaxed);
    term.df.store(df + 1, std::memory_order_release);
}

void LiveIndex::set_norm(DocId doc, std::uint32_t length) {
    if (doc >= norms_capacity_) {
        std::uint32_t capacity = std::max({kNormsFirst, norms_capacity_ * 2, doc + 1});
        auto array = std::make_unique<std::uint8_t[]>(std::uint64_t{capacity} + kNormsPadding);
        if (norms_capacity_ != 0) {
            std::memcpy(array.get(), norm_arrays_.back().get(), norms_capacity_);
        }
        array_bytes_.fetch_add(capacity + kNormsPadding, std::memory_order_relaxed);
        norms_.store(array.get(), std::memory_order_release);
        norm_arrays_.push_back(std::move(array));
        norms_capacity_ = capacity;
    }
    norm_arrays_.back()[doc] = encode_norm(length);
    norms_end_.store(doc + 1, std::memory_order_release);
}

void LiveIndex::add(DocId doc, std::span<const Token> tokens, float rank) {
    KUMO_ASSERT(doc >= next_doc_ && doc < kSegmentDocsMax);
    next_doc_ = doc + 1;
    if (tokens.empty()) {
        return;
    }
    gather(tokens, doc);
    set_norm(doc, static_cast<std::uint32_t>(tokens.size()));
    for (std::uint32_t id : touched_) {
        write_record(terms_[id], tokens, doc, rank);
    }
    doc_count_.store(doc_count() + 1, std::memory_order_relaxed);
    token_count_.store(token_count() + tokens.size(), std::memory_order_relaxed);
}

}  // namespace kumo::search
