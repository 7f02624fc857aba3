#include "node/operation_router.h"

#include "wire/byte_reader.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace kumo::node {

namespace {

constexpr Duration kRetryInterval = std::chrono::milliseconds(50);
constexpr Duration kCallTimeout = std::chrono::seconds(5);

struct ForwardedOperation {
    cluster::RequestId id;
    cluster::ShardId shard{};
    bool needs_room = false;
    ByteView operation;
};

std::string encode(const ForwardedOperation& forwarded) {
    std::string out(forwarded.id.node.view());
    wire::append_varint(out, forwarded.id.run);
    wire::append_varint(out, forwarded.id.number);
    wire::append_varint(out, static_cast<std::uint64_t>(forwarded.shard));
    wire::append_varint(out, forwarded.needs_room ? 1 : 0);
    out.append(forwarded.operation);
    return out;
}

/// Points into the bytes.
Result<ForwardedOperation> decode(ByteView bytes) {
    wire::ByteReader in(bytes);
    ForwardedOperation forwarded;
    forwarded.id.node = in.uuid();
    forwarded.id.run = in.number();
    forwarded.id.number = in.number();
    forwarded.shard = cluster::ShardId{in.number()};
    forwarded.needs_room = in.below_or_at(1) == 1;
    if (!in.ok()) {
        return corruption("a forwarded operation is not well formed");
    }
    forwarded.operation = in.rest();
    return forwarded;
}

Error no_primary(const std::string& why) {
    std::string message =
        "No node could take the write in time; whether it will be carried out is not known.";
    if (!why.empty()) {
        message += " Last: " + why + ".";
    }
    return Error{ErrorCode::kUnavailable, std::move(message)};
}

/// Whether another try, here or elsewhere, may do better.
bool may_retry(const Error& error) {
    return error.code == ErrorCode::kUnavailable || error.code == ErrorCode::kTimeout;
}

/// Whether it says "not now", of this try only.
bool is_refusal(const Error& error) {
    return error.code == ErrorCode::kResourceExhausted || error.code == ErrorCode::kOverloaded;
}

}  // namespace

OperationRouter::OperationRouter(const Environment& environment)
    : env_(environment), state_(std::make_shared<const State>()) {}

void OperationRouter::on_state(std::shared_ptr<const State> state, std::uint64_t incarnation) {
    state_ = std::move(state);
    incarnation_ = incarnation;
    route_all();
}

void OperationRouter::submit(ShardOf target, std::string operation, bool needs_room, Done done) {
    auto pending = std::make_shared<Pending>();
    pending->target = std::move(target);
    pending->operation = std::move(operation);
    pending->needs_room = needs_room;
    const bool takes_long = is_field_change(pending->operation);
    pending->deadline =
        env_.loop.clock().monotonic_now() + (takes_long ? kFieldChangeTimeout : kOperationTimeout);
    const std::uint64_t place = next_pending_++;
    pending_[place] = pending;
    pending->done = [this, place, done = std::move(done)](Result<Outcome> outcome) {
        pending_.erase(place);
        done(std::move(outcome));
    };
    route(pending);
}

void OperationRouter::route_all() {
    std::vector<PendingPtr> idle;
    for (const auto& [place, pending] : pending_) {
        if (!pending->under_way) {
            idle.push_back(pending);
        }
    }
    for (const PendingPtr& pending : idle) {
        route(pending);
    }
}

void OperationRouter::route(const PendingPtr& pending) {
    if (pending->done == nullptr || pending->under_way) {
        return;
    }
    if (pending->id.number == 0 && incarnation_ != 0) {
        pending->id = {env_.control.self(), incarnation_, next_number_++};
    }
    const cluster::Shard* shard = cluster::find_shard(state_->cluster, pending->target.shard);
    if (incarnation_ != 0 && shard == nullptr) {
        finish(pending, no_such_collection(pending->target.collection->spec.name));
        return;
    }
    const bool may_try = incarnation_ != 0 && env_.control.has_lease() && !shard->primary.is_nil();
    if (!may_try) {
        arm_timer();
    } else if (shard->primary == env_.control.self()) {
        route_local(pending);
    } else {
        route_remote(pending, shard->primary);
    }
}

