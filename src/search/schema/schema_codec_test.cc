#include "search/schema/schema_codec.h"

#include <gtest/gtest.h>

#include <memory>

namespace kumo::search {
namespace {

StemDictionary dictionary_of(std::string name, StemDictionary::Roots roots) {
    return {std::move(name), std::make_shared<const StemDictionary::Roots>(std::move(roots))};
}

Schema schema_with_dictionaries() {
    Schema schema;
    for (const char* name : {"a", "b", "c", "d"}) {
        schema.fields.push_back({.name = name, .stem = true});
    }
    schema.fields[0].stem_dictionary = dictionary_of("one", {{"mice", "mouse"}});
    schema.fields[1].stem_dictionary = dictionary_of("two", {{"feet", "foot"}, {"men", "man"}});
    schema.fields[3].stem_dictionary = dictionary_of("one", {{"mice", "mouse"}});
    return schema;
}

TEST(SchemaCodec, DictionariesAreWrittenOnce) {
    const Schema schema = schema_with_dictionaries();
    std::string bytes;
    append_schema(bytes, schema);
    EXPECT_EQ(bytes.find("mouse"), bytes.rfind("mouse"));
    wire::ByteReader in(bytes);
    const Schema read = read_schema(in);
    ASSERT_TRUE(in.ok());
    EXPECT_EQ(read, schema);
    EXPECT_EQ(read.fields[0].stem_dictionary.roots, read.fields[3].stem_dictionary.roots);
}

TEST(SchemaCodec, DamageIsNoSchema) {
    std::string bytes;
    append_schema(bytes, schema_with_dictionaries());
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        wire::ByteReader in(std::string_view(bytes).substr(0, size));
        (void)read_schema(in);
        EXPECT_FALSE(in.ok()) << size;
    }
}

TEST(Schema, DictionariesAreBoundedTogether) {
    StemDictionary::Roots roots;
    for (int i = 0; i < 30'000; ++i) {
        roots.emplace(std::string(90, 'x') + std::to_string(i), "x");
    }
    Schema schema = schema_with_dictionaries();
    schema.fields[0].stem_dictionary = dictionary_of("one", roots);
    schema.fields[3].stem_dictionary = schema.fields[0].stem_dictionary;
    EXPECT_TRUE(validate(schema).ok());
    schema.fields[1].stem_dictionary = dictionary_of("two", roots);
    EXPECT_EQ(validate(schema).error().code, ErrorCode::kLimitExceeded);
}

}  // namespace
}  // namespace kumo::search
