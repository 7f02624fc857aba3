#pragma once

namespace kumo::consensus {

// Faults that the simulator's build plants to see that its checks find them. In every other build
// the question is answered at compile time, and nothing of it is left.

enum class Mutant {
    kNone = 0,
    kCommitOldTerm = 1,
    kDoubleVote = 2,
    kSendBeforeSync = 4,
    kVoteWithoutLogCheck = 5,
    kReadBeforeOwnCommit = 6,
    kReadWithoutRound = 7,
    kNoConfigurationRollBack = 9,
    kNoJointPhase = 11,
    kNoEpochFencing = 12,
    kNoPreviousEntryCheck = 14,
    kOwnVoteAtOnce = 15,
    kHardStateFirst = 16,
    kQuietRoundedUp = 17,
    kQuietOfOneself = 18,
};

#ifdef KUMO_CONSENSUS_MUTANTS
// NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables): of one-threaded simulators
extern Mutant planted_mutant;

inline bool planted(Mutant mutant) {
    return planted_mutant == mutant;
}
#else
constexpr bool planted(Mutant) {
    return false;
}
#endif

}  // namespace kumo::consensus
