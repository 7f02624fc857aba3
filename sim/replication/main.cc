// replication_sim [FIRST COUNT] | --repeat FIRST COUNT | --mutants: runs Raft's core under faults,
// from seeds.
#include "cluster/internal/mutant.h"
#include "replication/cluster.h"

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace kumo::cluster::sim {

namespace {

struct Planted {
    Mutant mutant;
    const char* rule;
};

constexpr Planted kMutants[] = {
    {Mutant::kAckBeforeCopies, "R4 acknowledged when the copies have it"},
    {Mutant::kShrinkBeforeCommit, "R5 a copy counts until its leaving is committed"},
    {Mutant::kNoUnionOnExpand, "R4 a copy counts from the proposal to add it"},
    {Mutant::kNoLogMatching, "R3 log matching and truncation"},
    {Mutant::kNoTermCheck, "R3 older terms are refused"},
    {Mutant::kTruncateToCommitted, "R3 only what conflicts is truncated"},
    {Mutant::kElectFromAssigned, "R7 only a copy in sync is promoted"},
    {Mutant::kUncleanStaysInSync, "R2, R8 an unclean copy leaves the in-sync set"},
    {Mutant::kNoIncarnationCheck, "R8 a copy is added as the run that was seen"},
    {Mutant::kNoLease, "R9 reads need a lease"},
    {Mutant::kLeaseFromReceipt, "R9 a lease counts from the request"},
    {Mutant::kNoDriftMargin, "R9 fencing waits longer than the lease"},
    {Mutant::kLeaseAsFlag, "R9 the lease is compared with the clock at each read"},
    {Mutant::kGrantWithoutState, "R9 a grant needs the state that it carries"},
    {Mutant::kGrantWithoutRound, "R9 a grant needs a later quorum round"},
    {Mutant::kNewLeaderDoesNotWait, "R9 a new leader waits before it fences"},
    {Mutant::kDeposeLivePrimary, "R10 a live primary is not deposed by a term alone"},
    {Mutant::kReadBeforeNoOp, "R7 no reads before the term's first entry commits"},
    {Mutant::kApplyBeforeCommit, "R6 nothing is applied before it commits"},
    {Mutant::kRegisterNotIdempotent, "R9 a run registers once"},
};

constexpr std::uint64_t kMutantSeedsMax = 3'000;

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
        sum.acknowledged += outcome.acknowledged;
        sum.reads += outcome.reads;
        sum.retries += outcome.retries;
        sum.crashes += outcome.crashes;
        sum.power_cuts += outcome.power_cuts;
        sum.promotions += outcome.promotions;
        sum.handovers += outcome.handovers;
        sum.shrinks += outcome.shrinks;
        sum.expands += outcome.expands;
        sum.installs += outcome.installs;
        sum.fences += outcome.fences;
        sum.leader_changes += outcome.leader_changes;
    }
    const auto number = [](std::uint64_t value) {
        return static_cast<unsigned long long>(value);
    };
    std::printf(
        "replication: %llu runs, %llu failed; %llu acknowledged writes, %llu reads, %llu tries, "
        "%llu "
        "crashes (%llu of power), %llu promotions, %llu handovers, %llu shrinks, %llu expands, "
        "%llu "
        "installs, %llu fences, %llu leaders\n",
        number(count),
        number(failed),
        number(sum.acknowledged),
        number(sum.reads),
        number(sum.retries),
        number(sum.crashes),
        number(sum.power_cuts),
        number(sum.promotions),
        number(sum.handovers),
        number(sum.shrinks),
        number(sum.expands),
        number(sum.installs),
        number(sum.fences),
        number(sum.leader_changes)
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
    const bool repeat = first == "--repeat";
    const int place = repeat ? 2 : 1;
    const auto number = [&](int i, std::uint64_t otherwise) {
        return argc > i ? std::strtoull(argv[i], nullptr, 10) : otherwise;
    };
    return run_seeds(number(place, 1), number(place + 1, 1000), repeat ? 2 : 1);
}

}  // namespace

}  // namespace kumo::cluster::sim

int main(int argc, char** argv) {
    return kumo::cluster::sim::run(argc, argv);
}
