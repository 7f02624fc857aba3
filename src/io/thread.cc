#include "io/thread.h"

#include <algorithm>
#include <thread>

#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>

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

void give_way() {
    constexpr int kNice = 5;  // A third of the weight of a thread with 0.
    const sched_param none{};
    (void)::sched_setscheduler(0, SCHED_BATCH, &none);
    // 0 is the calling thread; the others of the process keep theirs.
    (void)::setpriority(PRIO_PROCESS, 0, kNice);
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
