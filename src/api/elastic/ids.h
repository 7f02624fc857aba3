#pragma once

#include <string>

namespace kumo::api_elastic {

/// 20 characters that fit a URL, from the system's randomness: ids of documents without one, uuids
/// of indices. Any thread.
std::string random_id();

}  // namespace kumo::api_elastic
