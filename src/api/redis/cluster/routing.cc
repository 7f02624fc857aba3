// Which node runs a command (Redis Cluster specification, "Redirection and resharding").
#include "api/redis/cluster/cluster.h"
#include "node/kv/kv_node.h"
#include "wire/crc16.h"

#include <algorithm>
#include <string>

namespace kumo::api_redis {

namespace {

constexpr ByteView kCrossSlot = "CROSSSLOT Keys in request don't hash to the same slot";
constexpr ByteView kDown = "CLUSTERDOWN The cluster is down";
constexpr ByteView kDownReadOnly = "CLUSTERDOWN The cluster is down and only accepts read commands";
constexpr ByteView kNotServed = "CLUSTERDOWN Hash slot not served";
constexpr ByteView kTryAgain = "TRYAGAIN Multiple keys request during rehashing of slot";
constexpr ByteView kReadOnly = "READONLY You can't write against a read only replica.";

bool is_named(const kv::CommandSpec& spec, std::string_view name) {
    return spec.parent == nullptr && spec.name == name;
}

bool writes(std::uint32_t flags) {
    return (flags & kv::kFlagWrite) != 0;
}

/// CLUSTER's verbs that need the node to be in a group.
bool changes_place(const kv::CommandSpec& spec) {
    constexpr std::string_view kVerbs[] =
        {"addslots", "addslotsrange", "bumpepoch", "replicate", "set-config-epoch", "setslot"};
    return spec.parent != nullptr && spec.parent->name == "cluster"
           && std::find(std::begin(kVerbs), std::end(kVerbs), spec.name) != std::end(kVerbs);
}

/// One key, always at the same place: nearly all commands.
bool has_one_key(const kv::CommandSpec& spec) {
    return spec.keys.size() == 1 && spec.keys[0].begin == kv::KeySpec::Begin::kIndex
           && spec.keys[0].find == kv::KeySpec::Find::kRange && spec.keys[0].last_key == 0;
}

}  // namespace

/// The keys of a command, or of all commands of a transaction: of one slot.
struct Cluster::Keys {
    int slot = -1;  ///< -1: none.
    std::vector<ByteView> names;
};

namespace {

bool add_key(ByteView key, int* slot, std::vector<ByteView>* names, std::string* error) {
    const int of = wire::key_slot(key);
    if (*slot >= 0 && *slot != of) {
        *error = kCrossSlot;
        return false;
    }
    *slot = of;
    names->push_back(key);
    return true;
}

bool add_keys(
    const kv::CommandSpec& spec,
    std::span<const ByteView> arguments,
    int* slot,
    std::vector<ByteView>* names,
    std::string* error
) {
    if (spec.keys.empty() && !spec.is(kv::kFlagMovableKeys)) {
        return true;
    }
    if (has_one_key(spec)) {
        const auto at = static_cast<std::size_t>(spec.keys[0].index);
        return at >= arguments.size() || (spec.keys[0].flags & kv::kKeyNotKey) != 0
               || add_key(arguments[at], slot, names, error);
    }
    const auto found = kv::find_keys(spec, arguments);
    if (!found.ok()) {
        return true;  // The command itself says what is wrong.
    }
    for (const kv::KeyRef& key : found.value()) {
        if ((key.flags & kv::kKeyNotKey) == 0
            && !add_key(arguments[key.index], slot, names, error)) {
            return false;
        }
    }
    return true;
}

/// SSUBSCRIBE and SPUBLISH go by the slots of their channels.
bool add_channels(
    const kv::CommandSpec& spec,
    std::span<const ByteView> arguments,
    int* slot,
    std::vector<ByteView>* names,
    std::string* error
) {
    const bool one = is_named(spec, "spublish");
    if (!one && !is_named(spec, "ssubscribe")) {
        return true;
    }
    for (std::size_t i = 1; i < (one ? 2 : arguments.size()); ++i) {
        if (!add_key(arguments[i], slot, names, error)) {
            return false;
        }
    }
    names->clear();
    return true;
}

}  // namespace

bool Cluster::find_keys(
    const Session& session,
    const kv::CommandSpec& spec,
    std::span<const ByteView> arguments,
    Keys* out,
    std::string* error
) const {
    if (!is_named(spec, "exec")) {
        return add_keys(spec, arguments, &out->slot, &out->names, error)
               && add_channels(spec, arguments, &out->slot, &out->names, error);
    }
    for (const KeptRequest& request : session.transaction.queue) {
        const std::vector<ByteView> views = request.views();
        // Views of a vector that ends here: the names lie in the queue.
        if (!add_keys(*request.spec, views, &out->slot, &out->names, error)) {
            return false;
        }
    }
    return true;
}

Route Cluster::route(
    Session& session,
    const kv::CommandSpec& spec,
    std::span<const ByteView> arguments,
    std::string* error
) {
    const std::uint32_t flags =
        is_named(spec, "exec") ? session.transaction.flags | spec.flags : spec.flags;
    Keys keys;
    if (!find_keys(session, spec, arguments, &keys, error)) {
        return Route::kElsewhere;
    }
    const bool asking = std::exchange(session.asking, is_named(spec, "asking"));
    session.asked = asking || spec.is(kv::kFlagAsking);
    if (keys.slot >= 0) {
        return route_keys(session, spec, keys, flags, error);
    }
    // A node that has just joined has its place in a moment.
    if (own_ == 0 && changes_place(spec) && node_->has_leader() && !reset_) {
        return Route::kLater;
    }
    if (!writes(flags) && (flags & kv::kFlagMayReplicate) == 0) {
        return Route::kHere;
    }
    if (is_named(spec, "publish") || is_named(spec, "eval") || is_named(spec, "evalsha")
        || is_named(spec, "fcall")) {
        return is_replica() || runs() ? Route::kHere : Route::kLater;
    }
    if (is_replica()) {
        *error = kReadOnly;
        return Route::kElsewhere;
    }
    // What concerns all keys waits for those that cannot be changed just now.
    if (node_->may_run() && !node_->moves().any_frozen()) {
        return Route::kHere;
    }
    return Route::kLater;
}

/// Nothing, or not that, is answered while the cluster is down; the error says so.
bool Cluster::is_down_for(bool sharded, std::uint32_t flags, std::string* error) const {
    if (up_ && node_->has_lease()) {
        return false;
    }
    const Settings& settings = service_.settings;
    if (sharded && settings.flag("cluster-allow-pubsubshard-when-down")) {
        return false;
    }
    const bool reads_allowed = settings.flag("cluster-allow-reads-when-down");
    *error = reads_allowed ? kDownReadOnly : kDown;
    return !reads_allowed || writes(flags);
}

/// A slot that comes to this node: for who was sent here, and for `fix`, which takes keys back.
Route Cluster::route_imported(const kv::CommandSpec& spec, const Keys& keys, std::string* error)
    const {
    if (!is_named(spec, "migrate") && keys.names.size() > 1 && missing(keys) > 0) {
        *error = kTryAgain;
        return Route::kElsewhere;
    }
    return node_->may_run() ? Route::kHere : Route::kLater;
}

Route Cluster::route_keys(
    Session& session,
    const kv::CommandSpec& spec,
    const Keys& keys,
    std::uint32_t flags,
    std::string* error
) {
    const bool subscribes = is_named(spec, "ssubscribe");
    if (is_down_for(subscribes || is_named(spec, "spublish"), flags, error)) {
        return Route::kElsewhere;
    }
    const auto slot = static_cast<std::uint16_t>(keys.slot);
    const std::uint16_t owner = owner_[slot];
    if (owner == 0) {
        *error = kNotServed;
        return Route::kElsewhere;
    }
    if (owner == own_ && master_) {
        return route_own(spec, keys, flags, error);
    }
    const bool importing = open_ != nullptr && open_->contains(slot) && open_->at(slot).importing;
    if (importing && ((session.asked && master_) || is_named(spec, "migrate"))) {
        return route_imported(spec, keys, error);
    }
    const bool reads =
        session.readonly && !writes(flags)
        && (spec.is(kv::kFlagReadonly | kv::kFlagMovableKeys) || is_named(spec, "exec"));
    return owner == own_ && (reads || subscribes) ? Route::kHere : moved(slot, error);
}

Route Cluster::moved(std::uint16_t slot, std::string* error) const {
    const cluster::Member* member =
        cluster::find_member(node_->state()->cluster, owners_[owner_[slot]].master);
    if (member == nullptr) {
        *error = kNotServed;
        return Route::kElsewhere;
    }
    const Endpoint to = endpoint_of(*member);
    *error = "MOVED " + std::to_string(slot) + " " + to.host + ":" + std::to_string(to.port);
    return Route::kElsewhere;
}

std::size_t Cluster::missing(const Keys& keys) const {
    std::size_t count = 0;
    for (const ByteView name : keys.names) {
        const kv::Entry* entry = service_.keyspace.database(0).find(name);
        count += entry == nullptr || entry->expired(service_.now_ms()) ? 1 : 0;
    }
    return count;
}

Route Cluster::route_own(
    const kv::CommandSpec& spec,
    const Keys& keys,
    std::uint32_t flags,
    std::string* error
) {
    const auto slot = static_cast<std::uint16_t>(keys.slot);
    if (!node_->may_run() || node_->moves().is_frozen(slot)) {
        return Route::kLater;
    }
    if (writes(flags) && !node_->copy()->has_room()) {
        return Route::kLater;
    }
    const bool migrating = open_ != nullptr && open_->contains(slot) && !open_->at(slot).importing;
    if (!migrating || keys.names.empty() || is_named(spec, "migrate")) {
        return Route::kHere;
    }
    const std::size_t gone = missing(keys);
    if (gone == 0) {
        return Route::kHere;
    }
    if (gone < keys.names.size()) {
        *error = kTryAgain;
        return Route::kElsewhere;
    }
    const cluster::Member* member =
        cluster::find_member(node_->state()->cluster, open_->at(slot).peer);
    if (member == nullptr) {
        return Route::kHere;
    }
    const Endpoint to = endpoint_of(*member);
    *error = "ASK " + std::to_string(slot) + " " + to.host + ":" + std::to_string(to.port);
    return Route::kElsewhere;
}

bool Cluster::allows_in_script(
    const Session& session,
    const kv::CommandSpec& spec,
    std::span<const ByteView> arguments,
    std::string* error
) {
    Keys keys;
    if (!find_keys(session, spec, arguments, &keys, error)) {
        *error = "ERR Script attempted to access keys that do not hash to the same slot";
        return false;
    }
    if (writes(spec.flags) && !node_->may_run()) {
        *error = kReadOnly;
        return false;
    }
    if (keys.slot < 0) {
        return true;
    }
    const auto slot = static_cast<std::uint16_t>(keys.slot);
    const bool importing =
        open_ != nullptr && open_->contains(slot) && open_->at(slot).importing && session.asked;
    if (!importing && (own_ == 0 || owner_[slot] != own_)) {
        *error = "ERR Script attempted to access a non local key in a cluster node";
        return false;
    }
    if (node_->moves().is_frozen(slot)) {
        *error = "TRYAGAIN The slot is just being moved to another node";
        return false;
    }
    if (script_slot_ >= 0 && script_slot_ != keys.slot) {
        *error = "ERR Script attempted to access keys that do not hash to the same slot";
        return false;
    }
    script_slot_ = keys.slot;
    return true;
}

}  // namespace kumo::api_redis
