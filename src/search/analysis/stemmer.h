#pragma once

#include <string>
#include <string_view>

namespace kumo::search {

/// Snowball's stemmers. Stateless; any thread.

/// Whether there is a stemmer for the language: its name or code, as Snowball knows it ("english",
/// "en", "de"). Empty is English.
bool has_stemmer(std::string_view language);

/// Replaces the bytes of `text` from `begin` on, one lower-case word, by its stem. Requires
/// has_stemmer(language).
void stem(const std::string& language, std::string& text, std::size_t begin);

}  // namespace kumo::search
