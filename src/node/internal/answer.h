#pragma once

#include "base/result.h"
#include "io/loop.h"
#include "node/node.h"

#include <memory>
#include <utility>

namespace kumo::node {

/// Runs `reply` with `result` on `loop`. Any thread.
template <typename T>
void answer(io::Loop& loop, Reply<T> reply, Result<T> result) {
    const auto shared = std::make_shared<Result<T>>(std::move(result));
    loop.post([reply = std::move(reply), shared] { reply(std::move(*shared)); });
}

}  // namespace kumo::node
