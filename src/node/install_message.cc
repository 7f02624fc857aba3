#include "node/install_message.h"

#include "wire/byte_reader.h"

#include <utility>

namespace kumo::node {

namespace {

using wire::append_sized;
using wire::append_varint;

enum class Kind : std::uint8_t {
    kAsk = 1,
    kBegin = 2,
    kData = 3,
    kEnd = 4,
};

void append_kind(std::string& out, Kind kind) {
    append_varint(out, static_cast<std::uint64_t>(kind));
}

void append(std::string& out, const InstallAsk& ask) {
    append_kind(out, Kind::kAsk);
    append_varint(out, static_cast<std::uint64_t>(ask.shard));
    append_varint(out, static_cast<std::uint64_t>(ask.copy));
}

void append(std::string& out, const InstallBegin& begin) {
    append_kind(out, Kind::kBegin);
    append_varint(out, static_cast<std::uint64_t>(begin.shard));
    append_varint(out, static_cast<std::uint64_t>(begin.copy));
    append_varint(out, static_cast<std::uint64_t>(begin.origin));
    append_varint(out, begin.files.size());
    for (const InstallFile& file : begin.files) {
        append_varint(out, file.segment);
        append_varint(out, file.bytes);
    }
}

void append(std::string& out, const InstallData& data) {
    append_kind(out, Kind::kData);
    append_varint(out, static_cast<std::uint64_t>(data.copy));
    append_varint(out, data.segment);
    append_varint(out, data.offset);
    append_sized(out, data.bytes);
}

void append(std::string& out, const InstallEnd& end) {
    append_kind(out, Kind::kEnd);
    append_varint(out, static_cast<std::uint64_t>(end.copy));
    append_sized(out, end.manifest);
}

InstallBegin read_begin(wire::ByteReader& in) {
    InstallBegin begin;
    begin.shard = cluster::ShardId{in.number()};
    begin.copy = cluster::CopyId{in.number()};
    begin.origin = cluster::CopyId{in.number()};
    const std::size_t files = in.count();
    for (std::size_t i = 0; i < files && in.ok(); ++i) {
        const std::uint64_t segment = in.number();
        begin.files.push_back({segment, in.number()});
    }
    return begin;
}

InstallData read_data(wire::ByteReader& in) {
    InstallData data;
    data.copy = cluster::CopyId{in.number()};
    data.segment = in.number();
    data.offset = in.number();
    data.bytes = in.text();
    return data;
}

InstallMessage read_message(wire::ByteReader& in) {
    switch (static_cast<Kind>(in.below_or_at(static_cast<std::uint64_t>(Kind::kEnd)))) {
        case Kind::kBegin: return read_begin(in);
        case Kind::kData: return read_data(in);
        case Kind::kEnd: {
            const cluster::CopyId copy{in.number()};
            return InstallEnd{copy, in.text()};
        }
        case Kind::kAsk: break;
    }
    const cluster::ShardId shard{in.number()};
    return InstallAsk{shard, cluster::CopyId{in.number()}};
}

}  // namespace

std::string encode_install(const InstallMessage& message) {
    std::string out;
    std::visit([&out](const auto& what) { append(out, what); }, message);
    return out;
}

Result<InstallMessage> decode_install(ByteView bytes) {
    wire::ByteReader in(bytes);
    InstallMessage message = read_message(in);
    const auto* begin = std::get_if<InstallBegin>(&message);
    const bool too_many = begin != nullptr && begin->files.size() > kInstallFilesMax;
    if (!in.at_end() || too_many) {
        return corruption("an install message is not well formed");
    }
    return message;
}

std::string encode_offsets(const std::vector<std::uint64_t>& offsets) {
    std::string out;
    append_varint(out, offsets.size());
    for (const std::uint64_t offset : offsets) {
        append_varint(out, offset);
    }
    return out;
}

Result<std::vector<std::uint64_t>> decode_offsets(ByteView bytes) {
    wire::ByteReader in(bytes);
    std::vector<std::uint64_t> offsets(in.count());
    for (std::uint64_t& offset : offsets) {
        offset = in.number();
    }
    if (!in.at_end()) {
        return corruption("an answer to an install message is not well formed");
    }
    return offsets;
}

}  // namespace kumo::node
