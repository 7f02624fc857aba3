#include "api/elastic/cat/table.h"
#include "api/elastic/documents/writer.h"
#include "api/elastic/handlers/common.h"
#include "api/elastic/handlers/handlers.h"
#include "api/elastic/ids.h"
#include "api/elastic/index_admin.h"
#include "api/elastic/mapping/dates.h"
#include "api/elastic/refresh_pins.h"
#include "api/elastic/snapshot/registered.h"
#include "api/elastic/wildcard.h"
#include "search/index/mapped_write.h"

#include <re2/re2.h>

#include <algorithm>
#include <cstdio>
#include <set>
#include <utility>

namespace kumo::api_elastic {

namespace {

constexpr std::size_t kRestoreBatch = 1000;

std::int64_t now_millis(const Context& context) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
               context.clock.wall_now().time_since_epoch()
    )
        .count();
}

/// A snapshot as it is shown.
Json shown(const Json& manifest, bool verbose) {
    Json indices = Json::array();
    const Json* const all = manifest.find("indices");
    for (const auto& [name, index] : all == nullptr ? Json::Object() : all->members()) {
        indices.push(name);
    }
    Json out = Json::object(
        {{"snapshot", text_of(manifest, "snapshot")}, {"uuid", text_of(manifest, "uuid")}}
    );
    if (!verbose) {
        out["indices"] = std::move(indices);
        out["state"] = "SUCCESS";
        return out;
    }
    const std::int64_t begin = number_of(manifest, "start");
    const std::int64_t end = number_of(manifest, "end");
    const std::int64_t shards = number_of(manifest, "shards");
    out["version_id"] = kVersionId;
    out["version"] = "2.19.0";
    out["remote_store_index_shallow_copy"] = false;
    out["indices"] = std::move(indices);
    out["data_streams"] = Json::array();
    const Json* const global = manifest.find("include_global_state");
    out["include_global_state"] = global == nullptr || global->as_bool();
    if (const Json* const metadata = manifest.find("metadata");
        metadata != nullptr && !metadata->is_null()) {
        out["metadata"] = *metadata;
    }
    out["state"] = "SUCCESS";
    out["start_time"] = default_date_format().format({begin, 0});
    out["start_time_in_millis"] = begin;
    out["end_time"] = default_date_format().format({end, 0});
    out["end_time_in_millis"] = end;
    out["duration_in_millis"] = end - begin;
    out["failures"] = Json::array();
    out["shards"] = Json::object({{"total", shards}, {"failed", 0}, {"successful", shards}});
    return out;
}

std::vector<std::string> names_of(const Json* value) {
    std::vector<std::string> out;
    if (value != nullptr && value->is_array()) {
        for (const Json& one : value->items()) {
            out.push_back(one.text());
        }
    } else if (value != nullptr && !value->is_null()) {
        out = split_list(value->text());
    }
    return out;
}

std::string joined(const std::vector<std::string>& names) {
    std::string out;
    for (const std::string& name : names) {
        out += (out.empty() ? "" : ",") + name;
    }
    return out;
}

/// The documents of an index as blobs, segment by segment: what has not changed is the same again.
Status store_index(const Context& context, Repository& repository, const Index& index, Json& out) {
    auto snapshot = context.node.snapshot(index.name);
    if (!snapshot.ok()) {
        return snapshot.error();
    }
    Json blobs = Json::array();
    std::uint64_t bytes = 0;
    std::uint64_t written = 0;
    std::uint64_t written_files = 0;
    std::string chunk;
    const auto finish = [&]() -> Status {
        if (chunk.empty()) {
            return {};
        }
        KUMO_TRY_ASSIGN(const Repository::Blob blob, repository.put_blob(chunk));
        blobs.push(blob.name);
        bytes += blob.bytes;
        written += blob.written;
        written_files += blob.written > 0 ? 1 : 0;
        chunk.clear();
        return {};
    };
    for (const search::Snapshot::Part& part : snapshot.value()->parts) {
        for (search::DocId doc = 0; doc < part.segment->doc_count; ++doc) {
            if (part.deleted.test(doc)) {
                continue;
            }
            std::string stored;
            KUMO_TRY(part.segment->stored->append(doc, stored));
            KUMO_TRY_ASSIGN(search::StoredDocument document, search::parse_stored(stored));
            chunk += Json::object({{"id", document.id},
                                   {"routing", document.meta.routing},
                                   {"version", document.meta.version},
                                   {"source", document.source}}
            ).dump();
            chunk += '\n';
            if (chunk.size() >= kBlobBytesMax) {
                KUMO_TRY(finish());
            }
        }
        KUMO_TRY(finish());
    }
    out = Json::object(
        {{"uuid", index.uuid},
         {"settings", index.settings},
         {"mappings", index.mapping->json()},
         {"aliases", index.aliases},
         {"documents", snapshot.value()->doc_count},
         {"bytes", bytes},
         {"written", written},
         {"written_files", written_files},
         {"blobs", std::move(blobs)}}
    );
    return {};
}

