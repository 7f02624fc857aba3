#include "search/index/index.h"

#include "base/random.h"
#include "search/query/search.h"
#include "wire/json.h"

#include <gtest/gtest.h>

#include <deque>
#include <map>

namespace kumo::search {
namespace {

std::shared_ptr<const Schema> books() {
    Schema schema;
    schema.fields.push_back({.name = "title"});
    schema.fields.push_back({.name = "tags", .array = true, .facet = true, .optional = true});
    schema.fields.push_back({.name = "year", .type = ValueType::kInt32, .sort = true});
    schema.default_sorting_field = "year";
    return std::make_shared<const Schema>(schema);
}

std::string book(const std::string& id, const std::string& title, int year) {
    return R"({"id":")" + id + R"(","title":")" + title + R"(","year":)" + std::to_string(year)
           + "}";
}

/// An index with its "disk": the files that jobs made and the last manifest.
class Shard {
public:
    explicit Shard(IndexLimits limits = {}, std::shared_ptr<const Schema> schema = books())
        : limits_(limits), schema_(std::move(schema)) {
        reopen();
    }

    Index& index() { return *index_; }

    /// As after a crash: only files and the manifest are left. Returns the sequence to replay from.
    std::uint64_t reopen() {
        const Manifest manifest =
            manifest_.empty() ? Manifest{} : decode_manifest(manifest_).value();
        std::vector<std::shared_ptr<const SegmentReader>> segments;
        const Schema& schema = manifest.schema != nullptr ? *manifest.schema : *schema_;
        for (const ManifestSegment& segment : manifest.segments) {
            segments.push_back(open(schema, files_.at(segment.id)));
        }
        index_ = std::make_unique<Index>(schema_, manifest, std::move(segments), limits_);
        return manifest.applied_seq;
    }

    void seal() {
        const auto job = index_->begin_seal();
        finish(job);
    }

    void finish(const Index::SealJob& job) {
        files_[job.segment_id] = job.run().value();
        index_->finish_seal(open(*job.schema, files_[job.segment_id]));
        save();
    }

    void finish(const Index::MergeJob& job) {
        files_[job.segment_id] = job.run().value();
        index_->finish_merge(job, open(*job.schema, files_[job.segment_id]));
        save();
    }

    void save() { manifest_ = encode_manifest(index_->manifest()); }

    std::map<std::uint64_t, std::string>& files() { return files_; }

    static std::shared_ptr<const SegmentReader>
    open(const Schema& schema, const std::string& bytes) {
        return open_segment(schema, bytes, nullptr).value();
    }

