#include "api/elastic/handlers/common.h"
#include "api/elastic/handlers/handlers.h"
#include "api/elastic/snapshot/registered.h"
#include "api/elastic/wildcard.h"

#include <algorithm>
#include <utility>

namespace kumo::api_elastic {

Result<Answer> put_repository(const Request& request) {
    KUMO_TRY_ASSIGN(const Json body, request.required_json());
    const std::string name = request.part("repository");
    if (name.find_first_of(" ,#\\/*?\"<>|") != std::string::npos) {
        return fault("repository_exception", "[" + name + "] repository name must not contain the following characters [ , \", *, \\, <, |, ,, >, /, ?]");
    }
    const std::string type = text_of(body, "type");
    if (type != "fs") {
        return fault(
            "repository_exception",
            "[" + name + "] repository type [" + type + "] does not exist"
        );
    }
    const Json* const settings = body.find("settings");
    KUMO_TRY_ASSIGN(
        const std::string directory,
        directory_of(request.context, name, settings == nullptr ? Json() : *settings)
    );
    KUMO_TRY_ASSIGN(const bool verify, request.parameters.flag("verify", true));
    if (verify) {
        const MutexLock lock(repositories_mutex());
        const Status good = Repository(request.context.fs, directory).verify();
        if (!good.ok()) {
            return fault(
                "repository_verification_exception",
                "[" + name
                    + "] path is not accessible on cluster-manager node: " + good.error().message
            );
        }
    }
    Json kept = Json::object({{"type", type}, {"settings", Json::object()}});
    for (const auto& [option, value] : settings == nullptr ? Json::Object() : settings->members()) {
        kept["settings"][option] = value.text();
    }
    KUMO_TRY(request.context.cluster.put("repository/" + name, kept));
    return Answer(acknowledged());
}

Result<Answer> get_repository(const Request& request) {
    const std::vector<std::string> patterns = split_list(request.part("repository"));
    Json out = Json::object();
    for (auto& [name, value] : request.context.cluster.list("repository/")) {
        const bool wanted = patterns.empty()
                            || std::any_of(
                                patterns.begin(),
                                patterns.end(),
                                [&name = name](const std::string& pattern) {
                                    return pattern == "_all" || matches_wildcard(pattern, name);
                                }
                            );
        if (wanted) {
            out[name] = std::move(value);
        }
    }
    for (const std::string& pattern : patterns) {
        if (pattern != "_all" && pattern.find('*') == std::string::npos
            && out.find(pattern) == nullptr) {
            return missing_repository(pattern);
        }
    }
    return Answer(std::move(out));
}

Result<Answer> delete_repository(const Request& request) {
    bool any = false;
    for (const auto& [name, value] : request.context.cluster.list("repository/")) {
        if (matches_wildcard(request.part("repository"), name)) {
            KUMO_TRY_ASSIGN(
                const bool removed,
                request.context.cluster.remove("repository/" + name)
            );
            any = any || removed;
        }
    }
    if (!any) {
        return missing_repository(request.part("repository"));
    }
    return Answer(acknowledged());
}

Result<Answer> verify_repository(const Request& request) {
    const MutexLock lock(repositories_mutex());
    KUMO_TRY_ASSIGN(Opened opened, open_repository(request, request.part("repository")));
    if (!opened.readonly()) {
        const Status good = opened.repository.verify();
        if (!good.ok()) {
            return fault(
                "repository_verification_exception",
                "[" + request.part("repository") + "] " + good.error().message
            );
        }
    }
    const node::ClusterInfo info = request.context.node.cluster();
    Json nodes = Json::object();
    for (const auto& member : info.members) {
        nodes[member.id] =
            Json::object({{"name", member.self ? request.context.options.node_name : member.name}});
    }
    return Answer(Json::object({{"nodes", std::move(nodes)}}));
}

Result<Answer> cleanup_repository(const Request& request) {
    const MutexLock lock(repositories_mutex());
    KUMO_TRY_ASSIGN(Opened opened, open_for_writing(request));
    KUMO_TRY_ASSIGN(const Repository::Cleaned cleaned, opened.repository.clean());
    return Answer(Json::object(
        {{"results",
          Json::object({{"deleted_bytes", cleaned.bytes}, {"deleted_blobs", cleaned.blobs}})}}
    ));
}

}  // namespace kumo::api_elastic
