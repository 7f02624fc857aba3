#pragma once

#include "base/result.h"
#include "cli/session.h"

#include <string>

/// Errors as sentences that say what to do next. Stateless.
namespace kumo::cli {

/// Why an answer is not a good one, with the server's own words.
std::string explain_answer(const Answer& answer);

/// Why there was no answer.
std::string explain_unreachable(const BaseUrl& url, const Error& error);

/// Prints a problem to standard error and returns `code`.
int fail(ExitCode code, const std::string& message);

/// fail() for a session or an ask that got no answer.
int fail_unreachable(const BaseUrl& url, const Error& error);

/// fail() for an answer that is not 2xx.
int fail_refused(const Answer& answer);

}  // namespace kumo::cli
