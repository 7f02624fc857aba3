#include "search/analysis/word_breaks.h"

#include <unicode/brkiter.h>
#include <unicode/utext.h>

#include <memory>

namespace kumo::search {

namespace {

/// Word boundaries are those of the script, whatever the locale: ICU's dictionaries for Chinese,
/// Japanese, Thai, Lao, Khmer and Burmese are part of its root rules.
icu::BreakIterator* breaks_of_thread() {
    thread_local const std::unique_ptr<icu::BreakIterator> kBreaks = [] {
        UErrorCode status = U_ZERO_ERROR;
        auto* made = icu::BreakIterator::createWordInstance(icu::Locale::getRoot(), status);
        std::unique_ptr<icu::BreakIterator> owned(made);
        return U_SUCCESS(status) ? std::move(owned) : nullptr;
    }();
    // NOLINTNEXTLINE(clang-analyzer-cplusplus.NewDelete): it lives as long as the thread
    return kBreaks.get();
}

}  // namespace

void for_each_word(
    std::string_view text,
    const std::function<void(std::size_t, std::size_t)>& visit
) {
    icu::BreakIterator* const breaks = breaks_of_thread();
    UErrorCode status = U_ZERO_ERROR;
    UText units = UTEXT_INITIALIZER;
    utext_openUTF8(&units, text.data(), static_cast<int64_t>(text.size()), &status);
    if (breaks != nullptr) {
        breaks->setText(&units, status);
    }
    if (breaks == nullptr || U_FAILURE(status)) {
        visit(0, text.size());
        utext_close(&units);
        return;
    }
    int32_t begin = breaks->first();
    for (int32_t end = breaks->next(); end != icu::BreakIterator::DONE; end = breaks->next()) {
        visit(static_cast<std::size_t>(begin), static_cast<std::size_t>(end));
        begin = end;
    }
    utext_close(&units);
}

}  // namespace kumo::search
