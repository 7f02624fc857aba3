#include "search/index/field_rebuild.h"

#include "search/column/codes.h"
#include "search/schema/document.h"
#include "search/schema/field_finder.h"
#include "search/schema/json_path.h"
#include "search/segment/adapted_segment.h"
#include "wire/json.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <optional>
#include <utility>

namespace kumo::search {

namespace {

bool takes_over(const Schema& before, const Field& field, bool ranks_stay) {
    const auto at = before.find(field.name);
    // A graph is built by the order of arrival, which only what is filled brings along.
    return at && before.fields[*at] == field && (ranks_stay || !field.is_string())
           && !field.is_vector();
}

std::optional<Field> ranking_field(const Schema& schema) {
    const auto at = schema.find(schema.default_sorting_field);
    return at ? std::optional(schema.fields[*at]) : std::nullopt;
}

/// The fields that have to be filled anew. Text indexes know their documents' ranks, so all of
/// them if what documents are ranked by has changed.
std::shared_ptr<const Schema> filled_fields(const Schema& before, const Schema& after) {
    auto filled = std::make_shared<Schema>(after);
    const bool ranks_stay = ranking_field(before) == ranking_field(after);
    std::erase_if(filled->fields, [&](const Field& field) {
        return takes_over(before, field, ranks_stay);
    });
    if (!filled->find(filled->default_sorting_field)) {
        filled->default_sorting_field.clear();
    }
    return filled;
}

/// The field that keeps a document out, in the words clients know.
Error explain(const Schema& filled, wire::JsonValue root, const Error& error) {
    for (const Field& field : filled.fields) {
        Schema one;
        one.enable_nested_fields = filled.enable_nested_fields;
        one.fields.push_back(field);
        const bool absent = !values_at(root, field.name, one.enable_nested_fields).present();
        if (type_document(one, root, "", DirtyValues::kCoerceOrReject).ok()) {
            continue;
        }
        if (absent) {
            return invalid_argument(
                "Field `" + field.name
                + "` has been declared in the schema, but is not found in the documents already "
                  "present in the collection. If you still want to add this field, set it as "
                  "`optional: true`."
            );
        }
        return invalid_argument(
            "Schema change is incompatible with the type of documents already stored in this "
            "collection. Existing data for field `"
            + field.name + "` cannot be coerced into " + type_with_article(field) + "."
        );
    }
    return error;
}

Result<std::shared_ptr<const SegmentReader>> open_owned(const Schema& schema, std::string bytes) {
    const auto memory = std::make_shared<const std::string>(std::move(bytes));
    return open_segment(schema, *memory, memory);
}

/// Makes one rebuild's segments, a bounded number of documents at a time.
class Rebuilder {
public:
    Rebuilder(const FieldRebuild& job, const FieldRebuild::Store& store, RebuildProgress& progress)
        : job_(job), store_(store), progress_(progress), next_id_(job.first_segment_id) {}

    Result<RebuiltSegments> run() {
        KUMO_TRY_ASSIGN(after_, find_fields());
        filled_ = filled_fields(*job_.before, *after_);
        if (!filled_->find(after_->default_sorting_field)) {
            kept_rank_ = job_.before->find(after_->default_sorting_field);
        }
        for (const FieldRebuild::Input& input : job_.inputs) {
            KUMO_TRY(rebuild(input));
        }
        return RebuiltSegments{after_, std::move(out_)};
    }

private:
    struct Found {
        std::int64_t order = 0;       ///< Of the first document that has it.
        std::size_t in_document = 0;  ///< Which of those that were found in that one.
        Field field;
    };

    using FoundFields = std::map<std::string, Found>;

