#pragma once

namespace kumo::node {

// Faults that the simulator's build plants to see that its checks find them. In every other build
// the question is answered at compile time, and nothing of it is left.

enum class KvMutant {
    kNone = 0,
    kAnswerBeforeCommit,     ///< Planted in the simulator's engine.
    kNoLeaseCheck,           ///< The same.
    kKeepCutCopy,            ///< KvCopy::on_cut
    kCheckpointUncommitted,  ///< KvNode::store_checkpoint
    kBringNothing,           ///< KvNode::bring_in
    kApplyParts,             ///< KvCopy::make
    kAnswersSurviveRole,     ///< Planted in the simulator's engine.
};

#ifdef KUMO_KV_MUTANTS
// NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables): one fault a process
extern KvMutant planted_kv_mutant;

inline bool planted(KvMutant mutant) {
    return planted_kv_mutant == mutant;
}
#else
constexpr bool planted(KvMutant) {
    return false;
}
#endif

}  // namespace kumo::node
