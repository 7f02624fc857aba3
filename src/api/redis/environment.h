#pragma once

#include "api/redis/state/settings.h"
#include "base/result.h"
#include "io/fs.h"
#include "io/loop.h"
#include "io/network.h"
#include "io/resolver.h"

#include <cstdint>
#include <functional>
#include <string>

namespace kumo::api_redis {

/// What MEMORY asks of the allocator; empty functions if it cannot tell.
struct AllocatorAccess {
    struct Figures {
        std::uint64_t allocated = 0;  ///< Bytes that are in use.
        std::uint64_t active = 0;     ///< Of the pages they lie in.
        std::uint64_t resident = 0;   ///< Of all pages that the system has given.
    };

    std::function<Figures()> figures;
    std::function<std::string()> report;
    std::function<void()> purge;  ///< Gives unused pages back.
};

/// What the server around a Service gives it.
struct ServiceEnvironment {
    io::Loop& loop;
    /// SHUTDOWN was asked for. Stores what is to be stored, then ends the server; an error: it
    /// could not, and goes on (`force` ends it all the same).
    std::function<Status(bool save, bool force)> shutdown;
    /// The memory that the calling thread has taken and not freed, in bytes; it wraps if others
    /// took what it freed. From any thread.
    std::function<std::uint64_t()> used_memory;
    /// Writes the settings into the configuration file.
    std::function<Status(const Settings&)> rewrite_config;
    AllocatorAccess allocator = {};
    /// Where it listens, for INFO.
    std::uint16_t port = 0;
    /// For replication and MIGRATE; nullptr: it makes no connections, keeps no files, and there is
    /// no ACL file without `fs`.
    io::Network* network = nullptr;
    io::Resolver* resolver = nullptr;
    io::Fs* fs = nullptr;
};

}  // namespace kumo::api_redis
