#include "service_manager.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <string>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace kumo::server {
namespace {

/// Stands where systemd would.
class Manager {
public:
    Manager() : socket_(::socket(AF_UNIX, SOCK_DGRAM, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        // In the abstract namespace: nothing to clean up.
        const std::string name = "kumo-notify-" + std::to_string(getpid());
        std::memcpy(address.sun_path + 1, name.data(), name.size());
        const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
        bound_ = ::bind(socket_, reinterpret_cast<const sockaddr*>(&address), size) == 0;
        (void)setenv("NOTIFY_SOCKET", ("@" + name).c_str(), 1);
    }

    ~Manager() {
        (void)unsetenv("NOTIFY_SOCKET");
        (void)close(socket_);
    }

    Manager(const Manager&) = delete;
    Manager& operator=(const Manager&) = delete;

    bool is_bound() const { return bound_; }

    /// What it was told, without waiting.
    std::string told() const {
        std::array<char, 256> bytes{};
        const auto size = recv(socket_, bytes.data(), bytes.size(), MSG_DONTWAIT);
        return size < 0 ? "nothing" : std::string(bytes.data(), static_cast<std::size_t>(size));
    }

private:
    int socket_;
    bool bound_ = false;
};

TEST(ServiceManager, IsToldThatTheServerIsReadyAndThatItEnds) {
    const Manager manager;
    ASSERT_TRUE(manager.is_bound());
    notify_ready();
    EXPECT_EQ(manager.told(), "READY=1");
    notify_stopping();
    EXPECT_EQ(manager.told(), "STOPPING=1");
    EXPECT_EQ(manager.told(), "nothing");
}

TEST(ServiceManager, IsNotNeeded) {
    notify_ready();
    notify_stopping();
}

}  // namespace
}  // namespace kumo::server
