#pragma once

#include "base/published.h"
#include "base/result.h"
#include "search/column/string_numbers.h"
#include "search/index/deleted_docs.h"
#include "search/index/field_rebuild.h"
#include "search/index/index_limits.h"
#include "search/index/manifest.h"
#include "search/index/mapped_write.h"
#include "search/index/partition.h"
#include "search/schema/document.h"
#include "search/schema/field_change.h"
#include "search/schema/field_finder.h"
#include "search/schema/schema.h"
#include "search/segment/segment.h"
#include "search/text/postings_cursor.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kumo::search {

/// An index at one moment: what a search runs on. Immutable; any thread.
struct Snapshot {
    struct Part {
        std::shared_ptr<const SegmentReader> segment;
        DeletedDocs deleted;
        std::uint32_t shard = 0;  ///< Which part of a united collection it is of.
    };

    std::shared_ptr<const Schema> schema;
    std::vector<Part> parts;      ///< Oldest first.
    std::uint64_t doc_count = 0;  ///< Without deleted ones.
    std::uint64_t applied_seq = 0;
    /// Of the sealed ones of `parts`; null if those are not an index's own.
    std::shared_ptr<StringNumberCache> numbers;
};

/// Fetches the stored document with this id. kNotFound if there is none.
Result<std::string> fetch_document(const Snapshot& snapshot, std::string_view id);

enum class WriteAction : std::uint8_t {
    kCreate,   ///< kAlreadyExists if the id is taken.
    kUpsert,   ///< Replaces the whole document if the id is taken.
    kUpdate,   ///< Merges into the existing document; kNotFound if there is none.
    kEmplace,  ///< Update or create.
};

/// A document that was written.
struct Written {
    std::string id;
    std::string document;  ///< As stored.
    bool created = false;
};

inline constexpr std::size_t kIdBytesMax = 512;

/// One shard's documents: a live segment, sealed segments, deletes. A deterministic function of
/// its operations: it reads no clock and no file. The owner logs operations before it applies
/// them, runs the seal and merge jobs this asks for off its thread, stores the files they make,
/// and stores the manifest after each.
///
/// Thread rule: loop-owned, except snapshot(), which is for any thread.
///
/// Deletes come in three ages (`Slot`): as of now; as of the freeze that is being sealed; as of
/// the manifest. A manifest must not hold a delete later than its applied_seq: replaying a partial
/// update would not find the document it updates. For the same reason a merge only drops what the
/// manifest already counts as deleted.
class Index {
public:
    /// An index as the manifest says. `segments` are its segments, opened, in its order. Ids that
    /// it assigns are numbers that belong to its partition. `schema` is what it began with: the
    /// manifest's own counts, if it has one.
    Index(
        std::shared_ptr<const Schema> schema,
        const Manifest& manifest,
        std::vector<std::shared_ptr<const SegmentReader>> segments,
        IndexLimits limits = {},
        Partition partition = {}
    );

    // ---- operations; each is visible in snapshots after publish()

    /// `json` is one JSON object. kInvalidArgument for anything else, as for documents that do not
    /// fit the schema.
    Result<Written> write(WriteAction action, ByteView json, DirtyValues dirty);

    /// Merges `patch` into the document with this id.
    Result<Written> update(std::string_view id, wire::JsonValue patch, DirtyValues dirty);

    /// Adds the fields that are lacking, then writes (or removes) document by document. An answer
    /// is a mapped_outcome(); kConflict says which condition did not hold. The call fails, and
    /// nothing is changed, if a field is there as another one.
    Result<std::vector<Result<Written>>> write_mapped(const MappedBatch& batch);

    /// Returns the document that was removed. kNotFound if there was none.
    Result<std::string> erase(std::string_view id);

    /// Removes every document.
    void truncate();

    /// Makes everything applied so far visible, and notes that operations up to `seq` are in.
    void publish(std::uint64_t seq);

    std::shared_ptr<const Snapshot> snapshot() const { return published_.load(); }

    const Schema& schema() const { return *schema_; }

    std::uint64_t doc_count() const { return doc_count_; }

    /// With the live one.
    std::size_t segment_count() const { return slots_.size(); }

    std::size_t live_bytes() const { return live_->bytes(); }

    // ---- sealing: at most one at a time

    /// The live segment has reached its size, or holds anything at all and `any` is wanted.
    bool wants_seal(bool any = false) const;

    /// The live segment is as large as it may get: no more writes before a seal has finished.
    bool is_full() const;

    /// A frozen segment to encode. Any thread.
    struct SealJob {
        std::uint64_t segment_id;
        std::shared_ptr<const Schema> schema;
        std::shared_ptr<const LiveSegment> live;
        std::shared_ptr<const SegmentReader> reader;
        std::shared_ptr<const SegmentReader> like;  ///< The newest sealed one before it, or null.

        Result<std::string> run() const {
            return LiveSegment::seal(*schema, live, *reader, like.get());
        }
    };

