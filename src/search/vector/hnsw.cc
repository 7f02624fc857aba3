#include "search/vector/hnsw.h"

#include "base/assert.h"

#include <algorithm>
#include <cmath>
#include <queue>
#include <utility>

namespace kumo::search {

namespace {

/// SplitMix64's finalizer.
std::uint64_t mix(std::uint64_t x) {
    x += 0x9E3779B97F4A7C15U;
    x = (x ^ x >> 30U) * 0xBF58476D1CE4E5B9U;
    x = (x ^ x >> 27U) * 0x94D049BB133111EBU;
    return x ^ x >> 31U;
}

struct FarthestLast {
    bool operator()(const Neighbor& a, const Neighbor& b) const { return b < a; }
};

using NearestFirst = std::priority_queue<Neighbor, std::vector<Neighbor>, FarthestLast>;

}  // namespace

HnswBuilder::HnswBuilder(const VectorRows& rows, HnswParameters parameters)
    : rows_(rows),
      parameters_(parameters),
      links_(rows.rows.size()),
      visited_(rows.rows.size(), 0) {}

/// One in m^level nodes is on that level.
std::uint32_t HnswBuilder::level_for(std::uint64_t number) const {
    const double uniform = (static_cast<double>(mix(number) >> 11U) + 1) / 9007199254740993.0;
    const double level = -std::log(uniform) / std::log(static_cast<double>(parameters_.m));
    return std::min(static_cast<std::uint32_t>(level), kHnswLevelsMax - 1);
}

/// Walks towards the row on one level.
std::uint32_t HnswBuilder::nearest_on(std::uint32_t node, std::uint32_t from, std::uint32_t level)
    const {
    Neighbor best{distance(node, from), from};
    for (bool moved = true; moved;) {
        moved = false;
        for (const std::uint32_t next : links_[best.node][level]) {
            const Neighbor neighbor{distance(node, next), next};
            if (neighbor < best) {
                best = neighbor;
                moved = true;
                break;
            }
        }
    }
    return best.node;
}

/// The nearest ef_construction nodes on a level, from those in `found` on. Replaces `found`, as a
/// heap with the farthest on top.
void HnswBuilder::search_level(
    std::uint32_t node,
    std::uint32_t level,
    std::vector<Neighbor>& found
) {
    ++round_;
    NearestFirst open;
    for (const Neighbor& start : found) {
        open.push(start);
        visited_[start.node] = round_;
    }
    std::make_heap(found.begin(), found.end());
    while (!open.empty()) {
        const Neighbor at = open.top();
        open.pop();
        if (found.size() >= parameters_.ef_construction && found.front() < at) {
            break;
        }
        for (const std::uint32_t next : links_[at.node][level]) {
            if (std::exchange(visited_[next], round_) == round_) {
                continue;
            }
            const Neighbor neighbor{distance(node, next), next};
            if (found.size() >= parameters_.ef_construction && found.front() < neighbor) {
                continue;
            }
            open.push(neighbor);
            found.push_back(neighbor);
            std::push_heap(found.begin(), found.end());
            if (found.size() > parameters_.ef_construction) {
                std::pop_heap(found.begin(), found.end());
                found.pop_back();
            }
        }
    }
}

/// Near ones in different directions: one that is nearer to a chosen one than to the node itself is
/// left out. The nearest of those left out fill up.
HnswBuilder::Links HnswBuilder::select(std::vector<Neighbor> candidates, std::uint32_t count)
    const {
    std::sort(candidates.begin(), candidates.end());
    Links chosen;
    Links left_out;
    for (const Neighbor& candidate : candidates) {
        if (chosen.size() == count) {
            break;
        }
        const bool covered = std::any_of(chosen.begin(), chosen.end(), [&](std::uint32_t other) {
            return distance(candidate.node, other) < candidate.distance;
        });
        (covered ? left_out : chosen).push_back(candidate.node);
    }
    for (const std::uint32_t node : left_out) {
        if (chosen.size() == count) {
            break;
        }
        chosen.push_back(node);
    }
    return chosen;
}

/// As many of a node's links as it may have.
HnswBuilder::Links
HnswBuilder::chosen_links(std::uint32_t node, const Links& links, std::uint32_t level) const {
    std::vector<Neighbor> candidates;
    for (const std::uint32_t other : links) {
        candidates.push_back({distance(node, other), other});
    }
    return select(std::move(candidates), links_max(level));
}

/// Choosing among links costs more than walking over some more of them, so it is done for several
/// new ones at once.
void HnswBuilder::link_back(std::uint32_t from, std::uint32_t to, std::uint32_t level) {
    Links& links = links_[from][level];
    links.push_back(to);
    if (links.size() > links_max(level) + links_max(level) / 4) {
        links = chosen_links(from, links, level);
    }
}

void HnswBuilder::insert(std::uint32_t node, std::uint64_t number) {
    KUMO_ASSERT(links_[node].empty());
    const std::uint32_t level = level_for(number);
    if (entry_ == kNoNode) {
        links_[node].resize(level + 1);
        entry_ = node;
        return;
    }
    const auto top = static_cast<std::uint32_t>(links_[entry_].size() - 1);
    std::uint32_t from = entry_;
    for (std::uint32_t l = top; l > level; --l) {
        from = nearest_on(node, from, l);
    }
    std::vector<Neighbor> found = {{distance(node, from), from}};
    std::vector<Links> links(level + 1);
    for (std::uint32_t l = std::min(top, level) + 1; l-- > 0;) {
        search_level(node, l, found);
        links[l] = select(found, parameters_.m);
    }
    links_[node] = std::move(links);
    for (std::uint32_t l = 0; l <= level; ++l) {
        for (const std::uint32_t other : links_[node][l]) {
            link_back(other, node, l);
        }
    }
    if (level > top) {
        entry_ = node;
    }
}

/// Links a node that lost some: what is left, and what the lost ones had.
void HnswBuilder::repair(
    const HnswGraph& graph,
    std::span<const std::uint32_t> new_nodes,
    std::uint32_t old_node,
    std::uint32_t level
) {
    const std::uint32_t node = new_nodes[old_node];
    Links around;
    graph.for_each_link(old_node, level, [&](std::uint32_t old_link) {
        if (new_nodes[old_link] != kNoNode) {
            around.push_back(new_nodes[old_link]);
            return;
        }
        graph.for_each_link(old_link, level, [&](std::uint32_t further) {
            if (further != old_node && new_nodes[further] != kNoNode) {
                around.push_back(new_nodes[further]);
            }
        });
    });
    std::sort(around.begin(), around.end());
    around.erase(std::unique(around.begin(), around.end()), around.end());
    links_[node][level] = chosen_links(node, around, level);
}

void HnswBuilder::take_over(const HnswGraph& graph, std::span<const std::uint32_t> new_nodes) {
    KUMO_ASSERT(entry_ == kNoNode && graph.m() == parameters_.m);
    for (std::uint32_t old_node = 0; old_node < graph.node_count(); ++old_node) {
        const std::uint32_t node = new_nodes[old_node];
        if (node == kNoNode) {
            continue;
        }
        const std::uint32_t level = graph.level_of(old_node);
        links_[node].resize(level + 1);
        if (entry_ == kNoNode || links_[entry_].size() < level + 1) {
            entry_ = node;
        }
        for (std::uint32_t l = 0; l <= level; ++l) {
            bool whole = true;
            graph.for_each_link(old_node, l, [&](std::uint32_t old_link) {
                whole = whole && new_nodes[old_link] != kNoNode;
                if (new_nodes[old_link] != kNoNode) {
                    links_[node][l].push_back(new_nodes[old_link]);
                }
            });
            if (!whole) {
                repair(graph, new_nodes, old_node, l);
            }
        }
    }
}

std::vector<Neighbor>
search_graph(const HnswGraph& graph, const StoredRows& rows, const HnswSearch& search) {
    const auto neighbor_of = [&](std::uint32_t node) {
        return Neighbor{rows.space.distance(search.query, rows[node]), node};
    };
    if (graph.entry() == kNoNode) {
        return {};
    }
    Neighbor best = neighbor_of(graph.entry());
    for (std::uint32_t level = graph.top_level(); level > 0; --level) {
        for (std::uint32_t from = kNoNode; from != best.node;) {
            from = best.node;
            graph.for_each_link(from, level, [&](std::uint32_t next) {
                best = std::min(best, neighbor_of(next));
            });
        }
    }
    const auto wanted = [&](std::uint32_t node) {
        return search.allowed == nullptr || search.allowed->test(node);
    };
    Bitmap visited(graph.node_count());
    NearestFirst open;
    std::vector<Neighbor> found;  // A heap, the farthest on top.
    open.push(best);
    visited.set(best.node);
    if (wanted(best.node)) {
        found.push_back(best);
    }
    while (!open.empty()) {
        const Neighbor at = open.top();
        open.pop();
        if (found.size() >= search.ef && found.front() < at) {
            break;
        }
        graph.for_each_link(at.node, 0, [&](std::uint32_t next) {
            if (visited.test(next)) {
                return;
            }
            visited.set(next);
            const Neighbor neighbor = neighbor_of(next);
            if (found.size() >= search.ef && found.front() < neighbor) {
                return;
            }
            open.push(neighbor);
            if (!wanted(next)) {
                return;
            }
            found.push_back(neighbor);
            std::push_heap(found.begin(), found.end());
            if (found.size() > search.ef) {
                std::pop_heap(found.begin(), found.end());
                found.pop_back();
            }
        });
    }
    std::sort_heap(found.begin(), found.end());
    return found;
}

}  // namespace kumo::search
