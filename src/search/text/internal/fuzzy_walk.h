#pragma once

#include "search/text/internal/fuzzy_automaton.h"
#include "search/text/text_reader.h"

#include <algorithm>
#include <cstdint>
#include <string_view>

/// Finds the terms near a query by walking a trie with a FuzzyAutomaton and turning back where no
/// continuation can be near enough. One algorithm for the live and the sealed trie.
///
/// A Trie has: Node root(); bool is_leaf(Node); std::uint32_t term(Node), kNoTerm if none ends
/// there; std::string_view text(term); bool for_children(Node, f(Node, label) -> bool), which stops
/// and returns false when f does; bool report(term, cost, prefix_only), false to stop (terms that
/// the reader must not see are skipped there); and bool for_subtree(Node, f(term) -> bool).
/// A leaf stands for all of its term's remaining bytes.
namespace kumo::search {

template <typename Trie, typename Word, std::uint32_t kCost>
class FuzzyWalk {
public:
    using Automaton = FuzzyAutomaton<Word, kCost>;
    using State = typename Automaton::State;
    using Node = typename Trie::Node;

    FuzzyWalk(Trie& trie, const Automaton& automaton, const FuzzyOptions& options)
        : trie_(trie), automaton_(automaton), options_(options) {}

    WalkEnd run() {
        Place place{automaton_.start(), Utf8Feed{}, kFar};
        note_prefix(place);
        visit(trie_.root(), 0, place);
        return end_;
    }

private:
    static constexpr std::uint32_t kFar = kCost + 1;
    static constexpr std::uint32_t kNoLetter = 0xFFFFFFFFU;  // in no query

    /// Where the walk stands: distances, the code point being read, the least distance between the
    /// query and any prefix of the path.
    struct Place {
        State state;
        Utf8Feed feed;
        std::uint32_t nearest_prefix;
    };

    void note_prefix(Place& place) const {
        if (options_.prefix) {
            place.nearest_prefix = std::min(place.nearest_prefix, automaton_.distance(place.state));
        }
    }

    /// Reads one byte. False if nothing below can match any better than it already does.
    bool advance(Place& place, std::uint8_t byte) const {
        if (!place.feed.push(byte)) {
            return true;
        }
        return advance_letter(place, place.feed.value);
    }

    bool advance_letter(Place& place, std::uint32_t code_point) const {
        place.state = automaton_.step(place.state, code_point);
        return settle(place);
    }

    /// A code point was read: the same.
    bool settle(Place& place) const {
        note_prefix(place);
        return automaton_.least(place.state) <= std::min(kCost, place.nearest_prefix);
    }

    bool visit(Node node, std::uint32_t depth, const Place& place) {
        if (trie_.is_leaf(node)) {
            return trie_.term(node) == Trie::kNoTerm || visit_leaf(node, depth, place);
        }
        if (trie_.term(node) != Trie::kNoTerm && !accept(trie_.term(node), place)) {
            return false;
        }
        // Most children's labels are not in the query, and lead to one and the same place.
        Place missed = place;
        const bool missed_alive = place.feed.missing != 0 || advance_letter(missed, kNoLetter);
        const bool missed_ends = automaton_.least(missed.state) > kCost;
        const auto misses = [&](std::uint8_t label) {
            return !automaton_.knows(label)
                   || (missed_ends && !automaton_.leads_on(place.state, label));
        };
        return trie_.for_children(node, [&](Node child, std::uint8_t label) {
            if (!spend()) {
                return false;
            }
            if (place.feed.missing == 0 && label < 0x80 && misses(label)) {
                return follow(child, depth + 1, missed, missed_alive);
            }
            if (place.feed.missing == 0 && label < 0x80) {
                Place next{automaton_.step(place.state, label), place.feed, place.nearest_prefix};
                return follow(child, depth + 1, next, settle(next));
            }
            Place next = place;
            const bool alive = advance(next, label);
            return follow(child, depth + 1, next, alive);
        });
    }

    bool follow(Node node, std::uint32_t depth, const Place& place, bool alive) {
        if (alive) {
            return visit(node, depth, place);
        }
        return place.nearest_prefix == kFar || accept_subtree(node, place.nearest_prefix);
    }

    bool visit_leaf(Node node, std::uint32_t depth, Place place) {
        std::uint32_t term = trie_.term(node);
        std::string_view text = trie_.text(term);
        for (std::uint64_t i = depth; i < text.size(); ++i) {
            if (!advance(place, static_cast<std::uint8_t>(text[i]))) {
                return place.nearest_prefix == kFar || report(term, place.nearest_prefix, true);
            }
        }
        return accept(term, place);
    }

    /// A whole term was read.
    bool accept(std::uint32_t term, const Place& place) {
        std::uint32_t whole = automaton_.distance(place.state);
        std::uint32_t cost = std::min(whole, place.nearest_prefix);
        return cost == kFar || report(term, cost, whole > cost);
    }

    bool accept_subtree(Node node, std::uint32_t cost) {
        return trie_.for_subtree(node, [&](std::uint32_t term) {
            return spend() && report(term, cost, true);
        });
    }

    bool report(std::uint32_t term, std::uint32_t cost, bool prefix_only) {
        if (trie_.report(term, cost, prefix_only)) {
            return true;
        }
        end_ = WalkEnd::kStopped;
        return false;
    }

    bool spend() {
        if (++nodes_ <= options_.nodes_max) {
            return true;
        }
        end_ = WalkEnd::kCutShort;
        return false;
    }

    Trie& trie_;
    const Automaton& automaton_;
    const FuzzyOptions& options_;
    std::uint32_t nodes_ = 0;
    WalkEnd end_ = WalkEnd::kComplete;
};

/// Runs the walk. Requires a query of at most kFuzzyLengthMax code points.
template <std::uint32_t kCost, typename Trie>
WalkEnd fuzzy_walk_within(
    Trie& trie,
    const std::vector<std::uint32_t>& query,
    const FuzzyOptions& options
) {
    __extension__ using Wide = unsigned __int128;
    static_assert(FuzzyAutomaton<Wide, kCost>::kLengthMax >= kFuzzyLengthMax);
    // Most of the time goes into copying states: the narrower, the better.
    if (query.size() <= FuzzyAutomaton<std::uint32_t, kCost>::kLengthMax) {
        FuzzyAutomaton<std::uint32_t, kCost> automaton(query);
        return FuzzyWalk<Trie, std::uint32_t, kCost>(trie, automaton, options).run();
    }
    if (query.size() <= FuzzyAutomaton<std::uint64_t, kCost>::kLengthMax) {
        FuzzyAutomaton<std::uint64_t, kCost> automaton(query);
        return FuzzyWalk<Trie, std::uint64_t, kCost>(trie, automaton, options).run();
    }
    FuzzyAutomaton<Wide, kCost> automaton(query);
    return FuzzyWalk<Trie, Wide, kCost>(trie, automaton, options).run();
}

/// The same for any cost.
template <typename Trie>
WalkEnd
fuzzy_walk(Trie& trie, const std::vector<std::uint32_t>& query, const FuzzyOptions& options) {
    switch (std::min(options.max_cost, kFuzzyCostMax)) {
        case 0: return fuzzy_walk_within<0>(trie, query, options);
        case 1: return fuzzy_walk_within<1>(trie, query, options);
        case 2: return fuzzy_walk_within<2>(trie, query, options);
        default: static_assert(kFuzzyCostMax == 3);
    }
    return fuzzy_walk_within<3>(trie, query, options);
}

}  // namespace kumo::search
