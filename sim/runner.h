#pragma once

#include "mutant_row.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <system_error>
#include <vector>

namespace kumo::sim {

inline constexpr int kExitUsage = 2;

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
///     --help                       says this, and kSwitches
///
/// Anything else is an error, which ends with kExitUsage.
///
/// `Simulation` names its Cluster, Outcome and Mutant, and has kName, kCounters, kMutants,
/// kMutantSeedsMax, kSwitches and plant().
template <typename Simulation>
class Runner {
public:
    static int run(int argc, char** argv) {
        std::vector<std::string> words(argv + 1, argv + argc);
        if (std::find(words.begin(), words.end(), "--help") != words.end()) {
            say(usage());
            return EXIT_SUCCESS;
        }
        std::string mode;
        std::string mutant;
        if (!words.empty() && words.front().starts_with("--")) {
            mode = words.front();
            words.erase(words.begin());
        }
        if (mode == "--mutant" && !words.empty()) {
            mutant = words.front();
            words.erase(words.begin());
        }
        std::array<std::uint64_t, 2> range = {1, 1000};
        const bool ranged = mode != "--mutants";
        const bool known = mode.empty() || mode == "--repeat" || mode == "--mutants"
                           || (mode == "--mutant" && !mutant.empty());
        if (!known || words.size() > (ranged ? range.size() : 0) || !read(words, range)) {
            (void)std::fputs(("wrong arguments\n" + usage()).c_str(), stderr);
            return kExitUsage;
        }
        if (mode == "--mutants") {
            return run_mutants();
        }
        return mode == "--mutant" ? run_mutant(mutant, range[0], range[1])
                                  : run_seeds(range[0], range[1], mode == "--repeat" ? 2 : 1);
    }

private:
    using Cluster = typename Simulation::Cluster;
    using Outcome = typename Simulation::Outcome;

    static std::string usage() {
        const std::string name = std::string(Simulation::kName) + "_sim";
        return "usage: " + name + " [FIRST COUNT]            seeds; 1 1000 if not said\n       "
               + name + " --repeat [FIRST COUNT]   each twice: the traces have to be equal\n       "
               + name + " --mutants                each rule disabled alone, until it is noticed\n"
               + "       " + name + " --mutant NAME [FIRST COUNT]\n       " + name + " --help\n"
               + Simulation::kSwitches;
    }

    /// False if one is no number.
    static bool read(const std::vector<std::string>& words, std::array<std::uint64_t, 2>& numbers) {
        for (std::size_t i = 0; i < words.size(); ++i) {
            const char* const end = words[i].data() + words[i].size();
            const auto [stop, error] = std::from_chars(words[i].data(), end, numbers[i]);
            if (error != std::errc() || stop != end) {
                return false;
            }
        }
        return true;
    }

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
        (void)std::fputs(("no mutant '" + name + "'\n").c_str(), stderr);
        return kExitUsage;
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
