// The modules cjson, cmsgpack, bit and struct; the cache of scripts; libraries of functions.
#include "kv/script/function_libraries.h"
#include "kv/script/script_cache.h"

#include <gtest/gtest.h>

#include <string>

namespace kumo::kv {
namespace {

class NoHost : public ScriptHost {
public:
    void call(std::span<const ByteView> /*arguments*/, wire::RespWriter& reply) override {
        reply.error("ERR no commands here");
    }

    Result<bool> acl_allows(std::span<const ByteView> /*arguments*/) override { return true; }

    Verdict on_tick() override { return Verdict::kStop; }

    void log(int /*level*/, ByteView /*text*/) override {}

    void set_replication(ScriptReplication /*what*/) override {}
};

class Modules : public testing::Test {
protected:
    Interpreter lua_{Interpreter::Kind::kEval, ScriptLimits{}};
    NoHost host_;

    /// What tostring() makes of the expression, or the error's words.
    std::string value(ByteView expression) {
        const auto compiled = lua_.compile("return tostring(" + std::string(expression) + ")");
        EXPECT_TRUE(compiled.ok()) << expression;
        wire::RespWriter reply;
        Interpreter::Run run;
        run.reference = compiled.ok() ? compiled.value() : 0;
        lua_.run(run, host_, reply);
        const std::string all = reply.take();
        if (all[0] == '-') {
            const std::size_t end = all.find(" script: ");
            return all.substr(5, end - 5);
        }
        const std::size_t begin = all.find("\r\n") + 2;
        return all.substr(begin, all.size() - begin - 2);
    }
};

TEST_F(Modules, JsonIsWrittenAsClientsExpectIt) {
    EXPECT_EQ(value("cjson.encode({1, 'a', true, cjson.null})"), "[1,\"a\",true,null]");
    EXPECT_EQ(value("cjson.encode({})"), "{}");
    EXPECT_EQ(value("cjson.encode({[3] = 1})"), "[null,null,1]");
    EXPECT_EQ(
        value("cjson.encode({[1] = 1, a = 2})").size(),
        std::string("{\"1\":1,\"a\":2}").size()
    );
    EXPECT_EQ(value("cjson.encode(0.1)"), "0.1");
    EXPECT_EQ(value("cjson.encode(2^53)"), "9.007199254741e+15");
    EXPECT_EQ(value("cjson.encode('a/\\\"\\n\\127\\1')"), "\"a\\/\\\"\\n\\u007f\\u0001\"");
    EXPECT_EQ(
        value("cjson.encode({[1000] = 1})"),
        "user_script:1: Cannot serialise table: excessively sparse array"
    );
    EXPECT_EQ(
        value("cjson.encode(0/0)"),
        "user_script:1: Cannot serialise number: must not be NaN or Inf"
    );
    EXPECT_EQ(
        value("cjson.encode(print ~= nil)"),
        "user_script:1: Script attempted to access nonexistent global variable 'print'"
    );
    EXPECT_EQ(
        value("cjson.encode(tostring)"),
        "user_script:1: Cannot serialise function: type not supported"
    );
}

TEST_F(Modules, JsonIsReadOrRefusedWithThePlace) {
    EXPECT_EQ(value("cjson.decode('[1,{\"a\":[2]}]')[2].a[1]"), "2");
    EXPECT_EQ(value("cjson.decode('\"\\\\u00e9\\\\ud83d\\\\ude00\"')"), "\xC3\xA9\xF0\x9F\x98\x80");
    EXPECT_EQ(value("cjson.decode('null') == cjson.null"), "true");
    EXPECT_EQ(value("cjson.decode('-5e3')"), "-5000");
    EXPECT_EQ(
        value("cjson.decode('[1,')"),
        "user_script:1: Expected value but found T_END at character 4"
    );
    EXPECT_EQ(
        value("cjson.decode('{1:2}')"),
        "user_script:1: Expected object key string but found T_NUMBER at character 2"
    );
    EXPECT_EQ(
        value("cjson.decode('\"a')"),
        "user_script:1: Expected value but found unexpected end of string at character 1"
    );
    EXPECT_EQ(
        value("cjson.decode('[1] x')"),
        "user_script:1: Expected the end but found invalid token at character 5"
    );
    EXPECT_EQ(
        value("cjson.decode(string.rep('[', 1001))"),
        "user_script:1: Found too many nested data structures (1001)"
    );
}

TEST_F(Modules, MessagePackKeepsValues) {
    EXPECT_EQ(value("cmsgpack.unpack(cmsgpack.pack(-1099511627776))"), "-1099511627776");
    EXPECT_EQ(value("cmsgpack.unpack(cmsgpack.pack({1, {a = 'x'}}))[2].a"), "x");
    EXPECT_EQ(value("#cmsgpack.pack(string.rep('x', 70000))"), "70005");
    EXPECT_EQ(value("cmsgpack.unpack('\\146\\1')"), "user_script:1: Missing bytes in input.");
    EXPECT_EQ(value("cmsgpack.unpack('\\193')"), "user_script:1: Bad data format in input.");
    EXPECT_EQ(
        value("cmsgpack.unpack_one('\\1', 5)"),
        "user_script:1: Start offset 5 greater than input length 1."
    );
    EXPECT_EQ(value("select('#', cmsgpack.unpack('\\1\\2\\3'))"), "3");
}

TEST_F(Modules, BitsAreThirtyTwo) {
    EXPECT_EQ(value("bit.bor(1, 2, 4, 128)"), "135");
    EXPECT_EQ(value("bit.bnot(0)"), "-1");
    EXPECT_EQ(value("bit.tohex(255, -4)"), "00FF");
    EXPECT_EQ(value("bit.tohex(-1, -2147483648)"), "FFFFFFFF");
    EXPECT_EQ(value("bit.arshift(-8, 1)"), "-4");
    EXPECT_EQ(value("bit.rol(0x12345678, 12)"), "1164411171");
    EXPECT_EQ(value("bit.bswap(1)"), "16777216");
    EXPECT_EQ(value("bit.tobit(1/0)"), "0");
}

TEST_F(Modules, StructuresAreLaidOutAsInC) {
    EXPECT_EQ(value("struct.size('!8bhid')"), "16");
    EXPECT_EQ(value("#struct.pack('>I2s', 1, 'ab')"), "5");
    EXPECT_EQ(value("select(2, struct.unpack('>i2h', struct.pack('>i2h', -2, 300)))"), "300");
    EXPECT_EQ(
        value("struct.unpack('i4', 'abc')").find("data string too short") != std::string::npos,
        true
    );
    EXPECT_EQ(value("struct.unpack('bc0', '\\3abc')"), "abc");
    EXPECT_EQ(
        value("struct.pack('i99', 1)"),
        "user_script:1: integral size 99 is larger than limit of 32"
    );
    EXPECT_EQ(value("struct.unpack('s', 'abc')"), "user_script:1: unfinished string in data");
    EXPECT_EQ(
        value("struct.unpack('c2147483647', 'abc')").find("data string too short")
            != std::string::npos,
        true
    );
}

TEST(ScriptCacheTest, KnowsScriptsByTheirSha1InAnyCase) {
    ScriptCache cache{ScriptLimits{}};
    const auto loaded = cache.load("return 1");
    ASSERT_TRUE(loaded.ok());
    EXPECT_EQ(loaded.value()->sha1, "e0e1f9fabfc9d4800c877a703b823ac0578ff8db");
    EXPECT_EQ(cache.find("E0E1F9FABFC9D4800C877A703B823AC0578FF8DB"), loaded.value());
    EXPECT_EQ(cache.find("e0e1"), nullptr);
    EXPECT_EQ(cache.load("return 1").value(), loaded.value());
    cache.flush();
    EXPECT_EQ(cache.size(), 0U);
}

TEST(ScriptCacheTest, ReadsTheFirstLine) {
    ScriptCache cache{ScriptLimits{}};
    EXPECT_EQ(
        cache.load("#!lua flags=no-writes,allow-stale\nreturn 1").value()->flags,
        kScriptNoWrites | kScriptAllowStale
    );
    EXPECT_EQ(cache.load("#!lua\nreturn 1").value()->flags, 0U);
    EXPECT_EQ(cache.load("return 1").value()->flags, kScriptOldStyle);
    EXPECT_EQ(cache.load("#!lua").error().message, "Invalid script shebang");
    EXPECT_EQ(cache.load("#!foo\n").error().message, "Unexpected engine in script shebang: #!foo");
    EXPECT_EQ(cache.load("#!lua x=1\n").error().message, "Unknown lua shebang option: x=1");
    EXPECT_EQ(
        cache.load("#!lua flags=abc\n").error().message,
        "Unexpected flag in script shebang: abc"
    );
    EXPECT_EQ(
        cache.load("return 1 2").error().message,
        "Error compiling script (new function): user_script:1: '<eof>' expected near '2'"
    );
}

std::string library(ByteView name, ByteView function, int result) {
    return "#!lua name=" + std::string(name) + "\nredis.register_function('" + std::string(function)
           + "', function() return " + std::to_string(result) + " end)";
}

TEST(FunctionLibrariesTest, FailToLoadWithoutATrace) {
    FunctionLibraries libraries{ScriptLimits{}};
    NoHost host;
    ASSERT_EQ(libraries.load(library("a", "f", 1), false, host).value(), "a");
    EXPECT_EQ(
        libraries.load(library("a", "g", 1), false, host).error().message,
        "Library 'a' already exists"
    );
    EXPECT_EQ(
        libraries.load(library("b", "F", 1), true, host).error().message,
        "Function F already exists"
    );
    EXPECT_EQ(libraries.load("abc", true, host).error().message, "Missing library metadata");
    EXPECT_EQ(libraries.load("#!x name=a\n", true, host).error().message, "Engine 'x' not found");
    EXPECT_EQ(
        libraries.load("#!lua name=a b=c\n", true, host).error().message,
        "Invalid metadata value given: b=c"
    );
    EXPECT_EQ(
        libraries.load("#!lua name=a\nx x", true, host).error().message,
        "Error compiling function: user_function:2: '=' expected near 'x'"
    );
    EXPECT_EQ(libraries.libraries().size(), 1U);
    EXPECT_NE(libraries.find("F"), nullptr);
    EXPECT_EQ(libraries.function_count(), 1U);
}

TEST(FunctionLibrariesTest, ComeBackFromADumpAllOrNone) {
    using Policy = FunctionLibraries::Policy;
    FunctionLibraries from{ScriptLimits{}};
    NoHost host;
    ASSERT_TRUE(from.load(library("a", "f", 1), false, host).ok());
    ASSERT_TRUE(from.load(library("b", "g", 2), false, host).ok());
    const std::string dump = from.dump();
    FunctionLibraries to{ScriptLimits{}};
    ASSERT_TRUE(to.load(library("c", "g", 3), false, host).ok());
    EXPECT_EQ(to.restore(dump, Policy::kAppend, host).error().message, "Function g already exists");
    EXPECT_EQ(
        to.restore(dump, Policy::kReplace, host).error().message,
        "Function g already exists"
    );
    EXPECT_EQ(to.libraries().size(), 1U);
    EXPECT_TRUE(to.restore(dump, Policy::kFlush, host).ok());
    EXPECT_EQ(to.libraries().size(), 2U);
    EXPECT_EQ(to.restore(dump, Policy::kAppend, host).error().message, "Library a already exists");
    EXPECT_TRUE(to.restore(dump, Policy::kReplace, host).ok());
    EXPECT_EQ(to.dump(), dump);
    for (std::size_t i = 0; i < dump.size(); ++i) {
        std::string damaged = dump;
        damaged[i] = static_cast<char>(damaged[i] ^ 1);
        EXPECT_FALSE(to.restore(damaged, Policy::kReplace, host).ok()) << i;
    }
}

}  // namespace
}  // namespace kumo::kv
