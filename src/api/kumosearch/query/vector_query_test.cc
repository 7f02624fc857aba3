#include "api/kumosearch/query/vector_query.h"

#include "api/kumosearch/query/test_schema_test.h"

#include <gtest/gtest.h>

#include <sstream>

namespace kumo::api_kumosearch {
namespace {

std::string read(std::string_view text) {
    search::Schema schema = test_schema();
    schema.fields.push_back(test_field("vec", search::ValueType::kFloat, true));
    schema.fields.back().vector.dimensions = 3;
    const auto query = parse_vector_query(text, schema, {.k = 7});
    if (!query.ok()) {
        return "error: " + query.error().message;
    }
    std::ostringstream out;
    for (const float number : query.value().query) {
        out << number << ' ';
    }
    out << (query.value().id ? "id " + *query.value().id + " " : "") << "k " << query.value().k
        << " ef " << query.value().ef << " flat " << query.value().flat_search_cutoff << " alpha "
        << query.value().alpha << " below " << query.value().distance_threshold;
    return out.str();
}

TEST(VectorQuery, ReadsNumbersAndOptions) {
    EXPECT_EQ(read("vec:([0.5, -2, 1e3])"), "0.5 -2 1000 k 7 ef 100 flat 0 alpha 0.3 below inf");
    EXPECT_EQ(
        read(" vec : ( [1,2,3] , k: 100, ef:20,flat_search_cutoff: 50, alpha: 0.8,"
             " distance_threshold: 0.25 ) "),
        "1 2 3 k 100 ef 20 flat 50 alpha 0.8 below 0.25"
    );
    EXPECT_EQ(read("vec:([1,2,3], k: 0)"), "1 2 3 k 7 ef 100 flat 0 alpha 0.3 below inf");
}

TEST(VectorQuery, TakesADocumentInPlaceOfNumbers) {
    EXPECT_EQ(read("vec:([], id: a 1)"), "id a 1 k 7 ef 100 flat 0 alpha 0.3 below inf");
    EXPECT_EQ(read("vec:([], id: `a,b`)"), "id a,b k 7 ef 100 flat 0 alpha 0.3 below inf");
    EXPECT_EQ(
        read("vec:([1,2,3], id: 1)"),
        "error: Malformed vector query string: cannot pass both vector query and `id` parameter."
    );
    EXPECT_EQ(
        read("vec:([])"),
        "error: When a vector query value is empty, an `id` parameter must be present."
    );
}

TEST(VectorQuery, SaysWhatIsWrong) {
    EXPECT_EQ(read("vec"), "error: Malformed vector query string: `:` is missing.");
    for (const char* text :
         {"vec:[1,2,3]",
          "vec:([1,2,3]",
          "vec:(1,2,3)",
          "vec:()",
          "vec:([1,2,3)]",
          "vec:([1,2,3], k)",
          "vec:([[1,2,3]])"}) {
        EXPECT_TRUE(read(text).starts_with("error: Malformed vector query string")) << text;
    }
    EXPECT_EQ(read("vec:([1,2])"), "error: Query field `vec` must have 3 dimensions.");
    EXPECT_EQ(
        read("vec:([1,2,NaN])"),
        "error: Malformed vector query string: one of the vector values is not a float."
    );
    EXPECT_TRUE(read("vec:([1,2,1e39])").starts_with("error: "));
    EXPECT_TRUE(read("vec:([1,,2])").starts_with("error: "));
    EXPECT_EQ(read("year:([1,2,3])"), "error: Field `year` does not have a vector query index.");
    EXPECT_EQ(read("zec:([1,2,3])"), "error: Field `zec` does not have a vector query index.");
    EXPECT_EQ(
        read("vec:([1,2,3], k: x)"),
        "error: Malformed vector query string: `k` parameter must be an unsigned integer."
    );
    EXPECT_EQ(
        read("vec:([1,2,3], k: 10001)"),
        "error: The `k` of a vector query must be at most 10000."
    );
    EXPECT_EQ(
        read("vec:([1,2,3], alpha: 1.5)"),
        "error: Malformed vector query string: `alpha` parameter must be a float between 0.0-1.0."
    );
    EXPECT_EQ(
        read("vec:([1,2,3], distance_threshold: -1)"),
        "error: Malformed vector query string: `distance_threshold` parameter must be a float "
        "between 0.0-2.0."
    );
    EXPECT_EQ(
        read("vec:([1,2,3], ef: 0)"),
        "error: Malformed vector query string: `ef` parameter must be a positive integer."
    );
    EXPECT_EQ(
        read("vec:([1,2,3], other: 1)"),
        "error: Malformed vector query string: there is no `other`."
    );
}

}  // namespace
}  // namespace kumo::api_kumosearch
