#include "api/elastic/script/script.h"

#include "api/elastic/fault.h"
#include "api/elastic/script/mustache.h"

#include <gtest/gtest.h>

namespace kumo::api_elastic {
namespace {

Json json(std::string_view text) {
    return Json::parse(text).value();
}

std::string run(std::string_view source, ScriptScope scope = {}) {
    const auto script = Script::compile(source);
    if (!script.ok()) {
        return fault_of(script.error()).reason;
    }
    const auto out = script.value()->run(scope);
    return out.ok() ? out.value().dump() : fault_of(out.error()).reason;
}

std::string changed(std::string_view source, std::string_view ctx, std::string_view params = "{}") {
    Json at = json(ctx);
    const Json given = json(params);
    ScriptScope scope;
    scope.ctx = &at;
    scope.params = &given;
    const std::string out = run(source, scope);
    return out.starts_with("compile error") || out.starts_with("runtime error") ? out : at.dump();
}

TEST(Script, ComputesAsJavaDoes) {
    EXPECT_EQ(run("1 + 2 * 3"), "7");
    EXPECT_EQ(run("7 / 2"), "3");
    EXPECT_EQ(run("7 / 2.0"), "3.5");
    EXPECT_EQ(run("-7 % 3"), "-1");
    EXPECT_EQ(run("9223372036854775807 + 1"), "-9223372036854775808");
    EXPECT_EQ(run("1 < 2 && !(3 == 4) || false"), "true");
    EXPECT_EQ(run("'a' + 1 + null"), R"("a1null")");
    EXPECT_EQ(run("2 > 1 ? 'x' : 'y'"), R"("x")");
    EXPECT_EQ(run("null ?: 5"), "5");
    EXPECT_EQ(run("Math.max(2, Math.abs(-3)) + Math.round(1.6)"), "5");
    EXPECT_EQ(run("(int) 3.9"), "3");
}

TEST(Script, HasStatements) {
    EXPECT_EQ(run("int n = 0; for (int i = 0; i < 5; i++) { n += i } return n;"), "10");
    EXPECT_EQ(
        run("def l = [1, 2, 3]; def s = 0; for (x in l) { if (x == 2) continue; s += x } s"),
        "4"
    );
    EXPECT_EQ(run("def n = 0; while (true) { if (++n == 7) break; } return n"), "7");
    EXPECT_EQ(
        run("Map m = ['a': 1]; m.b = 2; m['c'] = m.a + m.b; return m"),
        R"({"a":1,"b":2,"c":3})"
    );
    EXPECT_EQ(run("List<String> l = new ArrayList(); l.add('x'); l.add('y'); l.size()"), "2");
    EXPECT_EQ(run("def a = [1]; def b = a; b.add(2); return a"), "[1,2]");
}

TEST(Script, ChangesItsContext) {
    EXPECT_EQ(
        changed("ctx._source.n += params.by", R"({"_source":{"n":1}})", R"({"by":4})"),
        R"({"_source":{"n":5}})"
    );
    EXPECT_EQ(
        changed("ctx._source.tags.add('b'); ctx.op = 'index'", R"({"_source":{"tags":["a"]}})"),
        R"({"_source":{"tags":["a","b"]},"op":"index"})"
    );
    EXPECT_EQ(
        changed("ctx._source.remove('x')", R"({"_source":{"x":1,"y":2}})"),
        R"({"_source":{"y":2}})"
    );
    EXPECT_EQ(
        changed("if (ctx._source.a?.b == null) { ctx._source.c = true }", R"({"_source":{}})"),
        R"({"_source":{"c":true}})"
    );
}

TEST(Script, ReadsADocumentsFields) {
    ScriptScope scope;
    scope.score = 2.0;
    scope.doc = [](const std::string& field) -> Result<Json> {
        if (field == "n") {
            return json("[3,4]");
        }
        return field == "none" ? Result<Json>(Json::array())
                               : Result<Json>(illegal_argument("No field found"));
    };
    EXPECT_EQ(run("doc['n'].value * _score", scope), "6.0");
    EXPECT_EQ(run("doc['n'].length + doc.n.size()", scope), "4");
    EXPECT_EQ(run("doc['none'].size() == 0 ? -1 : doc['none'].value", scope), "-1");
    EXPECT_EQ(run("doc.containsKey('other')", scope), "false");
    EXPECT_TRUE(run("doc['none'].value", scope).starts_with("runtime error: A document doesn't"));
}

TEST(Script, RefusesWhatItDoesNotKnow) {
    EXPECT_EQ(run("x + 1"), "compile error: cannot resolve symbol [x]");
    EXPECT_TRUE(run("1 +").starts_with("compile error: unexpected end of script"));
    EXPECT_TRUE(run("new File('x')").starts_with("compile error: unknown class [File]"));
    EXPECT_TRUE(run("int n = 0--").starts_with("compile error: cannot assign to this"));
    EXPECT_TRUE(run("++5").starts_with("compile error: cannot assign to this"));
    EXPECT_TRUE(run("new").starts_with("compile error: unknown class []"));
    EXPECT_TRUE(run("Math.").starts_with("compile error") || run("Math.").starts_with("runtime"));
    EXPECT_TRUE(run("throw 1").starts_with("compile error: [throw] is not supported"));
    EXPECT_TRUE(run("'x'.foo()").starts_with("runtime error: member method [String, foo/0]"));
    EXPECT_TRUE(run("1 / 0").starts_with("runtime error: arithmetic_exception"));
    EXPECT_TRUE(run("params.x.y").starts_with("runtime error: null_pointer_exception"));
}

TEST(Script, HasLimits) {
    EXPECT_TRUE(run("while (true) {}").starts_with("runtime error: The maximum number"));
    EXPECT_TRUE(run("def s = 'xxxxxxxx'; while (true) { s = s + s }")
                    .starts_with("runtime error: a script needs"));
    EXPECT_TRUE(
        run("def l = []; l.add(l); return l").starts_with("runtime error: a value contains itself")
    );
    EXPECT_TRUE(run(std::string(5000, '(')).starts_with("compile error: a script is nested"));
    std::string sum = "1";
    for (int i = 0; i < 5000; ++i) {
        sum += "+1";
    }
    EXPECT_TRUE(run(sum).starts_with("compile error: an expression is too long"));
}

TEST(Mustache, FillsInVariables) {
    const Json params = json(R"({"a":"x\"y","n":3,"list":["p","q"],"o":{"b":true},"no":[]})");
    const auto made = [&params](std::string_view text) {
        const auto out = render_mustache(text, params);
        return out.ok() ? out.value() : fault_of(out.error()).reason;
    };
    EXPECT_EQ(made(R"({"q":"{{a}}","n":{{n}}})"), R"({"q":"x\"y","n":3})");
    EXPECT_EQ(made("{{#o.b}}yes{{/o.b}}{{^no}}none{{/no}}{{! a remark }}"), "yesnone");
    EXPECT_EQ(made("{{#list}}<{{.}}>{{/list}}"), "<p><q>");
    EXPECT_EQ(made("{{#toJson}}list{{/toJson}}"), R"(["p","q"])");
    EXPECT_EQ(made("{{#join delimiter='-'}}list{{/join delimiter='-'}}"), "p-q");
    EXPECT_EQ(made("{{#url}}a b{{/url}}"), "a%20b");
    EXPECT_TRUE(made("{{#o}}").starts_with("compile error"));
    EXPECT_TRUE(made("{{a").starts_with("compile error"));
}

}  // namespace
}  // namespace kumo::api_elastic
