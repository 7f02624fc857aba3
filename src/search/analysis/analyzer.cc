#include "search/analysis/analyzer.h"

#include "search/analysis/chain.h"
#include "search/analysis/code_points.h"
#include "search/analysis/locale_form.h"
#include "search/analysis/stemmer.h"
#include "search/analysis/word_breaks.h"

#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>
#include <unicode/uscript.h>
#include <unicode/utf8.h>

#include <algorithm>
#include <memory>

namespace kumo::search {

namespace {

constexpr UChar32 kZeroWidthNonJoiner = 0x200C;

bool is_ascii_space(unsigned char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

bool is_ascii_word(unsigned char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/// The beginning of valid UTF-8 that has at most so many bytes, in whole code points.
std::string_view cut(std::string_view text, std::size_t bytes_max) {
    if (text.size() <= bytes_max) {
        return text;
    }
    std::size_t end = bytes_max;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) {
        --end;
    }
    return text.substr(0, end);
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
        case U'đ':
        case U'ð': return "d";
        case U'þ': return "th";
        case U'ł': return "l";
        case U'ı': return "i";
        case U'ħ': return "h";
        default: return {};
    }
}

bool is_punctuation(UChar32 c) {
    return (U_GET_GC_MASK(c) & (U_GC_P_MASK | U_GC_S_MASK | U_GC_C_MASK)) != 0;
}

UScriptCode script_of(UChar32 c) {
    UErrorCode status = U_ZERO_ERROR;
    return uscript_getScript(c, &status);
}

/// Marks on letters that are as good without them. The vowels of Indic scripts and Thai are marks
/// too.
bool is_accent(UChar32 c) {
    if ((U_GET_GC_MASK(c) & U_GC_M_MASK) == 0) {
        return false;
    }
    const UScriptCode script = script_of(c);
    return script == USCRIPT_INHERITED || script == USCRIPT_COMMON || script == USCRIPT_HEBREW
           || script == USCRIPT_ARABIC || script == USCRIPT_CYRILLIC || script == USCRIPT_GREEK;
}

bool is_wide_space(UChar32 c) {
    return u_isUWhiteSpace(c) != 0 || (c >= 0x3001 && c <= 0x3003) || c == 0xFF0C || c == 0xFF0E;
}

enum class Script : std::uint8_t {
    kSpaced,
    kSingle,  ///< Without spaces, and each character may be a word or a part of one.
    kWords,   ///< Without spaces, of letters.
};

Script kind_of_script(UChar32 c) {
    if (c < 0x0E00 || (c >= 0x2000 && c < 0x2E80)) {
        return Script::kSpaced;
    }
    // What stands for a character or makes one longer is of no script.
    if (c == 0x3005 || c == 0x3006 || c == 0x303B || c == 0x30FC || c == 0xFF70) {
        return Script::kSingle;
    }
    switch (script_of(c)) {
        case USCRIPT_HAN:
        case USCRIPT_HIRAGANA:
        case USCRIPT_KATAKANA:
        case USCRIPT_HANGUL: return Script::kSingle;
        case USCRIPT_THAI:
        case USCRIPT_LAO:
        case USCRIPT_KHMER:
        case USCRIPT_MYANMAR: return Script::kWords;
        default: return Script::kSpaced;
    }
}

/// The code point's compatibility decomposition, lower-cased, accents and punctuation dropped.
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
        } else if (!is_punctuation(part) && !is_accent(part) && u_isUWhiteSpace(part) == 0) {
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
    static const LatinTable kTable;
    return kTable;
}

/// Kana keep their marks, and Han characters are simplified; Hangul is taken apart into letters.
void append_single(UChar32 c, std::string& out) {
    if (script_of(c) == USCRIPT_HANGUL) {
        append_decomposed(c, out);
        return;
    }
    static const icu::Normalizer2* const kFold = [] {
        UErrorCode status = U_ZERO_ERROR;
        return icu::Normalizer2::getNFKCCasefoldInstance(status);
    }();
    UErrorCode status = U_ZERO_ERROR;
    icu::UnicodeString text;
    if (kFold != nullptr) {
        kFold->normalize(icu::UnicodeString(c), text, status);
    }
    if (kFold == nullptr || U_FAILURE(status)) {
        text = icu::UnicodeString(c);
    }
    for (int32_t i = 0; i < text.length(); i = text.moveIndex32(i, 1)) {
        append_utf8(simplified(static_cast<char32_t>(text.char32At(i))), out);
    }
}

struct CodePoint {
    UChar32 value = 0;  ///< Negative: the bytes are none.
    std::size_t end = 0;
};

CodePoint code_point_at(std::string_view text, std::size_t at) {
    const auto* bytes = reinterpret_cast<const uint8_t*>(text.data());
    auto next = static_cast<int32_t>(at);
    CodePoint out;
    U8_NEXT(bytes, next, static_cast<int32_t>(text.size()), out.value);
    out.end = static_cast<std::size_t>(next);
    return out;
}

/// The end of the run of text without spaces, in letters, that begins at `at`.
std::size_t end_of_run(std::string_view text, std::size_t at) {
    while (at < text.size()) {
        const CodePoint c = code_point_at(text, at);
        if (c.value < 0 || kind_of_script(c.value) != Script::kWords) {
            break;
        }
        at = c.end;
    }
    return at;
}

}  // namespace

