#pragma once

#include "api/elastic/json.h"
#include "base/result.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace kumo::api_elastic {

inline constexpr std::size_t kScriptSourceBytesMax = 65'535;
/// Nodes that one run goes through.
inline constexpr std::uint64_t kScriptStepsMax = 1'000'000;
/// Of all texts, lists and maps that one run makes.
inline constexpr std::size_t kScriptHeapBytesMax = std::size_t{16} << 20;

/// What a script sees and changes.
struct ScriptScope {
    const Json* params = nullptr;
    Json* ctx = nullptr;  ///< Null: there is none. Changed by a run that succeeds.
    /// The values of a document's field, an array. Null: there is no document.
    std::function<Result<Json>(const std::string& field)> doc{};
    std::optional<double> score{};  ///< `_score`
};

namespace script {
struct Node;
}

/// A part of the painless language: expressions, declarations, if, for, while, return; numbers,
/// texts, lists and maps with their usual methods; Math. No classes, functions, lambdas or regular
/// expressions. It has no way out of what its scope gives it, and limits on steps and memory.
/// Immutable; any thread.
class Script {
public:
    /// script_exception "compile error: ..." that says what is not known, and where.
    static Result<std::shared_ptr<const Script>> compile(std::string_view source);

    /// What it returns: of a script without `return`, its last expression. script_exception
    /// "runtime error: ...".
    Result<Json> run(const ScriptScope& scope) const;

private:
    explicit Script(std::shared_ptr<const script::Node> root) : root_(std::move(root)) {}

    std::shared_ptr<const script::Node> root_;
};

}  // namespace kumo::api_elastic
