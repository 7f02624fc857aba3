#include "api/elastic/mapping/mapping.h"

#include "api/elastic/fault.h"
#include "api/elastic/mapping/document_mapper.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace kumo::api_elastic {
namespace {

std::shared_ptr<const Mapping>
mapping(const std::string& json, const std::string& settings = "{}") {
    auto made = Mapping::make(Json::parse(json).value(), Json::parse(settings).value());
    EXPECT_TRUE(made.ok()) << (made.ok() ? "" : made.error().message);
    return made.value();
}

std::string reason(const Error& error) {
    return fault_of(error).type + ": " + fault_of(error).reason;
}

TEST(Mapping, HasMultiFieldsObjectsAndAliases) {
    const auto made = mapping(
        R"({"properties":{"a":{"properties":{"t":{"type":"text","fields":{"raw":{"type":"keyword"}}}}},
            "n":{"type":"long"},"other":{"type":"alias","path":"n"}}})"
    );
    EXPECT_EQ(made->find("a.t.raw")->parent, "a.t");
    EXPECT_EQ(made->find("other")->path, "n");
    EXPECT_EQ(made->find_declared("other")->kind, FieldKind::kAlias);
    EXPECT_EQ(made->matching("a.*").size(), 2U);
    EXPECT_EQ(made->find("none"), nullptr);
}

TEST(Mapping, ExpandsDotsInNames) {
    EXPECT_EQ(
        mapping(R"({"properties":{"a.b":{"type":"long"},"a.c":{"type":"date"}}})")->json().dump(),
        R"({"properties":{"a":{"properties":{"b":{"type":"long"},"c":{"type":"date"}}}}})"
    );
}

TEST(Mapping, RefusesWhatIsNone) {
    const auto fails = [](const char* json) {
        const auto made = Mapping::make(Json::parse(json).value(), Json::object());
        return made.ok() ? std::string() : reason(made.error());
    };
    EXPECT_EQ(
        fails(R"({"properties":{"a":{"type":"tekst"}}})"),
        "mapper_parsing_exception: No handler for type [tekst] declared on field [a]"
    );
    EXPECT_EQ(
        fails(R"({"properties":{"a":{"type":"text","x":1}}})"),
        "mapper_parsing_exception: unknown parameter [x] on mapper [a] of type [text]"
    );
    EXPECT_NE(fails(R"({"foo":{}})"), "");
    EXPECT_NE(fails(R"({"properties":[]})"), "");
    EXPECT_NE(fails(R"({"properties":{"a":{"type":"alias","path":"b"}}})"), "");
}

TEST(Mapping, CountsItsFields) {
    std::string many = R"({"properties":{)";
    for (int i = 0; i < 11; ++i) {
        many +=
            (i > 0 ? "," : "") + std::string("\"f") + std::to_string(i) + R"(":{"type":"long"})";
    }
    const auto made = Mapping::make(
        Json::parse(many + "}}").value(),
        Json::parse(R"({"index.mapping.total_fields.limit":"10"})").value()
    );
    ASSERT_FALSE(made.ok());
    EXPECT_EQ(fault_of(made.error()).reason, "Limit of total fields [10] has been exceeded");
}

TEST(Mapping, MergesWhatCanBeMerged) {
    const auto before =
        mapping(R"({"properties":{"a":{"type":"text"},"o":{"properties":{"x":{"type":"long"}}}}})");
    const auto merged = before->merged(
        Json::parse(
            R"({"properties":{"b":{"type":"date"},"o":{"properties":{"y":{"type":"long"}}}}})"
        )
            .value()
    );
    ASSERT_TRUE(merged.ok());
    EXPECT_TRUE(mapping(merged.value().dump())->find("o.y") != nullptr);
    const auto refused =
        before->merged(Json::parse(R"({"properties":{"a":{"type":"long"}}})").value());
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(
        fault_of(refused.error()).reason,
        "mapper [a] cannot be changed from type [text] to [long]"
    );
}

TEST(DocumentMapper, AsksForWhatIsNew) {
    const auto mapped = map_document(
        *mapping("{}"),
        "1",
        R"({"t":"x","n":1,"d":1.5,"b":true,"when":"2020-01-02","o":{"k":["a"]},"nothing":null,"none":[]})"
    );
    ASSERT_TRUE(mapped.ok());
    const Json* const properties = mapped.value().update.find("properties");
    ASSERT_NE(properties, nullptr);
    EXPECT_EQ(properties->find("t")->find("type")->text(), "text");
    EXPECT_EQ(properties->find("n")->find("type")->text(), "long");
    EXPECT_EQ(properties->find("d")->find("type")->text(), "float");
    EXPECT_EQ(properties->find("b")->find("type")->text(), "boolean");
    EXPECT_EQ(properties->find("when")->find("type")->text(), "date");
    EXPECT_NE(properties->at_path("o.properties.k"), nullptr);
    EXPECT_EQ(properties->find("nothing"), nullptr);
    EXPECT_EQ(properties->find("none"), nullptr);
}

