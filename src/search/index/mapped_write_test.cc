#include "search/index/mapped_write.h"

#include "search/index/index.h"
#include "wire/varint.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

namespace kumo::search {
namespace {

Field exact_field(const std::string& name) {
    Field field;
    field.name = name;
    field.array = true;
    field.optional = true;
    field.found = true;
    field.exact = true;
    field.facet = true;
    return field;
}

MappedWrite document(const std::string& id, const std::string& source) {
    MappedWrite write;
    write.id = id;
    write.source = source;
    return write;
}

class MappedWrites : public testing::Test {
protected:
    Result<MappedOutcome> write(MappedWrite write) {
        MappedBatch batch;
        batch.writes.push_back(std::move(write));
        auto answers = index_.write_mapped(batch);
        if (!answers.ok()) {
            return answers.error();
        }
        if (!answers.value().front().ok()) {
            return answers.value().front().error();
        }
        return parse_mapped_outcome(answers.value().front().value().document);
    }

    StoredDocument stored(const std::string& id) {
        index_.publish(++seq_);
        const auto bytes = fetch_document(*index_.snapshot(), id);
        EXPECT_TRUE(bytes.ok());
        return parse_stored(bytes.value()).value();
    }

    Index index_{std::make_shared<const Schema>(), Manifest(), {}};
    std::uint64_t seq_ = 0;
};

TEST_F(MappedWrites, KeepTheSourceByteForByteWithItsOwnId) {
    const std::string source = R"({"id":7, "a" : {"_meta":{"seq":3}},"b":[1.50]})";
    ASSERT_TRUE(write(document("x\"y", source)).ok());
    const StoredDocument found = stored("x\"y");
    EXPECT_EQ(found.source, source);
    EXPECT_EQ(found.id, "x\"y");
    EXPECT_TRUE(found.mapped);
}

TEST_F(MappedWrites, KeepEmptySources) {
    ASSERT_TRUE(write(document("1", " { } ")).ok());
    EXPECT_EQ(stored("1").source, "{}");
}

TEST_F(MappedWrites, CountOperationsAndVersions) {
    EXPECT_EQ(write(document("1", "{}")).value().meta.seq, 0U);
    EXPECT_EQ(write(document("2", "{}")).value().meta.seq, 1U);
    const auto again = write(document("1", "{}"));
    EXPECT_EQ(again.value().meta.seq, 2U);
    EXPECT_EQ(again.value().meta.version, 2U);
    EXPECT_TRUE(again.value().found);
}

TEST_F(MappedWrites, RefuseWhatDoesNotMeetItsConditions) {
    MappedWrite create = document("1", "{}");
    create.create_only = true;
    EXPECT_TRUE(write(create).ok());
    EXPECT_EQ(write(create).error().code, ErrorCode::kConflict);
    MappedWrite numbered = document("1", R"({"a":1})");
    numbered.if_seq = 5;
    numbered.if_term = 1;
    EXPECT_EQ(write(numbered).error().code, ErrorCode::kConflict);
    numbered.if_seq = 0;
    EXPECT_TRUE(write(numbered).ok());
    MappedWrite external = document("1", "{}");
    external.rule = VersionRule::kExternal;
    external.version = 2;
    EXPECT_EQ(write(external).error().code, ErrorCode::kConflict);
    external.rule = VersionRule::kExternalGte;
    EXPECT_EQ(write(external).value().meta.version, 2U);
}

TEST_F(MappedWrites, ARefusedOneUsesNoNumber) {
    EXPECT_TRUE(write(document("1", "{}")).ok());
    MappedWrite create = document("1", "{}");
    create.create_only = true;
    EXPECT_FALSE(write(create).ok());
    EXPECT_EQ(write(document("2", "{}")).value().meta.seq, 1U);
}

TEST_F(MappedWrites, EraseSaysWhetherThereWasOne) {
    EXPECT_TRUE(write(document("1", "{}")).ok());
    MappedWrite erase;
    erase.id = "1";
    erase.erase = true;
    EXPECT_TRUE(write(erase).value().found);
    EXPECT_FALSE(write(erase).value().found);
    EXPECT_EQ(index_.doc_count(), 0U);
}

TEST_F(MappedWrites, AddFieldsAndFillTheirColumns) {
    MappedBatch batch;
    batch.fields.push_back(exact_field("tag"));
    batch.writes.push_back(document("1", R"({"tag":["b","a"]})"));
    batch.writes.back().values.push_back({"tag", {}, {"b", "a"}, {}});
    ASSERT_TRUE(index_.write_mapped(batch).ok());
    index_.publish(++seq_);
    const auto snapshot = index_.snapshot();
    const auto at = snapshot->schema->find("tag");
    ASSERT_TRUE(at);
    const ColumnReader& column = *snapshot->parts.front().segment->columns[*at];
    EXPECT_EQ(column.values_of(0).size(), 2U);
    EXPECT_EQ(column.string_count(), 2U);
}

TEST_F(MappedWrites, RefuseAFieldThatIsThereAsAnother) {
    MappedBatch batch;
    batch.fields.push_back(exact_field("tag"));
    ASSERT_TRUE(index_.write_mapped(batch).ok());
    batch.fields.front().exact = false;
    EXPECT_EQ(index_.write_mapped(batch).error().code, ErrorCode::kInvalidArgument);
}

TEST(MappedBatch, SurvivesTheLog) {
    MappedBatch batch;
    batch.fields.push_back(exact_field("tag"));
    batch.fields.back().analysis = R"({"tokenizer":{"type":"keyword"}})";
    batch.writes.push_back(document("1", R"({"a":1})"));
    MappedWrite& write = batch.writes.back();
    write.routing = "r";
    write.create_only = true;
    write.if_seq = 7;
    write.rule = VersionRule::kExternalGte;
    write.version = 9;
    write.values.push_back({"n", {INT64_MIN, -1, 0, INT64_MAX}, {"x", ""}, {0.5F}});
    std::string bytes;
    append_mapped_batch(bytes, batch);
    wire::ByteReader in(bytes);
    const MappedBatch read = read_mapped_batch(in);
    ASSERT_TRUE(in.at_end());
    EXPECT_EQ(read.fields, batch.fields);
    ASSERT_EQ(read.writes.size(), 1U);
    EXPECT_EQ(read.writes[0].source, write.source);
    EXPECT_EQ(read.writes[0].if_seq, write.if_seq);
    EXPECT_FALSE(read.writes[0].if_term);
    EXPECT_EQ(read.writes[0].version, 9U);
    EXPECT_EQ(read.writes[0].values[0].codes, write.values[0].codes);
    EXPECT_EQ(read.writes[0].values[0].strings, write.values[0].strings);
    EXPECT_EQ(read.writes[0].values[0].vector, write.values[0].vector);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        wire::ByteReader cut(std::string_view(bytes).substr(0, size));
        (void)read_mapped_batch(cut);
        EXPECT_FALSE(cut.at_end());
    }
}

TEST(StoredDocument, OfAnotherDialectIsItsOwnSource) {
    const auto read = parse_stored(R"({"id":"5","_meta":{"a":1},"t":"x"})");
    ASSERT_TRUE(read.ok());
    EXPECT_FALSE(read.value().mapped);
    EXPECT_EQ(read.value().id, "5");
    EXPECT_EQ(read.value().source, R"({"id":"5","_meta":{"a":1},"t":"x"})");
}

}  // namespace
}  // namespace kumo::search
