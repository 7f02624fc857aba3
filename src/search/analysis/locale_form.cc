#include "search/analysis/locale_form.h"

#include <unicode/normalizer2.h>
#include <unicode/translit.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>

#include <array>
#include <memory>
#include <vector>

namespace kumo::search {

namespace {

enum class Form : std::uint8_t {
    kFolded,
    kSimplified,
    kKanaInLatin,
    kLatin,
    kLetters,
};

constexpr std::array<std::string_view, 4> kPlainLocales = {"", "en", "de_en"};
constexpr std::array<std::string_view, 5> kLatinLocales = {"el", "ru", "sr", "uk", "be"};

std::string_view language_of(std::string_view locale) {
    return locale.substr(0, locale.find_first_of("-_"));
}

template <std::size_t kSize>
bool is_one_of(const std::array<std::string_view, kSize>& all, std::string_view name) {
    for (const std::string_view each : all) {
        if (each == name) {
            return true;
        }
    }
    return false;
}

Form form_of(std::string_view locale) {
    const std::string_view language = language_of(locale);
    if (language == "zh") {
        return Form::kSimplified;
    }
    if (language == "ja") {
        return Form::kKanaInLatin;
    }
    if (language == "ko") {
        return Form::kLetters;
    }
    return is_one_of(kLatinLocales, language) ? Form::kLatin : Form::kFolded;
}

/// A transliterator has scratch space: each thread has its own. Null if ICU lacks it.
const icu::Transliterator* transliterator(Form form) {
    const auto make = [](const char* id) {
        UErrorCode status = U_ZERO_ERROR;
        std::unique_ptr<icu::Transliterator> made(
            icu::Transliterator::createInstance(id, UTRANS_FORWARD, status)
        );
        return U_SUCCESS(status) ? std::move(made) : nullptr;
    };
    if (form == Form::kKanaInLatin) {
        thread_local const auto kKana =
            make("Katakana-Latin; Hiragana-Latin; NFD; [\\u0300-\\u036F] Remove; NFC");
        // NOLINTNEXTLINE(clang-analyzer-cplusplus.NewDelete): it lives as long as the thread
        return kKana.get();
    }
    if (form == Form::kLatin) {
        thread_local const auto kLatin = make("Any-Latin; Latin-ASCII");
        // NOLINTNEXTLINE(clang-analyzer-cplusplus.NewDelete): it lives as long as the thread
        return kLatin.get();
    }
    return nullptr;
}

const icu::Normalizer2* folding() {
    static const icu::Normalizer2* const kFolding = [] {
        UErrorCode status = U_ZERO_ERROR;
        return icu::Normalizer2::getNFKCCasefoldInstance(status);
    }();
    return kFolding;
}

const icu::Normalizer2* decomposition() {
    static const icu::Normalizer2* const kDecomposition = [] {
        UErrorCode status = U_ZERO_ERROR;
        return icu::Normalizer2::getNFKDInstance(status);
    }();
    return kDecomposition;
}

icu::UnicodeString normalize(const icu::Normalizer2* by, const icu::UnicodeString& text) {
    UErrorCode status = U_ZERO_ERROR;
    icu::UnicodeString out;
    if (by != nullptr) {
        by->normalize(text, out, status);
    }
    return by == nullptr || U_FAILURE(status) ? text : out;
}

icu::UnicodeString from_utf8(std::string_view text) {
    return icu::UnicodeString::fromUTF8(
        icu::StringPiece(text.data(), static_cast<int32_t>(text.size()))
    );
}

bool is_dropped(UChar32 c) {
    constexpr std::uint32_t kDropped = U_GC_P_MASK | U_GC_S_MASK | U_GC_C_MASK | U_GC_Z_MASK;
    return c >= 0x80 && (U_GET_GC_MASK(c) & kDropped) != 0;
}

/// Simplified characters of the blocks that have traditional ones, made once.
class SimplifiedTable {
public:
    static constexpr char32_t kBegin = 0x3400;
    static constexpr char32_t kEnd = 0xA000;

    SimplifiedTable() : forms_(kEnd - kBegin) {
        UErrorCode status = U_ZERO_ERROR;
        const std::unique_ptr<icu::Transliterator> simplify(
            icu::Transliterator::createInstance("Traditional-Simplified", UTRANS_FORWARD, status)
        );
        for (char32_t c = kBegin; c < kEnd; ++c) {
            icu::UnicodeString text(static_cast<UChar32>(c));
            if (U_SUCCESS(status) && simplify != nullptr) {
                simplify->transliterate(text);
            }
            const bool single = text.countChar32() == 1;
            forms_[c - kBegin] = single ? static_cast<char32_t>(text.char32At(0)) : c;
        }
    }

    char32_t form(char32_t c) const { return forms_[c - kBegin]; }

private:
    std::vector<char32_t> forms_;
};

icu::UnicodeString simplify(const icu::UnicodeString& text) {
    icu::UnicodeString out;
    for (int32_t i = 0; i < text.length(); i = text.moveIndex32(i, 1)) {
        out.append(static_cast<UChar32>(simplified(static_cast<char32_t>(text.char32At(i)))));
    }
    return out;
}

}  // namespace

bool has_locale_form(std::string_view locale) {
    return !is_one_of(kPlainLocales, locale) && language_of(locale) != "en";
}

void append_case_folded(std::string_view word, std::string& out) {
    normalize(folding(), from_utf8(word)).toUTF8String(out);
}

void append_locale_form(std::string_view locale, std::string_view word, std::string& out) {
    const Form form = form_of(locale);
    icu::UnicodeString text = normalize(folding(), from_utf8(word));
    if (form == Form::kSimplified) {
        text = simplify(text);
    } else if (form == Form::kLetters) {
        text = normalize(decomposition(), text);
    } else if (const auto* latin = transliterator(form); latin != nullptr) {
        latin->transliterate(text);
        text.foldCase();
    }
    icu::UnicodeString kept;
    for (int32_t i = 0; i < text.length(); i = text.moveIndex32(i, 1)) {
        if (!is_dropped(text.char32At(i))) {
            kept.append(text.char32At(i));
        }
    }
    kept.toUTF8String(out);
}

char32_t simplified(char32_t c) {
    if (c < SimplifiedTable::kBegin || c >= SimplifiedTable::kEnd) {
        return c;
    }
    static const SimplifiedTable kTable;
    return kTable.form(c);
}

}  // namespace kumo::search
