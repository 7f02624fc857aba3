#pragma once

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "cli/options.h"
#include "wire/http1.h"

#include <functional>
#include <memory>
#include <string>

namespace kumo::cli {

struct Ask {
    wire::HttpMethod method = wire::HttpMethod::kGet;
    std::string target;  ///< Path and query, encoded.
    std::string body;
};

struct Answer {
    int status = 0;
    std::string body;  ///< Empty where a BodySink took it.
};

/// Gets the pieces of a good (2xx) answer's body as they come.
using BodySink = std::function<void(ByteView)>;

/// A conversation with one server: ask, wait, use the answer. One thread; blocks it.
class Session {
public:
    virtual ~Session() = default;

    /// An answer, whatever its status. Any error means that the server was not reached or that the
    /// connection broke.
    virtual Result<Answer> ask(Ask ask, const BodySink& sink) = 0;

    Result<Answer> ask(Ask what) { return ask(std::move(what), {}); }

    virtual MonotonicTime now() const = 0;

    /// Does nothing for that long.
    virtual void wait(Duration span) = 0;

    /// For messages: "http://127.0.0.1:8868".
    virtual const BaseUrl& url() const = 0;

protected:
    Session() = default;
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;
};

/// Resolves the name; connects at the first ask, to the first of the name's addresses that takes
/// the connection. Errors: kUnavailable if the name is not known, otherwise a bad CA file.
Result<std::unique_ptr<Session>> open_session(const ConnectionOptions& options);

}  // namespace kumo::cli
