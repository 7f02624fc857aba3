#include "cluster/replication/log_entry.h"
#include "cluster/replication/message.h"
#include "wire/byte_reader.h"
#include "wire/varint.h"

#include <limits>
#include <utility>

namespace kumo::cluster {

namespace {

using wire::append_sized;
using wire::append_varint;
using wire::ByteReader;

enum Kind : std::uint64_t {
    kPrepare = 0,
    kAck = 1,
    kStaleTerm = 2,
    kTermQuery = 3,
    kTermAnswer = 4,
};

void append_body(std::string& out, const Prepare& prepare) {
    append_varint(out, prepare.term);
    append_varint(out, static_cast<std::uint64_t>(prepare.copy));
    append_varint(out, prepare.previous_seq);
    append_varint(out, prepare.previous_term);
    append_varint(out, prepare.committed);
    append_varint(out, prepare.attempt);
    append_varint(out, prepare.entries.size());
    for (const EntryPtr& entry : prepare.entries) {
        append_sized(out, encode_entry(*entry));
    }
}

void append_body(std::string& out, const Ack& ack) {
    append_varint(out, ack.term);
    append_varint(out, static_cast<std::uint64_t>(ack.copy));
    append_varint(out, ack.incarnation);
    append_varint(out, ack.match);
    append_varint(out, ack.committed);
    append_varint(out, ack.attempt);
    append_varint(out, ack.mismatch ? 1 : 0);
    append_varint(out, ack.rejected);
    append_varint(out, ack.hint);
    append_varint(out, ack.hint_term);
}

void append_body(std::string& out, const StaleTerm& stale) {
    append_varint(out, stale.term);
}

void append_body(std::string& out, const TermQuery& query) {
    append_varint(out, query.term);
    append_varint(out, static_cast<std::uint64_t>(query.copy));
    append_varint(out, query.read);
}

void append_body(std::string& out, const TermAnswer& answer) {
    append_varint(out, answer.term);
    append_varint(out, static_cast<std::uint64_t>(answer.copy));
    append_varint(out, answer.read);
}

/// A TermQuery or a TermAnswer.
template <typename Body>
Body read_term_body(ByteReader& in) {
    Body body;
    body.term = in.number();
    body.copy = CopyId{in.number()};
    body.read = in.number();
    return body;
}

Result<Prepare> read_prepare(ByteReader& in) {
    Prepare prepare;
    prepare.term = in.number();
    prepare.copy = CopyId{in.number()};
    prepare.previous_seq = in.number();
    prepare.previous_term = in.number();
    prepare.committed = in.number();
    prepare.attempt = in.number();
    const std::uint64_t count = in.below_or_at(kPrepareEntriesMax);
    if (prepare.previous_seq > std::numeric_limits<Seq>::max() - kPrepareEntriesMax) {
        return corruption("a message between copies has a sequence number that none can have");
    }
    Term term = prepare.previous_term;
    for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
        KUMO_TRY_ASSIGN(auto entry, decode_entry(prepare.previous_seq + 1 + i, in.sized()));
        if (entry->term < term || entry->term > prepare.term) {
            return corruption("a message between copies has entries out of order");
        }
        term = entry->term;
        prepare.entries.push_back(std::move(entry));
    }
    return prepare;
}

Ack read_ack(ByteReader& in) {
    Ack ack;
    ack.term = in.number();
    ack.copy = CopyId{in.number()};
    ack.incarnation = in.number();
    ack.match = in.number();
    ack.committed = in.number();
    ack.attempt = in.number();
    ack.mismatch = in.below_or_at(1) == 1;
    ack.rejected = in.number();
    ack.hint = in.number();
    ack.hint_term = in.number();
    return ack;
}

}  // namespace

std::string encode_entry(const LogEntry& entry) {
    std::string out;
    append_varint(out, entry.no_op ? 1 : 0);
    append_varint(out, entry.term);
    append_varint(out, wire::zigzag_encode(entry.time_ms));
    if (!entry.no_op) {
        out.append(entry.request.node.view());
        append_varint(out, entry.request.run);
        append_varint(out, entry.request.number);
        out.append(entry.operation);
    }
    return out;
}

Result<EntryPtr> decode_entry(Seq seq, ByteView bytes) {
    ByteReader in(bytes);
    auto entry = std::make_shared<LogEntry>();
    entry->seq = seq;
    entry->no_op = in.below_or_at(1) == 1;
    entry->term = in.number();
    entry->time_ms = wire::zigzag_decode(in.number());
    if (!entry->no_op) {
        entry->request.node = in.uuid();
        entry->request.run = in.number();
        entry->request.number = in.number();
        entry->operation = std::string(in.rest());
    }
    if (!in.ok() || (entry->no_op && !in.at_end())) {
        return corruption("an entry of a shard's log is not well formed");
    }
    return EntryPtr(std::move(entry));
}

std::string encode_message(const CopyMessage& message) {
    std::string out;
    append_varint(out, static_cast<std::uint64_t>(message.shard));
    append_varint(out, message.body.index());
    std::visit([&out](const auto& body) { append_body(out, body); }, message.body);
    return out;
}

Result<CopyMessage> decode_message(ByteView bytes) {
    ByteReader in(bytes);
    CopyMessage message;
    message.shard = ShardId{in.number()};
    switch (in.below_or_at(kTermAnswer)) {
        case kPrepare: {
            KUMO_TRY_ASSIGN(message.body, read_prepare(in));
            break;
        }
        case kAck: message.body = read_ack(in); break;
        case kStaleTerm: message.body = StaleTerm{in.number()}; break;
        case kTermQuery: message.body = read_term_body<TermQuery>(in); break;
        default: message.body = read_term_body<TermAnswer>(in); break;
    }
    if (!in.at_end()) {
        return corruption("a message between copies is not well formed");
    }
    return message;
}

}  // namespace kumo::cluster
