#include "kv/types/set.h"

#include "kv/types/internal/bucket_table.h"
#include "kv/types/internal/text_entry.h"
#include "wire/decimal.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

namespace kumo::kv {

using internal::Needle;
using internal::Packed;
using internal::TextEntry;

namespace internal {

/// The members of a large set, owned.
class MemberTable {
public:
    explicit MemberTable(std::uint64_t seed) : table_(seed) {}

    MemberTable(const MemberTable& other) : table_(other.table_.seed()) {
        other.table_.visit([this](const TextEntry* entry) {
            add(entry->key());
            return true;
        });
    }

    MemberTable& operator=(const MemberTable&) = delete;

    ~MemberTable() {
        table_.visit([](TextEntry* entry) {
            TextEntry::Owned owned(entry);
            return true;
        });
    }

    BucketTable<TextEntry>& table() { return table_; }

    const BucketTable<TextEntry>& table() const { return table_; }

    void add(ByteView member) {
        TextEntry::Owned entry = TextEntry::make(member, {});
        entry_bytes_ += entry->memory_bytes();
        table_.insert(entry.release());
    }

    bool remove(ByteView member) {
        const TextEntry::Owned entry(table_.remove(member));
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

namespace {

// The set keeps a sorted array of numbers in its block: the mark is the bytes of each, 0 for texts.
// A block that is empty counts as numbers. (Mark 8 is the widest.)

/// Up to where texts are kept in one block; a search goes over all of it.
constexpr std::size_t kPackedTextsMax = 128;
constexpr std::size_t kPackedTextBytesMax = 64;

unsigned width_of(std::int64_t value) {
    if (value >= std::numeric_limits<std::int16_t>::min()
        && value <= std::numeric_limits<std::int16_t>::max()) {
        return 2;
    }
    return value >= std::numeric_limits<std::int32_t>::min()
                   && value <= std::numeric_limits<std::int32_t>::max()
               ? 4
               : 8;
}

std::int64_t number_at(const Packed& numbers, std::size_t index) {
    const char* data = numbers.data();
    switch (numbers.mark()) {
        case 2: return load_unaligned<std::int16_t>(data + index * 2);
        case 4: return load_unaligned<std::int32_t>(data + index * 4);
        default: return load_unaligned<std::int64_t>(data + index * 8);
    }
}

/// Where the number is or belongs.
std::size_t lower_bound(const Packed& numbers, std::int64_t value) {
    std::size_t low = 0;
    std::size_t high = numbers.count();
    while (low < high) {
        const std::size_t middle = low + (high - low) / 2;
        if (number_at(numbers, middle) < value) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

bool has_number(const Packed& numbers, std::int64_t value) {
    const std::size_t at = lower_bound(numbers, value);
    return at < numbers.count() && number_at(numbers, at) == value;
}

void put_number(Packed& numbers, std::size_t at, std::int64_t value, unsigned width) {
    // Little endian: the low bytes come first.
    char raw[8];
    std::memcpy(raw, &value, sizeof(raw));
    numbers.replace_bytes(at * width, 0, ByteView(raw, width), 1);
    numbers.set_mark(width);
}

Packed widened(const Packed& numbers, unsigned width) {
    std::string raw;
    raw.reserve(numbers.count() * width);
    for (std::size_t i = 0; i < numbers.count(); ++i) {
        const std::int64_t value = number_at(numbers, i);
        raw.append(reinterpret_cast<const char*>(&value), width);
    }
    Packed wide;
    wide.replace_bytes(0, 0, raw, static_cast<std::ptrdiff_t>(numbers.count()));
    wide.set_mark(width);
    return wide;
}

}  // namespace

SetValue::SetValue() = default;
SetValue::SetValue(const SetValue& other) = default;
SetValue::~SetValue() = default;

std::unique_ptr<Value> SetValue::copy() const {
    return std::unique_ptr<Value>(new SetValue(*this));
}

bool SetValue::is_integers() const {
    return !rep_.is_table() && (rep_.packed().count() == 0 || rep_.packed().mark() != 0);
}

std::string_view SetValue::encoding() const {
    return is_integers() ? "intset" : "hashtable";
}

std::size_t SetValue::size() const {
    return rep_.is_table() ? rep_.table().table().size() : rep_.packed().count();
}

std::size_t SetValue::memory_bytes() const {
    return sizeof(*this)
           + (rep_.is_table() ? rep_.table().memory_bytes() : rep_.packed().memory_bytes());
}

bool SetValue::add(ByteView member, const EncodingLimits& limits) {
    if (is_integers()) {
        if (const auto number = wire::parse_decimal(member)) {
            return add_integer(*number, limits);
        }
        integers_to_text();
    }
    return add_text(member, limits);
}

bool SetValue::add_integer(std::int64_t value, const EncodingLimits& limits) {
    Packed& numbers = rep_.packed();
    const std::size_t at = lower_bound(numbers, value);
    if (at < numbers.count() && number_at(numbers, at) == value) {
        return false;
    }
    const unsigned width = std::max(numbers.mark(), width_of(value));
    if (numbers.count() != 0 && width > numbers.mark()) {
        numbers = widened(numbers, width);
    }
    put_number(numbers, at, value, width);
    constexpr std::size_t kIntegersMax = std::size_t{1} << 25;  // Keeps the block below its limit.
    if (numbers.count() > std::min(limits.set_max_intset_entries, kIntegersMax)) {
        to_table(limits.hash_seed);
    }
    return true;
}

bool SetValue::add_text(ByteView member, const EncodingLimits& limits) {
    if (!rep_.is_table()) {
        Packed& texts = rep_.packed();
        if (texts.bytes() != 0 && texts.find(Needle(member), 1) != texts.bytes()) {
            return false;
        }
        if (texts.count() < kPackedTextsMax && member.size() <= kPackedTextBytesMax) {
            texts.append(member);
            return true;
        }
        to_table(limits.hash_seed);
    }
    if (rep_.table().table().find(member) != nullptr) {
        return false;
    }
    rep_.table().add(member);
    return true;
}

void SetValue::integers_to_text() {
    const Packed numbers = std::move(rep_.packed());
    Packed texts;
    for (std::size_t i = 0; i < numbers.count(); ++i) {
        texts.insert(texts.bytes(), number_at(numbers, i));
    }
    rep_.become(std::move(texts));
}

void SetValue::to_table(std::uint64_t seed) {
    auto table = std::make_unique<internal::MemberTable>(seed);
    visit([&](const Element& member) {
        table->add(member.view());
        return true;
    });
    rep_.become(std::move(table));
}

bool SetValue::remove(ByteView member) {
    if (rep_.is_table()) {
        return rep_.table().remove(member);
    }
    Packed& block = rep_.packed();
    if (block.count() == 0) {
        return false;
    }
    if (const unsigned width = block.mark(); width != 0) {
        const auto number = wire::parse_decimal(member);
        if (!number || !has_number(block, *number)) {
            return false;
        }
        block.replace_bytes(lower_bound(block, *number) * width, width, {}, -1);
        return true;
    }
    const std::size_t at = block.find(Needle(member), 1);
    if (at == block.bytes()) {
        return false;
    }
    block.erase(at, 1);
    return true;
}

bool SetValue::contains(ByteView member) const {
    if (rep_.is_table()) {
        return rep_.table().table().find(member) != nullptr;
    }
    const Packed& block = rep_.packed();
    if (block.count() == 0) {
        return false;
    }
    if (block.mark() != 0) {
        const auto number = wire::parse_decimal(member);
        return number && has_number(block, *number);
    }
    return block.find(Needle(member), 1) != block.bytes();
}

void SetValue::visit(FunctionRef<bool(const Element&)> visitor) const {
    if (rep_.is_table()) {
        rep_.table().table().visit([&](const TextEntry* entry) {
            return visitor(Element(entry->key()));
        });
        return;
    }
    const Packed& block = rep_.packed();
    if (block.mark() != 0) {
        for (std::size_t i = 0; i < block.count(); ++i) {
            if (!visitor(Element(number_at(block, i)))) {
                return;
            }
        }
        return;
    }
    for (std::size_t at = 0; at < block.bytes(); at = block.next(at)) {
        if (!visitor(block.element(at))) {
            return;
        }
    }
}

std::uint64_t SetValue::scan(
    std::uint64_t cursor,
    std::size_t count,
    FunctionRef<void(const Element&)> visitor
) const {
    if (rep_.is_table()) {
        return rep_.table().table().scan(cursor, count, [&](const TextEntry* entry) {
            visitor(Element(entry->key()));
        });
    }
    visit([&](const Element& member) {
        visitor(member);
        return true;
    });
    return 0;
}

Element SetValue::random(Random& random) const {
    if (rep_.is_table()) {
        return Element(rep_.table().table().random(random)->key());
    }
    const Packed& block = rep_.packed();
    const std::size_t index = random.below(block.count());
    return block.mark() != 0 ? Element(number_at(block, index)) : block.element(block.seek(index));
}

}  // namespace kumo::kv
