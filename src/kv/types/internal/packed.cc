#include "kv/types/internal/packed.h"

#include "base/assert.h"
#include "wire/decimal.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

namespace kumo::kv::internal {

namespace {

// Tags of a block: up to here they are counts.
constexpr unsigned kTagsFrom = 0xfff0;
constexpr unsigned kUncounted = 0xffff;
constexpr unsigned kShortText = 0x80;
constexpr unsigned kMiddleText = 0xc0;
constexpr unsigned kWideNumber = 0xe0;
constexpr unsigned kLongText = 0xe8;
constexpr unsigned kReal8 = 0xe9;
constexpr unsigned kReal4 = 0xea;
constexpr unsigned kSmallNumber = 0xf0;
constexpr std::size_t kShortTextMax = 63;
constexpr std::size_t kMiddleTextMax = 64 + 8191;
constexpr std::int64_t kTinyNumberMax = 127;
constexpr std::int64_t kSmallNumberMax = 128 + 4095;

/// An element taken apart.
struct View {
    enum class Kind : std::uint8_t {
        kText,
        kNumber,
        kReal,
    };
    Kind kind = Kind::kText;
    ByteView text;
    std::int64_t number = 0;
    double real = 0;
    std::size_t bytes = 0;  ///< Head and payload, without the length behind.
};

/// An element's head (and payload, unless it is text), ready to be put into a block.
struct Coded {
    char head[9] = {};
    std::size_t head_bytes = 0;
    ByteView text;

