#pragma once

#include <string>

namespace kumo::api_redis {

/// 40 hexadecimal digits that nobody can guess: run ids, replication ids, marks.
std::string random_id();

}  // namespace kumo::api_redis
