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
    kMoveUnfenced,           ///< may_be_finished() in kv_state.cc
    kMoveAdoptTwice,         ///< adopt() in kv_move_table.cc
    kMoveNotFrozen,          ///< KvMoves::freeze
    kMoveThaws,              ///< KvMoves::tick: the source goes on by itself.
    kMoveFinishEarly,        ///< KvMoves::finish_imports
    kMoveServeEarly,         ///< KvMoves::is_settled
    kMoveForgetEarly,        ///< KvMoves::settle
    kMoveNotStored,          ///< encode_kv_checkpoint
    kMoveNoTail,             ///< Planted in the simulator's engine.
    kMoveKeeps,              ///< The same: the source keeps what has moved.
    kMoveArrivingNotStored,  ///< The same.
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
