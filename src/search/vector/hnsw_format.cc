#include "base/assert.h"
#include "search/text/section_file.h"
#include "search/vector/hnsw.h"

#include <algorithm>

// A stored graph: per node its level; a fixed number of places for its links of level 0, and where
// its links of the levels above begin, in a list of such places of half the size.

namespace kumo::search {

namespace {

constexpr std::uint32_t kHnswMagic = 0x574e484b;  // "KHNW"
constexpr std::uint32_t kHnswVersion = 1;
constexpr std::uint32_t kWord = sizeof(std::uint32_t);

struct Header {
    std::uint32_t magic;
    std::uint32_t version;
    std::uint32_t nodes;
    std::uint32_t m;
    std::uint32_t entry;
    std::uint32_t unused;
};

void append_links(std::string& out, const std::vector<std::uint32_t>& links, std::uint32_t places) {
    append_fixed(out, static_cast<std::uint32_t>(links.size()));
    for (const std::uint32_t link : links) {
        append_fixed(out, link);
    }
    out.append((places - links.size()) * kWord, '\0');
}

}  // namespace

void HnswBuilder::write(SectionFileBuilder& out, const std::string& prefix) const {
    std::string meta;
    const auto nodes = static_cast<std::uint32_t>(links_.size());
    append_fixed(meta, Header{kHnswMagic, kHnswVersion, nodes, parameters_.m, entry_, 0});
    std::string levels;
    std::string base;
    std::string starts;
    std::string upper;
    std::uint32_t start = 0;
    const auto kept = [&](std::uint32_t node, std::uint32_t level) {
        const Links& links = links_[node][level];
        return links.size() > links_max(level) ? chosen_links(node, links, level) : links;
    };
    for (std::uint32_t node = 0; node < nodes; ++node) {
        const auto top = static_cast<std::uint32_t>(links_[node].size());
        KUMO_ASSERT(top > 0);
        levels.push_back(static_cast<char>(top - 1));
        append_links(base, kept(node, 0), links_max(0));
        append_fixed(starts, start);
        for (std::uint32_t level = 1; level < top; ++level, ++start) {
            append_links(upper, kept(node, level), links_max(level));
        }
    }
    out.add(prefix + ".meta", meta);
    out.add(prefix + ".levels", levels);
    out.add(prefix + ".base_links", base);
    out.add(prefix + ".upper_starts", starts);
    out.add(prefix + ".upper_links", upper);
}

const char* HnswGraph::links_at(std::uint32_t node, std::uint32_t level) const {
    if (level == 0) {
        return base_links_.data() + std::size_t{node} * (2 * m_ + 1) * kWord;
    }
    const auto start =
        load_unaligned<std::uint32_t>(upper_starts_.data() + std::size_t{node} * kWord);
    return upper_links_.data() + (std::size_t{start} + level - 1) * (m_ + 1) * kWord;
}

Result<HnswGraph>
HnswGraph::open(const SectionFile& file, const std::string& prefix, std::uint32_t node_count) {
    KUMO_TRY_ASSIGN(const ByteView meta, file.section(prefix + ".meta"));
    if (meta.size() != sizeof(Header)) {
        return corruption("graph `" + prefix + "` has a header of the wrong size");
    }
    const auto header = load_unaligned<Header>(meta.data());
    constexpr std::uint32_t kMMax = 4096;
    if (header.magic != kHnswMagic || header.version != kHnswVersion || header.m == 0
        || header.m > kMMax || header.nodes != node_count || header.entry >= node_count) {
        return corruption("graph `" + prefix + "` has a header that is not one");
    }
    HnswGraph out;
    out.node_count_ = node_count;
    out.m_ = header.m;
    out.entry_ = header.entry;
    KUMO_TRY_ASSIGN(out.levels_, file.section(prefix + ".levels"));
    KUMO_TRY_ASSIGN(out.base_links_, file.section(prefix + ".base_links"));
    KUMO_TRY_ASSIGN(out.upper_starts_, file.section(prefix + ".upper_starts"));
    KUMO_TRY_ASSIGN(out.upper_links_, file.section(prefix + ".upper_links"));
    KUMO_TRY(out.check(prefix));
    return out;
}

/// Everything that a walk follows without looking: sizes, starts, counts, and that a link leads to
/// a node that is on its level.
Status HnswGraph::check(const std::string& prefix) const {
    const Error wrong_size = corruption("graph `" + prefix + "` has sections of the wrong size");
    const std::size_t nodes = node_count_;
    if (levels_.size() != nodes || upper_starts_.size() != nodes * kWord
        || base_links_.size() != nodes * (2 * m_ + 1) * kWord) {
        return wrong_size;
    }
    std::uint32_t start = 0;
    for (std::uint32_t node = 0; node < node_count_; ++node) {
        if (level_of(node) >= kHnswLevelsMax || level_of(node) > level_of(entry_)
            || load_unaligned<std::uint32_t>(upper_starts_.data() + node * std::size_t{kWord})
                   != start) {
            return corruption("graph `" + prefix + "` has levels that are none");
        }
        start += level_of(node);
    }
    if (upper_links_.size() != std::size_t{start} * (m_ + 1) * kWord) {
        return wrong_size;
    }
    for (std::uint32_t node = 0; node < node_count_; ++node) {
        for (std::uint32_t level = 0; level <= level_of(node); ++level) {
            const std::uint32_t places = level == 0 ? 2 * m_ : m_;
            bool good = load_unaligned<std::uint32_t>(links_at(node, level)) <= places;
            if (good) {
                for_each_link(node, level, [&](std::uint32_t link) {
                    good = good && link < node_count_ && level_of(link) >= level;
                });
            }
            if (!good) {
                return corruption("graph `" + prefix + "` has links that lead nowhere");
            }
        }
    }
    return {};
}

}  // namespace kumo::search
