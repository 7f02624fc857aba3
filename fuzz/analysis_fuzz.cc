// Text to tokens, of every locale, and the marks of beginnings: tokens point into the text, in
// order, and are neither empty nor too long.
#include "base/assert.h"
#include "search/analysis/analyzer.h"
#include "search/analysis/stemmer.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

using kumo::search::AnalysisOptions;
using kumo::search::AnalyzedToken;
using kumo::search::Analyzer;
using kumo::search::TokenBuffer;

namespace {

constexpr std::array<const char*, 12> kLocales =
    {"", "en", "de", "fr", "ru", "el", "zh", "ja", "ko", "th", "fa", "tr"};

void check(const Analyzer& analyzer, std::string_view text) {
    TokenBuffer buffer;
    analyzer.analyze(text, buffer);
    std::size_t end = 0;
    std::uint32_t position = 0;
    for (const AnalyzedToken& token : buffer.tokens) {
        KUMO_ASSERT(token.text_size > 0 && token.text_size <= Analyzer::kTokenBytesMax);
        KUMO_ASSERT(token.position == position++);
        KUMO_ASSERT(token.source_begin >= end && token.source_begin < token.source_end);
        KUMO_ASSERT(token.source_end <= text.size());
        end = token.source_end;
        const auto source = text.substr(token.source_begin, token.source_end - token.source_begin);
        KUMO_ASSERT(analyzer.prefix_end(source, 2) <= source.size());
        (void)analyzer.stemmed(buffer.term(token));
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    AnalysisOptions options;
    options.locale = kLocales[data[0] % kLocales.size()];
    options.stem = (data[0] & 0x80U) != 0 && kumo::search::has_stemmer(options.locale);
    options.symbols_to_index = {"+"};
    options.token_separators = {"_"};
    check(Analyzer(options), std::string_view(reinterpret_cast<const char*>(data) + 1, size - 1));
    return 0;
}
