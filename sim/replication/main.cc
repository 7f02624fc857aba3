// replication_sim: shard copies, leases and the coordinator under faults, from seeds. The command
// line is the runner's.
#include "cluster/internal/mutant.h"
#include "replication/cluster.h"
#include "runner.h"

namespace kumo::cluster {

namespace {

struct Simulation {
    using Cluster = sim::Cluster;
    using Outcome = sim::Outcome;
    using Mutant = cluster::Mutant;

    static constexpr const char* kName = "replication";
    static constexpr const char* kSwitches = "";
    static constexpr std::uint64_t kMutantSeedsMax = 3'000;

    static constexpr kumo::sim::Counter<Outcome> kCounters[] = {
        {&Outcome::acknowledged, "acknowledged writes"},
        {&Outcome::reads, "reads"},
        {&Outcome::replica_reads, "at replicas"},
        {&Outcome::strict_reads, "strict reads"},
        {&Outcome::retries, "tries"},
        {&Outcome::crashes, "crashes"},
        {&Outcome::power_cuts, "of them of power"},
        {&Outcome::promotions, "promotions"},
        {&Outcome::elections, "elections"},
        {&Outcome::lost, "reported losses"},
        {&Outcome::handovers, "handovers"},
        {&Outcome::shrinks, "shrinks"},
        {&Outcome::expands, "expands"},
        {&Outcome::installs, "installs"},
        {&Outcome::fences, "fences"},
        {&Outcome::leader_changes, "leaders"},
    };

    static constexpr kumo::sim::Planted<Mutant> kMutants[] = {
        {Mutant::kAckBeforeCopies, "kAckBeforeCopies", "R4 acknowledged when the copies have it"},
        {Mutant::kShrinkBeforeCommit,
         "kShrinkBeforeCommit",
         "R5 a copy counts until its leaving is committed"},
        {Mutant::kNoUnionOnExpand,
         "kNoUnionOnExpand",
         "R4 a copy counts from the proposal to add it"},
        {Mutant::kNoLogMatching, "kNoLogMatching", "R3 log matching and truncation"},
        {Mutant::kNoTermCheck, "kNoTermCheck", "R3 older terms are refused"},
        {Mutant::kTruncateToCommitted,
         "kTruncateToCommitted",
         "R3 only what conflicts is truncated"},
        {Mutant::kElectFromAssigned, "kElectFromAssigned", "R7 only a copy in sync is promoted"},
        {Mutant::kUncleanStaysInSync,
         "kUncleanStaysInSync",
         "R2, R8 an unclean copy leaves the in-sync set"},
        {Mutant::kAddFencedCopy, "kAddFencedCopy", "R8 a copy is added only as a run that serves"},
        {Mutant::kNoLease, "kNoLease", "R9 reads need a lease"},
        {Mutant::kLeaseFromReceipt, "kLeaseFromReceipt", "R9 a lease counts from the request"},
        {Mutant::kNoDriftMargin, "kNoDriftMargin", "R9 fencing waits longer than the lease"},
        {Mutant::kLeaseAsFlag,
         "kLeaseAsFlag",
         "R9 the lease is compared with the clock at each read"},
        {Mutant::kGrantWithoutState,
         "kGrantWithoutState",
         "R9 a grant needs the state that it carries"},
        {Mutant::kGrantWithoutRound, "kGrantWithoutRound", "R9 a grant needs a later quorum round"},
        {Mutant::kNewLeaderDoesNotWait,
         "kNewLeaderDoesNotWait",
         "R9 a new leader waits before it fences"},
        {Mutant::kDeposeLivePrimary,
         "kDeposeLivePrimary",
         "R10 a live primary is not deposed by a term alone"},
        {Mutant::kResumeByItself,
         "kResumeByItself",
         "R10 a stopped primary does not resume by itself"},
        {Mutant::kReadBeforeNoOp,
         "kReadBeforeNoOp",
         "R7 no reads before the term's first entry commits"},
        {Mutant::kApplyBeforeCommit,
         "kApplyBeforeCommit",
         "R6 nothing is applied before it commits"},
        {Mutant::kGrantBeforeApplied,
         "kGrantBeforeApplied",
         "R9 a grant needs what was committed to be applied"},
        {Mutant::kGrantWhileFencing, "kGrantWhileFencing", "R9 no grant once fencing is proposed"},
        {Mutant::kAckBeforeDurable, "kAckBeforeDurable", "R2 durable before acknowledged"},
        {Mutant::kExpandTooEarly, "kExpandTooEarly", "R8 only a copy that has everything is added"},
        {Mutant::kForgetRequests, "kForgetRequests", "R13 a retry is known"},
        {Mutant::kRegisterNotIdempotent, "kRegisterNotIdempotent", "R9 a run registers once"},
        {Mutant::kRegisterUnseen,
         "kRegisterUnseen",
         "R9 a run that registers knows of the one before"},
        {Mutant::kMinInSyncGatesNoOp,
         "kMinInSyncGatesNoOp",
         "R4 min_in_sync does not hold a term's first entry back"},
        {Mutant::kOneAnswerFewer, "kOneAnswerFewer", "R7 an election needs n - q + 1 answers of n"},
        {Mutant::kNotTheBestLog, "kNotTheBestLog", "R7 the best log is elected"},
        {Mutant::kNoTermPromise, "kNoTermPromise", "R7 the term is promised before the answer"},
        {Mutant::kControlRemovesMember,
         "kControlRemovesMember",
         "R5 of a majority, only the primary removes a member"},
        {Mutant::kReadIndexWithoutLease,
         "kReadIndexWithoutLease",
         "R12 an index for a replica's read needs the lease"},
        {Mutant::kStrictReadAsksOne, "kStrictReadAsksOne", "R12 a strict read asks every copy"},
        {Mutant::kStrictReadNotPending,
         "kStrictReadNotPending",
         "R12 a strict read asks those who are being added"},
        {Mutant::kTrustTaintedCopy,
         "kTrustTaintedCopy",
         "R6 a copy that has applied what is lost is built anew"},
    };

    static void plant(Mutant mutant) { planted_mutant = mutant; }
};

}  // namespace

}  // namespace kumo::cluster

int main(int argc, char** argv) {
    return kumo::sim::Runner<kumo::cluster::Simulation>::run(argc, argv);
}
