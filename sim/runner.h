#pragma once

#include "mutant_row.h"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace kumo::sim {

/// A rule that can be disabled, and what it says.
template <typename Mutant>
struct Planted {
    Mutant mutant;
    const char* name;
    const char* rule;
};

/// One of the sums that a report ends with.
template <typename Outcome>
struct Counter {
    std::uint64_t Outcome::*value;
    const char* label;
};

/// The command line of a simulator:
///
///     [FIRST COUNT]                run seeds
///     --repeat [FIRST COUNT]       each twice: the traces have to be equal
///     --mutants                    each rule disabled alone, until the checks notice
///     --mutant NAME [FIRST COUNT]  seeds with one rule disabled
///
/// `Simulation` names its Cluster, Outcome and Mutant, and has kName, kCounters, kMutants,
/// kMutantSeedsMax and plant().
template <typename Simulation>
class Runner {
public:
    static int run(int argc, char** argv) {
        const std::string first = argc > 1 ? argv[1] : "";
        const auto number = [&](int i, std::uint64_t otherwise) {
            return argc > i ? std::strtoull(argv[i], nullptr, 10) : otherwise;
        };
        if (first == "--mutants") {
            return run_mutants();
        }
        if (first == "--mutant") {
            return run_mutant(argc > 2 ? argv[2] : "", number(3, 1), number(4, 1000));
        }
        const bool repeat = first == "--repeat";
        const int place = repeat ? 2 : 1;
        return run_seeds(number(place, 1), number(place + 1, 1000), repeat ? 2 : 1);
    }

private:
    using Cluster = typename Simulation::Cluster;
    using Outcome = typename Simulation::Outcome;

    static int run_seeds(std::uint64_t first, std::uint64_t count, unsigned times) {
        Outcome sum;
        std::uint64_t failed = 0;
        for (std::uint64_t seed = first; seed < first + count; ++seed) {
            const Outcome outcome = Cluster(seed).run();
            for (unsigned again = 1; again < times; ++again) {
                if (Cluster(seed).run().trace != outcome.trace) {
                    say("seed " + std::to_string(seed) + ": two runs differ\n");
                    ++failed;
                }
            }
            if (!outcome.failure.empty()) {
                say("seed " + std::to_string(seed) + ": " + outcome.failure + "\n");
                ++failed;
            }
            for (const auto& counter : Simulation::kCounters) {
                sum.*counter.value += outcome.*counter.value;
            }
        }
        std::string report = std::string(Simulation::kName) + ": " + std::to_string(count)
                             + " runs, " + std::to_string(failed) + " failed";
        const char* separator = "; ";
        for (const auto& counter : Simulation::kCounters) {
            report += separator + std::to_string(sum.*counter.value) + " " + counter.label;
            separator = ", ";
        }
        say(report + "\n");
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
    }

    static int run_mutant(const std::string& name, std::uint64_t first, std::uint64_t count) {
        for (const auto& planted : Simulation::kMutants) {
            if (name == planted.name) {
                Simulation::plant(planted.mutant);
                return run_seeds(first, count, 1);
            }
        }
        say("no mutant '" + name + "'\n");
        return EXIT_FAILURE;
    }

    static int run_mutants() {
        int result = EXIT_SUCCESS;
        for (const auto& planted : Simulation::kMutants) {
            const RowResult row = run_row([&planted](const RowReport& report) {
                Simulation::plant(planted.mutant);
                for (std::uint64_t seed = 1; seed <= Simulation::kMutantSeedsMax; ++seed) {
                    report.begin_seed(seed);
                    const std::string failure = Cluster(seed).run().failure;
                    if (!failure.empty()) {
                        report.caught(failure.substr(0, failure.find('\n')));
                        return;
                    }
                }
            });
            say(table_row(Simulation::kName, planted.rule, planted.name, row));
            result = row.symptom.empty() ? EXIT_FAILURE : result;
        }
        return result;
    }

    static void say(const std::string& text) { (void)std::fputs(text.c_str(), stdout); }
};

}  // namespace kumo::sim
