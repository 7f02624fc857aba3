// keys_sim: clusters of keys under faults, from seeds. Besides the runner's command line:
//
//     --without KIND   (any number of them) leaves a kind of fault out
//     --log            what the nodes log, on stderr
//     --verbose        every event, on stdout
#include "base/log.h"
#include "keys/cluster.h"
#include "node/internal/kv_mutant.h"
#include "runner.h"

#include <cstdlib>
#include <string>
#include <vector>

namespace kumo::node {

KvMutant planted_kv_mutant = KvMutant::kNone;

namespace sim {

namespace {

struct Simulation {
    using Cluster = sim::Cluster;
    using Outcome = sim::Outcome;
    using Mutant = KvMutant;

    static constexpr const char* kName = "keys";
    static constexpr const char* kSwitches =
        "       --without KIND   (any number of them) leaves a kind of fault out\n"
        "       --log            what the nodes log, on stderr\n"
        "       --verbose        every event, on stdout\n";
    static constexpr std::uint64_t kMutantSeedsMax = 400;

    static constexpr kumo::sim::Counter<Outcome> kCounters[] = {
        {&Outcome::appends, "appends"},
        {&Outcome::reads, "reads"},
        {&Outcome::refused, "refused"},
        {&Outcome::unknown, "unknown"},
        {&Outcome::faults, "faults"},
        {&Outcome::starts, "starts"},
        {&Outcome::moves, "moves of slots"},
        {&Outcome::moved, "of them done"},
        {&Outcome::settle_ms, "ms until all was well"},
    };

    static constexpr kumo::sim::Planted<Mutant> kMutants[] = {
        {KvMutant::kAnswerBeforeCommit,
         "answer-before-commit",
         "no answer before all that was logged is committed"},
        {KvMutant::kNoLeaseCheck, "no-lease-check", "commands run under a lease"},
        {KvMutant::kAnswersSurviveRole, "answers-survive-role", "answers do not survive the role"},
        {KvMutant::kKeepCutCopy, "keep-cut-copy", "a copy that made what was cut is built anew"},
        {KvMutant::kCheckpointUncommitted,
         "checkpoint-uncommitted",
         "a checkpoint counts when it is committed"},
        {KvMutant::kBringNothing, "bring-nothing", "keys are stored before their copy begins"},
        {KvMutant::kApplyParts, "apply-parts", "a change of several entries is made at once"},
        {KvMutant::kMoveUnfenced,
         "move-unfenced",
         "slots move only from the primary that has frozen them"},
        {KvMutant::kMoveAdoptTwice, "move-adopt-twice", "what has come is adopted once"},
        {KvMutant::kMoveNotFrozen, "move-not-frozen", "commands wait while the last is sent"},
        {KvMutant::kMoveThaws, "move-thaws", "the source does not go on by itself"},
        {KvMutant::kMoveFinishEarly,
         "move-finish-early",
         "slots move when the target's log has everything safely"},
        {KvMutant::kMoveServeEarly,
         "move-serve-early",
         "nothing runs before what has come is shown"},
        {KvMutant::kMoveForgetEarly,
         "move-forget-early",
         "what has come goes only when the move has come to nothing"},
        {KvMutant::kMoveNotStored, "move-not-stored", "a checkpoint knows of moves"},
        {KvMutant::kMoveArrivingNotStored,
         "move-arriving-not-stored",
         "a checkpoint has what is arriving"},
        {KvMutant::kMoveNoTail, "move-no-tail", "what is done meanwhile is sent, too"},
        {KvMutant::kMoveKeeps, "move-keeps", "the source drops what has moved"},
    };

    static void plant(Mutant mutant) { planted_kv_mutant = mutant; }
};

int main(int argc, char** argv) {
    std::vector<char*> rest = {argv[0]};
    bool log = false;
    for (int i = 1; i < argc; ++i) {
        const std::string argument = argv[i];
        if (argument == "--without" && i + 1 < argc) {
            const auto kind = parse_fault(argv[++i]);
            if (!kind) {
                (void)std::fprintf(stderr, "no such fault: %s\n", argv[i]);
                return kumo::sim::kExitUsage;
            }
            settings().without.insert(*kind);
        } else if (argument == "--log") {
            log = true;
        } else if (argument == "--verbose") {
            settings().verbose = true;
        } else {
            rest.push_back(argv[i]);
        }
    }
    if (!log) {
        const Status opened = log_open({"/dev/null", LogLevel::kError});
        if (!opened.ok()) {
            return EXIT_FAILURE;
        }
    }
    return kumo::sim::Runner<Simulation>::run(static_cast<int>(rest.size()), rest.data());
}

}  // namespace

}  // namespace sim

}  // namespace kumo::node

int main(int argc, char** argv) {
    return kumo::node::sim::main(argc, argv);
}
