#pragma once

#include "api/kumosearch/call.h"
#include "http/handler.h"
#include "wire/http1_fields.h"

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kumo::api_kumosearch {

/// What a key must be allowed to do for a route: "documents:get". There is no default and an empty
/// name does not compile, so a route without one cannot be added by accident.
class Action {
public:
    // Implicit, so that the table reads as a table.
    consteval Action(const char* name)  // NOLINT(google-explicit-constructor): see above
        : name_(name) {
        if (name_.find(':') == std::string_view::npos) {
            throw "an action is resource:verb";
        }
    }

    constexpr std::string_view name() const { return name_; }

private:
    std::string_view name_;
};

/// What a route asks of the caller and of the node.
enum class Access : std::uint8_t {
    kPublic,      ///< No key: health checks.
    kAlways,      ///< A key; answered even while the node is not ready.
    kCollection,  ///< A key that covers the collection the path names.
    kGlobal,      ///< A key that covers all collections.
    kChecked,     ///< A key with the action; the handler checks the collections it finds.
    kSearches,    ///< The handler authorizes: each search of the body may carry its own key.
};

/// Starts the work of a call. Gives the sink of the request's body, or null if there is none to
/// read.
using Handler = std::unique_ptr<http::RequestSink> (*)(const CallPtr& call);

struct Route {
    wire::HttpMethod method;
    std::string_view pattern;  ///< "/collections/:collection/documents/:id"
    Action action;
    Access access;
    Handler handler;
};

/// Every route there is. Routes of documented features that this version does not have are here
/// too: their handler says so.
std::span<const Route> routes();

struct RouteMatch {
    std::size_t index;              ///< In routes().
    std::vector<std::string> path;  ///< The parameters, percent-decoded.
};

/// The route of a request; nothing if there is none. `path` is as it was sent; one '/' at its end
/// is tolerated. A segment that does not decode to UTF-8 matches nothing.
std::optional<RouteMatch> find_route(wire::HttpMethod method, std::string_view path);

}  // namespace kumo::api_kumosearch
