#include "search/analysis/chain.h"
#include "search/analysis/chain_options.h"
#include "search/analysis/word_breaks.h"
#include "wire/utf8.h"

#include <re2/re2.h>
#include <unicode/uchar.h>
#include <unicode/uscript.h>

#include <algorithm>
#include <map>
#include <utility>

namespace kumo::search {

namespace {

/// Whether a code point is part of a token.
using Inside = std::function<bool(char32_t)>;

std::size_t code_point_bytes(std::string_view text, std::size_t at) {
    return std::max<std::size_t>(wire::utf8_decode(text.substr(at)).bytes, 1);
}

void add_token(
    std::string_view text,
    std::size_t begin,
    std::size_t end,
    TokenType type,
    ChainTokens& out
) {
    ChainToken token;
    token.text = text.substr(begin, end - begin);
    token.position = out.empty() ? 0 : out.back().position + 1;
    token.begin = static_cast<std::uint32_t>(begin);
    token.end = static_cast<std::uint32_t>(end);
    token.type = type;
    out.push_back(std::move(token));
}

/// Runs of code points that are inside, in pieces of at most `length` code points.
void split_runs(
    std::string_view text,
    const Inside& inside,
    std::uint32_t length,
    TokenType type,
    ChainTokens& out
) {
    std::size_t begin = 0;
    std::uint32_t points = 0;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t bytes = code_point_bytes(text, at);
        if (inside(wire::utf8_decode(text.substr(at)).code_point)) {
            if (points == length) {
                add_token(text, begin, at, type, out);
                points = 0;
            }
            begin = points == 0 ? at : begin;
            ++points;
        } else if (points > 0) {
            add_token(text, begin, at, type, out);
            points = 0;
        }
        at += bytes;
    }
    if (points > 0) {
        add_token(text, begin, text.size(), type, out);
    }
}

bool is_space(char32_t c) {
    return u_isUWhiteSpace(static_cast<UChar32>(c)) != 0;
}

bool is_letter(char32_t c) {
    return u_isalpha(static_cast<UChar32>(c)) != 0;
}

TokenType type_of(char32_t c) {
    UErrorCode status = U_ZERO_ERROR;
    switch (uscript_getScript(static_cast<UChar32>(c), &status)) {
        case USCRIPT_HAN: return TokenType::kIdeographic;
        case USCRIPT_HIRAGANA: return TokenType::kHiragana;
        case USCRIPT_KATAKANA: return TokenType::kKatakana;
        case USCRIPT_HANGUL: return TokenType::kHangul;
        case USCRIPT_THAI:
        case USCRIPT_LAO:
        case USCRIPT_KHMER:
        case USCRIPT_MYANMAR: return TokenType::kSoutheastAsian;
        default: break;
    }
    if (u_isdigit(static_cast<UChar32>(c)) != 0) {
        return TokenType::kNumber;
    }
    return u_hasBinaryProperty(static_cast<UChar32>(c), UCHAR_EXTENDED_PICTOGRAPHIC) != 0
               ? TokenType::kEmoji
               : TokenType::kAlphanumeric;
}

/// What a piece between two boundaries is; nothing for what is no word.
std::optional<TokenType> type_of_piece(std::string_view piece) {
    std::optional<TokenType> type;
    for (std::size_t at = 0; at < piece.size(); at += code_point_bytes(piece, at)) {
        const char32_t c = wire::utf8_decode(piece.substr(at)).code_point;
        const TokenType here = type_of(c);
        const bool word = u_isalnum(static_cast<UChar32>(c)) != 0 || here == TokenType::kEmoji
                          || here == TokenType::kIdeographic;
        if (word && (!type || *type == TokenType::kNumber)) {
            type = here;
        }
    }
    return type;
}

void split_points(std::string_view text, std::size_t begin, std::size_t end, ChainTokens& out) {
    for (std::size_t at = begin; at < end;) {
        const std::size_t next = std::min(end, at + code_point_bytes(text, at));
        const TokenType type = type_of(wire::utf8_decode(text.substr(at)).code_point);
        add_token(text, at, next, type, out);
        at = next;
    }
}

/// Words of UAX 29; ideographs and hiragana one by one, as Lucene does.
void split_words(std::string_view text, std::uint32_t length, ChainTokens& out) {
    for_each_word(text, [&](std::size_t begin, std::size_t end) {
        const auto type = type_of_piece(text.substr(begin, end - begin));
        if (!type) {
            return;
        }
        if (*type == TokenType::kIdeographic || *type == TokenType::kHiragana) {
            split_points(text, begin, end, out);
            return;
        }
        ChainTokens pieces;
        split_runs(
            text.substr(begin, end - begin),
            [](char32_t) { return true; },
            length,
            *type,
            pieces
        );
        for (const ChainToken& piece : pieces) {
            add_token(text, begin + piece.begin, begin + piece.end, *type, out);
        }
    });
}

Result<std::unique_ptr<RE2>> compile(const std::string& pattern, const std::string& flags) {
    RE2::Options options;
    options.set_log_errors(false);
    options.set_case_sensitive(flags.find("CASE_INSENSITIVE") == std::string::npos);
    auto compiled = std::make_unique<RE2>(pattern, options);
    if (!compiled->ok()) {
        return invalid_argument("pattern [" + pattern + "]: " + compiled->error());
    }
    return compiled;
}

/// With group -1 what is between the matches, else that group of each.
void split_pattern(std::string_view text, const RE2& pattern, int group, ChainTokens& out) {
    std::vector<re2::StringPiece> groups(static_cast<std::size_t>(std::max(group, 0)) + 1);
    const re2::StringPiece all(text.data(), text.size());
    std::size_t from = 0;
    std::size_t at = 0;
    while (at <= text.size()
           && pattern.Match(
               all,
               at,
               text.size(),
               RE2::UNANCHORED,
               groups.data(),
               static_cast<int>(groups.size())
           )) {
        const auto begin = static_cast<std::size_t>(groups[0].data() - text.data());
        const std::size_t end = begin + groups[0].size();
        if (group >= 0 && !groups.back().empty()) {
            const auto first = static_cast<std::size_t>(groups.back().data() - text.data());
            add_token(text, first, first + groups.back().size(), TokenType::kWord, out);
        } else if (group < 0 && begin > from) {
            add_token(text, from, begin, TokenType::kWord, out);
        }
        from = end;
        at = end > begin ? end : end + (end < text.size() ? code_point_bytes(text, end) : 1);
    }
    if (group < 0 && from < text.size()) {
        add_token(text, from, text.size(), TokenType::kWord, out);
    }
}

struct Grams {
    std::uint32_t min = 1;
    std::uint32_t max = 2;
    bool edge = false;
};

/// `starts`: where code points begin, and the end.
void add_grams(
    std::string_view text,
    const std::vector<std::size_t>& starts,
    const Grams& grams,
    ChainTokens& out
) {
    const std::size_t points = starts.size() - 1;
    for (std::size_t first = 0; first < points && (!grams.edge || first == 0); ++first) {
        for (std::size_t n = grams.min; n <= grams.max && first + n <= points; ++n) {
            if (out.size() >= kChainTokensMax) {
                return;
            }
            add_token(text, starts[first], starts[first + n], TokenType::kWord, out);
        }
    }
}

void split_grams(
    std::string_view text,
    const Inside& inside,
    const Grams& grams,
    ChainTokens& out
) {
    std::vector<std::size_t> starts;
    for (std::size_t at = 0; at < text.size();) {
        const bool in = inside(wire::utf8_decode(text.substr(at)).code_point);
        if (in) {
            starts.push_back(at);
        } else if (!starts.empty()) {
            starts.push_back(at);
            add_grams(text, starts, grams, out);
            starts.clear();
        }
        at += code_point_bytes(text, at);
    }
    if (!starts.empty()) {
        starts.push_back(text.size());
        add_grams(text, starts, grams, out);
    }
}

bool is_in_class(char32_t c, const std::string& name) {
    const auto point = static_cast<UChar32>(c);
    return (name == "letter" && u_isalpha(point) != 0) || (name == "digit" && u_isdigit(point) != 0)
           || (name == "whitespace" && is_space(c))
           || (name == "punctuation" && u_ispunct(point) != 0)
           || (name == "symbol"
               && (U_GET_GC_MASK(point)
                   & (U_GC_SM_MASK | U_GC_SC_MASK | U_GC_SK_MASK | U_GC_SO_MASK))
                      != 0);
}

Result<AnalysisChain::Tokenizer> make_grams(wire::JsonValue options, bool edge) {
    const Grams grams{
        number_option(options, "min_gram", 1),
        number_option(options, "max_gram", 2),
        edge};
    if (grams.min == 0 || grams.min > grams.max || grams.max > kChainTokenLength) {
        return invalid_argument("minGram must be greater than zero, and not above maxGram");
    }
    const auto classes = list_option(options, "token_chars").value_or(std::vector<std::string>());
    const std::string custom = text_option(options, "custom_token_chars", "");
    const Inside inside = [classes, custom](char32_t c) {
        std::string text;
        wire::append_utf8(text, c);
        return classes.empty() || custom.find(text) != std::string::npos
               || std::any_of(classes.begin(), classes.end(), [c](const std::string& name) {
                      return is_in_class(c, name);
                  });
    };
    return AnalysisChain::Tokenizer([grams, inside](std::string_view text, ChainTokens& out) {
        split_grams(text, inside, grams, out);
    });
}

Result<AnalysisChain::Tokenizer> make_pattern(wire::JsonValue options) {
    KUMO_TRY_ASSIGN(
        auto compiled,
        compile(text_option(options, "pattern", "\\W+"), text_option(options, "flags", ""))
    );
    const std::shared_ptr<const RE2> pattern(std::move(compiled));
    const wire::JsonValue given = options.find("group");
    int group = -1;
    if (given && text_option(options, "group", "") != "-1"
        && !(given.type() == wire::JsonType::kInt64 && given.as_int64() < 0)) {
        group = static_cast<int>(number_option(options, "group", 0));
    }
    if (group > pattern->NumberOfCapturingGroups()) {
        return invalid_argument("invalid group specified: pattern has fewer groups");
    }
    return AnalysisChain::Tokenizer([pattern, group](std::string_view text, ChainTokens& out) {
        split_pattern(text, *pattern, group, out);
    });
}

/// Each token is a path up to one of its parts.
Result<AnalysisChain::Tokenizer> make_path_hierarchy(wire::JsonValue options) {
    const std::string delimiter = text_option(options, "delimiter", "/").substr(0, 1);
    const std::string replacement = text_option(options, "replacement", delimiter);
    const std::uint32_t skip = number_option(options, "skip", 0);
    if (flag_option(options, "reverse", false)) {
        return Error{ErrorCode::kUnsupported, "path_hierarchy with [reverse] is not supported"};
    }
    return AnalysisChain::Tokenizer([=](std::string_view text, ChainTokens& out) {
        std::size_t begin = 0;
        for (std::uint32_t i = 0; i < skip && begin < text.size(); ++i) {
            begin = std::min(text.find(delimiter, begin + 1), text.size());
        }
        for (std::size_t end = begin; end < text.size();) {
            end = std::min(text.find(delimiter, end + 1), text.size());
            add_token(text, begin, end, TokenType::kWord, out);
            out.back().position = 0;
            std::replace(
                out.back().text.begin(),
                out.back().text.end(),
                delimiter[0],
                replacement.empty() ? delimiter[0] : replacement[0]
            );
        }
    });
}

Result<AnalysisChain::Tokenizer> make_char_group(wire::JsonValue options) {
    const auto chars =
        list_option(options, "tokenize_on_chars").value_or(std::vector<std::string>());
    const Inside inside = [chars](char32_t c) {
        std::string text;
        wire::append_utf8(text, c);
        return std::none_of(chars.begin(), chars.end(), [&](const std::string& one) {
            return one == text || (one == "\\n" && text == "\n") || (one == "\\t" && text == "\t")
                   || (one.size() > 1 && is_in_class(c, one));
        });
    };
    const std::uint32_t length = number_option(options, "max_token_length", kChainTokenLength);
    return AnalysisChain::Tokenizer([inside, length](std::string_view text, ChainTokens& out) {
        split_runs(text, inside, length, TokenType::kWord, out);
    });
}

Result<AnalysisChain::Tokenizer> make_runs(wire::JsonValue options, bool (*inside)(char32_t)) {
    const std::uint32_t length = number_option(options, "max_token_length", kChainTokenLength);
    return AnalysisChain::Tokenizer([inside, length](std::string_view text, ChainTokens& out) {
        split_runs(text, inside, length, TokenType::kWord, out);
    });
}

Result<AnalysisChain::Tokenizer> make_lowercase(wire::JsonValue options) {
    KUMO_TRY_ASSIGN(const auto letters, make_runs(options, is_letter));
    return AnalysisChain::Tokenizer([letters](std::string_view text, ChainTokens& out) {
        letters(text, out);
        for (ChainToken& token : out) {
            std::string lower;
            for (std::size_t at = 0; at < token.text.size();
                 at += code_point_bytes(token.text, at)) {
                const char32_t c =
                    wire::utf8_decode(std::string_view(token.text).substr(at)).code_point;
                wire::append_utf8(lower, static_cast<char32_t>(u_tolower(static_cast<UChar32>(c))));
            }
            token.text = std::move(lower);
        }
    });
}

Result<AnalysisChain::Tokenizer> make_keyword(wire::JsonValue /*options*/) {
    return AnalysisChain::Tokenizer([](std::string_view text, ChainTokens& out) {
        if (!text.empty()) {
            add_token(text, 0, text.size(), TokenType::kWord, out);
        }
    });
}

Result<AnalysisChain::Tokenizer> make_standard(wire::JsonValue options) {
    const std::uint32_t length = number_option(options, "max_token_length", kChainTokenLength);
    if (length == 0) {
        return invalid_argument("maxTokenLength must be greater than zero");
    }
    return AnalysisChain::Tokenizer([length](std::string_view text, ChainTokens& out) {
        split_words(text, length, out);
    });
}

using Make = Result<AnalysisChain::Tokenizer> (*)(wire::JsonValue);

const std::map<std::string_view, Make>& makers() {
    static const std::map<std::string_view, Make> kMakers = {
        {"standard", make_standard},
        {"keyword", make_keyword},
        {"whitespace",
         [](wire::JsonValue o) {
             return make_runs(o, [](char32_t c) { return !is_space(c); });
         }},
        {"letter",
         [](wire::JsonValue o) {
             return make_runs(o, is_letter);
         }},
        {"lowercase", make_lowercase},
        {"pattern", make_pattern},
        {"path_hierarchy", make_path_hierarchy},
        {"PathHierarchy", make_path_hierarchy},
        {"char_group", make_char_group},
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
    };
    return kMakers;
}

}  // namespace

Result<AnalysisChain::Tokenizer> make_tokenizer(wire::JsonValue options) {
    const std::string type = text_option(options, "type", "standard");
    const auto found = makers().find(type);
    if (found == makers().end()) {
        return Error{ErrorCode::kUnsupported, "tokenizer [" + type + "] is not supported"};
    }
    return found->second(options);
}

}  // namespace kumo::search
