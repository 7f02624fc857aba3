#include "kv/script/interpreter.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace kumo::kv {
namespace {

/// Answers a few commands; stops a script after so many ticks.
class FakeHost : public ScriptHost {
public:
    std::map<std::string, std::string, std::less<>> replies;
    int ticks_left = 1000;
    int calls = 0;
    std::string logged;
    std::vector<std::string> last;

    void call(std::span<const ByteView> arguments, wire::RespWriter& reply) override {
        ++calls;
        last.assign(arguments.begin(), arguments.end());
        const auto at = replies.find(std::string(arguments[0]));
        if (at == replies.end()) {
            reply.error("ERR Unknown Redis command called from script");
        } else {
            reply.raw(at->second);
        }
    }

    Result<bool> acl_allows(std::span<const ByteView> arguments) override {
        if (arguments[0] == "nosuch") {
            return not_found("no such command");
        }
        return arguments[0] == "get";
    }

    Verdict on_tick() override { return --ticks_left > 0 ? Verdict::kGoOn : Verdict::kStop; }

    void log(int level, ByteView text) override {
        logged = std::to_string(level) + std::string(text);
    }

    void set_replication(ScriptReplication) override {}
};

class Scripts : public testing::Test {
protected:
    Interpreter lua_{Interpreter::Kind::kEval, ScriptLimits{std::size_t{64} << 20U, 1000}};
    FakeHost host_;

    std::string run(ByteView script, int protocol = 2) {
        const auto compiled = lua_.compile(script);
        if (!compiled.ok()) {
            return "compile: " + compiled.error().message;
        }
        wire::RespWriter reply(protocol);
        const std::vector<ByteView> keys{"k1", "k2"};
        const std::vector<ByteView> arguments{"a1"};
        Interpreter::Run what;
        what.reference = compiled.value();
        what.name = "sha";
        what.keys = keys;
        what.arguments = arguments;
        what.seed = 7;
        lua_.run(what, host_, reply);
        lua_.forget(compiled.value());
        return reply.take();
    }

