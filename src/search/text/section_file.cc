#include "search/text/section_file.h"

#include "base/assert.h"

#include <algorithm>
#include <cstring>
#define XXH_INLINE_ALL
#include <xxhash.h>

// Layout: header (64 bytes), sections, table. All integers little-endian.
namespace kumo::search {
namespace {

constexpr std::uint64_t kMagic = 0x0047'4553'4F4D'554BULL;  // "KUMOSEG\0"
constexpr std::uint32_t kVersion = 1;
constexpr std::uint32_t kSectionsMax = 65536;
constexpr std::uint32_t kNameBytesMax = 4096;

struct Header {
    std::uint64_t magic;
    std::uint32_t version;
    std::uint32_t section_count;
    std::uint64_t table_offset;
    std::uint64_t table_bytes;
    std::uint64_t table_checksum;
    std::uint64_t reserved[2];
    std::uint64_t header_checksum;  // of the bytes before it
};

static_assert(sizeof(Header) == 64);

struct TableEntry {
    std::uint64_t offset;
    std::uint64_t size;
    std::uint64_t checksum;
    std::uint64_t name_bytes;  // the name follows
};

std::uint64_t checksum_of(ByteView bytes) {
    return XXH3_64bits(bytes.data(), bytes.size());
}

std::uint64_t header_checksum(const Header& header) {
    return XXH3_64bits(&header, offsetof(Header, header_checksum));
}

Result<Header> read_header(ByteView bytes) {
    if (reinterpret_cast<std::uintptr_t>(bytes.data()) % 8 != 0) {
        return invalid_argument("segment: the file's bytes do not start at a multiple of 8");
    }
    if (bytes.size() < sizeof(Header)) {
        return corruption("segment: too short for a header");
    }
    auto header = load_unaligned<Header>(bytes.data());
    if (header.magic != kMagic) {
        return corruption("segment: not a segment file");
    }
    if (header.header_checksum != header_checksum(header)) {
        return corruption("segment: header checksum mismatch");
    }
    if (header.version != kVersion) {
        return corruption("segment: unknown version " + std::to_string(header.version));
    }
    if (header.table_offset > bytes.size()
        || header.table_bytes > bytes.size() - header.table_offset
        || header.section_count > kSectionsMax) {
        return corruption("segment: table out of range");
    }
    return header;
}

/// Checks one entry against the part of the file before the table.
Result<ByteView> checked_section(
    ByteView bytes,
    const Header& header,
    const TableEntry& entry,
    const std::string& name
) {
    if (entry.offset % kSectionAlign != 0 || entry.offset > header.table_offset
        || entry.size > header.table_offset - entry.offset
        || header.table_offset - entry.offset - entry.size < kSectionPadding) {
        return corruption("segment: section '" + name + "' out of range");
    }
    return bytes.substr(entry.offset, entry.size);
}

}  // namespace

SectionFileBuilder::SectionFileBuilder() {
    out_.assign(sizeof(Header), '\0');
}

void SectionFileBuilder::add(std::string_view name, ByteView bytes) {
    KUMO_ASSERT(name.size() <= kNameBytesMax && entries_.size() < kSectionsMax);
    KUMO_ASSERT(std::none_of(entries_.begin(), entries_.end(), [&](const Entry& entry) {
        return entry.name == name;
    }));
    entries_.push_back(Entry{std::string(name), out_.size(), bytes.size(), checksum_of(bytes)});
    out_.append(bytes);
    std::uint64_t end = out_.size() + kSectionPadding;
    out_.resize((end + kSectionAlign - 1) / kSectionAlign * kSectionAlign, '\0');
}

std::string SectionFileBuilder::finish() {
    Header header{};
    header.magic = kMagic;
    header.version = kVersion;
    header.section_count = static_cast<std::uint32_t>(entries_.size());
    header.table_offset = out_.size();
    for (const Entry& entry : entries_) {
        append_fixed(out_, TableEntry{entry.offset, entry.size, entry.checksum, entry.name.size()});
        out_.append(entry.name);
    }
    header.table_bytes = out_.size() - header.table_offset;
    header.table_checksum = checksum_of(ByteView(out_).substr(header.table_offset));
    header.header_checksum = header_checksum(header);
    std::memcpy(out_.data(), &header, sizeof(header));
    entries_.clear();
    return std::move(out_);
}

Result<SectionFile> SectionFile::open(ByteView bytes, bool verify) {
    KUMO_TRY_ASSIGN(Header header, read_header(bytes));
    ByteView table = bytes.substr(header.table_offset, header.table_bytes);
    if (checksum_of(table) != header.table_checksum) {
        return corruption("segment: table checksum mismatch");
    }
    SectionFile file;
    for (std::uint32_t i = 0; i < header.section_count; ++i) {
        if (table.size() < sizeof(TableEntry)) {
            return corruption("segment: table too short");
        }
        auto entry = load_unaligned<TableEntry>(table.data());
        table.remove_prefix(sizeof(TableEntry));
        if (entry.name_bytes > kNameBytesMax || entry.name_bytes > table.size()) {
            return corruption("segment: section name out of range");
        }
        std::string name(table.substr(0, entry.name_bytes));
        table.remove_prefix(entry.name_bytes);
        KUMO_TRY_ASSIGN(ByteView section, checked_section(bytes, header, entry, name));
        if (verify && checksum_of(section) != entry.checksum) {
            return corruption("segment: section '" + name + "' checksum mismatch");
        }
        if (!file.sections_.emplace(name, section).second) {
            return corruption("segment: section '" + name + "' appears twice");
        }
    }
    return file;
}

Result<ByteView> SectionFile::section(std::string_view name) const {
    auto found = sections_.find(name);
    if (found == sections_.end()) {
        return corruption("segment: section '" + std::string(name) + "' is missing");
    }
    return found->second;
}

}  // namespace kumo::search