    /// Freezes the live segment and starts a new one. Requires wants_seal(...), no seal under way
    /// and everything published.
    SealJob begin_seal();

    /// The job's bytes are stored and opened: from now on manifest() names the segment.
    void finish_seal(std::shared_ptr<const SegmentReader> sealed);

    /// The job failed (disk full): the frozen segment stays as it is, to be sealed again.
    SealJob retry_seal() const;

    bool sealing() const { return frozen_.has_value(); }

    /// Lets the manifest count everything up to now, which is deletes only. Requires an empty live
    /// segment, no seal under way and everything published.
    void settle();

    // ---- merging: at most one at a time, beside a seal

    struct MergeJob {
        std::uint64_t segment_id;
        std::shared_ptr<const Schema> schema;
        std::vector<std::uint64_t> input_ids;
        std::vector<SegmentMergeInput> inputs;
        DocId doc_count;

        /// `stop` may be null: set by another thread, it makes this give up (kUnavailable).
        Result<std::string> run(const std::atomic<bool>* stop = nullptr) const {
            return merge_segments(*schema, inputs, doc_count, stop);
        }
    };

    /// Segments worth merging now, if any and if no merge is under way. With `all`, those that can
    /// become one, and one with deletes alone.
    std::optional<MergeJob> begin_merge(bool all = false);

    /// `merged` is null if the job failed; nothing changes then.
    void finish_merge(const MergeJob& job, std::shared_ptr<const SegmentReader> merged);

    // ---- changing fields: an operation that takes long

    /// What rebuild_fields() needs to make the segments of the index with other fields.
    /// kInvalidArgument for a change that does not fit the schema. Requires that no seal and no
    /// merge is running and that everything is published. Until finish_change(), or until it is
    /// given up, no operation may be applied, and no seal or merge begun.
    Result<FieldRebuild> begin_change(const FieldChange& change);

    /// The rebuilt segments are stored and opened: they replace all others, as of operation `seq`.
    void finish_change(std::uint64_t seq, RebuiltSegments rebuilt);

    /// What is to be stored now.
    Manifest manifest() const;

private:
    struct Slot {
        std::uint64_t id = 0;
        std::shared_ptr<LiveSegment> live;  ///< Null once sealed.
        std::shared_ptr<const SegmentReader> reader;
        DeletedDocs deleted;
        DeletedDocs deleted_at_freeze;
        DeletedDocs deleted_in_manifest;
    };

    struct Place {
        std::size_t slot;
        DocId doc;
    };

    struct Frozen {
        std::uint64_t segment_id;
        std::uint64_t applied_seq;
        std::uint64_t next_auto_id;
        std::uint64_t next_order;
        std::shared_ptr<const Schema> schema;
    };

    void start_live();
    std::shared_ptr<StringNumberCache> numbers();
    void grow(std::shared_ptr<const Schema> schema);
    std::shared_ptr<const SegmentReader>
    as_of_now(std::shared_ptr<const SegmentReader> segment, const Schema& schema) const;
    std::shared_ptr<const Schema> changed_schema() const;
    std::optional<Place> find(std::string_view id);
    std::uint64_t order_of(const Place& place) const;
    Result<std::string> stored(const Place& place) const;
    Result<Written>
    put(std::string id, wire::JsonValue root, DirtyValues dirty, const std::optional<Place>& old);
    Result<Written>
    merge_into(const Place& old, std::string id, wire::JsonValue patch, DirtyValues dirty);
    Result<std::string> resolve(const std::optional<Place>& old, wire::JsonValue document);
    void remove(const Place& place);
    std::string next_id();
    Status add_fields(const std::vector<Field>& fields);
    Result<Written> write_one(const MappedWrite& write);
    std::vector<std::size_t> choose_merge() const;
    std::vector<std::size_t> choose_all() const;

    std::shared_ptr<const Schema> schema_;
    std::shared_ptr<const Schema> first_schema_;
    std::unique_ptr<const FieldFinder> finder_;  ///< Of schema_.
    IndexLimits limits_;
    Partition partition_;
    std::vector<Slot> slots_;  ///< Oldest first; the last one is live.
    std::shared_ptr<LiveSegment> live_;
    PostingsCursor cursor_;
    std::optional<Frozen> frozen_;
    bool merging_ = false;
    std::uint64_t doc_count_ = 0;
    std::uint64_t applied_seq_ = 0;
    /// The next id to assign; where documents come mapped, which bring theirs, the next operation's
    /// number.
    std::uint64_t next_auto_id_ = 0;
    std::uint64_t next_order_ = 0;
    std::uint64_t next_segment_id_ = 1;
    Manifest durable_;  ///< Without `segments`, which follow from the slots.
    Published<Snapshot> published_;

    /// What the snapshots' numbers are of.
    struct Numbered {
        std::vector<std::uint64_t> segments;
        std::shared_ptr<const Schema> schema;
        std::shared_ptr<StringNumberCache> cache;
    };

    Numbered numbered_;
};

}  // namespace kumo::search
