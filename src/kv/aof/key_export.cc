#include "kv/aof/key_export.h"

#include "kv/aof/aof_writer.h"
#include "kv/rdb/dump.h"
#include "kv/rdb/value_codec.h"
#include "kv/types/hash.h"
#include "kv/types/list.h"
#include "kv/types/set.h"
#include "kv/types/stream.h"
#include "kv/types/zset.h"

#include <algorithm>
#include <cstdio>
#include <iterator>

namespace kumo::kv {

namespace {

/// What is smaller goes in one command.
constexpr std::size_t kSmallElements = 512;
constexpr std::size_t kSmallBytes = std::size_t{64} << 10;
/// Of a string, in one command.
constexpr std::size_t kStringBytes = std::size_t{1} << 20;
/// Of one command for many elements.
constexpr std::size_t kElementsAtOnce = 512;

void append(std::string* out, std::initializer_list<ByteView> arguments) {
    append_aof_command({arguments.begin(), arguments.size()}, out);
}

std::string text_of(double score) {
    char digits[32];
    const int size = std::snprintf(digits, sizeof(digits), "%.17g", score);
    return {digits, static_cast<std::size_t>(size)};
}

}  // namespace

bool KeyExport::step(std::size_t bytes, std::string* out) {
    if (entry_.is_string()) {
        return step_string(bytes, out);
    }
    const Value& value = entry_.value();
    // A stream's payload, of a version that everybody reads, forgets what was added and deleted.
    const bool small = value.type() != Type::kStream && value.size() <= kSmallElements
                       && value.memory_bytes() <= kSmallBytes;
    if (!begun_ && small) {
        write_small(out);
        return false;
    }
    begun_ = true;
    return value.type() == Type::kStream ? step_stream(bytes, out) : step_elements(bytes, out);
}

void KeyExport::write_small(std::string* out) {
    const std::string expiry = entry_.has_expiry() ? std::to_string(entry_.expire_at_ms()) : "0";
    append(out, {"RESTORE", entry_.key(), expiry, dump_payload(entry_.value()), "ABSTTL"});
}

void KeyExport::write_expiry(std::string* out) {
    if (entry_.has_expiry()) {
        append(out, {"PEXPIREAT", entry_.key(), std::to_string(entry_.expire_at_ms())});
    }
}

bool KeyExport::step_string(std::size_t bytes, std::string* out) {
    const ByteView all = entry_.string();
    const std::size_t end = out->size() + bytes;
    do {
        const ByteView part = all.substr(position_, kStringBytes);
        append(out, {position_ == 0 ? "SET" : "APPEND", entry_.key(), part});
        position_ += part.size();
    } while (position_ < all.size() && out->size() < end);
    if (position_ < all.size()) {
        return true;
    }
    write_expiry(out);
    return false;
}

void KeyExport::gather(ByteView first, ByteView second) {
    gathered_.emplace_back(first);
    gathered_.emplace_back(second);
}

void KeyExport::flush(ByteView command, std::string* out) {
    if (gathered_.empty()) {
        return;
    }
    std::vector<ByteView> arguments = {command, entry_.key()};
    arguments.insert(arguments.end(), gathered_.begin(), gathered_.end());
    append_aof_command(arguments, out);
    gathered_.clear();
}

bool KeyExport::step_elements(std::size_t bytes, std::string* out) {
    const std::size_t end = out->size() + bytes;
    bool more = true;
    while (more && out->size() < end) {
        more = write_some(out);
    }
    if (!more) {
        write_expiry(out);
    }
    return more;
}

/// One command; false: it was the last.
bool KeyExport::write_some(std::string* out) {
    const Value& value = entry_.value();
    switch (value.type()) {
        case Type::kList:
            static_cast<const ListValue&>(value)
                .visit(position_, kElementsAtOnce, false, [this](const Element& element) {
                    gathered_.emplace_back(element.view());
                    return true;
                });
            position_ += gathered_.size();
            flush("RPUSH", out);
            return position_ < value.size();
        case Type::kSet:
            position_ = static_cast<const SetValue&>(value).scan(
                position_,
                kElementsAtOnce,
                [this](const Element& member) { gathered_.emplace_back(member.view()); }
            );
            flush("SADD", out);
            return position_ != 0;
        case Type::kZset:
            static_cast<const ZsetValue&>(value).visit(
                position_,
                kElementsAtOnce,
                false,
                [this](const Element& member, double score) {
                    gather(text_of(score), member.view());
                    return true;
                }
            );
            position_ += gathered_.size() / 2;
            flush("ZADD", out);
            return position_ < value.size();
        default:
            position_ = static_cast<const HashValue&>(value).scan(
                position_,
                kElementsAtOnce,
                [this](const Element& field, const Element& of) { gather(field.view(), of.view()); }
            );
            flush("HSET", out);
            return position_ != 0;
    }
}

// ---- streams

bool KeyExport::step_stream(std::size_t bytes, std::string* out) {
    const auto& stream = static_cast<const StreamValue&>(entry_.value());
    const std::size_t end = out->size() + bytes;
    bool more = false;
    stream.visit(next_id_, StreamId::max(), false, [&](const StreamEntry& each) {
        if (out->size() >= end) {
            more = true;
            next_id_ = each.id;
            return false;
        }
        const std::string id = each.id.text();
        std::vector<ByteView> arguments = {"XADD", entry_.key(), id};
        arguments
            .insert(arguments.end(), each.fields_and_values.begin(), each.fields_and_values.end());
        append_aof_command(arguments, out);
        return true;
    });
    if (!more) {
        write_stream_tail(out);
        write_expiry(out);
    }
    return more;
}

void KeyExport::write_stream_tail(std::string* out) {
    const auto& stream = static_cast<const StreamValue&>(entry_.value());
    const ByteView key = entry_.key();
    if (stream.size() == 0) {
        const std::string id = std::max(stream.last_id(), StreamId{0, 1}).text();
        append(out, {"XADD", key, "MAXLEN", "0", id, "x", "y"});
    }
    append(
        out,
        {"XSETID",
         key,
         stream.last_id().text(),
         "ENTRIESADDED",
         std::to_string(stream.entries_added()),
         "MAXDELETEDID",
         stream.max_deleted_id().text()}
    );
    for (const auto& [name, group] : stream.groups()) {
        append(
            out,
            {"XGROUP",
             "CREATE",
             key,
             name,
             group->last_id.text(),
             "ENTRIESREAD",
             std::to_string(group->entries_read)}
        );
        for (const auto& [consumer, of] : group->consumers()) {
            append(out, {"XGROUP", "CREATECONSUMER", key, name, consumer});
        }
        for (const auto& [id, pending] : group->pending()) {
            append(
                out,
                {"XCLAIM",
                 key,
                 name,
                 pending.consumer->name,
                 "0",
                 id.text(),
                 "TIME",
                 std::to_string(pending.delivered_ms),
                 "RETRYCOUNT",
                 std::to_string(pending.deliveries),
                 "JUSTID",
                 "FORCE"}
            );
        }
    }
}

}  // namespace kumo::kv
