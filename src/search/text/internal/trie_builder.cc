#include "search/text/internal/trie_builder.h"

#include "search/text/internal/sealed_format.h"

namespace kumo::search {
namespace {

/// The terms [low, high) share `depth` bytes and lie under one node.
struct Range {
    std::uint32_t low;
    std::uint32_t high;
    std::uint32_t depth;
};

}  // namespace

TrieArrays build_trie(std::string_view terms, const std::vector<std::uint32_t>& offsets) {
    auto count = static_cast<std::uint32_t>(offsets.size() - 1);
    TrieArrays trie;
    // The queue's index is the node's number.
    std::vector<Range> queue{{0, count, 0}};
    trie.label.push_back('\0');
    for (std::uint64_t node = 0; node < queue.size(); ++node) {
        auto [low, high, depth] = queue[node];
        trie.child.push_back(static_cast<std::uint32_t>(queue.size()));
        bool ends_here =
            low < high && (high - low == 1 || offsets[low] + depth == offsets[low + 1]);
        trie.term.push_back(ends_here ? low : kNoTerm);
        if (high - low <= 1) {
            continue;
        }
        for (std::uint32_t from = low + (ends_here ? 1 : 0); from < high;) {
            char byte = terms[offsets[from] + depth];
            std::uint32_t to = from + 1;
            while (to < high && terms[offsets[to] + depth] == byte) {
                ++to;
            }
            queue.push_back({from, to, depth + 1});
            trie.label.push_back(byte);
            from = to;
        }
    }
    trie.child.push_back(static_cast<std::uint32_t>(queue.size()));
    return trie;
}

}  // namespace kumo::search
