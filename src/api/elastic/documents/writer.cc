#include "api/elastic/documents/writer.h"

#include "api/elastic/documents/source_filter.h"
#include "api/elastic/fault.h"
#include "api/elastic/ids.h"
#include "api/elastic/index_admin.h"
#include "api/elastic/index_store.h"
#include "api/elastic/ingest.h"
#include "api/elastic/mapping/document_mapper.h"
#include "api/elastic/refresh_pins.h"
#include "api/elastic/resolver.h"
#include "api/elastic/routing.h"
#include "api/elastic/script/run_script.h"
#include "api/elastic/usage.h"

#include <algorithm>
#include <map>
#include <set>
#include <thread>
#include <utility>

namespace kumo::api_elastic {

namespace {

/// So often the mapping is changed for one document: each change brings new fields, or somebody
/// else's change came first.
constexpr int kMappingRoundsMax = 20;
/// Bytes of sources that go to the engine in one operation.
constexpr std::size_t kBatchSourceBytes = std::size_t{8} << 20;
constexpr std::size_t kBatchItems = 2000;

struct Mapped {
    MappedSource source;
    IndexPtr index;
};

/// The source's values, after the mapping has learned what it did not know.
Result<Mapped> map_source(const Context& context, IndexPtr index, const WriteItem& item) {
    for (int round = 0; round < kMappingRoundsMax; ++round) {
        KUMO_TRY_ASSIGN(MappedSource mapped, map_document(*index->mapping, item.id, item.source));
        if (mapped.update.is_null()) {
            return Mapped{std::move(mapped), std::move(index)};
        }
        const Json update = std::move(mapped.update);
        auto changed = context.indices.update(index->name, [&](Index& next) -> Status {
            KUMO_TRY_ASSIGN(Json merged, next.mapping->merged(update));
            KUMO_TRY_ASSIGN(next.mapping, Mapping::make(std::move(merged), next.settings));
            ++next.mapping_version;
            return {};
        });
        if (!changed.ok()) {
            return changed.error();
        }
        index = changed.value();
    }
    return fault("mapper_parsing_exception", "the mapping does not come to an end");
}

Status check_blocks(const Index& index) {
    if (index.closed) {
        return fault("index_closed_exception", "closed");
    }
    const auto blocked = [&index](const char* name, const std::string& what) -> Status {
        if (index.setting(name) != "true") {
            return {};
        }
        return fault(
            "cluster_block_exception",
            "index [" + index.name + "] blocked by: [" + what + "];"
        );
    };
    KUMO_TRY(blocked("index.blocks.read_only", "FORBIDDEN/5/index read-only (api)"));
    KUMO_TRY(blocked("index.blocks.write", "FORBIDDEN/8/index write (api)"));
    if (index.setting("index.blocks.read_only_allow_delete") == "true") {
        return fault(
            "cluster_block_exception",
            "index [" + index.name
                + "] blocked by: [TOO_MANY_REQUESTS/12/disk usage exceeded flood-stage watermark, index "
                  "has read-only-allow-delete block];"
        );
    }
    return {};
}

/// The copies of a shard that are there.
std::int64_t active_copies(const Context& context, const Index& index) {
    std::int64_t up = 0;
    for (const auto& member : context.node.cluster().members) {
        up += member.up || member.self ? 1 : 0;
    }
    return std::min<std::int64_t>(1 + index.replicas(), std::max<std::int64_t>(up, 1));
}

Json shards_json(const Context& context, const Index& index) {
    return Json::object(
        {{"total", 1 + index.replicas()},
         {"successful", active_copies(context, index)},
         {"failed", 0}}
    );
}

/// Carries out a list of items.
class Writer {
public:
    Writer(const Context& context, std::vector<WriteItem> items, const WriteOptions& options)
        : context_(context), options_(options), items_(std::move(items)), answers_(items_.size()) {}

    std::vector<WriteAnswer> run();

private:
    /// Items of one index that wait to be handed over together.
    struct Pending {
        search::MappedBatch batch;
        std::vector<std::size_t> places;
        std::set<std::string> fields;
        std::size_t bytes = 0;
        IndexPtr index;
    };

