#pragma once

#include "search/text/internal/fuzzy_automaton.h"
#include "search/text/text_reader.h"

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

template <typename Trie, typename Word>
class FuzzyWalk {
public:
    using Automaton = FuzzyAutomaton<Word>;
    using State = typename Automaton::State;
    using Node = typename Trie::Node;

    FuzzyWalk(Trie& trie, const Automaton& automaton, const FuzzyOptions& options)
        : trie_(trie), automaton_(automaton), options_(options), far_(automaton.max_cost() + 1) {}

    WalkEnd run() {
        Place place{automaton_.start(), Utf8Feed{}, far_};
        note_prefix(place);
        visit(trie_.root(), 0, place);
        return end_;
    }

private:
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
        place.state = automaton_.step(place.state, place.feed.value);
        note_prefix(place);
        return automaton_.least(place.state)
               <= std::min(automaton_.max_cost(), place.nearest_prefix);
    }

    bool visit(Node node, std::uint32_t depth, const Place& place) {
        if (trie_.is_leaf(node)) {
            return trie_.term(node) == Trie::kNoTerm || visit_leaf(node, depth, place);
        }
        if (trie_.term(node) != Trie::kNoTerm && !accept(trie_.term(node), place)) {
            return false;
        }
        return trie_.for_children(node, [&](Node child, std::uint8_t label) {
            if (!spend()) {
                return false;
            }
            Place next = place;
            if (advance(next, label)) {
                return visit(child, depth + 1, next);
            }
            return next.nearest_prefix == far_ || accept_subtree(child, next.nearest_prefix);
        });
    }

    bool visit_leaf(Node node, std::uint32_t depth, Place place) {
        std::uint32_t term = trie_.term(node);
        std::string_view text = trie_.text(term);
        for (std::uint64_t i = depth; i < text.size(); ++i) {
            if (!advance(place, static_cast<std::uint8_t>(text[i]))) {
                return place.nearest_prefix == far_ || report(term, place.nearest_prefix, true);
            }
        }
        return accept(term, place);
    }

    /// A whole term was read.
    bool accept(std::uint32_t term, const Place& place) {
        std::uint32_t whole = automaton_.distance(place.state);
        std::uint32_t cost = std::min(whole, place.nearest_prefix);
        return cost == far_ || report(term, cost, whole > cost);
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
    std::uint32_t far_;
    std::uint32_t nodes_ = 0;
    WalkEnd end_ = WalkEnd::kComplete;
};

/// Runs the walk with the smallest word that holds the query. Requires a query of at most
/// kFuzzyLengthMax code points.
template <typename Trie>
WalkEnd
fuzzy_walk(Trie& trie, const std::vector<std::uint32_t>& query, const FuzzyOptions& options) {
    __extension__ using Wide = unsigned __int128;
    static_assert(FuzzyAutomaton<Wide>::kLengthMax >= kFuzzyLengthMax);
    std::uint32_t max_cost = std::min(options.max_cost, kFuzzyCostMax);
    if (query.size() <= FuzzyAutomaton<std::uint64_t>::kLengthMax) {
        FuzzyAutomaton<std::uint64_t> automaton(query, max_cost);
        return FuzzyWalk<Trie, std::uint64_t>(trie, automaton, options).run();
    }
    FuzzyAutomaton<Wide> automaton(query, max_cost);
    return FuzzyWalk<Trie, Wide>(trie, automaton, options).run();
}

}  // namespace kumo::search
