#pragma once

#include "base/mutex.h"
#include "base/random.h"
#include "io/internal/timer_queue.h"
#include "io/internal/unique_fd.h"
#include "io/loop.h"

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include <pthread.h>

namespace kumo::io {

/// Bounds of one turn; what is left over waits for the next.
inline constexpr int kEventsPerTurn = 256;
inline constexpr int kTimersPerTurn = 256;
inline constexpr int kTasksPerTurn = 1024;

/// Something with a file descriptor that epoll watches. Loop-owned.
class EventSource {
public:
    virtual ~EventSource() = default;

    /// `events` as epoll reports them.
    virtual void on_events(std::uint32_t events) = 0;
};

/// Something that gathers output during a turn and sends it at its end. Loop-owned.
class Flushable {
public:
    virtual ~Flushable() = default;
    virtual void flush() = 0;
};

/// A watched descriptor; the default value is none. The generation makes the events of a closed
/// descriptor, which epoll may still hand out in the same turn, find nobody.
struct WatchId {
    std::uint32_t index = 0;
    std::uint32_t generation = 0;  ///< 0: none.
};

/// Loop on epoll, an eventfd for posts, and a timeout for timers.
class EpollLoop final : public Loop {
public:
    EpollLoop();
    ~EpollLoop() override;
    EpollLoop(const EpollLoop&) = delete;
    EpollLoop& operator=(const EpollLoop&) = delete;

    /// Requires: `loop` is an EpollLoop (real and simulated objects are never mixed).
    static EpollLoop& of(Loop& loop);

    void post(Task task) override;
    void defer(Task task) override;
    TimerId add_timer(Duration delay, Task task) override;
    void cancel_timer(TimerId id) override;
    void run() override;
    void stop() override;
    void let_others_in() override;
    bool in_loop_thread() const override;

    const Clock& clock() const override { return clock_; }

    Random& random() override { return random_; }

    /// Level-triggered. The loop keeps `source` alive until unwatch(). False if the system has no
    /// room for another watch.
    bool watch(int fd, std::uint32_t events, std::shared_ptr<EventSource> source, WatchId& id);
    void change_watch(WatchId id, int fd, std::uint32_t events);

    /// Before the descriptor is closed. Resets `id`.
    void unwatch(WatchId& id, int fd);

    /// Calls item->flush() at the end of this turn (of the next one, from within a flush).
    void flush_later(std::shared_ptr<Flushable> item);

    /// kReadChunkBytes of scratch space for reading, shared by all sources.
    char* read_buffer() { return read_buffer_.get(); }

private:
    struct Watch {
        std::shared_ptr<EventSource> source;
        std::uint32_t generation = 1;
    };

    void turn();
    int wait_ms();
    void run_events(int timeout_ms);
    void run_timers();
    void run_posted();
    void run_deferred();
    void run_flushes();
    void wake();
    void drain_wake();

    const Clock& clock_;
    SeededRandom random_;
    UniqueFd epoll_;
    UniqueFd wake_;
    std::unique_ptr<char[]> read_buffer_;
    std::vector<Watch> watches_;
    std::vector<std::uint32_t> free_watches_;
    TimerQueue timers_;
    std::deque<Task> ready_;  ///< Posted tasks already taken over from posted_.
    std::vector<Task> deferred_;
    std::vector<std::shared_ptr<Flushable>> flushes_;
    std::atomic<bool> stopped_ = false;
    std::atomic<bool> running_ = false;
    std::atomic<pthread_t> thread_ = {};
    Mutex mutex_;
    std::vector<Task> posted_ KUMO_GUARDED_BY(mutex_);
};

}  // namespace kumo::io
