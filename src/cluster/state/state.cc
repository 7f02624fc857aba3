#include "cluster/state/state.h"

#include "cluster/internal/mutant.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <tuple>
#include <utility>

namespace kumo::cluster {

namespace {

Error stale() {
    return Error{ErrorCode::kConflict, "the shard has changed meanwhile"};
}

Error no_such_shard() {
    return Error{ErrorCode::kNotFound, "no such shard"};
}

Error no_such_node() {
    return Error{ErrorCode::kNotFound, "no such node in the cluster"};
}

Shard* edit(State& state, ShardId id) {
    const auto found = state.shards.find(id);
    if (found == state.shards.end()) {
        return nullptr;
    }
    auto copy = std::make_shared<Shard>(*found->second);
    Shard* shard = copy.get();
    found->second = std::move(copy);
    return shard;
}

Member* edit(State& state, const NodeId& id) {
    const auto found = state.members.find(id);
    if (found == state.members.end()) {
        return nullptr;
    }
    auto copy = std::make_shared<Member>(*found->second);
    Member* member = copy.get();
    found->second = std::move(copy);
    return member;
}

bool is_serving(const State& state, const NodeId& node) {
    const Member* member = find_member(state, node);
    return member != nullptr && !member->fenced;
}

/// The primary is a run that may go on: of a member, not fenced, and the same run.
bool has_primary(const State& state, const Shard& shard) {
    const Member* member = find_member(state, shard.primary);
    return member != nullptr && !member->fenced && member->incarnation == shard.primary_incarnation;
}

/// Who could take over now: in sync (so it has every acknowledged operation) and serving. Spread
/// by the shard's number, those that are not draining first.
std::optional<NodeId> next_primary(const State& state, const Shard& shard) {
    std::vector<NodeId> fit;
    std::vector<NodeId> draining;
    std::set<NodeId> candidates = shard.in_sync;
    if (planted(Mutant::kElectFromAssigned)) {
        candidates.clear();
        for (const auto& [node, copy] : shard.copies) {
            candidates.insert(node);
        }
    }
    for (const NodeId& node : candidates) {
        if (is_serving(state, node)) {
            (find_member(state, node)->draining ? draining : fit).push_back(node);
        }
    }
    const std::vector<NodeId>& best = fit.empty() ? draining : fit;
    if (best.empty()) {
        return std::nullopt;
    }
    return best[static_cast<std::uint64_t>(shard.id) % best.size()];
}

void lead(const State& state, Shard& shard, const NodeId& node) {
    shard.primary = node;
    shard.primary_incarnation = find_member(state, node)->incarnation;
    shard.phase = Phase::kNormal;
    shard.target = {};
    shard.log_ends.clear();
}

void make_primary(const State& state, Shard& shard, const NodeId& node) {
    lead(state, shard, node);
    ++shard.term;
}

/// The others are gone, or belong to another cluster: the copy of one node is all there is.
void leave_to(const State& state, Shard& shard, const NodeId& node, CopyId copy) {
    shard.copies = {{node, copy}};
    shard.in_sync = {node};
    shard.blank.clear();
    make_primary(state, shard, node);
    ++shard.version;
}

void begin_election(Shard& shard) {
    shard.primary = {};
    shard.primary_incarnation = 0;
    shard.phase = Phase::kElecting;
    shard.target = {};
    shard.log_ends.clear();
    ++shard.term;
}

/// Whose answer counts: a member in sync that has what it had, and may serve as the run that spoke.
bool may_vote(const State& state, const Shard& shard, const NodeId& node) {
    return shard.in_sync.contains(node) && !shard.blank.contains(node) && is_serving(state, node);
}

/// An entry that is committed is in the logs of a quorum; among any `needed` members is one of
/// them. kAsync promises nothing, and waits for everybody who can answer.
std::size_t answers_needed(const State& state, const Shard& shard) {
    const std::size_t members = shard.in_sync.size();
    if (shard.mode == AckMode::kMajority) {
        const std::size_t needed = members - quorum(shard.mode, members) + 1;
        return planted(Mutant::kOneAnswerFewer) ? std::max<std::size_t>(needed - 1, 1) : needed;
    }
    const auto can_answer = [&](const NodeId& node) {
        return may_vote(state, shard, node);
    };
    const auto able = std::count_if(shard.in_sync.begin(), shard.in_sync.end(), can_answer);
    return std::max<std::size_t>(static_cast<std::size_t>(able), 1);
}

/// Whether the answers so far decide who is primary.
bool elect(const State& state, Shard& shard, bool wait_for_all) {
    std::erase_if(shard.log_ends, [&](const auto& each) {
        const Member* member = find_member(state, each.first);
        return !may_vote(state, shard, each.first)
               || member->incarnation != each.second.incarnation;
    });
    const std::size_t needed = wait_for_all ? answers_needed(state, shard) : 1;
    if (shard.log_ends.size() < needed) {
        return false;
    }
    const auto is_worse = [&](const auto& a, const auto& b) {
        const auto rank = [&](const auto& each) {
            const bool stays = !find_member(state, each.first)->draining;
            return std::tuple(each.second.last_term, each.second.last_seq, stays);
        };
        return planted(Mutant::kNotTheBestLog) ? rank(b) < rank(a) : rank(a) < rank(b);
    };
    const auto best = std::max_element(shard.log_ends.begin(), shard.log_ends.end(), is_worse);
    lead(state, shard, NodeId(best->first));
    return true;
}

/// Makes a shard without a primary go on, if it can. Whether it was changed.
bool find_primary(const State& state, Shard& shard) {
    if (shard.mode == AckMode::kSync) {
        const auto next = next_primary(state, shard);
        if (next) {
            make_primary(state, shard, *next);
        }
        return next.has_value();
    }
    const bool begins = shard.phase != Phase::kElecting;
    if (begins) {
        begin_election(shard);
    }
    return elect(state, shard, true) || begins;
}

/// Makes a shard go on after its members have changed; `missed` have just been fenced. Whether it
/// was changed.
bool settle(const State& state, Shard& shard, const std::set<NodeId>& missed = {}) {
    bool changed = false;
    if (!has_primary(state, shard)) {
        changed = find_primary(state, shard);
    }
    if (planted(Mutant::kControlRemovesMember) && shard.mode == AckMode::kMajority) {
        const auto is_out = [&](const NodeId& node) {
            return !is_serving(state, node);
        };
        if (!std::all_of(shard.in_sync.begin(), shard.in_sync.end(), is_out)) {
            changed = std::erase_if(shard.in_sync, is_out) > 0 || changed;
        }
    }
    // With a primary, those that are missed may leave: in sync mode everyone who is left has
    // everything, in async mode nobody relies on it. Of a majority only the primary knows what is
    // committed. Who has just begun a new run has what it had, and is about to serve: it stays, or
    // the primary drops it. After an outage of all, who comes back last may never come back, and
    // must not be all that is left.
    if (shard.mode != AckMode::kMajority && has_primary(state, shard)) {
        changed =
            std::erase_if(
                shard.in_sync,
                [&](const NodeId& node) { return node != shard.primary && missed.contains(node); }
            ) > 0
            || changed;
    }
    const bool can_take_over = may_vote(state, shard, shard.target);
    if (shard.phase == Phase::kHandover && !can_take_over) {
        shard.phase = Phase::kNormal;  // The primary learns of it as of every change.
        shard.target = {};
        changed = true;
    }
    return changed;
}

void settle_shards_of(
    State& state,
    const std::set<NodeId>& nodes,
    const std::set<NodeId>& missed = {}
) {
    for (auto& each : state.shards) {
        auto& shared = each.second;
        const bool touched = std::any_of(nodes.begin(), nodes.end(), [&](const NodeId& node) {
            return shared->copies.contains(node) || shared->primary == node;
        });
        if (!touched) {
            continue;
        }
        Shard shard = *shared;
        if (settle(state, shard, missed)) {
            ++shard.version;
            shared = std::make_shared<const Shard>(std::move(shard));
        }
    }
}

void replace_copy(State& state, Shard& shard, const NodeId& node) {
    shard.copies[node] = CopyId{state.next_id++};
    shard.log_ends.erase(node);
    if (shard.mode != AckMode::kMajority) {
        shard.in_sync.erase(node);
    } else if (shard.in_sync.contains(node)) {
        shard.blank.insert(node);  // Without it fewer answers would do, and they could lack more.
    }
    ++shard.version;
}

Status run(State& state, const Found& command) {
    if (!state.id.is_nil()) {
        return Error{ErrorCode::kAlreadyExists, "the cluster exists"};
    }
    state.id = command.id;
    state.members_expected = std::max<std::uint64_t>(command.members_expected, 1);
    return {};
}

Status check(const Member& member) {
    const std::size_t longest = std::max(
        {member.name.size(),
         member.peering_address.size(),
         member.api_address.size(),
         member.zone.size()}
    );
    if (member.id.is_nil() || member.boot.is_nil()) {
        return invalid_argument("a node without an id");
    }
    if (longest > kMemberTextBytesMax) {
        return Error{ErrorCode::kLimitExceeded, "a node's name or address is too long"};
    }
    return {};
}

/// What it once acknowledged, it may have lost: others have it, or nobody. In that case the others,
/// which are out of sync, may still hold what is lost: they would differ from this one for ever.
void drop_unclean(State& state, const NodeId& node, const std::set<CopyId>& unclean) {
    const bool lost = unclean.contains(kEveryCopyLost);
    const bool all = lost || unclean.contains(kEveryCopyUnclean);
    for (auto& [id, shared] : state.shards) {
        const auto copy = shared->copies.find(node);
        const bool bad = copy != shared->copies.end() && (all || unclean.contains(copy->second));
        if (!bad || planted(Mutant::kUncleanStaysInSync)) {
            continue;
        }
        const bool alone = shared->in_sync.size() == 1 && shared->in_sync.contains(node);
        if (alone && lost) {
            continue;
        }
        Shard shard = *shared;
        for (const auto& [other, each] : shared->copies) {
            if ((other == node) != alone) {
                replace_copy(state, shard, other);
            }
        }
        shared = std::make_shared<const Shard>(std::move(shard));
    }
}

/// A node that holds data has a copy of everything that is to be everywhere.
void add_copies(State& state, const NodeId& node) {
    for (auto& [id, shared] : state.shards) {
        if (!shared->everywhere || shared->copies.contains(node)) {
            continue;
        }
        Shard shard = *shared;
        shard.copies[node] = CopyId{state.next_id++};
        ++shard.version;
        shared = std::make_shared<const Shard>(std::move(shard));
    }
}

/// Whether a run may be the node's from now on, if `known` was before.
Status check_run(const Member& known, const Register& command) {
    const auto& over = known.boots_before;
    const std::uint64_t seen = command.member.incarnation;
    const bool late = seen != 0 && seen != known.incarnation && !planted(Mutant::kRegisterUnseen)
                      && !planted(Mutant::kRegisterNotIdempotent);
    if (late || std::find(over.begin(), over.end(), command.member.boot) != over.end()) {
        return Error{ErrorCode::kConflict, "this run of the node has been followed by another one"};
    }
    if (!known.fenced && !command.previous_is_over) {
        return Error{
            ErrorCode::kAlreadyExists,
            "node " + command.member.id.to_string()
                + " is running already: two processes have copies of one data directory, or the "
                  "old one has just ended"};
    }
    return {};
}

/// The member as it is in its new run.
Member begin_run(State& state, const Member* known, const Member& wanted) {
    Member member = wanted;
    member.incarnation = state.next_id++;
    member.fenced = true;
    member.draining = false;
    member.boots_before.clear();
    if (known != nullptr) {
        member.boots_before = known->boots_before;
        if (known->boot != wanted.boot) {
            member.boots_before.push_back(known->boot);
        }
        if (member.boots_before.size() > kBootsBeforeMax) {
            member.boots_before.erase(member.boots_before.begin());
        }
    }
    return member;
}

/// The same run once more: what a node says of itself may be new.
Member update_run(const Member& known, const Member& wanted) {
    Member member = wanted;
    member.incarnation = known.incarnation;
    member.fenced = known.fenced;
    member.draining = known.draining;
    member.boots_before = known.boots_before;
    return member;
}

Status run(State& state, const Register& command) {
    KUMO_TRY(check(command.member));
    const NodeId node = command.member.id;
    const Member* known = find_member(state, node);
    if (known == nullptr && state.members.size() >= kMembersMax) {
        return Error{ErrorCode::kLimitExceeded, "the cluster has as many nodes as it may have"};
    }
    const bool same_run = known != nullptr && known->boot == command.member.boot
                          && !planted(Mutant::kRegisterNotIdempotent);
    if (same_run) {
        state.members[node] = std::make_shared<const Member>(update_run(*known, command.member));
        return {};
    }
    if (known != nullptr) {
        KUMO_TRY(check_run(*known, command));
    }
    state.members[node] = std::make_shared<const Member>(begin_run(state, known, command.member));
    drop_unclean(state, node, command.unclean);
    if (command.member.holds_data) {
        add_copies(state, node);
    }
    settle_shards_of(state, {node});
    return {};
}

Status run(State& state, const Fence& command) {
    for (const NodeId& node : command.nodes) {
        Member* member = edit(state, node);
        if (member != nullptr) {
            member->fenced = true;
        }
    }
    settle_shards_of(state, command.nodes, command.nodes);
    return {};
}

Status run(State& state, const Unfence& command) {
    const Member* known = find_member(state, command.node);
    if (known == nullptr || known->incarnation != command.incarnation) {
        return no_such_node();
    }
    if (known->fenced) {
        edit(state, command.node)->fenced = false;
        settle_shards_of(state, {command.node});
    }
    return {};
}

bool is_good(const State& state, const Shard& shard, const ProposeInSync& command) {
    if (shard.version != command.version || shard.term != command.term
        || shard.phase != Phase::kNormal || !command.in_sync.contains(shard.primary)) {
        return false;
    }
    return std::all_of(command.in_sync.begin(), command.in_sync.end(), [&](const NodeId& node) {
        if (!shard.copies.contains(node)) {
            return false;
        }
        const bool is_blank = shard.blank.contains(node) && command.added.contains(node);
        if (shard.in_sync.contains(node) && !is_blank) {
            return true;
        }
        const Member* member = find_member(state, node);
        const auto seen = command.added.find(node);
        if (planted(Mutant::kAddFencedCopy)) {
            return member != nullptr;
        }
        return member != nullptr && !member->fenced && seen != command.added.end()
               && seen->second == member->incarnation;
    });
}

Status run(State& state, const ProposeInSync& command) {
    Shard* shard = edit(state, command.shard);
    if (shard == nullptr) {
        return no_such_shard();
    }
    if (!is_good(state, *shard, command)) {
        shard->version += shard->version == command.version ? 1U : 0U;
        return stale();
    }
    shard->in_sync = command.in_sync;
    std::erase_if(shard->blank, [&](const NodeId& node) {
        return !command.in_sync.contains(node) || command.added.contains(node);
    });
    ++shard->version;
    return {};
}

Status run(State& state, const BeginHandover& command) {
    const Shard* known = find_shard(state, command.shard);
    if (known == nullptr) {
        return no_such_shard();
    }
    if (known->phase != Phase::kNormal || !has_primary(state, *known)) {
        return stale();
    }
    if (known->primary == command.target || !may_vote(state, *known, command.target)) {
        return invalid_argument("only a node in sync can take a shard over");
    }
    Shard* shard = edit(state, command.shard);
    shard->phase = Phase::kHandover;
    shard->target = command.target;
    ++shard->version;
    if (planted(Mutant::kDeposeLivePrimary)) {
        make_primary(state, *shard, command.target);
    }
    return {};
}

/// A shard in the handover that is meant.
Result<const Shard*> find_handover(const State& state, ShardId id, std::uint64_t version) {
    const Shard* shard = find_shard(state, id);
    if (shard == nullptr) {
        return no_such_shard();
    }
    if (shard->version != version || shard->phase != Phase::kHandover) {
        return stale();
    }
    return shard;
}

Status run(State& state, const CompleteHandover& command) {
    KUMO_TRY_ASSIGN(const Shard* known, find_handover(state, command.shard, command.version));
    const NodeId target = known->target;
    if (!may_vote(state, *known, target)) {
        return stale();  // Only a state that came damaged has such a handover.
    }
    Shard* shard = edit(state, command.shard);  // What is known may be gone now.
    make_primary(state, *shard, target);
    ++shard->version;
    return {};
}

Status run(State& state, const AbortHandover& command) {
    KUMO_TRY(find_handover(state, command.shard, command.version));
    Shard* shard = edit(state, command.shard);
    shard->phase = Phase::kNormal;
    shard->target = {};
    ++shard->version;
    return {};
}

Status run(State& state, const ReplaceCopy& command) {
    const Shard* known = find_shard(state, command.shard);
    if (known == nullptr) {
        return no_such_shard();
    }
    const auto copy = known->copies.find(command.node);
    if (copy == known->copies.end() || copy->second != command.copy) {
        return stale();
    }
    if (known->in_sync.size() == 1 && known->in_sync.contains(command.node)) {
        return Error{ErrorCode::kConflict, "it is the last copy that is in sync"};
    }
    Shard* shard = edit(state, command.shard);
    replace_copy(state, *shard, command.node);
    if (shard->primary == command.node) {
        shard->primary = {};
    }
    (void)settle(state, *shard);
    return {};
}

Status run(State& state, const SetDraining& command) {
    Member* member = edit(state, command.node);
    if (member == nullptr) {
        return no_such_node();
    }
    member->draining = command.draining;
    return {};
}

Status run(State& state, const RemoveMember& command) {
    const Member* known = find_member(state, command.node);
    if (known == nullptr) {
        return no_such_node();
    }
    if (!known->fenced) {
        return Error{ErrorCode::kConflict, "the node is up: it has to be stopped first"};
    }
    const bool counts =
        std::any_of(state.shards.begin(), state.shards.end(), [&](const auto& each) {
            const Shard& shard = *each.second;
            return shard.mode == AckMode::kMajority && shard.in_sync.contains(command.node);
        });
    if (counts) {
        return Error{
            ErrorCode::kConflict,
            "a majority still counts the node: the shard's primary has to drop it first"};
    }
    state.members.erase(command.node);
    for (auto& [id, shared] : state.shards) {
        const bool last = shared->in_sync.size() == 1 && shared->in_sync.contains(command.node);
        if (!shared->copies.contains(command.node) || last) {
            continue;  // Nobody else has it: should the node come back, it is there.
        }
        Shard shard = *shared;
        shard.copies.erase(command.node);
        shard.in_sync.erase(command.node);
        ++shard.version;
        (void)settle(state, shard);
        shared = std::make_shared<const Shard>(std::move(shard));
    }
    return {};
}

Status run(State& state, const ReportLog& command) {
    const Shard* known = find_shard(state, command.shard);
    if (known == nullptr) {
        return no_such_shard();
    }
    const auto copy = known->copies.find(command.node);
    const Member* member = find_member(state, command.node);
    if (known->phase != Phase::kElecting || known->term != command.term
        || copy == known->copies.end() || copy->second != command.copy || member == nullptr
        || member->incarnation != command.end.incarnation
        || !may_vote(state, *known, command.node)) {
        return stale();
    }
    Shard* shard = edit(state, command.shard);
    shard->log_ends[command.node] = command.end;
    (void)settle(state, *shard);
    ++shard->version;
    return {};
}

Status run(State& state, const EndElection& command) {
    const Shard* known = find_shard(state, command.shard);
    if (known == nullptr) {
        return no_such_shard();
    }
    if (known->phase != Phase::kElecting || known->version != command.version
        || known->mode != AckMode::kAsync) {
        return stale();
    }
    Shard shard = *known;
    if (elect(state, shard, false)) {
        (void)settle(state, shard);
        ++shard.version;
        state.shards[command.shard] = std::make_shared<const Shard>(std::move(shard));
    }
    return {};
}

Status run(State& state, const TakeOver& command) {
    const Member* known = find_member(state, command.node);
    if (known == nullptr) {
        return no_such_node();
    }
    std::erase_if(state.members, [&](const auto& each) { return each.first != command.node; });
    state.members_expected = 1;
    for (auto& [id, shared] : state.shards) {
        Shard shard = *shared;
        const auto own = shard.copies.find(command.node);
        leave_to(
            state,
            shard,
            command.node,
            own == shard.copies.end() ? CopyId{state.next_id++} : CopyId(own->second)
        );
        shared = std::make_shared<const Shard>(std::move(shard));
    }
    return {};
}

/// A shard whose copies are placed one by one.
Result<Shard*> edit_placed(State& state, ShardId id) {
    Shard* shard = edit(state, id);
    if (shard == nullptr) {
        return no_such_shard();
    }
    if (shard->everywhere) {
        return invalid_argument("every node has a copy of the shard");
    }
    return shard;
}

Status run(State& state, const PlaceCopy& command) {
    const Member* member = find_member(state, command.node);
    if (member == nullptr || !member->holds_data) {
        return no_such_node();
    }
    KUMO_TRY_ASSIGN(Shard* shard, edit_placed(state, command.shard));
    if (shard->copies.contains(command.node)) {
        return Error{ErrorCode::kAlreadyExists, "the node has a copy of the shard"};
    }
    shard->copies[command.node] = CopyId{state.next_id++};
    ++shard->version;
    return {};
}

Status run(State& state, const RemoveCopy& command) {
    KUMO_TRY_ASSIGN(Shard* shard, edit_placed(state, command.shard));
    const auto copy = shard->copies.find(command.node);
    if (copy == shard->copies.end()) {
        return no_such_node();
    }
    const bool in_sync = shard->in_sync.contains(command.node);
    const bool last = in_sync && shard->in_sync.size() == 1;
    const bool counts = in_sync && shard->mode == AckMode::kMajority;
    if (shard->primary == command.node || last || counts) {
        return Error{ErrorCode::kConflict, "the shard needs that copy"};
    }
    // Who is left in sync has everything; the primary counts this one until it has learned of it.
    shard->copies.erase(copy);
    shard->in_sync.erase(command.node);
    shard->log_ends.erase(command.node);
    ++shard->version;
    (void)settle(state, *shard);
    return {};
}

}  // namespace

bool operator==(const State& a, const State& b) {
    const auto same = [](const auto& x, const auto& y) {
        return x.first == y.first && *x.second == *y.second;
    };
    return a.id == b.id && a.next_id == b.next_id && a.members_expected == b.members_expected
           && std::equal(
               a.members.begin(),
               a.members.end(),
               b.members.begin(),
               b.members.end(),
               same
           )
           && std::equal(a.shards.begin(), a.shards.end(), b.shards.begin(), b.shards.end(), same);
}

Status apply(State& state, const Command& command) {
    return std::visit([&state](const auto& each) { return run(state, each); }, command);
}

Result<ShardId> add_shard(State& state, AckMode mode, std::uint64_t min_in_sync) {
    if (min_in_sync < 1 || min_in_sync > kMembersMax) {
        return invalid_argument("at least one copy has to be in sync, and at most 1000");
    }
    if (state.shards.size() >= kShardsMax) {
        return Error{ErrorCode::kLimitExceeded, "there are as many shards as there may be"};
    }
    const auto up = std::count_if(state.members.begin(), state.members.end(), [](const auto& each) {
        return each.second->holds_data && !each.second->fenced;
    });
    if (mode == AckMode::kMajority && static_cast<std::size_t>(up) < kMajorityCopiesMin) {
        return Error{
            ErrorCode::kUnavailable,
            "A majority needs three nodes that hold data and are up; there are "
                + std::to_string(up) + "."};
    }
    if (up == 0) {
        return Error{ErrorCode::kUnavailable, "no node that holds data is up"};
    }
    Shard shard;
    shard.id = ShardId{state.next_id++};
    shard.version = 1;
    shard.mode = mode;
    shard.min_in_sync = min_in_sync;
    for (const auto& [node, member] : state.members) {
        if (!member->holds_data) {
            continue;
        }
        shard.copies[node] = CopyId{state.next_id++};
        if (!member->fenced) {
            shard.in_sync.insert(node);
        }
    }
    make_primary(state, shard, *next_primary(state, shard));
    const ShardId id = shard.id;
    state.shards[id] = std::make_shared<const Shard>(std::move(shard));
    return id;
}

Result<ShardId> add_shard_at(State& state, AckMode mode, const NodeId& node) {
    const Member* member = find_member(state, node);
    if (member == nullptr || !member->holds_data) {
        return no_such_node();
    }
    if (state.shards.size() >= kShardsMax) {
        return Error{ErrorCode::kLimitExceeded, "there are as many shards as there may be"};
    }
    Shard shard;
    shard.id = ShardId{state.next_id++};
    shard.version = 1;
    shard.mode = mode;
    shard.everywhere = false;
    shard.copies[node] = CopyId{state.next_id++};
    shard.in_sync = {node};
    if (!member->fenced) {
        make_primary(state, shard, node);
    }
    const ShardId id = shard.id;
    state.shards[id] = std::make_shared<const Shard>(std::move(shard));
    return id;
}

void drop_shard(State& state, ShardId shard) {
    state.shards.erase(shard);
}

State begin_with(const State& state, const NodeId& from, const NodeId& to) {
    State first;
    first.next_id = state.next_id;
    Member member;
    member.id = to;
    member.incarnation = first.next_id++;
    first.members[to] = std::make_shared<const Member>(std::move(member));
    for (const auto& [id, shared] : state.shards) {
        const auto own = shared->copies.find(from);
        if (own == shared->copies.end()) {
            continue;
        }
        Shard shard = *shared;
        leave_to(first, shard, to, own->second);
        first.shards[id] = std::make_shared<const Shard>(std::move(shard));
    }
    return first;
}

const Member* find_member(const State& state, const NodeId& node) {
    const auto found = state.members.find(node);
    return found == state.members.end() ? nullptr : found->second.get();
}

const Shard* find_shard(const State& state, ShardId shard) {
    const auto found = state.shards.find(shard);
    return found == state.shards.end() ? nullptr : found->second.get();
}

}  // namespace kumo::cluster
