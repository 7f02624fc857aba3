// Cuts the power of a mounted ext4 or XFS: what was not synced by now never reaches the disk, and
// everything fails from now on until it is unmounted.
//
//     chaos_power_cut MOUNTPOINT
#include <cstdint>
#include <cstdio>

#include <fcntl.h>
#include <linux/ioctl.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace {

constexpr unsigned kShutdown = _IOR('X', 125, std::uint32_t);  ///< "Going down": both file systems.
constexpr std::uint32_t kWithoutFlushingTheLog = 2;

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        (void)std::fputs("usage: chaos_power_cut MOUNTPOINT\n", stderr);
        return 2;
    }
    const int root = ::open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    std::uint32_t how = kWithoutFlushingTheLog;
    if (root < 0 || ::ioctl(root, kShutdown, &how) != 0) {
        std::perror(argv[1]);
        return 1;
    }
    (void)::close(root);
    return 0;
}
