#pragma once

#include "base/bytes.h"
#include "base/result.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace kumo::cli {

/// One record of a CSV file.
struct CsvRecord {
    std::uint64_t number = 0;  ///< Of the line that it begins on, from 1.
    std::vector<std::string> cells{};
    std::string problem{};  ///< Why it is none; then there are no cells.
};

/// Cuts a stream that arrives in arbitrary pieces into records (RFC 4180: commas, "quotes" with ""
/// in them, which may hold line ends; LF or CRLF). Blank lines are no records. Holds one record.
class CsvSplitter {
public:
    explicit CsvSplitter(std::size_t record_bytes_max) : record_bytes_max_(record_bytes_max) {}

    /// The next complete record, taking what it used off the front of `chunk`. Nothing when `chunk`
    /// is used up.
    std::optional<CsvRecord> next(ByteView& chunk);

    /// The stream has ended: the last record if it had no LF.
    std::optional<CsvRecord> finish();

private:
    enum class At : std::uint8_t {
        kStart,
        kPlain,
        kQuoted,
        kQuoteInQuoted
    };

    bool take(char c);
    void add(char c);
    void end_cell();
    std::optional<CsvRecord> end_record();

    std::size_t record_bytes_max_;
    CsvRecord record_;
    std::string cell_;
    At at_ = At::kStart;
    std::size_t bytes_ = 0;  ///< Of the record.
    std::uint64_t line_ = 1;
    std::uint64_t began_ = 1;
};

/// Types of a collection's fields ("int32", "string[]"), by name.
using FieldTypes = std::map<std::string, std::string, std::less<>>;

/// Makes documents of records: the first one names the fields. Numbers and booleans become such
/// where the collection has fields of that type, lists are cut at `list_separator` or are JSON, and
/// an empty cell is a field that is not there. Whatever does not fit stays a string, for the server
/// to judge.
class CsvDocuments {
public:
    CsvDocuments(FieldTypes types, char list_separator)
        : types_(std::move(types)), list_separator_(list_separator) {}

    /// One JSON object; nothing for the first record. kInvalidArgument says what is wrong with a
    /// record.
    Result<std::optional<std::string>> document_of(const CsvRecord& record);

private:
    struct Column {
        std::string name;
        std::string type;
        bool is_list = false;
    };

    Status take_head(const CsvRecord& record);

    const FieldTypes types_;
    const char list_separator_;
    std::vector<Column> columns_;
};

}  // namespace kumo::cli
