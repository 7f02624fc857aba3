#pragma once

#include "search/text/internal/arena.h"
#include "search/text/internal/live_term.h"
#include "search/text/internal/live_trie.h"
#include "search/text/internal/stable_vector.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace kumo::search {

/// What LiveText is made of: a hash of terms, their chains of postings, the trie over them, and the
/// documents' norms. Thread rule: as LiveText; every array that readers hold is published by one
/// release store, and replaced ones stay alive.
class LiveIndex {
public:
    LiveIndex();

    /// Writer only; see LiveText::add().
    void add(DocId doc, std::span<const Token> tokens, float rank);

    /// The term's number, or LiveTrie::kNoTerm. Any thread.
    std::uint32_t find(std::string_view term) const;

    const LiveTerm& term(std::uint32_t id) const { return terms_[id]; }

    const LiveTrie& trie() const { return trie_; }

    /// One byte per document up to the last one added, plus padding.
    const std::uint8_t* norms() const { return norms_.load(std::memory_order_acquire); }

    /// The first document that norms() has no byte for. Writer, or when the writer is known idle.
    DocId norms_end() const { return norms_end_.load(std::memory_order_acquire); }

    std::uint64_t doc_count() const { return doc_count_.load(std::memory_order_relaxed); }

    std::uint64_t token_count() const { return token_count_.load(std::memory_order_relaxed); }

    std::uint32_t term_count() const { return term_count_.load(std::memory_order_relaxed); }

    std::uint64_t bytes() const;

private:
    struct Table {
        explicit Table(std::uint32_t size);

        std::uint32_t mask;
        std::unique_ptr<std::atomic<std::uint64_t>[]> slots;  // hash bits << 32 | (term + 1)
    };

    std::uint32_t find_or_add(std::string_view term, std::uint64_t hash, DocId doc);
    void grow_table();
    void place(Table& table, std::uint32_t id, std::uint64_t hash);
    void gather(std::span<const Token> tokens, DocId doc);
    void write_record(LiveTerm& term, std::span<const Token> tokens, DocId doc, float rank);
    void set_norm(DocId doc, std::uint32_t length);

    StableVector<LiveTerm> terms_;
    LiveTrie trie_{terms_};
    Arena arena_;
    std::atomic<Table*> table_{nullptr};
    std::vector<std::unique_ptr<Table>> tables_;
    std::atomic<std::uint8_t*> norms_{nullptr};
    std::atomic<DocId> norms_end_{0};
    std::vector<std::unique_ptr<std::uint8_t[]>> norm_arrays_;
    std::uint32_t norms_capacity_ = 0;
    DocId next_doc_ = 0;
    std::atomic<std::uint64_t> doc_count_{0};
    std::atomic<std::uint64_t> token_count_{0};
    std::atomic<std::uint32_t> term_count_{0};
    std::atomic<std::uint64_t> array_bytes_{0};

    // Scratch of one add(): per token its hash and the next token of the same term.
    std::vector<std::uint64_t> hashes_;
    std::vector<std::uint32_t> next_token_;
    std::vector<std::uint32_t> touched_;
};

}  // namespace kumo::search
