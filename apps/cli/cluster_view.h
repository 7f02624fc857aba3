#pragma once

#include "wire/json.h"

#include <string>

/// A cluster as one of its nodes knows it, as text. Stateless; absent parts are left out, whatever
/// the server sends.
namespace kumo::cli {

struct ClusterReport {
    std::string text;  ///< Members, copies of each collection, then what is wrong and why.
    bool well = false;
};

/// From the answer to GET /operations/cluster.
ClusterReport cluster_report(wire::JsonValue answer, bool colour);

}  // namespace kumo::cli
