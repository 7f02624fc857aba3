#pragma once

#include "base/bytes.h"
#include "base/result.h"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace kumo::search {

/// Sections start at multiples of this, so that arrays in a mapped file are aligned.
inline constexpr std::uint64_t kSectionAlign = 64;

/// At least this many zero bytes follow every section: vector loads may run past its end.
inline constexpr std::uint64_t kSectionPadding = 64;

/// Writes a file of named, checksummed byte sections (docs/formats/segment.md) in memory. One
/// owner. A name is given once; giving it twice is our mistake and asserts.
class SectionFileBuilder {
public:
    SectionFileBuilder();

    void add(std::string_view name, ByteView bytes);

    /// The whole file. The builder is spent afterwards.
    std::string finish();

private:
    struct Entry {
        std::string name;
        std::uint64_t offset;
        std::uint64_t size;
        std::uint64_t checksum;
    };

    std::string out_;
    std::vector<Entry> entries_;
};

/// A section file read in place: nothing is copied, the bytes must outlive this and every view
/// taken from it, and start at a multiple of 8 (a mapped file does, a heap buffer does).
/// Immutable: any thread.
class SectionFile {
public:
    /// Checks the header and the table always, and each section's checksum if `verify`. A damaged
    /// file answers kCorruption and names the section.
    static Result<SectionFile> open(ByteView bytes, bool verify = true);

    /// The section's bytes, or kCorruption if the file has none of that name.
    Result<ByteView> section(std::string_view name) const;

    bool has(std::string_view name) const { return sections_.find(name) != sections_.end(); }

private:
    std::map<std::string, ByteView, std::less<>> sections_;
};

}  // namespace kumo::search
