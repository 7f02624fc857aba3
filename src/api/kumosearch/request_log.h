#pragma once

#include "api/kumosearch/call.h"
#include "base/clock.h"

#include <string>

/// What the server's log says about requests, as far as its settings want it. Keys are left out;
/// the rest of a search is what somebody has typed. Any thread.
namespace kumo::api_kumosearch {

/// After an answer: the access log, slow requests, slow searches.
void log_answer(const Call& call, int status, Duration took);

/// Before a search is run: every search, if that is wanted.
void log_search(const Call& call);

/// Whether the searches of a multi_search are to be kept for the log.
bool logs_searches(const Context& context);

/// "q=books&query_by=title", without keys, cut at a few hundred bytes.
std::string describe(const Parameters& parameters);

}  // namespace kumo::api_kumosearch
