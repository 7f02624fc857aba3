#pragma once

#include <string>
#include <string_view>

namespace kumo::search {

/// How locales write words in the index. Stateless; any thread.

/// Whether texts of the locale are cut up by ICU and normalised by append_locale_form(): all but
/// none and English.
bool has_locale_form(std::string_view locale);

/// Appends the form of `word`, or of a part of it. Case is folded and compatible characters are
/// the same (NFKC) but: Chinese is written in simplified characters; Japanese kana, Cyrillic and
/// Greek in Latin letters; Korean in single letters (NFKD). Punctuation and symbols that are not
/// ASCII are dropped.
void append_locale_form(std::string_view locale, std::string_view word, std::string& out);

/// Appends the word with its case folded and compatible characters made the same.
void append_case_folded(std::string_view word, std::string& out);

/// The simplified form of a Chinese character; others as they are.
char32_t simplified(char32_t c);

}  // namespace kumo::search
