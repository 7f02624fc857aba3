#include "kv/rdb/packed.h"

#include <charconv>
#include <optional>

namespace kumo::kv {

namespace {

constexpr std::uint8_t kEnd = 0xFF;
constexpr std::size_t kUnknownCount = 0xFFFF;
constexpr std::size_t kListpackHeaderBytes = 6;
constexpr std::size_t kZiplistHeaderBytes = 10;
constexpr std::size_t kIntsetHeaderBytes = 8;

std::uint8_t byte_at(ByteView bytes, std::size_t at) {
    return static_cast<std::uint8_t>(bytes[at]);
}

/// A little-endian number of `width` bytes with its sign. Requires: they are there; width <= 8.
std::int64_t signed_le(ByteView bytes, std::size_t width) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < width; ++i) {
        value |= static_cast<std::uint64_t>(byte_at(bytes, i)) << (8 * i);
    }
    const std::size_t unused = 64 - 8 * width;
    return static_cast<std::int64_t>(value << unused) >> unused;
}

/// The number behind a header byte, if it is there.
bool take_number(ByteView rest, std::size_t width, PackedElement* element, std::size_t* bytes) {
    if (rest.size() < 1 + width) {
        return false;
    }
    element->set_number(signed_le(rest.substr(1), width));
    *bytes = 1 + width;
    return true;
}

/// What stands behind an element: 7 bits of its size a byte, the upper ones first, and all bytes
/// but the first with their upper bit set.
bool is_back_link(ByteView bytes, std::size_t size) {
    for (std::size_t i = bytes.size(); i-- > 0; size >>= 7U) {
        const std::size_t flag = i == 0 ? 0 : 128;
        if (byte_at(bytes, i) != ((size & 127U) | flag)) {
            return false;
        }
    }
    return true;
}

/// The header of a text in a ziplist.
struct TextHeader {
    std::size_t bytes;
    std::size_t size;
};

/// Lengths of texts are big-endian. Nothing: it is not there.
std::optional<TextHeader> ziplist_text_header(ByteView rest) {
    const std::size_t head = byte_at(rest, 0);
    if (head < 0x40) {
        return TextHeader{1, head};
    }
    if (head < 0x80) {
        if (rest.size() < 2) {
            return std::nullopt;
        }
        return TextHeader{2, (head & 0x3FU) << 8U | byte_at(rest, 1)};
    }
    if (head != 0x80 || rest.size() < 5) {
        return std::nullopt;
    }
    std::size_t size = 0;
    for (std::size_t i = 1; i < 5; ++i) {
        size = size << 8U | byte_at(rest, i);
    }
    return TextHeader{5, size};
}

std::optional<std::size_t> ziplist_number_width(std::size_t head) {
    switch (head) {
        case 0xC0: return 2;
        case 0xD0: return 4;
        case 0xE0: return 8;
        case 0xF0: return 3;
        case 0xFE: return 1;
        default: return std::nullopt;
    }
}

}  // namespace

void PackedElement::set_text(ByteView text) {
    is_number_ = false;
    data_ = text.data();
    size_ = text.size();
}

void PackedElement::set_number(std::int64_t number) {
    is_number_ = true;
    number_ = number;
    size_ = static_cast<std::size_t>(
        std::to_chars(digits_, digits_ + sizeof(digits_), number).ptr - digits_
    );
}

ListpackReader::ListpackReader(ByteView blob) {
    if (blob.size() <= kListpackHeaderBytes || byte_at(blob, blob.size() - 1) != kEnd
        || load_unaligned<std::uint32_t>(blob.data()) != blob.size()) {
        return;
    }
    ok_ = true;
    announced_ = load_unaligned<std::uint16_t>(blob.data() + 4);
    rest_ = blob.substr(kListpackHeaderBytes, blob.size() - kListpackHeaderBytes - 1);
}

bool ListpackReader::next(PackedElement* element) {
    if (!ok_) {
        return false;
    }
    if (rest_.empty()) {
        ok_ = announced_ == kUnknownCount || announced_ == read_;
        return false;
    }
    std::size_t bytes = 0;
    ok_ = take(element, &bytes);
    if (!ok_) {
        return false;
    }
    const std::size_t link = listpack_back_bytes(bytes);
    ok_ = rest_.size() - bytes >= link && is_back_link(rest_.substr(bytes, link), bytes);
    if (ok_) {
        rest_.remove_prefix(bytes + link);
        ++read_;
    }
    return ok_;
}

bool ListpackReader::take_text(std::size_t header_bytes, std::size_t size, PackedElement* element) {
    if (rest_.size() < header_bytes || rest_.size() - header_bytes < size) {
        return false;
    }
    element->set_text(rest_.substr(header_bytes, size));
    return true;
}

bool ListpackReader::take(PackedElement* element, std::size_t* bytes) {
    const std::size_t head = byte_at(rest_, 0);
    if (head < 0x80) {
        element->set_number(static_cast<std::int64_t>(head));
        *bytes = 1;
        return true;
    }
    if (head < 0xC0) {
        *bytes = 1 + (head & 0x3FU);
        return take_text(1, head & 0x3FU, element);
    }
    if (head < 0xF0) {
        if (rest_.size() < 2) {
            return false;
        }
        const std::size_t low = byte_at(rest_, 1);
        if (head < 0xE0) {
            const auto value = static_cast<std::int64_t>((head & 0x1FU) << 8U | low);
            element->set_number(value >= 4096 ? value - 8192 : value);
            *bytes = 2;
            return true;
        }
        const std::size_t size = (head & 0x0FU) << 8U | low;
        *bytes = 2 + size;
        return take_text(2, size, element);
    }
    switch (head) {
        case 0xF0: {
            if (rest_.size() < 5) {
                return false;
            }
            const std::size_t size = load_unaligned<std::uint32_t>(rest_.data() + 1);
            *bytes = 5 + size;
            return take_text(5, size, element);
        }
        case 0xF1: return take_number(rest_, 2, element, bytes);
        case 0xF2: return take_number(rest_, 3, element, bytes);
        case 0xF3: return take_number(rest_, 4, element, bytes);
        case 0xF4: return take_number(rest_, 8, element, bytes);
        default: return false;
    }
}

