#include "io/fs.h"

#include <algorithm>

namespace kumo::io {

namespace {

/// What the disk is given at once.
constexpr std::size_t kPieceBytes = std::size_t{256} << 10;
/// What may wait for the disk.
constexpr std::uint64_t kEvenBytes = std::uint64_t{8} << 20;

Status
remove_entries(Fs& fs, const std::string& path, const std::vector<DirEntry>& entries, int depth) {
    if (depth > kTreeDepthMax) {
        return Error{ErrorCode::kLimitExceeded, "remove " + path + ": directories nest too deep"};
    }
    for (const DirEntry& entry : entries) {
        const std::string child = join_path(path, entry.name);
        if (!entry.is_directory) {
            KUMO_TRY(fs.unlink(child));
            continue;
        }
        KUMO_TRY_ASSIGN(const std::vector<DirEntry> below, fs.list(child));
        KUMO_TRY(remove_entries(fs, child, below, depth + 1));
    }
    return fs.rmdir(path);
}

}  // namespace

std::string join_path(std::string_view directory, std::string_view name) {
    std::string path(directory);
    if (!path.empty() && path.back() != '/') {
        path += '/';
    }
    path += name;
    return path;
}

std::string parent_path(std::string_view path) {
    const std::size_t slash = path.rfind('/');
    if (slash == std::string_view::npos) {
        return ".";
    }
    return slash == 0 ? "/" : std::string(path.substr(0, slash));
}

Result<bool> exists(Fs& fs, const std::string& path) {
    auto size = fs.file_size(path);
    if (size.ok()) {
        return true;
    }
    if (size.error().code == ErrorCode::kNotFound) {
        return false;
    }
    return std::move(size).error();
}

Status make_directories(Fs& fs, const std::string& path) {
    KUMO_TRY_ASSIGN(const bool there, exists(fs, path));
    if (there) {
        return {};
    }
    const std::string parent = parent_path(path);
    if (parent != path && parent != ".") {
        KUMO_TRY(make_directories(fs, parent));
    }
    Status made = fs.mkdir(path);
    if (!made.ok() && made.error().code != ErrorCode::kAlreadyExists) {
        return made;
    }
    return fs.sync_dir(parent);
}

Status remove_tree(Fs& fs, const std::string& path) {
    auto entries = fs.list(path);
    if (entries.ok()) {
        return remove_entries(fs, path, entries.value(), 0);
    }
    if (entries.error().code == ErrorCode::kNotFound) {
        return {};
    }
    return fs.unlink(path
    );  // Not a directory; if it is one, this error says what is wrong with it.
}

Status write_evenly(File& file, std::uint64_t offset, ByteView bytes) {
    while (!bytes.empty()) {
        const std::uint64_t room = kEvenBytes - offset % kEvenBytes;
        const ByteView piece =
            bytes.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(room, kPieceBytes)));
        KUMO_TRY(file.write(offset, piece));
        file.begin_writing(offset, piece.size());
        offset += piece.size();
        bytes.remove_prefix(piece.size());
        if (offset % kEvenBytes == 0) {
            KUMO_TRY(file.sync());
        }
    }
    return {};
}

Status write_file(Fs& fs, const std::string& path, ByteView bytes) {
    KUMO_TRY_ASSIGN(const std::unique_ptr<File> file, fs.open(path, OpenMode::kCreate));
    if (bytes.size() > kPieceBytes) {
        KUMO_TRY(file->allocate(bytes.size()));
    }
    KUMO_TRY(write_evenly(*file, 0, bytes));
    return file->sync();
}

Result<std::string> read_file(Fs& fs, const std::string& path, std::uint64_t bytes_max) {
    KUMO_TRY_ASSIGN(const std::unique_ptr<File> file, fs.open(path, OpenMode::kRead));
    KUMO_TRY_ASSIGN(const std::uint64_t size, file->size());
    if (size > bytes_max) {
        return Error{
            ErrorCode::kLimitExceeded,
            "read " + path + ": " + std::to_string(size) + " bytes, the limit is "
                + std::to_string(bytes_max)};
    }
    return file->read(0, static_cast<std::size_t>(size));
}

}  // namespace kumo::io