Status check_snapshot_name(const std::string& repository, const std::string& name) {
    const auto invalid = [&](const std::string& why) {
        return fault(
            "invalid_snapshot_name_exception",
            "[" + repository + ":" + name + "] Invalid snapshot name [" + name + "], " + why
        );
    };
    if (name.empty() || name.find_first_of(" ,#\\/*?\"<>|") != std::string::npos) {
        return invalid("must not contain the following characters [ , \", *, \\, <, |, ,, >, /, ?]"
        );
    }
    if (name.starts_with('_')) {
        return invalid("must not start with '_'");
    }
    if (std::any_of(name.begin(), name.end(), [](char c) { return c >= 'A' && c <= 'Z'; })) {
        return invalid("must be lowercase");
    }
    return {};
}

const Json* find_snapshot(const std::vector<Json>& all, const std::string& name) {
    const auto found = std::find_if(all.begin(), all.end(), [&name](const Json& manifest) {
        return text_of(manifest, "snapshot") == name;
    });
    return found == all.end() ? nullptr : &*found;
}

Error missing_snapshot(const std::string& repository, const std::string& name) {
    return fault("snapshot_missing_exception", "[" + repository + ":" + name + "] is missing");
}

/// Those that an expression names.
Result<std::vector<Json>>
wanted_snapshots(const Request& request, const std::vector<Json>& all, bool ignore_missing) {
    const std::vector<std::string> patterns = split_list(request.part("snapshot"));
    std::vector<Json> out;
    for (const std::string& pattern : patterns) {
        if (pattern != "_all" && pattern.find('*') == std::string::npos
            && find_snapshot(all, pattern) == nullptr && pattern != "_current" && !ignore_missing) {
            return missing_snapshot(request.part("repository"), pattern);
        }
    }
    for (const Json& manifest : all) {
        const bool wanted =
            std::any_of(patterns.begin(), patterns.end(), [&](const std::string& pattern) {
                return pattern == "_all"
                       || matches_wildcard(pattern, text_of(manifest, "snapshot"));
            });
        if (wanted) {
            out.push_back(manifest);
        }
    }
    return out;
}

Json file_stats(std::int64_t files, std::int64_t bytes) {
    return Json::object({{"file_count", files}, {"size_in_bytes", bytes}});
}

