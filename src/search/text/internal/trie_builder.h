#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kumo::search {

/// The static trie over sorted terms, as three arrays in breadth-first order: node i's children
/// are nodes child[i] to child[i + 1] - 1, ascending by label; term[i] is the term that ends at it
/// or kNoTerm. As soon as only one term is left under a node, the node becomes a leaf that stands
/// for all of the term's remaining bytes.
struct TrieArrays {
    std::vector<std::uint32_t> child;  // one more than nodes
    std::vector<std::uint32_t> term;
    std::string label;
};

/// `offsets` has one entry more than there are terms in `terms`, which are sorted and distinct.
TrieArrays build_trie(std::string_view terms, const std::vector<std::uint32_t>& offsets);

}  // namespace kumo::search
