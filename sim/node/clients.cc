#include "node/cluster.h"
#include "search/query/search.h"

#include <algorithm>

// What clients ask of nodes, and what their answers say.

namespace kumo::node::sim {

using search::WriteAction;

namespace {

constexpr std::size_t kCallsMax = 64;
constexpr std::size_t kRecentDocuments = 12;

std::string patch_of(const std::string& id, History::Value value) {
    return R"({"id":")" + id + R"(","n":)" + std::to_string(value) + "}";
}

/// The node does not know the collection yet: the dialect asks the leader before it says so
/// (Node::refresh), so this is no answer about a document.
bool is_no_collection(const Error& error) {
    return error.code == ErrorCode::kNotFound && error.message.rfind("No collection", 0) == 0;
}

const char* action_name(WriteAction action) {
    switch (action) {
        case WriteAction::kCreate: return "create";
        case WriteAction::kUpsert: return "upsert";
        case WriteAction::kUpdate: return "update";
        case WriteAction::kEmplace: return "emplace";
    }
    return "?";
}

}  // namespace

/// Registers a call to a node; the caller runs what is returned when it is answered.
std::function<void()> Cluster::call(std::size_t node, const std::string& what) {
    const std::uint64_t number = next_call_++;
    calls_[number] = {node, what, now()};
    return [this, number] {
        if (calls_.erase(number) == 0) {
            fail("a call was answered twice, or by the dead");
        }
    };
}

/// Whether the error says that nothing has been changed, and never will be.
bool Cluster::is_definite(const Error& error) const {
    switch (error.code) {
        case ErrorCode::kUnavailable:
        case ErrorCode::kTimeout:
        case ErrorCode::kIo: return false;
        default: return true;
    }
}

void Cluster::count(bool ok, const Error* error) {
    if (ok) {
        ++outcome_.acknowledged;
    } else if (is_definite(*error)) {
        ++outcome_.refused;
    } else {
        ++outcome_.unknown;
    }
}

void Cluster::use() {
    if (slots_.empty() || calls_.size() >= kCallsMax || pick(100) >= write_chance_) {
        return;
    }
    const std::size_t slot = pick(slots_.size());
    const CollectionPtr collection = slots_[slot];
    if (!collection->live) {
        if (!collection->creating && !collection->ended) {
            create_collection(collection);
        }
        return;
    }
    const std::uint64_t what = pick(100);
    if (what < 52) {
        write(collection);
    } else if (what < 54) {
        create_twice(collection);
    } else if (what < 57) {
        erase(collection);
    } else if (what < 61) {
        write_matching(collection, what < 58);
    } else if (what < 92) {
        const auto node = some_node();
        const DocumentPtr document = some_document(*collection);
        if (node && document != nullptr) {
            get(collection, document, *node);
        }
    } else if (what < 97) {
        scan(collection);
    } else {
        search(collection);
    }
}

// ---- collections

void Cluster::begin_collection(std::size_t slot, const std::string& name) {
    auto collection = std::make_shared<Collection>();
    collection->name = name;
    collection->prefix = "k" + std::to_string(next_collection_++) + "d";
    if (seed_ % 3 == 0) {
        collection->shards = 1 + static_cast<std::uint32_t>(pick(5));
    }
    if (seed_ % 5 < 2) {
        static constexpr cluster::AckMode kModes[] = {
            cluster::AckMode::kSync,
            cluster::AckMode::kMajority,
            cluster::AckMode::kMajority,
            cluster::AckMode::kAsync};
        collection->mode = kModes[pick(std::size(kModes))];
        if (!fsync_ && collection->mode == cluster::AckMode::kMajority) {
            collection->mode = cluster::AckMode::kSync;  // A majority would be refused.
        }
        collection->min_in_sync = 1 + static_cast<std::uint32_t>(pick(2));
    }
    slots_[slot] = collection;
    collections_.push_back(collection);
}

/// Again until it is there.
void Cluster::create_collection(const CollectionPtr& collection) {
    const auto node = some_node();
    if (!node) {
        return;
    }
    collection->creating = true;
    note(
        "create " + collection->name + " of " + std::to_string(collection->shards) + " shards at "
        + std::to_string(*node)
    );
    Machine& machine = *nodes_[*node].machine;
    const auto answered = call(*node, "create " + collection->name);
    at(std::chrono::seconds(15), [collection] { collection->creating = false; });
    CollectionSpec spec = numbered(collection->name);
    spec.num_shards = collection->shards;
    spec.replication_mode = collection->mode;
    spec.min_in_sync = collection->min_in_sync;
    machine.node().create_collection(
        std::move(spec),
        machine.loop(),
        [this, collection, answered](const Result<CollectionInfo>& made) {
            answered();
            collection->creating = false;
            if (made.ok() || made.error().code == ErrorCode::kAlreadyExists) {
                outcome_.collections += collection->live ? 0 : 1;
                collection->live = true;
                note(collection->name + " is there");
            } else {
                note("create " + collection->name + ": " + made.error().message);
            }
        }
    );
}

/// Its name is used again if it is gone for sure: a command on its way might come later.
void Cluster::drop_collection(std::size_t slot) {
    const CollectionPtr collection = slots_[slot];
    const auto node = some_node();
    if (!node || !collection->live) {
        return;
    }
    note("drop " + collection->name + " at " + std::to_string(*node));
    collection->ended = true;
    collection->live = false;
    Machine& machine = *nodes_[*node].machine;
    const auto answered = call(*node, "drop " + collection->name);
    const auto next = std::make_shared<bool>(false);
    const auto go_on = [this, slot, next](const std::string& name) {
        if (!std::exchange(*next, true)) {
            begin_collection(slot, name);
        }
    };
    const std::string other = "c" + std::to_string(slot) + "_" + std::to_string(next_collection_);
    at(std::chrono::seconds(20), [go_on, other] { go_on(other); });
    machine.node().drop_collection(
        collection->name,
        machine.loop(),
        [answered, go_on, collection, other](const Result<CollectionInfo>& dropped) {
            answered();
            go_on(dropped.ok() ? collection->name : other);
        }
    );
}

// ---- writes

Cluster::DocumentPtr Cluster::new_document(Collection& collection) {
    auto document = std::make_shared<Document>();
    document->id = collection.prefix + std::to_string(collection.documents.size() + 1);
    document->text = "text of " + document->id + std::string(pick(150), 'x');
    collection.documents.push_back(document);
    collection.by_id[document->id] = document;
    ++outcome_.documents;
    return document;
}

/// Mostly one of the newest.
Cluster::DocumentPtr Cluster::some_document(Collection& collection) {
    const std::size_t count = collection.documents.size();
    if (count == 0) {
        return nullptr;
    }
    const std::size_t among = pick(4) == 0 ? count : std::min(count, kRecentDocuments);
    return collection.documents[count - 1 - pick(among)];
}

void Cluster::write(const CollectionPtr& collection) {
    const auto node = some_node();
    if (!node) {
        return;
    }
    static constexpr WriteAction kActions[] = {
        WriteAction::kCreate,
        WriteAction::kCreate,
        WriteAction::kUpsert,
        WriteAction::kUpsert,
        WriteAction::kUpdate,
        WriteAction::kEmplace};
    const WriteAction action = kActions[pick(std::size(kActions))];
    std::vector<DocumentPtr> documents;
    const std::size_t count = pick(3) == 0 ? 1 + pick(4) : 1;
    for (std::size_t k = 0; k < count; ++k) {
        const DocumentPtr document =
            action == WriteAction::kCreate ? new_document(*collection) : some_document(*collection);
        const bool twice =
            std::find(documents.begin(), documents.end(), document) != documents.end();
        if (document != nullptr && document->creates == 1 && !twice) {
            documents.push_back(document);
        }
    }
    if (!documents.empty()) {
        send_writes(collection, *node, action, documents);
    }
}

/// Two clients create the same document: one at most may.
void Cluster::create_twice(const CollectionPtr& collection) {
    const auto one = some_node();
    const auto other = some_node();
    if (one && other) {
        const DocumentPtr document = new_document(*collection);
        document->creates = 2;
        send_writes(collection, *one, WriteAction::kCreate, {document});
        send_writes(collection, *other, WriteAction::kCreate, {document});
    }
}

void Cluster::send_writes(
    const CollectionPtr& collection,
    std::size_t node,
    WriteAction action,
    const std::vector<DocumentPtr>& documents
) {
    const auto writes = std::make_shared<std::vector<Write>>();
    std::vector<std::string> lines;
    std::string what = std::string(action_name(action)) + " " + collection->name;
    for (const DocumentPtr& each : documents) {
        const History::Value value = collection->next_value++;
        writes->push_back({each, each->history.begin_write(value, now()), action});
        const bool whole = action == WriteAction::kCreate || action == WriteAction::kUpsert;
        lines.push_back(
            whole ? document(each->id, static_cast<int>(value), each->text)
                  : patch_of(each->id, value)
        );
        // It may be made by this, and then has the text too.
        if (action == WriteAction::kEmplace) {
            lines.back() = document(each->id, static_cast<int>(value), each->text);
        }
        what += " " + each->id + "=" + std::to_string(value);
    }
    Machine& machine = *nodes_[node].machine;
    const auto answered = call(node, what);
    machine.node().write(
        collection->name,
        batch(action, std::move(lines)),
        machine.loop(),
        [this, collection, writes, answered, node, what, begin = now()](
            const Result<std::vector<Result<search::Written>>>& answer
        ) {
            answered();
            count(answer.ok(), answer.ok() ? nullptr : &answer.error());
            note(
                "at " + std::to_string(node) + " " + what + ": "
                + (answer.ok() ? "answered" : answer.error().message)
            );
            for (std::size_t k = 0; k < writes->size(); ++k) {
                on_written(
                    collection,
                    writes->at(k),
                    begin,
                    answer.ok() ? answer.value().at(k) : Result<search::Written>(answer.error())
                );
            }
        }
    );
}

void Cluster::on_written(
    const CollectionPtr& collection,
    const Write& write,
    Time begin,
    const Result<search::Written>& written
) {
    if (collection->ended) {
        return;
    }
    Document& document = *write.document;
    if (written.ok()) {
        document.history.end_write(write.entry, now());
        if (write.action == WriteAction::kCreate) {
            document.created = true;
            if (++document.created_by > 1 && !may_forget(*collection)) {
                fail("two clients created " + document.id);
            }
        }
        return;
    }
    const Error& error = written.error();
    if (!is_definite(error)) {
        return;
    }
    document.history.refuse_write(write.entry);
    const bool was_there = error.code == ErrorCode::kAlreadyExists;
    if (was_there && write.action == WriteAction::kCreate && document.creates == 1) {
        // An upsert that overtook it may have made it.
        if (!document.history.has_other_writes(write.entry) && !may_forget(*collection)) {
            fail("the only creation of " + document.id + " found it there");
        }
    }
    if (error.code == ErrorCode::kNotFound && !is_no_collection(error)
        && write.action == WriteAction::kUpdate) {
        document.history.read(History::kInitial, begin, now());
    }
}

void Cluster::erase(const CollectionPtr& collection) {
    const auto node = some_node();
    const DocumentPtr document = some_document(*collection);
    if (!node || document == nullptr || !document->created || document->removing
        || document->creates > 1) {
        return;
    }
    document->removing = true;
    Machine& machine = *nodes_[*node].machine;
    const Write write{document, document->history.begin_write(History::kRemoved, now()), {}};
    const auto answered = call(*node, "erase " + document->id);
    machine.node().erase(
        collection->name,
        document->id,
        machine.loop(),
        [this, collection, write, answered, node, begin = now()](const Result<std::string>& gone) {
            answered();
            count(gone.ok(), gone.ok() ? nullptr : &gone.error());
            note(
                "at " + std::to_string(*node) + " erase " + write.document->id + ": "
                + (gone.ok() ? "answered" : gone.error().message)
            );
            if (collection->ended) {
                return;
            }
            History& history = write.document->history;
            if (gone.ok()) {
                history.end_write(write.entry, now());
            } else if (is_definite(gone.error())) {
                history.refuse_write(write.entry);
                if (gone.error().code == ErrorCode::kNotFound && !is_no_collection(gone.error())) {
                    history.read(History::kInitial, begin, now());
                }
            }
        }
    );
}

/// Removes or changes some documents by a filter that names them.
void Cluster::write_matching(const CollectionPtr& collection, bool removes) {
    const auto node = some_node();
    std::vector<Write> chosen;
    std::vector<std::string> ids;
    const History::Value value = removes ? History::kRemoved : collection->next_value++;
    for (std::size_t k = 0; node && k < 3; ++k) {
        const DocumentPtr document = some_document(*collection);
        const bool twice =
            document != nullptr && std::find(ids.begin(), ids.end(), document->id) != ids.end();
        if (document == nullptr || twice || !document->created || document->removing
            || document->creates > 1) {
            continue;
        }
        document->removing = removes;
        chosen.push_back({document, document->history.begin_write(value, now()), {}});
        ids.push_back(document->id);
    }
    if (chosen.empty()) {
        return;
    }
    Machine& machine = *nodes_[*node].machine;
    const std::string what =
        (removes ? "erase_matching " : "update_matching " + std::to_string(value) + " ") + ids[0]
        + " and " + std::to_string(ids.size() - 1) + " others";
    const auto answered = call(*node, what);
    const auto done =
        [this, collection, chosen, answered, what, node](const Result<std::uint64_t>& changed) {
            answered();
            count(changed.ok(), changed.ok() ? nullptr : &changed.error());
            note(
                "at " + std::to_string(*node) + " " + what + ": "
                + (changed.ok() ? std::to_string(changed.value()) : changed.error().message)
            );
            if (collection->ended) {
                return;
            }
            for (const Write& write : chosen) {
                if (changed.ok() && changed.value() == chosen.size()) {
                    write.document->history.end_write(write.entry, now());
                } else if (changed.ok() ? changed.value() == 0 : is_definite(changed.error())) {
                    write.document->history.refuse_write(write.entry);
                }
            }
        };
    if (removes) {
        machine.node()
            .erase_matching(collection->name, search::Filter::of_ids(ids), machine.loop(), done);
    } else {
        machine.node().update_matching(
            collection->name,
            search::Filter::of_ids(ids),
            R"({"n":)" + std::to_string(value) + "}",
            search::DirtyValues::kCoerceOrReject,
            machine.loop(),
            done
        );
    }
}

// ---- reads

/// The number in a document; fails if no write can have made it.
History::Value Cluster::value_in(const Document& expected, const std::string& json) {
    const std::size_t place = json.find("\"n\":");
    const History::Value value =
        place == std::string::npos ? 0 : std::strtoll(json.c_str() + place + 4, nullptr, 10);
    if (json != document(expected.id, static_cast<int>(value), expected.text)
        || !expected.history.knows(value)) {
        fail("nobody wrote " + json + expected.history.describe());
    }
    return value;
}

void Cluster::get(const CollectionPtr& collection, const DocumentPtr& document, std::size_t node) {
    Machine& machine = *nodes_[node].machine;
    const auto answered = call(node, "get " + document->id);
    machine.node().document(
        collection->name,
        document->id,
        machine.loop(),
        [this, collection, document, node, answered, begin = now()](const Result<std::string>& got
        ) {
            answered();
            if (collection->ended) {
                return;
            }
            if (got.ok()) {
                ++outcome_.reads;
                const History::Value value = value_in(*document, got.value());
                document->history.read(value, begin, now());
                note(
                    "at " + std::to_string(node) + " get " + document->id + ": "
                    + std::to_string(value)
                );
            } else if (got.error().code == ErrorCode::kNotFound && !is_no_collection(got.error())) {
                ++outcome_.reads;
                document->history.read(History::kInitial, begin, now());
                note(
                    "at " + std::to_string(node) + " get " + document->id + ": "
                    + got.error().message
                );
            }
        }
    );
}

/// A node's own copy: what is committed.
void Cluster::scan(const CollectionPtr& collection) {
    const auto node = some_node();
    if (!node) {
        return;
    }
    const auto snapshot = nodes_[*node].machine->node().snapshot(collection->name);
    if (!snapshot.ok()) {
        return;
    }
    ++outcome_.scans;
    for (const auto& [id, json] : documents_in(*snapshot.value())) {
        const auto found = collection->by_id.find(id);
        if (found != collection->by_id.end()) {
            (void)value_in(*found->second, json);
        } else if (id.rfind('k', 0) != 0 || json == "twice") {
            std::string what = "a scan of ";
            what.append(collection->name).append(" found ").append(id).append(": ").append(json);
            fail(what);
        }
    }
}

void Cluster::search(const CollectionPtr& collection) {
    const auto node = some_node();
    if (!node) {
        return;
    }
    search::SearchRequest request;
    request.q = "*";
    Machine& machine = *nodes_[*node].machine;
    const auto answered = call(*node, "search " + collection->name);
    machine.node().search(
        collection->name,
        request,
        machine.loop(),
        [this, answered](const Result<search::SearchResult>& found) {
            answered();
            outcome_.scans += found.ok() ? 1 : 0;
            if (found.ok() && found.value().found != found.value().out_of) {
                fail("a search for everything did not find everything");
            }
        }
    );
}

}  // namespace kumo::node::sim