    /// Operation `seq`. An error if a document does not fit.
    Status change(std::uint64_t seq, const FieldChange& what) {
        KUMO_TRY_ASSIGN(const FieldRebuild job, index_->begin_change(what));
        RebuildProgress progress;
        const auto store = [&](std::uint64_t id, std::string bytes, const Schema& schema) {
            files_[id] = std::move(bytes);
            return open_segment(schema, files_[id], nullptr);
        };
        KUMO_TRY_ASSIGN(RebuiltSegments rebuilt, job.run(store, progress));
        index_->finish_change(seq, std::move(rebuilt));
        save();
        return {};
    }

private:
    IndexLimits limits_;
    std::shared_ptr<const Schema> schema_;
    std::map<std::uint64_t, std::string> files_;
    std::string manifest_;
    std::unique_ptr<Index> index_;
};

std::string title_of(const std::string& document) {
    return std::string(wire::JsonDocument::parse(document).value().root().find("title").as_string()
    );
}

TEST(Index, AnswersEveryActionAsItsNameSays) {
    Shard shard;
    Index& index = shard.index();
    constexpr auto kDirty = DirtyValues::kReject;
    EXPECT_TRUE(index.write(WriteAction::kCreate, book("a", "One", 1), kDirty).value().created);
    const auto again = index.write(WriteAction::kCreate, book("a", "One", 1), kDirty);
    EXPECT_EQ(again.error().code, ErrorCode::kAlreadyExists);
    EXPECT_EQ(again.error().message, "A document with id a already exists.");
    EXPECT_EQ(
        index.write(WriteAction::kUpdate, book("b", "Two", 2), kDirty).error().code,
        ErrorCode::kNotFound
    );
    EXPECT_FALSE(index.write(WriteAction::kUpdate, R"({"id":"a","year":7})", kDirty).value().created
    );
    EXPECT_TRUE(index.write(WriteAction::kEmplace, book("c", "Three", 3), kDirty).ok());
    EXPECT_FALSE(index.write(WriteAction::kUpsert, R"({"id":"c","year":3})", kDirty).ok());
    index.publish(1);
    EXPECT_EQ(index.doc_count(), 2U);
    EXPECT_EQ(
        fetch_document(*index.snapshot(), "a").value(),
        R"({"id":"a","title":"One","year":7})"
    );
    EXPECT_EQ(index.erase("a").value(), R"({"id":"a","title":"One","year":7})");
    EXPECT_EQ(index.erase("a").error().code, ErrorCode::kNotFound);
    EXPECT_TRUE(fetch_document(*index.snapshot(), "a").ok()) << "snapshots do not change";
    index.publish(2);
    EXPECT_FALSE(fetch_document(*index.snapshot(), "a").ok());
}

TEST(Index, GivesIdsWithoutGaps) {
    Shard shard;
    Index& index = shard.index();
    EXPECT_EQ(
        index.write(WriteAction::kCreate, book("0", "x", 1), DirtyValues::kReject).value().id,
        "0"
    );
    const std::string without = R"({"title":"x","year":1})";
    EXPECT_EQ(index.write(WriteAction::kCreate, without, DirtyValues::kReject).value().id, "1");
    EXPECT_FALSE(index.write(WriteAction::kCreate, R"({"title":"x"})", DirtyValues::kReject).ok());
    EXPECT_EQ(index.write(WriteAction::kCreate, without, DirtyValues::kReject).value().id, "2");
}

TEST(Index, KeepsUpdatesThatCameAfterTheManifest) {
    // The update's old version lies in a sealed segment and its delete is later than the manifest:
    // the replay must still find the old version.
    Shard shard;
    (void)shard.index().write(WriteAction::kCreate, book("a", "Old", 1), DirtyValues::kReject);
    shard.index().publish(1);
    shard.seal();
    const std::string patch = R"({"id":"a","year":9})";
    (void)shard.index().write(WriteAction::kUpdate, patch, DirtyValues::kReject);
    shard.index().publish(2);
    shard.save();
    ASSERT_EQ(shard.reopen(), 1U);
    ASSERT_TRUE(shard.index().write(WriteAction::kUpdate, patch, DirtyValues::kReject).ok());
    shard.index().publish(2);
    EXPECT_EQ(
        fetch_document(*shard.index().snapshot(), "a").value(),
        R"({"id":"a","title":"Old","year":9})"
    );
}

TEST(Index, DamagedSegmentIsNamedAndNotServed) {
    Shard shard;
    (void)shard.index().write(WriteAction::kCreate, book("a", "Old", 1), DirtyValues::kReject);
    shard.index().publish(1);
    shard.seal();
    std::string bytes = shard.files().begin()->second;
    bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
    std::string again = bytes;
    const auto opened = open_segment(*books(), again, nullptr);
    if (!opened.ok()) {  // the middle byte may be padding
        EXPECT_EQ(opened.error().code, ErrorCode::kCorruption);
    }
    int refused = 0;
    for (std::size_t i = 0; i < bytes.size(); i += 97) {
        std::string damaged = shard.files().begin()->second;
        damaged[i] = static_cast<char>(damaged[i] ^ 0x40);
        refused += open_segment(*books(), damaged, nullptr).ok() ? 0 : 1;
    }
    EXPECT_GT(refused, 10);
}

/// A reference that is obviously right, and an index that seals, merges, crashes and replays at
/// random: they must agree after every step.
class Model {
public:
    explicit Model(std::uint64_t seed)
        : random_(seed), shard_({.live_docs_max = 40, .merge_factor = 3}) {}

    void run(int steps) {
        for (int i = 0; i < steps; ++i) {
            step();
            if (i % 50 == 0) {
                compare();
            }
        }
        compare();
    }

private:
    struct Op {
        bool erase;
        WriteAction action;
        std::string id;
        std::string json;
        std::optional<FieldChange> change{};
    };

