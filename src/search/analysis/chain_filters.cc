#include "search/analysis/chain.h"
#include "search/analysis/chain_options.h"
#include "search/analysis/code_points.h"
#include "search/analysis/internal/chain_text.h"
#include "search/analysis/stemmer.h"
#include "wire/utf8.h"

#include <re2/re2.h>
#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>

#include <algorithm>
#include <map>
#include <set>
#include <unordered_set>
#include <utility>

namespace kumo::search {

namespace {

using Filter = AnalysisChain::Filter;
using Words = std::unordered_set<std::string>;

std::size_t code_point_bytes(std::string_view text, std::size_t at) {
    return std::max<std::size_t>(wire::utf8_decode(text.substr(at)).bytes, 1);
}

std::string mapped(std::string_view text, UChar32 (*map)(UChar32)) {
    std::string out;
    for (std::size_t at = 0; at < text.size(); at += code_point_bytes(text, at)) {
        const char32_t c = wire::utf8_decode(text.substr(at)).code_point;
        wire::append_utf8(out, static_cast<char32_t>(map(static_cast<UChar32>(c))));
    }
    return out;
}

std::string lower(std::string_view text) {
    return mapped(text, u_tolower);
}

/// What becomes of each token by itself.
Filter for_each(std::function<void(ChainToken&)> change) {
    return [change = std::move(change)](ChainTokens& tokens) {
        for (ChainToken& token : tokens) {
            change(token);
        }
    };
}

Filter keep_if(std::function<bool(const ChainToken&)> keep) {
    return [keep = std::move(keep)](ChainTokens& tokens) {
        tokens.erase(
            std::remove_if(
                tokens.begin(),
                tokens.end(),
                [&](const ChainToken& token) { return !keep(token); }
            ),
            tokens.end()
        );
    };
}

const std::vector<std::string>& english_stop_words() {
    static const std::vector<std::string> kWords = {
        "a",   "an",    "and",  "are",   "as",    "at",   "be",   "but", "by",  "for",  "if",
        "in",  "into",  "is",   "it",    "no",    "not",  "of",   "on",  "or",  "such", "that",
        "the", "their", "then", "there", "these", "they", "this", "to",  "was", "will", "with"};
    return kWords;
}

Result<Words> words_of(std::vector<std::string> list, bool ignore_case) {
    Words out;
    for (std::string& word : list) {
        if (word == "_english_") {
            out.insert(english_stop_words().begin(), english_stop_words().end());
        } else if (word == "_none_") {
            continue;
        } else if (word.size() > 2 && word.starts_with('_') && word.ends_with('_')) {
            return Error{ErrorCode::kUnsupported, "stop words [" + word + "] are not supported"};
        } else {
            out.insert(ignore_case ? lower(word) : std::move(word));
        }
    }
    return out;
}

Result<Filter> make_stop(wire::JsonValue options) {
    if (options.find("stopwords_path")) {
        return Error{ErrorCode::kUnsupported, "[stopwords_path] is not supported"};
    }
    const bool ignore_case = flag_option(options, "ignore_case", false);
    KUMO_TRY_ASSIGN(
        const Words words,
        words_of(
            list_option(options, "stopwords").value_or(std::vector<std::string>{"_english_"}),
            ignore_case
        )
    );
    return keep_if([words, ignore_case](const ChainToken& token) {
        return words.find(ignore_case ? lower(token.text) : token.text) == words.end();
    });
}

/// Without marks, where what is left is ASCII or a letter of the same script.
std::string folded(std::string_view text) {
    UErrorCode status = U_ZERO_ERROR;
    const icu::Normalizer2* nfkd = icu::Normalizer2::getNFKDInstance(status);
    if (U_FAILURE(status)) {
        return std::string(text);
    }
    static const std::map<UChar32, const char*> kLetters = {
        {0xDF, "ss"},   {0xE6, "ae"},   {0xC6, "AE"},  {0xF8, "o"},  {0xD8, "O"},   {0x153, "oe"},
        {0x152, "OE"},  {0x142, "l"},   {0x141, "L"},  {0x111, "d"}, {0x110, "D"},  {0xF0, "d"},
        {0xD0, "D"},    {0xFE, "th"},   {0xDE, "TH"},  {0x131, "i"}, {0x2019, "'"}, {0x2018, "'"},
        {0x201C, "\""}, {0x201D, "\""}, {0x2013, "-"}, {0x2014, "-"}};
    const icu::UnicodeString decomposed = nfkd->normalize(
        icu::UnicodeString::fromUTF8(icu::StringPiece(text.data(), static_cast<int>(text.size()))),
        status
    );
    std::string out;
    for (int32_t i = 0; i < decomposed.length(); i = decomposed.moveIndex32(i, 1)) {
        const UChar32 c = decomposed.char32At(i);
        const auto letter = kLetters.find(c);
        if (letter != kLetters.end()) {
            out += letter->second;
        } else if (u_charType(c) != U_NON_SPACING_MARK) {
            wire::append_utf8(out, static_cast<char32_t>(c));
        }
    }
    return out;
}

Result<Filter> make_ascii_folding(wire::JsonValue options) {
    const bool keep = flag_option(options, "preserve_original", false);
    return Filter([keep](ChainTokens& tokens) {
        ChainTokens out;
        for (ChainToken& token : tokens) {
            ChainToken plain = token;
            plain.text = folded(token.text);
            const bool differs = plain.text != token.text;
            out.push_back(std::move(plain));
            if (keep && differs) {
                out.push_back(std::move(token));
            }
        }
        tokens = std::move(out);
    });
}

/// Snowball's name of what settings call a stemmer.
std::string stemmer_language(std::string name) {
    name = lower(name);
    if (name == "porter" || name == "porter2" || name == "light_english"
        || name == "minimal_english") {
        return name == "porter" ? "porter" : "english";
    }
    for (const std::string_view prefix : {"light_", "minimal_"}) {
        if (name.starts_with(prefix)) {
            name.erase(0, prefix.size());
        }
    }
    return name == "german2" ? "german" : name;
}

Filter stem_with(std::string language) {
    return for_each([language = std::move(language)](ChainToken& token) {
        if (!token.keyword) {
            stem(language, token.text, 0);
        }
    });
}

Result<Filter> make_stemmer(wire::JsonValue options) {
    const std::string name =
        text_option(options, "language", text_option(options, "name", "english"));
    if (lower(name) == "possessive_english") {
        return for_each([](ChainToken& token) {
            for (const std::string_view end : {"'s", "'S", "\xE2\x80\x99s", "\xE2\x80\x99S"}) {
                if (token.text.ends_with(end)) {
                    token.text.resize(token.text.size() - end.size());
                    return;
                }
            }
        });
    }
    const std::string language = stemmer_language(name);
    if (!has_stemmer(language)) {
        return invalid_argument("Unknown stemmer [" + name + "]");
    }
    return stem_with(language);
}

Result<Filter> make_length(wire::JsonValue options) {
    const std::uint32_t min = number_option(options, "min", 0);
    const std::uint32_t max = number_option(options, "max", INT32_MAX);
    return keep_if([min, max](const ChainToken& token) {
        const std::size_t points = code_points(token.text);
        return points >= min && points <= max;
    });
}

std::string first_points(std::string_view text, std::size_t points) {
    std::size_t at = 0;
    for (std::size_t i = 0; i < points && at < text.size(); ++i) {
        at += code_point_bytes(text, at);
    }
    return std::string(text.substr(0, at));
}

Result<Filter> make_truncate(wire::JsonValue options) {
    const std::uint32_t length = number_option(options, "length", 10);
    return for_each([length](ChainToken& token) { token.text = first_points(token.text, length); });
}

Result<Filter> make_unique_filter(wire::JsonValue options) {
    const bool same_position = flag_option(options, "only_on_same_position", false);
    return Filter([same_position](ChainTokens& tokens) {
        std::set<std::pair<std::string, std::uint32_t>> seen;
        keep_if([&](const ChainToken& token) {
            return seen.emplace(token.text, same_position ? token.position : 0).second;
        })(tokens);
    });
}

Result<Filter> make_limit(wire::JsonValue options) {
    const std::uint32_t count = number_option(options, "max_token_count", 1);
    return Filter([count](ChainTokens& tokens) {
        tokens.resize(std::min<std::size_t>(tokens.size(), count));
    });
}

struct Grams {
    std::uint32_t min = 1;
    std::uint32_t max = 2;
    bool edge = false;
    bool keep = false;
};

void add_grams(const ChainToken& token, const Grams& grams, ChainTokens& out) {
    std::vector<std::size_t> starts;
    for (std::size_t at = 0; at < token.text.size(); at += code_point_bytes(token.text, at)) {
        starts.push_back(at);
    }
    starts.push_back(token.text.size());
    const std::size_t points = starts.size() - 1;
    const auto add = [&](std::size_t from, std::size_t to) {
        ChainToken gram = token;
        gram.text = token.text.substr(starts[from], starts[to] - starts[from]);
        out.push_back(std::move(gram));
    };
    for (std::size_t first = 0; first < points && (!grams.edge || first == 0); ++first) {
        for (std::size_t n = grams.min; n <= grams.max && first + n <= points; ++n) {
            if (out.size() < kChainTokensMax) {
                add(first, first + n);
            }
        }
    }
    if (grams.keep && (points < grams.min || points > grams.max)) {
        out.push_back(token);
    }
}

Result<Filter> make_grams(wire::JsonValue options, bool edge) {
    const Grams grams{
        number_option(options, "min_gram", 1),
        number_option(options, "max_gram", 2),
        edge,
        flag_option(options, "preserve_original", false)};
    if (grams.min == 0 || grams.min > grams.max || grams.max > kChainTokenLength) {
        return invalid_argument("minGram must be greater than zero, and not above maxGram");
    }
    return Filter([grams](ChainTokens& tokens) {
        ChainTokens out;
        for (const ChainToken& token : tokens) {
            add_grams(token, grams, out);
        }
        tokens = std::move(out);
    });
}

struct Shingles {
    std::uint32_t min = 2;
    std::uint32_t max = 2;
    bool singles = true;
    bool singles_if_none = false;
    std::string separator = " ";
    std::string filler = "_";
};

/// `words`: the tokens with what fills their gaps.
void add_shingles(const ChainTokens& words, const Shingles& shingles, ChainTokens& out) {
    for (std::size_t first = 0; first < words.size(); ++first) {
        const bool filler = words[first].end == 0 && words[first].begin == UINT32_MAX;
        if (shingles.singles && !filler) {
            out.push_back(words[first]);
        }
        for (std::size_t n = shingles.min; n <= shingles.max && first + n <= words.size(); ++n) {
            ChainToken made = words[first];
            for (std::size_t i = 1; i < n; ++i) {
                made.text += shingles.separator + words[first + i].text;
                made.end = std::max(made.end, words[first + i].end);
                made.begin = std::min(made.begin, words[first + i].begin);
            }
            made.type = TokenType::kShingle;
            made.position_length = static_cast<std::uint32_t>(n);
            out.push_back(std::move(made));
        }
    }
}

Result<Filter> make_shingles(wire::JsonValue options) {
    Shingles shingles;
    shingles.min = number_option(options, "min_shingle_size", 2);
    shingles.max = number_option(options, "max_shingle_size", 2);
    shingles.singles = flag_option(options, "output_unigrams", true);
    shingles.singles_if_none = flag_option(options, "output_unigrams_if_no_shingles", false);
    shingles.separator = text_option(options, "token_separator", " ");
    shingles.filler = text_option(options, "filler_token", "_");
    if (shingles.min < 2 || shingles.max < shingles.min || shingles.max > 16) {
        return invalid_argument("shingle sizes are 2 or more, the largest not below the smallest");
    }
    return Filter([shingles](ChainTokens& tokens) {
        ChainTokens words;
        for (ChainToken& token : tokens) {
            const std::uint32_t next = words.empty() ? token.position : words.back().position + 1;
            for (std::uint32_t gap = next; gap < token.position && words.size() < kChainTokensMax;
                 ++gap) {
                ChainToken filler;
                filler.text = shingles.filler;
                filler.position = gap;
                filler.begin = UINT32_MAX;
                words.push_back(std::move(filler));
            }
            words.push_back(std::move(token));
        }
        ChainTokens out;
        if (words.size() < shingles.min && shingles.singles_if_none) {
            out = std::move(words);
        } else {
            add_shingles(words, shingles, out);
        }
        tokens = std::move(out);
    });
}

/// One rule's sides: words, in lists.
struct SynonymRules {
    /// By the words, joined by spaces: what stands in their place.
    std::map<std::string, std::vector<std::string>, std::less<>> by_words;
    std::size_t words_max = 1;
};

std::vector<std::string> split(std::string_view text, std::string_view by) {
    std::vector<std::string> out;
    for (std::size_t at = 0; at <= text.size();) {
        const std::size_t end = std::min(text.find(by, at), text.size());
        std::string part(text.substr(at, end - at));
        trim(part);
        if (!part.empty()) {
            out.push_back(std::move(part));
        }
        at = end + by.size();
    }
    return out;
}

void add_rule(std::string_view rule, bool expand, SynonymRules& out) {
    const std::size_t arrow = rule.find("=>");
    const bool both = arrow == std::string_view::npos;
    const auto from = split(both ? rule : rule.substr(0, arrow), ",");
    auto to = both ? from : split(rule.substr(arrow + 2), ",");
    if (both && !expand && !to.empty()) {
        to.resize(1);
    }
    for (const std::string& words : from) {
        std::vector<std::string>& all = out.by_words[words];
        for (const std::string& word : to) {
            if (std::find(all.begin(), all.end(), word) == all.end()) {
                all.push_back(word);
            }
        }
        out.words_max = std::max(
            out.words_max,
            static_cast<std::size_t>(std::count(words.begin(), words.end(), ' ')) + 1
        );
    }
}

/// The rule that fits the most tokens from `at` on, and how many.
std::pair<const std::vector<std::string>*, std::size_t>
longest_rule(const SynonymRules& rules, const ChainTokens& tokens, std::size_t at) {
    std::pair<const std::vector<std::string>*, std::size_t> best{nullptr, 0};
    std::string words;
    for (std::size_t n = 1; n <= rules.words_max && at + n <= tokens.size(); ++n) {
        words += (n > 1 ? " " : "") + tokens[at + n - 1].text;
        if (const auto found = rules.by_words.find(words); found != rules.by_words.end()) {
            best = {&found->second, n};
        }
    }
    return best;
}

Result<Filter> make_synonyms(wire::JsonValue options) {
    if (options.find("synonyms_path")) {
        return Error{ErrorCode::kUnsupported, "[synonyms_path] is not supported"};
    }
    const wire::JsonValue list = options.find("synonyms");
    if (!list || !list.is_array()) {
        return invalid_argument(
            "synonym requires either `synonyms` or `synonyms_path` to be configured"
        );
    }
    SynonymRules rules;
    const bool expand = flag_option(options, "expand", true);
    for (const wire::JsonValue rule : list.as_array()) {
        if (rule.is_string()) {
            add_rule(rule.as_string(), expand, rules);
        }
    }
    return Filter([rules](ChainTokens& tokens) {
        ChainTokens out;
        for (std::size_t at = 0; at < tokens.size();) {
            const auto [words, count] = longest_rule(rules, tokens, at);
            if (words == nullptr) {
                out.push_back(std::move(tokens[at++]));
                continue;
            }
            for (const std::string& word : *words) {
                std::uint32_t position = tokens[at].position;
                for (const std::string& part : split(word, " ")) {
                    ChainToken made = tokens[at];
                    made.end = tokens[at + count - 1].end;
                    made.type = part == made.text ? made.type : TokenType::kSynonym;
                    made.text = part;
                    made.position = position++;
                    out.push_back(std::move(made));
                }
            }
            at += count;
        }
        std::stable_sort(out.begin(), out.end(), [](const ChainToken& a, const ChainToken& b) {
            return a.position < b.position;
        });
        tokens = std::move(out);
    });
}

Result<Filter> make_pattern_replace(wire::JsonValue options) {
    KUMO_TRY_ASSIGN(const auto pattern, compile(text_option(options, "pattern", "")));
    const std::string rewrite = rewrite_of(text_option(options, "replacement", ""));
    const bool all = flag_option(options, "all", true);
    return for_each([=](ChainToken& token) {
        if (all) {
            RE2::GlobalReplace(&token.text, *pattern, rewrite);
        } else {
            RE2::Replace(&token.text, *pattern, rewrite);
        }
    });
}

Result<Filter> make_keyword_marker(wire::JsonValue options) {
    const bool ignore_case = flag_option(options, "ignore_case", false);
    KUMO_TRY_ASSIGN(
        const Words words,
        words_of(list_option(options, "keywords").value_or(std::vector<std::string>()), ignore_case)
    );
    return for_each([words, ignore_case](ChainToken& token) {
        token.keyword = token.keyword
                        || words.find(ignore_case ? lower(token.text) : token.text) != words.end();
    });
}

Result<Filter> make_keep(wire::JsonValue options) {
    const bool ignore_case = flag_option(options, "keep_words_case", false);
    KUMO_TRY_ASSIGN(
        const Words words,
        words_of(
            list_option(options, "keep_words").value_or(std::vector<std::string>()),
            ignore_case
        )
    );
    return keep_if([words, ignore_case](const ChainToken& token) {
        return words.find(ignore_case ? lower(token.text) : token.text) != words.end();
    });
}

Result<Filter> make_elision(wire::JsonValue options) {
    KUMO_TRY_ASSIGN(
        const Words articles,
        words_of(
            list_option(options, "articles")
                .value_or(std::vector<std::string>{
                    "l",
                    "m",
                    "t",
                    "qu",
                    "n",
                    "s",
                    "j",
                    "d",
                    "c",
                    "jusqu",
                    "quoiqu",
                    "lorsqu",
                    "puisqu"}),
            true
        )
    );
    return for_each([articles](ChainToken& token) {
        for (const std::string_view mark : {"'", "\xE2\x80\x99"}) {
            const std::size_t at = token.text.find(mark);
            if (at != std::string::npos && articles.count(lower(token.text.substr(0, at))) > 0) {
                token.text.erase(0, at + mark.size());
                return;
            }
        }
    });
}

void cut_apostrophe(ChainToken& token) {
    for (const std::string_view mark : {"'", "\xE2\x80\x99"}) {
        const std::size_t at = token.text.find(mark);
        if (at != std::string::npos) {
            token.text.resize(at);
        }
    }
}

void reverse(ChainToken& token) {
    std::string out;
    for (std::size_t at = 0; at < token.text.size();) {
        const std::size_t bytes = code_point_bytes(token.text, at);
        out.insert(0, token.text.substr(at, bytes));
        at += bytes;
    }
    token.text = std::move(out);
}

/// Full width to ASCII, half width kana to full width: NFKC of those.
void fold_width(ChainToken& token) {
    UErrorCode status = U_ZERO_ERROR;
    const icu::Normalizer2* nfkc = icu::Normalizer2::getNFKCInstance(status);
    if (U_SUCCESS(status)) {
        std::string out;
        nfkc->normalize(icu::UnicodeString::fromUTF8(token.text), status).toUTF8String(out);
        token.text = std::move(out);
    }
}

using Make = Result<Filter> (*)(wire::JsonValue);

template <void (*kChange)(ChainToken&)>
Result<Filter> changed(wire::JsonValue /*options*/) {
    return for_each(kChange);
}

void to_lower(ChainToken& token) {
    token.text = lower(token.text);
}

void to_upper(ChainToken& token) {
    token.text = mapped(token.text, u_toupper);
}

void trim_token(ChainToken& token) {
    trim(token.text);
}

void digits_to_ascii(ChainToken& token) {
    token.text = mapped(token.text, [](UChar32 c) -> UChar32 {
        return u_isdigit(c) != 0 ? '0' + u_charDigitValue(c) : c;
    });
}

const std::map<std::string_view, Make>& makers() {
    static const std::map<std::string_view, Make> kMakers = {
        {"lowercase", changed<to_lower>},
        {"uppercase", changed<to_upper>},
        {"trim", changed<trim_token>},
        {"reverse", changed<reverse>},
        {"apostrophe", changed<cut_apostrophe>},
        {"cjk_width", changed<fold_width>},
        {"decimal_digit", changed<digits_to_ascii>},
        {"stop", make_stop},
        {"asciifolding", make_ascii_folding},
        {"stemmer", make_stemmer},
        {"snowball", make_stemmer},
        {"porter_stem",
         [](wire::JsonValue) -> Result<Filter> {
             return stem_with("porter");
         }},
        {"length", make_length},
        {"truncate", make_truncate},
        {"unique", make_unique_filter},
        {"limit", make_limit},
        {"ngram",
         [](wire::JsonValue o) {
             return make_grams(o, false);
         }},
        {"nGram",
         [](wire::JsonValue o) {
             return make_grams(o, false);
         }},
        {"edge_ngram",
         [](wire::JsonValue o) {
             return make_grams(o, true);
         }},
        {"edgeNGram",
         [](wire::JsonValue o) {
             return make_grams(o, true);
         }},
        {"shingle", make_shingles},
        {"synonym", make_synonyms},
        {"synonym_graph", make_synonyms},
        {"pattern_replace", make_pattern_replace},
        {"keyword_marker", make_keyword_marker},
        {"keep", make_keep},
        {"elision", make_elision},
        {"flatten_graph",
         [](wire::JsonValue) -> Result<Filter> {
             return Filter([](ChainTokens&) {});
         }},
        {"remove_duplicates",
         [](wire::JsonValue) -> Result<Filter> {
             return Filter([](ChainTokens& tokens) {
                 std::set<std::pair<std::uint32_t, std::string>> seen;
                 keep_if([&](const ChainToken& token) {
                     return seen.emplace(token.position, token.text).second;
                 })(tokens);
             });
         }},
    };
    return kMakers;
}

}  // namespace

Result<Filter> make_token_filter(wire::JsonValue options) {
    const std::string type = text_option(options, "type", "");
    const auto found = makers().find(type);
    if (found == makers().end()) {
        return Error{ErrorCode::kUnsupported, "token filter [" + type + "] is not supported"};
    }
    return found->second(options);
}

}  // namespace kumo::search
