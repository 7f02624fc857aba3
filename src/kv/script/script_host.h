#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "wire/resp.h"

#include <cstdint>
#include <span>

namespace kumo::kv {

/// What redis.set_repl() asks for; bits.
enum ScriptReplication : int {
    kScriptReplNone = 0,
    kScriptReplAof = 1,
    kScriptReplReplica = 2,
    kScriptReplAll = 3,
};

/// What a script that runs sees of the world. Thread rule: called on the thread that runs the
/// script, during run() only.
class ScriptHost {
public:
    enum class Verdict : std::uint8_t {
        kGoOn,
        kStop,  ///< The script ends with an error that it cannot catch for good.
    };

    ScriptHost() = default;
    ScriptHost(const ScriptHost&) = delete;
    ScriptHost& operator=(const ScriptHost&) = delete;
    virtual ~ScriptHost() = default;

    /// Runs a command; exactly one reply is written, an error as a RESP error. The writer has the
    /// protocol that the script asked for with redis.setresp(). REQUIRES: arguments is not empty.
    virtual void call(std::span<const ByteView> arguments, wire::RespWriter& reply) = 0;

    /// Whether the user may run that; kNotFound: there is no such command.
    virtual Result<bool> acl_allows(std::span<const ByteView> arguments) = 0;

    /// Every ScriptLimits::tick_instructions or so; may take its time, e.g. to serve the few
    /// commands that a busy server serves.
    virtual Verdict on_tick() = 0;

    /// redis.log(); level: 0 debug, 1 verbose, 2 notice, 3 warning.
    virtual void log(int level, ByteView text) = 0;

    virtual void set_replication(ScriptReplication what) = 0;
};

}  // namespace kumo::kv
