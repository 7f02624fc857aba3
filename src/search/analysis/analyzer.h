#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kumo::search {

/// One token of an analysed text: the normalised word, where it stands in the token sequence, and
/// the bytes of the original text it came from.
struct AnalyzedToken {
    std::uint32_t text_begin;  ///< Into TokenBuffer::text.
    std::uint32_t text_size;
    std::uint32_t position;      ///< 0, 1, 2, ... within one call of analyze().
    std::uint32_t source_begin;  ///< Bytes of the original.
    std::uint32_t source_end;
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

/// Turns text into tokens for one field. Words are separated by white space (and the schema's
/// token separators); other ASCII punctuation is deleted, so `non-stick` is `nonstick`, unless the
/// schema indexes the symbol. Letters are lower-cased and, where a Latin letter carries marks,
/// folded to ASCII (Unicode NFKD, then marks dropped). Han, Hiragana and Katakana characters are a
/// token each, so that CJK text is searchable without settings.
///
/// Immutable after construction; analyze() is const and may run on any thread.
class Analyzer {
public:
    /// A token is cut at this many bytes (on a code point's border).
    static constexpr std::size_t kTokenBytesMax = 100;

    Analyzer(
        const std::vector<std::string>& token_separators,
        const std::vector<std::string>& symbols_to_index
    );

    /// Appends the tokens of `text` to `out`; positions count from 0. Invalid UTF-8 bytes are
    /// skipped (documents are validated before they get here; queries need not be).
    void analyze(std::string_view text, TokenBuffer& out) const;

private:
    enum class ByteClass : std::uint8_t {
        kBreak,
        kDrop,
        kKeep,
        kWide,  ///< First byte of a multi-byte code point (or invalid).
    };

    std::array<ByteClass, 256> classes_;
};

/// Appends the folded, lower-cased form of one code point, as the analyzer indexes it. Nothing is
/// appended for marks and punctuation.
void append_folded(char32_t code_point, std::string& out);

}  // namespace kumo::search
