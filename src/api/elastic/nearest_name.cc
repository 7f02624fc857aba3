#include "api/elastic/nearest_name.h"

#include "search/tree/pattern.h"

#include <cstdint>

namespace kumo::api_elastic {

std::string nearest_name(std::string_view name, const std::vector<std::string_view>& known) {
    const std::u32string wanted = search::tree::code_points_of(name);
    constexpr std::uint32_t kEditsMax = 2;
    std::uint32_t least = kEditsMax + 1;
    std::string out;
    for (const std::string_view one : known) {
        const std::uint32_t edits =
            search::tree::edit_distance(wanted, search::tree::code_points_of(one), kEditsMax, true);
        if (edits < least) {
            least = edits;
            out = std::string(one);
        }
    }
    return out;
}

}  // namespace kumo::api_elastic