    /// The error's text: what follows "-", before the script's name.
    std::string error(ByteView script) {
        std::string reply = run(script);
        EXPECT_EQ(reply.substr(0, 1), "-") << script << " gave " << reply;
        reply = reply.substr(1, reply.find("\r\n") - 1);
        return reply.substr(0, reply.find(" script: sha, on @user_script:1."));
    }
};

TEST_F(Scripts, ReturnValuesBecomeReplies) {
    EXPECT_EQ(run("return 'x'"), "$1\r\nx\r\n");
    EXPECT_EQ(run("return 3.99"), ":3\r\n");
    EXPECT_EQ(run("return true"), ":1\r\n");
    EXPECT_EQ(run("return false"), "$-1\r\n");
    EXPECT_EQ(run("return nil"), "$-1\r\n");
    EXPECT_EQ(run("return {1, 2, nil, 4}"), "*2\r\n:1\r\n:2\r\n");
    EXPECT_EQ(run("return {ok='fine\\nbad'}"), "+fine bad\r\n");
    EXPECT_EQ(run("return {err='My error'}"), "-My error\r\n");
    EXPECT_EQ(run("return {double=3.5}", 3), ",3.5\r\n");
    EXPECT_EQ(run("return {map={a=1}}", 3), "%1\r\n$1\r\na\r\n:1\r\n");
    EXPECT_EQ(run("return {map={a=1}}"), "*2\r\n$1\r\na\r\n:1\r\n");
    EXPECT_EQ(run("return {set={a=true}}", 3), "~1\r\n$1\r\na\r\n");
    EXPECT_EQ(run("return {big_number='12'}", 3), "(12\r\n");
    EXPECT_EQ(run("return {verbatim_string={string='x', format='txt'}}", 3), "=5\r\ntxt:x\r\n");
    EXPECT_EQ(run("redis.setresp(3) return true", 3), "#t\r\n");
    EXPECT_EQ(run("return _G"), "*0\r\n");
    EXPECT_EQ(
        run("return {KEYS[1], KEYS[2], ARGV[1], KEYS[3]}"),
        "*3\r\n$2\r\nk1\r\n$2\r\nk2\r\n$2\r\na1\r\n"
    );
    EXPECT_EQ(run("return setmetatable({}, {__index = function() foo() end})"), "*0\r\n");
}

TEST_F(Scripts, RepliesBecomeValues) {
    host_.replies["R"] = "*4\r\n:5\r\n$-1\r\n+OK\r\n$1\r\nx\r\n";
    EXPECT_EQ(
        run("local r = redis.call('R') return {r[1], r[2], r[3].ok, r[4]}"),
        "*4\r\n:5\r\n$-1\r\n$2\r\nOK\r\n$1\r\nx\r\n"
    );
    host_.replies["M"] = "%1\r\n$1\r\na\r\n,2.5\r\n";
    EXPECT_EQ(
        run("redis.setresp(3) return tostring(redis.call('M').map.a.double)"),
        "$3\r\n2.5\r\n"
    );
    host_.replies["A"] = "|1\r\n+k\r\n+v\r\n_\r\n";
    EXPECT_EQ(run("return {tostring(redis.call('A'))}"), "*1\r\n$3\r\nnil\r\n");
    host_.replies["E"] = "-WRONGTYPE no\r\n";
    EXPECT_EQ(run("return redis.pcall('E').err"), "$12\r\nWRONGTYPE no\r\n");
    EXPECT_EQ(error("redis.call('E')"), "WRONGTYPE no");
    EXPECT_EQ(run("local ok, e = pcall(redis.call, 'E') return e"), "$12\r\nWRONGTYPE no\r\n");
}

TEST_F(Scripts, NumbersKeepTheirDigitsAsArguments) {
    host_.replies["R"] = "+OK\r\n";
    run("redis.call('R', 9007199254740991, 0.1, 'x')");
    EXPECT_EQ(
        host_.last,
        (std::vector<std::string>{"R", "9007199254740991", "0.10000000000000001", "x"})
    );
}

TEST_F(Scripts, ErrorsSayWhereTheyHappened) {
    EXPECT_EQ(run("error('abc')"), "-ERR user_script:1: abc script: sha, on @user_script:1.\r\n");
    EXPECT_EQ(error("error({err='X y'})"), "X y");
    EXPECT_EQ(
        error("redis.call()"),
        "ERR Please specify at least one argument for this redis lib call"
    );
    EXPECT_EQ(
        error("redis.call({})"),
        "ERR Lua redis lib command arguments must be strings or integers"
    );
    EXPECT_EQ(error("redis.call('nosuch')"), "ERR Unknown Redis command called from script");
    EXPECT_EQ(run("return 1 2"), "compile: user_script:1: '<eof>' expected near '2'");
    EXPECT_EQ(error("error({})"), "ERR unknown error");
    EXPECT_EQ(error("error()"), "ERR nil");
    EXPECT_EQ(run("local a = {} a[1] = a return a").substr(0, 8), "*1\r\n*1\r\n");
}

TEST_F(Scripts, GlobalsAndLibrariesCannotBeChanged) {
    const std::string where = "ERR user_script:1: ";
    const std::string text = "Attempt to modify a readonly table";
    for (const ByteView script :
         {"a = 1",
          "redis = 1",
          "_G = {}",
          "redis.call = 1",
          "cjson.encode = 1",
          "string.rep = 1",
          "getmetatable(_G).__index = {}",
          "getmetatable('').__index = {}",
          "_G.a = 1",
          "getmetatable('').__index.rep = 1",
          "local s = ('').rep getmetatable('').__index.x = s"}) {
        EXPECT_EQ(error(script), where + text) << script;
    }
    for (const ByteView script :
         {"setmetatable(_G, {})",
          "rawset(_G, 'a', 1)",
          "rawset(redis, 'a', 1)",
          "table.insert(redis, 1)"}) {
        EXPECT_EQ(error(script), "ERR " + text) << script;
    }
    EXPECT_EQ(
        error("return a"),
        where + "Script attempted to access nonexistent global variable 'a'"
    );
    for (const ByteView name :
         {"print",
          "dofile",
          "loadfile",
          "require",
          "module",
          "debug",
          "io",
          "setfenv",
          "getfenv",
          "newproxy",
          "package"}) {
        EXPECT_EQ(
            error("return " + std::string(name)),
            where + "Script attempted to access nonexistent global variable '" + std::string(name)
                + "'"
        );
    }
    EXPECT_EQ(
        run("return {tostring(os.execute), tostring(os.getenv)}"),
        "*2\r\n$3\r\nnil\r\n$3\r\nnil\r\n"
    );
}

TEST_F(Scripts, ReadOnlyTablesReadAsOthers) {
    EXPECT_EQ(run("return rawget(redis, 'call') == redis.call"), ":1\r\n");
    EXPECT_EQ(run("return _G._G == _G"), ":1\r\n");
    EXPECT_EQ(run("local n = 0 for k in pairs(redis) do n = n + 1 end return n"), ":23\r\n");
    EXPECT_EQ(run("return next(redis) ~= nil"), ":1\r\n");
    EXPECT_EQ(run("return getmetatable(redis)"), "$-1\r\n");
    EXPECT_EQ(run("return ('x'):rep(3)"), "$3\r\nxxx\r\n");
    EXPECT_EQ(run("KEYS[1] = 'z' return KEYS[1]"), "$1\r\nz\r\n");
}

TEST_F(Scripts, BytecodeIsNotLoaded) {
    EXPECT_EQ(run("return loadstring(string.dump(function() end))"), "$-1\r\n");
    EXPECT_EQ(run("return load(function() return nil end) ~= nil"), ":1\r\n");
    EXPECT_EQ(
        run("local n = 0 return load(function() n = n + 1 return ({'return ', '7'})[n] end)()"),
        ":7\r\n"
    );
    EXPECT_EQ(
        run("local s = string.dump(function() end) local n = 0 "
            "return load(function() n = n + 1 if n <= #s then return s:sub(n, n) end end)"),
        "$-1\r\n"
    );
    EXPECT_EQ(run("return loadstring('return 5')()"), ":5\r\n");
    EXPECT_EQ(run("\x1bLua"), "compile: attempt to load chunk with wrong mode");
}

TEST_F(Scripts, LoopsEndWhenTheHostSaysSoWhateverTheyCatch) {
    host_.replies["PING"] = "+PONG\r\n";
    for (const ByteView script :
         {"while true do end",
          "local f = function() while 1 do redis.call('PING') end end while 1 do pcall(f) end",
          "while true do pcall(function() while true do end end) end",
          "local c = coroutine.wrap(function() while true do end end) while true do pcall(c) end",
          "while true do xpcall(function() while true do end end, function() while true do end "
          "end) end"}) {
        host_.ticks_left = 10;
        EXPECT_EQ(error(script).substr(0, 45), "ERR Script killed by user with SCRIPT KILL.")
            << script;
    }
    EXPECT_EQ(run("return 1"), ":1\r\n");
}

TEST_F(Scripts, MemoryIsCapped) {
    host_.ticks_left = 1 << 20;
    EXPECT_NE(
        error("local s = 'x' while true do s = s .. s end").find("not enough memory"),
        std::string::npos
    );
    EXPECT_NE(
        error("local t = {} for i = 1, 1e9 do t[i] = i end").find("not enough memory"),
        std::string::npos
    );
    EXPECT_NE(error("return string.rep('x', 1e9)").find("not enough memory"), std::string::npos);
    EXPECT_EQ(run("return 1"), ":1\r\n");
    EXPECT_LT(lua_.memory_bytes(), std::size_t{64} << 20U);
}

TEST_F(Scripts, DeepRecursionIsAnError) {
    EXPECT_NE(
        error("local function f() return 1 + f() end return f()").find("stack overflow"),
        std::string::npos
    );
    EXPECT_NE(
        error("local t = {} for i = 1, 8000 do t[i] = i end return unpack(t)")
            .find("too many results"),
        std::string::npos
    );
    EXPECT_NE(
        error("return unpack({}, -2147483648, 2147483647)").find("too many results"),
        std::string::npos
    );
    EXPECT_NE(
        error("return string.rep('(', 100000):find(string.rep('(', 100000))").find("ERR"),
        std::string::npos
    );
}

TEST_F(Scripts, UseLittleMemoryInTheLongRun) {
    host_.replies["INCR"] = ":1\r\n";
    const auto compiled = lua_.compile("return redis.call('INCR', KEYS[1])");
    for (int i = 0; i < 10000; ++i) {
        wire::RespWriter reply;
        const std::vector<ByteView> keys{"x"};
        Interpreter::Run what;
        what.reference = compiled.value();
        what.keys = keys;
        lua_.run(what, host_, reply);
    }
    EXPECT_LT(lua_.memory_bytes(), 100U * 1024);
}

TEST_F(Scripts, RandomNumbersFollowFromTheSeed) {
    EXPECT_EQ(run("math.randomseed(5) return math.random(1000)"), ":525\r\n");
    EXPECT_EQ(run("return tostring(math.random())"), run("return tostring(math.random())"));
    EXPECT_NE(error("return math.random(0)").find("interval is empty"), std::string::npos);
}

TEST_F(Scripts, RedisLibraryAnswersAsRedisDoes) {
    EXPECT_EQ(
        run("return redis.sha1hex('')"),
        "$40\r\nda39a3ee5e6b4b0d3255bfef95601890afd80709\r\n"
    );
    EXPECT_EQ(run("return redis.error_reply('abc')"), "-ERR abc\r\n");
    EXPECT_EQ(run("return redis.error_reply('-abc def')"), "-abc def\r\n");
    EXPECT_EQ(run("return redis.error_reply('MY code')"), "-MY code\r\n");
    EXPECT_EQ(run("return redis.error_reply(1)"), "-ERR wrong number or type of arguments\r\n");
    EXPECT_EQ(run("return redis.status_reply('ok')"), "+ok\r\n");
    EXPECT_EQ(error("redis.setresp(4)"), "ERR RESP version must be 2 or 3.");
    EXPECT_EQ(error("redis.log()"), "ERR redis.log() requires two arguments or more.");
    EXPECT_EQ(error("redis.log(10, 'a')"), "ERR Invalid debug level.");
    EXPECT_EQ(
        error("redis.set_repl(99)"),
        "ERR Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE."
    );
    EXPECT_EQ(run("return redis.acl_check_cmd('get', 'a')"), ":1\r\n");
    EXPECT_EQ(run("return redis.acl_check_cmd('set', 'a')"), "$-1\r\n");
    EXPECT_EQ(
        error("redis.acl_check_cmd('nosuch')"),
        "ERR Invalid command passed to redis.acl_check_cmd()"
    );
    EXPECT_EQ(run("return redis.REDIS_VERSION_NUM"), ":458767\r\n");
    run("redis.log(redis.LOG_NOTICE, 'a', 5, {}, 'b')");
    EXPECT_EQ(host_.logged, "2a 5 b");
}

class Libraries : public testing::Test {
protected:
    Interpreter lua_{Interpreter::Kind::kFunctions, ScriptLimits{}};
    FakeHost host_;

