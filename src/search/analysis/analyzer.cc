#include "search/analysis/analyzer.h"

#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>
#include <unicode/uscript.h>
#include <unicode/utf8.h>

#include <algorithm>
#include <memory>

namespace kumo::search {

namespace {

bool is_ascii_space(unsigned char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

bool is_ascii_word(unsigned char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

char ascii_lower(unsigned char c) {
    return static_cast<char>(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

void append_utf8(char32_t code_point, std::string& out) {
    std::array<char, 4> bytes{};
    int32_t size = 0;
    UBool failed = false;
    U8_APPEND(
        reinterpret_cast<uint8_t*>(bytes.data()),
        size,
        4,
        static_cast<UChar32>(code_point),
        failed
    );
    if (!failed) {
        out.append(bytes.data(), static_cast<std::size_t>(size));
    }
}

/// Letters whose usual ASCII form is not their Unicode decomposition.
std::string_view special_fold(char32_t lower) {
    switch (lower) {
        case U'ß': return "ss";
        case U'æ': return "ae";
        case U'œ': return "oe";
        case U'ø': return "o";
        case U'đ': return "d";
        case U'ð': return "d";
        case U'þ': return "th";
        case U'ł': return "l";
        case U'ı': return "i";
        case U'ħ': return "h";
        default: return {};
    }
}

bool is_mark_or_punctuation(UChar32 c) {
    return (U_GET_GC_MASK(c) & (U_GC_M_MASK | U_GC_P_MASK | U_GC_S_MASK | U_GC_C_MASK)) != 0;
}

bool is_wide_space(UChar32 c) {
    return u_isUWhiteSpace(c) != 0 || (c >= 0x3001 && c <= 0x3003) || c == 0xFF0C || c == 0xFF0E;
}

/// Scripts that are written without spaces and whose characters are words or parts of words.
bool is_cjk(UChar32 c) {
    if (c < 0x2E80) {
        return false;
    }
    UErrorCode status = U_ZERO_ERROR;
    const UScriptCode script = uscript_getScript(c, &status);
    return script == USCRIPT_HAN || script == USCRIPT_HIRAGANA || script == USCRIPT_KATAKANA;
}

/// The code point's compatibility decomposition, lower-cased, marks and punctuation dropped.
void append_decomposed(UChar32 c, std::string& out) {
    static const icu::Normalizer2* const kNfkd = [] {
        UErrorCode status = U_ZERO_ERROR;
        return icu::Normalizer2::getNFKDInstance(status);
    }();
    icu::UnicodeString parts;
    if (kNfkd == nullptr || !kNfkd->getDecomposition(c, parts)) {
        parts = icu::UnicodeString(c);
    }
    for (int32_t i = 0; i < parts.length(); i = parts.moveIndex32(i, 1)) {
        const UChar32 part = u_tolower(parts.char32At(i));
        const std::string_view special = special_fold(static_cast<char32_t>(part));
        if (!special.empty()) {
            out += special;
        } else if (!is_mark_or_punctuation(part) && u_isUWhiteSpace(part) == 0) {
            append_utf8(static_cast<char32_t>(part), out);
        }
    }
}

/// Folded forms of the letters up to U+024F, which is where nearly all non-ASCII text of European
/// languages is: 4 bytes each ("ss" is the longest), computed once.
class LatinTable {
public:
    static constexpr char32_t kEnd = 0x250;

    LatinTable() {
        for (char32_t c = 0x80; c < kEnd; ++c) {
            append_decomposed(static_cast<UChar32>(c), forms_[c]);
        }
    }

    const std::string& form(char32_t c) const { return forms_[c]; }

private:
    std::array<std::string, kEnd> forms_;
};

const LatinTable& latin_table() {
    static const LatinTable table;
    return table;
}

/// Collects the token that is being read.
class TokenBuilder {
public:
    explicit TokenBuilder(TokenBuffer& out)
        : out_(out), begin_(static_cast<std::uint32_t>(out.text.size())) {}

    /// Notes that bytes [begin, end) of the source belong to the current token.
    void cover(std::size_t begin, std::size_t end) {
        if (out_.text.size() == begin_) {
            return;
        }
        if (!open_) {
            open_ = true;
            source_begin_ = static_cast<std::uint32_t>(begin);
        }
        source_end_ = static_cast<std::uint32_t>(end);
    }

    void finish() {
        if (out_.text.size() > begin_) {
            cut();
            out_.tokens.push_back(
                {begin_,
                 static_cast<std::uint32_t>(out_.text.size()) - begin_,
                 position_++,
                 source_begin_,
                 source_end_}
            );
        }
        begin_ = static_cast<std::uint32_t>(out_.text.size());
        open_ = false;
    }

private:
    void cut() {
        std::size_t size = out_.text.size() - begin_;
        if (size <= Analyzer::kTokenBytesMax) {
            return;
        }
        size = Analyzer::kTokenBytesMax;
        while (size > 0 && (static_cast<unsigned char>(out_.text[begin_ + size]) & 0xC0U) == 0x80U
        ) {
            --size;
        }
        out_.text.resize(begin_ + size);
    }

    TokenBuffer& out_;
    std::uint32_t begin_;
    std::uint32_t position_ = 0;
    std::uint32_t source_begin_ = 0;
    std::uint32_t source_end_ = 0;
    bool open_ = false;
};

/// Handles the multi-byte code point at text[at]; returns the index after it.
std::size_t
analyze_wide(std::string_view text, std::size_t at, TokenBuffer& out, TokenBuilder& builder) {
    const auto* bytes = reinterpret_cast<const uint8_t*>(text.data());
    auto next = static_cast<int32_t>(at);
    UChar32 c = 0;
    U8_NEXT(bytes, next, static_cast<int32_t>(text.size()), c);
    const auto end = static_cast<std::size_t>(next);
    if (c < 0) {
        return end;
    }
    if (is_wide_space(c)) {
        builder.finish();
    } else if (is_cjk(c)) {
        builder.finish();
        append_folded(static_cast<char32_t>(c), out.text);
        builder.cover(at, end);
        builder.finish();
    } else {
        append_folded(static_cast<char32_t>(c), out.text);
        builder.cover(at, end);
    }
    return end;
}

}  // namespace

void append_folded(char32_t code_point, std::string& out) {
    if (code_point < 0x80) {
        const auto c = static_cast<unsigned char>(code_point);
        if (is_ascii_word(c)) {
            out += ascii_lower(c);
        }
    } else if (code_point < LatinTable::kEnd) {
        out += latin_table().form(code_point);
    } else {
        append_decomposed(static_cast<UChar32>(code_point), out);
    }
}

Analyzer::Analyzer(
    const std::vector<std::string>& token_separators,
    const std::vector<std::string>& symbols_to_index
)
    : classes_{} {
    for (std::size_t i = 0; i < classes_.size(); ++i) {
        const auto c = static_cast<unsigned char>(i);
        if (c >= 0x80) {
            classes_[i] = ByteClass::kWide;
        } else if (is_ascii_word(c)) {
            classes_[i] = ByteClass::kKeep;
        } else {
            classes_[i] = is_ascii_space(c) ? ByteClass::kBreak : ByteClass::kDrop;
        }
    }
    for (const std::string& symbol : symbols_to_index) {
        classes_[static_cast<unsigned char>(symbol[0])] = ByteClass::kKeep;
    }
    for (const std::string& separator : token_separators) {
        classes_[static_cast<unsigned char>(separator[0])] = ByteClass::kBreak;
    }
}

void Analyzer::analyze(std::string_view text, TokenBuffer& out) const {
    TokenBuilder builder(out);
    std::size_t i = 0;
    while (i < text.size()) {
        const auto c = static_cast<unsigned char>(text[i]);
        switch (classes_[c]) {
            case ByteClass::kKeep:
                out.text += ascii_lower(c);
                builder.cover(i, i + 1);
                ++i;
                break;
            case ByteClass::kBreak:
                builder.finish();
                ++i;
                break;
            case ByteClass::kDrop: ++i; break;
            case ByteClass::kWide: i = analyze_wide(text, i, out, builder); break;
        }
    }
    builder.finish();
}

}  // namespace kumo::search
