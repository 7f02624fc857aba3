#include "io/internal/socket.h"
#include "io/system.h"

#include <algorithm>
#include <cstring>

#include <netdb.h>
#include <sys/socket.h>

namespace kumo::io {

namespace {

using Addresses = Result<std::vector<Address>>;

Addresses look_up(const std::string& host, std::uint16_t port) {
    addrinfo hints = {};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* list = nullptr;
    const int error = ::getaddrinfo(host.c_str(), nullptr, &hints, &list);
    if (error != 0) {
        const bool unknown = error == EAI_NONAME || error == EAI_NODATA;
        return Error{
            unknown ? ErrorCode::kNotFound : ErrorCode::kUnavailable,
            "resolve " + host + ": " + ::gai_strerror(error)};
    }
    const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(list, ::freeaddrinfo);
    std::vector<Address> addresses;
    for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next) {
        SocketAddress found;
        found.length = std::min<socklen_t>(entry->ai_addrlen, sizeof(found.storage));
        std::memcpy(&found.storage, entry->ai_addr, found.length);
        Address address = found.to_address();
        address.port = port;
        if (std::find(addresses.begin(), addresses.end(), address) == addresses.end()) {
            addresses.push_back(address);
        }
    }
    if (addresses.empty()) {
        return not_found("resolve " + host + ": it has no address");
    }
    return addresses;
}

void answer(Loop& loop, std::shared_ptr<ResolveCallback> done, Addresses addresses) {
    const auto shared = std::make_shared<Addresses>(std::move(addresses));
    loop.post([done = std::move(done), shared] { (*done)(std::move(*shared)); });
}

class SystemResolver final : public Resolver {
public:
    SystemResolver()
        : pool_(make_system_worker_pool(
            {.name = "resolver", .threads = 1, .queue_jobs_max = kResolveQueueMax}
        )) {}

    void resolve(Loop& loop, std::string host, std::uint16_t port, ResolveCallback done) override {
        auto shared = std::make_shared<ResolveCallback>(std::move(done));
        auto numeric = Address::parse(host, port);
        if (numeric.ok()) {
            answer(loop, std::move(shared), std::vector<Address>{numeric.value()});
            return;
        }
        Status queued = pool_->submit([&loop, host = std::move(host), port, shared] {
            answer(loop, shared, look_up(host, port));
        });
        if (!queued.ok()) {
            answer(loop, std::move(shared), std::move(queued).error());
        }
    }

private:
    std::unique_ptr<WorkerPool> pool_;
};

}  // namespace

std::unique_ptr<Resolver> make_system_resolver() {
    return std::make_unique<SystemResolver>();
}

}  // namespace kumo::io