    std::size_t bytes() const { return head_bytes + text.size(); }
};

unsigned byte_at(const char* at) {
    return static_cast<unsigned char>(*at);
}

/// Two's complement in as few bytes as keep the value.
std::size_t number_bytes(std::int64_t value) {
    const std::uint64_t magnitude = static_cast<std::uint64_t>(value < 0 ? ~value : value);
    return (static_cast<std::size_t>(std::bit_width(magnitude)) + 8) / 8;
}

std::int64_t load_number(const char* at, std::size_t bytes) {
    std::uint64_t value = 0;
    std::memcpy(&value, at, bytes);
    const unsigned unused = static_cast<unsigned>(64 - 8 * bytes);
    return static_cast<std::int64_t>(value << unused) >> unused;
}

View decode_number(const char* at, unsigned head) {
    View view;
    view.kind = View::Kind::kNumber;
    if (head < kShortText) {
        view.number = head;
        view.bytes = 1;
    } else if (head >= kSmallNumber) {
        view.number = 128 + static_cast<std::int64_t>(((head & 0xfU) << 8) | byte_at(at + 1));
        view.bytes = 2;
    } else {
        const std::size_t size = (head & 7U) + 1;
        view.number = load_number(at + 1, size);
        view.bytes = 1 + size;
    }
    return view;
}

View decode_text(const char* at, unsigned head) {
    View view;
    std::size_t size = 0;
    std::size_t head_bytes = 1;
    if (head < kMiddleText) {
        size = head & 0x3fU;
    } else if (head < kWideNumber) {
        size = 64 + (((head & 0x1fU) << 8) | byte_at(at + 1));
        head_bytes = 2;
    } else {
        size = load_unaligned<std::uint32_t>(at + 1);
        head_bytes = 5;
    }
    view.text = ByteView(at + head_bytes, size);
    view.bytes = head_bytes + size;
    return view;
}

View decode(const char* at) {
    const unsigned head = byte_at(at);
    if (head < kShortText || head >= kSmallNumber || (head >= kWideNumber && head < kLongText)) {
        return decode_number(at, head);
    }
    if (head == kReal8 || head == kReal4) {
        View view;
        view.kind = View::Kind::kReal;
        const bool narrow = head == kReal4;
        view.real = narrow ? static_cast<double>(load_unaligned<float>(at + 1))
                           : load_unaligned<double>(at + 1);
        view.bytes = narrow ? 5 : 9;
        return view;
    }
    return decode_text(at, head);
}

/// How many bytes the length behind takes: seven bits in each.
std::size_t back_bytes(std::size_t bytes) {
    return (static_cast<std::size_t>(std::bit_width(bytes | 1U)) + 6) / 7;
}

/// Written so that it is read from its last byte on: that one has the lowest bits, and a high bit
/// if there is more before it.
void write_back(char* at, std::size_t bytes) {
    const std::size_t size = back_bytes(bytes);
    for (std::size_t i = 0; i < size; ++i) {
        const bool more = i + 1 < size;
        at[size - 1 - i] = static_cast<char>((bytes & 0x7fU) | (more ? 0x80U : 0U));
        bytes >>= 7;
    }
}

std::size_t read_back(const char* end) {
    std::size_t bytes = 0;
    unsigned shift = 0;
    for (;;) {
        const unsigned byte = byte_at(--end);
        bytes |= static_cast<std::size_t>(byte & 0x7fU) << shift;
        if ((byte & 0x80U) == 0) {
            return bytes;
        }
        shift += 7;
    }
}

Coded code_number(std::int64_t value) {
    Coded coded;
    if (value >= 0 && value <= kTinyNumberMax) {
        coded.head[0] = static_cast<char>(value);
        coded.head_bytes = 1;
    } else if (value > kTinyNumberMax && value <= kSmallNumberMax) {
        const auto rest = static_cast<unsigned>(value - 128);
        coded.head[0] = static_cast<char>(kSmallNumber | (rest >> 8));
        coded.head[1] = static_cast<char>(rest & 0xffU);
        coded.head_bytes = 2;
    } else {
        const std::size_t size = number_bytes(value);
        coded.head[0] = static_cast<char>(kWideNumber | (size - 1));
        std::memcpy(coded.head + 1, &value, size);
        coded.head_bytes = 1 + size;
    }
    return coded;
}

Coded code_real(double value) {
    Coded coded;
    const auto narrow = static_cast<float>(value);
    if (static_cast<double>(narrow) == value) {
        coded.head[0] = static_cast<char>(kReal4);
        std::memcpy(coded.head + 1, &narrow, sizeof(narrow));
        coded.head_bytes = 5;
    } else {
        coded.head[0] = static_cast<char>(kReal8);
        std::memcpy(coded.head + 1, &value, sizeof(value));
        coded.head_bytes = 9;
    }
    return coded;
}

Coded code_text(ByteView text) {
    if (const auto number = wire::parse_decimal(text)) {
        return code_number(*number);
    }
    Coded coded;
    coded.text = text;
    if (text.size() <= kShortTextMax) {
        coded.head[0] = static_cast<char>(kShortText | text.size());
        coded.head_bytes = 1;
    } else if (text.size() <= kMiddleTextMax) {
        const std::size_t rest = text.size() - 64;
        coded.head[0] = static_cast<char>(kMiddleText | (rest >> 8));
        coded.head[1] = static_cast<char>(rest & 0xffU);
        coded.head_bytes = 2;
    } else {
        const auto size = static_cast<std::uint32_t>(text.size());
        coded.head[0] = static_cast<char>(kLongText);
        std::memcpy(coded.head + 1, &size, sizeof(size));
        coded.head_bytes = 5;
    }
    return coded;
}

std::size_t whole_bytes(const Coded& coded) {
    return coded.bytes() + back_bytes(coded.bytes());
}

void write(char* at, const Coded& coded) {
    std::memcpy(at, coded.head, coded.head_bytes);
    if (!coded.text.empty()) {
        std::memcpy(at + coded.head_bytes, coded.text.data(), coded.text.size());
    }
    write_back(at + coded.bytes(), coded.bytes());
}

}  // namespace

std::size_t allocation_bytes(std::size_t bytes) {
    if (bytes <= 8) {
        return 8;
    }
    if (bytes <= 128) {
        return (bytes + 15) & ~std::size_t{15};
    }
    const std::size_t step = std::bit_floor(bytes - 1) / 4;  // Four classes between powers of two.
    return (bytes + step - 1) & ~(step - 1);
}

Packed::Packed(const Packed& other) {
    if (other.block_ != nullptr) {
        const std::size_t size = kHeaderBytes + other.bytes();
        block_ = std::make_unique_for_overwrite<char[]>(allocation_bytes(size));
        std::memcpy(block_.get(), other.block_.get(), size);
    }
}

unsigned Packed::tag() const {
    return block_ == nullptr ? 0 : load_unaligned<std::uint16_t>(block_.get() + 4);
}

void Packed::set_tag(unsigned tag) {
    const auto stored = static_cast<std::uint16_t>(tag);
    std::memcpy(block_.get() + 4, &stored, sizeof(stored));
}

std::size_t Packed::walked_count() const {
    std::size_t count = 0;
    for (std::size_t at = 0; at < bytes(); at = next(at)) {
        ++count;
    }
    return count;
}

std::size_t Packed::count() const {
    const unsigned stored = tag();
    if (stored < kTagsFrom) {
        return stored;
    }
    if (stored == kUncounted) {
        return walked_count();
    }
    const unsigned each = mark();
    KUMO_ASSERT(each != 0);
    return bytes() / each;
}

std::size_t Packed::bytes() const {
    return block_ == nullptr ? 0 : load_unaligned<std::uint32_t>(block_.get());
}

std::size_t Packed::memory_bytes() const {
    return block_ == nullptr ? 0 : allocation_bytes(kHeaderBytes + bytes());
}

unsigned Packed::mark() const {
    const unsigned stored = tag();
    return stored < kTagsFrom || stored == kUncounted ? 0 : stored - kTagsFrom;
}

void Packed::set_mark(unsigned mark) {
    set_tag(kTagsFrom + mark);
}

char* Packed::data() {
    return block_.get() + kHeaderBytes;
}

const char* Packed::data() const {
    return block_.get() + kHeaderBytes;
}

std::size_t Packed::next(std::size_t offset) const {
    const std::size_t size = decode(data() + offset).bytes;
    return offset + size + back_bytes(size);
}

std::size_t Packed::previous(std::size_t offset) const {
    const std::size_t size = read_back(data() + offset);
    return offset - size - back_bytes(size);
}

Element Packed::element(std::size_t offset) const {
    const View view = decode(data() + offset);
    return view.kind == View::Kind::kNumber ? Element(view.number) : Element(view.text);
}

double Packed::real(std::size_t offset) const {
    const View view = decode(data() + offset);
    return view.kind == View::Kind::kNumber ? static_cast<double>(view.number) : view.real;
}

bool Packed::equals(std::size_t offset, const Needle& needle) const {
    const View view = decode(data() + offset);
    if (needle.integer) {
        return view.kind == View::Kind::kNumber && view.number == *needle.integer;
    }
    return view.kind == View::Kind::kText && view.text == needle.text;
}

int Packed::compare(std::size_t offset, ByteView text) const {
    return element(offset).view().compare(text);
}

std::size_t Packed::seek(std::size_t index) const {
    const std::size_t total = count();
    if (index <= total / 2) {
        std::size_t offset = 0;
        for (std::size_t i = 0; i < index; ++i) {
            offset = next(offset);
        }
        return offset;
    }
    std::size_t offset = bytes();
    for (std::size_t i = total; i > index; --i) {
        offset = previous(offset);
    }
    return offset;
}

std::size_t Packed::find(const Needle& needle, std::size_t step) const {
    const std::size_t end = bytes();
    std::size_t offset = 0;
    while (offset < end) {
        if (equals(offset, needle)) {
            return offset;
        }
        for (std::size_t i = 0; i < step && offset < end; ++i) {
            offset = next(offset);
        }
    }
    return end;
}

void Packed::insert(std::size_t offset, ByteView text) {
    const Coded coded = code_text(text);
    write(open_gap(offset, 0, whole_bytes(coded), 1), coded);
}

void Packed::insert(std::size_t offset, std::int64_t value) {
    const Coded coded = code_number(value);
    write(open_gap(offset, 0, whole_bytes(coded), 1), coded);
}

void Packed::insert_real(std::size_t offset, double value) {
    // Minus zero stays a double: as a number it would lose its sign.
    const bool whole = value >= -9e15 && value <= 9e15
                       && static_cast<double>(static_cast<std::int64_t>(value)) == value
                       && (value != 0 || !std::signbit(value));
    const Coded coded = whole ? code_number(static_cast<std::int64_t>(value)) : code_real(value);
    write(open_gap(offset, 0, whole_bytes(coded), 1), coded);
}

void Packed::replace(std::size_t offset, ByteView text) {
    const Coded coded = code_text(text);
    const std::size_t old = next(offset) - offset;
    write(open_gap(offset, old, whole_bytes(coded), 0), coded);
}

void Packed::erase(std::size_t offset, std::size_t elements) {
    std::size_t end = offset;
    for (std::size_t i = 0; i < elements; ++i) {
        end = next(end);
    }
    replace_bytes(offset, end - offset, {}, -static_cast<std::ptrdiff_t>(elements));
}

Packed Packed::split(std::size_t offset) {
    Packed tail;
    std::size_t moved = 0;
    for (std::size_t at = offset; at < bytes(); at = next(at)) {
        ++moved;
    }
    if (moved == 0) {
        return tail;
    }
    const std::size_t size = bytes() - offset;
    tail.replace_bytes(0, 0, ByteView(data() + offset, size), static_cast<std::ptrdiff_t>(moved));
    replace_bytes(offset, size, {}, -static_cast<std::ptrdiff_t>(moved));
    return tail;
}

void Packed::append_all(const Packed& other) {
    if (other.block_ != nullptr) {
        const ByteView all(other.data(), other.bytes());
        replace_bytes(bytes(), 0, all, static_cast<std::ptrdiff_t>(other.count()));
    }
}

std::size_t Packed::element_bytes(ByteView text) {
    return whole_bytes(code_text(text));
}

void Packed::replace_bytes(
    std::size_t offset,
    std::size_t removed,
    ByteView inserted,
    std::ptrdiff_t count_change
) {
    char* gap = open_gap(offset, removed, inserted.size(), count_change);
    if (!inserted.empty()) {
        std::memcpy(gap, inserted.data(), inserted.size());
    }
}

char* Packed::open_gap(
    std::size_t offset,
    std::size_t removed,
    std::size_t inserted,
    std::ptrdiff_t count_change
) {
    const bool marked = mark() != 0;
    const auto new_count = static_cast<std::size_t>(
        static_cast<std::ptrdiff_t>(marked ? 0 : count()) + (marked ? 0 : count_change)
    );
    const unsigned new_tag =
        marked ? tag() : static_cast<unsigned>(std::min<std::size_t>(new_count, kUncounted));
    const std::size_t old_bytes = bytes();
    const std::size_t tail = old_bytes - offset - removed;
    const std::size_t new_bytes = old_bytes - removed + inserted;
    KUMO_ASSERT(new_bytes <= UINT32_MAX);
    if (new_bytes == 0) {
        block_.reset();
        return nullptr;
    }
    const std::size_t room = allocation_bytes(kHeaderBytes + new_bytes);
    if (block_ == nullptr || room != allocation_bytes(kHeaderBytes + old_bytes)) {
        auto block = std::make_unique_for_overwrite<char[]>(room);
        char* to = block.get() + kHeaderBytes;
        if (block_ != nullptr) {
            std::memcpy(to, data(), offset);
            std::memcpy(to + offset + inserted, data() + offset + removed, tail);
        }
        block_ = std::move(block);
    } else {
        std::memmove(data() + offset + inserted, data() + offset + removed, tail);
    }
    const auto stored = static_cast<std::uint32_t>(new_bytes);
    std::memcpy(block_.get(), &stored, sizeof(stored));
    set_tag(new_tag >= kTagsFrom && !marked ? kUncounted : new_tag);
    return data() + offset;
}

}  // namespace kumo::kv::internal