    std::string load(ByteView code) {
        const auto loaded = lua_.load_library(code, host_);
        if (!loaded.ok()) {
            return loaded.error().message;
        }
        functions_ = loaded.value();
        std::string names;
        for (const RegisteredFunction& function : functions_) {
            names += function.name + " ";
        }
        return names;
    }

    std::string call(std::size_t which) {
        wire::RespWriter reply;
        Interpreter::Run what;
        what.reference = functions_[which].reference;
        what.name = functions_[which].name;
        lua_.run(what, host_, reply);
        return reply.take();
    }

    std::vector<RegisteredFunction> functions_;
};

TEST_F(Libraries, RegisterFunctionsThatShareTheirLocals) {
    EXPECT_EQ(
        load("local n = 1\n"
             "redis.register_function('f', function(keys, args) n = n + 1 return n end)\n"
             "redis.register_function{function_name='g', callback=function() return n end, "
             "flags={'no-writes', 'allow-stale'}, description='d'}"),
        "f g "
    );
    EXPECT_EQ(functions_[1].flags, kScriptNoWrites | kScriptAllowStale);
    EXPECT_EQ(functions_[1].description, "d");
    EXPECT_EQ(call(0), ":2\r\n");
    EXPECT_EQ(call(1), ":2\r\n");
}

TEST_F(Libraries, SeeOnlyWhatIsMeantForLoading) {
    EXPECT_NE(
        load("redis.call('ping')").find("nonexistent global variable 'call'"),
        std::string::npos
    );
    EXPECT_NE(
        load("return math.random()").find("nonexistent global variable 'math'"),
        std::string::npos
    );
    EXPECT_NE(
        load("mt = getmetatable(_G)").find("nonexistent global variable 'getmetatable'"),
        std::string::npos
    );
    EXPECT_NE(load("a = 1").find("Attempt to modify a readonly table"), std::string::npos);
    EXPECT_NE(load("while true do end").find("FUNCTION LOAD timeout"), std::string::npos);
}

TEST_F(Libraries, CannotRegisterLater) {
    EXPECT_EQ(
        load("local lib = redis\n"
             "lib.register_function('f', function() lib.register_function('g', function() end) "
             "end)\n"
             "lib.register_function('h', function() redis.register_function('g', function() end) "
             "end)\n"
             "lib.register_function('i', function() lib.redis = redis end)"),
        "f h i "
    );
    EXPECT_NE(call(0).find("can only be called on FUNCTION LOAD command"), std::string::npos);
    EXPECT_NE(
        call(1).find("attempt to call field 'register_function' (a nil value)"),
        std::string::npos
    );
    EXPECT_NE(call(2).find("Attempt to modify a readonly table"), std::string::npos);
}

TEST_F(Libraries, SayWhatIsWrongWithARegistration) {
    const auto ends = [&](ByteView code, ByteView text) {
        const std::string problem = load(code);
        EXPECT_NE(problem.find(text), std::string::npos) << code << ": " << problem;
    };
    ends("redis.register_function()", "wrong number of arguments to redis.register_function");
    ends("redis.register_function('f')", "only applicable to Lua table");
    ends(
        "redis.register_function(nil, function() end)",
        "first argument to redis.register_function must be a string"
    );
    ends(
        "redis.register_function('f', 1)",
        "second argument to redis.register_function must be a function"
    );
    ends("redis.register_function('a b', function() end)", "can only contain letters");
    ends("redis.register_function{callback=function() end}", "must get a function name argument");
    ends("redis.register_function{function_name='f'}", "must get a callback argument");
    ends("redis.register_function{function_name='f', callback=1}", "callback argument given");
    ends(
        "redis.register_function{function_name='f', flags=1}",
        "must be a table representing function flags"
    );
    ends("redis.register_function{function_name='f', flags={'x'}}", "unknown flag given");
    ends("redis.register_function{function_name='f', x=1}", "unknown argument given");
    ends(
        "redis.register_function('f', function() end) redis.register_function('f', function() end)",
        "Function already exists in the library"
    );
}

}  // namespace
}  // namespace kumo::kv
