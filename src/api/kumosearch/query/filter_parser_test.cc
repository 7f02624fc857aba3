#include "api/kumosearch/query/filter_parser.h"

#include "api/kumosearch/query/test_schema_test.h"
#include "search/column/codes.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

namespace kumo::api_kumosearch {
namespace {

using search::Filter;

std::string bound(std::int64_t code, bool is_float) {
    if (code == INT64_MIN) {
        return "lowest";
    }
    if (code == INT64_MAX) {
        return "highest";
    }
    std::ostringstream out;
    if (is_float) {
        out.precision(17);
        out << search::double_of_code(code);
    } else {
        out << code;
    }
    return out.str();
}

/// The tree as one line: (and (words title "a") (range year 3..3)).
std::string describe(const Filter& filter, const search::Schema& schema) {
    const auto text = [&](const char* kind) {
        return "(" + std::string(kind) + " " + schema.fields[filter.field].name + " \""
               + filter.text + "\")";
    };
    const auto group = [&](const char* kind) {
        std::string out = "(" + std::string(kind);
        for (const Filter& child : filter.children) {
            out += " " + describe(child, schema);
        }
        return out + ")";
    };
    switch (filter.kind) {
        case Filter::Kind::kAll: return "all";
        case Filter::Kind::kAnd: return group("and");
        case Filter::Kind::kOr: return group("or");
        case Filter::Kind::kNot: return group("not");
        case Filter::Kind::kElement: return group("element");
        case Filter::Kind::kWords: return text("words");
        case Filter::Kind::kExact: return text("exact");
        case Filter::Kind::kStartsWith: return text("starts");
        case Filter::Kind::kWordsPrefix: return text("prefix");
        case Filter::Kind::kRange: {
            const search::Field& field = schema.fields[filter.field];
            std::string out = "(range " + field.name;
            for (const auto& [low, high] : filter.ranges) {
                const bool is_float = field.type == search::ValueType::kFloat;
                out += " " + bound(low, is_float) + ".." + bound(high, is_float);
            }
            return out + ")";
        }
        case Filter::Kind::kInRegion: return text("region");
        case Filter::Kind::kHasPoint: return text("has-point");
        case Filter::Kind::kJoin: return "(join)";
        case Filter::Kind::kDocs: return "(docs)";
        case Filter::Kind::kIds: {
            std::string out = "(ids";
            for (const std::string& id : filter.values) {
                out += " \"" + id + "\"";
            }
            return out + ")";
        }
    }
    return "";
}

std::string translate(const std::string& text) {
    const search::Schema schema = test_schema();
    const auto filter = parse_filter(text, schema);
    return filter.ok() ? describe(filter.value(), schema) : "error: " + filter.error().message;
}

/// testdata/filters.txt: a filter a line, and below it, indented, what it becomes. KUMO_REWRITE=1
/// writes the file anew.
TEST(FilterParser, TranslatesAsTheGoldenFileSays) {
    const std::string path = std::string(KUMO_TESTDATA) + "/filters.txt";
    std::ifstream file(path);
    ASSERT_TRUE(file.good()) << path;
    std::string wanted;
    std::string got;
    std::string line;
    while (std::getline(file, line)) {
        if (line.starts_with("    ")) {
            wanted += line + "\n";
            continue;
        }
        wanted += line + "\n";
        got += line + "\n";
        if (!line.empty() && !line.starts_with("#")) {
            got += "    " + translate(line) + "\n";
        }
    }
    if (std::getenv("KUMO_REWRITE") != nullptr) {
        std::ofstream(path) << got;
        return;
    }
    EXPECT_EQ(got, wanted);
}

TEST(FilterParser, BoundsOperators) {
    std::string text = "year:1";
    for (int i = 0; i < 100; ++i) {
        text += " && year:1";
    }
    EXPECT_TRUE(translate(text).starts_with("(and"));
    EXPECT_EQ(translate(text + " || year:1"), "error: `filter_by` has too many operations.");
}

TEST(FilterParser, BoundsNesting) {
    const auto nested = [](int depth) {
        return std::string(static_cast<std::size_t>(depth), '(') + "year:1"
               + std::string(static_cast<std::size_t>(depth), ')');
    };
    EXPECT_EQ(translate(nested(32)), "(range year 1..1)");
    EXPECT_EQ(
        translate(nested(33)),
        "error: Could not parse the filter query: too many nested parentheses."
    );
    EXPECT_TRUE(translate(std::string(1'000'000, '(')).starts_with("error"));
}

TEST(FilterParser, BoundsPolygons) {
    std::string text = "place:(1,1,1 km)";
    for (int i = 0; i < 9; ++i) {
        text += " || place:[(1,1,1 km)";
        for (int j = 0; j < 110; ++j) {
            text += ", (1,1,1 km)";
        }
        text += "]";
    }
    EXPECT_TRUE(translate(text).starts_with("(or")) << translate(text);
    EXPECT_EQ(
        translate(text + " || place:(1,1,1 km)"),
        "error: Value of filter field `place`: a filter has at most 1000 circles and vertices."
    );
}

TEST(FilterParser, BoundsTheTree) {
    std::string text = "year:1";
    for (int i = 0; i < 45; ++i) {
        text += " && year:1 || year:2";
    }
    EXPECT_EQ(
        translate(text),
        "error: Could not parse the filter query: `&&` and `||` alternate too often."
    );
}

TEST(FilterParser, UnknownFieldsMatchNothingWhenNamesAreNotChecked) {
    const search::Schema schema = test_schema();
    const auto filter =
        parse_filter("nothing:x || year:1", schema, {.validate_field_names = false});
    ASSERT_TRUE(filter.ok());
    EXPECT_EQ(describe(filter.value(), schema), "(or (ids) (range year 1..1))");
}

}  // namespace
}  // namespace kumo::api_kumosearch
