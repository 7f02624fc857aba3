#include "api/elastic/dialect.h"

#include "api/elastic/fault.h"
#include "api/elastic/response.h"
#include "api/elastic/routes.h"

#include <utility>

namespace kumo::api_elastic {

namespace {

/// Of an X-Opaque-Id; the rest says nothing more.
constexpr std::size_t kOpaqueIdMax = 1024;

std::string header(const wire::HttpRequestHead& head, ByteView name) {
    return std::string(head.find(name).value_or(""));
}

void send(const http::ResponsePtr& response, HttpAnswer answer) {
    response->respond(answer.status, std::move(answer.headers), std::move(answer.body));
}

std::string method_names(const std::vector<wire::HttpMethod>& methods) {
    std::string out;
    for (const wire::HttpMethod method : methods) {
        out += (out.empty() ? "" : ", ") + std::string(wire::http_method_name(method));
    }
    return out;
}

/// No handler, or none for this method.
HttpAnswer no_route(const Request& request, const RouteMatch& match) {
    HttpAnswer out;
    const std::string uri = request.path;
    const std::string method(wire::http_method_name(request.method));
    if (match.others.empty()) {
        out = http_answer(
            request,
            Answer(
                400,
                Json::object(
                    {{"error",
                      "no handler found for uri [" + uri + "] and method [" + method + "]"}}
                )
            )
        );
        return out;
    }
    out = http_answer(
        request,
        Answer(
            405,
            Json::object(
                {{"error",
                  "Incorrect HTTP method for uri [" + uri + "] and method [" + method
                      + "], allowed: [" + method_names(match.others) + "]"},
                 {"status", 405}}
            )
        )
    );
    out.headers.push_back({"Allow", method_names(match.others)});
    return out;
}

}  // namespace

Dialect::Dialect(
    node::Node& node,
    io::WorkerPool& pool,
    io::Fs& fs,
    io::Loop& loop,
    const Clock& clock,
    Options options
)
    : options_(std::move(options)),
      pool_(pool),
      indices_(node, loop),
      cluster_(node, loop),
      contexts_(clock),
      pins_(node, clock),
      tasks_(clock),
      context_{
          node,
          clock,
          options_,
          fs,
          loop,
          indices_,
          cluster_,
          contexts_,
          pins_,
          tasks_,
          usage_,
          pool} {}

std::unique_ptr<http::RequestSink>
Dialect::on_request(const wire::HttpRequestHead& head, http::ResponsePtr response) {
    const auto request = std::make_shared<Request>(Request{context_});
    request->method = head.method();
    request->path = head.path();
    request->accept = header(head, "accept");
    request->content_type = header(head, "content-type");
    request->opaque_id = header(head, "x-opaque-id").substr(0, kOpaqueIdMax);
    auto parameters = Parameters::parse(head.query());
    if (!parameters.ok()) {
        send(response, http_answer(*request, parameters.error()));
        return nullptr;
    }
    request->parameters = std::move(parameters).value();
    auto match = find_route(head.method(), head.path());
    if (!match.ok() || match.value().route == nullptr) {
        send(
            response,
            match.ok() ? no_route(*request, match.value()) : http_answer(*request, match.error())
        );
        return nullptr;
    }
    request->parts = std::move(match.value().parts);
    const Handler handler = match.value().route->handler;
    return http::collect_body(
        kBodyBytesMax,
        [this, request, handler, response = std::move(response)](std::string body) {
            request->body = std::move(body);
            const Status queued = pool_.submit([request, handler, response] {
                auto answer =
                    std::make_shared<HttpAnswer>(http_answer(*request, handler(*request)));
                response->loop().post([response, answer] { send(response, std::move(*answer)); });
            });
            if (!queued.ok()) {
                send(
                    response,
                    http_answer(
                        *request,
                        fault(
                            "rejected_execution_exception",
                            "rejected execution: the queue is full"
                        )
                    )
                );
            }
        }
    );
}

}  // namespace kumo::api_elastic
