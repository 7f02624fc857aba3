// A whole server on a simulated network, fed with arbitrary bytes. Whatever comes, every request
// that reached the handler is answered or abandoned, and the connection ends.
#include "base/assert.h"
#include "http/internal/world_test.h"
#include "http/server.h"

#include <cstddef>
#include <cstdint>
#include <string>

namespace {

using kumo::ByteView;
using kumo::http::ResponsePtr;
using kumo::wire::HttpRequestHead;

/// Streams the body back, pausing now and then, and counts what became of it.
std::unique_ptr<kumo::http::RequestSink> echo(ResponsePtr response, int& open) {
    ++open;
    response->on_abandoned([&open] { --open; });
    response->begin(200, {});
    auto sink = std::make_unique<kumo::http::LambdaSink>();
    sink->limit = 4096;
    sink->body = [response](ByteView piece) {
        response->write(piece);
        if (piece.size() % 3 == 0) {
            response->pause_body();
            response->loop().defer([response] { response->resume_body(); });
        }
    };
    sink->complete = [response, &open] {
        if (response->alive()) {
            --open;
            response->end();
        }
    };
    return sink;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const ByteView input(reinterpret_cast<const char*>(data), size);
    kumo::http::SimulatedWorld world(size);
    kumo::http::Routes routes;
    int open = 0;
    routes.routes["/echo"] = [&open](const HttpRequestHead&, ResponsePtr response) {
        return echo(std::move(response), open);
    };
    routes.routes["/whole"] = [](const HttpRequestHead&, const ResponsePtr& response) {
        return kumo::http::collect_body(1000, [response](std::string body) {
            response->respond(200, {}, std::move(body));
        });
    };
    const auto address = kumo::io::Address::parse("10.0.0.1", 80).value();
    auto server =
        kumo::http::Server::start(world.loop(), world.network(), address, nullptr, routes);
    KUMO_ASSERT(server.ok());
    kumo::http::RawPeer peer;
    peer.connect(world.loop(), world.network(), address);
    peer.send(input);
    KUMO_ASSERT(world.run_until([&peer] { return peer.over; }));
    peer.drop();
    KUMO_ASSERT(world.run_until([&] { return server.value()->stats().connections == 0; }));
    KUMO_ASSERT(open == 0);
    return 0;
}
