#include "cli/keys/keys_command.h"

#include "cli/explain.h"
#include "cli/keys/keys_map.h"
#include "cli/keys/resp_session.h"
#include "cli/text.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <set>
#include <utility>

namespace kumo::cli {

namespace {

constexpr Duration kPollInterval = std::chrono::milliseconds(100);
/// A move that failed (a node failed over) is planned anew so many times.
constexpr int kRoundsMax = 4;
constexpr Duration kRoundPause = std::chrono::seconds(2);
constexpr const char* kKeysAtOnce = "100";
constexpr const char* kMigrateTimeoutMs = "60000";

void say(const std::string& line) {
    (void)std::printf("%s\n", printable(line).c_str());
    (void)std::fflush(stdout);
}

int complain(int code, const std::string& text) {
    (void)std::fprintf(stderr, "kumosearch-cli: %s\n", printable(text).c_str());
    return code;
}

int exit_code_of(const Error& error) {
    switch (error.code) {
        case ErrorCode::kInvalidArgument: return kExitUsage;
        case ErrorCode::kUnavailable:
        case ErrorCode::kTimeout:
        case ErrorCode::kIo:
        case ErrorCode::kNotFound: return kExitUnreachable;
        default: return kExitFailed;
    }
}

Error refused(const RespReply& reply) {
    return {ErrorCode::kConflict, reply.text};
}

/// The nodes of one cluster, each connected to when it is first asked.
class Fleet {
public:
    explicit Fleet(const KeysOptions& options) : login_{options.user, options.password} {}

    Result<RespSession*> at(const RespAddress& address) {
        auto& session = sessions_[address.to_string()];
        if (session == nullptr) {
            KUMO_TRY_ASSIGN(session, open_resp_session(address, login_));
        }
        return session.get();
    }

    /// What the server refuses is an error, too.
    Result<RespReply> ask(const RespAddress& address, const std::vector<std::string>& words) {
        auto session = at(address);
        if (!session.ok()) {
            return session.error();
        }
        auto answer = session.value()->ask(words);
        if (!answer.ok()) {
            sessions_.erase(address.to_string());
            return answer.error();
        }
        if (answer.value().kind == RespReply::Kind::kError) {
            return refused(answer.value());
        }
        return answer;
    }

    Result<KeysMap> map(const RespAddress& address) {
        KUMO_TRY_ASSIGN(const RespReply answer, ask(address, {"CLUSTER", "NODES"}));
        KUMO_TRY_ASSIGN(KeysMap map, parse_keys_map(answer.text));
        for (KeysNode& node : map.nodes) {
            // A node that is alone may not know its own address.
            node.address = node.self ? address : node.address;
        }
        return map;
    }

    void wait(const RespAddress& address, Duration span) {
        if (auto session = at(address); session.ok()) {
            session.value()->wait(span);
        }
    }

