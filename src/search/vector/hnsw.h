#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "search/column/bitmap.h"
#include "search/vector/dot_product.h"

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

namespace kumo::search {

class SectionFile;
class SectionFileBuilder;

/// A graph over vectors in which the nearest ones of any vector are found by walking towards it:
/// a hierarchical navigable small world (Malkov and Yashunin, "Efficient and robust approximate
/// nearest neighbor search using Hierarchical Navigable Small World graphs", 2016). Every vector is
/// a node of level 0; each level above has one in `m` of those below. A node's links lead to near
/// ones in different directions (the paper's algorithm 4).
///
/// It is a function of the vectors, their numbers and their order alone: a node's level is drawn
/// from its number, not from a generator.
struct HnswParameters {
    std::uint32_t m = 16;                 ///< Links a node gets on each level; 2m at most on 0.
    std::uint32_t ef_construction = 200;  ///< Nodes looked at for those.
};

/// How far vectors are from each other. A plain value.
struct VectorSpace {
    std::uint32_t dimensions = 0;
    DotProduct dot = dot_product();

    /// 1 less their dot product; never NaN.
    float distance(const float* a, const float* b) const {
        const float distance = 1 - dot(a, b, dimensions);
        return distance == distance ? distance : std::numeric_limits<float>::infinity();
    }
};

/// Vectors by row. Views; the vectors outlive it.
struct VectorRows {
    VectorSpace space;
    std::vector<const float*> rows;
};

/// A node and how far it is. Nearest first, then by node.
struct Neighbor {
    float distance = 0;
    std::uint32_t node = 0;

    bool operator<(const Neighbor& other) const {
        return distance != other.distance ? distance < other.distance : node < other.node;
    }
};

inline constexpr std::uint32_t kNoNode = UINT32_MAX;
inline constexpr std::uint32_t kHnswLevelsMax = 16;

/// A graph as it is stored. Immutable; any thread. Its bytes are the segment file's.
class HnswGraph {
public:
    /// kCorruption for bytes that are no graph of `node_count` nodes.
    static Result<HnswGraph>
    open(const SectionFile& file, const std::string& prefix, std::uint32_t node_count);

    std::uint32_t node_count() const { return node_count_; }

    std::uint32_t entry() const { return entry_; }

    /// The highest level that the entry is on.
    std::uint32_t top_level() const { return level_of(entry_); }

    std::uint32_t level_of(std::uint32_t node) const {
        return static_cast<unsigned char>(levels_[node]);
    }

    /// Requires level <= level_of(node). Calls visit(other node).
    template <typename Visit>
    void for_each_link(std::uint32_t node, std::uint32_t level, Visit visit) const {
        const char* at = links_at(node, level);
        const auto count = load_unaligned<std::uint32_t>(at);
        for (std::uint32_t i = 1; i <= count; ++i) {
            visit(load_unaligned<std::uint32_t>(at + i * sizeof(std::uint32_t)));
        }
    }

    std::uint32_t m() const { return m_; }

private:
    const char* links_at(std::uint32_t node, std::uint32_t level) const;
    Status check(const std::string& prefix) const;

    std::uint32_t node_count_ = 0;
    std::uint32_t m_ = 0;
    std::uint32_t entry_ = kNoNode;
    ByteView levels_;
    ByteView base_links_;
    ByteView upper_starts_;
    ByteView upper_links_;
};

/// Builds a graph node by node. One owner.
class HnswBuilder {
public:
    /// `rows` outlives it.
    HnswBuilder(const VectorRows& rows, HnswParameters parameters);

    /// Begins with the nodes that another graph's nodes have become (kNoNode: left out), and their
    /// links; what is left out is linked around. Before any insert(). Requires the same `m`.
    void take_over(const HnswGraph& graph, std::span<const std::uint32_t> new_nodes);

    bool has(std::uint32_t node) const { return !links_[node].empty(); }

    /// Adds the row. `number` tells its level.
    void insert(std::uint32_t node, std::uint64_t number);

    void write(SectionFileBuilder& out, const std::string& prefix) const;

private:
    using Links = std::vector<std::uint32_t>;

    std::uint32_t links_max(std::uint32_t level) const {
        return level == 0 ? 2 * parameters_.m : parameters_.m;
    }

    Links chosen_links(std::uint32_t node, const Links& links, std::uint32_t level) const;

    float distance(std::uint32_t a, std::uint32_t b) const {
        return rows_.space.distance(rows_.rows[a], rows_.rows[b]);
    }

    std::uint32_t level_for(std::uint64_t number) const;
    std::uint32_t nearest_on(std::uint32_t node, std::uint32_t from, std::uint32_t level) const;
    void search_level(std::uint32_t node, std::uint32_t level, std::vector<Neighbor>& found);
    Links select(std::vector<Neighbor> candidates, std::uint32_t count) const;
    void link_back(std::uint32_t from, std::uint32_t to, std::uint32_t level);
    void repair(
        const HnswGraph& graph,
        std::span<const std::uint32_t> new_nodes,
        std::uint32_t old_node,
        std::uint32_t level
    );

    const VectorRows& rows_;
    HnswParameters parameters_;
    std::vector<std::vector<Links>> links_;  ///< By node, by level; empty: not in the graph.
    std::uint32_t entry_ = kNoNode;
    std::vector<std::uint32_t> visited_;  ///< In which round a node was seen last.
    std::uint32_t round_ = 0;
};

/// How the nearest nodes of a vector are looked for.
struct HnswSearch {
    const float* query = nullptr;
    std::uint32_t ef = 100;           ///< How many are kept on the way; at least those wanted.
    const Bitmap* allowed = nullptr;  ///< By node; null: all.
};

/// Where the stored vectors of a graph's nodes stand: one after the other.
struct StoredRows {
    VectorSpace space;
    const float* first = nullptr;

    const float* operator[](std::uint32_t row) const {
        return first + std::size_t{row} * space.dimensions;
    }
};

/// The nearest nodes that are allowed, about `ef` of them, nearest first. What is not allowed is
/// walked over.
std::vector<Neighbor>
search_graph(const HnswGraph& graph, const StoredRows& rows, const HnswSearch& search);

}  // namespace kumo::search
