#pragma once

#include "base/bytes.h"
#include "cluster/coordinator/lease.h"

#include <optional>
#include <string>

namespace kumo::node {

// Lease messages as bytes: docs/formats/control.md. Nothing for bytes that are none.

std::string encode_lease_request(const cluster::LeaseRequest& request);
std::optional<cluster::LeaseRequest> decode_lease_request(ByteView bytes);

std::string encode_grant(const cluster::Grant& grant);
std::optional<cluster::Grant> decode_grant(ByteView bytes);

}  // namespace kumo::node
