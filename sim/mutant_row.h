#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace kumo::sim {

/// What came of disabling one rule.
struct RowResult {
    std::string symptom;  ///< What the checks said first; empty: nothing in the time there was.
    std::uint64_t seeds = 0;
    double seconds = 0;
};

/// To whoever waits for a row.
class RowReport {
public:
    explicit RowReport(int pipe) : pipe_(pipe) {}

    void begin_seed(std::uint64_t seed) const;
    void caught(const std::string& symptom) const;

private:
    void write(const std::string& line) const;

    int pipe_;
};

/// Runs `work` in a process of its own: a fault may end it by an assertion, which is a finding too,
/// or keep it busy for ever, which is none. kRowSeconds of the processor are all that it gets,
/// however busy the machine is.
RowResult run_row(const std::function<void(const RowReport&)>& work);

/// Simulator, rule, mutant, caught or not, seeds, seconds, symptom.
std::string table_row(
    const std::string& simulator,
    const std::string& rule,
    const std::string& mutant,
    const RowResult& row
);

inline constexpr unsigned kRowSeconds = 30;

}  // namespace kumo::sim
