#include "base/assert.h"
#include "kv/rdb/dump.h"
#include "kv/rdb/listpack_writer.h"
#include "kv/rdb/value_codec.h"
#include "kv/types/hash.h"
#include "kv/types/list.h"
#include "kv/types/set.h"
#include "kv/types/stream.h"
#include "kv/types/zset.h"

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

namespace kumo::kv {

namespace {

void write_list(const ListValue& list, RdbOutput& out) {
    out.length(list.size());
    list.visit(0, list.size(), false, [&out](const Element& element) {
        out.string(element.view());
        return true;
    });
}

void write_set(const SetValue& set, RdbOutput& out) {
    out.length(set.size());
    set.visit([&out](const Element& member) {
        out.string(member.view());
        return true;
    });
}

void write_hash(const HashValue& hash, RdbOutput& out) {
    out.length(hash.size());
    hash.visit([&out](const Element& field, const Element& value) {
        out.string(field.view());
        out.string(value.view());
        return true;
    });
}

/// From the highest rank down: Redis loads that fastest.
void write_zset(const ZsetValue& zset, RdbOutput& out) {
    out.length(zset.size());
    if (zset.size() == 0) {
        return;
    }
    zset.visit(zset.size() - 1, zset.size(), true, [&out](const Element& member, double score) {
        out.string(member.view());
        out.real(score);
        return true;
    });
}

// Streams: see stream_reader.cc for the form of a node.

constexpr std::size_t kNodeEntriesMax = 100;
constexpr std::size_t kNodeBytesMax = 4096;
constexpr std::int64_t kSameFields = 2;

std::string raw_id(StreamId id) {
    std::string bytes;
    for (const std::uint64_t part : {id.ms, id.seq}) {
        for (int shift = 56; shift >= 0; shift -= 8) {
            bytes.push_back(static_cast<char>(part >> shift & 0xFFU));
        }
    }
    return bytes;
}

void write_id(StreamId id, RdbOutput& out) {
    out.length(id.ms);
    out.length(id.seq);
}

/// How many entries each node gets.
std::vector<std::size_t> plan_nodes(const StreamValue& stream) {
    std::vector<std::size_t> entries;
    std::size_t node_bytes = 0;
    stream.visit(StreamId{}, StreamId::max(), false, [&](const StreamEntry& entry) {
        std::size_t bytes = 16;
        for (const ByteView one : entry.fields_and_values) {
            bytes += one.size();
        }
        if (entries.empty() || entries.back() == kNodeEntriesMax
            || node_bytes + bytes > kNodeBytesMax) {
            entries.push_back(0);
            node_bytes = 0;
        }
        ++entries.back();
        node_bytes += bytes;
        return true;
    });
    return entries;
}

/// Makes one node after the other of the entries it is told.
class NodeWriter {
public:
    explicit NodeWriter(RdbOutput& out) : out_(out) {}

    /// A new node, of so many entries, begins with this entry.
    void begin(const StreamEntry& entry, std::size_t entries);
    void add(const StreamEntry& entry);
    void finish();

private:
    bool has_head_fields(std::span<const ByteView> fields_and_values) const;

