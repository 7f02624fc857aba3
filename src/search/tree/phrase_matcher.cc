#include "search/tree/internal/phrase_matcher.h"

#include <algorithm>

namespace kumo::search::tree {

namespace {

/// A place, and the position it is at. The phrase's beginning as this place sees it is `start`.
struct Walker {
    const PlacePositions* place = nullptr;
    std::size_t at = 0;
    std::int64_t start = 0;

    std::int64_t position() const { return place->positions[at]; }

    bool advance() {
        if (++at >= place->positions.size()) {
            return false;
        }
        start = position() - place->offset;
        return true;
    }
};

/// Walks all places of a phrase together, always moving the one that is furthest behind.
class SloppyWalk {
public:
    SloppyWalk(std::span<const PlacePositions> places, std::uint32_t slop) : slop_(slop) {
        for (const PlacePositions& place : places) {
            walkers_.push_back({&place, 0, 0});
            walkers_.back().start = walkers_.back().position() - place.offset;
        }
    }

    float run() {
        float out = 0;
        alive_ = separate_all();
        for (const Walker& walker : walkers_) {
            end_ = std::max(end_, walker.start);
        }
        while (alive_) {
            const std::int64_t length = next();
            if (length <= static_cast<std::int64_t>(slop_)) {
                out += 1 / (1 + static_cast<float>(length));
            }
        }
        return out;
    }

private:
    /// The shortest length until another place is the one behind.
    std::int64_t next() {
        while (true) {
            const std::size_t first = behind(walkers_.size());
            const std::int64_t bound = walkers_[behind(first)].start;
            std::int64_t length = end_ - walkers_[first].start;
            while (true) {
                if (!advance(first)) {
                    alive_ = false;
                    return length;
                }
                if (walkers_[first].start > bound) {
                    break;
                }
                length = std::min(length, end_ - walkers_[first].start);
            }
            if (length <= static_cast<std::int64_t>(slop_)) {
                return length;
            }
        }
    }

    /// The place furthest behind but for `without`; of several, the first in the phrase.
    std::size_t behind(std::size_t without) const {
        std::size_t best = walkers_.size();
        for (std::size_t i = 0; i < walkers_.size(); ++i) {
            if (i == without) {
                continue;
            }
            if (best == walkers_.size() || walkers_[i].start < walkers_[best].start) {
                best = i;
            }
        }
        return best;
    }

    bool advance(std::size_t walker) {
        if (!walkers_[walker].advance()) {
            return false;
        }
        end_ = std::max(end_, walkers_[walker].start);
        return separate(walker);
    }

    /// No two places with the same terms may stand at one position: the one behind goes on.
    bool separate(std::size_t moved) {
        for (std::size_t other = meets(moved); other != walkers_.size(); other = meets(moved)) {
            if (walkers_[other].start < walkers_[moved].start) {
                moved = other;
            }
            if (!walkers_[moved].advance()) {
                return false;
            }
            end_ = std::max(end_, walkers_[moved].start);
        }
        return true;
    }

    bool separate_all() {
        for (std::size_t i = 0; i < walkers_.size(); ++i) {
            if (!separate(i)) {
                return false;
            }
        }
        return true;
    }

    std::size_t meets(std::size_t walker) const {
        for (std::size_t i = 0; i < walkers_.size(); ++i) {
            if (i != walker && walkers_[i].place->group == walkers_[walker].place->group
                && walkers_[i].position() == walkers_[walker].position()) {
                return i;
            }
        }
        return walkers_.size();
    }

    std::vector<Walker> walkers_;
    std::uint32_t slop_;
    std::int64_t end_ = INT64_MIN;
    bool alive_ = true;
};

bool has(const PlacePositions& place, std::int64_t start) {
    const std::int64_t position = start + place.offset;
    return std::binary_search(place.positions.begin(), place.positions.end(), position);
}

}  // namespace

float exact_frequency(std::span<const PlacePositions> places) {
    float out = 0;
    const PlacePositions& first = places.front();
    for (const std::uint32_t position : first.positions) {
        const std::int64_t start = static_cast<std::int64_t>(position) - first.offset;
        const bool all = std::all_of(places.begin() + 1, places.end(), [start](const auto& place) {
            return has(place, start);
        });
        out += all ? 1 : 0;
    }
    return out;
}

float sloppy_frequency(std::span<const PlacePositions> places, std::uint32_t slop) {
    for (const PlacePositions& place : places) {
        if (place.positions.empty()) {
            return 0;
        }
    }
    return SloppyWalk(places, slop).run();
}

}  // namespace kumo::search::tree