Json status_json(const std::string& repository, const Json& manifest) {
    std::int64_t files = 0;
    std::int64_t bytes = 0;
    std::int64_t new_files = 0;
    std::int64_t new_bytes = 0;
    Json of_indices = Json::object();
    const std::int64_t begin = number_of(manifest, "start");
    const std::int64_t took = number_of(manifest, "end") - begin;
    const Json* const all = manifest.find("indices");
    for (const auto& [name, index] : all == nullptr ? Json::Object() : all->members()) {
        // The manifest has a part for each index: a file of metadata more than its blobs.
        const auto count = static_cast<std::int64_t>(
                               index.find("blobs") == nullptr ? 0 : index.find("blobs")->size()
                           )
                           + 1;
        const auto metadata = static_cast<std::int64_t>(index.dump().size());
        const Json stats = Json::object(
            {{"incremental",
              file_stats(
                  number_of(index, "written_files") + 1,
                  number_of(index, "written") + metadata
              )},
             {"total", file_stats(count, number_of(index, "bytes") + metadata)},
             {"start_time_in_millis", begin},
             {"time_in_millis", took}}
        );
        files += count;
        bytes += number_of(index, "bytes") + metadata;
        new_files += number_of(index, "written_files") + 1;
        new_bytes += number_of(index, "written") + metadata;
        const Json shards = Json::object(
            {{"initializing", 0},
             {"started", 0},
             {"finalizing", 0},
             {"done", 1},
             {"failed", 0},
             {"total", 1}}
        );
        of_indices[name] = Json::object(
            {{"shards_stats", shards},
             {"stats", stats},
             {"shards", Json::object({{"0", Json::object({{"stage", "DONE"}, {"stats", stats}})}})}}
        );
    }
    const std::int64_t shards = number_of(manifest, "shards");
    return Json::object(
        {{"snapshot", text_of(manifest, "snapshot")},
         {"repository", repository},
         {"uuid", text_of(manifest, "uuid")},
         {"state", "SUCCESS"},
         {"include_global_state", true},
         {"shards_stats",
          Json::object(
              {{"initializing", 0},
               {"started", 0},
               {"finalizing", 0},
               {"done", shards},
               {"failed", 0},
               {"total", shards}}
          )},
         {"stats",
          Json::object(
              {{"incremental", file_stats(new_files, new_bytes)},
               {"total", file_stats(files, bytes)},
               {"start_time_in_millis", begin},
               {"time_in_millis", took}}
          )},
         {"indices", std::move(of_indices)}}
    );
}

// ---- restore

struct RestoreOptions {
    std::vector<std::string> indices;
    std::string rename_pattern;
    std::string rename_replacement;
    bool include_aliases = true;
    bool global_state = false;
    bool ignore_unavailable = false;
    Json settings = Json::object();
    std::vector<std::string> ignored_settings;
};

RestoreOptions restore_options(const Json& body) {
    RestoreOptions out;
    out.indices = names_of(body.find("indices"));
    out.rename_pattern = text_of(body, "rename_pattern");
    out.rename_replacement = text_of(body, "rename_replacement");
    out.include_aliases = text_of(body, "include_aliases") != "false";
    out.global_state = text_of(body, "include_global_state") == "true";
    out.ignore_unavailable = text_of(body, "ignore_unavailable") == "true";
    if (const Json* const settings = body.find("index_settings")) {
        out.settings = normalized_settings(*settings);
    }
    out.ignored_settings = names_of(body.find("ignore_index_settings"));
    return out;
}

Result<std::string> renamed(const RestoreOptions& options, const std::string& name) {
    if (options.rename_pattern.empty()) {
        return name;
    }
    const RE2 pattern(options.rename_pattern, RE2::Quiet);
    if (!pattern.ok()) {
        return illegal_argument("[rename_pattern] is no regular expression");
    }
    std::string rewrite;
    for (std::size_t i = 0; i < options.rename_replacement.size(); ++i) {
        const char c = options.rename_replacement[i];
        rewrite += c == '$' && i + 1 < options.rename_replacement.size() ? '\\' : c;
    }
    std::string out = name;
    RE2::GlobalReplace(&out, pattern, rewrite);
    return out;
}

bool is_wanted(const std::vector<std::string>& patterns, const std::string& name) {
    bool wanted = patterns.empty();
    for (const std::string& pattern : patterns) {
        if (pattern.starts_with('-')) {
            wanted = wanted && !matches_wildcard(std::string_view(pattern).substr(1), name);
        } else {
            wanted = wanted || pattern == "_all" || matches_wildcard(pattern, name);
        }
    }
    return wanted;
}

Status restore_documents(
    const Context& context,
    const Repository& repository,
    const Json& stored,
    const std::string& index
) {
    std::vector<WriteItem> items;
    WriteOptions options;
    options.refresh = true;
    const auto hand_over = [&]() -> Status {
        for (const WriteAnswer& answer : write_items(context, std::move(items), options)) {
            if (answer.error) {
                return *answer.error;
            }
        }
        items.clear();
        return {};
    };
    const Json* const blobs = stored.find("blobs");
    for (const Json& name : blobs == nullptr ? Json::Array() : blobs->items()) {
        KUMO_TRY_ASSIGN(const std::string chunk, repository.blob(name.text()));
        for (std::size_t at = 0; at < chunk.size();) {
            const std::size_t end = std::min(chunk.find('\n', at), chunk.size());
            KUMO_TRY_ASSIGN(
                const Json document,
                Json::parse(std::string_view(chunk).substr(at, end - at))
            );
            at = end + 1;
            WriteItem item;
            item.index = index;
            item.id = text_of(document, "id");
            item.routing = text_of(document, "routing");
            item.source = text_of(document, "source");
            item.rule = search::VersionRule::kExternalGte;
            item.version = static_cast<std::uint64_t>(number_of(document, "version"));
            items.push_back(std::move(item));
            if (items.size() >= kRestoreBatch) {
                KUMO_TRY(hand_over());
            }
        }
    }
    return items.empty() ? Status() : hand_over();
}

