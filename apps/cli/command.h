#pragma once

#include "cli/options.h"
#include "cli/session.h"

/// What each command does. They print to standard output, problems to standard error, and return
/// the process's exit code. One thread.
namespace kumo::cli {

/// Loads a file, a bounded piece at a time; every line's fate is told by the server.
int run_import(Session& session, const ImportOptions& options);

int run_search(Session& session, const SearchOptions& options);

int run_status(Session& session, const StatusOptions& options);

int run_create_collection(Session& session, const CreateCollectionOptions& options);

}  // namespace kumo::cli
