#include "io/internal/epoll_loop.h"

#include "base/assert.h"
#include "io/stream.h"
#include "io/system.h"

#include <algorithm>
#include <array>
#include <cerrno>

#include <sys/epoll.h>
#include <sys/eventfd.h>

namespace kumo::io {

namespace {

/// What epoll hands back for the eventfd; no watch has generation 0.
constexpr std::uint64_t kWakeToken = 0;

std::uint64_t token_of(WatchId id) {
    return (std::uint64_t{id.generation} << 32U) | id.index;
}

}  // namespace

EpollLoop::EpollLoop()
    : clock_(system_clock()),
      random_(random_seed()),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      read_buffer_(std::make_unique<char[]>(kReadChunkBytes)) {
    KUMO_ASSERT(epoll_.valid() && wake_.valid());
    epoll_event event = {};
    event.events = EPOLLIN;
    event.data.u64 = kWakeToken;
    KUMO_ASSERT(::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_.get(), &event) == 0);
}

EpollLoop::~EpollLoop() {
    // Tasks may own streams and timers, whose destructors use this loop: empty everything while
    // it still stands, and again what that may have added.
    for (bool more = true; more;) {
        std::vector<Task> posted;
        {
            const MutexLock lock(mutex_);
            posted.swap(posted_);
        }
        const auto ready = std::move(ready_);
        const auto deferred = std::move(deferred_);
        const auto flushes = std::move(flushes_);
        const auto watches = std::move(watches_);
        ready_.clear();
        deferred_.clear();
        flushes_.clear();
        watches_.clear();
        timers_.clear();
        more = !posted.empty() || !ready.empty() || !deferred.empty() || !flushes.empty()
               || !watches.empty();
    }
}

EpollLoop& EpollLoop::of(Loop& loop) {
    auto* const epoll_loop = dynamic_cast<EpollLoop*>(&loop);
    KUMO_ASSERT(epoll_loop != nullptr);
    return *epoll_loop;
}

void EpollLoop::post(Task task) {
    bool first = false;
    {
        const MutexLock lock(mutex_);
        first = posted_.empty();
        posted_.push_back(std::move(task));
    }
    if (first) {
        wake();
    }
}

void EpollLoop::defer(Task task) {
    KUMO_ASSERT(in_loop_thread());
    deferred_.push_back(std::move(task));
}

TimerId EpollLoop::add_timer(Duration delay, Task task) {
    KUMO_ASSERT(in_loop_thread());
    return timers_.add(clock_.monotonic_now() + delay, std::move(task));
}

void EpollLoop::cancel_timer(TimerId id) {
    KUMO_ASSERT(in_loop_thread());
    timers_.cancel(id);
}

void EpollLoop::run() {
    KUMO_ASSERT(!running_.load());
    thread_.store(::pthread_self());
    running_.store(true);
    while (!stopped_.load()) {
        turn();
    }
    stopped_.store(false);
    running_.store(false);
}

void EpollLoop::let_others_in() {
    run_events(0);
    run_deferred();
    run_flushes();
}

void EpollLoop::stop() {
    stopped_.store(true);
    wake();
}

bool EpollLoop::in_loop_thread() const {
    return !running_.load() || ::pthread_equal(thread_.load(), ::pthread_self()) != 0;
}

bool EpollLoop::watch(
    int fd,
    std::uint32_t events,
    std::shared_ptr<EventSource> source,
    WatchId& id
) {
    if (free_watches_.empty()) {
        free_watches_.push_back(static_cast<std::uint32_t>(watches_.size()));
        watches_.emplace_back();
    }
    const std::uint32_t index = free_watches_.back();
    const WatchId candidate{index, watches_[index].generation};
    epoll_event event = {};
    event.events = events;
    event.data.u64 = token_of(candidate);
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
        KUMO_ASSERT(errno == ENOSPC || errno == ENOMEM);
        return false;
    }
    free_watches_.pop_back();
    watches_[index].source = std::move(source);
    id = candidate;
    return true;
}

void EpollLoop::change_watch(WatchId id, int fd, std::uint32_t events) {
    epoll_event event = {};
    event.events = events;
    event.data.u64 = token_of(id);
    KUMO_ASSERT(::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event) == 0);
}

