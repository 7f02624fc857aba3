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

ImportSource::ImportSource(StdioFile file, std::uint64_t bytes_total, SourceFormat format)
    : file_(std::move(file)), bytes_total_(bytes_total), skip_to_line_(format.skip_to_line) {
    if (format.csv) {
        csv_.emplace(std::move(format.types), format.list_separator);
    }
}

Result<ImportSource> ImportSource::open(const std::string& path, SourceFormat format) {
    StdioFile file = path == "-" ? StdioFile(stdin) : open_file(path, "re");
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
    return ImportSource(std::move(file), size, std::move(format));
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
        refuse(line.number, "the line is longer than 32 MB", batch);
    } else if (!blank(line.text)) {
        add_document(line.number, line.text, batch);
    }
}

Status ImportSource::add(const CsvRecord& record, SourceBatch& batch) {
    const auto document = csv_->document_of(record);
    if (!document.ok() && !has_head_) {
        return document.error();
    }
    has_head_ = true;
    if (!document.ok()) {
        refuse(record.number, document.error().message, batch);
    } else if (document.value()) {
        add_document(record.number, *document.value(), batch);
    }
    return {};
}

void ImportSource::add_document(std::uint64_t number, ByteView document, SourceBatch& batch) const {
    if (number <= skip_to_line_) {
        return;
    }
    SourceLine entry;
    entry.number = number;
    entry.begin = batch.body.size();
    batch.body.append(document);
    entry.end = batch.body.size();
    batch.body.push_back('\n');
    entry.input_end = bytes_read_ - (buffer_.size() - used_);
    batch.lines.push_back(entry);
}

void ImportSource::refuse(std::uint64_t number, std::string problem, SourceBatch& batch) const {
    if (number > skip_to_line_) {
        batch.unsent.push_back({number, std::move(problem)});
    }
}

/// False when what was read is used up.
Result<bool> ImportSource::add_next(SourceBatch& batch) {
    ByteView rest = ByteView(buffer_).substr(used_);
    if (csv_) {
        const auto record = records_.next(rest);
        used_ = buffer_.size() - rest.size();
        if (record) {
            KUMO_TRY(add(*record, batch));
        }
        return record.has_value();
    }
    const auto line = splitter_.next(rest);
    used_ = buffer_.size() - rest.size();
    if (line) {
        add(*line, batch);
    }
    return line.has_value();
}

Status ImportSource::add_last(SourceBatch& batch) {
    if (csv_) {
        const auto record = records_.finish();
        return record ? add(*record, batch) : Status();
    }
    if (const auto last = splitter_.finish()) {
        add(*last, batch);
    }
    return {};
}

Result<SourceBatch> ImportSource::next() {
    SourceBatch batch;
    while (batch.lines.size() + batch.unsent.size() < kBatchLinesMax
           && batch.body.size() < kBatchBytesMax) {
        KUMO_TRY_ASSIGN(const bool added, add_next(batch));
        if (added) {
            continue;
        }
        if (ended_) {
            break;
        }
        KUMO_TRY(read_chunk());
        if (ended_) {
            KUMO_TRY(add_last(batch));
        }
    }
    return batch;
}

}  // namespace kumo::cli
