#include "kv/rdb/internal/text_visitor.h"

#include "wire/resp.h"

namespace kumo::kv::internal {

namespace {

std::string text_of(StreamId id) {
    return std::to_string(id.ms) + "-" + std::to_string(id.seq);
}

std::string text_of(const RdbStreamGroup& group) {
    std::string text = " group " + group.name + " last=" + text_of(group.last_id);
    text += " read=" + (group.entries_read ? std::to_string(*group.entries_read) : "?");
    for (const RdbConsumer& consumer : group.consumers) {
        text += " consumer " + consumer.name;
        for (const RdbPending& pending : group.pending) {
            if (&group.consumers[pending.consumer] == &consumer) {
                text += " " + text_of(pending.id) + "x" + std::to_string(pending.deliveries);
            }
        }
    }
    return text;
}

}  // namespace

void TextVisitor::bracket(ByteView bytes) {
    text += "[";
    text += bytes;
    text += "]";
}

Status TextVisitor::on_string(ByteView value) {
    text = "string ";
    bracket(value);
    return {};
}

Status TextVisitor::begin(Type type, std::uint64_t /*count*/) {
    text = std::string(type_name(type)) + " ";
    return {};
}

Status TextVisitor::on_element(ByteView element) {
    bracket(element);
    return {};
}

Status
TextVisitor::on_field(ByteView field, ByteView value, std::optional<std::int64_t> expire_at_ms) {
    bracket(field);
    text += "=";
    bracket(value);
    if (expire_at_ms) {
        text += "@" + std::to_string(*expire_at_ms);
    }
    return {};
}

Status TextVisitor::on_scored(ByteView member, double score) {
    bracket(member);
    text += "=" + wire::format_double(score);
    return {};
}

Status TextVisitor::on_stream_entry(StreamId id, std::span<const ByteView> fields_and_values) {
    text += text_of(id);
    for (const ByteView one : fields_and_values) {
        bracket(one);
    }
    text += " ";
    return {};
}

Status TextVisitor::on_stream_tail(RdbStreamTail tail) {
    text += "last=" + text_of(tail.last_id) + " first=" + text_of(tail.first_id) + " deleted="
            + text_of(tail.max_deleted_id) + " added=" + std::to_string(tail.entries_added);
    for (const RdbStreamGroup& group : tail.groups) {
        text += text_of(group);
    }
    return {};
}

Status TextSink::on_aux(ByteView name, ByteView value) {
    if (aux_too) {
        text += "aux " + std::string(name) + "=" + std::string(value) + "\n";
    }
    return {};
}

Status TextSink::on_function(ByteView code) {
    text += "function " + std::string(code) + "\n";
    return {};
}

Status TextSink::on_database(int db, std::uint64_t keys, std::uint64_t volatile_keys) {
    text += "db " + std::to_string(db) + " " + std::to_string(keys) + " "
            + std::to_string(volatile_keys) + "\n";
    return {};
}

ObjectVisitor* TextSink::begin_key(const RdbKey& /*key*/) {
    visitor_.text.clear();
    return &visitor_;
}

Status TextSink::end_key(const RdbKey& key) {
    text += std::to_string(key.db) + " " + std::string(key.key);
    if (key.expire_at_ms) {
        text += " expires=" + std::to_string(*key.expire_at_ms);
    }
    if (key.idle_seconds) {
        text += " idle=" + std::to_string(*key.idle_seconds);
    }
    if (key.frequency) {
        text += " frequency=" + std::to_string(*key.frequency);
    }
    text += ": " + visitor_.text + "\n";
    return {};
}

}  // namespace kumo::kv::internal
