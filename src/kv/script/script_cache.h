#pragma once

#include "kv/script/interpreter.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

namespace kumo::kv {

/// The SHA1 of a script's text in hexadecimal, by which EVALSHA calls it.
std::string script_sha1(ByteView body);

/// The scripts of EVAL and SCRIPT LOAD, compiled, with the interpreter that runs them.
/// Thread rule: loop-owned.
class ScriptCache {
public:
    struct Script {
        std::string sha1;
        int reference = 0;
        std::uint32_t flags = 0;  ///< ScriptFlag.
        std::size_t bytes = 0;    ///< Of the text.
    };

    /// ScriptFlags that the text's first line declares; kScriptOldStyle if there is none, or it is
    /// wrong.
    static std::uint32_t declared_flags(ByteView body);

    explicit ScriptCache(const ScriptLimits& limits);

    /// By SHA1 in any case; nullptr: not known. Valid until flush().
    const Script* find(ByteView sha1) const;
    /// Compiles unless it is known. kInvalidArgument: Redis's words, without "ERR".
    Result<const Script*> load(ByteView body);
    /// Forgets all, and everything that scripts have left in memory. Requires: none runs.
    void flush();

    std::size_t size() const { return scripts_.size(); }

    /// The texts and what is kept of them, without the interpreter.
    std::size_t memory_bytes() const;

    Interpreter& interpreter() { return *interpreter_; }

    const Interpreter& interpreter() const { return *interpreter_; }

private:
    ScriptLimits limits_;
    std::unique_ptr<Interpreter> interpreter_;
    std::map<std::string, Script, std::less<>> scripts_;
};

}  // namespace kumo::kv