    /// What the new schema's patterns find. The first document in the order of arrival decides:
    /// where it is stored is not the same at every copy.
    Result<std::shared_ptr<const Schema>> find_fields() {
        const FieldFinder finder(job_.after);
        if (!finder.finds_any()) {
            return job_.after;
        }
        FoundFields found;
        for (const FieldRebuild::Input& input : job_.inputs) {
            KUMO_TRY(find_fields(finder, input, found));
        }
        std::vector<Found> ordered;
        ordered.reserve(found.size());
        for (auto& [name, each] : found) {
            ordered.push_back(std::move(each));
        }
        std::sort(ordered.begin(), ordered.end(), [](const Found& a, const Found& b) {
            return std::pair(a.order, a.in_document) < std::pair(b.order, b.in_document);
        });
        std::vector<Field> fields;
        fields.reserve(ordered.size());
        for (Found& each : ordered) {
            fields.push_back(std::move(each.field));
        }
        auto after = with_found(*job_.after, fields);
        return after.ok() ? std::move(after) : invalid_argument(after.error().message);
    }

    Status find_fields(
        const FieldFinder& finder,
        const FieldRebuild::Input& input,
        FoundFields& found
    ) const {
        const SegmentReader& segment = *input.segment;
        for (DocId doc = 0; doc < segment.doc_count; ++doc) {
            if (input.deleted.test(doc)) {
                continue;
            }
            KUMO_TRY(check_cancelled());
            std::string json;
            KUMO_TRY(segment.stored->append(doc, json));
            KUMO_TRY_ASSIGN(const auto parsed, wire::JsonDocument::parse(json));
            const std::int64_t order = segment.order->first(doc).value_or(0);
            std::vector<Field> fields = finder.find(parsed.root());
            for (std::size_t i = 0; i < fields.size(); ++i) {
                const auto known = found.find(fields[i].name);
                if (known == found.end() || order < known->second.order) {
                    std::string name = fields[i].name;
                    found[std::move(name)] = {order, i, std::move(fields[i])};
                }
            }
        }
        return {};
    }

    Status check_cancelled() const {
        if (progress_.cancelled) {
            return Error{ErrorCode::kUnavailable, "The change of fields was interrupted."};
        }
        return {};
    }

    Status rebuild(const FieldRebuild::Input& input) {
        std::shared_ptr<const SegmentReader> old = input.segment;
        if (input.live != nullptr) {
            // A live segment may be older than the newest fields.
            const Schema& own = input.live->schema();
            KUMO_TRY_ASSIGN(std::string bytes, LiveSegment::seal(own, input.live, *input.segment));
            KUMO_TRY_ASSIGN(old, open_owned(own, std::move(bytes)));
            old = adapted_segment(old, own, *job_.before);
        }
        begin(*old);
        for (DocId doc = 0; doc < old->doc_count; ++doc) {
            if (!input.deleted.test(doc)) {
                KUMO_TRY(add(*old, doc));
            }
            if (chunk_is_full()) {
                KUMO_TRY(finish(old));
                begin(*old);
            }
        }
        return finish(old);
    }

    void begin(const SegmentReader& old) {
        chunk_ = std::make_shared<LiveSegment>(filled_);
        new_ids_.assign(old.doc_count, kNoDoc);
        chunk_source_bytes_ = 0;
    }

    bool chunk_is_full() const {
        return chunk_->doc_count() >= job_.limits.live_docs_hard_max
               || chunk_->bytes() + chunk_source_bytes_ >= job_.limits.live_bytes_hard_max;
    }

    Status add(const SegmentReader& old, DocId doc) {
        KUMO_TRY(check_cancelled());
        std::string json;
        KUMO_TRY(old.stored->append(doc, json));
        KUMO_TRY_ASSIGN(const auto parsed, wire::JsonDocument::parse(json));
        const wire::JsonValue root = parsed.root();
        const wire::JsonValue id = root.find("id");
        if (!id || !id.is_string()) {
            return corruption("a stored document has no id");
        }
        auto typed = type_document(*filled_, root, id.as_string(), DirtyValues::kCoerceOrReject);
        if (!typed.ok()) {
            return explain(*filled_, root, typed.error());
        }
        if (kept_rank_) {
            typed.value().rank = kept_rank(old, doc);
        }
        new_ids_[doc] = chunk_->doc_count();
        chunk_source_bytes_ += json.size();
        chunk_->add(
            id.as_string(),
            typed.value(),
            static_cast<std::uint64_t>(old.order->first(doc).value_or(0))
        );
        ++progress_.documents;
        return {};
    }

