#pragma once

#include "io/loop.h"

#include <memory>
#include <string>

namespace kumo::io {

/// A named thread, joined by its destructor. The only way this code base starts one.
/// Owned by the thread that made it.
class Thread {
public:
    /// Names above 15 characters are cut (a limit of the kernel).
    Thread(std::string name, Task body);
    ~Thread();
    Thread(const Thread&) = delete;
    Thread& operator=(const Thread&) = delete;

    /// Waits for the body to return. Idempotent.
    void join();

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

/// The calling thread takes the processor from nobody when it wakes, and gets a third of a share
/// from then on. Best effort.
void give_way();

/// Cores this process may run on, at least 1.
unsigned available_cores();

}  // namespace kumo::io
