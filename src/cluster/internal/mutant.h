#pragma once

namespace kumo::cluster {

// Faults that the simulator's build plants to see that its checks find them. In every other build
// the question is answered at compile time, and nothing of it is left.

enum class Mutant {
    kNone = 0,
    kAckBeforeCopies,        ///< R4
    kShrinkBeforeCommit,     ///< R5
    kNoUnionOnExpand,        ///< R4
    kNoLogMatching,          ///< R3
    kNoTermCheck,            ///< R3
    kTruncateToCommitted,    ///< R3
    kElectFromAssigned,      ///< R7
    kUncleanStaysInSync,     ///< R2, R8
    kAddFencedCopy,          ///< R8
    kNoLease,                ///< R9
    kLeaseFromReceipt,       ///< R9
    kNoDriftMargin,          ///< R9
    kLeaseAsFlag,            ///< R9
    kGrantWithoutState,      ///< R9
    kGrantWithoutRound,      ///< R9
    kNewLeaderDoesNotWait,   ///< R9
    kDeposeLivePrimary,      ///< R10
    kResumeByItself,         ///< R10
    kReadBeforeNoOp,         ///< R7
    kApplyBeforeCommit,      ///< R6
    kRegisterNotIdempotent,  ///< R9
    kRegisterUnseen,         ///< R9
    kGrantBeforeApplied,     ///< R9
    kGrantWhileFencing,      ///< R9
    kAckBeforeDurable,       ///< R2
    kExpandTooEarly,         ///< R8
    kForgetRequests,         ///< R13
    kMinInSyncGatesNoOp,     ///< R4
    kOneAnswerFewer,         ///< R7, majority
    kNotTheBestLog,          ///< R7, majority
    kNoTermPromise,          ///< R7, majority
    kControlRemovesMember,   ///< R5, majority
    kReadIndexWithoutLease,  ///< R12
    kStrictReadAsksOne,      ///< R12
    kStrictReadNotPending,   ///< R12
    kTrustTaintedCopy,       ///< R6, async
};

#ifdef KUMO_CLUSTER_MUTANTS
// NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables): one fault a process
extern Mutant planted_mutant;

inline bool planted(Mutant mutant) {
    return planted_mutant == mutant;
}
#else
constexpr bool planted(Mutant) {
    return false;
}
#endif

}  // namespace kumo::cluster