void OperationRouter::route_local(const PendingPtr& pending) {
    const auto shard = env_.local(pending->target.shard);
    if (shard == nullptr) {
        arm_timer();
        return;
    }
    const Status admitted = pending->needs_room ? env_.admit(pending->operation.size()) : Status();
    if (!admitted.ok()) {
        on_answer(pending, admitted.error());
        return;
    }
    pending->under_way = true;
    // A copy: it may have to go elsewhere.
    shard->submit(pending->id, pending->operation, [this, pending](Result<Outcome> outcome) {
        on_answer(pending, std::move(outcome));
    });
}

void OperationRouter::route_remote(const PendingPtr& pending, const cluster::NodeId& primary) {
    pending->under_way = true;
    const ForwardedOperation forwarded{
        pending->id,
        pending->target.shard,
        pending->needs_room,
        pending->operation};
    env_.control.call(
        primary,
        PeerRequest::kOperation,
        encode(forwarded),
        kCallTimeout,
        [this, pending](const Result<std::string>& answer) { on_remote_answer(pending, answer); }
    );
}

void OperationRouter::on_remote_answer(
    const PendingPtr& pending,
    const Result<std::string>& answer
) {
    if (!answer.ok()) {
        on_answer(pending, answer.error());
        return;
    }
    auto outcome = decode_outcome(answer.value());
    if (!outcome.ok()) {
        on_answer(pending, std::move(outcome).error());
        return;
    }
    answer_when_readable(pending, std::move(outcome).value());
}

/// So that whoever wrote through this node reads it here.
void OperationRouter::answer_when_readable(const PendingPtr& pending, Outcome outcome) {
    const auto shard = env_.local(pending->target.shard);
    if (shard == nullptr || !shard->is_readable()) {
        finish(pending, std::move(outcome));
        return;
    }
    const store::Seq seq = outcome.seq;
    const auto answer = std::make_shared<Outcome>(std::move(outcome));
    const Duration patience =
        is_field_change(pending->operation) ? kFieldChangeReadTimeout : kReadYourWritesTimeout;
    const io::TimerId timer = env_.loop.add_timer(patience, [this, pending, answer] {
        finish(pending, std::move(*answer));
    });
    shard->when_applied(seq, [this, pending, answer, timer] {
        env_.loop.cancel_timer(timer);
        finish(pending, std::move(*answer));
    });
}

void OperationRouter::on_answer(const PendingPtr& pending, Result<Outcome> outcome) {
    pending->under_way = false;
    const bool lost = !outcome.ok() && may_retry(outcome.error());
    // An earlier try may have been carried out: "nothing was changed" is not known.
    const bool unclear = !outcome.ok() && pending->tried && is_refusal(outcome.error());
    pending->tried = pending->tried || lost;
    if (lost) {
        pending->why = outcome.error().message;
    }
    if (lost || unclear) {
        arm_timer();
    } else {
        finish(pending, std::move(outcome));
    }
}

void OperationRouter::finish(const PendingPtr& pending, Result<Outcome> outcome) {
    const Done done = std::exchange(pending->done, nullptr);
    if (done != nullptr) {
        done(std::move(outcome));
    }
}

void OperationRouter::arm_timer() {
    if (timer_ == io::TimerId{}) {
        timer_ = env_.loop.add_timer(kRetryInterval, [this] {
            timer_ = {};
            on_timer();
        });
    }
}

void OperationRouter::on_timer() {
    const MonotonicTime now = env_.loop.clock().monotonic_now();
    std::vector<PendingPtr> late;
    bool some_wait = false;
    for (const auto& [place, pending] : pending_) {
        if (!pending->under_way && now >= pending->deadline) {
            late.push_back(pending);
        }
        some_wait = some_wait || !pending->under_way;
    }
    for (const PendingPtr& pending : late) {
        finish(pending, no_primary(pending->why));
    }
    route_all();
    if (some_wait) {
        arm_timer();
    }
}

// ---- from other nodes

