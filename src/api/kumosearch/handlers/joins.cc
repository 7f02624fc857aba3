#include "api/kumosearch/handlers/joins.h"

#include "api/kumosearch/resources/values.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace kumo::api_kumosearch {

namespace {

constexpr std::array<std::string_view, 5> kJoining =
    {"filter_by", "include_fields", "exclude_fields", "sort_by", "facet_by"};

void add_names(std::string_view text, std::vector<std::string>& out) {
    for (std::size_t at = text.find('$'); at != std::string_view::npos;
         at = text.find('$', at + 1)) {
        const std::size_t open = text.find('(', at);
        if (open == std::string_view::npos) {
            return;
        }
        const std::string_view name = trim(text.substr(at + 1, open - at - 1));
        const bool plain = name.find_first_of("$`,:&|)[]{}") == std::string_view::npos;
        if (plain && !name.empty() && out.size() < search::kJoinedCollectionsMax) {
            out.emplace_back(name);
        }
    }
}

}  // namespace

std::vector<std::string> joined_names(const Parameters& parameters) {
    std::vector<std::string> out;
    for (const std::string_view name : kJoining) {
        add_names(parameters.text(name), out);
    }
    return out;
}

bool names_unknown_collection(const node::Node& node, const Parameters& parameters) {
    const std::vector<std::string> names = joined_names(parameters);
    return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
        return !node.collection(resolve_collection(node, name)).ok();
    });
}

JoinPlanner join_planner(const node::Node& node, const Grant& grant, JoinTarget main) {
    const auto resolve = [&node](std::string name) {
        return resolve_collection(node, std::move(name));
    };
    auto trusted = joined_names(grant.embedded);
    const auto find = [&node, &grant, trusted = std::move(trusted)](const std::string& name
                      ) -> Result<JoinTarget> {
        if (!grant.allows(name)
            && std::find(trusted.begin(), trusted.end(), name) == trusted.end()) {
            return forbidden();
        }
        KUMO_TRY_ASSIGN(node::CollectionInfo info, node.collection(resolve_collection(node, name)));
        return JoinTarget{std::move(info.spec.name), std::move(info.schema)};
    };
    return {std::move(main), resolve, find};
}

}  // namespace kumo::api_kumosearch
