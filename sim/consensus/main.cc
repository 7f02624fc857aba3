// consensus_sim: Raft's core under faults, from seeds. The command line is the runner's.
#include "consensus/cluster.h"
#include "consensus/internal/mutant.h"
#include "runner.h"

namespace kumo::consensus {

namespace {

struct Simulation {
    using Cluster = sim::Cluster;
    using Outcome = sim::Outcome;
    using Mutant = consensus::Mutant;

    static constexpr const char* kName = "consensus";
    static constexpr const char* kSwitches = "";
    static constexpr std::uint64_t kMutantSeedsMax = 40'000;

    static constexpr kumo::sim::Counter<Outcome> kCounters[] = {
        {&Outcome::commits, "commits"},
        {&Outcome::elections, "elections"},
        {&Outcome::crashes, "crashes"},
        {&Outcome::reads, "reads"},
        {&Outcome::snapshots, "snapshots"},
        {&Outcome::changes, "changes of members"},
        {&Outcome::forced, "forced"},
    };

    static constexpr kumo::sim::Planted<Mutant> kMutants[] = {
        {Mutant::kCommitOldTerm,
         "kCommitOldTerm",
         "entries of older terms commit only with one of the own"},
        {Mutant::kDoubleVote, "kDoubleVote", "one vote a term"},
        {Mutant::kSendBeforeSync, "kSendBeforeSync", "durable before promised"},
        {Mutant::kVoteWithoutLogCheck,
         "kVoteWithoutLogCheck",
         "votes only for logs that are up to date"},
        {Mutant::kReadBeforeOwnCommit,
         "kReadBeforeOwnCommit",
         "reads only after a commit of the own term"},
        {Mutant::kReadWithoutRound, "kReadWithoutRound", "reads only after a round of heartbeats"},
        {Mutant::kNoConfigurationRollBack,
         "kNoConfigurationRollBack",
         "a truncated configuration is rolled back"},
        {Mutant::kNoJointPhase, "kNoJointPhase", "members change by a joint configuration"},
        {Mutant::kNoEpochFencing, "kNoEpochFencing", "other epochs are not listened to"},
        {Mutant::kNoPreviousEntryCheck,
         "kNoPreviousEntryCheck",
         "an append has to match the entry before it"},
        {Mutant::kOwnVoteAtOnce, "kOwnVoteAtOnce", "the own vote counts when it is durable"},
        {Mutant::kHardStateFirst, "kHardStateFirst", "the hard state is stored last"},
        {Mutant::kQuietRoundedUp,
         "kQuietRoundedUp",
         "time before the leader was heard does not count as quiet"},
        {Mutant::kQuietOfOneself, "kQuietOfOneself", "quiet is what all voters were"},
    };

    static void plant(Mutant mutant) { planted_mutant = mutant; }
};

}  // namespace

}  // namespace kumo::consensus

int main(int argc, char** argv) {
    return kumo::sim::Runner<kumo::consensus::Simulation>::run(argc, argv);
}
