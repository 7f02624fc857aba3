#include "api/elastic/search/search_checks.h"

#include "api/elastic/fault.h"

#include <string>
#include <utility>

namespace kumo::api_elastic {

namespace {

std::int64_t setting(const Index& index, std::string_view name, std::int64_t otherwise) {
    return Json(index.setting(name)).to_int64().value_or(otherwise);
}

}  // namespace

Status check_window(const SearchBody& body, const std::vector<SearchTarget>& targets) {
    for (const SearchTarget& target : targets) {
        const std::int64_t window = setting(*target.index, "index.max_result_window", 10'000);
        if (!body.scroll.empty() && body.size > window) {
            return shard_failure(
                target.index->name,
                illegal_argument(
                    "Batch size is too large, size must be less than or equal to: ["
                    + std::to_string(window) + "] but was [" + std::to_string(body.size)
                    + "]. Scroll batch sizes cost as much memory as result windows so they are "
                      "controlled by the "
                      "[index.max_result_window] index level setting."
                )
            );
        }
        if (body.from + body.size > window) {
            return shard_failure(
                target.index->name,
                illegal_argument(
                    "Result window is too large, from + size must be less than or equal to: ["
                    + std::to_string(window) + "] but was [" + std::to_string(body.from + body.size)
                    + "]. See the scroll api for a more efficient way to request large data sets. "
                      "This limit can be "
                      "set by changing the [index.max_result_window] index level setting."
                )
            );
        }
        const std::int64_t fields = setting(*target.index, "index.max_docvalue_fields_search", 100);
        if (static_cast<std::int64_t>(body.docvalue_fields.size()) > fields) {
            return shard_failure(
                target.index->name,
                illegal_argument(
                    "Trying to retrieve too many docvalue_fields. Must be less than or equal to: ["
                    + std::to_string(fields) + "] but was ["
                    + std::to_string(body.docvalue_fields.size())
                    + "]. This limit can be set by changing the [index.max_docvalue_fields_search] "
                      "index level setting."
                )
            );
        }
        const std::int64_t rescore_max = setting(*target.index, "index.max_rescore_window", 10'000);
        for (const Json& one :
             body.rescore.is_array() ? body.rescore.items() : Json::Array{body.rescore}) {
            const Json* const window_size = one.find("window_size");
            if (window_size != nullptr && window_size->to_int64().value_or(0) > rescore_max) {
                return shard_failure(
                    target.index->name,
                    illegal_argument(
                        "Rescore window [" + window_size->text()
                        + "] is too large. It must be less than [" + std::to_string(rescore_max)
                        + "]. This prevents allocating massive heaps for storing the results to be "
                          "rescored. This limit "
                          "can be set by changing the [index.max_rescore_window] index level "
                          "setting."
                    )
                );
            }
        }
        const std::int64_t scripts = setting(*target.index, "index.max_script_fields", 32);
        if (static_cast<std::int64_t>(body.script_fields.size()) > scripts) {
            return shard_failure(
                target.index->name,
                illegal_argument(
                    "Trying to retrieve too many script_fields. Must be less than or equal to: ["
                    + std::to_string(scripts) + "] but was ["
                    + std::to_string(body.script_fields.size())
                    + "]. This limit can be set by changing the [index.max_script_fields] index "
                      "level setting."
                )
            );
        }
    }
    return {};
}

Status check_collapse(const SearchBody& body) {
    const Json* const inner = body.collapse.find("inner_hits");
    for (const Json& one : inner == nullptr    ? Json::Array()
                           : inner->is_array() ? inner->items()
                                               : Json::Array{*inner}) {
        const Json* const second = one.find("collapse");
        for (const auto& [name, value] : second == nullptr ? Json::Object() : second->members()) {
            if (name != "field") {
                return fault(
                    "parse_exception",
                    "[collapse] of inner hits knows [field] alone, not [" + name + "]"
                );
            }
        }
    }
    return {};
}

}  // namespace kumo::api_elastic
