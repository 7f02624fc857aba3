// Hides what the header forgets.
#ifdef UNSOUND_HEADER
#include <string>
#endif

#include "low/value.h"

#ifdef UNDECLARED_INCLUDE
#include "high/value.h"
#endif

#ifdef UNDECLARED_SYMBOL
namespace kumo::high {
int high_value();
}  // namespace kumo::high
#endif

namespace kumo::low {

std::string low_value() {
#ifdef UNDECLARED_SYMBOL
    return std::to_string(high::high_value());
#else
    return "1";
#endif
}

}  // namespace kumo::low
