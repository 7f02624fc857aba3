#pragma once

#include <memory>
#include <utility>

namespace kumo {

/// The one way a mutable owner hands an immutable value to readers on other threads: the owner
/// stores a new value, readers load whichever is newest and keep it alive as long as they like.
/// Thread rule: load() from any thread, store() from any thread (usually one owner).
///
/// The free functions rather than std::atomic<std::shared_ptr>: libstdc++ 12's specialisation
/// makes ThreadSanitizer report races that are not there.
template <typename T>
class Published {
public:
    Published() = default;

    explicit Published(std::shared_ptr<const T> value) : value_(std::move(value)) {}

    std::shared_ptr<const T> load() const { return std::atomic_load(&value_); }

    void store(std::shared_ptr<const T> value) { std::atomic_store(&value_, std::move(value)); }

private:
    std::shared_ptr<const T> value_;
};

}  // namespace kumo
