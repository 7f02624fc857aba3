#include "cli/endpoint.h"

#include <optional>

namespace kumo::cli {

Result<Endpoint> find_endpoint(
    io::Loop& loop,
    io::Resolver& resolver,
    io::Fs& fs,
    const ConnectionOptions& options
) {
    Endpoint endpoint;
    if (options.url.tls) {
        const io::TlsClientOptions tls{options.verify_tls, options.ca_file};
        KUMO_TRY_ASSIGN(endpoint.tls, io::TlsContext::client(fs, tls));
    }
    std::optional<Result<std::vector<io::Address>>> found;
    resolver.resolve(loop, options.url.host, options.url.port, [&](auto result) {
        found = std::move(result);
        loop.stop();
    });
    loop.run();
    if (!found->ok()) {
        return Error{ErrorCode::kUnavailable, found->error().message};
    }
    endpoint.addresses = std::move(*found).value();
    return endpoint;
}

http::ClientRequest make_request(
    const ConnectionOptions& options,
    wire::HttpMethod method,
    std::string target,
    std::string body
) {
    http::ClientRequest request;
    request.method = method;
    request.target = std::move(target);
    request.body = std::move(body);
    if (!options.api_key.empty()) {
        request.headers.push_back({"X-KUMOSEARCH-API-KEY", options.api_key});
    }
    return request;
}

}  // namespace kumo::cli
