#pragma once

#include "search/analysis/stem_dictionary.h"

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace kumo::search {

class AnalysisChain;

/// What a tokenizer took a token for. Those of Unicode's word break rules, and what filters make.
enum class TokenType : std::uint8_t {
    kWord,
    kAlphanumeric,
    kNumber,
    kIdeographic,
    kHiragana,
    kKatakana,
    kHangul,
    kSoutheastAsian,
    kEmoji,
    kUrl,
    kEmail,
    kSynonym,
    kShingle,
};

/// One token of an analysed text: the normalised word, where it stands in the token sequence, and
/// the bytes of the original text it came from.
struct AnalyzedToken {
    std::uint32_t text_begin = 0;  ///< Into TokenBuffer::text.
    std::uint32_t text_size = 0;
    std::uint32_t position = 0;      ///< 0, 1, 2, ... within one call of analyze().
    std::uint32_t source_begin = 0;  ///< Bytes of the original.
    std::uint32_t source_end = 0;
    /// It goes on where the token before it ends, without a space, in a script that has none: what
    /// is one word may well be both.
    bool joined = false;
    TokenType type = TokenType::kWord;
    std::uint32_t position_length = 1;  ///< Positions it spans; above 1 for joined words only.
};

/// Reusable output of an analyzer: the tokens, and the arena their texts live in.
struct TokenBuffer {
    std::string text;
    std::vector<AnalyzedToken> tokens;

    std::string_view term(const AnalyzedToken& token) const {
        return std::string_view(text).substr(token.text_begin, token.text_size);
    }

    void clear() {
        text.clear();
        tokens.clear();
    }
};

/// How the text of a field is analysed.
struct AnalysisOptions {
    std::vector<std::string> token_separators{};  ///< One ASCII character each.
    std::vector<std::string> symbols_to_index{};  ///< One ASCII character each.
    std::string locale{};
    bool stem = false;                 ///< Requires has_stemmer(locale), but with a dictionary.
    StemDictionary stem_dictionary{};  ///< In the place of the locale's stemmer.
    bool exact = false;                ///< The whole text is the token.
    std::string chain{};               ///< JSON (chain.h): instead of all of these.

    bool operator==(const AnalysisOptions&) const = default;
};

/// Turns text into tokens.
///
/// Without a locale, words are separated by white space (and the token separators); other ASCII
/// punctuation is deleted, so `non-stick` is `nonstick`, unless the symbol is indexed. Letters are
/// lower-cased and, where a Latin letter carries marks, folded to ASCII (Unicode NFKD, then marks
/// dropped). Scripts without spaces are cut up: Han (as simplified characters), kana and Hangul
/// into single characters, Thai, Lao, Khmer and Burmese into ICU's words.
///
/// With a locale other than English, words are ICU's, and are normalised as the locale says
/// (locale_form.h).
///
/// A stemmer or a dictionary of stems has the last word. Design: docs/design/008-text.md.
///
/// Immutable after construction; any thread.
class Analyzer {
public:
    /// A token is cut at this many bytes (on a code point's border); one that is a whole text at
    /// the second.
    static constexpr std::size_t kTokenBytesMax = 100;
    static constexpr std::size_t kExactBytesMax = 512;

    explicit Analyzer(AnalysisOptions options);

    Analyzer(
        const std::vector<std::string>& token_separators,
        const std::vector<std::string>& symbols_to_index
    )
        : Analyzer(AnalysisOptions{token_separators, symbols_to_index}) {}

    /// Appends the tokens of `text` to `out`; positions count from 0. Invalid UTF-8 bytes are
    /// skipped (documents are validated before they get here; queries need not be).
    void analyze(std::string_view text, TokenBuffer& out) const;

    const AnalysisOptions& options() const { return options_; }

    /// The form in which a word that was analysed with the same options but for stems is indexed.
    std::string stemmed(std::string_view word) const;

    /// The end of the shortest beginning of `word`, a token's source, that has at least `points`
    /// code points when it is analysed.
    std::size_t prefix_end(std::string_view word, std::size_t points) const;

private:
    enum class ByteClass : std::uint8_t {
        kBreak,
        kDrop,
        kKeep,
        kWide,  ///< First byte of a multi-byte code point (or invalid).
    };

    class Words;

    static void analyze_exact(std::string_view text, TokenBuffer& out);
    void analyze_plain(std::string_view text, Words& words) const;
    void analyze_localized(std::string_view text, Words& words) const;
    static std::size_t analyze_wide(std::string_view text, std::size_t at, Words& words);
    bool is_symbol(char c) const;
    void append_form(std::string_view word, std::string& out) const;
    void finish_token(std::string& text, std::size_t begin) const;
    void apply_stem(std::string& text, std::size_t begin) const;

    AnalysisOptions options_;
    std::shared_ptr<const AnalysisChain> chain_;
    bool localized_;
    std::array<ByteClass, 256> classes_;
};

/// Appends the folded, lower-cased form of one code point, as the analyzer indexes it. Nothing is
/// appended for marks and punctuation.
void append_folded(char32_t code_point, std::string& out);

}  // namespace kumo::search
