#pragma once

#include "base/assert.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace kumo {

/// What went wrong, in terms a caller can act on. The set is closed: every API dialect maps each
/// code to its own wire form in exactly one table (a switch without default), so adding a code is
/// a compile error there.
enum class ErrorCode : std::uint8_t {
    kInvalidArgument,    ///< The request can never succeed as written.
    kUnauthenticated,    ///< No valid credential came with the request.
    kNotFound,           ///< The named thing does not exist.
    kAlreadyExists,      ///< The thing to create exists.
    kConflict,           ///< A version or sequence check failed; re-read, then retry.
    kLimitExceeded,      ///< A named limit of the request (page size, sort keys) was passed.
    kResourceExhausted,  ///< Disk or memory is full; reads go on, retry when there is room.
    kOverloaded,         ///< A queue is at its bound. Retry with backoff.
    kUnavailable,        ///< Not ready, no leader, shutting down. Retry elsewhere or later.
    kTimeout,            ///< The deadline passed before the work was done.
    kUnsupported,        ///< A documented feature that this version does not have.
    kIo,                 ///< The operating system refused a call for a reason not named above.
    kCorruption,         ///< A checksum or a structure check failed. Never retried.
    kInternal,           ///< A mistake of ours.
};

/// The code's name as it stands in logs: "invalid_argument", "not_found", ...
std::string_view error_code_name(ErrorCode code) noexcept;

/// An error: a code and a sentence for a human. Cheap to move.
struct Error {
    ErrorCode code;
    std::string message;
};

/// Either a value or an Error. Dropping one on the floor does not compile under -Werror.
template <typename T>
class [[nodiscard]] Result {
public:
    // Implicit on purpose: `return value;` and `return Error{...};` both read as what they are.
    Result(T value)  // NOLINT(google-explicit-constructor): see above
        : state_(std::in_place_index<0>, std::move(value)) {}

    Result(Error error)  // NOLINT(google-explicit-constructor): see above
        : state_(std::in_place_index<1>, std::move(error)) {}

    bool ok() const noexcept { return state_.index() == 0; }

    explicit operator bool() const noexcept { return ok(); }

    /// Requires: ok().
    T& value() & {
        KUMO_ASSERT(ok());
        return *std::get_if<0>(&state_);
    }

    /// Requires: ok().
    const T& value() const& {
        KUMO_ASSERT(ok());
        return *std::get_if<0>(&state_);
    }

    /// Requires: ok().
    T&& value() && {
        KUMO_ASSERT(ok());
        return std::move(*std::get_if<0>(&state_));
    }

    /// Requires: !ok().
    const Error& error() const& {
        KUMO_ASSERT(!ok());
        return *std::get_if<1>(&state_);
    }

    /// Requires: !ok().
    Error&& error() && {
        KUMO_ASSERT(!ok());
        return std::move(*std::get_if<1>(&state_));
    }

private:
    std::variant<T, Error> state_;
};

/// Success without a value, or an Error.
template <>
class [[nodiscard]] Result<void> {
public:
    Result() = default;

    Result(Error error)  // NOLINT(google-explicit-constructor): as for Result<T>
        : error_(std::make_unique<Error>(std::move(error))) {}

    bool ok() const noexcept { return error_ == nullptr; }

    explicit operator bool() const noexcept { return ok(); }

    /// Requires: !ok().
    const Error& error() const& {
        KUMO_ASSERT(!ok());
        return *error_;
    }

    /// Requires: !ok().
    Error&& error() && {
        KUMO_ASSERT(!ok());
        return std::move(*error_);
    }

private:
    std::unique_ptr<Error> error_;
};

using Status = Result<void>;

inline Error invalid_argument(std::string message) {
    return Error{ErrorCode::kInvalidArgument, std::move(message)};
}

inline Error not_found(std::string message) {
    return Error{ErrorCode::kNotFound, std::move(message)};
}

inline Error corruption(std::string message) {
    return Error{ErrorCode::kCorruption, std::move(message)};
}

}  // namespace kumo

#define KUMO_CONCAT_(a, b) a##b
#define KUMO_CONCAT(a, b) KUMO_CONCAT_(a, b)

/// Returns the error of `expr` to the caller, or goes on.
#define KUMO_TRY(expr)                            \
    do {                                          \
        if (auto kumo_r = (expr); !kumo_r.ok()) { \
            return std::move(kumo_r).error();     \
        }                                         \
    } while (false)

/// Declares `decl` from the value of `expr`, or returns its error to the caller.
#define KUMO_TRY_ASSIGN(decl, expr) KUMO_TRY_ASSIGN_(KUMO_CONCAT(kumo_r_, __LINE__), decl, expr)
#define KUMO_TRY_ASSIGN_(tmp, decl, expr) \
    auto tmp = (expr);                    \
    if (!tmp.ok()) {                      \
        return std::move(tmp).error();    \
    }                                     \
    decl = std::move(tmp).value()
