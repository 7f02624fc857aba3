#include "api/elastic/aggregation/internal/expression.h"
#include "api/elastic/query/dsl_world_test.h"

namespace kumo::api_elastic {
namespace {

DslWorld sales() {
    DslWorld world(R"({"properties":{
        "kind":{"type":"keyword"},"n":{"type":"integer"},"x":{"type":"double"},
        "at":{"type":"date"},"on":{"type":"boolean"},"ip":{"type":"ip"},
        "place":{"type":"geo_point"},
        "parts":{"type":"nested","properties":{"v":{"type":"long"}}}}})");
    world.add_all({
        R"({"kind":"a","n":1,"x":1.5,"at":"2016-01-01","on":true,"ip":"10.0.0.1",
            "parts":[{"v":10},{"v":20}]})",
        R"({"kind":"a","n":51,"x":2.5,"at":"2016-01-02","on":true,"place":"41.12,-71.34"})",
        R"({"kind":"b","n":101,"x":3.5,"at":"2016-02-01","on":false,"ip":"10.0.0.2"})",
        R"({"kind":["b","c"],"n":151,"at":"2016-03-01","parts":[{"v":10}]})",
    });
    return world;
}

TEST(Aggregation, Metrics) {
    DslWorld world = sales();
    EXPECT_EQ(world.aggregate(R"({"a":{"avg":{"field":"n"}}})"), R"({"a":{"value":76.0}})");
    EXPECT_EQ(world.aggregate(R"({"a":{"sum":{"field":"none"}}})"), R"({"a":{"value":0.0}})");
    EXPECT_EQ(world.aggregate(R"({"a":{"max":{"field":"none"}}})"), R"({"a":{"value":null}})");
    EXPECT_EQ(
        world.aggregate(R"({"a":{"max":{"field":"at"},"meta":{"m":1}}})"),
        R"({"a":{"meta":{"m":1},"value":1456790400000.0,"value_as_string":"2016-03-01T00:00:00.000Z"}})"
    );
    EXPECT_EQ(world.aggregate(R"({"a":{"value_count":{"field":"kind"}}})"), R"({"a":{"value":5}})");
    EXPECT_EQ(world.aggregate(R"({"a":{"cardinality":{"field":"kind"}}})"), R"({"a":{"value":3}})");
    EXPECT_EQ(
        world.aggregate(R"({"a":{"stats":{"field":"x","missing":0.5}}})"),
        R"({"a":{"count":4,"min":0.5,"max":3.5,"avg":2.0,"sum":8.0}})"
    );
    EXPECT_EQ(
        world.aggregate(R"({"a":{"percentiles":{"field":"n","percents":[25,50]}}})"),
        R"({"a":{"values":{"25.0":26.0,"50.0":76.0}}})"
    );
    EXPECT_EQ(
        world.aggregate(R"({"a":{"percentiles":{"field":"n","percents":[25,50,99],"hdr":{}}}})"),
        R"({"a":{"values":{"25.0":1.0,"50.0":51.0302734375,"99.0":151.1240234375}}})"
    );
    EXPECT_EQ(
        world.aggregate(R"({"a":{"median_absolute_deviation":{"field":"n"}}})"),
        R"({"a":{"value":50.0}})"
    );
    EXPECT_EQ(
        world.aggregate(R"({"a":{"weighted_avg":{"value":{"field":"x"},"weight":{"field":"n"}}}})"),
        R"({"a":{"value":3.15359477124183}})"
    );
    EXPECT_EQ(
        world.aggregate(R"({"a":{"avg":{"field":"kind"}}})"),
        "illegal_argument_exception: Field [kind] of type [keyword] is not supported for "
        "aggregation [avg]"
    );
}

