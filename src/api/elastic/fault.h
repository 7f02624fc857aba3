#pragma once

#include "api/elastic/json.h"
#include "base/result.h"

#include <string>
#include <string_view>

/// Errors in the form of this API: a type, a reason, and with them a status.
///
/// Functions of this dialect return the base's Error; those made here carry the API's type in
/// front of the reason. An error from below gets its type from its code, in one table (fault.cc).
namespace kumo::api_elastic {

/// An error of this API: fault("illegal_argument_exception", "..."). The type decides the status;
/// types that are not in the table are 400.
Error fault(std::string_view type, std::string reason);

inline Error illegal_argument(std::string reason) {
    return fault("illegal_argument_exception", std::move(reason));
}

inline Error parsing_error(std::string reason) {
    return fault("parsing_exception", std::move(reason));
}

/// kUnsupported: what this server does not have.
inline Error not_supported(std::string what) {
    return fault("unsupported_operation_exception", std::move(what));
}

Error no_such_index(std::string_view index);

/// Between the parts of an error's message.
inline constexpr char kFaultSeparator = '\x1f';

/// What an error says, taken apart.
struct Fault {
    int status = 500;
    std::string type;
    std::string reason;
    Json details = Json::object();  ///< Members beside type and reason: "index", ...
    Json root{};                    ///< What caused it, as JSON; null: itself.
};

Fault fault_of(const Error& error);

/// {"type": ..., "reason": ..., and the details}: as it stands in an item of a bulk.
Json cause_json(const Fault& fault);

/// The same with root_cause, as it stands in an answer's "error".
Json error_json(const Fault& fault);

/// {"error": ..., "status": ...}
Json error_body(const Fault& fault);

}  // namespace kumo::api_elastic