    void step() {
        const std::uint64_t what = random_.below(100);
        if (what < 80) {
            apply_new();
        } else if (what < 86 && !seal_ && shard_.index().wants_seal(true)) {
            seal_ = shard_.index().begin_seal();
        } else if (what < 92 && seal_) {
            shard_.finish(*seal_);
            seal_.reset();
        } else if (what < 95 && !merge_) {
            merge_ = shard_.index().begin_merge(random_.chance(1, 3));
        } else if (what < 98 && merge_) {
            shard_.finish(*merge_);
            merge_.reset();
        } else if (what == 99 && random_.chance(1, 2)) {
            crash();
        } else if (what == 99) {
            change_fields();
        }
    }

    /// The words and the numbers that documents are ranked by are indexed in another way.
    void change_fields() {
        if (seal_) {
            shard_.finish(*seal_);
            seal_.reset();
        }
        if (merge_) {
            shard_.finish(*merge_);
            merge_.reset();
        }
        Op op{false, WriteAction::kCreate, {}, {}};
        op.change.emplace();
        const Schema& schema = shard_.index().schema();
        for (const char* name : {"title", "year"}) {
            if (random_.chance(1, 2)) {
                continue;
            }
            Field field = schema.fields[*schema.find(name)];
            field.facet = !field.facet;
            op.change->drops.emplace_back(name);
            op.change->adds.push_back(field);
        }
        log_.push_back(op);
        apply(op);
    }

    void apply_new() {
        const std::string id = std::to_string(random_.below(120));
        Op op{random_.chance(1, 5), WriteAction::kUpsert, id, {}};
        if (random_.chance(1, 3)) {
            op.action = WriteAction::kUpdate;
            op.json = R"({"id":")" + id + R"(","year":)" + std::to_string(random_.below(50)) + "}";
        } else {
            op.json = book(
                id,
                "word" + std::to_string(random_.below(9)),
                static_cast<int>(random_.below(50))
            );
        }
        log_.push_back(op);
        apply(op);
        apply_to_model(op);
    }

    void apply(const Op& op) {
        if (op.change) {
            ASSERT_TRUE(shard_.change(++seq_, *op.change).ok());
            return;
        }
        if (op.erase) {
            (void)shard_.index().erase(op.id);
        } else {
            (void)shard_.index().write(op.action, op.json, DirtyValues::kReject);
        }
        shard_.index().publish(++seq_);
    }

    void apply_to_model(const Op& op) {
        if (op.erase) {
            documents_.erase(op.id);
            return;
        }
        const auto old = documents_.find(op.id);
        if (op.action == WriteAction::kUpdate && old == documents_.end()) {
            return;
        }
        const auto json = wire::JsonDocument::parse(op.json).value();
        std::string title = op.action == WriteAction::kUpdate
                                ? title_of(old->second)
                                : std::string(json.root().find("title").as_string());
        documents_[op.id] =
            book(op.id, title, static_cast<int>(json.root().find("year").as_int64()));
    }

    void crash() {
        seal_.reset();
        merge_.reset();
        seq_ = shard_.reopen();
        for (std::size_t i = seq_; i < log_.size(); ++i) {
            apply(log_[i]);
        }
    }

    void compare() {
        const auto snapshot = shard_.index().snapshot();
        ASSERT_EQ(snapshot->doc_count, documents_.size());
        for (const auto& [id, document] : documents_) {
            ASSERT_EQ(fetch_document(*snapshot, id).value(), document);
        }
        for (int word = 0; word < 9; ++word) {
            const std::string title = "word" + std::to_string(word);
            std::uint64_t expected = 0;
            for (const auto& [id, document] : documents_) {
                expected += title_of(document) == title ? 1 : 0;
            }
            SearchRequest request;
            request.q = title;
            request.fields.push_back({.field = 0, .num_typos = 0, .prefix = false});
            ASSERT_EQ(search(*snapshot, request, system_clock()).value().found, expected);
        }
    }

