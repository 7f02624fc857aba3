#include "cluster/internal/copy_group_test.h"

#include "base/assert.h"

#include <algorithm>

namespace kumo::cluster {

namespace {

constexpr Duration kStep = std::chrono::milliseconds(100);

Uuid uuid(std::uint8_t kind, std::uint8_t number) {
    Uuid id;
    id.bytes.front() = kind;
    id.bytes.back() = number;
    return id;
}

}  // namespace

CopyGroup::CopyGroup(
    std::size_t nodes,
    const CopyOptions& options,
    AckMode mode,
    std::uint64_t min_in_sync
)
    : options_(options), nodes_(nodes) {
    KUMO_ASSERT(cluster::apply(state_, Found{uuid(9, 9), nodes}).ok());
    for (std::size_t i = 0; i < nodes; ++i) {
        Register command;
        command.member.id = id(i);
        command.member.boot = uuid(2, ++boots_);
        KUMO_ASSERT(cluster::apply(state_, command).ok());
        const std::uint64_t incarnation = find_member(state_, id(i))->incarnation;
        KUMO_ASSERT(cluster::apply(state_, Unfence{id(i), incarnation}).ok());
    }
    shard_ = add_shard(state_, mode, min_in_sync).value();
    for (std::size_t i = 0; i < nodes; ++i) {
        open(i);
    }
}

NodeId CopyGroup::id(std::size_t node) {
    return uuid(1, static_cast<std::uint8_t>(node + 1));
}

std::size_t CopyGroup::index(const NodeId& id) {
    return std::size_t{id.bytes.back()} - 1;
}

Result<Seq> CopyGroup::propose(const std::string& operation, std::uint64_t request) {
    return copy(primary()).propose(RequestId{id(0), 1, request}, 0, operation);
}

void CopyGroup::open(std::size_t node) {
    Node& each = nodes_[node];
    CopyLog log(each.base, each.base_term);
    for (const auto& [seq, entry] : each.log) {
        log.append(entry);
    }
    CopyOptions options = options_;
    options.node = id(node);
    const CopyId copy = shard().copies.at(id(node));
    each.applied = each.checkpoint;
    each.copy = std::make_unique<ShardCopy>(options, shard_, copy, log, each.remembered);
    give_state(node);
}

void CopyGroup::open_again(std::size_t node) {
    nodes_[node] = Node();
    open(node);
}

void CopyGroup::give_state(std::size_t node) {
    nodes_[node].copy->on_state(shard(), find_member(state_, id(node))->incarnation);
}

void CopyGroup::write(Node& node, const CopyOutput& output) {
    if (output.cut) {
        node.log.erase(node.log.lower_bound(*output.cut), node.log.end());
    }
    for (const EntryPtr& entry : output.appends) {
        const auto stored = decode_entry(entry->seq, encode_entry(*entry));
        node.log[entry->seq] = stored.value();
    }
}

void CopyGroup::send(std::size_t from, const NodeId& to, const CopyMessage& message) {
    ++messages_seen_;
    if (const auto* prepare = std::get_if<Prepare>(&message.body)) {
        prepares_.push_back(*prepare);
    }
    const std::pair way{from, index(to)};
    if (cuts_.contains(way)) {
        return;
    }
    network_.emplace_back(way, encode_message(message));
    if (duplicates_) {
        late_.emplace_back(way, encode_message(message));
    }
}

/// Whether there was something to do.
bool CopyGroup::move(std::size_t node) {
    Node& each = nodes_[node];
    const CopyOutput output = each.copy->take_output();
    write(each, output);
    for (const auto& [to, message] : output.sends) {
        send(node, to, message);
    }
    for (const EntryPtr& entry : output.committed) {
        if (!entry->no_op) {
            each.applied.push_back(entry->operation);
        }
    }
    proposals_.insert(proposals_.end(), output.proposals.begin(), output.proposals.end());
    proposals_seen_ += output.proposals.size();
    installs_.insert(installs_.end(), output.installs.begin(), output.installs.end());
    each.lost_role = each.lost_role || output.lost_role;
    each.reads.insert(each.reads.end(), output.reads.begin(), output.reads.end());
    if (output.lost) {
        each.lost.push_back(*output.lost);
    }
    const Seq before = *each.copy->match_of(id(node));
    if (!each.stalled && !each.log.empty()) {
        each.copy->persisted(each.log.rbegin()->first);
    }
    return output.cut || !output.appends.empty() || !output.sends.empty()
           || !output.committed.empty() || !output.proposals.empty()
           || *each.copy->match_of(id(node)) != before;
}

bool CopyGroup::deliver() {
    if (network_.empty()) {
        network_ = std::exchange(late_, {});
        std::reverse(network_.begin(), network_.end());
    }
    auto messages = std::exchange(network_, {});
    for (std::size_t i = messages.size(); shuffles_ && i > 1; --i) {
        std::swap(messages[i - 1], messages[random_.below(i)]);
    }
    for (const auto& [way, bytes] : messages) {
        const auto message = decode_message(bytes);
        KUMO_ASSERT(message.ok());
        nodes_[way.second].copy->receive(id(way.first), message.value());
        move(way.second);
    }
    return !messages.empty();
}

bool CopyGroup::run_control() {
    if (control_stalled_ || proposals_.empty()) {
        return false;
    }
    for (const Command& each : std::exchange(proposals_, {})) {
        (void)command(each);
    }
    return true;
}

Status CopyGroup::command(const Command& command) {
    std::string bytes;
    append_command(bytes, command);
    wire::ByteReader in(bytes);
    const auto decoded = read_command(in);
    KUMO_ASSERT(decoded.has_value() && in.at_end());
    Status status = cluster::apply(state_, *decoded);
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
        give_state(i);
    }
    return status;
}