    Status prepare(std::size_t place);
    Status check_item(const WriteItem& item, const Index& index) const;
    Result<IndexPtr> index_for(const WriteItem& item) const;
    Status add(std::size_t place, const IndexPtr& index);
    Status update(std::size_t place, const IndexPtr& index);
    Status update_once(std::size_t place, const IndexPtr& index, bool& again);
    Result<Json> updated_source(const WriteItem& item, const FoundDocument& before, bool& noop)
        const;
    Result<Json> scripted_source(
        const WriteItem& item,
        const Index& index,
        const FoundDocument& before,
        bool& noop,
        bool& erases
    ) const;
    void flush(Pending& pending);
    void flush_all();
    void answer(std::size_t place, const Index& index, const Result<search::Written>& written);
    void fail(std::size_t place, Error error);
    Status wait_for_copies(const Index& index) const;

    const Context& context_;
    const WriteOptions options_;
    std::vector<WriteItem> items_;
    std::vector<WriteAnswer> answers_;
    std::map<std::string, Pending> pending_;
    std::set<std::string> written_;
};

std::vector<WriteAnswer> Writer::run() {
    for (std::size_t place = 0; place < items_.size(); ++place) {
        answers_[place].index = items_[place].index;
        answers_[place].id = items_[place].id;
        const Status status = prepare(place);
        if (!status.ok()) {
            fail(place, status.error());
        }
    }
    flush_all();
    if (options_.refresh) {
        for (const std::string& index : written_) {
            context_.pins.refresh(index);
        }
    }
    return std::move(answers_);
}

void Writer::fail(std::size_t place, Error error) {
    answers_[place].status = fault_of(error).status;
    answers_[place].error = std::move(error);
}

Result<IndexPtr> Writer::index_for(const WriteItem& item) const {
    KUMO_TRY_ASSIGN(IndexPtr index, resolve_for_write(context_, item.index));
    if (item.require_alias) {
        if (index == nullptr || index->name == item.index) {
            return fault(
                "index_not_found_exception",
                "no such index [" + item.index
                    + "] and [require_alias] request flag is [true] and [" + item.index
                    + "] is not an alias"
            );
        }
    }
    if (index != nullptr) {
        return index;
    }
    if (item.kind == WriteKind::kDelete && item.rule == search::VersionRule::kInternal) {
        return no_such_index(item.index);
    }
    KUMO_TRY_ASSIGN(const std::string name, resolve_date_math(context_, item.index));
    return auto_create_index(context_, name);
}

Status Writer::check_item(const WriteItem& item, const Index& index) const {
    KUMO_TRY(check_blocks(index));
    if (item.empty_id) {
        return illegal_argument("if _id is specified it must not be empty");
    }
    if (index.mapping->routing_required() && item.routing.empty()) {
        return fault(
            "routing_missing_exception",
            "routing is required for [" + index.name + "]/[" + item.id + "]"
        );
    }
    if (item.id.size() > search::kIdBytesMax) {
        return fault(
            "action_request_validation_exception",
            "Validation Failed: 1: id [" + item.id
                + "] is too long, must be no longer than 512 bytes but was: "
                + std::to_string(item.id.size()) + ";"
        );
    }
    return {};
}

/// `wait_for_active_shards`: before the write, never after it.
Status Writer::wait_for_copies(const Index& index) const {
    const std::int64_t wanted =
        options_.active_shards < 0 ? 1 + index.replicas() : options_.active_shards;
    const MonotonicTime until = context_.clock.monotonic_now() + options_.timeout;
    while (active_copies(context_, index) < wanted) {
        if (context_.clock.monotonic_now() >= until) {
            return fault(
                "unavailable_shards_exception",
                "[" + index.name + "][0] Not enough active copies to meet shard count of ["
                    + std::to_string(wanted) + "] (have "
                    + std::to_string(active_copies(context_, index)) + ", needed "
                    + std::to_string(wanted) + ")."
            );
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return {};
}

Status Writer::prepare(std::size_t place) {
    WriteItem& item = items_[place];
    KUMO_TRY_ASSIGN(IndexPtr index, index_for(item));
    answers_[place].index = index->name;
    KUMO_TRY(check_item(item, *index));
    KUMO_TRY(wait_for_copies(*index));
    if (!options_.refresh && written_.find(index->name) == written_.end()) {
        const std::string interval = index->setting("index.refresh_interval");
        const auto time = interval.empty() ? std::optional(Duration(std::chrono::seconds(1)))
                                           : parse_time(interval);
        context_.pins.before_write(
            index->name,
            interval == "-1" ? Duration(-1) : time.value_or(std::chrono::seconds(1))
        );
    }
    written_.insert(index->name);
    if (item.kind == WriteKind::kUpdate) {
        return update(place, index);
    }
    return add(place, index);
}

Status Writer::add(std::size_t place, const IndexPtr& given) {
    WriteItem& item = items_[place];
    IndexPtr index = given;
    search::MappedWrite write;
    if (item.id.empty()) {
        item.id = random_id();
        answers_[place].id = item.id;
        write.create_only = true;
    }
    write.id = item.id;
    write.routing = item.routing;
    write.erase = item.kind == WriteKind::kDelete;
    write.create_only = write.create_only || item.kind == WriteKind::kCreate;
    write.rule = item.rule;
    write.version = item.version;
    write.if_seq = item.if_seq;
    write.if_term = item.if_term;
    std::vector<search::Field> fields;
    if (!write.erase) {
        KUMO_TRY(run_pipelines(context_, *index, item));
        if (item.dropped) {
            constexpr std::int64_t kNoVersion = -3;
            answers_[place].body = Json::object(
                {{"_index", index->name},
                 {"_id", item.id},
                 {"_version", kNoVersion},
                 {"result", "noop"},
                 {"_shards", Json::object({{"total", 0}, {"successful", 0}, {"failed", 0}})}}
            );
            return {};
        }
        KUMO_TRY_ASSIGN(Mapped mapped, map_source(context_, index, item));
        index = mapped.index;
        write.source = item.source;
        write.values = std::move(mapped.source.values);
        fields = std::move(mapped.source.fields);
    }
    Pending& pending = pending_[index->name];
    pending.index = index;
    for (search::Field& field : fields) {
        if (pending.fields.insert(field.name).second) {
            pending.batch.fields.push_back(std::move(field));
        }
    }
    pending.bytes += item.source.size();
    pending.batch.writes.push_back(std::move(write));
    pending.places.push_back(place);
    if (pending.bytes > kBatchSourceBytes || pending.places.size() >= kBatchItems) {
        flush(pending);
    }
    return {};
}

void Writer::flush_all() {
    for (auto& [name, pending] : pending_) {
        flush(pending);
    }
}

void Writer::flush(Pending& pending) {
    if (pending.places.empty()) {
        return;
    }
    using Answers = std::vector<Result<search::Written>>;
    const auto written = wait_for<Answers>([&](node::Reply<Answers> reply) {
        context_.node.write_mapped(
            pending.index->name,
            std::move(pending.batch),
            context_.loop,
            std::move(reply)
        );
    });
    for (std::size_t i = 0; i < pending.places.size(); ++i) {
        answer(
            pending.places[i],
            *pending.index,
            written.ok() ? written.value()[i] : Result<search::Written>(written.error())
        );
    }
    pending = {};
}

void Writer::answer(std::size_t place, const Index& index, const Result<search::Written>& written) {
    const auto outcome = written.ok() ? search::parse_mapped_outcome(written.value().document)
                                      : Result<search::MappedOutcome>(written.error());
    if (!outcome.ok()) {
        fail(place, outcome.error());
        return;
    }
    const bool erase = items_[place].kind == WriteKind::kDelete;
    const bool found = outcome.value().found;
    WriteAnswer& out = answers_[place];
    Json& body = out.body;
    body["_index"] = index.name;
    body["_id"] = items_[place].id;
    body["_version"] = outcome.value().meta.version;
    body["result"] = erase ? (found ? "deleted" : "not_found") : (found ? "updated" : "created");
    if (options_.forced) {
        body["forced_refresh"] = true;
    }
    body["_shards"] = shards_json(context_, index);
    body["_seq_no"] = outcome.value().meta.seq;
    body["_primary_term"] = outcome.value().meta.term;
    out.status = erase ? (found ? 200 : 404) : (found ? 200 : 201);
    context_.usage.add(
        index.uuid,
        {{erase ? Use::kDeleted : Use::kIndexed, 1},
         {Use::kSinceFlush, 1},
         {Use::kSinceFlushBytes, items_[place].source.size() + 1}}
    );
}

Result<Json> Writer::updated_source(const WriteItem& item, const FoundDocument& before, bool& noop)
    const {
    const UpdateBody& update = item.update;
    if (!before.found) {
        if (!update.upsert.is_null()) {
            return update.upsert;
        }
        if (update.doc_as_upsert) {
            return update.doc;
        }
        return fault("document_missing_exception", "[" + item.id + "]: document missing");
    }
    KUMO_TRY_ASSIGN(Json source, Json::parse(before.stored.source));
    if (update.doc.is_null()) {
        return source;
    }
    const Json old = source;
    source.merge(update.doc);
    noop = update.detect_noop && source == old;
    return source;
}

/// The source as an update's script leaves it.
Result<Json> Writer::scripted_source(
    const WriteItem& item,
    const Index& index,
    const FoundDocument& before,
    bool& noop,
    bool& erases
) const {
    const UpdateBody& update = item.update;
    if (!before.found && !(update.scripted_upsert && !update.upsert.is_null())) {
        return updated_source(item, before, noop);
    }
    Json source = update.upsert;
    if (before.found) {
        KUMO_TRY_ASSIGN(source, Json::parse(before.stored.source));
    }
    KUMO_TRY_ASSIGN(const NamedScript script, NamedScript::of(context_.cluster, update.script));
    const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(
        context_.clock.wall_now().time_since_epoch()
    );
    Json ctx = Json::object(
        {{"op", before.found ? "index" : "create"},
         {"_now", now.count()},
         {"_index", index.name},
         {"_id", item.id},
         {"_version", before.stored.meta.version},
         {"_routing", before.stored.meta.routing},
         {"_source", std::move(source)}}
    );
    KUMO_TRY(script.change(ctx));
    const Json* const op = std::as_const(ctx).find("op");
    const std::string what = op == nullptr ? "" : op->text();
    noop = what == "none" || what == "noop";
    erases = what == "delete";
    return ctx["_source"];
}

Status Writer::update_once(std::size_t place, const IndexPtr& index, bool& again) {
    WriteItem& item = items_[place];
    const UpdateBody update = item.update;
    again = false;
    KUMO_TRY_ASSIGN(FoundDocument before, get_document(context_, index->name, item.id, true));
    before.found = before.found
                   && shard_of(*index, item.id, item.routing)
                          == shard_of(*index, item.id, before.stored.meta.routing);
    if (item.if_seq && before.found
        && (before.stored.meta.seq != *item.if_seq || before.stored.meta.term != item.if_term)) {
        return fault(
            "version_conflict_engine_exception",
            "[" + item.id + "]: version conflict, required seqNo [" + std::to_string(*item.if_seq)
                + "], primary term [" + std::to_string(item.if_term.value_or(0))
                + "]. current document has seqNo [" + std::to_string(before.stored.meta.seq)
                + "] and primary term [" + std::to_string(before.stored.meta.term) + "]"
        );
    }
    bool noop = false;
    bool erases = false;
    Json source;
    if (update.script.is_null()) {
        KUMO_TRY_ASSIGN(source, updated_source(item, before, noop));
    } else {
        KUMO_TRY_ASSIGN(source, scripted_source(item, *index, before, noop, erases));
    }
    if (noop) {
        context_.usage.add(index->uuid, Use::kNoop);
        Json& body = answers_[place].body;
        body["_index"] = index->name;
        body["_id"] = item.id;
        body["_version"] = before.stored.meta.version;
        body["result"] = "noop";
        body["_shards"] = Json::object({{"total", 0}, {"successful", 0}, {"failed", 0}});
        body["_seq_no"] = before.stored.meta.seq;
        body["_primary_term"] = before.stored.meta.term;
        return {};
    }
    WriteItem write = item;
    write.source = source.dump();
    write.kind = erases         ? WriteKind::kDelete
                 : before.found ? WriteKind::kIndex
                                : WriteKind::kCreate;
    if (before.found) {
        write.if_seq = before.stored.meta.seq;
        write.if_term = before.stored.meta.term;
        write.routing = item.routing.empty() ? before.stored.meta.routing : item.routing;
    }
    std::swap(items_[place], write);
    const Status added = add(place, index);
    flush_all();
    items_[place].kind = WriteKind::kUpdate;
    items_[place].if_seq = write.if_seq;
    items_[place].if_term = write.if_term;
    if (!added.ok()) {
        return added.error();
    }
    again = answers_[place].error && answers_[place].error->code == ErrorCode::kConflict;
    return {};
}

Status Writer::update(std::size_t place, const IndexPtr& index) {
    flush_all();  // What comes before it in this request is seen.
    bool again = true;
    for (std::int64_t round = 0; again && round <= items_[place].update.retry_on_conflict;
         ++round) {
        answers_[place].error.reset();
        KUMO_TRY(update_once(place, index, again));
    }
    const Json& wanted = items_[place].update.source;
    WriteAnswer& out = answers_[place];
    if (out.error || wanted.is_null() || wanted == Json(false)) {
        return {};
    }
    KUMO_TRY_ASSIGN(const SourceFilter filter, SourceFilter::of(wanted));
    KUMO_TRY_ASSIGN(
        const FoundDocument now,
        get_document(context_, index->name, items_[place].id, true)
    );
    KUMO_TRY_ASSIGN(const Json source, Json::parse(now.found ? now.stored.source : "{}"));
    out.body["get"] = Json::object(
        {{"_seq_no", now.stored.meta.seq},
         {"_primary_term", now.stored.meta.term},
         {"found", now.found},
         {"_source", filter.apply(source)}}
    );
    return {};
}

}  // namespace

Result<WriteOptions> WriteOptions::of(const Parameters& parameters) {
    WriteOptions out;
    if (const std::string* const refresh = parameters.find("refresh")) {
        if (*refresh != "" && *refresh != "true" && *refresh != "false" && *refresh != "wait_for") {
            return illegal_argument("Unknown value for refresh: [" + *refresh + "].");
        }
        out.refresh = *refresh != "false";
        out.forced = out.refresh && *refresh != "wait_for";
    }
    if (const std::string* const active = parameters.find("wait_for_active_shards")) {
        const auto count = Json(*active).to_int64();
        if (*active != "all" && (!count || *count < 0)) {
            return illegal_argument("cannot parse ActiveShardCount[" + *active + "]");
        }
        out.active_shards = *active == "all" ? -1 : *count;
    }
    KUMO_TRY_ASSIGN(out.timeout, parameters.time("timeout", std::chrono::minutes(1)));
    return out;
}

std::vector<WriteAnswer>
write_items(const Context& context, std::vector<WriteItem> items, const WriteOptions& options) {
    return Writer(context, std::move(items), options).run();
}

Result<FoundDocument> get_document(
    const Context& context,
    const std::string& index,
    const std::string& id,
    bool realtime
) {
    std::optional<Result<std::string>> stored;
    if (realtime) {
        stored = wait_for<std::string>([&](node::Reply<std::string> reply) {
            context.node.document(index, id, context.loop, std::move(reply));
        });
    } else {
        KUMO_TRY_ASSIGN(const auto snapshot, context.pins.snapshot(index));
        stored = search::fetch_document(*snapshot, id);
    }
    if (!stored->ok()) {
        if (stored->error().code == ErrorCode::kNotFound) {
            return FoundDocument{};
        }
        return stored->error();
    }
    KUMO_TRY_ASSIGN(search::StoredDocument document, search::parse_stored(stored->value()));
    document.id = id;
    return FoundDocument{std::move(document), true};
}

Status read_conditions(const Parameters& parameters, WriteItem& item) {
    item.routing = parameters.text("routing");
    const auto number =
        [&parameters](std::string_view name, std::optional<std::uint64_t>& out) -> Status {
        if (parameters.has(name)) {
            KUMO_TRY_ASSIGN(const std::int64_t value, parameters.integer(name, 0));
            if (value < 0) {
                return illegal_argument(
                    "sequence numbers must be non negative. got [" + std::to_string(value) + "]."
                );
            }
            out = static_cast<std::uint64_t>(value);
        }
        return {};
    };
    KUMO_TRY(number("if_seq_no", item.if_seq));
    KUMO_TRY(number("if_primary_term", item.if_term));
    if (item.if_seq.has_value() != item.if_term.has_value()) {
        return fault(
            "action_request_validation_exception",
            std::string("Validation Failed: 1: ")
                + (item.if_seq ? "ifSeqNo is set, but primary term is [0]"
                               : "ifSeqNo is unassigned, but primary term is [1]")
                + ";"
        );
    }
    const std::string type = parameters.text("version_type", "internal");
    if (type == "external" || type == "external_gt") {
        item.rule = search::VersionRule::kExternal;
    } else if (type == "external_gte") {
        item.rule = search::VersionRule::kExternalGte;
    } else if (type != "internal") {
        return illegal_argument("No version type match [" + type + "]");
    }
    if (item.rule == search::VersionRule::kInternal && parameters.has("version")) {
        return fault(
            "action_request_validation_exception",
            "Validation Failed: 1: internal versioning can not be used for optimistic concurrency "
            "control. Please use `if_seq_no` and `if_primary_term` instead;"
        );
    }
    if (item.rule != search::VersionRule::kInternal) {
        KUMO_TRY_ASSIGN(const std::int64_t version, parameters.integer("version", -1));
        if (version < 0) {
            return fault(
                "action_request_validation_exception",
                "Validation Failed: 1: illegal version value [" + std::to_string(version)
                    + "] for version type ["
                    + (item.rule == search::VersionRule::kExternal ? "EXTERNAL" : "EXTERNAL_GTE")
                    + "];"
            );
        }
        item.version = static_cast<std::uint64_t>(version);
    }
    return {};
}

Status read_update(const Json& body, WriteItem& item) {
    UpdateBody& out = item.update;
    if (!body.is_object()) {
        return fault("x_content_parse_exception", "[UpdateRequest] Expected START_OBJECT");
    }
    for (const auto& [name, value] : body.members()) {
        if (name == "doc") {
            out.doc = value;
        } else if (name == "upsert") {
            out.upsert = value;
        } else if (name == "doc_as_upsert") {
            out.doc_as_upsert = value.to_bool().value_or(false);
        } else if (name == "detect_noop") {
            out.detect_noop = value.to_bool().value_or(true);
        } else if (name == "_source") {
            out.source = value;
        } else if (name == "script") {
            out.script = value;
        } else if (name == "scripted_upsert") {
            out.scripted_upsert = value.to_bool().value_or(false);
        } else if (name == "if_seq_no") {
            item.if_seq = static_cast<std::uint64_t>(value.to_int64().value_or(0));
        } else if (name == "if_primary_term") {
            item.if_term = static_cast<std::uint64_t>(value.to_int64().value_or(0));
        } else {
            return fault(
                "x_content_parse_exception",
                "[1:2] [UpdateRequest] unknown field [" + name + "]"
            );
        }
    }
    if (!out.doc.is_null() && !out.script.is_null()) {
        return fault(
            "action_request_validation_exception",
            "Validation Failed: 1: can't provide both script and doc;"
        );
    }
    if (out.doc.is_null() && out.script.is_null() && out.upsert.is_null()) {
        return fault(
            "action_request_validation_exception",
            "Validation Failed: 1: script or doc is missing;"
        );
    }
    return {};
}

Status copy_documents(const Context& context, const Index& from, const Index& to) {
    auto snapshot = context.node.snapshot(from.name);
    if (!snapshot.ok()) {
        return snapshot.error();
    }
    std::vector<WriteItem> items;
    const auto hand_over = [&]() -> Status {
        WriteOptions options;
        options.refresh = true;
        for (const WriteAnswer& answer : write_items(context, std::move(items), options)) {
            if (answer.error) {
                return *answer.error;
            }
        }
        items.clear();
        return {};
    };
    for (const search::Snapshot::Part& part : snapshot.value()->parts) {
        for (search::DocId doc = 0; doc < part.segment->doc_count; ++doc) {
            if (part.deleted.test(doc)) {
                continue;
            }
            std::string bytes;
            KUMO_TRY(part.segment->stored->append(doc, bytes));
            KUMO_TRY_ASSIGN(search::StoredDocument stored, search::parse_stored(bytes));
            WriteItem item;
            item.index = to.name;
            item.id = std::move(stored.id);
            item.routing = std::move(stored.meta.routing);
            item.source = std::move(stored.source);
            items.push_back(std::move(item));
            if (items.size() >= kBatchItems) {
                KUMO_TRY(hand_over());
            }
        }
    }
    return items.empty() ? Status() : hand_over();
}

}  // namespace kumo::api_elastic
