#pragma once

#include "search/text/internal/kernels.h"

/// The sets behind kernels(); each is used only where the machine has its instructions.
namespace kumo::search {

extern const Kernels kBaseKernels;
extern const Kernels kAvx2Kernels;
extern const Kernels kAvx512Kernels;     // F, BW, DQ, VL, VPOPCNTDQ
extern const Kernels kIntersectKernels;  // and VP2INTERSECT

/// For byte m: the positions of its set bits, packed into the low bytes, and their number in 8.
struct BitPositions {
    std::uint8_t at[256][8];
};

extern const BitPositions kBitPositions;

}  // namespace kumo::search