void CopyGroup::settle() {
    for (bool moved = true; moved;) {
        moved = false;
        for (std::size_t i = 0; i < nodes_.size(); ++i) {
            moved = move(i) || moved;
        }
        moved = deliver() || moved;
        moved = run_control() || moved;
    }
}

void CopyGroup::pass(Duration time) {
    for (Duration left = time; left > Duration::zero(); left -= kStep) {
        pause(kStep);
    }
}

void CopyGroup::pause(Duration time) {
    now_ += time;
    for (Node& node : nodes_) {
        node.copy->tick(now_);
    }
    settle();
}

void CopyGroup::cut_off(std::size_t node) {
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
        cut(i, node);
        cut(node, i);
    }
}

void CopyGroup::heal() {
    mend();
    for (Node& node : nodes_) {
        for (std::size_t i = 0; i < nodes_.size(); ++i) {
            node.copy->reset_connection(id(i));
        }
    }
}

void CopyGroup::restart(std::size_t node, Seq kept) {
    Node& each = nodes_[node];
    each.log.erase(each.log.upper_bound(kept), each.log.end());
    Register registration;
    registration.member.id = id(node);
    registration.member.boot = uuid(2, ++boots_);
    registration.previous_is_over = true;
    KUMO_ASSERT(command(registration).ok());
    open(node);
    unfence(node);
    for (Node& other : nodes_) {
        other.copy->reset_connection(id(node));
    }
}

void CopyGroup::fence(std::size_t node) {
    KUMO_ASSERT(command(Fence{{id(node)}}).ok());
}

void CopyGroup::unfence(std::size_t node) {
    KUMO_ASSERT(command(Unfence{id(node), find_member(state_, id(node))->incarnation}).ok());
}

void CopyGroup::checkpoint() {
    for (Node& node : nodes_) {
        const Seq seq = node.copy->committed();
        node.base_term = node.copy->log().term(seq).value();
        node.remembered = node.copy->requests_until(seq);
        node.base = seq;
        node.checkpoint = node.applied;
        node.log.erase(node.log.begin(), node.log.upper_bound(seq));
        node.copy->applied(seq);
    }
}

}  // namespace kumo::cluster
