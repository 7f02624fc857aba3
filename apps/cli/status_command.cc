#include "cli/command.h"
#include "cli/explain.h"
#include "cli/status_view.h"
#include "cli/terminal.h"

#include <cstdio>
#include <optional>

namespace kumo::cli {
namespace {

/// Absent if the server refused, as it does where the key may not look.
wire::JsonValue root(const std::optional<wire::JsonDocument>& document) {
    return document ? document->root() : wire::JsonValue();
}

std::optional<wire::JsonDocument> parse(const Answer& answer) {
    auto document = wire::JsonDocument::parse(answer.body);
    if (!document.ok()) {
        return std::nullopt;
    }
    return std::move(document).value();
}

std::optional<wire::JsonDocument> parse_good(const Result<Answer>& answer) {
    if (!answer.ok() || answer.value().status != 200) {
        return std::nullopt;
    }
    return parse(answer.value());
}

}  // namespace

int run_status(Session& session, const StatusOptions& /*options*/) {
    const auto health = session.ask({wire::HttpMethod::kGet, "/health", ""});
    if (!health.ok()) {
        return fail_unreachable(session.url(), health.error());
    }
    const auto debug = session.ask({wire::HttpMethod::kGet, "/debug", ""});
    const auto metrics = session.ask({wire::HttpMethod::kGet, "/metrics.json", ""});
    const auto collections =
        session.ask({wire::HttpMethod::kGet, "/collections?exclude_fields=fields", ""});

    const auto health_json = parse(health.value());
    const auto debug_json = parse_good(debug);
    const auto metrics_json = parse_good(metrics);
    const auto collections_json = parse_good(collections);
    const std::string text = status_text(
        {root(health_json), root(debug_json), root(metrics_json), root(collections_json)},
        Terminal::of(stdout).colour
    );
    (void)std::printf("server        %s\n%s", session.url().to_string().c_str(), text.c_str());
    if (!collections.ok()) {
        return fail_unreachable(session.url(), collections.error());
    }
    if (collections.value().status != 200) {
        return fail_refused(collections.value());
    }
    return health.value().status == 200 ? kExitOk : kExitFailed;
}

}  // namespace kumo::cli
