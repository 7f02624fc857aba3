#include "search/query/found_words.h"

#include "search/analysis/code_points.h"

namespace kumo::search {

std::size_t Infix::find_in(std::string_view word) const {
    const std::size_t at = word.find(text);
    if (at == std::string_view::npos) {
        return at;
    }
    const bool fits = code_points(word.substr(0, at)) <= extra_prefix_max
                      && code_points(word.substr(at + text.size())) <= extra_suffix_max;
    return fits ? at : std::string_view::npos;
}

}  // namespace kumo::search