void OperationRouter::on_operation(const std::string& bytes, std::uint64_t reply) {
    auto forwarded = decode(bytes);
    if (!forwarded.ok()) {
        env_.control.answer(reply, forwarded.error());
        return;
    }
    const auto shard = env_.local(forwarded.value().shard);
    Status admitted = shard == nullptr ? Status(not_primary()) : Status();
    if (admitted.ok() && forwarded.value().needs_room && shard->core().is_primary()) {
        admitted = env_.admit(forwarded.value().operation.size());
    }
    if (!admitted.ok()) {
        env_.control.answer(reply, admitted.error());
        return;
    }
    shard->submit(
        forwarded.value().id,
        std::string(forwarded.value().operation),
        [this, reply](Result<Outcome> outcome) {
            env_.control.answer(
                reply,
                outcome.ok() ? Result<std::string>(encode_outcome(outcome.value()))
                             : Result<std::string>(std::move(outcome).error())
            );
        }
    );
}

void OperationRouter::on_read_index(const std::string& bytes, std::uint64_t reply) {
    wire::ByteReader in(bytes);
    const cluster::ShardId id{in.number()};
    const auto shard = in.at_end() ? env_.local(id) : nullptr;
    if (shard == nullptr || !shard->is_primary() || !env_.control.has_lease()) {
        env_.control.answer(reply, not_primary());
        return;
    }
    std::string answer;
    wire::append_varint(answer, shard->committed());
    env_.control.answer(reply, std::move(answer));
}

// ---- reads

void OperationRouter::read_barrier(ShardOf target, ReadDone done) {
    const MonotonicTime deadline = env_.loop.clock().monotonic_now() + kBarrierTimeout;
    try_barrier(std::make_shared<Barrier>(Barrier{std::move(target), std::move(done), deadline}));
}

void OperationRouter::try_barrier(const BarrierPtr& barrier) {
    const cluster::ShardId id = barrier->target.shard;
    const auto local = env_.local(id);
    const cluster::Shard* shard = cluster::find_shard(state_->cluster, id);
    if (shard == nullptr) {
        finish_barrier(barrier, no_such_collection(barrier->target.collection->spec.name));
        return;
    }
    const bool has_lease = env_.control.has_lease();
    if (local != nullptr && local->is_primary() && has_lease) {
        wait_applied(barrier, local, local->committed());
        return;
    }
    const bool elsewhere = !shard->primary.is_nil() && shard->primary != env_.control.self();
    if (local == nullptr || !local->is_readable() || !has_lease || !elsewhere) {
        retry_barrier(barrier);
        return;
    }
    std::string question;
    wire::append_varint(question, static_cast<std::uint64_t>(id));
    env_.control.call(
        shard->primary,
        PeerRequest::kReadIndex,
        std::move(question),
        kCallTimeout,
        [this, barrier, local](const Result<std::string>& answer) {
            if (!answer.ok()) {
                retry_barrier(barrier);
                return;
            }
            wire::ByteReader in(answer.value());
            const store::Seq seq = in.number();
            if (env_.local(barrier->target.shard) == local) {
                wait_applied(barrier, local, seq);
            } else {
                retry_barrier(barrier);
            }
        }
    );
}

void OperationRouter::wait_applied(
    const BarrierPtr& barrier,
    const std::shared_ptr<Shard>& shard,
    store::Seq seq
) {
    const Duration left = barrier->deadline - env_.loop.clock().monotonic_now();
    const io::TimerId timer =
        env_.loop.add_timer(left, [barrier] { finish_barrier(barrier, not_ready()); });
    shard->when_applied(seq, [this, barrier, shard, seq, timer] {
        env_.loop.cancel_timer(timer);
        if (shard->applied() >= seq) {
            finish_barrier(barrier, {});
        } else {  // It was closed: a copy that is built anew takes its place.
            retry_barrier(barrier);
        }
    });
}

void OperationRouter::retry_barrier(const BarrierPtr& barrier) {
    if (env_.loop.clock().monotonic_now() >= barrier->deadline) {
        finish_barrier(barrier, not_ready());
        return;
    }
    (void)env_.loop.add_timer(kRetryInterval, [this, barrier] { try_barrier(barrier); });
}

void OperationRouter::finish_barrier(const BarrierPtr& barrier, Status reached) {
    const ReadDone done = std::exchange(barrier->done, nullptr);
    if (done != nullptr) {
        done(std::move(reached));
    }
}

}  // namespace kumo::node
