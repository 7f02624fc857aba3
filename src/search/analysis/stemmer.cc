#include "search/analysis/stemmer.h"

#include "base/assert.h"

#include <map>
#include <memory>

#include <libstemmer.h>

namespace kumo::search {

namespace {

struct Delete {
    void operator()(sb_stemmer* stemmer) const { sb_stemmer_delete(stemmer); }
};

using Stemmer = std::unique_ptr<sb_stemmer, Delete>;

/// German texts with English stems, by tradition.
constexpr std::string_view kGermanEnglish = "de_en";

Stemmer make(std::string_view language) {
    const bool english = language.empty() || language == kGermanEnglish;
    const std::string name(english ? std::string_view("english") : language);
    return Stemmer(sb_stemmer_new(name.c_str(), nullptr));
}

}  // namespace

bool has_stemmer(std::string_view language) {
    return make(language) != nullptr;
}

void stem(const std::string& language, std::string& text, std::size_t begin) {
    // A stemmer has scratch space: each thread has its own.
    thread_local std::map<std::string, Stemmer, std::less<>> stemmers;
    Stemmer& stemmer = stemmers[language];
    if (stemmer == nullptr) {
        stemmer = make(language);
        KUMO_ASSERT(stemmer != nullptr);
    }
    const sb_symbol* stemmed = sb_stemmer_stem(
        stemmer.get(),
        reinterpret_cast<const sb_symbol*>(text.data() + begin),
        static_cast<int>(text.size() - begin)
    );
    if (stemmed == nullptr) {
        return;  // No memory for it: the word stays as it is.
    }
    const auto size = static_cast<std::size_t>(sb_stemmer_length(stemmer.get()));
    if (size > 0) {
        text.replace(begin, std::string::npos, reinterpret_cast<const char*>(stemmed), size);
    }
}

}  // namespace kumo::search
