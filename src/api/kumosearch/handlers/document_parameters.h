#pragma once

#include "api/kumosearch/parameters.h"
#include "base/result.h"
#include "node/node.h"

#include <cstddef>

/// The parameters of writes. Stateless.
namespace kumo::api_kumosearch {

/// One line of an import, or one document. Longer lines are refused one by one.
inline constexpr std::size_t kDocumentBytesMax = std::size_t{16} << 20;

/// dirty_values.
Result<search::DirtyValues> plan_dirty_values(const Parameters& parameters);

/// An empty batch with its action (`absent` if none is given) and dirty_values.
Result<node::WriteBatch> plan_write(const Parameters& parameters, search::WriteAction absent);

}  // namespace kumo::api_kumosearch
