#include "kv/types/internal/stream_block.h"

#include "base/assert.h"
#include "kv/types/internal/packed.h"
#include "wire/varint.h"

#include <algorithm>

namespace kumo::kv::internal {

namespace {

constexpr char kDeleted = 1;
constexpr char kSameNames = 2;

std::uint64_t take_varint(ByteView& in) {
    const auto value = wire::read_varint(in);
    KUMO_ASSERT(value.has_value());
    return *value;
}

ByteView take_text(ByteView& in) {
    const auto text = wire::read_sized(in);
    KUMO_ASSERT(text.has_value());
    return *text;
}

}  // namespace

struct StreamBlock::Head {
    StreamId id;
    char flags = 0;
    std::size_t body_at = 0;
    std::size_t end = 0;

    bool deleted() const { return (flags & kDeleted) != 0; }
};

StreamBlock::StreamBlock(StreamId base, std::span<const ByteView> fields_and_values)
    : base_(base), last_(base), names_(static_cast<std::uint32_t>(fields_and_values.size() / 2)) {
    for (std::size_t i = 0; i < fields_and_values.size(); i += 2) {
        wire::append_sized(data_, fields_and_values[i]);
    }
    entries_at_ = static_cast<std::uint32_t>(data_.size());
}

bool StreamBlock::has_names(std::span<const ByteView> fields_and_values) const {
    if (fields_and_values.size() != 2 * std::size_t{names_}) {
        return false;
    }
    ByteView rest(data_.data(), entries_at_);
    for (std::size_t i = 0; i < fields_and_values.size(); i += 2) {
        if (take_text(rest) != fields_and_values[i]) {
            return false;
        }
    }
    return true;
}

void StreamBlock::append(StreamId id, std::span<const ByteView> fields_and_values) {
    const bool same = has_names(fields_and_values);
    std::string body;
    if (!same) {
        wire::append_varint(body, fields_and_values.size() / 2);
    }
    for (std::size_t i = same ? 1 : 0; i < fields_and_values.size(); i += same ? 2 : 1) {
        wire::append_sized(body, fields_and_values[i]);
    }
    data_.push_back(same ? kSameNames : '\0');
    wire::append_varint(data_, id.ms - base_.ms);
    wire::append_varint(data_, id.seq);
    wire::append_varint(data_, body.size());
    data_ += body;
    last_ = id;
    ++live_;
}

StreamBlock::Head StreamBlock::head_at(std::size_t offset) const {
    ByteView rest = ByteView(data_).substr(offset);
    Head head;
    head.flags = rest[0];
    rest.remove_prefix(1);
    head.id.ms = base_.ms + take_varint(rest);
    head.id.seq = take_varint(rest);
    const std::uint64_t body = take_varint(rest);
    head.body_at = data_.size() - rest.size();
    head.end = head.body_at + static_cast<std::size_t>(body);
    return head;
}

void StreamBlock::read_body(const Head& head, std::vector<ByteView>* out) const {
    out->clear();
    ByteView body = ByteView(data_).substr(head.body_at, head.end - head.body_at);
    if ((head.flags & kSameNames) == 0) {
        const std::uint64_t texts = 2 * take_varint(body);
        for (std::uint64_t i = 0; i < texts; ++i) {
            out->push_back(take_text(body));
        }
        return;
    }
    ByteView names(data_.data(), entries_at_);
    for (std::uint32_t i = 0; i < names_; ++i) {
        out->push_back(take_text(names));
        out->push_back(take_text(body));
    }
}

void StreamBlock::mark_deleted(std::size_t offset) {
    data_[offset] = static_cast<char>(data_[offset] | kDeleted);
    --live_;
    ++deleted_;
}

bool StreamBlock::erase(StreamId id) {
    for (std::size_t at = entries_at_; at < data_.size();) {
        const Head head = head_at(at);
        if (head.id >= id) {
            if (head.id != id || head.deleted()) {
                return false;
            }
            mark_deleted(at);
            return true;
        }
        at = head.end;
    }
    return false;
}

std::size_t StreamBlock::erase_first(FunctionRef<bool(StreamId)> done) {
    std::size_t erased = 0;
    for (std::size_t at = entries_at_; at < data_.size();) {
        const Head head = head_at(at);
        if (!head.deleted()) {
            if (done(head.id)) {
                break;
            }
            mark_deleted(at);
            ++erased;
        }
        at = head.end;
    }
    return erased;
}

bool StreamBlock::visit(StreamId first, StreamId last, Visitor visitor) const {
    std::vector<ByteView> texts;
    for (std::size_t at = entries_at_; at < data_.size();) {
        const Head head = head_at(at);
        if (head.id > last) {
            break;
        }
        if (head.id >= first && !head.deleted()) {
            read_body(head, &texts);
            if (!visitor(head.id, texts)) {
                return false;
            }
        }
        at = head.end;
    }
    return true;
}

bool StreamBlock::visit_backwards(StreamId first, StreamId last, Visitor visitor) const {
    std::vector<Head> heads;
    for (std::size_t at = entries_at_; at < data_.size();) {
        const Head head = head_at(at);
        if (head.id > last) {
            break;
        }
        if (head.id >= first && !head.deleted()) {
            heads.push_back(head);
        }
        at = head.end;
    }
    std::vector<ByteView> texts;
    for (auto head = heads.rbegin(); head != heads.rend(); ++head) {
        read_body(*head, &texts);
        if (!visitor(head->id, texts)) {
            return false;
        }
    }
    return true;
}

std::optional<StreamId> StreamBlock::first_live() const {
    for (std::size_t at = entries_at_; at < data_.size();) {
        const Head head = head_at(at);
        if (!head.deleted()) {
            return head.id;
        }
        at = head.end;
    }
    return std::nullopt;
}

std::optional<StreamId> StreamBlock::last_live() const {
    std::optional<StreamId> found;
    for (std::size_t at = entries_at_; at < data_.size();) {
        const Head head = head_at(at);
        if (!head.deleted()) {
            found = head.id;
        }
        at = head.end;
    }
    return found;
}

}  // namespace kumo::kv::internal