    float kept_rank(const SegmentReader& old, DocId doc) const {
        const auto code = old.columns[*kept_rank_]->first(doc);
        const ValueType type = job_.before->fields[*kept_rank_].type;
        if (!code || type == ValueType::kString) {
            return 0;
        }
        return type == ValueType::kFloat ? static_cast<float>(double_of_code(*code))
                                         : static_cast<float>(*code);
    }

    /// One segment of the chunk: fields that stay from the old one, all else from the chunk.
    Status finish(const std::shared_ptr<const SegmentReader>& old) {
        const DocId docs = chunk_->doc_count();
        if (docs == 0) {
            return {};
        }
        const auto live = LiveSegment::reader(chunk_, docs);
        KUMO_TRY_ASSIGN(std::string sealed, LiveSegment::seal(*filled_, chunk_, *live));
        KUMO_TRY_ASSIGN(const auto filled, open_owned(*filled_, std::move(sealed)));
        std::vector<DocId> same(docs);
        std::iota(same.begin(), same.end(), DocId{0});
        const std::vector<SegmentMergeInput> inputs = {
            {kept_part(*old), new_ids_},
            {filled_part(*filled), std::move(same)}};
        KUMO_TRY_ASSIGN(std::string bytes, merge_segments(*after_, inputs, docs));
        KUMO_TRY_ASSIGN(auto stored, store_(next_id_, std::move(bytes), *after_));
        ++next_id_;
        out_.push_back(std::move(stored));
        return {};
    }

    std::shared_ptr<const SegmentReader> kept_part(const SegmentReader& old) const {
        auto out = std::make_shared<SegmentReader>();
        out->doc_count = old.doc_count;
        out->memory = old.memory;
        for (const Field& field : after_->fields) {
            const auto at = job_.before->find(field.name);
            const bool kept = at && !filled_->find(field.name);
            out->texts.push_back(kept ? old.texts[*at] : nullptr);
            out->lengths.push_back(kept ? old.lengths[*at] : nullptr);
            out->columns.push_back(kept ? old.columns[*at] : nullptr);
            out->geo.push_back(nullptr);
            out->vectors.push_back(nullptr);
        }
        return out;
    }

    std::shared_ptr<const SegmentReader> filled_part(const SegmentReader& filled) const {
        auto out = std::make_shared<SegmentReader>(filled);
        out->texts.clear();
        out->lengths.clear();
        out->columns.clear();
        out->geo.assign(after_->fields.size(), nullptr);
        out->vectors.clear();
        for (const Field& field : after_->fields) {
            const auto at = filled_->find(field.name);
            out->texts.push_back(at ? filled.texts[*at] : nullptr);
            out->lengths.push_back(at ? filled.lengths[*at] : nullptr);
            out->columns.push_back(at ? filled.columns[*at] : nullptr);
            out->vectors.push_back(at ? filled.vectors[*at] : nullptr);
        }
        return out;
    }

    const FieldRebuild& job_;
    const FieldRebuild::Store& store_;
    RebuildProgress& progress_;
    std::shared_ptr<const Schema> after_;
    std::shared_ptr<const Schema> filled_;  ///< Of after_, those that stored documents fill.
    std::optional<std::size_t> kept_rank_;  ///< Of the old schema: what documents are ranked by.
    std::uint64_t next_id_;
    std::vector<std::shared_ptr<const SegmentReader>> out_;
    std::shared_ptr<LiveSegment> chunk_;
    std::vector<DocId> new_ids_;
    std::size_t chunk_source_bytes_ = 0;
};

}  // namespace

Result<RebuiltSegments> FieldRebuild::run(const Store& store, RebuildProgress& progress) const {
    return Rebuilder(*this, store, progress).run();
}

}  // namespace kumo::search
