#pragma once

#ifndef UNSOUND_HEADER
#include <string>
#endif

namespace kumo::low {

std::string low_value();

}  // namespace kumo::low
