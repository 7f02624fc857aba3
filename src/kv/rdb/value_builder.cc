#include "kv/rdb/dump.h"
#include "kv/rdb/value_codec.h"
#include "kv/types/hash.h"
#include "kv/types/list.h"
#include "kv/types/set.h"
#include "kv/types/stream.h"
#include "kv/types/zset.h"

#include <utility>
#include <vector>

namespace kumo::kv {

namespace {

Status twice(bool was_new, ByteView what) {
    if (was_new) {
        return {};
    }
    return corruption(std::string(what) + " stands there twice");
}

std::unique_ptr<Value> make_empty(Type type) {
    switch (type) {
        case Type::kList: return std::make_unique<ListValue>();
        case Type::kSet: return std::make_unique<SetValue>();
        case Type::kZset: return std::make_unique<ZsetValue>();
        case Type::kHash: return std::make_unique<HashValue>();
        case Type::kStream: return std::make_unique<StreamValue>();
        case Type::kString: return nullptr;
    }
    return nullptr;
}

Status add_group(StreamValue& stream, const RdbStreamGroup& from) {
    const std::int64_t entries_read =
        from.entries_read ? *from.entries_read : stream.estimate_entries_read(from.last_id);
    StreamGroup* const group = stream.create_group(from.name, from.last_id, entries_read);
    KUMO_TRY(twice(group != nullptr, "a group"));
    std::vector<StreamConsumer*> consumers;
    consumers.reserve(from.consumers.size());
    for (const RdbConsumer& consumer : from.consumers) {
        consumers.push_back(group->create_consumer(consumer.name, consumer.seen_at_ms));
        KUMO_TRY(twice(consumers.back() != nullptr, "a consumer"));
    }
    for (const RdbPending& one : from.pending) {
        StreamPending& pending = group->assign(one.id, *consumers[one.consumer]);
        pending.delivered_ms = one.delivered_at_ms;
        pending.deliveries = one.deliveries;
    }
    return {};
}

}  // namespace

Status ValueBuilder::on_string(ByteView value) {
    type_ = Type::kString;
    value_ = nullptr;
    string_.assign(value);
    return {};
}

Status ValueBuilder::begin(Type type, std::uint64_t /*count*/) {
    type_ = type;
    value_ = make_empty(type);
    string_.clear();
    return {};
}

Status ValueBuilder::on_element(ByteView element) {
    if (type_ == Type::kSet) {
        return twice(static_cast<SetValue&>(*value_).add(element, limits_), "a member of a set");
    }
    static_cast<ListValue&>(*value_).push_back(element, limits_);
    return {};
}

Status ValueBuilder::on_field(
    ByteView field,
    ByteView value,
    std::optional<std::int64_t> /*expire_at_ms*/
) {
    return twice(static_cast<HashValue&>(*value_).set(field, value, limits_), "a field of a hash");
}

Status ValueBuilder::on_scored(ByteView member, double score) {
    const auto outcome = static_cast<ZsetValue&>(*value_).set(member, score, limits_);
    return twice(outcome == ZsetValue::Outcome::kAdded, "a member of a sorted set");
}

Status ValueBuilder::on_stream_entry(StreamId id, std::span<const ByteView> fields_and_values) {
    static_cast<StreamValue&>(*value_).append(id, fields_and_values, limits_);
    return {};
}

Status ValueBuilder::on_stream_tail(RdbStreamTail tail) {
    auto& stream = static_cast<StreamValue&>(*value_);
    stream.set_last_id(tail.last_id);
    stream.set_max_deleted_id(tail.max_deleted_id);
    stream.set_entries_added(tail.entries_added);
    for (const RdbStreamGroup& group : tail.groups) {
        KUMO_TRY(add_group(stream, group));
    }
    return {};
}

Result<RestoredValue>
restore_payload(ByteView payload, const EncodingLimits& limits, bool check_envelope) {
    ValueBuilder builder(limits);
    const Status status = read_dump(payload, builder, check_envelope);
    if (!status.ok()) {
        return status.error();
    }
    RestoredValue restored;
    restored.value = builder.take();
    if (restored.value == nullptr) {
        restored.string = builder.string();
    }
    return restored;
}

}  // namespace kumo::kv
