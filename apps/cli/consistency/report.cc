#include "cli/consistency/report.h"

#include "cli/text.h"

#include <algorithm>
#include <array>

namespace kumo::cli {
namespace {

constexpr std::size_t kColumn = 10;

template <typename Cells>
std::string row(const Cells& cells) {
    std::string line;
    for (const std::string& cell : cells) {
        line.append(kColumn - std::min(kColumn - 1, cell.size()), ' ');
        line += cell;
    }
    return line;
}

std::string milliseconds(Duration duration) {
    return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(duration).count())
           + " ms";
}

}  // namespace

std::string second_head() {
    const std::array<std::string, 9> titles{
        "second",
        "writes/s",
        "reads/s",
        "errors",
        "unknown",
        "pause",
        "lost",
        "invented",
        "stale"};
    return row(titles);
}

std::string second_line(const SecondSummary& second) {
    const std::array<std::string, 9> cells{
        std::to_string(second.second),
        with_thousands(second.writes),
        with_thousands(second.reads),
        with_thousands(second.errors),
        with_thousands(second.totals.unknown),
        milliseconds(second.longest_pause),
        with_thousands(second.totals.lost),
        with_thousands(second.totals.invented),
        with_thousands(second.totals.stale)};
    return row(cells);
}

std::string nodes_text(const std::vector<NodeSummary>& nodes) {
    std::string text;
    for (const NodeSummary& node : nodes) {
        text += node.url + ": ";
        if (!node.problem.empty()) {
            text += "NOT CHECKED, " + node.problem + "\n";
            continue;
        }
        text += counted_documents(node.documents) + ", " + with_thousands(node.lost) + " lost, "
                + with_thousands(node.invented) + " invented, " + with_thousands(node.differing)
                + " differing\n";
    }
    return text;
}

std::string verdict(const ConsistencyBook::Totals& totals, const std::vector<NodeSummary>& nodes) {
    const auto bad = [](const NodeSummary& node) {
        return !node.clean();
    };
    if (totals.clean() && std::none_of(nodes.begin(), nodes.end(), bad)) {
        return "consistent: nothing lost, invented or stale";
    }
    return "NOT CONSISTENT: while it ran " + with_thousands(totals.lost) + " lost, "
           + with_thousands(totals.invented) + " invented, " + with_thousands(totals.stale)
           + " stale reads; at the end as above";
}

}  // namespace kumo::cli
