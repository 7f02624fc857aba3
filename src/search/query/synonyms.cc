#include "search/query/synonyms.h"

#include "search/query/request.h"
#include "search/text/internal/fuzzy_automaton.h"

#include <algorithm>
#include <set>
#include <utility>

namespace kumo::search {

namespace {

/// Longer words are only compared exactly.
constexpr std::size_t kNearPointsMax = 64;

/// Adds `first` before each of `rest`, as far as there is room.
void add_ways(
    const SynonymRule::Words& first,
    const std::set<SynonymRule::Words>& rest,
    std::set<SynonymRule::Words>& out
) {
    for (const SynonymRule::Words& tail : rest) {
        if (first.empty() || out.size() > SynonymSet::kVariantsMax) {
            return;
        }
        if (first.size() + tail.size() > kQueryTokensMax) {
            continue;
        }
        SynonymRule::Words all = first;
        all.insert(all.end(), tail.begin(), tail.end());
        out.insert(std::move(all));
    }
}

}  // namespace

bool is_near(std::string_view word, std::string_view text, std::uint32_t edits, bool prefix) {
    if (edits == 0) {
        return prefix ? text.starts_with(word) : text == word;
    }
    const std::vector<std::uint32_t> a = code_points(word);
    const std::vector<std::uint32_t> b = code_points(text);
    if (a.size() > kNearPointsMax || b.size() > kNearPointsMax) {
        return false;
    }
    // Rows of the distance's table: of the words before last, before, and now.
    std::vector<std::uint32_t> older(b.size() + 1);
    std::vector<std::uint32_t> old(b.size() + 1);
    std::vector<std::uint32_t> now(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) {
        old[j] = static_cast<std::uint32_t>(j);
    }
    for (std::size_t i = 1; i <= a.size(); ++i) {
        now[0] = static_cast<std::uint32_t>(i);
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::uint32_t change = a[i - 1] == b[j - 1] ? 0 : 1;
            now[j] = std::min({old[j] + 1, now[j - 1] + 1, old[j - 1] + change});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                now[j] = std::min(now[j], older[j - 2] + 1);
            }
        }
        older.swap(old);
        old.swap(now);
    }
    return prefix ? *std::min_element(old.begin(), old.end()) <= edits : old[b.size()] <= edits;
}

SynonymSet::SynonymSet(std::vector<SynonymRule> rules) : rules_(std::move(rules)), nodes_(1) {
    for (std::size_t i = 0; i < rules_.size(); ++i) {
        if (!rules_[i].root.empty()) {
            add(rules_[i].root, i);
            continue;
        }
        for (const Words& words : rules_[i].synonyms) {
            add(words, i);
        }
    }
}

void SynonymSet::add(const Words& words, std::size_t rule) {
    if (words.empty() || words.size() > kQueryTokensMax) {
        return;
    }
    std::size_t at = 0;
    for (const std::string& word : words) {
        const auto [child, fresh] = nodes_[at].children.try_emplace(word, nodes_.size());
        at = child->second;
        if (fresh) {
            nodes_.emplace_back();
        }
    }
    auto& ends = nodes_[at].rules;
    if (ends.empty() || ends.back() != rule) {
        ends.push_back(rule);
    }
}

std::vector<std::size_t> SynonymSet::children_like(
    const Node& node,
    const std::string& word,
    const SynonymOptions& options
) const {
    if (const auto same = node.children.find(word); same != node.children.end()) {
        return {same->second};
    }
    std::vector<std::size_t> out;
    if (!options.prefix && options.num_typos == 0) {
        return out;
    }
    auto at = options.num_typos == 0 ? node.children.lower_bound(word) : node.children.begin();
    for (; at != node.children.end() && out.size() < kWordsMax; ++at) {
        if (is_near(word, at->first, options.num_typos, options.prefix)) {
            out.push_back(at->second);
        } else if (options.num_typos == 0) {
            break;  // The words with one beginning stand side by side.
        }
    }
    return out;
}

void SynonymSet::find_fits(
    const Words& words,
    std::size_t at,
    std::size_t node,
    const SynonymOptions& options,
    std::vector<Fit>& out
) const {
    for (const std::size_t rule : nodes_[node].rules) {
        if (out.size() < kMatchesMax && rules_[rule].locale == options.locale) {
            out.push_back({at, rule});
        }
    }
    if (at == words.size() || out.size() >= kMatchesMax) {
        return;
    }
    for (const std::size_t child : children_like(nodes_[node], words[at], options)) {
        find_fits(words, at + 1, child, options, out);
    }
}

/// From the last word to the first: the ways of saying the rest from each word on.
void SynonymSet::expand(const Words& words, const SynonymOptions& options, std::vector<Words>& out)
    const {
    std::vector<std::vector<Fit>> fits(words.size());
    bool any = false;
    for (std::size_t i = 0; i < words.size(); ++i) {
        find_fits(words, i, 0, options, fits[i]);
        any = any || !fits[i].empty();
    }
    if (!any) {
        return;
    }
    std::vector<std::set<Words>> ways(words.size() + 1);
    ways.back().insert(Words());
    for (std::size_t i = words.size(); i-- > 0;) {
        add_ways({words[i]}, ways[i + 1], ways[i]);
        for (const Fit& fit : fits[i]) {
            for (const Words& synonym : rules_[fit.rule].synonyms) {
                add_ways(synonym, ways[fit.end], ways[i]);
            }
        }
    }
    for (const Words& way : ways.front()) {
        const bool known = way == words || std::find(out.begin(), out.end(), way) != out.end();
        if (!known && out.size() < kVariantsMax) {
            out.push_back(way);
        }
    }
}

}  // namespace kumo::search
