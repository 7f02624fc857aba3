#pragma once

#include "api/elastic/json.h"
#include "base/clock.h"
#include "base/result.h"
#include "wire/http1_fields.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kumo::api_elastic {

struct Context;

/// The parameters of a query string.
class Parameters {
public:
    /// illegal_argument_exception.
    static Result<Parameters> parse(ByteView query);

    bool has(std::string_view name) const { return find(name) != nullptr; }

    /// Null if there is none; of several the last.
    const std::string* find(std::string_view name) const;
    std::string text(std::string_view name, std::string_view otherwise = "") const;
    /// "x=" and "x" are true. illegal_argument_exception: "Failed to parse value [...] as only
    /// [true] or [false] are allowed.".
    Result<bool> flag(std::string_view name, bool otherwise) const;
    /// For what is harmless if it is wrong.
    bool flag_or(std::string_view name, bool otherwise) const;
    Result<std::int64_t> integer(std::string_view name, std::int64_t otherwise) const;
    /// "30s", "100ms", "1m", ... illegal_argument_exception.
    Result<Duration> time(std::string_view name, Duration otherwise) const;
    /// Parts between commas.
    std::vector<std::string> list(std::string_view name) const;

    void set(std::string name, std::string value) {
        all_.emplace_back(std::move(name), std::move(value));
    }

    const std::vector<std::pair<std::string, std::string>>& all() const { return all_; }

private:
    std::vector<std::pair<std::string, std::string>> all_;
};

/// One request, whole. Owned by the thread that works on it.
struct Request {
    const Context& context;
    wire::HttpMethod method{};
    std::string path{};                                       ///< Without the query string.
    std::map<std::string, std::string, std::less<>> parts{};  ///< "{index}" and the like, decoded.
    Parameters parameters{};
    std::string body{};
    std::string accept{};
    std::string content_type{};
    std::string opaque_id{};  ///< X-Opaque-Id: what a client calls it.

    /// Empty if the route has none.
    std::string part(std::string_view name) const;

    /// The body as JSON; null if it is empty. parse_exception.
    Result<Json> json() const;

    /// The same; for routes that cannot do without: parse_exception "request body is required".
    Result<Json> required_json() const;
};

/// What a handler answers.
struct Answer {
    Answer(Json json) : body(std::move(json)) {}  // NOLINT(google-explicit-constructor): reads well

    Answer(int code, Json json) : status(code), body(std::move(json)) {}

    static Answer plain(std::string text) {
        Answer out{Json()};
        out.text = std::move(text);
        return out;
    }

    int status = 200;
    Json body;
    std::optional<std::string> text;  ///< Instead of the body: plain text.
    std::string warning{};            ///< Of a deprecated name; for the Warning header.
};

/// Blocks until it has the answer; runs on the dialect's threads.
using Handler = Result<Answer> (*)(const Request& request);

/// "30s", "1d", "500ms", "-1" (which is 0); nothing for anything else.
std::optional<Duration> parse_time(std::string_view text);
/// "10mb", "1gb", "100b", "12"; nothing for anything else.
std::optional<std::uint64_t> parse_bytes(std::string_view text);
/// "1.2kb", "3gb": as `_cat` writes sizes.
std::string bytes_text(std::uint64_t bytes);

/// Parts between commas, none of them empty.
std::vector<std::string> split_list(std::string_view text);

}  // namespace kumo::api_elastic
