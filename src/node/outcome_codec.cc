#include "node/operation.h"
#include "wire/byte_reader.h"

#include <utility>

namespace kumo::node {

namespace {

using wire::append_sized;
using wire::append_varint;

/// Codes are part of the format: nodes of two versions talk to each other.
constexpr auto kErrorCodeMax = static_cast<std::uint64_t>(ErrorCode::kInternal);

enum WrittenKind : std::uint64_t {
    kReplaced = 0,
    kCreated = 1,
    kRefused = 2,
};

void append_error(std::string& out, const Error& error) {
    append_varint(out, static_cast<std::uint64_t>(error.code));
    append_sized(out, error.message);
}

Error read_error(wire::ByteReader& in) {
    const auto code = static_cast<ErrorCode>(in.below_or_at(kErrorCodeMax));
    return Error{code, in.text()};
}

void append_written(std::string& out, const Result<search::Written>& written) {
    if (!written.ok()) {
        append_varint(out, kRefused);
        append_error(out, written.error());
        return;
    }
    append_varint(out, written.value().created ? kCreated : kReplaced);
    append_sized(out, written.value().id);
    append_sized(out, written.value().document);
}

Result<search::Written> read_written(wire::ByteReader& in) {
    const std::uint64_t kind = in.below_or_at(kRefused);
    if (kind == kRefused) {
        return read_error(in);
    }
    search::Written written;
    written.created = kind == kCreated;
    written.id = in.text();
    written.document = in.text();
    return written;
}

}  // namespace

std::string encode_outcome(const Outcome& outcome) {
    std::string out;
    append_varint(out, outcome.seq);
    append_varint(out, outcome.written.size());
    for (const auto& written : outcome.written) {
        append_written(out, written);
    }
    append_varint(out, outcome.changed);
    append_sized(out, outcome.document);
    append_varint(out, outcome.first_error ? 1 : 0);
    if (outcome.first_error) {
        append_error(out, *outcome.first_error);
    }
    return out;
}

Result<Outcome> decode_outcome(ByteView bytes) {
    wire::ByteReader in(bytes);
    Outcome outcome;
    outcome.seq = in.number();
    const std::size_t count = in.count();
    outcome.written.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
        outcome.written.push_back(read_written(in));
    }
    outcome.changed = in.number();
    outcome.document = in.text();
    if (in.below_or_at(1) == 1) {
        outcome.first_error = read_error(in);
    }
    if (!in.at_end()) {
        return corruption("an outcome is not well formed");
    }
    return outcome;
}

}  // namespace kumo::node
