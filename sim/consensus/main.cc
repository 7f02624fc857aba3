// consensus_sim [FIRST COUNT] | --repeat FIRST COUNT | --mutants | --mutant NUMBER FIRST COUNT:
// runs Raft's core under faults, from seeds; with each rule disabled alone until that is noticed,
// or with one (of internal/mutant.h).
#include "consensus/cluster.h"
#include "consensus/internal/mutant.h"

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace kumo::consensus::sim {

namespace {

struct Planted {
    Mutant mutant;
    const char* rule;
};

constexpr Planted kMutants[] = {
    {Mutant::kCommitOldTerm, "entries of older terms commit only with one of the own"},
    {Mutant::kDoubleVote, "one vote a term"},
    {Mutant::kSendBeforeSync, "durable before promised"},
    {Mutant::kVoteWithoutLogCheck, "votes only for logs that are up to date"},
    {Mutant::kReadBeforeOwnCommit, "reads only after a commit of the own term"},
    {Mutant::kReadWithoutRound, "reads only after a round of heartbeats"},
    {Mutant::kNoConfigurationRollBack, "a truncated configuration is rolled back"},
    {Mutant::kNoJointPhase, "members change by a joint configuration"},
    {Mutant::kNoEpochFencing, "other epochs are not listened to"},
    {Mutant::kNoPreviousEntryCheck, "an append has to match the entry before it"},
    {Mutant::kOwnVoteAtOnce, "the own vote counts when it is durable"},
    {Mutant::kHardStateFirst, "the hard state is stored last"},
};

constexpr std::uint64_t kMutantSeedsMax = 40'000;

int run_seeds(std::uint64_t first, std::uint64_t count, unsigned times) {
    Outcome sum;
    std::uint64_t failed = 0;
    for (std::uint64_t seed = first; seed < first + count; ++seed) {
        const Outcome outcome = Cluster(seed).run();
        for (unsigned again = 1; again < times; ++again) {
            if (Cluster(seed).run().trace != outcome.trace) {
                std::printf("seed %llu: two runs differ\n", static_cast<unsigned long long>(seed));
                ++failed;
            }
        }
        if (!outcome.failure.empty()) {
            std::printf(
                "seed %llu: %s\n",
                static_cast<unsigned long long>(seed),
                outcome.failure.c_str()
            );
            ++failed;
        }
        sum.commits += outcome.commits;
        sum.crashes += outcome.crashes;
        sum.elections += outcome.elections;
        sum.reads += outcome.reads;
        sum.snapshots += outcome.snapshots;
        sum.changes += outcome.changes;
        sum.forced += outcome.forced;
    }
    const auto number = [](std::uint64_t value) {
        return static_cast<unsigned long long>(value);  // NOLINT(google-runtime-int): %llu
    };
    std::printf(
        "consensus: %llu runs, %llu failed; %llu commits, %llu elections, %llu crashes, %llu "
        "reads, "
        "%llu snapshots, %llu changes of members, %llu forced\n",
        number(count),
        number(failed),
        number(sum.commits),
        number(sum.elections),
        number(sum.crashes),
        number(sum.reads),
        number(sum.snapshots),
        number(sum.changes),
        number(sum.forced)
    );
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int run_mutants() {
    int result = EXIT_SUCCESS;
    std::printf("%-56s %8s %8s  %s\n", "rule disabled", "seeds", "seconds", "symptom");
    for (const Planted& planted : kMutants) {
        planted_mutant = planted.mutant;
        const auto begin = std::chrono::steady_clock::now();
        std::string symptom;
        std::uint64_t seed = 0;
        while (symptom.empty() && seed < kMutantSeedsMax) {
            symptom = Cluster(++seed).run().failure;
        }
        const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
        std::printf(
            "%-56s %8llu %8.1f  %s\n",
            planted.rule,
            static_cast<unsigned long long>(seed),
            took.count(),
            symptom.empty() ? "NOT FOUND" : symptom.substr(0, symptom.find('\n')).c_str()
        );
        (void)std::fflush(stdout);
        result = symptom.empty() ? EXIT_FAILURE : result;
    }
    planted_mutant = Mutant::kNone;
    return result;
}

int run(int argc, char** argv) {
    const std::string first = argc > 1 ? argv[1] : "";
    if (first == "--mutants") {
        return run_mutants();
    }
    const auto number = [&](int i, std::uint64_t otherwise) {
        return argc > i ? std::strtoull(argv[i], nullptr, 10) : otherwise;
    };
    if (first == "--mutant") {
        planted_mutant = static_cast<Mutant>(number(2, 0));
        return run_seeds(number(3, 1), number(4, 1000), 1);
    }
    const bool repeat = first == "--repeat";
    const int place = repeat ? 2 : 1;
    return run_seeds(number(place, 1), number(place + 1, 1000), repeat ? 2 : 1);
}

}  // namespace

}  // namespace kumo::consensus::sim

int main(int argc, char** argv) {
    return kumo::consensus::sim::run(argc, argv);
}
