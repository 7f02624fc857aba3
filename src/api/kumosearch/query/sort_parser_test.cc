#include "api/kumosearch/query/sort_parser.h"

#include "api/kumosearch/query/facet_parser.h"
#include "api/kumosearch/query/sort_forms.h"
#include "api/kumosearch/query/test_schema_test.h"

#include <gtest/gtest.h>

namespace kumo::api_kumosearch {
namespace {

std::string shown(const std::string& field, const search::Decay& decay) {
    std::string out = field + " decay" + std::to_string(static_cast<int>(decay.function));
    for (const double part : {decay.origin, decay.scale, decay.offset, decay.decay}) {
        out += " " + std::to_string(part).substr(0, 5);
    }
    return out;
}

std::string shown(const search::GeoDistance& geo) {
    return std::to_string(geo.origin.lat).substr(0, 5) + ","
           + std::to_string(geo.origin.lng).substr(0, 5) + " exclude "
           + std::to_string(geo.exclude_radius_meters) + " precision "
           + std::to_string(geo.precision_meters);
}

std::string sorted_by(std::string_view text) {
    const search::Schema schema = test_schema();
    const auto keys = parse_sort(text, schema);
    if (!keys.ok()) {
        return "error: " + keys.error().message;
    }
    std::string out;
    for (const search::SortKey& key : keys.value()) {
        switch (key.by) {
            case search::SortKey::By::kTextMatch: out += "_text_match"; break;
            case search::SortKey::By::kGroupFound: out += "_group_found"; break;
            case search::SortKey::By::kJoined: out += "joined"; break;
            case search::SortKey::By::kRandom:
                out += "_rand " + (key.seed ? std::to_string(*key.seed) : "-");
                break;
            case search::SortKey::By::kFilters:
                out += "_eval";
                for (const search::ScoredFilter& filter : key.filters) {
                    out += " " + std::to_string(filter.score);
                }
                break;
            case search::SortKey::By::kDecay:
                out += shown(schema.fields[key.field].name, key.decay);
                break;
            case search::SortKey::By::kVectorDistance: out += "_vector_distance"; break;
            case search::SortKey::By::kVector: out += "_vector_query"; break;
            case search::SortKey::By::kGeoDistance:
                out += schema.fields[key.field].name + " from " + shown(key.geo);
                break;
            case search::SortKey::By::kField: out += schema.fields[key.field].name; break;
        }
        out += key.descending ? " desc" : " asc";
        out += key.missing_first ? " missing-first" : "";
        out += key.buckets > 0 ? " buckets " + std::to_string(key.buckets) : "";
        out += key.bucket_size > 0 ? " size " + std::to_string(key.bucket_size) : "";
        out += ";";
    }
    return out;
}

TEST(SortParser, ReadsFieldsAndOrders) {
    EXPECT_EQ(sorted_by(""), "");
    EXPECT_EQ(sorted_by("year:desc"), "year desc;");
    EXPECT_EQ(sorted_by(" year : ASC , price:desc"), "year asc;price desc;");
}

TEST(SortParser, MissingNumbersComeLastAndMissingStringsRankHighest) {
    EXPECT_EQ(sorted_by("year:asc,year:desc"), "year asc;year desc;");
    EXPECT_EQ(sorted_by("name:asc,name:desc"), "name asc;name desc missing-first;");
    EXPECT_EQ(sorted_by("year(missing_values: first):asc"), "year asc missing-first;");
    EXPECT_EQ(sorted_by("name(missing_values: last):desc"), "name desc;");
}

TEST(SortParser, ReadsTextMatchGroups) {
    EXPECT_EQ(sorted_by("_text_match:desc"), "_text_match desc;");
    EXPECT_EQ(sorted_by("_text_match(buckets: 10):desc"), "_text_match desc buckets 10;");
    EXPECT_EQ(sorted_by("_text_match(bucket_size: 3):desc"), "_text_match desc size 3;");
    EXPECT_TRUE(sorted_by("_text_match(buckets: x):desc").starts_with("error: Invalid value"));
}

TEST(SortParser, ReadsDistances) {
    EXPECT_EQ(
        sorted_by("place(48.853, 2.344):asc"),
        "place from 48.85,2.344 exclude 0 precision 0 asc;"
    );
    EXPECT_EQ(
        sorted_by("place(48.853, 2.344, exclude_radius: 2 mi, precision: 0.5km):desc,year:asc"),
        "place from 48.85,2.344 exclude 3219 precision 500 desc;year asc;"
    );
    const std::string bad = "error: Bad syntax for sorting field `place`";
    EXPECT_EQ(sorted_by("place:asc"), bad);
    EXPECT_EQ(sorted_by("place(x, y):asc"), bad);
    EXPECT_EQ(sorted_by("place(, 2.3):asc"), bad);
    EXPECT_EQ(sorted_by("place(48.8):asc"), bad);
    EXPECT_EQ(sorted_by("place(91, 2.3):asc"), bad);
    EXPECT_EQ(sorted_by("place(48.8, 2.3, radius: 2 km):asc"), bad);
    EXPECT_EQ(
        sorted_by("place(48.8, 2.3, exclude_radius: 2 m):asc"),
        "error: Sort field's parameter `exclude_radius` must be a distance in `km` or `mi`."
    );
    EXPECT_EQ(
        sorted_by("area(48.8, 2.3):asc"),
        "error: Could not find a field named `area` in the schema for sorting."
    );
    EXPECT_TRUE(sorted_by("year(48.8, 2.3):asc").starts_with("error: "));
}

TEST(SortParser, ReadsTheDistanceOfVectors) {
    EXPECT_EQ(sorted_by("_vector_distance:asc"), "_vector_distance asc;");
    EXPECT_TRUE(sorted_by("_vector_distance(x: 1):asc").starts_with("error: "));
}

TEST(SortParser, ReadsTheSizeOfGroups) {
    EXPECT_EQ(sorted_by("_group_found:desc,year:asc"), "_group_found desc;year asc;");
    EXPECT_TRUE(sorted_by("_group_found(x):desc").starts_with("error: Could not find"));
}

TEST(SortParser, ReadsConditions) {
    EXPECT_EQ(sorted_by("_eval(year:>5):desc,price:asc"), "_eval 1 desc;price asc;");
    EXPECT_EQ(sorted_by("_eval(tags:[a, b] && open:true):asc"), "_eval 1 asc;");
    EXPECT_EQ(
        sorted_by("_eval([ (year:>5):3, (tags:=`a),(` || (open:true)) : 20 ]):desc"),
        "_eval 3 20 desc;"
    );
    const auto fails = [](const std::string& text, std::string_view how) {
        EXPECT_EQ(sorted_by(text).substr(0, how.size() + 7), "error: " + std::string(how)) << text;
    };
    fails("_eval:desc", "The expression of `_eval` is empty.");
    fails("_eval():desc", "The expression of `_eval` is empty.");
    for (const char* list : {"[]", "[(year:1)]", "[year:1:2]", "[(year:1)x:2]", "[(year:1):2,]"}) {
        fails("_eval(" + std::string(list) + "):desc", "An expression of `_eval` must look like");
    }
    fails("_eval([(year:1):-2]):desc", "The scores of `_eval` must be integers");
    fails("_eval([(year:1):2):desc", "Parameter `sort_by` is malformed.");
    fails("_eval([(year:1):2]x):desc", "The list of `_eval` must have 1 to 50");
    fails("_eval(none:1):desc", "Could not find a filter field named `none`");
    std::string many = "_eval([(year:1):1";
    std::string deep = "year:1";
    for (std::size_t i = 0; i < kEvalExpressionsMax * 4; ++i) {
        many += ",(year:1):1";
        deep += " && year:1";
    }
    fails(many + "]):desc", "The list of `_eval` must have 1 to 50");
    fails("_eval(" + deep + "):desc", "`filter_by` has too many operations.");
    const std::string half = deep.substr(0, 6 + 10 * 60);
    EXPECT_EQ(sorted_by("_eval([(" + half + "):1]):desc"), "_eval 1 desc;");
    fails("_eval([(" + half + "):1,(" + half + "):1]):desc", "`filter_by` has too many");
}

TEST(SortParser, ReadsShuffles) {
    EXPECT_EQ(sorted_by("_rand(42):asc"), "_rand 42 asc;");
    EXPECT_EQ(sorted_by("_rand():desc"), "_rand - desc;");
    EXPECT_EQ(sorted_by("_rand:asc"), "_rand - asc;");
    EXPECT_TRUE(sorted_by("_rand(x):asc").starts_with("error: The seed of `_rand`"));
    EXPECT_TRUE(sorted_by("_rand(1)").starts_with("error: Parameter `sort_by`"));
}

TEST(SortParser, ReadsDecays) {
    EXPECT_EQ(
        sorted_by("year(origin: 5, func: gauss, scale: 2):desc"),
        "year decay0 5.000 2.000 0.000 0.500 desc;"
    );
    EXPECT_EQ(
        sorted_by("price(func:linear,offset:1.5,decay:0.25,scale:10,origin:-1):asc"),
        "price decay2 -1.00 10.00 1.500 0.250 asc;"
    );
    EXPECT_EQ(
        sorted_by("big(origin: 3, func: diff):asc"),
        "big decay3 3.000 1.000 0.000 0.500 asc;"
    );
    for (const char* text :
         {"year(origin: 5, func: gauss):desc",
          "year(func: exp, scale: 1):desc",
          "year(origin: 5, scale: 1):desc",
          "year(origin: 5, func: exp, scale: 0):desc",
          "year(origin: 5, func: exp, scale: 1, decay: 1):desc",
          "year(origin: 5, func: exp, scale: 1, decay: 0):desc",
          "year(origin: 5, func: exp, scale: 1, offset: -1):desc",
          "year(origin: nan, func: exp, scale: 1):desc",
          "year(origin: x, func: exp, scale: 1):desc",
          "year(origin: 5, func: cosine, scale: 1):desc",
          "year(origin: 5, func: exp, scale: 1, x: 1):desc",
          "year(origin: 5, func):desc",
          "name(origin: 5, func: exp, scale: 1):desc",
          "open(origin: 5, func: exp, scale: 1):desc"}) {
        EXPECT_TRUE(sorted_by(text).starts_with("error: ")) << text;
    }
}

TEST(SortParser, RefusesWhatIsNotThere) {
    EXPECT_EQ(
        sorted_by("nothing:asc"),
        "error: Could not find a field named `nothing` in the schema for sorting."
    );
    EXPECT_EQ(
        sorted_by("title:asc"),
        "error: Could not find a field named `title` in the schema for sorting."
    );
    EXPECT_EQ(sorted_by("year"), "error: Parameter `sort_by` is malformed.");
    EXPECT_EQ(sorted_by("year(:asc"), "error: Parameter `sort_by` is malformed.");
    EXPECT_EQ(sorted_by("year:up"), "error: Order for field `year` should be either ASC or DESC.");
    EXPECT_EQ(
        sorted_by("year:asc,year:asc,year:asc,year:asc"),
        "error: Only upto 3 sort_by fields can be specified."
    );
}

TEST(SortParser, NamesWhatIsNotSupported) {
    for (const char* text : {"_seq_id:asc", "year(x: 1):asc"}) {
        const auto keys = parse_sort(text, test_schema());
        ASSERT_FALSE(keys.ok()) << text;
        EXPECT_NE(keys.error().message.find("not supported yet"), std::string::npos) << text;
    }
}

std::string faceted_by(std::string_view text, std::string_view query = "") {
    const search::Schema schema = test_schema();
    auto facets = parse_facets(text, schema);
    if (!facets.ok()) {
        return "error: " + facets.error().message;
    }
    const Status queried = apply_facet_query(query, 2, schema, {}, facets.value());
    if (!queried.ok()) {
        return "error: " + queried.error().message;
    }
    std::string out;
    for (const search::FacetRequest& facet : facets.value()) {
        out += schema.fields[facet.field].name;
        out += facet.order == search::FacetRequest::Order::kAlphaAscending    ? " alpha"
               : facet.order == search::FacetRequest::Order::kAlphaDescending ? " alpha-down"
                                                                              : "";
        for (const search::FacetRange& range : facet.ranges) {
            out += " " + range.label + "=";
            out += range.from == INT64_MIN ? "" : std::to_string(range.from);
            out += ",";
            out += range.to == INT64_MAX ? "" : std::to_string(range.to);
        }
        out += facet.query.empty() ? "" : " ?" + facet.query;
        out += ";";
    }
    return out;
}

TEST(FacetParser, ReadsFieldsOrdersAndRanges) {
    EXPECT_EQ(faceted_by(""), "");
    EXPECT_EQ(faceted_by("tags, year"), "tags;year;");
    EXPECT_EQ(faceted_by("tags(sort_by: _alpha:asc)"), "tags alpha;");
    EXPECT_EQ(faceted_by("tags(sort_by:_alpha:desc),year"), "tags alpha-down;year;");
    EXPECT_EQ(
        faceted_by("year(old:[ , 1990], nineties: [1990, 2000], new:[2000,])"),
        "year old=,1990 nineties=1990,2000 new=2000,;"
    );
    EXPECT_EQ(faceted_by("year*"), "year;years;");
}

TEST(FacetParser, AppliesTheQuery) {
    EXPECT_EQ(faceted_by("tags,year", "tags: re"), "tags ?re;year;");
    EXPECT_TRUE(faceted_by("tags", "year:5").starts_with("error: Facet query refers"));
    EXPECT_TRUE(faceted_by("tags", "re").starts_with("error: Facet query must be"));
}

TEST(FacetParser, RefusesWhatIsNotThere) {
    EXPECT_EQ(
        faceted_by("hidden"),
        "error: Could not find a facet field named `hidden` in the schema."
    );
    EXPECT_TRUE(faceted_by("tags(a:[0, 1])").starts_with("error: Range facet is restricted"));
    EXPECT_TRUE(faceted_by("year(a:[2, 1])").starts_with("error: Ranges in facet_by"));
    EXPECT_TRUE(faceted_by("year(a:[x, 1])").starts_with("error: Facet range value"));
    EXPECT_TRUE(faceted_by("year(a:[0 1])").starts_with("error: Error splitting"));
    EXPECT_TRUE(faceted_by("year(").starts_with("error: "));
    EXPECT_TRUE(faceted_by("tags(sort_by: year:asc)").starts_with("error: Sorting facet values"));
}

}  // namespace
}  // namespace kumo::api_kumosearch
