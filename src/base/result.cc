#include "base/result.h"

namespace kumo {

std::string_view error_code_name(ErrorCode code) noexcept {
    switch (code) {
        case ErrorCode::kInvalidArgument: return "invalid_argument";
        case ErrorCode::kUnauthenticated: return "unauthenticated";
        case ErrorCode::kNotFound: return "not_found";
        case ErrorCode::kAlreadyExists: return "already_exists";
        case ErrorCode::kConflict: return "conflict";
        case ErrorCode::kLimitExceeded: return "limit_exceeded";
        case ErrorCode::kResourceExhausted: return "resource_exhausted";
        case ErrorCode::kOverloaded: return "overloaded";
        case ErrorCode::kUnavailable: return "unavailable";
        case ErrorCode::kTimeout: return "timeout";
        case ErrorCode::kUnsupported: return "unsupported";
        case ErrorCode::kIo: return "io";
        case ErrorCode::kCorruption: return "corruption";
        case ErrorCode::kInternal: return "internal";
    }
    return "unknown";
}

}  // namespace kumo
