#pragma once

#include "io/fs.h"
#include "io/loop.h"
#include "io/network.h"
#include "io/resolver.h"
#include "io/sim/sim_fs.h"
#include "io/sim/sim_loop.h"
#include "io/sim/sim_network.h"
#include "io/sim/sim_worker_pool.h"
#include "io/sim/sim_world.h"
#include "io/system.h"

#include <functional>
#include <memory>
#include <string>

namespace kumo::io {

/// One world for a test: the same test runs in the real one and in a simulated one. Test code.
class TestEnv {
public:
    virtual ~TestEnv() = default;
    virtual Loop& loop() = 0;
    virtual Network& network() = 0;
    virtual Fs& fs() = 0;
    virtual Resolver& resolver() = 0;
    virtual std::unique_ptr<WorkerPool> make_pool(const WorkerPoolOptions& options) = 0;

    /// A directory of this test's own.
    virtual std::string directory() = 0;

    /// Turns the loop until `done` holds; false if it did not within a generous while.
    virtual bool run_until(const std::function<bool()>& done) = 0;
};

class RealEnv final : public TestEnv {
public:
    RealEnv();
    ~RealEnv() override;

    Loop& loop() override { return *loop_; }

    Network& network() override { return *network_; }

    Fs& fs() override { return *fs_; }

    Resolver& resolver() override { return *resolver_; }

    std::unique_ptr<WorkerPool> make_pool(const WorkerPoolOptions& options) override {
        return make_system_worker_pool(options);
    }

    std::string directory() override { return directory_; }

    bool run_until(const std::function<bool()>& done) override;

private:
    void check(const std::function<bool()>& done, MonotonicTime end);

    std::unique_ptr<Loop> loop_ = make_system_loop();
    std::unique_ptr<Network> network_ = make_system_network();
    std::unique_ptr<Fs> fs_ = make_system_fs();
    std::unique_ptr<Resolver> resolver_ = make_system_resolver();
    std::string directory_;
};

class SimEnv final : public TestEnv {
public:
    explicit SimEnv(std::uint64_t seed = 1);

    Loop& loop() override { return *loop_; }

    Network& network() override { return network_; }

    Fs& fs() override { return fs_; }

    Resolver& resolver() override { return resolver_; }

    std::unique_ptr<WorkerPool> make_pool(const WorkerPoolOptions& options) override {
        return std::make_unique<SimWorkerPool>(world_, options);
    }

    std::string directory() override { return "/test"; }

    bool run_until(const std::function<bool()>& done) override;

    SimWorld& world() { return world_; }

    SimFs& sim_fs() { return fs_; }

    SimNetwork& sim_network() { return network_; }

private:
    SimWorld world_;
    std::unique_ptr<SimLoop> loop_;
    SimNetwork network_;
    SimFs fs_;
    SimResolver resolver_;
};

}  // namespace kumo::io
