#include "search/text/live_text.h"

#include "search/text/internal/fuzzy_walk.h"
#include "search/text/internal/live_index.h"
#include "search/text/internal/postings_opener.h"

#include <optional>
#include <vector>

namespace kumo::search {
namespace {

TermInfo info_of(const LiveIndex& index, std::uint32_t id) {
    const LiveTerm& term = index.term(id);
    return {
        term.df.load(std::memory_order_relaxed),
        term.ttf.load(std::memory_order_relaxed),
        term.max_rank.load(std::memory_order_relaxed)};
}

bool is_visible(const LiveIndex& index, std::uint32_t id, DocId max_doc) {
    return index.term(id).first_doc < max_doc;
}

/// Walks the trie in order. The stack holds nodes as they were read, so that what the writer adds
/// meanwhile is met at most as terms that are not visible yet.
class LiveEnum final : public TermEnum {
public:
    LiveEnum(const LiveIndex& index, DocId max_doc) : index_(index), max_doc_(max_doc) {}

    bool seek(std::string_view bound) override {
        path_.assign(1, index_.trie().root());
        for (std::uint64_t depth = 0;; ++depth) {
            const LiveTrie::Node node = path_.back();
            if (node.is_leaf()) {
                bool here = node.term != LiveTrie::kNoTerm && text(node.term) >= bound;
                return here ? settle() : next();
            }
            if (depth == bound.size()) {
                return settle();
            }
            std::uint32_t child = node.first_child;
            auto wanted = static_cast<std::uint8_t>(bound[depth]);
            while (child != 0 && index_.trie().label(child) < wanted) {
                child = index_.trie().sibling(child);
            }
            if (child == 0) {
                return skip_subtree() && settle();
            }
            path_.push_back(index_.trie().load(child));
            if (index_.trie().label(child) != wanted) {
                return settle();
            }
        }
    }

    bool next() override { return step() && settle(); }

    std::string_view term() const override { return text(path_.back().term); }

    TermHandle handle() const override { return {path_.back().term}; }

    TermInfo info() const override { return info_of(index_, path_.back().term); }

private:
    std::string_view text(std::uint32_t id) const { return index_.term(id).text(); }

    /// The following node in order, parents before children.
    bool step() {
        if (!path_.back().is_leaf()) {
            path_.push_back(index_.trie().load(path_.back().first_child));
            return true;
        }
        return skip_subtree();
    }

    bool skip_subtree() {
        while (!path_.empty()) {
            std::uint32_t sibling = index_.trie().sibling(path_.back().index);
            path_.pop_back();
            if (sibling != 0) {
                path_.push_back(index_.trie().load(sibling));
                return true;
            }
        }
        return false;
    }

    /// From the current node on, the first that holds a visible term.
    bool settle() {
        while (path_.back().term == LiveTrie::kNoTerm
               || !is_visible(index_, path_.back().term, max_doc_)) {
            if (!step()) {
                return false;
            }
        }
        return true;
    }

    const LiveIndex& index_;
    DocId max_doc_;
    std::vector<LiveTrie::Node> path_;
};

/// The live trie as FuzzyWalk wants it.
class VisibleTrie {
public:
    using Node = LiveTrie::Node;
    static constexpr std::uint32_t kNoTerm = LiveTrie::kNoTerm;

    VisibleTrie(const LiveIndex& index, DocId max_doc, const FuzzyCallback& found)
        : index_(index), max_doc_(max_doc), found_(found) {}

    Node root() const { return index_.trie().root(); }

    bool is_leaf(const Node& node) const { return node.is_leaf(); }

    std::uint32_t term(const Node& node) const { return node.term; }

    std::string_view text(std::uint32_t id) const { return index_.term(id).text(); }

    template <typename Visit>
    bool for_children(const Node& node, Visit visit) const {
        const LiveTrie& trie = index_.trie();
        for (std::uint32_t child = node.first_child; child != 0; child = trie.sibling(child)) {
            if (!visit(trie.load(child), trie.label(child))) {
                return false;
            }
        }
        return true;
    }

    template <typename Visit>
    bool for_subtree(const Node& node, const Visit& visit) const {
        if (node.term != kNoTerm && !visit(node.term)) {
            return false;
        }
        return for_children(node, [&](const Node& child, std::uint8_t /*label*/) {
            return for_subtree(child, visit);
        });
    }

    bool report(std::uint32_t id, std::uint32_t cost, bool prefix_only) const {
        return !is_visible(index_, id, max_doc_)
               || found_({text(id), {id}, info_of(index_, id), cost, prefix_only});
    }

private:
    const LiveIndex& index_;
    DocId max_doc_;
    const FuzzyCallback& found_;
};

class LiveReader final : public TextReader {
public:
    LiveReader(const LiveIndex& index, DocId max_doc) : index_(index), max_doc_(max_doc) {}

    DocId doc_limit() const override { return max_doc_; }

    std::uint64_t doc_count() const override { return index_.doc_count(); }

    std::uint64_t token_count() const override { return index_.token_count(); }

    double bound_length() const override { return 0; }

    const std::uint8_t* norms() const override { return index_.norms(); }

    std::optional<TermHandle> find(std::string_view term) const override {
        std::uint32_t id = index_.find(term);
        if (id == LiveTrie::kNoTerm || !is_visible(index_, id, max_doc_)) {
            return std::nullopt;
        }
        return TermHandle{id};
    }

    TermInfo info(TermHandle term) const override { return info_of(index_, term.value); }

    std::string_view text(TermHandle term) const override { return index_.term(term.value).text(); }

    float seed_factor(TermHandle /*term*/, std::uint32_t /*k*/) const override { return 0; }

    void open(TermHandle term, PostingsCursor& cursor) const override {
        PostingsOpener::open_live(cursor, index_.term(term.value), max_doc_);
    }

    std::unique_ptr<TermEnum> terms() const override {
        return std::make_unique<LiveEnum>(index_, max_doc_);
    }

    WalkEnd fuzzy(std::string_view query, const FuzzyOptions& options, const FuzzyCallback& found)
        const override {
        std::vector<std::uint32_t> points = code_points(query);
        if (points.size() > kFuzzyLengthMax) {
            return find_uncorrected(*this, query, options, found);
        }
        VisibleTrie trie(index_, max_doc_, found);
        return fuzzy_walk(trie, points, options);
    }

private:
    const LiveIndex& index_;
    DocId max_doc_;
};

}  // namespace

LiveText::LiveText() : index_(std::make_unique<LiveIndex>()) {}

LiveText::~LiveText() = default;

void LiveText::add(DocId doc, std::span<const Token> tokens, float rank) {
    index_->add(doc, tokens, rank);
}

std::unique_ptr<TextReader> LiveText::reader(DocId max_doc) const {
    return std::make_unique<LiveReader>(*index_, max_doc);
}

std::uint64_t LiveText::bytes() const {
    return index_->bytes();
}

std::uint32_t LiveText::term_count() const {
    return index_->term_count();
}

}  // namespace kumo::search
