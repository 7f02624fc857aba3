#include "io/internal/env_test.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace kumo::io {

RealEnv::RealEnv() {
    std::string name = testing::TempDir() + "kumo_io_XXXXXX";
    KUMO_ASSERT(::mkdtemp(name.data()) != nullptr);
    directory_ = name;
}

RealEnv::~RealEnv() {
    (void)remove_tree(*fs_, directory_);
}

bool RealEnv::run_until(const std::function<bool()>& done) {
    check(done, loop_->clock().monotonic_now() + std::chrono::seconds(30));
    loop_->run();
    return done();
}

void RealEnv::check(const std::function<bool()>& done, MonotonicTime end) {
    if (done() || loop_->clock().monotonic_now() > end) {
        loop_->stop();
        return;
    }
    (void)loop_->add_timer(std::chrono::milliseconds(1), [this, &done, end] { check(done, end); });
}

SimEnv::SimEnv(std::uint64_t seed)
    : world_(seed), loop_(world_.make_loop()), network_(world_), fs_(world_), resolver_(world_) {
    KUMO_ASSERT(fs_.mkdir("/test").ok());
}

bool SimEnv::run_until(const std::function<bool()>& done) {
    for (int i = 0; i < 1'000'000 && !done(); ++i) {
        if (!world_.step()) {
            break;
        }
    }
    return done();
}

}  // namespace kumo::io