    RdbOutput& out_;
    ListpackWriter pack_;
    StreamId base_;
    std::vector<std::string> fields_;
};

void NodeWriter::begin(const StreamEntry& entry, std::size_t entries) {
    pack_.clear();
    base_ = entry.id;
    fields_.clear();
    for (std::size_t i = 0; i < entry.fields_and_values.size(); i += 2) {
        fields_.emplace_back(entry.fields_and_values[i]);
    }
    pack_.number(static_cast<std::int64_t>(entries));
    pack_.number(0);
    pack_.number(static_cast<std::int64_t>(fields_.size()));
    for (const std::string& field : fields_) {
        pack_.element(field);
    }
    pack_.number(0);
}

bool NodeWriter::has_head_fields(std::span<const ByteView> fields_and_values) const {
    if (fields_and_values.size() != fields_.size() * 2) {
        return false;
    }
    for (std::size_t i = 0; i < fields_.size(); ++i) {
        if (fields_and_values[2 * i] != fields_[i]) {
            return false;
        }
    }
    return true;
}

void NodeWriter::add(const StreamEntry& entry) {
    const auto& parts = entry.fields_and_values;
    const bool same = has_head_fields(parts);
    pack_.number(same ? kSameFields : 0);
    pack_.number(static_cast<std::int64_t>(entry.id.ms - base_.ms));
    pack_.number(static_cast<std::int64_t>(entry.id.seq - base_.seq));
    if (!same) {
        pack_.number(static_cast<std::int64_t>(parts.size() / 2));
    }
    for (std::size_t i = same ? 1 : 0; i < parts.size(); i += same ? 2 : 1) {
        pack_.element(parts[i]);
    }
    const std::size_t elements = 3 + (same ? parts.size() / 2 : parts.size() + 1);
    pack_.number(static_cast<std::int64_t>(elements));
}

void NodeWriter::finish() {
    out_.string(raw_id(base_));
    out_.string(pack_.finish());
}

void write_entries(const StreamValue& stream, RdbOutput& out) {
    const std::vector<std::size_t> plan = plan_nodes(stream);
    out.length(plan.size());
    NodeWriter node(out);
    std::size_t next = 0;
    std::size_t left = 0;
    stream.visit(StreamId{}, StreamId::max(), false, [&](const StreamEntry& entry) {
        if (left == 0) {
            left = plan[next++];
            node.begin(entry, left);
        }
        node.add(entry);
        if (--left == 0) {
            node.finish();
        }
        return true;
    });
}

void write_group(const std::string& name, const StreamGroup& group, bool second, RdbOutput& out) {
    out.string(name);
    write_id(group.last_id, out);
    if (second) {
        out.length(static_cast<std::uint64_t>(group.entries_read));
    }
    out.length(group.pending().size());
    for (const auto& [id, pending] : group.pending()) {
        out.raw(raw_id(id));
        out.fixed64(static_cast<std::uint64_t>(pending.delivered_ms));
        out.length(pending.deliveries);
    }
    out.length(group.consumers().size());
    for (const auto& [consumer_name, consumer] : group.consumers()) {
        out.string(consumer_name);
        out.fixed64(static_cast<std::uint64_t>(consumer->seen_ms));
        out.length(consumer->pending.size());
        for (const auto& one : consumer->pending) {
            out.raw(raw_id(one.first));
        }
    }
}

void write_stream(const StreamValue& stream, bool second, RdbOutput& out) {
    write_entries(stream, out);
    out.length(stream.size());
    write_id(stream.last_id(), out);
    if (second) {
        write_id(stream.first_id(), out);
        write_id(stream.max_deleted_id(), out);
        out.length(stream.entries_added());
    }
    out.length(stream.groups().size());
    for (const auto& [name, group] : stream.groups()) {
        write_group(name, *group, second, out);
    }
}

}  // namespace

RdbType rdb_type_of(const Value& value, bool for_dump) {
    switch (value.type()) {
        case Type::kString: return RdbType::kString;
        case Type::kList: return RdbType::kList;
        case Type::kSet: return RdbType::kSet;
        case Type::kZset: return RdbType::kZset;
        case Type::kHash: return RdbType::kHash;
        case Type::kStream: return for_dump ? RdbType::kStream1 : RdbType::kStream2;
    }
    KUMO_ASSERT(false);
    return RdbType::kString;
}

void write_value(const Value& value, RdbType type, RdbOutput& out) {
    switch (value.type()) {
        case Type::kString: KUMO_ASSERT(false); return;
        case Type::kList: return write_list(static_cast<const ListValue&>(value), out);
        case Type::kSet: return write_set(static_cast<const SetValue&>(value), out);
        case Type::kZset: return write_zset(static_cast<const ZsetValue&>(value), out);
        case Type::kHash: return write_hash(static_cast<const HashValue&>(value), out);
        case Type::kStream:
            return write_stream(
                static_cast<const StreamValue&>(value),
                type == RdbType::kStream2,
                out
            );
    }
}

std::string dump_payload(ByteView string) {
    RdbOutput out;
    out.compress(true);
    out.byte(static_cast<std::uint8_t>(RdbType::kString));
    out.string(string);
    seal_dump(&out.buffer());
    return std::move(out.buffer());
}

std::string dump_payload(const Value& value) {
    RdbOutput out;
    out.compress(true);
    const RdbType type = rdb_type_of(value, true);
    out.byte(static_cast<std::uint8_t>(type));
    write_value(value, type, out);
    seal_dump(&out.buffer());
    return std::move(out.buffer());
}

}  // namespace kumo::kv
