#include "cli/cluster_view.h"
#include "cli/command.h"
#include "cli/explain.h"
#include "cli/terminal.h"
#include "wire/json.h"

#include <cstdio>

namespace kumo::cli {

int run_cluster(Session& session, const ClusterOptions& options) {
    const auto answer = session.ask({wire::HttpMethod::kGet, "/operations/cluster", ""});
    if (!answer.ok()) {
        return fail_unreachable(session.url(), answer.error());
    }
    if (answer.value().status != 200) {
        return fail_refused(answer.value());
    }
    const auto document = wire::JsonDocument::parse(answer.value().body);
    if (!document.ok()) {
        return fail(kExitFailed, "the server's answer is not JSON: " + document.error().message);
    }
    const ClusterReport report =
        cluster_report(document.value().root(), Terminal::of(stdout).colour);
    if (options.json) {
        (void)std::printf("%s\n", answer.value().body.c_str());
    } else {
        (void)std::fwrite(report.text.data(), 1, report.text.size(), stdout);
    }
    return report.well ? kExitOk : kExitFailed;
}

}  // namespace kumo::cli