TEST(Aggregation, Terms) {
    DslWorld world = sales();
    EXPECT_EQ(
        world.aggregate(
            R"({"t":{"terms":{"field":"kind","size":2},"aggs":{"s":{"sum":{"field":"n"}}}}})"
        ),
        R"({"t":{"doc_count_error_upper_bound":0,"sum_other_doc_count":1,"buckets":[)"
        R"({"key":"a","doc_count":2,"s":{"value":52.0}},{"key":"b","doc_count":2,"s":{"value":252.0}}]}})"
    );
    EXPECT_EQ(
        world.aggregate(R"({"t":{"terms":{"field":"kind","order":{"s.value":"desc"},"size":1},
            "aggs":{"s":{"max":{"field":"n"}}}}})"),
        R"({"t":{"doc_count_error_upper_bound":0,"sum_other_doc_count":3,"buckets":[)"
        R"({"key":"b","doc_count":2,"s":{"value":151.0}}]}})"
    );
    EXPECT_EQ(
        world.aggregate(R"({"t":{"terms":{"field":"on"}}})"),
        R"({"t":{"doc_count_error_upper_bound":0,"sum_other_doc_count":0,"buckets":[)"
        R"({"key":1,"key_as_string":"true","doc_count":2},{"key":0,"key_as_string":"false","doc_count":1}]}})"
    );
    EXPECT_EQ(
        world.aggregate(R"({"t":{"terms":{"field":"ip","exclude":["10.0.0.1"]}}})"),
        R"({"t":{"doc_count_error_upper_bound":0,"sum_other_doc_count":0,"buckets":[{"key":"10.0.0.2","doc_count":1}]}})"
    );
    EXPECT_EQ(
        world.aggregate(
            R"({"t":{"terms":{"field":"kind","include":"[bc]","min_doc_count":0}}})",
            R"({"term":{"kind":"c"}})"
        ),
        R"({"t":{"doc_count_error_upper_bound":0,"sum_other_doc_count":0,"buckets":[)"
        R"({"key":"b","doc_count":1},{"key":"c","doc_count":1}]}})"
    );
    EXPECT_EQ(
        world.aggregate(R"({"t":{"terms":{}}})"),
        "illegal_argument_exception: Required one of fields [field, script], but none were "
        "specified. "
    );
    EXPECT_EQ(
        world.aggregate(R"({"t":{"rare_terms":{"field":"kind"}}})"),
        R"({"t":{"buckets":[{"key":"c","doc_count":1}]}})"
    );
    EXPECT_EQ(
        world.aggregate(
            R"({"t":{"multi_terms":{"terms":[{"field":"kind"},{"field":"on"}],"size":1}}})"
        ),
        R"({"t":{"doc_count_error_upper_bound":0,"sum_other_doc_count":1,"buckets":[)"
        R"({"key":["a","true"],"key_as_string":"a|true","doc_count":2}]}})"
    );
}

TEST(Aggregation, Histograms) {
    DslWorld world = sales();
    EXPECT_EQ(
        world.aggregate(
            R"({"h":{"histogram":{"field":"n","interval":100,"extended_bounds":{"min":-50}}}})"
        ),
        R"({"h":{"buckets":[{"key":-100.0,"doc_count":0},{"key":0.0,"doc_count":2},{"key":100.0,"doc_count":2}]}})"
    );
    EXPECT_EQ(
        world.aggregate(R"({"h":{"date_histogram":{"field":"at","calendar_interval":"month"},
            "aggs":{"s":{"sum":{"field":"n"}},"d":{"derivative":{"buckets_path":"s"}},
            "c":{"cumulative_sum":{"buckets_path":"s"}}}},"m":{"max_bucket":{"buckets_path":"h>s"}}})"
        ),
        R"({"h":{"buckets":[{"key_as_string":"2016-01-01T00:00:00.000Z","key":1451606400000,"doc_count":2,"s":{"value":52.0},"c":{"value":52.0}},)"
        R"({"key_as_string":"2016-02-01T00:00:00.000Z","key":1454284800000,"doc_count":1,"s":{"value":101.0},"d":{"value":49.0},"c":{"value":153.0}},)"
        R"({"key_as_string":"2016-03-01T00:00:00.000Z","key":1456790400000,"doc_count":1,"s":{"value":151.0},"d":{"value":50.0},"c":{"value":304.0}}]},)"
        R"("m":{"value":151.0,"keys":["1456790400000"]}})"
    );
    EXPECT_EQ(
        world.aggregate(R"({"h":{"auto_date_histogram":{"field":"at","buckets":3}}})"),
        R"({"h":{"buckets":[{"key_as_string":"2016-01-01T00:00:00.000Z","key":1451606400000,"doc_count":2},)"
        R"({"key_as_string":"2016-02-01T00:00:00.000Z","key":1454284800000,"doc_count":1},)"
        R"({"key_as_string":"2016-03-01T00:00:00.000Z","key":1456790400000,"doc_count":1}],"interval":"1M"}})"
    );
    EXPECT_EQ(
        world.aggregate(R"({"h":{"date_histogram":{"field":"at","fixed_interval":"1ms"}}})"),
        "too_many_buckets_exception: Trying to create too many buckets. Must be less than or equal "
        "to: [65535] but was [65536]. This limit can be set by changing the [search.max_buckets] "
        "cluster level setting."
    );
}

