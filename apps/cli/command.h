#pragma once

#include "cli/options.h"
#include "cli/session.h"

/// What each command does. They print to standard output, problems to standard error, and return
/// the process's exit code. One thread.
namespace kumo::cli {

/// Loads a file, a bounded piece at a time; every line's fate is told by the server.
int run_import(Session& session, const ImportOptions& options);

/// Writes a collection's documents to a file or standard output, one a line.
int run_export(Session& session, const ExportOptions& options);

/// Prints the key's value, and nothing else, to standard output.
int run_create_key(Session& session, const CreateKeyOptions& options);

int run_search(Session& session, const SearchOptions& options);

int run_status(Session& session, const StatusOptions& options);

/// kExitFailed if something is wrong with the cluster.
int run_cluster(Session& session, const ClusterOptions& options);

/// Keeps a cluster busy with a collection of its own and says what was lost, invented or stale.
/// SIGINT and SIGTERM end it early, with the report.
int run_check_consistency(const CheckConsistencyOptions& options);

int run_create_collection(Session& session, const CreateCollectionOptions& options);

}  // namespace kumo::cli