void EpollLoop::unwatch(WatchId& id, int fd) {
    if (id.generation == 0 || id.index >= watches_.size()) {
        return;  // The second case: the loop is being destroyed.
    }
    (void)::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
    Watch& watch = watches_[id.index];
    watch.generation = std::max(watch.generation + 1, std::uint32_t{1});
    free_watches_.push_back(id.index);
    id = WatchId{};
    const auto source = std::move(watch.source);  // Dies last: it may be the caller.
}

void EpollLoop::flush_later(std::shared_ptr<Flushable> item) {
    flushes_.push_back(std::move(item));
}

void EpollLoop::turn() {
    run_events(wait_ms());
    run_timers();
    run_posted();
    run_deferred();
    run_flushes();
}

int EpollLoop::wait_ms() {
    if (!ready_.empty() || !deferred_.empty() || !flushes_.empty() || stopped_.load()) {
        return 0;
    }
    const auto deadline = timers_.next();
    if (!deadline.has_value()) {
        return -1;
    }
    const Duration left = *deadline - clock_.monotonic_now();
    // Rounded up: a timer never runs early, and a loop never spins through its last millisecond.
    const auto ms = std::chrono::ceil<std::chrono::milliseconds>(left).count();
    return static_cast<int>(std::clamp<std::int64_t>(ms, 0, 60'000));
}

void EpollLoop::run_events(int timeout_ms) {
    std::array<epoll_event, kEventsPerTurn> events = {};
    const int n = ::epoll_wait(epoll_.get(), events.data(), kEventsPerTurn, timeout_ms);
    KUMO_ASSERT(n >= 0 || errno == EINTR);
    for (int i = 0; i < n; ++i) {
        const epoll_event& event = events[static_cast<std::size_t>(i)];
        if (event.data.u64 == kWakeToken) {
            drain_wake();
            continue;
        }
        const auto index = static_cast<std::uint32_t>(event.data.u64);
        const auto generation = static_cast<std::uint32_t>(event.data.u64 >> 32U);
        if (watches_[index].generation == generation && watches_[index].source != nullptr) {
            const auto source = watches_[index].source;
            source->on_events(event.events);
        }
    }
}

void EpollLoop::run_timers() {
    if (!timers_.next().has_value()) {
        return;
    }
    const MonotonicTime now = clock_.monotonic_now();
    for (int i = 0; i < kTimersPerTurn; ++i) {
        const Task task = timers_.take_due(now);
        if (!task) {
            return;
        }
        task();
    }
}

void EpollLoop::run_posted() {
    if (ready_.empty()) {
        std::vector<Task> posted;
        {
            const MutexLock lock(mutex_);
            posted.swap(posted_);
        }
        for (Task& task : posted) {
            ready_.push_back(std::move(task));
        }
    }
    for (int i = 0; i < kTasksPerTurn && !ready_.empty(); ++i) {
        const Task task = std::move(ready_.front());
        ready_.pop_front();
        task();
    }
    if (ready_.empty()) {
        const MutexLock lock(mutex_);
        if (!posted_.empty()) {
            // Their wake-up may have been drained in a turn that was still busy with ready_.
            wake();
        }
    }
}

void EpollLoop::run_deferred() {
    std::vector<Task> deferred;
    deferred.swap(deferred_);
    for (Task& task : deferred) {
        task();
        task = nullptr;
    }
}

void EpollLoop::run_flushes() {
    std::vector<std::shared_ptr<Flushable>> flushes;
    flushes.swap(flushes_);
    for (const auto& item : flushes) {
        item->flush();
    }
}

void EpollLoop::wake() {
    const std::uint64_t one = 1;
    // EAGAIN means the counter is full: it is awake already.
    (void)!::write(wake_.get(), &one, sizeof(one));
}

void EpollLoop::drain_wake() {
    std::uint64_t count = 0;
    (void)!::read(wake_.get(), &count, sizeof(count));
}

std::unique_ptr<Loop> make_system_loop() {
    return std::make_unique<EpollLoop>();
}

}  // namespace kumo::io
