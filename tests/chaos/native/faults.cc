// Faults of a disk and of a clock for one process: a library to be loaded before all others.
// CHAOS_CONTROL names a file with the numbers below, mapped and looked at in each call; whoever
// writes them into the file changes what the process meets, at once.
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <ctime>

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace {

/// The file's layout: little-endian, 8 bytes each.
struct Control {
    std::atomic<std::int64_t> failing_syncs;  ///< So many fsyncs fail with EIO.
    std::atomic<std::int64_t> sync_delay_us;
    std::atomic<std::int64_t> failing_writes;  ///< So many writes to files fail with EIO.
    std::atomic<std::int64_t> clock_jump_ns;   ///< Added to the time of day, and to nothing else.
};

Control* map_control() {
    // NOLINTNEXTLINE(concurrency-mt-unsafe): nobody in a server changes its environment.
    const char* path = std::getenv("CHAOS_CONTROL");
    const int fd = path == nullptr ? -1 : ::open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0) {
        return nullptr;
    }
    void* mapped = ::mmap(nullptr, sizeof(Control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    (void)::close(fd);
    return mapped == MAP_FAILED ? nullptr : static_cast<Control*>(mapped);
}

/// What the process met before this library stood in front of it.
template <typename Function>
Function* next(const char* name) {
    return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

struct Real {
    Control* control = map_control();
    int (*fdatasync)(int) = next<int(int)>("fdatasync");
    int (*fsync)(int) = next<int(int)>("fsync");
    ssize_t (*pwrite
    )(int, const void*, size_t, off64_t
    ) = next<ssize_t(int, const void*, size_t, off64_t)>("pwrite64");
    int (*clock_gettime)(clockid_t, timespec*) = next<int(clockid_t, timespec*)>("clock_gettime");
};

const Real& real() {
    static const Real kReal;
    return kReal;
}

bool take_one(std::atomic<std::int64_t>& left) {
    std::int64_t seen = left.load();
    while (seen > 0) {
        if (left.compare_exchange_weak(seen, seen - 1)) {
            return true;
        }
    }
    return false;
}

/// What happens to a sync before the disk sees it. False: it fails.
bool pass_sync() {
    Control* const faults = real().control;
    if (faults == nullptr) {
        return true;
    }
    if (const std::int64_t delay = faults->sync_delay_us.load(); delay > 0) {
        const timespec wait{delay / 1'000'000, delay % 1'000'000 * 1000};
        (void)::nanosleep(&wait, nullptr);
    }
    if (take_one(faults->failing_syncs)) {
        errno = EIO;
        return false;
    }
    return true;
}

}  // namespace

// NOLINTBEGIN(readability-inconsistent-declaration-parameter-name): the C library's are reserved
extern "C" {

int fdatasync(int fd) {
    return pass_sync() ? real().fdatasync(fd) : -1;
}

int fsync(int fd) {
    return pass_sync() ? real().fsync(fd) : -1;
}

ssize_t pwrite64(int fd, const void* bytes, size_t size, off64_t offset) {
    Control* const faults = real().control;
    if (faults != nullptr && take_one(faults->failing_writes)) {
        errno = EIO;
        return -1;
    }
    return real().pwrite(fd, bytes, size, offset);
}

ssize_t pwrite(int fd, const void* bytes, size_t size, off_t offset) {
    return pwrite64(fd, bytes, size, offset);
}

int clock_gettime(clockid_t clock, timespec* now) noexcept {
    const int result = real().clock_gettime(clock, now);
    const Control* const faults = real().control;
    if (result != 0 || clock != CLOCK_REALTIME || faults == nullptr) {
        return result;
    }
    const std::int64_t jump = faults->clock_jump_ns.load();
    if (jump != 0) {
        constexpr std::int64_t kSecond = 1'000'000'000;
        const std::int64_t time = now->tv_sec * kSecond + now->tv_nsec + jump;
        now->tv_sec = time / kSecond;
        now->tv_nsec = time % kSecond;
    }
    return 0;
}

}  // extern "C"
// NOLINTEND(readability-inconsistent-declaration-parameter-name)
