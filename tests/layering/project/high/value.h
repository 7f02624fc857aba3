#pragma once

namespace kumo::high {

int high_value();

}  // namespace kumo::high
