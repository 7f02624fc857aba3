#pragma once

#include "base/bytes.h"
#include "kv/keyspace/keyspace.h"

#include <string>

namespace kumo::api_redis {

/// 40 hexadecimal digits that depend on all keys, their values and whether they expire, not on the
/// order or the form in which they are kept; zeros if there are no keys. For DEBUG DIGEST: the same
/// on every copy, and after a reload. Ours: other servers reckon otherwise.
std::string keyspace_digest(const kv::Keyspace& keyspace);
/// Of one value.
std::string value_digest(const kv::Entry& entry);

}  // namespace kumo::api_redis
