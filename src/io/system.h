#pragma once

#include "io/fs.h"
#include "io/loop.h"
#include "io/network.h"
#include "io/resolver.h"
#include "io/worker_pool.h"

#include <memory>

namespace kumo::io {

// The real world: the implementations that make system calls. Objects made here work together;
// a Network or a File given a loop of another kind is a mistake of ours. At the end of a process:
// stop the loops and join their threads, destroy what lives on them, then Fs, Resolver and pools
// (whose threads still post to loops), then the loops.

/// An epoll reactor. Its socket objects are destroyed on its thread, or after run() returned.
std::unique_ptr<Loop> make_system_loop();

/// TCP. Stateless; outlives what it made.
std::unique_ptr<Network> make_system_network();

/// The machine's files. Asynchronous syncs run on its helper threads; it outlives its files.
std::unique_ptr<Fs> make_system_fs();

/// getaddrinfo on a helper thread.
std::unique_ptr<Resolver> make_system_resolver();

/// Threads.
std::unique_ptr<WorkerPool> make_system_worker_pool(const WorkerPoolOptions& options);

}  // namespace kumo::io
