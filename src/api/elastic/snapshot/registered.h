#pragma once

#include "api/elastic/json.h"
#include "api/elastic/request.h"
#include "api/elastic/snapshot/repository.h"
#include "base/mutex.h"
#include "base/result.h"

#include <cstdint>
#include <string>
#include <string_view>

/// The repositories that the cluster knows, opened for a request.
namespace kumo::api_elastic {

/// One request at a time works on repositories.
Mutex& repositories_mutex();

/// A member as text, as an integer; empty and 0 if there is none.
std::string text_of(const Json& value, std::string_view name);
std::int64_t number_of(const Json& value, std::string_view name);

Error missing_repository(const std::string& name);

/// Where a repository is: below `path.repo`, whatever its location says. repository_exception.
Result<std::string>
directory_of(const Context& context, const std::string& name, const Json& settings);

struct Opened {
    Repository repository;
    Json definition;

    bool readonly() const {
        const Json* const settings = definition.find("settings");
        return settings != nullptr && text_of(*settings, "readonly") == "true";
    }
};

/// repository_missing_exception.
Result<Opened> open_repository(const Request& request, const std::string& name);
/// The same of the request's; repository_exception if it is read-only.
Result<Opened> open_for_writing(const Request& request);

}  // namespace kumo::api_elastic
