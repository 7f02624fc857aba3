#pragma once

#include "base/result.h"
#include "io/address.h"
#include "io/loop.h"

#include <functional>
#include <string>
#include <vector>

namespace kumo::io {

using ResolveCallback = std::function<void(Result<std::vector<Address>>)>;

/// Turns host names into addresses. Any thread may ask; the answer comes on the loop it named,
/// which is not destroyed before it has come or the resolver is gone.
class Resolver {
public:
    virtual ~Resolver() = default;
    Resolver(const Resolver&) = delete;
    Resolver& operator=(const Resolver&) = delete;

    /// Calls back exactly once, on `loop`, never from inside the call. A numeric host is answered
    /// without asking anybody. At least one address on success. Errors: kNotFound for an unknown
    /// name, kUnavailable when the name service does not answer, kOverloaded when
    /// kResolveQueueMax questions wait already.
    virtual void
    resolve(Loop& loop, std::string host, std::uint16_t port, ResolveCallback done) = 0;

protected:
    Resolver() = default;
};

inline constexpr std::size_t kResolveQueueMax = 256;

}  // namespace kumo::io
