#include "kv/types/hash.h"

#include "kv/types/internal/bucket_table.h"
#include "kv/types/internal/text_entry.h"

#include <algorithm>
#include <utility>

namespace kumo::kv {

using internal::Needle;
using internal::Packed;
using internal::TextEntry;

namespace internal {

/// The fields and values of a large hash, owned.
class FieldTable {
public:
    explicit FieldTable(std::uint64_t seed) : table_(seed) {}

    FieldTable(const FieldTable& other) : table_(other.table_.seed()) {
        other.table_.visit([this](const TextEntry* entry) {
            set(entry->key(), entry->value());
            return true;
        });
    }

    FieldTable& operator=(const FieldTable&) = delete;

    ~FieldTable() {
        table_.visit([](TextEntry* entry) {
            TextEntry::Owned owned(entry);
            return true;
        });
    }

    const BucketTable<TextEntry>& table() const { return table_; }

    bool set(ByteView field, ByteView value) {
        TextEntry** found = table_.find(field);
        if (found != nullptr && (*found)->overwrite(value)) {
            return false;
        }
        TextEntry::Owned entry = TextEntry::make(field, value);
        entry_bytes_ += entry->memory_bytes();
        if (found == nullptr) {
            table_.insert(entry.release());
            return true;
        }
        entry_bytes_ -= (*found)->memory_bytes();
        const TextEntry::Owned old(std::exchange(*found, entry.release()));
        return false;
    }

    bool remove(ByteView field) {
        const TextEntry::Owned entry(table_.remove(field));
        if (entry != nullptr) {
            entry_bytes_ -= entry->memory_bytes();
        }
        return entry != nullptr;
    }

    std::size_t memory_bytes() const { return table_.memory_bytes() + entry_bytes_; }

private:
    BucketTable<TextEntry> table_;
    std::size_t entry_bytes_ = 0;
};

}  // namespace internal

HashValue::HashValue() = default;
HashValue::HashValue(const HashValue& other) = default;
HashValue::~HashValue() = default;

std::unique_ptr<Value> HashValue::copy() const {
    return std::unique_ptr<Value>(new HashValue(*this));
}

std::string_view HashValue::encoding() const {
    return rep_.is_table() ? "hashtable" : "listpack";
}

std::size_t HashValue::size() const {
    return rep_.is_table() ? rep_.table().table().size() : rep_.packed().count() / 2;
}

std::size_t HashValue::memory_bytes() const {
    return sizeof(*this)
           + (rep_.is_table() ? rep_.table().memory_bytes() : rep_.packed().memory_bytes());
}

void HashValue::make_room_for(ByteView text, const EncodingLimits& limits) {
    if (!rep_.is_table()
        && (text.size() > limits.hash_max_listpack_value
            || rep_.packed().bytes() + text.size() + 16 > internal::kPackedBytesMax)) {
        to_table(limits.hash_seed);
    }
}

void HashValue::to_table(std::uint64_t seed) {
    auto table = std::make_unique<internal::FieldTable>(seed);
    visit([&](const Element& field, const Element& value) {
        table->set(field.view(), value.view());
        return true;
    });
    rep_.become(std::move(table));
}

bool HashValue::set(ByteView field, ByteView value, const EncodingLimits& limits) {
    make_room_for(field, limits);
    make_room_for(value, limits);
    if (rep_.is_table()) {
        return rep_.table().set(field, value);
    }
    Packed& block = rep_.packed();
    const std::size_t at = block.find(Needle(field), 2);
    if (at != block.bytes()) {
        block.replace(block.next(at), value);
        return false;
    }
    block.append(field);
    block.append(value);
    if (block.count() / 2 > limits.hash_max_listpack_entries) {
        to_table(limits.hash_seed);
    }
    return true;
}

std::optional<Element> HashValue::get(ByteView field) const {
    if (rep_.is_table()) {
        const TextEntry* entry = rep_.table().table().find(field);
        return entry == nullptr ? std::nullopt : std::optional<Element>(entry->value());
    }
    const Packed& block = rep_.packed();
    const std::size_t at = block.find(Needle(field), 2);
    if (at == block.bytes()) {
        return std::nullopt;
    }
    return block.element(block.next(at));
}

bool HashValue::contains(ByteView field) const {
    if (rep_.is_table()) {
        return rep_.table().table().find(field) != nullptr;
    }
    const Packed& block = rep_.packed();
    return block.find(Needle(field), 2) != block.bytes();
}

bool HashValue::remove(ByteView field) {
    if (rep_.is_table()) {
        return rep_.table().remove(field);
    }
    Packed& block = rep_.packed();
    const std::size_t at = block.find(Needle(field), 2);
    if (at == block.bytes()) {
        return false;
    }
    block.erase(at, 2);
    return true;
}

void HashValue::visit(FunctionRef<bool(const Element&, const Element&)> visitor) const {
    if (rep_.is_table()) {
        rep_.table().table().visit([&](const TextEntry* entry) {
            return visitor(Element(entry->key()), Element(entry->value()));
        });
        return;
    }
    const Packed& block = rep_.packed();
    for (std::size_t at = 0; at < block.bytes();) {
        const std::size_t value_at = block.next(at);
        if (!visitor(block.element(at), block.element(value_at))) {
            return;
        }
        at = block.next(value_at);
    }
}

std::uint64_t HashValue::scan(
    std::uint64_t cursor,
    std::size_t count,
    FunctionRef<void(const Element&, const Element&)> visitor
) const {
    if (rep_.is_table()) {
        return rep_.table().table().scan(cursor, count, [&](const TextEntry* entry) {
            visitor(Element(entry->key()), Element(entry->value()));
        });
    }
    visit([&](const Element& field, const Element& value) {
        visitor(field, value);
        return true;
    });
    return 0;
}

std::pair<Element, Element> HashValue::random(Random& random) const {
    if (rep_.is_table()) {
        const TextEntry* entry = rep_.table().table().random(random);
        return {Element(entry->key()), Element(entry->value())};
    }
    const Packed& block = rep_.packed();
    const std::size_t at = block.seek(2 * random.below(block.count() / 2));
    return {block.element(at), block.element(block.next(at))};
}

}  // namespace kumo::kv
