#pragma once

#include "base/result.h"
#include "cli/options.h"
#include "http/client.h"
#include "io/address.h"
#include "io/fs.h"
#include "io/loop.h"
#include "io/resolver.h"
#include "io/tls.h"

#include <memory>
#include <vector>

namespace kumo::cli {

/// A server's name as something to connect to. A value that moves.
struct Endpoint {
    std::vector<io::Address> addresses;   ///< At least one.
    std::unique_ptr<io::TlsContext> tls;  ///< Null: plain HTTP.
};

/// Resolves the name and reads the CA file; runs the loop meanwhile. Errors: kUnavailable if the
/// name is not known, otherwise a bad CA file.
Result<Endpoint>
find_endpoint(io::Loop& loop, io::Resolver& resolver, io::Fs& fs, const ConnectionOptions& options);

/// A request with the key that the options name.
http::ClientRequest make_request(
    const ConnectionOptions& options,
    wire::HttpMethod method,
    std::string target,
    std::string body
);

}  // namespace kumo::cli
