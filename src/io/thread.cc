#include "io/thread.h"

#include <algorithm>
#include <thread>

#include <pthread.h>
#include <sched.h>

namespace kumo::io {

struct Thread::Impl {
    std::thread thread;
};

Thread::Thread(std::string name, Task body) : impl_(std::make_unique<Impl>()) {
    name.resize(std::min<std::size_t>(name.size(), 15));
    impl_->thread = std::thread([name = std::move(name), body = std::move(body)] {
        (void)::pthread_setname_np(::pthread_self(), name.c_str());
        body();
    });
}

Thread::~Thread() {
    join();
}

void Thread::join() {
    if (impl_->thread.joinable()) {
        impl_->thread.join();
    }
}

unsigned available_cores() {
    cpu_set_t cores;
    CPU_ZERO(&cores);
    if (::sched_getaffinity(0, sizeof(cores), &cores) != 0) {
        return 1;
    }
    return std::max(1U, static_cast<unsigned>(CPU_COUNT(&cores)));
}

}  // namespace kumo::io