TEST(Aggregation, Buckets) {
    DslWorld world = sales();
    EXPECT_EQ(
        world.aggregate(
            R"({"r":{"range":{"field":"n","ranges":[{"to":51},{"from":51,"key":"big"}]}}})"
        ),
        R"({"r":{"buckets":[{"key":"*-51.0","to":51.0,"doc_count":1},{"key":"big","from":51.0,"doc_count":3}]}})"
    );
    EXPECT_EQ(
        world.aggregate(
            R"({"f":{"filters":{"filters":{"x":{"term":{"kind":"a"}}},"other_bucket":true}}})"
        ),
        R"({"f":{"buckets":{"x":{"doc_count":2},"_other_":{"doc_count":2}}}})"
    );
    EXPECT_EQ(
        world.aggregate(R"({"m":{"missing":{"field":"x"},"aggs":{"n":{"min":{"field":"n"}}}}})"),
        R"({"m":{"doc_count":1,"n":{"value":151.0}}})"
    );
    EXPECT_EQ(
        world.aggregate(
            R"({"a":{"adjacency_matrix":{"filters":{"1":{"term":{"kind":"b"}},"2":{"term":{"kind":"c"}}}}}})"
        ),
        R"({"a":{"buckets":[{"key":"1","doc_count":2},{"key":"1&2","doc_count":1},{"key":"2","doc_count":1}]}})"
    );
    EXPECT_EQ(
        world.aggregate(
            R"({"c":{"composite":{"size":2,"sources":[{"k":{"terms":{"field":"kind","order":"desc"}}}],"after":{"k":"c"}}}})"
        ),
        R"({"c":{"after_key":{"k":"a"},"buckets":[{"key":{"k":"b"},"doc_count":2},{"key":{"k":"a"},"doc_count":2}]}})"
    );
    EXPECT_EQ(
        world.aggregate(R"({"g":{"geohash_grid":{"field":"place","precision":3}}})"),
        R"({"g":{"buckets":[{"key":"drm","doc_count":1}]}})"
    );
    EXPECT_EQ(
        world.aggregate(
            R"({"s":{"significant_terms":{"field":"kind","min_doc_count":1}}})",
            R"({"term":{"kind":"a"}})"
        ),
        R"({"s":{"doc_count":2,"bg_count":4,"buckets":[{"key":"a","doc_count":2,"score":1.0,"bg_count":2}]}})"
    );
}

TEST(Aggregation, LooksIntoNestedObjects) {
    DslWorld world = sales();
    EXPECT_EQ(
        world.aggregate(R"({"n":{"nested":{"path":"parts"},"aggs":{"t":{"terms":{"field":"parts.v"},
            "aggs":{"back":{"reverse_nested":{},"aggs":{"s":{"sum":{"field":"n"}}}}}}}}})"),
        R"({"n":{"doc_count":3,"t":{"doc_count_error_upper_bound":0,"sum_other_doc_count":0,"buckets":[)"
        R"({"key":10,"doc_count":2,"back":{"doc_count":2,"s":{"value":152.0}}},)"
        R"({"key":20,"doc_count":1,"back":{"doc_count":1,"s":{"value":1.0}}}]}}})"
    );
}

TEST(Aggregation, Pipelines) {
    DslWorld world = sales();
    EXPECT_EQ(
        world.aggregate(
            R"({"h":{"histogram":{"field":"n","interval":50},"aggs":{"s":{"sum":{"field":"x"}},
            "b":{"bucket_script":{"buckets_path":{"a":"s","c":"_count"},"script":"params.a / params.c * 2"}},
            "k":{"bucket_selector":{"buckets_path":{"a":"s"},"script":"params.a > 2"}},
            "o":{"bucket_sort":{"sort":[{"s":{"order":"desc"}}],"size":1}}}}})"
        ),
        R"({"h":{"buckets":[{"key":100.0,"doc_count":1,"s":{"value":3.5},"b":{"value":7.0}}]}})"
    );
    EXPECT_EQ(
        world.aggregate(
            R"({"t":{"terms":{"field":"kind"},"aggs":{"p":{"percentiles":{"field":"n"}}}},
            "m":{"max_bucket":{"buckets_path":"t>p"}}})"
        ),
        "aggregation_execution_exception: buckets_path must reference either a number value or a "
        "single value numeric metric aggregation, but [p] contains multiple values. Please specify "
        "which to use."
    );
}

TEST(Aggregation, Expressions) {
    const auto value = [](const char* source) {
        const auto parsed = Expression::parse(source);
        return parsed.ok() ? parsed.value()
                                 .evaluate([](const std::string& name) -> Result<double> {
                                     return name == "params.x" ? 3.0 : 0.5;
                                 })
                                 .value()
                           : -1;
    };
    EXPECT_EQ(value("1 + 2 * params.x"), 7);
    EXPECT_EQ(value("(1 + 2) * -params.x"), -9);
    EXPECT_EQ(value("params.x > 2 && !(params.x == 4) ? Math.pow(2, 3) : 0"), 8);
    EXPECT_EQ(value("doc['a.b'].value * 2"), 1);
    EXPECT_EQ(value("while (true) {}"), -1);
    EXPECT_EQ(value("1 +"), -1);
}

}  // namespace
}  // namespace kumo::api_elastic
