#include "search/analysis/chain.h"

#include "base/mutex.h"

#include <map>
#include <numeric>
#include <utility>

namespace kumo::search {

namespace {

/// Chains that are kept for who asks next.
constexpr std::size_t kSharedChainsMax = 1000;

struct SharedChains {
    Mutex mutex;
    std::map<std::string, std::shared_ptr<const AnalysisChain>, std::less<>> chains
        KUMO_GUARDED_BY(mutex);
};

SharedChains& shared_chains() {
    static SharedChains chains;
    return chains;
}

template <typename Part, typename Make>
Status make_parts(wire::JsonValue list, std::vector<Part>& out, Make make) {
    if (!list) {
        return {};
    }
    if (!list.is_array() || list.as_array().size() > kChainFiltersMax) {
        return invalid_argument("an analyzer has a list of at most 64 filters");
    }
    for (const wire::JsonValue options : list.as_array()) {
        KUMO_TRY_ASSIGN(Part part, make(options));
        out.push_back(std::move(part));
    }
    return {};
}

void append_token(const ChainToken& token, TokenBuffer& out) {
    AnalyzedToken made;
    made.text_begin = static_cast<std::uint32_t>(out.text.size());
    out.text += token.text;
    made.text_size = static_cast<std::uint32_t>(token.text.size());
    made.position = token.position;
    made.position_length = token.position_length;
    made.source_begin = token.begin;
    made.source_end = token.end;
    made.type = token.type;
    out.tokens.push_back(made);
}

}  // namespace

Result<std::shared_ptr<const AnalysisChain>> AnalysisChain::make(ByteView json) {
    if (json.size() > kChainBytesMax) {
        return invalid_argument("an analyzer is above 1 MiB");
    }
    KUMO_TRY_ASSIGN(const auto parsed, wire::JsonDocument::parse(json));
    const wire::JsonValue root = parsed.root();
    auto chain = std::make_shared<AnalysisChain>();
    KUMO_TRY(make_parts(root.find("char_filter"), chain->char_filters_, make_char_filter));
    KUMO_TRY_ASSIGN(chain->tokenizer_, make_tokenizer(root.find("tokenizer")));
    KUMO_TRY(make_parts(root.find("filter"), chain->filters_, make_token_filter));
    return std::shared_ptr<const AnalysisChain>(std::move(chain));
}

std::shared_ptr<const AnalysisChain> AnalysisChain::of(const std::string& json) {
    SharedChains& shared = shared_chains();
    {
        const MutexLock lock(shared.mutex);
        if (const auto found = shared.chains.find(json); found != shared.chains.end()) {
            return found->second;
        }
    }
    auto made = make(json);
    if (!made.ok()) {
        made = make(R"({"tokenizer":{"type":"whitespace"}})");
    }
    const MutexLock lock(shared.mutex);
    if (shared.chains.size() >= kSharedChainsMax) {
        shared.chains.clear();
    }
    return shared.chains.emplace(json, std::move(made).value()).first->second;
}

std::string AnalysisChain::filtered(std::string_view text, std::size_t parts) const {
    std::string out(text);
    std::vector<std::uint32_t> offsets(out.size() + 1);
    std::iota(offsets.begin(), offsets.end(), 0U);
    for (std::size_t i = 0; i < char_filters_.size() && i < parts; ++i) {
        char_filters_[i](out, offsets);
    }
    return out;
}

ChainTokens AnalysisChain::tokens(std::string_view text, std::size_t parts) const {
    ChainTokens tokens;
    if (char_filters_.empty()) {
        tokenizer_(text, tokens);
    } else {
        std::string filtered(text);
        std::vector<std::uint32_t> offsets(filtered.size() + 1);
        std::iota(offsets.begin(), offsets.end(), 0U);
        for (const CharFilter& filter : char_filters_) {
            filter(filtered, offsets);
        }
        tokenizer_(filtered, tokens);
        for (ChainToken& token : tokens) {
            token.begin = offsets[token.begin];
            token.end = offsets[token.end];
        }
    }
    for (std::size_t i = 0; i < filters_.size() && i < parts; ++i) {
        filters_[i](tokens);
        if (tokens.size() > kChainTokensMax) {
            tokens.resize(kChainTokensMax);
        }
    }
    return tokens;
}

void AnalysisChain::analyze(std::string_view text, TokenBuffer& out) const {
    for (const ChainToken& token : tokens(text)) {
        if (!token.text.empty()) {
            append_token(token, out);
        }
    }
}

}  // namespace kumo::search