TEST(DocumentMapper, MakesValues) {
    const auto fields = mapping(
        R"({"properties":{"n":{"type":"byte"},"k":{"type":"keyword","ignore_above":3},
            "when":{"type":"date"},"ip":{"type":"ip"},"at":{"type":"geo_point"}}})"
    );
    const auto mapped = map_document(
        *fields,
        "1",
        R"({"n":["3",4.7],"k":["abc","abcd"],"when":"1970-01-01T00:00:01Z","ip":"10.0.0.1","at":"1,2"})"
    );
    ASSERT_TRUE(mapped.ok());
    for (const search::MappedValues& values : mapped.value().values) {
        if (values.field == "n") {
            EXPECT_EQ(values.codes, (std::vector<std::int64_t>{3, 4}));
        } else if (values.field == "k") {
            EXPECT_EQ(values.strings, (std::vector<std::string>{"abc"}));
        } else if (values.field == "when") {
            EXPECT_EQ(values.codes, (std::vector<std::int64_t>{1000}));
        } else if (values.field == "ip") {
            EXPECT_EQ(values.strings.front(), "00000000000000000000ffff0a000001");
        }
    }
    EXPECT_EQ(mapped.value().ignored, (std::vector<std::string>{"k"}));
    EXPECT_EQ(mapped.value().fields.size(), 6U);  // With _ignored.
}

TEST(DocumentMapper, SaysWhatDoesNotFit) {
    const auto fields = mapping(R"({"dynamic":"strict","properties":{"n":{"type":"byte"}}})");
    const auto fails = [&](const char* source) {
        const auto mapped = map_document(*fields, "7", source);
        return mapped.ok() ? std::string() : reason(mapped.error());
    };
    EXPECT_EQ(
        fails(R"({"n":"x"})"),
        "mapper_parsing_exception: failed to parse field [n] of type [byte] in document with id "
        "'7'. Preview of "
        "field's value: 'x'"
    );
    EXPECT_NE(fails(R"({"n":128})"), "");
    EXPECT_EQ(
        fails(R"({"m":1})"),
        "strict_dynamic_mapping_exception: mapping set to strict, dynamic introduction of [m] "
        "within [_doc] is not "
        "allowed"
    );
    EXPECT_NE(fails("[1]"), "");
    EXPECT_NE(fails("{"), "");
    EXPECT_NE(fails(R"({"":1})"), "");
}

TEST(Dates, AreReadAndWritten) {
    const auto millis =
        [](const char* format, const char* text, MissingParts missing = MissingParts::kLowest) {
            const auto read = DateFormat::make(format).value().parse(text, missing);
            return read.ok() ? read.value().millis : INT64_MIN;
        };
    EXPECT_EQ(
        millis("strict_date_optional_time||epoch_millis", "2020-02-29T12:00:00+02:00"),
        1582970400000
    );
    EXPECT_EQ(millis("strict_date_optional_time||epoch_millis", "1582970400000"), 1582970400000);
    EXPECT_EQ(
        millis("strict_date_optional_time", "2020-02", MissingParts::kHighest),
        1583020799999
    );
    EXPECT_EQ(millis("yyyy/MM/dd HH:mm:ss", "1970/01/02 00:00:01"), 86401000);
    EXPECT_EQ(millis("dd MMM yyyy", "29 Feb 2019"), INT64_MIN);
    EXPECT_EQ(millis("epoch_second", "-1.5"), -1500);
    const DateFormat format = DateFormat::make("yyyy-MM-dd'T'HH:mm:ss.SSSXXX").value();
    EXPECT_EQ(
        format.format({1582970400123, 0}, TimeZone::parse("-03:30").value()),
        "2020-02-29T06:30:00.123-03:30"
    );
    EXPECT_FALSE(DateFormat::make("yyyy'").ok());
    EXPECT_FALSE(DateFormat::make("").ok());
    EXPECT_EQ(days_of(civil_of(-719'529)), -719'529);
}

TEST(Json, IsWhatItWas) {
    const std::string text = R"({"a":[1,-2,18446744073709551615,1.5,true,null,"x\n"],"b":{}})";
    const Json parsed = Json::parse(text).value();
    EXPECT_EQ(parsed.dump(), text);
    EXPECT_EQ(parsed.find("a")->items()[0].members().size(), 0U);
    EXPECT_EQ(Json::number_float(0.1F).dump(), "0.1");
    EXPECT_TRUE(Json(1) == Json(1.0));
    Json changed = parsed;
    changed.merge(Json::parse(R"({"b":{"c":1}})").value());
    EXPECT_EQ(changed.at_path("b.c")->as_int64(), 1);
}

}  // namespace
}  // namespace kumo::api_elastic
