#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace kumo::search {

/// Words that mean the same. A plain value; its words are as they are indexed.
struct SynonymRule {
    using Words = std::vector<std::string>;

    Words root;  ///< What `synonyms` may stand for; empty: each of them for each other.
    std::vector<Words> synonyms;
    std::string locale;  ///< Of the fields it is for.
};

struct SynonymOptions {
    std::string locale{};
    bool prefix = false;          ///< Beginnings of a rule's words count as them.
    std::uint32_t num_typos = 0;  ///< 0..2 edits that a word may be off.
};

/// Rules, ready for queries. A rule is applied to what the query says and never to what another
/// rule made of it, so rules in circles are as good as any.
/// Immutable; any thread.
class SynonymSet {
public:
    using Words = SynonymRule::Words;

    /// Different ways of saying one query that are looked at; and words of a rule that one word of
    /// a query with a typo or a beginning may mean.
    static constexpr std::size_t kVariantsMax = 100;
    static constexpr std::size_t kWordsMax = 10;
    static constexpr std::size_t kMatchesMax = 100;  ///< Rules that fit at one word of a query.

    explicit SynonymSet(std::vector<SynonymRule> rules);

    bool empty() const { return rules_.empty(); }

    /// Adds the other ways of saying `words` to `out`, without duplicates, until it holds
    /// kVariantsMax.
    void expand(const Words& words, const SynonymOptions& options, std::vector<Words>& out) const;

private:
    /// Of a tree of words: the way from its root spells what rules stand for.
    struct Node {
        std::map<std::string, std::size_t, std::less<>> children;
        std::vector<std::size_t> rules;
    };

    /// Words of a query from some place up to `end` mean what `rule` says.
    struct Fit {
        std::size_t end;
        std::size_t rule;
    };

    void add(const Words& words, std::size_t rule);
    std::vector<std::size_t>
    children_like(const Node& node, const std::string& word, const SynonymOptions& options) const;
    void find_fits(
        const Words& words,
        std::size_t at,
        std::size_t node,
        const SynonymOptions& options,
        std::vector<Fit>& out
    ) const;

    std::vector<SynonymRule> rules_;
    std::vector<Node> nodes_;
};

/// Whether `word` is within `edits` (insert, delete, change, swap neighbours) of `text`, or with
/// `prefix` of a beginning of it.
bool is_near(std::string_view word, std::string_view text, std::uint32_t edits, bool prefix);

}  // namespace kumo::search
