#include "high/value.h"

namespace kumo::high {

int high_value() {
    return 2;
}

}  // namespace kumo::high
