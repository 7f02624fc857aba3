#pragma once

#include "cli/session.h"
#include "http/client.h"

namespace kumo::cli {

/// Gathers one answer; what comes of it is the deriving class's. A good answer's body goes to the
/// sink, if there is one.
class AnswerHandler : public http::ResponseHandler {
public:
    void on_head(const wire::HttpResponseHead& head) override { answer_.status = head.status(); }

    void on_body(ByteView piece) override {
        if (sink_ && answer_.status / 100 == 2) {
            sink_(piece);
        } else {
            answer_.body.append(piece);
        }
    }

protected:
    AnswerHandler() = default;

    explicit AnswerHandler(const BodySink& sink) : sink_(sink) {}

    Answer answer_;
    BodySink sink_;
};

}  // namespace kumo::cli
