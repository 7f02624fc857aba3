#include "keys/machine.h"

#include <utility>

namespace kumo::node::sim {

namespace {

/// A machine's clock, as a thing that is not const: the one of its loops.
class MachineClock final : public Clock {
public:
    explicit MachineClock(const Clock& clock) : clock_(clock) {}

    MonotonicTime monotonic_now() const override { return clock_.monotonic_now(); }

    MonotonicTime boottime_now() const override { return clock_.boottime_now(); }

    WallTime wall_now() const override { return clock_.wall_now(); }

private:
    const Clock& clock_;
};

KvNodeOptions options_at(std::size_t number, KvNodeOptions options) {
    options.data_dir = "/data";
    options.cluster.name = "n" + std::to_string(number);
    options.cluster.listen = cluster_host(number);
    options.cluster.peering_address = cluster_host(number).to_string();
    options.cluster.api_address = cluster_host(number).host_string() + ":6379";
    return options;
}

}  // namespace

KvMachine::KvMachine(
    Site& site,
    std::size_t number,
    KvNodeOptions options,
    std::function<void(const std::string&)> on_misuse
)
    : site_(site),
      host_(cluster_host(number)),
      options_(options_at(number, std::move(options))),
      on_misuse_(std::move(on_misuse)),
      fs_(site.world) {}

KvMachine::~KvMachine() {
    stop();
}

Status KvMachine::boot() {
    loop_ = site_.world.make_loop();
    control_loop_ = site_.world.make_loop();
    clocks_.push_back(std::make_unique<MachineClock>(control_loop_->clock()));
    site_.network.set_host(*control_loop_, host_);
    pool_ = std::make_unique<io::SimWorkerPool>(site_.world, io::WorkerPoolOptions{.threads = 2});
    if (!options_.fsync) {  // Only then it is asked for.
        KUMO_TRY(io::make_directories(fs_, "/proc/sys/kernel/random"));
        const std::string boot = "boot " + std::to_string(boots_) + "\n";
        KUMO_TRY(io::write_file(fs_, "/proc/sys/kernel/random/boot_id", boot));
    }
    engine_ = std::make_unique<Engine>(fs_, *loop_, on_misuse_);
    KUMO_TRY_ASSIGN(
        node_,
        KvNode::open(
            options_,
            {fs_,
             site_.network,
             site_.resolver,
             *loop_,
             *control_loop_,
             *pool_,
             *pool_,
             *clocks_.back()},
            *engine_
        )
    );
    engine_->attach(*node_);
    node_->start();
    return {};
}

void KvMachine::stop() {
    if (loop_ == nullptr) {
        return;
    }
    boots_ += fs_.crashed() ? 1 : 0;
    loop_->kill();
    control_loop_->kill();
    pool_->kill();
    node_.reset();
    engine_.reset();
    pool_.reset();
    dead_loops_.push_back(std::move(loop_));
    dead_loops_.push_back(std::move(control_loop_));
    fs_.restart();
}

}  // namespace kumo::node::sim
