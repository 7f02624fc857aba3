#include "api/kumosearch/errors.h"

namespace kumo::api_kumosearch {

int http_status(ErrorCode code) {
    switch (code) {
        case ErrorCode::kInvalidArgument: return 400;
        case ErrorCode::kUnauthenticated: return 401;
        case ErrorCode::kNotFound: return 404;
        case ErrorCode::kAlreadyExists: return 409;
        case ErrorCode::kConflict: return 409;
        case ErrorCode::kLimitExceeded: return 422;
        case ErrorCode::kResourceExhausted: return 422;
        case ErrorCode::kOverloaded: return 503;
        case ErrorCode::kUnavailable: return 503;
        case ErrorCode::kTimeout: return 408;
        // Not 501: clients take a 5xx for a sick node and repeat the request elsewhere.
        case ErrorCode::kUnsupported: return 400;
        case ErrorCode::kIo: return 500;
        case ErrorCode::kCorruption: return 500;
        case ErrorCode::kInternal: return 500;
    }
    return 500;
}

}  // namespace kumo::api_kumosearch