Status restore_index(
    const Request& request,
    const Repository& repository,
    const RestoreOptions& options,
    const std::string& name,
    const Json& stored
) {
    const Context& context = request.context;
    if (const IndexPtr there = context.indices.find(name)) {
        if (!there->closed) {
            return fault(
                "snapshot_restore_exception",
                "[" + request.part("repository") + ":" + request.part("snapshot") + "] cannot restore index [" + name
                    + "] because an open index with same name already exists in the cluster. Either close or delete "
                      "the existing index or restore the index under a different name by providing a rename pattern "
                      "and replacement name"
            );
        }
        KUMO_TRY(context.indices.remove(name));
    }
    Index index;
    index.name = name;
    index.uuid = random_id() + "Ag";
    index.created_at = now_millis(context);
    index.settings = stored.find("settings") == nullptr ? Json::object() : *stored.find("settings");
    index.settings.merge(options.settings);
    for (const std::string& ignored : options.ignored_settings) {
        index.settings.erase(ignored);
    }
    index.aliases = options.include_aliases && stored.find("aliases") != nullptr
                        ? *stored.find("aliases")
                        : Json::object();
    const Json* const mappings = stored.find("mappings");
    KUMO_TRY_ASSIGN(
        index.mapping,
        Mapping::make(mappings == nullptr ? Json::object() : *mappings, index.settings)
    );
    // What the documents brought before it was blocked.
    Json settings = index.settings;
    index.settings.erase("index.blocks.write");
    index.settings.erase("index.blocks.read_only");
    context.pins.refresh(name);
    KUMO_TRY_ASSIGN(const IndexPtr made, context.indices.create(index));
    KUMO_TRY(restore_documents(context, repository, stored, name));
    auto done = context.indices.update(name, [&](Index& next) {
        next.settings = settings;
        return Status();
    });
    if (!done.ok()) {
        return done.error();
    }
    (void)made;
    const Json* const blobs = stored.find("blobs");
    return context.cluster.put(
        "restored/" + name,
        Json::object(
            {{"uuid", index.uuid},
             {"repository", request.part("repository")},
             {"snapshot", request.part("snapshot")},
             {"files", (blobs == nullptr ? 0 : blobs->size()) + 1},
             {"bytes",
              number_of(stored, "bytes") + static_cast<std::int64_t>(stored.dump().size())}}
        )
    );
}

}  // namespace

Result<Answer> create_snapshot(const Request& request) {
    const std::string name = request.part("snapshot");
    KUMO_TRY_ASSIGN(const Json body, request.json());
    const MutexLock lock(repositories_mutex());
    KUMO_TRY_ASSIGN(Opened opened, open_for_writing(request));
    KUMO_TRY(check_snapshot_name(request.part("repository"), name));
    KUMO_TRY_ASSIGN(const std::vector<Json> all, opened.repository.snapshots());
    if (find_snapshot(all, name) != nullptr) {
        return fault(
            "invalid_snapshot_name_exception",
            "[" + request.part("repository") + ":" + name + "] Invalid snapshot name [" + name
                + "], snapshot with the same name already exists"
        );
    }
    IndicesOptions options;
    options.ignore_unavailable = text_of(body, "ignore_unavailable") == "true";
    KUMO_TRY_ASSIGN(
        const auto indices,
        resolve(request.context, joined(names_of(body.find("indices"))), options)
    );
    Json manifest = Json::object(
        {{"snapshot", name},
         {"uuid", random_id()},
         {"start", now_millis(request.context)},
         {"include_global_state", text_of(body, "include_global_state") != "false"},
         {"metadata", body.find("metadata") == nullptr ? Json() : *body.find("metadata")}}
    );
    Json stored = Json::object();
    std::int64_t shards = 0;
    for (const ResolvedIndex& one : indices) {
        Json index;
        KUMO_TRY(store_index(request.context, opened.repository, *one.index, index));
        stored[one.index->name] = std::move(index);
        shards += one.index->shards();
    }
    manifest["indices"] = std::move(stored);
    manifest["shards"] = shards;
    manifest["end"] = now_millis(request.context);
    KUMO_TRY(opened.repository.add(manifest));
    KUMO_TRY_ASSIGN(const bool waits, request.parameters.flag("wait_for_completion", false));
    return waits ? Answer(Json::object({{"snapshot", shown(manifest, true)}}))
                 : Answer(Json::object({{"accepted", true}}));
}

