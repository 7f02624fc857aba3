// Scripts that come from anywhere: the sandbox, the modules of JSON, MessagePack, bits and
// structures, and what scripts return. The input's first byte says how it is used: as a script, or
// as the argument of a module's reader.
#include "kv/script/interpreter.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace {

using namespace kumo;

class Host : public kv::ScriptHost {
public:
    int ticks = 0;

    void call(std::span<const ByteView> arguments, wire::RespWriter& reply) override {
        if (arguments.size() > 1) {
            reply.array(arguments.size());
            for (const ByteView argument : arguments) {
                reply.bulk(argument);
            }
        } else {
            reply.error("ERR no");
        }
    }

    Result<bool> acl_allows(std::span<const ByteView> /*arguments*/) override { return true; }

    Verdict on_tick() override { return ++ticks < 20 ? Verdict::kGoOn : Verdict::kStop; }

    void log(int /*level*/, ByteView /*text*/) override {}

    void set_replication(kv::ScriptReplication /*what*/) override {}
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    static constexpr ByteView kReaders[] = {
        "return cjson.decode(ARGV[1])",
        "return cjson.encode(cjson.decode(ARGV[1]))",
        "return {cmsgpack.unpack(ARGV[1])}",
        "return {cmsgpack.unpack_limit(ARGV[1], 3, 1)}",
        "return {struct.unpack(ARGV[1], ARGV[1])}",
        "return struct.size(ARGV[1])",
        "return struct.pack(ARGV[1], 1, 2, ARGV[1], 4)",
        "return redis.call(ARGV[1], ARGV[1])",
    };
    const ByteView rest(reinterpret_cast<const char*>(data) + 1, size - 1);
    const ByteView script = data[0] < std::size(kReaders) ? kReaders[data[0]] : rest;
    kv::Interpreter lua(kv::Interpreter::Kind::kEval, {std::size_t{16} << 20U, 1000});
    const auto compiled = lua.compile(script);
    if (!compiled.ok()) {
        return 0;
    }
    Host host;
    const std::vector<ByteView> arguments{rest};
    kv::Interpreter::Run run;
    run.reference = compiled.value();
    run.arguments = arguments;
    for (const int protocol : {2, 3}) {
        wire::RespWriter reply(protocol);
        lua.run(run, host, reply);
    }
    return 0;
}