/// Collects the token that is being read.
class Analyzer::Words {
public:
    Words(const Analyzer& analyzer, TokenBuffer& out)
        : analyzer_(analyzer), out_(out), begin_(static_cast<std::uint32_t>(out.text.size())) {}

    std::string& text() { return out_.text; }

    bool has_text() const { return out_.text.size() > begin_; }

    /// Notes that bytes [begin, end) of the source belong to the current token.
    void cover(std::size_t begin, std::size_t end) {
        if (!has_text()) {
            return;
        }
        if (!open_) {
            open_ = true;
            source_begin_ = static_cast<std::uint32_t>(begin);
        }
        source_end_ = static_cast<std::uint32_t>(end);
    }

    /// Ends the token. With `spaceless` it is of a script that has no spaces.
    void finish(bool spaceless = false) {
        if (has_text()) {
            analyzer_.finish_token(out_.text, begin_);
            out_.tokens.push_back(
                {begin_,
                 static_cast<std::uint32_t>(out_.text.size()) - begin_,
                 position_++,
                 source_begin_,
                 source_end_,
                 spaceless && spaceless_end_ == source_begin_ && position_ > 1}
            );
            spaceless_end_ = spaceless ? source_end_ : UINT32_MAX;
        }
        begin_ = static_cast<std::uint32_t>(out_.text.size());
        open_ = false;
    }

private:
    const Analyzer& analyzer_;
    TokenBuffer& out_;
    std::uint32_t begin_;
    std::uint32_t position_ = 0;
    std::uint32_t source_begin_ = 0;
    std::uint32_t source_end_ = 0;
    std::uint32_t spaceless_end_ = UINT32_MAX;
    bool open_ = false;
};

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

Analyzer::Analyzer(AnalysisOptions options)
    : options_(std::move(options)),
      chain_(options_.chain.empty() ? nullptr : AnalysisChain::of(options_.chain)),
      localized_(has_locale_form(options_.locale)),
      classes_{} {
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
    for (const std::string& symbol : options_.symbols_to_index) {
        classes_[static_cast<unsigned char>(symbol[0])] = ByteClass::kKeep;
    }
    for (const std::string& separator : options_.token_separators) {
        classes_[static_cast<unsigned char>(separator[0])] = ByteClass::kBreak;
    }
}

void Analyzer::analyze_exact(std::string_view text, TokenBuffer& out) {
    if (text.empty()) {
        return;
    }
    AnalyzedToken token;
    token.text_begin = static_cast<std::uint32_t>(out.text.size());
    out.text += cut(text, kExactBytesMax);
    token.text_size = static_cast<std::uint32_t>(out.text.size()) - token.text_begin;
    token.source_end = static_cast<std::uint32_t>(text.size());
    out.tokens.push_back(token);
}

void Analyzer::analyze(std::string_view text, TokenBuffer& out) const {
    if (options_.exact) {
        analyze_exact(text, out);
        return;
    }
    if (chain_ != nullptr) {
        chain_->analyze(text, out);
        return;
    }
    Words words(*this, out);
    if (localized_) {
        analyze_localized(text, words);
    } else {
        analyze_plain(text, words);
    }
    words.finish();
}

void Analyzer::analyze_plain(std::string_view text, Words& words) const {
    std::size_t i = 0;
    while (i < text.size()) {
        const auto c = static_cast<unsigned char>(text[i]);
        switch (classes_[c]) {
            case ByteClass::kKeep:
                words.text() += ascii_lower(c);
                words.cover(i, i + 1);
                ++i;
                break;
            case ByteClass::kBreak:
                words.finish();
                ++i;
                break;
            case ByteClass::kDrop: ++i; break;
            case ByteClass::kWide: i = analyze_wide(text, i, words); break;
        }
    }
}