Result<Answer> get_snapshots(const Request& request) {
    const MutexLock lock(repositories_mutex());
    KUMO_TRY_ASSIGN(const Opened opened, open_repository(request, request.part("repository")));
    KUMO_TRY_ASSIGN(const std::vector<Json> all, opened.repository.snapshots());
    KUMO_TRY_ASSIGN(const bool ignore, request.parameters.flag("ignore_unavailable", false));
    KUMO_TRY_ASSIGN(const bool verbose, request.parameters.flag("verbose", true));
    KUMO_TRY_ASSIGN(const std::vector<Json> wanted, wanted_snapshots(request, all, ignore));
    Json list = Json::array();
    for (const Json& manifest : wanted) {
        list.push(shown(manifest, verbose));
    }
    return Answer(Json::object({{"snapshots", std::move(list)}}));
}

Result<Answer> delete_snapshot(const Request& request) {
    const MutexLock lock(repositories_mutex());
    KUMO_TRY_ASSIGN(Opened opened, open_for_writing(request));
    KUMO_TRY_ASSIGN(const std::vector<Json> all, opened.repository.snapshots());
    KUMO_TRY_ASSIGN(const std::vector<Json> wanted, wanted_snapshots(request, all, false));
    for (const Json& manifest : wanted) {
        KUMO_TRY(opened.repository.remove(text_of(manifest, "uuid")));
    }
    return Answer(acknowledged());
}

Result<Answer> clone_snapshot(const Request& request) {
    KUMO_TRY_ASSIGN(const Json body, request.required_json());
    const MutexLock lock(repositories_mutex());
    KUMO_TRY_ASSIGN(Opened opened, open_for_writing(request));
    const std::string target = request.part("target");
    KUMO_TRY(check_snapshot_name(request.part("repository"), target));
    KUMO_TRY_ASSIGN(const std::vector<Json> all, opened.repository.snapshots());
    const Json* const source = find_snapshot(all, request.part("snapshot"));
    if (source == nullptr) {
        return missing_snapshot(request.part("repository"), request.part("snapshot"));
    }
    if (find_snapshot(all, target) != nullptr) {
        return fault(
            "invalid_snapshot_name_exception",
            "[" + request.part("repository") + ":" + target + "] Invalid snapshot name [" + target
                + "], snapshot with the same name already exists"
        );
    }
    const std::vector<std::string> patterns = names_of(body.find("indices"));
    Json manifest = *source;
    manifest["snapshot"] = target;
    manifest["uuid"] = random_id();
    Json indices = Json::object();
    const Json* const before = source->find("indices");
    for (const auto& [name, index] : before == nullptr ? Json::Object() : before->members()) {
        if (is_wanted(patterns, name)) {
            indices[name] = index;
        }
    }
    if (indices.empty()) {
        return no_such_index(joined(patterns));
    }
    manifest["shards"] = indices.size();
    manifest["indices"] = std::move(indices);
    KUMO_TRY(opened.repository.add(manifest));
    return Answer(acknowledged());
}

Result<Answer> snapshot_status(const Request& request) {
    if (request.part("snapshot").empty()) {
        return Answer(Json::object({{"snapshots", Json::array()}}));  // None is under way.
    }
    const MutexLock lock(repositories_mutex());
    KUMO_TRY_ASSIGN(const Opened opened, open_repository(request, request.part("repository")));
    KUMO_TRY_ASSIGN(const std::vector<Json> all, opened.repository.snapshots());
    KUMO_TRY_ASSIGN(const bool ignore, request.parameters.flag("ignore_unavailable", false));
    KUMO_TRY_ASSIGN(const std::vector<Json> wanted, wanted_snapshots(request, all, ignore));
    Json list = Json::array();
    for (const Json& manifest : wanted) {
        list.push(status_json(request.part("repository"), manifest));
    }
    return Answer(Json::object({{"snapshots", std::move(list)}}));
}

