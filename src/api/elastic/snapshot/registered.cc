#include "api/elastic/snapshot/registered.h"

#include "api/elastic/context.h"
#include "api/elastic/fault.h"
#include "api/elastic/index_store.h"

#include <utility>

namespace kumo::api_elastic {

Mutex& repositories_mutex() {
    static Mutex mutex;
    return mutex;
}

std::string text_of(const Json& value, std::string_view name) {
    const Json* const found = value.find(name);
    return found == nullptr || found->is_null() ? std::string() : found->text();
}

std::int64_t number_of(const Json& value, std::string_view name) {
    const Json* const found = value.find(name);
    return found == nullptr ? 0 : found->to_int64().value_or(0);
}

Error missing_repository(const std::string& name) {
    return fault("repository_missing_exception", "[" + name + "] missing");
}

Result<std::string>
directory_of(const Context& context, const std::string& name, const Json& settings) {
    const std::string base = context.options.repositories;
    const std::string location = text_of(settings, "location");
    if (base.empty()) {
        return fault(
            "repository_exception",
            "[" + name + "] location [" + location
                + "] doesn't match any of the locations specified by path.repo because this setting is empty"
        );
    }
    if (location.empty()) {
        return fault("repository_exception", "[" + name + "] missing location");
    }
    if (location.find("..") != std::string::npos
        || (location.starts_with('/') && location != base && !location.starts_with(base + "/"))) {
        return fault(
            "repository_exception",
            "[" + name + "] location [" + location
                + "] doesn't match any of the locations specified by path.repo: [" + base + "]"
        );
    }
    return location.starts_with('/') ? location : base + "/" + location;
}

Result<Opened> open_repository(const Request& request, const std::string& name) {
    Json definition = request.context.cluster.find("repository/" + name);
    if (definition.is_null()) {
        return missing_repository(name);
    }
    const Json* const settings = definition.find("settings");
    KUMO_TRY_ASSIGN(
        std::string directory,
        directory_of(request.context, name, settings == nullptr ? Json() : *settings)
    );
    return Opened{Repository(request.context.fs, std::move(directory)), std::move(definition)};
}

Result<Opened> open_for_writing(const Request& request) {
    const std::string name = request.part("repository");
    KUMO_TRY_ASSIGN(Opened opened, open_repository(request, name));
    if (opened.readonly()) {
        return fault(
            "repository_exception",
            "[" + name + "] cannot write to a readonly repository"
        );
    }
    return opened;
}

}  // namespace kumo::api_elastic
