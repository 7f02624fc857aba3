#include "search/index/index.h"

#include "base/assert.h"
#include "search/schema/document_operations.h"
#include "search/segment/adapted_segment.h"
#include "wire/json.h"
#include "wire/json_writer.h"

#include <algorithm>
#include <utility>

namespace kumo::search {

namespace {

constexpr wire::JsonLimits kDocumentLimits{.depth_max = 32};

/// The last document of this id that is not deleted.
template <typename IsDeleted>
std::optional<DocId>
find_in(const TextReader& ids, std::string_view id, PostingsCursor& cursor, IsDeleted is_deleted) {
    const auto term = ids.find(id);
    if (!term) {
        return std::nullopt;
    }
    std::optional<DocId> found;
    ids.open(*term, cursor);
    for (DocId doc = cursor.doc(); doc != kNoDoc; doc = cursor.next()) {
        if (!is_deleted(doc)) {
            found = doc;
        }
    }
    return found;
}

Error no_such_document(std::string_view id) {
    return not_found("Could not find a document with id: " + std::string(id));
}

Result<std::optional<std::string>> id_of(wire::JsonValue root) {
    const wire::JsonValue value = root.find("id");
    if (!value) {
        return std::optional<std::string>();
    }
    if (!value.is_string()) {
        return invalid_argument("Document's `id` field should be a string.");
    }
    if (value.as_string().empty()) {
        return invalid_argument("The `id` should not be empty.");
    }
    if (value.as_string().size() > kIdBytesMax) {
        return invalid_argument("The `id` is longer than 512 bytes.");
    }
    return std::optional(std::string(value.as_string()));
}

}  // namespace

std::optional<std::uint32_t> partition_of_document(ByteView json, std::uint32_t count) {
    const auto parsed = wire::JsonDocument::parse(json, kDocumentLimits);
    if (!parsed.ok() || !parsed.value().root().is_object()) {
        return std::nullopt;
    }
    const auto id = id_of(parsed.value().root());
    if (!id.ok() || !id.value()) {
        return std::nullopt;
    }
    return partition_of(*id.value(), count);
}

Result<std::string> fetch_document(const Snapshot& snapshot, std::string_view id) {
    PostingsCursor cursor;
    for (auto part = snapshot.parts.rbegin(); part != snapshot.parts.rend(); ++part) {
        const auto doc = find_in(*part->segment->ids, id, cursor, [&](DocId d) {
            return part->deleted.test(d);
        });
        if (doc) {
            std::string out;
            KUMO_TRY(part->segment->stored->append(*doc, out));
            return out;
        }
    }
    return no_such_document(id);
}

Index::Index(
    std::shared_ptr<const Schema> schema,
    const Manifest& manifest,
    std::vector<std::shared_ptr<const SegmentReader>> segments,
    IndexLimits limits,
    Partition partition
)
    : schema_(manifest.schema != nullptr ? manifest.schema : schema),
      first_schema_(std::move(schema)),
      finder_(std::make_unique<FieldFinder>(schema_)),
      limits_(limits),
      partition_(partition),
      applied_seq_(manifest.applied_seq),
      next_auto_id_(manifest.next_auto_id),
      next_order_(manifest.next_order),
      next_segment_id_(manifest.next_segment_id),
      durable_(manifest) {
    KUMO_ASSERT(segments.size() == manifest.segments.size());
    durable_.segments.clear();
    for (std::size_t i = 0; i < segments.size(); ++i) {
        const ManifestSegment& entry = manifest.segments[i];
        Slot slot;
        slot.id = entry.id;
        slot.reader = std::move(segments[i]);
        slot.deleted_in_manifest = entry.deleted;
        slot.deleted = slot.deleted_in_manifest.share();
        (void)slot.deleted.share();
        doc_count_ += slot.reader->doc_count - slot.deleted.count();
        slots_.push_back(std::move(slot));
    }
    start_live();
    publish(applied_seq_);
}

void Index::grow(std::shared_ptr<const Schema> schema) {
    const auto before = std::exchange(schema_, std::move(schema));
    finder_ = std::make_unique<FieldFinder>(schema_);
    live_->grow(schema_);
    for (Slot& slot : slots_) {
        if (slot.live != live_ && slot.reader != nullptr) {
            slot.reader = as_of_now(slot.reader, *before);
        }
    }
}

std::shared_ptr<const SegmentReader>
Index::as_of_now(std::shared_ptr<const SegmentReader> segment, const Schema& schema) const {
    return &schema == schema_.get() ? segment : adapted_segment(segment, schema, *schema_);
}

void Index::start_live() {
    live_ = std::make_shared<LiveSegment>(schema_);
    Slot slot;
    slot.id = next_segment_id_++;
    slot.live = live_;
    slots_.push_back(std::move(slot));
}

std::optional<Index::Place> Index::find(std::string_view id) {
    for (std::size_t i = slots_.size(); i-- > 0;) {
        const Slot& slot = slots_[i];
        const TextReader& ids = slot.live != nullptr ? slot.live->ids() : *slot.reader->ids;
        const auto doc =
            find_in(ids, id, cursor_, [&slot](DocId d) { return slot.deleted.test(d); });
        if (doc) {
            return Place{i, *doc};
        }
    }
    return std::nullopt;
}

std::uint64_t Index::order_of(const Place& place) const {
    const Slot& slot = slots_[place.slot];
    return slot.live != nullptr
               ? slot.live->order(place.doc)
               : static_cast<std::uint64_t>(slot.reader->order->first(place.doc).value_or(0));
}

Result<std::string> Index::stored(const Place& place) const {
    const Slot& slot = slots_[place.slot];
    if (slot.live != nullptr) {
        return std::string(slot.live->document(place.doc));
    }
    std::string out;
    KUMO_TRY(slot.reader->stored->append(place.doc, out));
    return out;
}

std::string Index::next_id() {
    std::string id = std::to_string(next_auto_id_++);
    while (!partition_.has(id) || find(id)) {
        id = std::to_string(next_auto_id_++);
    }
    return id;
}

void Index::remove(const Place& place) {
    const bool removed = slots_[place.slot].deleted.set(place.doc);
    KUMO_ASSERT(removed);
    --doc_count_;
}

Result<Written> Index::put(
    std::string id,
    wire::JsonValue root,
    DirtyValues dirty,
    const std::optional<Place>& old
) {
    const std::vector<Field> found = finder_->find(root);
    std::shared_ptr<const Schema> schema = schema_;
    if (!found.empty()) {
        KUMO_TRY_ASSIGN(schema, with_found(*schema_, found));
    }
    KUMO_TRY_ASSIGN(TypedDocument document, type_document(*schema, root, id, dirty));
    if (schema != schema_) {
        grow(std::move(schema));  // Only now: a document that is refused leaves nothing.
    }
    const std::uint64_t order = old ? order_of(*old) : next_order_++;
    if (old) {
        remove(*old);
    }
    live_->add(id, document, order);
    ++doc_count_;
    return Written{std::move(id), std::move(document.source), !old.has_value()};
}

Result<Written>
Index::merge_into(const Place& old, std::string id, wire::JsonValue patch, DirtyValues dirty) {
    KUMO_TRY_ASSIGN(const std::string before, stored(old));
    KUMO_TRY_ASSIGN(const auto target, wire::JsonDocument::parse(before, kDocumentLimits));
    std::string merged;
    wire::JsonWriter writer(merged);
    wire::merge_patch(target.root(), patch, writer);
    KUMO_TRY_ASSIGN(const auto document, wire::JsonDocument::parse(merged, kDocumentLimits));
    return put(std::move(id), document.root(), dirty, old);
}

/// The document with what its operations make of the one that is there.
Result<std::string> Index::resolve(const std::optional<Place>& old, wire::JsonValue document) {
    if (!old) {
        return resolve_operations(document, {});
    }
    KUMO_TRY_ASSIGN(const std::string before, stored(*old));
    KUMO_TRY_ASSIGN(const auto target, wire::JsonDocument::parse(before, kDocumentLimits));
    return resolve_operations(document, target.root());
}

Result<Written> Index::write(WriteAction action, ByteView json, DirtyValues dirty) {
    auto parsed = wire::JsonDocument::parse(json, kDocumentLimits);
    if (!parsed.ok()) {
        return invalid_argument("Bad JSON: " + parsed.error().message);
    }
    const wire::JsonValue root = parsed.value().root();
    if (!root.is_object()) {
        return invalid_argument("Bad JSON: not a properly formed document.");
    }
    KUMO_TRY_ASSIGN(std::optional<std::string> given, id_of(root));
    const bool updates = action == WriteAction::kUpdate || action == WriteAction::kEmplace;
    if (!given) {
        if (action == WriteAction::kUpdate) {
            return invalid_argument("For update, the `id` key must be provided.");
        }
        // The number is used up only if the document is good, so that ids stay without gaps.
        const std::uint64_t before = next_auto_id_;
        auto written = put(next_id(), root, dirty, std::nullopt);
        if (!written.ok()) {
            next_auto_id_ = before;
        }
        return written;
    }
    const auto old = find(*given);
    if (old && action == WriteAction::kCreate) {
        return Error{
            ErrorCode::kAlreadyExists,
            "A document with id " + *given + " already exists."};
    }
    if (!old && action == WriteAction::kUpdate) {
        return no_such_document(*given);
    }
    if (root.find(kOperationsKey)) {
        KUMO_TRY_ASSIGN(const std::string resolved, resolve(old, root));
        return write(action, resolved, dirty);
    }
    if (old && updates) {
        return merge_into(*old, std::move(*given), root, dirty);
    }
    return put(std::move(*given), root, dirty, old);
}

Result<Written> Index::update(std::string_view id, wire::JsonValue patch, DirtyValues dirty) {
    const auto old = find(id);
    if (!old) {
        return no_such_document(id);
    }
    return merge_into(*old, std::string(id), patch, dirty);
}

Result<std::string> Index::erase(std::string_view id) {
    const auto old = find(id);
    if (!old) {
        return no_such_document(id);
    }
    KUMO_TRY_ASSIGN(std::string document, stored(*old));
    remove(*old);
    return document;
}

void Index::truncate() {
    for (Slot& slot : slots_) {
        const DocId docs = slot.live != nullptr ? slot.live->doc_count() : slot.reader->doc_count;
        for (DocId doc = 0; doc < docs; ++doc) {
            doc_count_ -= slot.deleted.set(doc) ? 1 : 0;
        }
    }
}

std::shared_ptr<StringNumberCache> Index::numbers() {
    std::vector<std::uint64_t> segments;
    for (const Slot& slot : slots_) {
        if (slot.live == nullptr) {
            segments.push_back(slot.id);
        }
    }
    if (numbered_.cache == nullptr || segments != numbered_.segments
        || numbered_.schema != schema_) {
        numbered_ = {std::move(segments), schema_, std::make_shared<StringNumberCache>()};
    }
    return numbered_.cache;
}

void Index::publish(std::uint64_t seq) {
    applied_seq_ = seq;
    auto next = std::make_shared<Snapshot>();
    next->schema = schema_;
    next->doc_count = doc_count_;
    next->applied_seq = seq;
    next->numbers = numbers();
    for (Slot& slot : slots_) {
        if (slot.live == live_
            && (slot.reader == nullptr || slot.reader->doc_count != live_->doc_count())) {
            slot.reader = LiveSegment::reader(live_, live_->doc_count());
        }
        if (slot.reader->doc_count > 0) {
            next->parts.push_back({slot.reader, slot.deleted.share()});
        }
    }
    published_.store(std::move(next));
}

bool Index::wants_seal(bool any) const {
    if (sealing() || live_->doc_count() == 0) {
        return false;
    }
    return any || live_->doc_count() >= limits_.live_docs_max
           || live_->bytes() >= limits_.live_bytes_max;
}

bool Index::is_full() const {
    return live_->doc_count() >= limits_.live_docs_hard_max
           || live_->bytes() >= limits_.live_bytes_hard_max;
}

Index::SealJob Index::begin_seal() {
    KUMO_ASSERT(!sealing() && live_->doc_count() > 0);
    frozen_ = Frozen{slots_.back().id, applied_seq_, next_auto_id_, next_order_, schema_};
    slots_.back().reader = LiveSegment::reader(live_, live_->doc_count());
    for (Slot& slot : slots_) {
        slot.deleted_at_freeze = slot.deleted.share();
    }
    start_live();
    return retry_seal();
}

Index::SealJob Index::retry_seal() const {
    KUMO_ASSERT(sealing());
    std::shared_ptr<const SegmentReader> like;
    for (const Slot& slot : slots_) {
        if (slot.id == frozen_->segment_id) {
            return {slot.id, frozen_->schema, slot.live, slot.reader, like};
        }
        like = slot.reader;
    }
    KUMO_ASSERT(false);
    return {};
}

void Index::finish_seal(std::shared_ptr<const SegmentReader> sealed) {
    KUMO_ASSERT(sealing());
    for (Slot& slot : slots_) {
        // The freeze's own slot is the last one that has deletes as of the freeze.
        slot.deleted_in_manifest = std::exchange(slot.deleted_at_freeze, {});
        if (slot.id == frozen_->segment_id) {
            KUMO_ASSERT(sealed->doc_count == slot.reader->doc_count);
            slot.reader = as_of_now(std::move(sealed), *frozen_->schema);
            slot.live = nullptr;
            break;
        }
    }
    durable_.applied_seq = frozen_->applied_seq;
    durable_.next_auto_id = frozen_->next_auto_id;
    durable_.next_order = frozen_->next_order;
    durable_.schema = frozen_->schema != first_schema_ ? frozen_->schema : nullptr;
    frozen_.reset();
    publish(applied_seq_);
}

void Index::settle() {
    KUMO_ASSERT(!sealing() && live_->doc_count() == 0);
    for (Slot& slot : slots_) {
        slot.deleted_in_manifest = slot.deleted.share();
    }
    durable_.applied_seq = applied_seq_;
    durable_.next_auto_id = next_auto_id_;
    durable_.next_order = next_order_;
    durable_.schema = changed_schema();
}

std::shared_ptr<const Schema> Index::changed_schema() const {
    return schema_ != first_schema_ ? schema_ : nullptr;
}

Result<FieldRebuild> Index::begin_change(const FieldChange& change) {
    KUMO_TRY_ASSIGN(Schema after, change_fields(*schema_, change));
    publish(applied_seq_);  // Every slot has its reader then.
    FieldRebuild job;
    job.before = schema_;
    job.after = std::make_shared<const Schema>(std::move(after));
    job.first_segment_id = next_segment_id_;
    job.limits = limits_;
    for (Slot& slot : slots_) {
        if (slot.reader->doc_count > 0) {
            job.inputs.push_back({slot.reader, slot.live, slot.deleted.share()});
        }
    }
    return job;
}

void Index::finish_change(std::uint64_t seq, RebuiltSegments rebuilt) {
    schema_ = rebuilt.schema;
    finder_ = std::make_unique<FieldFinder>(schema_);
    slots_.clear();
    for (auto& segment : rebuilt.segments) {
        Slot slot;
        slot.id = next_segment_id_++;
        slot.reader = std::move(segment);
        slots_.push_back(std::move(slot));
    }
    frozen_.reset();
    start_live();
    applied_seq_ = seq;
    settle();
    publish(seq);
}

Manifest Index::manifest() const {
    Manifest out = durable_;
    out.next_segment_id = next_segment_id_;
    for (const Slot& slot : slots_) {
        if (slot.live == nullptr) {
            out.segments.push_back({slot.id, slot.reader->doc_count, slot.deleted_in_manifest});
        }
    }
    return out;
}

}  // namespace kumo::search
