#pragma once

#include "base/result.h"
#include "cli/csv.h"
#include "cli/stdio_file.h"
#include "wire/lines.h"

#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace kumo::cli {

/// The longest document that is sent.
inline constexpr std::size_t kDocumentBytesMax = std::size_t{32} << 20;

/// One request carries at most this many lines, and no further line once it has this many bytes.
inline constexpr std::size_t kBatchLinesMax = 10000;
inline constexpr std::size_t kBatchBytesMax = std::size_t{4} << 20;

/// One line of a batch.
struct SourceLine {
    std::uint64_t number = 0;  ///< In the input, from 1.
    std::size_t begin = 0;     ///< In the batch's body, without the LF.
    std::size_t end = 0;
    std::uint64_t input_end = 0;  ///< Bytes of the input up to here.
};

/// A line that is not sent, and why.
struct UnsentLine {
    std::uint64_t number = 0;
    std::string problem;
};

/// How an input is read.
struct SourceFormat {
    bool csv = false;    ///< Else JSON lines.
    FieldTypes types{};  ///< Of the collection; for CSV.
    char list_separator = ';';
    std::uint64_t skip_to_line = 0;  ///< Lines up to this one were loaded before.
};

/// What one request sends.
struct SourceBatch {
    std::string body;  ///< Lines, each with its LF.
    std::vector<SourceLine> lines;
    std::vector<UnsentLine> unsent;

    bool empty() const { return lines.empty() && unsent.empty(); }

    std::string_view text(const SourceLine& line) const {
        return std::string_view(body).substr(line.begin, line.end - line.begin);
    }
};

/// Cuts a file or standard input into batches, holding one at a time. Blank lines are skipped. What
/// is sent of a CSV file are the documents made of its records.
class ImportSource {
public:
    /// "-" is standard input. kNotFound says why a file cannot be read.
    static Result<ImportSource> open(const std::string& path, SourceFormat format = {});

    /// The next batch; an empty one at the end. kIo if reading fails, kInvalidArgument if a CSV
    /// file's first line is wrong.
    Result<SourceBatch> next();

    /// Size of the input; 0 if it has none that is known (a pipe).
    std::uint64_t bytes_total() const { return bytes_total_; }

private:
    ImportSource(StdioFile file, std::uint64_t bytes_total, SourceFormat format);

    Status read_chunk();
    Result<bool> add_next(SourceBatch& batch);
    Status add_last(SourceBatch& batch);
    void add(const wire::Line& line, SourceBatch& batch) const;
    Status add(const CsvRecord& record, SourceBatch& batch);
    void add_document(std::uint64_t number, ByteView document, SourceBatch& batch) const;
    void refuse(std::uint64_t number, std::string problem, SourceBatch& batch) const;

    StdioFile file_;
    std::uint64_t bytes_total_;
    std::uint64_t skip_to_line_;
    wire::LineSplitter splitter_{kDocumentBytesMax};
    CsvSplitter records_{kDocumentBytesMax};
    std::optional<CsvDocuments> csv_;
    bool has_head_ = false;  ///< The names of the columns are read.
    std::string buffer_;
    std::size_t used_ = 0;          ///< Bytes at the front of buffer_ that the splitter has taken.
    std::uint64_t bytes_read_ = 0;  ///< Of the input, buffer_ included.
    bool ended_ = false;
};

}  // namespace kumo::cli
