#include "io/internal/errno_error.h"

#include <cerrno>
#include <string>
#include <system_error>

namespace kumo::io {

namespace {

ErrorCode code_of(int number) {
    switch (number) {
        case ENOENT: return ErrorCode::kNotFound;
        case EEXIST: return ErrorCode::kAlreadyExists;
        case ENOSPC:
        case EDQUOT: return ErrorCode::kResourceExhausted;
        default: return ErrorCode::kIo;
    }
}

}  // namespace

Error errno_error(std::string_view doing, std::string_view object, int number) {
    std::string message(doing);
    message += ' ';
    message += object;
    message += ": ";
    message += std::generic_category().message(number);
    return Error{code_of(number), std::move(message)};
}

}  // namespace kumo::io