/// Handles the multi-byte code point at text[at], or a run of them; returns the index after it.
std::size_t Analyzer::analyze_wide(std::string_view text, std::size_t at, Words& words) {
    const CodePoint c = code_point_at(text, at);
    if (c.value < 0) {
        return c.end;
    }
    if (is_wide_space(c.value)) {
        words.finish();
        return c.end;
    }
    switch (kind_of_script(c.value)) {
        case Script::kSpaced:
            append_folded(static_cast<char32_t>(c.value), words.text());
            words.cover(at, c.end);
            return c.end;
        case Script::kSingle:
            words.finish();
            append_single(c.value, words.text());
            words.cover(at, c.end);
            words.finish(true);
            return c.end;
        case Script::kWords: break;
    }
    words.finish();
    const std::size_t end = end_of_run(text, at);
    for_each_word(text.substr(at, end - at), [&](std::size_t from, std::size_t to) {
        for (std::size_t i = at + from; i < at + to;) {
            const CodePoint part = code_point_at(text, i);
            append_folded(static_cast<char32_t>(part.value), words.text());
            words.cover(i, part.end);
            i = part.end;
        }
        words.finish(true);
    });
    return end;
}

bool Analyzer::is_symbol(char c) const {
    const auto byte = static_cast<unsigned char>(c);
    return classes_[byte] == ByteClass::kKeep && !is_ascii_word(byte);
}

/// ICU's words, but for symbols that are indexed, which belong to what they touch, and separators
/// inside of words.
void Analyzer::analyze_localized(std::string_view text, Words& words) const {
    std::string word;  // As it is in the source, without what is dropped.
    std::size_t word_begin = 0;
    std::size_t word_end = 0;
    const auto finish = [&] {
        append_form(word, words.text());
        words.cover(word_begin, word_end);
        words.finish();
        word.clear();
    };
    const auto keep = [&](std::size_t from, std::size_t to) {
        word_begin = word.empty() ? from : word_begin;
        word_end = to;
        word += text.substr(from, to - from);
    };
    for_each_word(text, [&](std::size_t from, std::size_t to) {
        const bool touches = !word.empty() && word_end == from
                             && (is_symbol(text[from - 1]) || is_symbol(text[from]));
        if (!touches) {
            finish();
        }
        for (std::size_t i = from; i < to;) {
            const ByteClass kind = classes_[static_cast<unsigned char>(text[i])];
            const CodePoint c = code_point_at(text, i);
            const bool breaks = kind == ByteClass::kBreak || c.value == kZeroWidthNonJoiner;
            if (breaks) {
                finish();
            } else if (kind != ByteClass::kDrop && c.value >= 0) {
                keep(i, c.end);
            }
            i = c.end;
        }
    });
    finish();
}

/// Stems are those of the language's own letters.
void Analyzer::append_form(std::string_view word, std::string& out) const {
    if (!options_.stem) {
        append_locale_form(options_.locale, word, out);
        return;
    }
    std::string folded;
    append_case_folded(word, folded);
    apply_stem(folded, 0);
    append_locale_form(options_.locale, folded, out);
}

/// The token's last form: its stem, and not too long.
void Analyzer::finish_token(std::string& text, std::size_t begin) const {
    if (!localized_) {
        apply_stem(text, begin);
    }
    text.resize(begin + cut(std::string_view(text).substr(begin), kTokenBytesMax).size());
}

void Analyzer::apply_stem(std::string& text, std::size_t begin) const {
    if (!options_.stem || begin == text.size()) {
        return;
    }
    if (options_.stem_dictionary.name.empty()) {
        search::stem(options_.locale, text, begin);
        return;
    }
    const std::string_view word = std::string_view(text).substr(begin);
    if (const std::string* root = options_.stem_dictionary.root_of(word);
        root != nullptr && !root->empty()) {
        text.replace(begin, std::string::npos, *root);
    }
}

std::string Analyzer::stemmed(std::string_view word) const {
    std::string out;
    localized_ ? append_form(word, out) : void(out = word);
    finish_token(out, 0);
    return out;
}

std::size_t Analyzer::prefix_end(std::string_view word, std::size_t points) const {
    std::string form;
    std::size_t at = 0;
    while (at < word.size() && code_points(form) < points) {
        const CodePoint c = code_point_at(word, at);
        const ByteClass kind = classes_[static_cast<unsigned char>(word[at])];
        if (kind == ByteClass::kKeep || c.value >= 0x80) {
            const std::string_view part = word.substr(at, c.end - at);
            localized_ ? append_locale_form(options_.locale, part, form)
                       : append_folded(static_cast<char32_t>(c.value), form);
        }
        at = c.end;
    }
    return at;
}

}  // namespace kumo::search
