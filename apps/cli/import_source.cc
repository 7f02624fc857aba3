#include "cli/import_source.h"

#include <cerrno>
#include <system_error>

#include <sys/stat.h>

namespace kumo::cli {
namespace {

constexpr std::size_t kReadBytes = std::size_t{256} << 10;

std::string system_words() {
    return std::generic_category().message(errno);
}

bool blank(ByteView text) {
    return text.find_first_not_of(" \t\r") == ByteView::npos;
}

}  // namespace

void ImportSource::Close::operator()(std::FILE* file) const {
    if (file != stdin) {
        (void)std::fclose(file);
    }
}

Result<ImportSource> ImportSource::open(const std::string& path) {
    File file(path == "-" ? stdin : std::fopen(path.c_str(), "re"));
    if (file == nullptr) {
        return not_found("cannot read " + path + ": " + system_words());
    }

    struct stat info {};

    if (fstat(fileno(file.get()), &info) != 0) {
        return not_found("cannot read " + path + ": " + system_words());
    }
    if (S_ISDIR(info.st_mode)) {
        return not_found("cannot read " + path + ": it is a directory");
    }
    const auto size = S_ISREG(info.st_mode) ? static_cast<std::uint64_t>(info.st_size) : 0;
    return ImportSource(std::move(file), size);
}

Status ImportSource::read_chunk() {
    buffer_.resize(kReadBytes);
    const std::size_t got = std::fread(buffer_.data(), 1, buffer_.size(), file_.get());
    if (got == 0 && std::ferror(file_.get()) != 0) {
        return Error{ErrorCode::kIo, "reading failed: " + system_words()};
    }
    buffer_.resize(got);
    used_ = 0;
    bytes_read_ += got;
    ended_ = got == 0;
    return {};
}

void ImportSource::add(const wire::Line& line, SourceBatch& batch) const {
    if (line.too_long) {
        batch.too_long.push_back(line.number);
        return;
    }
    if (blank(line.text)) {
        return;
    }
    SourceLine entry;
    entry.number = line.number;
    entry.begin = batch.body.size();
    batch.body.append(line.text);
    entry.end = batch.body.size();
    batch.body.push_back('\n');
    entry.input_end = bytes_read_ - (buffer_.size() - used_);
    batch.lines.push_back(entry);
}

Result<SourceBatch> ImportSource::next() {
    SourceBatch batch;
    while (batch.lines.size() < kBatchLinesMax && batch.body.size() < kBatchBytesMax) {
        ByteView rest = ByteView(buffer_).substr(used_);
        const auto line = splitter_.next(rest);
        used_ = buffer_.size() - rest.size();
        if (line) {
            add(*line, batch);
            continue;
        }
        if (ended_) {
            break;
        }
        KUMO_TRY(read_chunk());
        if (ended_) {
            if (const auto last = splitter_.finish()) {
                add(*last, batch);
            }
        }
    }
    return batch;
}

}  // namespace kumo::cli
