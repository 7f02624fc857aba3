#include "store/checkpoint.h"

#include <cstring>

#include <xxhash.h>

namespace kumo::store {

namespace {

constexpr char kContainerMagic[8] = {'K', 'U', 'M', 'O', 'F', 'I', 'L', '1'};

/// Little-endian, packed by construction; see docs/formats/checkpoint.md.
struct Header {
    char container[8];
    char kind[8];
    std::uint32_t version;
    std::uint32_t reserved;
    std::uint64_t content_bytes;
    std::uint64_t content_hash;
    std::uint64_t header_hash;  ///< Of all the bytes before it.
};

static_assert(sizeof(Header) == 48);

constexpr std::size_t kHashedHeaderBytes = sizeof(Header) - sizeof(std::uint64_t);

std::uint64_t hash_header(const Header& header) {
    return XXH3_64bits(&header, kHashedHeaderBytes);
}

std::string encode_header(const FileKind& kind, ByteView bytes) {
    Header header = {};
    std::memcpy(header.container, kContainerMagic, sizeof(kContainerMagic));
    std::memcpy(header.kind, kind.magic, sizeof(kind.magic));
    header.version = kind.version;
    header.content_bytes = bytes.size();
    header.content_hash = XXH3_64bits(bytes.data(), bytes.size());
    header.header_hash = hash_header(header);
    return {reinterpret_cast<const char*>(&header), sizeof(header)};
}

Status write_new(io::Fs& fs, const std::string& path, ByteView header, ByteView bytes) {
    KUMO_TRY_ASSIGN(const auto file, fs.open(path, io::OpenMode::kCreate));
    KUMO_TRY(file->write(0, header));
    KUMO_TRY(file->write(header.size(), bytes));
    return file->sync();
}

Error damaged(const std::string& path, const char* what) {
    return corruption(path + ": " + what);
}

Status check_header(const std::string& path, const Header& header, const FileKind& kind) {
    if (std::memcmp(header.container, kContainerMagic, sizeof(kContainerMagic)) != 0) {
        return damaged(path, "not a checked file");
    }
    if (header.header_hash != hash_header(header)) {
        return damaged(path, "the header's checksum does not match");
    }
    if (std::memcmp(header.kind, kind.magic, sizeof(kind.magic)) != 0) {
        return damaged(path, "another kind of file");
    }
    if (header.version > kind.version) {
        return Error{
            ErrorCode::kUnsupported,
            path + ": written by a newer release (version " + std::to_string(header.version)
                + ", this one reads up to " + std::to_string(kind.version) + ")"};
    }
    return {};
}

}  // namespace

Status
write_checked_file(io::Fs& fs, const std::string& path, const FileKind& kind, ByteView bytes) {
    if (bytes.size() > kCheckedFileBytesMax) {
        return Error{ErrorCode::kLimitExceeded, path + ": too large for a checked file"};
    }
    const std::string temporary = path + ".tmp";
    Status done = write_new(fs, temporary, encode_header(kind, bytes), bytes);
    if (done.ok()) {
        done = fs.rename(temporary, path);
    }
    if (!done.ok()) {
        // Best effort: it may hold the space whose lack was the error. A left-over is overwritten.
        (void)fs.unlink(temporary);
        return done;
    }
    Status synced = fs.sync_dir(io::parent_path(path));
    if (!synced.ok()) {
        Error error = std::move(synced).error();
        error.message += " (after the replacement: a crash may leave the old or the new content)";
        return error;
    }
    return {};
}

Result<CheckedFile> read_checked_file(io::Fs& fs, const std::string& path, const FileKind& kind) {
    KUMO_TRY_ASSIGN(const auto file, fs.open(path, io::OpenMode::kRead));
    KUMO_TRY_ASSIGN(const std::uint64_t size, file->size());
    if (size < sizeof(Header)) {
        return damaged(path, "shorter than its header");
    }
    KUMO_TRY_ASSIGN(const std::string head, file->read(0, sizeof(Header)));
    if (head.size() < sizeof(Header)) {
        return damaged(path, "shorter than its header");
    }
    const auto header = load_unaligned<Header>(head.data());
    KUMO_TRY(check_header(path, header, kind));
    if (header.content_bytes > kCheckedFileBytesMax
        || header.content_bytes != size - sizeof(Header)) {
        return damaged(path, "the length is not the one in the header");
    }
    CheckedFile content;
    content.version = header.version;
    KUMO_TRY_ASSIGN(
        content.bytes,
        file->read(sizeof(Header), static_cast<std::size_t>(header.content_bytes))
    );
    if (content.bytes.size() != header.content_bytes
        || XXH3_64bits(content.bytes.data(), content.bytes.size()) != header.content_hash) {
        return damaged(path, "the content's checksum does not match");
    }
    return content;
}

}  // namespace kumo::store
