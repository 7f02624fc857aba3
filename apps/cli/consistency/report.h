#pragma once

#include "base/clock.h"
#include "cli/consistency/book.h"

#include <cstdint>
#include <string>
#include <vector>

/// What check-consistency prints. Stateless.
namespace kumo::cli {

/// One second of it.
struct SecondSummary {
    std::uint64_t second = 0;
    std::uint64_t writes = 0;  ///< In this second; the others since the beginning.
    std::uint64_t reads = 0;
    std::uint64_t errors = 0;
    Duration longest_pause{};
    ConsistencyBook::Totals totals;
};

/// The titles of second_line()'s columns.
std::string second_head();
std::string second_line(const SecondSummary& second);

/// What a scan of one server found.
struct NodeSummary {
    std::string url;
    std::string problem;  ///< Empty: it was scanned.
    std::uint64_t documents = 0;
    std::uint64_t lost = 0;
    std::uint64_t invented = 0;
    std::uint64_t differing = 0;  ///< From the first server that was scanned.

    bool clean() const { return lost == 0 && invented == 0 && differing == 0; }
};

std::string nodes_text(const std::vector<NodeSummary>& nodes);

/// The last line.
std::string verdict(const ConsistencyBook::Totals& totals, const std::vector<NodeSummary>& nodes);

}  // namespace kumo::cli
