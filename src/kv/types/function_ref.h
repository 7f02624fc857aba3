#pragma once

#include <memory>
#include <type_traits>
#include <utility>

namespace kumo::kv {

template <typename Signature>
class FunctionRef;

/// A callable that somebody else owns, for visitors that do not outlive the call they are passed
/// to. Two words, no allocation.
template <typename R, typename... Args>
class FunctionRef<R(Args...)> {
public:
    template <typename F>
        requires(!std::is_same_v<std::remove_cvref_t<F>, FunctionRef> && std::is_invocable_r_v<R, F&, Args...>)

    // Implicit on purpose: a lambda is passed where a FunctionRef is asked for.
    // NOLINTNEXTLINE(google-explicit-constructor,bugprone-forwarding-reference-overload)
    FunctionRef(F&& function)
        : object_(
            const_cast<void*>(  // NOLINT(cppcoreguidelines-pro-type-const-cast): call() casts back
                static_cast<const void*>(std::addressof(function))
            )
        ),
          call_([](void* object, Args... args) -> R {
              return (*static_cast<std::remove_reference_t<F>*>(object))(std::forward<Args>(args)...
              );
          }) {}

    R operator()(Args... args) const { return call_(object_, std::forward<Args>(args)...); }

private:
    void* object_;
    R (*call_)(void*, Args...);
};

}  // namespace kumo::kv
