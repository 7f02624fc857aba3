#include "wire/json.h"

#include "base/random.h"
#include "wire/json_writer.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <cstdio>
#include <limits>
#include <string>
#include <vector>

namespace kumo::wire {
namespace {

JsonDocument parsed(ByteView text, const JsonLimits& limits = {}) {
    Result<JsonDocument> r = JsonDocument::parse(text, limits);
    EXPECT_TRUE(r.ok()) << text << ": " << r.error().message;
    return std::move(r).value();
}

std::string refusal(ByteView text, const JsonLimits& limits = {}) {
    const Result<JsonDocument> r = JsonDocument::parse(text, limits);
    EXPECT_FALSE(r.ok()) << text;
    if (r.ok()) {
        return "";
    }
    EXPECT_EQ(r.error().code, ErrorCode::kInvalidArgument);
    return r.error().message;
}

std::string rewritten(ByteView text) {
    const JsonDocument doc = parsed(text);
    std::string out;
    JsonWriter(out).value(doc.root());
    return out;
}

TEST(Json, ReadsEveryType) {
    const JsonDocument doc =
        parsed(R"( {"n":null,"t":true,"f":false,"i":-7,"u":18446744073709551615,"d":2.50,)"
               R"("s":"a\tb","a":[1,[],{}],"o":{"x":{"y":1}}} )");
    const JsonValue root = doc.root();
    EXPECT_EQ(root.as_object().size(), 9U);
    EXPECT_TRUE(root.find("n").is_null());
    EXPECT_TRUE(root.find("t").as_bool());
    EXPECT_FALSE(root.find("f").as_bool());
    EXPECT_EQ(root.find("i").as_int64(), -7);
    EXPECT_EQ(root.find("u").as_uint64(), ~0ULL);
    EXPECT_EQ(root.find("d").as_double(), 2.5);
    EXPECT_EQ(root.find("d").raw(), "2.50");
    EXPECT_EQ(root.find("s").as_string(), "a\tb");
    EXPECT_EQ(root.find("s").raw(), R"("a\tb")");
    EXPECT_EQ(root.find("a").as_array().size(), 3U);
    EXPECT_EQ(root.find("a").raw(), "[1,[],{}]");
    EXPECT_EQ(root.find("o").find("x").find("y").as_int64(), 1);
    EXPECT_FALSE(root.find("missing"));
    EXPECT_FALSE(root.find("i").find("x"));
    EXPECT_EQ(json_type_name(root.find("u").type()), "uint64");
}

TEST(Json, IteratesInOrderAndLastNameWins) {
    const JsonDocument doc = parsed(R"({"b":1,"a":[10,20],"b":3})");
    std::string names;
    for (const JsonMember member : doc.root().as_object()) {
        names.append(member.key).append(member.value.raw()).append(" ");
    }
    EXPECT_EQ(names, "b1 a[10,20] b3 ");
    EXPECT_EQ(doc.root().find("b").as_int64(), 3);
    std::int64_t sum = 0;
    for (const JsonValue v : doc.root().find("a").as_array()) {
        sum += v.as_int64();
    }
    EXPECT_EQ(sum, 30);
}

TEST(Json, HandlesSurviveMovingTheDocument) {
    JsonDocument doc = parsed(R"(["here"])");
    const JsonValue root = doc.root();
    const JsonDocument moved = std::move(doc);
    EXPECT_EQ((*root.as_array().begin()).as_string(), "here");
    EXPECT_EQ(moved.source(), R"(["here"])");
}

TEST(Json, ScalarsAreDocuments) {
    EXPECT_EQ(parsed("7").root().as_int64(), 7);
    EXPECT_EQ(parsed(" \"x\"\n").root().as_string(), "x");
    EXPECT_TRUE(parsed("null").root().is_null());
    EXPECT_EQ(parsed("\"\"").root().as_string(), "");
}

TEST(Json, NumbersKeepTheirKind) {
    EXPECT_EQ(parsed("9223372036854775807").root().as_int64(), INT64_MAX);
    EXPECT_EQ(parsed("-9223372036854775808").root().as_int64(), INT64_MIN);
    EXPECT_EQ(parsed("9223372036854775808").root().type(), JsonType::kUint64);
    EXPECT_EQ(parsed("18446744073709551616").root().as_double(), 18446744073709551616.0);
    EXPECT_EQ(parsed("-9223372036854775809").root().type(), JsonType::kDouble);
    EXPECT_EQ(parsed("-0").root().as_int64(), 0);
    EXPECT_TRUE(std::signbit(parsed("-0.0").root().as_double()));
    EXPECT_EQ(parsed("1e5").root().as_double(), 1e5);
    EXPECT_EQ(parsed("1E+22").root().as_double(), 1e22);
    EXPECT_EQ(parsed("123456789012345678901e-30").root().as_double(), 123456789012345678901e-30);
    EXPECT_EQ(parsed("2.2250738585072011e-308").root().as_double(), 2.2250738585072011e-308);
    EXPECT_EQ(parsed("1e-400").root().as_double(), 0.0);
    EXPECT_EQ(parsed("0e999999999999").root().as_double(), 0.0);
    EXPECT_EQ(parsed("0." + std::string(400, '0') + "1e401").root().as_double(), 1.0);
    EXPECT_EQ(
        parsed("1.7976931348623157e308").root().as_double(),
        std::numeric_limits<double>::max()
    );
}

TEST(Json, NumbersReadLikeTheLibraryReadsThem) {
    SeededRandom random(1);
    for (int i = 0; i < 20000; ++i) {
        std::string text = random.chance(1, 2) ? "-" : "";
        text += std::to_string(random.next() >> random.below(64));
        text += "." + std::to_string(random.next() >> random.below(64));
        text += "e" + std::to_string(static_cast<int>(random.below(80)) - 40);
        const double expected = std::strtod(text.c_str(), nullptr);
        ASSERT_EQ(parsed(text).root().as_double(), expected) << text;
    }
}

TEST(Json, UnescapesStrings) {
    EXPECT_EQ(parsed(R"("\"\\\/\b\f\n\r\t")").root().as_string(), "\"\\/\b\f\n\r\t");
    EXPECT_EQ(
        parsed(R"("\u0041\u00e9\u6771\ud83d\ude00")").root().as_string(),
        "A\u00e9\u6771\U0001F600"
    );
    EXPECT_EQ(parsed(R"("a\u0000b")").root().as_string(), ByteView("a\0b", 3));
    EXPECT_EQ(parsed(R"({"k\n":1})").root().find("k\n").as_int64(), 1);
    const std::string plain(1000, 'x');
    EXPECT_EQ(
        parsed("[\"" + plain + "\\n" + plain + "\"]")
            .root()
            .as_array()
            .begin()
            .
            operator*()
            .as_string(),
        plain + "\n" + plain
    );
}

TEST(Json, RefusalsNameTheByte) {
    EXPECT_EQ(refusal(""), "invalid JSON at byte 0: no value");
    EXPECT_EQ(refusal("  "), "invalid JSON at byte 2: no value");
    EXPECT_EQ(refusal("[1,2"), "invalid JSON at byte 4: ',' or ']' was expected");
    EXPECT_EQ(refusal("[1 2]"), "invalid JSON at byte 3: ',' or ']' was expected");
    EXPECT_EQ(refusal("{} {}"), "invalid JSON at byte 3: something follows the value");
    EXPECT_EQ(refusal("{\"a\" 1}"), "invalid JSON at byte 5: ':' was expected");
    EXPECT_EQ(refusal("{a:1}"), "invalid JSON at byte 1: a member name was expected");
    EXPECT_EQ(refusal("[\"ab\xff\"]"), "invalid JSON at byte 4: not UTF-8");
    EXPECT_EQ(refusal("[\"ab"), "invalid JSON at byte 1: the string is not closed");
    EXPECT_EQ(refusal("[\"a\nb\"]"), "invalid JSON at byte 3: control character in a string");
    EXPECT_EQ(refusal(R"(["\ud83d"])"), "invalid JSON at byte 2: bad escape in a string");
    EXPECT_EQ(refusal("[1e999]"), "invalid JSON at byte 1: number out of range");
}

TEST(Json, RefusesWhatIsNotJson) {
    for (const ByteView bad :
         {"nul",
          "nulll",
          "tru",
          "truex",
          "NaN",
          "Infinity",
          "-",
          "-x",
          "01",
          "1.",
          ".5",
          "1e",
          "1e+",
          "+1",
          "0x10",
          "1x",
          "[1\"a\"]",
          "true\"a\"",
          "\"a\"b",
          "[1,]",
          "[,1]",
          "{\"a\":1,}",
          "[",
          "]",
          "{",
          "}",
          ":",
          ",",
          "{\"a\"}",
          "{\"a\":}",
          "{1:2}",
          "[}",
          "{]",
          "'a'",
          "\\",
          "[\\\"a\" ,\"b\"]",
          "/*x*/1",
          "\xEF\xBB\xBF{}",
          R"("\x41")",
          R"("\u12")",
          R"("\u12G4")",
          R"("\udc00")",
          R"("\ud800\u0041")",
          R"("\ud800x")",
          "\"\xed\xa0\x80\"",
          "\"\xc0\x80\""}) {
        (void)refusal(bad);
    }
    (void)refusal(ByteView("1\0", 2));
    (void)refusal(ByteView("\"a\"\0", 4));
    (void)refusal(ByteView("\0", 1));
}

TEST(Json, LimitsHold) {
    const auto nested = [](int depth) {
        return std::string(static_cast<std::size_t>(depth), '[')
               + std::string(static_cast<std::size_t>(depth), ']');
    };
    (void)parsed(nested(64));
    EXPECT_EQ(refusal(nested(65)), "invalid JSON at byte 64: nested too deep");
    (void)parsed(nested(512), {.depth_max = 9999});
    (void)refusal(nested(513), {.depth_max = 9999});
    (void)refusal(std::string(100000, '['));
    (void)parsed(R"({"a":1,"b":2})", {.keys_max = 2});
    (void)refusal(R"({"a":1,"b":2,"c":3})", {.keys_max = 2});
    (void)refusal("[1,2,3]", {.bytes_max = 6});
    (void)refusal("[1,2,3]", {.tokens_max = 6});
}

TEST(Json, EveryCutOfADocumentIsRefused) {
    const std::string text = R"({"a":[1.5,"x\u00e9",{"b":null}],"c":true})";
    for (std::size_t n = 0; n < text.size(); ++n) {
        // On the heap at its exact size, so that a read past the end is seen by ASan.
        const std::vector<char> cut(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(n));
        (void)refusal(ByteView(cut.data(), cut.size()));
    }
}

/// Random text near JSON: what we accept must be what an independent parser accepts.
TEST(Json, AgreesWithAnotherParser) {
    SeededRandom random(3);
    const std::vector<std::string> pieces = {
        "{",   "}",     "[",       "]",    ":",           ",",  "1", "-2.5",
        "1e3", "\"a\"", "null",    "true", "\"",          "\\", " ", "\"\\n\"",
        "0",   "false", "{\"k\":", "[1,",  "\"\\u0041\"", "]",  "}", "x"};
    int accepted = 0;
    for (int i = 0; i < 50000; ++i) {
        std::string text;
        for (std::uint64_t n = 1 + random.below(7); n > 0; --n) {
            text += pieces[random.below(pieces.size())];
        }
        const auto other = nlohmann::json::parse(text, nullptr, false);
        const Result<JsonDocument> ours = JsonDocument::parse(text);
        ASSERT_EQ(ours.ok(), !other.is_discarded()) << text;
        if (ours.ok()) {
            ++accepted;
            std::string out;
            JsonWriter(out).value(ours.value().root());
            ASSERT_EQ(nlohmann::json::parse(out), other) << text;
        }
    }
    EXPECT_GT(accepted, 100);
}

TEST(JsonWriter, WritesStructure) {
    std::string out;
    JsonWriter w(out);
    w.begin_object().key("found").integer(-2).key("hits").begin_array();
    w.begin_object().end_object().string("x").boolean(true).null().unsigned_integer(~0ULL);
    w.begin_array().end_array().end_array().key("raw").raw("[1, 2]").end_object();
    EXPECT_EQ(
        out,
        R"({"found":-2,"hits":[{},"x",true,null,18446744073709551615,[]],"raw":[1, 2]})"
    );
}

TEST(JsonWriter, NumbersAreShortestAndLookLikeWhatTheyAre) {
    const auto text = [](double v) {
        std::string out;
        append_json_double(out, v);
        return out;
    };
    EXPECT_EQ(text(2.5), "2.5");
    EXPECT_EQ(text(3), "3.0");
    EXPECT_EQ(text(0.1), "0.1");
    EXPECT_EQ(text(-0.0), "-0.0");
    EXPECT_EQ(text(1e22), "1e+22");
    EXPECT_EQ(text(5e-324), "5e-324");
    EXPECT_EQ(text(std::numeric_limits<double>::quiet_NaN()), "null");
    std::string out;
    JsonWriter(out).begin_array().number_float(0.1F).number_float(16777216.0F).end_array();
    EXPECT_EQ(out, "[0.1,16777216.0]");
}

TEST(JsonWriter, EscapesAndRepairsStrings) {
    std::string out;
    append_json_string(out, ByteView("q\" b\\ \n\t\x01\x7f \u6771 \xff end\0", 21));
    EXPECT_EQ(out, "\"q\\\" b\\\\ \\n\\t\\u0001\x7f \u6771 \uFFFD end\\u0000\"");
    EXPECT_EQ(
        rewritten(R"( { "a" : [ 1 , 2.50 ] , "a" : "\u0041" } )"),
        R"({"a":[1,2.5],"a":"A"})"
    );
}

std::string merged(ByteView target, ByteView patch) {
    const JsonDocument t = parsed(target);
    const JsonDocument p = parsed(patch);
    std::string out;
    JsonWriter w(out);
    merge_patch(t.root(), p.root(), w);
    return out;
}

TEST(JsonMergePatch, FollowsTheExamplesOfRfc7396) {
    EXPECT_EQ(merged(R"({"a":"b"})", R"({"a":"c"})"), R"({"a":"c"})");
    EXPECT_EQ(merged(R"({"a":"b"})", R"({"b":"c"})"), R"({"a":"b","b":"c"})");
    EXPECT_EQ(merged(R"({"a":"b"})", R"({"a":null})"), R"({})");
    EXPECT_EQ(merged(R"({"a":"b","b":"c"})", R"({"a":null})"), R"({"b":"c"})");
    EXPECT_EQ(merged(R"({"a":["b"]})", R"({"a":"c"})"), R"({"a":"c"})");
    EXPECT_EQ(merged(R"({"a":"c"})", R"({"a":["b"]})"), R"({"a":["b"]})");
    EXPECT_EQ(merged(R"({"a":{"b":"c"}})", R"({"a":{"b":"d","c":null}})"), R"({"a":{"b":"d"}})");
    EXPECT_EQ(merged(R"({"a":[{"b":"c"}]})", R"({"a":[1]})"), R"({"a":[1]})");
    EXPECT_EQ(merged(R"(["a","b"])", R"(["c","d"])"), R"(["c","d"])");
    EXPECT_EQ(merged(R"({"a":"b"})", R"(["c"])"), R"(["c"])");
    EXPECT_EQ(merged(R"({"a":"foo"})", "null"), "null");
    EXPECT_EQ(merged(R"({"e":null})", R"({"a":1})"), R"({"e":null,"a":1})");
    EXPECT_EQ(merged("[1,2]", R"({"a":"b","c":null})"), R"({"a":"b"})");
    EXPECT_EQ(merged("{}", R"({"a":{"bb":{"ccc":null}}})"), R"({"a":{"bb":{}}})");
}

TEST(JsonMergePatch, KeepsBytesAndLastOfRepeatedNames) {
    EXPECT_EQ(merged(R"({"x":1.50,"k":1,"k":2})", R"({"y":1e2})"), R"({"x":1.50,"k":2,"y":1e2})");
    EXPECT_EQ(merged(R"({"k":1})", R"({"k":2,"k":null})"), "{}");
    EXPECT_EQ(merged("{}", R"({"k":2,"k":3})"), R"({"k":3})");
}

}  // namespace
}  // namespace kumo::wire
