#include "http/handler.h"

#include "wire/json_writer.h"

#include <utility>

namespace kumo::http {

namespace {

class CollectingSink final : public RequestSink {
public:
    CollectingSink(std::uint64_t bytes_max, std::function<void(std::string)> done)
        : bytes_max_(bytes_max), done_(std::move(done)) {}

    std::uint64_t body_bytes_max() const override { return bytes_max_; }

    void on_body(ByteView piece) override { body_.append(piece); }

    void on_complete() override { done_(std::move(body_)); }

private:
    std::uint64_t bytes_max_;
    std::function<void(std::string)> done_;
    std::string body_;
};

}  // namespace

std::string message_body(ByteView message) {
    std::string body;
    wire::JsonWriter(body).begin_object().key("message").string(message).end_object();
    return body;
}

void ResponseWriter::respond_message(int status, ByteView message) {
    respond(status, {{"Content-Type", std::string(kJsonContentType)}}, message_body(message));
}

std::unique_ptr<RequestSink>
collect_body(std::uint64_t bytes_max, std::function<void(std::string body)> done) {
    return std::make_unique<CollectingSink>(bytes_max, std::move(done));
}

}  // namespace kumo::http
