#pragma once

#include "api/kumosearch/call.h"
#include "http/handler.h"

#include <functional>
#include <memory>

namespace kumo::api_kumosearch {

/// Takes the body of a request whose handler is not known yet: the body waits at the connection
/// until resume() is called, on the loop, and then goes where the handler says.
class DeferredSink final : public http::RequestSink {
public:
    using Start = std::function<std::unique_ptr<http::RequestSink>()>;

    DeferredSink(CallPtr call, Start start);
    ~DeferredSink() override;
    DeferredSink(const DeferredSink&) = delete;
    DeferredSink& operator=(const DeferredSink&) = delete;

    /// To be called once. Harmless when the connection and the sink are gone.
    io::Task resume() const;

    std::uint64_t body_bytes_max() const override { return UINT64_MAX; }

    void on_body(ByteView piece) override;
    void on_complete() override;

private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace kumo::api_kumosearch