Result<Answer> restore_snapshot(const Request& request) {
    KUMO_TRY_ASSIGN(const Json body, request.json());
    const MutexLock lock(repositories_mutex());
    KUMO_TRY_ASSIGN(const Opened opened, open_repository(request, request.part("repository")));
    KUMO_TRY_ASSIGN(const std::vector<Json> all, opened.repository.snapshots());
    const Json* const manifest = find_snapshot(all, request.part("snapshot"));
    if (manifest == nullptr) {
        return fault(
            "snapshot_restore_exception",
            "[" + request.part("repository") + ":" + request.part("snapshot")
                + "] snapshot does not exist"
        );
    }
    const RestoreOptions options = restore_options(body);
    Json restored = Json::array();
    const Json* const indices = manifest->find("indices");
    for (const auto& [name, stored] : indices == nullptr ? Json::Object() : indices->members()) {
        if (!is_wanted(options.indices, name)) {
            continue;
        }
        KUMO_TRY_ASSIGN(const std::string target, renamed(options, name));
        KUMO_TRY(check_index_name(target));
        KUMO_TRY(restore_index(request, opened.repository, options, target, stored));
        restored.push(target);
    }
    for (const std::string& one : options.indices) {
        if (one.find('*') == std::string::npos && !one.starts_with('-')
            && !options.ignore_unavailable
            && (indices == nullptr || indices->find(one) == nullptr)) {
            return no_such_index(one);
        }
    }
    KUMO_TRY_ASSIGN(const bool waits, request.parameters.flag("wait_for_completion", false));
    if (!waits) {
        return Answer(Json::object({{"accepted", true}}));
    }
    const auto count = restored.size();
    return Answer(Json::object(
        {{"snapshot",
          Json::object(
              {{"snapshot", request.part("snapshot")},
               {"indices", std::move(restored)},
               {"shards", Json::object({{"total", count}, {"failed", 0}, {"successful", count}})}}
          )}}
    ));
}

Result<Answer> cat_snapshots(const Request& request) {
    if (wants_help(request)) {
        return table_answer(request, "snapshots", {});
    }
    const std::string name = request.part("repository");
    std::vector<Row> rows;
    const DateFormat clock = DateFormat::make("HH:mm:ss").value();
    const MutexLock lock(repositories_mutex());
    for (const auto& [repository, definition] : request.context.cluster.list("repository/")) {
        if (!name.empty() && name != "_all" && !matches_wildcard(name, repository)) {
            continue;
        }
        KUMO_TRY_ASSIGN(const Opened opened, open_repository(request, repository));
        KUMO_TRY_ASSIGN(const std::vector<Json> all, opened.repository.snapshots());
        for (const Json& manifest : all) {
            const std::int64_t begin = number_of(manifest, "start");
            const std::int64_t end = number_of(manifest, "end");
            const Json* const indices = manifest.find("indices");
            Row row;
            row["id"] = text_of(manifest, "snapshot");
            row["repository"] = repository;
            row["status"] = "SUCCESS";
            row["start_epoch"] = begin / 1000;
            row["start_time"] = clock.format({begin, 0});
            row["end_epoch"] = end / 1000;
            row["end_time"] = clock.format({end, 0});
            row["duration"] =
                Cell::millis(static_cast<std::uint64_t>(std::max<std::int64_t>(end - begin, 0)));
            row["indices"] = static_cast<std::uint64_t>(indices == nullptr ? 0 : indices->size());
            row["successful_shards"] = number_of(manifest, "shards");
            row["failed_shards"] = std::int64_t{0};
            row["total_shards"] = number_of(manifest, "shards");
            rows.push_back(std::move(row));
        }
    }
    if (!name.empty() && request.context.cluster.find("repository/" + name).is_null()
        && name.find('*') == std::string::npos && name != "_all") {
        return missing_repository(name);
    }
    return table_answer(request, "snapshots", std::move(rows));
}

}  // namespace kumo::api_elastic
