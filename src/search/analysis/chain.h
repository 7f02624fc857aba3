#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "search/analysis/analyzer.h"
#include "wire/json.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace kumo::search {

/// One token while a chain works on it.
struct ChainToken {
    std::string text;
    std::uint32_t position = 0;
    std::uint32_t position_length = 1;
    std::uint32_t begin = 0;  ///< Bytes of the original text.
    std::uint32_t end = 0;
    TokenType type = TokenType::kWord;
    bool keyword = false;  ///< Stemmers leave it alone.
};

using ChainTokens = std::vector<ChainToken>;

/// Filters, of characters or tokens, that one chain may have; bytes of its JSON; tokens that one
/// text may become.
inline constexpr std::size_t kChainFiltersMax = 64;
inline constexpr std::size_t kChainBytesMax = std::size_t{1} << 20;
inline constexpr std::size_t kChainTokensMax = std::size_t{1} << 20;
/// Of an n-gram, and of how many lengths there may be, unless settings say more.
inline constexpr std::uint32_t kGramDifferenceMax = 1;
/// Longer tokens of the tokenizers for words are cut in pieces.
inline constexpr std::uint32_t kChainTokenLength = 255;

/// Character filters, a tokenizer and token filters, one after the other: the analysis that
/// Elasticsearch's settings describe. As JSON, with everything resolved:
///
///     {"char_filter": [{"type": "html_strip"}], "tokenizer": {"type": "standard"},
///      "filter": [{"type": "lowercase"}, {"type": "stop", "stopwords": ["a"]}]}
///
/// Words are those of UAX 29; stemmers are Snowball's. Immutable; any thread.
class AnalysisChain {
public:
    using CharFilter = std::function<void(std::string& text, std::vector<std::uint32_t>& offsets)>;
    using Tokenizer = std::function<void(std::string_view text, ChainTokens& out)>;
    using Filter = std::function<void(ChainTokens& tokens)>;

    /// kInvalidArgument in the words clients know; kUnsupported for parts that are not here.
    static Result<std::shared_ptr<const AnalysisChain>> make(ByteView json);

    /// The same, for what was made before: chains are shared by all who ask for the same. A text
    /// that is no chain is one that only splits at white space.
    static std::shared_ptr<const AnalysisChain> of(const std::string& json);

    /// Appends the tokens of `text`, as Analyzer::analyze().
    void analyze(std::string_view text, TokenBuffer& out) const;

    /// After `parts` token filters (all of them by default): for whoever explains a chain.
    ChainTokens tokens(std::string_view text, std::size_t parts = kChainFiltersMax) const;

    /// The text as the tokenizer gets it, after `parts` character filters.
    std::string filtered(std::string_view text, std::size_t parts = kChainFiltersMax) const;

    std::size_t filters() const { return filters_.size(); }

private:
    std::vector<CharFilter> char_filters_;
    Tokenizer tokenizer_;
    std::vector<Filter> filters_;
};

// The parts (chain_tokenizers.cc, chain_filters.cc). `options` is the part's object.

Result<AnalysisChain::CharFilter> make_char_filter(wire::JsonValue options);
Result<AnalysisChain::Tokenizer> make_tokenizer(wire::JsonValue options);
Result<AnalysisChain::Filter> make_token_filter(wire::JsonValue options);

}  // namespace kumo::search