    SeededRandom random_;
    Shard shard_;
    std::optional<Index::SealJob> seal_;
    std::optional<Index::MergeJob> merge_;
    std::vector<Op> log_;
    std::uint64_t seq_ = 0;
    std::map<std::string, std::string> documents_;
};

TEST(Index, ThatCannotChangeItsFieldsStaysAsItIs) {
    Shard shard({.live_docs_hard_max = 2});
    for (int i = 0; i < 7; ++i) {
        const std::string id = std::to_string(i);
        (void)shard.index().write(WriteAction::kCreate, book(id, "x", i), DirtyValues::kReject);
        shard.index().publish(static_cast<std::uint64_t>(i) + 1);
        if (i % 3 == 0) {
            shard.seal();
        }
    }
    (void)shard.index().erase("3");
    shard.index().publish(8);
    const Field number{.name = "title", .type = ValueType::kInt32};
    const Status refused = shard.change(9, {{"title"}, {number}});
    EXPECT_EQ(
        refused.error().message,
        "Schema change is incompatible with the type of documents already stored in this "
        "collection. Existing data for field `title` cannot be coerced into an int32."
    );
    EXPECT_EQ(shard.change(9, {{"none"}, {}}).error().code, ErrorCode::kInvalidArgument);
    shard.index().publish(9);
    EXPECT_EQ(shard.index().doc_count(), 6U);
    EXPECT_FALSE(shard.index().schema().fields[0].facet);
    // Two documents a segment is all that may be in memory.
    const Field facet{.name = "title", .facet = true};
    ASSERT_TRUE(shard.change(10, {{"title"}, {facet}}).ok());
    EXPECT_TRUE(shard.index().schema().fields[0].facet);
    EXPECT_EQ(shard.index().manifest().segments.size(), 4U);
    EXPECT_EQ(shard.reopen(), 10U);
    EXPECT_EQ(shard.index().doc_count(), 6U);
    EXPECT_TRUE(shard.index().schema().fields[0].facet);
    EXPECT_EQ(shard.index().schema().default_sorting_field, "year");
}

TEST(Index, FindsFieldsBesideSealsAndMerges) {
    Schema schema;
    schema.fields.push_back({.name = ".*", .type = ValueType::kAuto, .optional = true});
    Shard shard({.merge_factor = 3}, std::make_shared<const Schema>(schema));
    std::uint64_t seq = 0;
    const auto write = [&](const std::string& json) {
        ASSERT_TRUE(shard.index().write(WriteAction::kUpsert, json, DirtyValues::kBySchema).ok());
        shard.index().publish(++seq);
    };
    const auto found = [&](const char* field, const char* q) {
        const auto snapshot = shard.index().snapshot();
        SearchRequest request;
        request.q = q;
        request.fields.push_back({.field = *snapshot->schema->find(field), .num_typos = 0});
        return search(*snapshot, request, system_clock()).value().found;
    };
    write(R"({"id":"1","a":"one"})");
    write(R"({"id":"2","a":"two","b":"red"})");
    const auto seal = shard.index().begin_seal();
    write(R"({"id":"3","a":"one","c":"blue","n":3})");
    shard.finish(seal);
    EXPECT_EQ(found("a", "one"), 2U);
    EXPECT_EQ(found("c", "blue"), 1U);
    const std::uint64_t at_seal = seq - 1;
    // The manifest has the fields as of the seal; the log finds the others again.
    ASSERT_EQ(shard.reopen(), at_seal);
    EXPECT_FALSE(shard.index().schema().find("c"));
    seq = at_seal;
    write(R"({"id":"3","a":"one","c":"blue","n":3})");
    shard.seal();
    write(R"({"id":"4","d":"green"})");
    shard.seal();
    const auto merge = shard.index().begin_merge();
    ASSERT_TRUE(merge);
    write(R"({"id":"5","e":"late","n":5})");
    shard.finish(*merge);
    EXPECT_EQ(found("e", "late"), 1U);
    shard.seal();
    ASSERT_EQ(shard.reopen(), seq);
    EXPECT_EQ(shard.index().schema().fields.size(), 7U);
    for (const auto& [field, q] : std::map<const char*, const char*>{
             {"a", "two"},
             {"b", "red"},
             {"c", "blue"},
             {"d", "green"},
             {"e", "late"}}) {
        EXPECT_EQ(found(field, q), 1U) << field;
    }
    EXPECT_EQ(shard.index().doc_count(), 5U);
    // A change makes segments that know all of them.
    ASSERT_TRUE(shard.change(++seq, {{"b"}, {}}).ok());
    EXPECT_TRUE(shard.index().schema().find("b")) << "it is found again";
    ASSERT_TRUE(shard.change(++seq, {{".*"}, {}}).ok());
    EXPECT_TRUE(shard.index().schema().fields.empty());
    EXPECT_EQ(shard.index().doc_count(), 5U);
}

TEST(Index, AgreesWithAModelUnderSealsMergesAndCrashes) {
    for (std::uint64_t seed = 1; seed <= 6; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        Model(seed).run(400);
    }
}

}  // namespace
}  // namespace kumo::search