ZiplistReader::ZiplistReader(ByteView blob) : blob_(blob) {
    if (blob.size() <= kZiplistHeaderBytes || byte_at(blob, blob.size() - 1) != kEnd
        || load_unaligned<std::uint32_t>(blob.data()) != blob.size()) {
        return;
    }
    ok_ = true;
    tail_ = load_unaligned<std::uint32_t>(blob.data() + 4);
    announced_ = load_unaligned<std::uint16_t>(blob.data() + 8);
    at_ = kZiplistHeaderBytes;
    last_at_ = at_;
    end_ = blob.size() - 1;
}

bool ZiplistReader::next(PackedElement* element) {
    if (!ok_) {
        return false;
    }
    if (at_ == end_) {
        ok_ = (announced_ == kUnknownCount || announced_ == read_) && tail_ == last_at_;
        return false;
    }
    const std::size_t begin = at_;
    ok_ = take_previous_size() && take(element);
    last_at_ = begin;
    last_bytes_ = at_ - begin;
    ++read_;
    return ok_;
}

bool ZiplistReader::take_previous_size() {
    const std::size_t head = byte_at(blob_, at_);
    if (head < 0xFE) {
        ++at_;
        return head == last_bytes_;
    }
    if (head == kEnd || end_ - at_ < 5) {
        return false;
    }
    const std::size_t size = load_unaligned<std::uint32_t>(blob_.data() + at_ + 1);
    at_ += 5;
    return size == last_bytes_;
}

bool ZiplistReader::take(PackedElement* element) {
    const ByteView rest = blob_.substr(at_, end_ - at_);
    if (rest.empty()) {
        return false;
    }
    const std::size_t head = byte_at(rest, 0);
    if (head < 0xC0) {
        const auto text = ziplist_text_header(rest);
        if (!text || rest.size() - text->bytes < text->size) {
            return false;
        }
        element->set_text(rest.substr(text->bytes, text->size));
        at_ += text->bytes + text->size;
        return true;
    }
    if (head > 0xF0 && head < 0xFE) {  // The number is in the header: 0 to 12.
        element->set_number(static_cast<std::int64_t>(head - 0xF1));
        ++at_;
        return true;
    }
    const auto width = ziplist_number_width(head);
    std::size_t bytes = 0;
    if (!width || !take_number(rest, *width, element, &bytes)) {
        return false;
    }
    at_ += bytes;
    return true;
}

IntsetReader::IntsetReader(ByteView blob) {
    if (blob.size() < kIntsetHeaderBytes) {
        return;
    }
    width_ = load_unaligned<std::uint32_t>(blob.data());
    const std::uint64_t count = load_unaligned<std::uint32_t>(blob.data() + 4);
    rest_ = blob.substr(kIntsetHeaderBytes);
    ok_ = (width_ == 2 || width_ == 4 || width_ == 8) && count * width_ == rest_.size();
}

bool IntsetReader::next(PackedElement* element) {
    if (!ok_ || rest_.empty()) {
        return false;
    }
    const std::int64_t value = signed_le(rest_, width_);
    ok_ = first_ || value > last_;
    first_ = false;
    last_ = value;
    rest_.remove_prefix(width_);
    element->set_number(value);
    return ok_;
}

ZipmapReader::ZipmapReader(ByteView blob) {
    if (blob.size() < 2 || byte_at(blob, blob.size() - 1) != kEnd) {
        return;
    }
    ok_ = true;
    announced_ = byte_at(blob, 0);
    rest_ = blob.substr(1, blob.size() - 2);
}

bool ZipmapReader::take_size(std::size_t* size) {
    *size = byte_at(rest_, 0);
    if (*size < 254) {
        rest_.remove_prefix(1);
        return true;
    }
    if (*size != 254 || rest_.size() < 5) {
        return false;
    }
    *size = load_unaligned<std::uint32_t>(rest_.data() + 1);
    rest_.remove_prefix(5);
    return true;
}

bool ZipmapReader::next(PackedElement* element) {
    if (!ok_) {
        return false;
    }
    const bool is_value = read_ % 2 == 1;
    if (rest_.empty()) {
        ok_ = !is_value && (announced_ >= 254 || announced_ * 2 == read_);
        return false;
    }
    std::size_t size = 0;
    std::size_t unused = 0;
    ok_ = take_size(&size);
    if (ok_ && is_value) {
        ok_ = !rest_.empty();
        unused = ok_ ? byte_at(rest_, 0) : 0;
        rest_.remove_prefix(ok_ ? 1 : 0);
    }
    ok_ = ok_ && rest_.size() >= size && rest_.size() - size >= unused;
    if (ok_) {
        element->set_text(rest_.substr(0, size));
        rest_.remove_prefix(size + unused);
        ++read_;
    }
    return ok_;
}

}  // namespace kumo::kv