    const RespLogin& login() const { return login_; }

private:
    const RespLogin login_;
    std::map<std::string, std::unique_ptr<RespSession>> sessions_;
};

// ---- looking

/// Those of the map, and nodes that cannot be reached or see another one.
std::vector<std::string> all_problems(Fleet& fleet, const KeysMap& map) {
    std::vector<std::string> out = problems_of(map);
    for (const KeysNode& node : map.nodes) {
        if (node.failed) {
            continue;
        }
        const auto other = fleet.map(node.address);
        if (!other.ok()) {
            out.push_back(node.address.to_string() + ": " + other.error().message);
            continue;
        }
        if (other.value().signature() != map.signature()) {
            out.push_back(node.address.to_string() + " sees other owners of slots");
        }
        // A node tells of its own open slots only.
        if (!node.self) {
            for (const std::string& problem : problems_of(other.value())) {
                if (std::find(out.begin(), out.end(), problem) == out.end()) {
                    out.push_back(problem);
                }
            }
        }
    }
    return out;
}

std::string describe(Fleet& fleet, const KeysMap& map, const KeysNode& master) {
    const auto replicas = static_cast<std::size_t>(std::count_if(
        map.nodes.begin(),
        map.nodes.end(),
        [&](const KeysNode& node) { return node.master == master.id; }
    ));
    const auto keys = fleet.ask(master.address, {"DBSIZE"});
    return master.address.to_string() + " " + master.id.substr(0, 8) + ": "
           + with_thousands(master.slots.count()) + " slots, "
           + (keys.ok() ? with_thousands(static_cast<std::uint64_t>(keys.value().integer))
                        : std::string("?"))
           + " keys, " + std::to_string(replicas) + (replicas == 1 ? " replica" : " replicas");
}

int report(Fleet& fleet, const KeysMap& map) {
    for (const KeysNode* master : map.masters()) {
        say(describe(fleet, map, *master));
    }
    const auto problems = all_problems(fleet, map);
    for (const std::string& problem : problems) {
        say("wrong: " + problem);
    }
    if (problems.empty()) {
        say("all is well: every slot is served, and all nodes agree");
    }
    return problems.empty() ? kExitOk : kExitFailed;
}

// ---- moving

std::vector<std::string> migrate_words(const std::vector<SlotMove>& moves, ByteView source) {
    std::vector<std::string> words = {"CLUSTER", "MIGRATESLOTS"};
    for (const SlotMove& move : moves) {
        if (move.source != source) {
            continue;
        }
        words.emplace_back("SLOTSRANGE");
        for (const auto& [first, last] : ranges_of(move.slots)) {
            words.push_back(std::to_string(first));
            words.push_back(std::to_string(last));
        }
        words.emplace_back("NODE");
        words.push_back(move.target);
    }
    return words;
}

std::string text_of(const RespReply& report, ByteView name) {
    const RespReply* field = report.field(name);
    return field == nullptr ? "" : field->text;
}

Result<std::set<std::string>> names_of_moves(Fleet& fleet, const RespAddress& at) {
    KUMO_TRY_ASSIGN(const RespReply answer, fleet.ask(at, {"CLUSTER", "GETSLOTMIGRATIONS"}));
    std::set<std::string> names;
    for (const RespReply& each : answer.elements) {
        names.insert(text_of(each, "name"));
    }
    return names;
}

bool is_over(const std::string& state) {
    return state == "success" || state == "failed" || state == "cancelled";
}

/// Until all moves from there are over that are not among `before`: how many failed.
Result<std::size_t>
await_moves(Fleet& fleet, const RespAddress& at, const std::set<std::string>& before) {
    for (;;) {
        KUMO_TRY_ASSIGN(const RespReply answer, fleet.ask(at, {"CLUSTER", "GETSLOTMIGRATIONS"}));
        std::size_t open = 0;
        std::size_t failed = 0;
        for (const RespReply& each : answer.elements) {
            const std::string state = text_of(each, "state");
            if (before.contains(text_of(each, "name"))) {
                continue;
            }
            open += is_over(state) ? 0 : 1;
            if (is_over(state) && state != "success") {
                ++failed;
                say("not moved: slots " + text_of(each, "slot_ranges") + ": "
                    + text_of(each, "message"));
            }
        }
        if (open == 0) {
            return failed;
        }
        fleet.wait(at, kPollInterval);
    }
}

/// All of them, a source's together; how many failed.
Result<std::size_t>
run_moves(Fleet& fleet, const KeysMap& map, const std::vector<SlotMove>& moves) {
    std::map<std::string, std::set<std::string>> before;
    for (const SlotMove& move : moves) {
        const KeysNode& source = *map.find(move.source);
        const KeysNode& target = *map.find(move.target);
        say("moves " + with_thousands(move.slots.count()) + " slots from "
            + source.address.to_string() + " to " + target.address.to_string());
        if (before.contains(source.id)) {
            continue;
        }
        KUMO_TRY_ASSIGN(before[source.id], names_of_moves(fleet, source.address));
        KUMO_TRY(fleet.ask(source.address, migrate_words(moves, source.id)));
    }
    std::size_t failed = 0;
    for (const auto& [source, names] : before) {
        KUMO_TRY_ASSIGN(
            const std::size_t of_source,
            await_moves(fleet, map.find(source)->address, names)
        );
        failed += of_source;
    }
    return failed;
}

bool may_change(const KeysMap& map, std::string& why) {
    const auto problems = problems_of(map);
    why = problems.empty() ? "" : problems.front();
    return problems.empty();
}

Result<double> weight_of(const std::string& text) {
    double value = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
    if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size() || !(value >= 0)) {
        return invalid_argument("--weight: '" + text + "' is not a number of at least 0");
    }
    return value;
}

Result<BalanceOptions> balance_options(const KeysOptions& options, const KeysMap& map) {
    BalanceOptions out;
    out.use_empty = options.use_empty;
    out.threshold_percent = options.threshold;
    for (const std::string& each : options.weights) {
        const std::size_t equals = each.find('=');
        const KeysNode* node =
            equals == std::string::npos ? nullptr : map.find(each.substr(0, equals));
        if (node == nullptr || !node->is_master()) {
            return invalid_argument("--weight " + each + ": it is to be MASTER-ID=WEIGHT");
        }
        KUMO_TRY_ASSIGN(out.weights[node->id], weight_of(each.substr(equals + 1)));
    }
    return out;
}

/// What is to move now; in later rounds, what is left of it.
Result<std::vector<SlotMove>>
plan(const KeysOptions& options, const KeysMap& map, std::size_t to_move) {
    if (options.verb == KeysVerb::kRebalance) {
        KUMO_TRY_ASSIGN(const BalanceOptions how, balance_options(options, map));
        return plan_balance(map, how);
    }
    const KeysNode* target = map.find(options.target);
    if (target == nullptr || !target->is_master() || target->failed) {
        return invalid_argument("--to " + options.target + ": no master that is up");
    }
    std::vector<std::string> sources = options.sources;
    if (sources.empty()) {
        for (const KeysNode* master : map.masters()) {
            sources.push_back(master->id);
        }
        std::erase_if(sources, [&](const std::string& id) {
            return map.find(id)->failed || map.find(id)->slots.none();
        });
    }
    return plan_reshard(map, sources, target->id, to_move);
}

int move_slots(Fleet& fleet, const KeysOptions& options, const RespAddress& first) {
    std::size_t target_had = 0;
    for (int round = 0; round < kRoundsMax; ++round) {
        const auto map = fleet.map(first);
        if (!map.ok()) {
            return complain(exit_code_of(map.error()), map.error().message);
        }
        if (std::string why; !may_change(map.value(), why)) {
            return complain(kExitFailed, why + "; cluster fix may help");
        }
        const KeysNode* target = map.value().find(options.target);
        const std::size_t has = target == nullptr ? 0 : target->slots.count();
        target_had = round == 0 ? has : target_had;
        const std::size_t come = has - std::min(has, target_had);
        const auto moves =
            plan(options, map.value(), options.slots - std::min<std::size_t>(options.slots, come));
        if (!moves.ok()) {
            return complain(exit_code_of(moves.error()), moves.error().message);
        }
        if (moves.value().empty() || options.simulate) {
            for (const SlotMove& each : moves.value()) {
                say("would move " + with_thousands(each.slots.count()) + " slots from "
                    + each.source.substr(0, 8) + " to " + each.target.substr(0, 8) + ": "
                    + show_slots(each.slots));
            }
            say(moves.value().empty() ? "nothing to move" : "nothing was moved");
            return kExitOk;
        }
        const auto failed = run_moves(fleet, map.value(), moves.value());
        if (!failed.ok()) {
            return complain(exit_code_of(failed.error()), failed.error().message);
        }
        if (failed.value() == 0) {
            say("done");
            return kExitOk;
        }
        fleet.wait(first, kRoundPause);
    }
    return complain(kExitFailed, "not all slots could be moved");
}

// ---- mending

/// Keys of the slot that are at a node which is not its owner go there.
Status send_home(Fleet& fleet, const KeysNode& from, const KeysNode& owner, std::uint16_t slot) {
    const std::string number = std::to_string(slot);
    for (;;) {
        KUMO_TRY_ASSIGN(
            const RespReply keys,
            fleet.ask(from.address, {"CLUSTER", "GETKEYSINSLOT", number, kKeysAtOnce})
        );
        if (keys.elements.empty()) {
            return {};
        }
        std::vector<std::string> words = {
            "MIGRATE",
            owner.address.host,
            std::to_string(owner.address.port),
            "",
            "0",
            kMigrateTimeoutMs};
        if (!fleet.login().user.empty()) {
            words.insert(words.end(), {"AUTH2", fleet.login().user, fleet.login().password});
        } else if (!fleet.login().password.empty()) {
            words.insert(words.end(), {"AUTH", fleet.login().password});
        }
        words.emplace_back("KEYS");
        for (const RespReply& key : keys.elements) {
            words.push_back(key.text);
        }
        KUMO_TRY(fleet.ask(from.address, words));
    }
}

Status close_slot(Fleet& fleet, const KeysMap& map, std::uint16_t slot) {
    const auto masters = map.masters();
    const auto owner = std::find_if(masters.begin(), masters.end(), [slot](const KeysNode* node) {
        return node->slots.test(slot);
    });
    const std::string number = std::to_string(slot);
    if (owner == masters.end()) {
        return {};  // Somebody gets it first.
    }
    // As long as its owner gives it away, it refers who brings a key to where the key comes from.
    KUMO_TRY(fleet.ask((*owner)->address, {"CLUSTER", "SETSLOT", number, "STABLE"}));
    for (const KeysNode* each : masters) {
        if (each != *owner && !each->failed) {
            KUMO_TRY_ASSIGN(
                const RespReply keys,
                fleet.ask(each->address, {"CLUSTER", "COUNTKEYSINSLOT", number})
            );
            if (keys.integer > 0) {
                say("sends " + with_thousands(static_cast<std::uint64_t>(keys.integer))
                    + " keys of slot " + number + " from " + each->address.to_string() + " to "
                    + (*owner)->address.to_string());
                KUMO_TRY(fleet.ask(
                    each->address,
                    {"CLUSTER", "SETSLOT", number, "IMPORTING", (*owner)->id}
                ));
                KUMO_TRY(send_home(fleet, *each, **owner, slot));
            }
        }
    }
    for (const KeysNode* each : masters) {
        if (!each->failed) {
            KUMO_TRY(fleet.ask(each->address, {"CLUSTER", "SETSLOT", number, "STABLE"}));
        }
    }
    say("slot " + number + " is not open any more");
    return {};
}

/// Slots that nobody has go to whoever has keys of them, else to who has the fewest slots.
Status assign_slots(Fleet& fleet, const KeysMap& map, const Slots& slots) {
    std::map<const KeysNode*, std::vector<std::string>> given;
    for (std::size_t slot = 0; slot < kSlotCount; ++slot) {
        if (!slots.test(slot)) {
            continue;
        }
        const KeysNode* best = nullptr;
        std::int64_t most = -1;
        for (const KeysNode* each : map.masters()) {
            if (each->failed) {
                continue;
            }
            KUMO_TRY_ASSIGN(
                const RespReply keys,
                fleet.ask(each->address, {"CLUSTER", "COUNTKEYSINSLOT", std::to_string(slot)})
            );
            const bool fewer = best != nullptr && keys.integer == most
                               && each->slots.count() + given[each].size()
                                      < best->slots.count() + given[best].size();
            if (keys.integer > most || fewer) {
                best = each;
                most = keys.integer;
            }
        }
        if (best == nullptr) {
            return Error{ErrorCode::kConflict, "no master is up"};
        }
        given[best].push_back(std::to_string(slot));
    }
    for (const auto& [node, numbers] : given) {
        if (numbers.empty()) {
            continue;
        }
        std::vector<std::string> words = {"CLUSTER", "ADDSLOTS"};
        words.insert(words.end(), numbers.begin(), numbers.end());
        KUMO_TRY(fleet.ask(node->address, words));
        say(node->address.to_string() + " gets " + with_thousands(numbers.size())
            + " slots that nobody had");
    }
    return {};
}

Status mend(Fleet& fleet, const RespAddress& first) {
    KUMO_TRY_ASSIGN(KeysMap map, fleet.map(first));
    Slots covered;
    for (const KeysNode& node : map.nodes) {
        covered |= node.slots;
    }
    if (!covered.all()) {
        KUMO_TRY(assign_slots(fleet, map, ~covered));
        KUMO_TRY_ASSIGN(map, fleet.map(first));
    }
    std::set<std::uint16_t> open;
    for (const KeysNode& node : map.nodes) {
        // Each node tells of its own open slots only.
        if (node.failed || !node.is_master()) {
            continue;
        }
        KUMO_TRY_ASSIGN(const KeysMap own, fleet.map(node.address));
        for (const KeysNode& each : own.nodes) {
            for (const KeysNode::OpenSlot& slot : each.open) {
                open.insert(slot.slot);
            }
        }
    }
    for (const std::uint16_t slot : open) {
        KUMO_TRY(close_slot(fleet, map, slot));
    }
    return {};
}

}  // namespace

int run_keys(const KeysOptions& options) {
    const auto first = parse_resp_address(options.node);
    if (!first) {
        return complain(kExitUsage, "'" + options.node + "' is not HOST:PORT");
    }
    Fleet fleet(options);
    if (options.verb == KeysVerb::kRebalance || options.verb == KeysVerb::kReshard) {
        return move_slots(fleet, options, *first);
    }
    if (options.verb == KeysVerb::kFix) {
        const Status mended = mend(fleet, *first);
        if (!mended.ok()) {
            return complain(exit_code_of(mended.error()), mended.error().message);
        }
    }
    const auto map = fleet.map(*first);
    return map.ok() ? report(fleet, map.value())
                    : complain(exit_code_of(map.error()), map.error().message);
}

}  // namespace kumo::cli
