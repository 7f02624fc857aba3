// node_sim: whole nodes under faults, from seeds. Besides the runner's command line:
//
//     --without KIND   (any number of them) leaves a kind of fault out
//     --log            what the nodes log, on stderr
//     --verbose        every event, on stdout
//     --no-shrink      does not look for faults that a failure does not need
#include "base/log.h"
#include "node/cluster.h"
#include "runner.h"

#include <array>
#include <cstdlib>
#include <string>
#include <vector>

namespace kumo::node::sim {

namespace {

/// One run; after a failure, more of them, each without one more kind of fault.
class ShrinkingRun {
public:
    explicit ShrinkingRun(std::uint64_t seed) : seed_(seed) {}

    Outcome run() {
        Outcome outcome = Cluster(seed_).run();
        if (!outcome.failure.empty() && settings().shrink) {
            outcome.failure += shrink();
        }
        return outcome;
    }

private:
    std::string shrink() const {
        const Settings before = settings();
        std::string needed;
        std::string last;
        for (std::size_t k = 0; k < kFaultKinds; ++k) {
            const auto kind = static_cast<FaultKind>(k);
            if (!settings().without.insert(kind).second) {
                continue;
            }
            const Outcome outcome = Cluster(seed_).run();
            if (outcome.failure.empty()) {
                settings().without.erase(kind);
                needed += " " + std::string(name_of(kind));
            } else {
                last = outcome.failure.substr(0, outcome.failure.find('\n'));
            }
        }
        std::string switches;
        for (const FaultKind kind : settings().without) {
            switches += " --without " + std::string(name_of(kind));
        }
        settings() = before;
        return "\n  needs:" + needed + "\n  then:  " + last + "\n  again: node_sim" + switches + " "
               + std::to_string(seed_) + " 1";
    }

    const std::uint64_t seed_;
};

struct Simulation {
    using Cluster = ShrinkingRun;
    using Outcome = sim::Outcome;
    enum class Mutant : std::uint8_t {
    };

    static constexpr const char* kName = "node";
    static constexpr const char* kSwitches =
        "       --without KIND   (any number of them) leaves a kind of fault out\n"
        "       --log            what the nodes log, on stderr\n"
        "       --verbose        every event, on stdout\n"
        "       --no-shrink      does not look for faults that a failure does not need\n";
    static constexpr std::uint64_t kMutantSeedsMax = 0;

    static constexpr kumo::sim::Counter<Outcome> kCounters[] = {
        {&Outcome::acknowledged, "acknowledged writes"},
        {&Outcome::refused, "refused"},
        {&Outcome::unknown, "unknown"},
        {&Outcome::reads, "reads"},
        {&Outcome::scans, "scans"},
        {&Outcome::documents, "documents"},
        {&Outcome::collections, "collections"},
        {&Outcome::faults, "faults"},
        {&Outcome::starts, "starts"},
        {&Outcome::replaced, "machines replaced"},
        {&Outcome::controls_lost, "control planes damaged"},
        {&Outcome::settle_ms, "ms until all was well"},
    };

    static constexpr std::array<kumo::sim::Planted<Mutant>, 0> kMutants{};

    static void plant(Mutant /*mutant*/) {}
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
        } else if (argument == "--no-shrink") {
            settings().shrink = false;
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

}  // namespace kumo::node::sim

int main(int argc, char** argv) {
    return kumo::node::sim::main(argc, argv);
}
