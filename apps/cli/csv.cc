#include "cli/csv.h"

#include "wire/json.h"
#include "wire/json_writer.h"

#include <algorithm>
#include <utility>

namespace kumo::cli {
namespace {

constexpr ByteView kByteOrderMark = "\xef\xbb\xbf";
constexpr ByteView kListEnd = "[]";

bool is_json(ByteView text, bool (wire::JsonValue::*is_type)() const noexcept) {
    const auto parsed = wire::JsonDocument::parse(std::string(text));
    return parsed.ok() && (parsed.value().root().*is_type)();
}

bool is_number_type(ByteView type) {
    return type == "int32" || type == "int64" || type == "float";
}

std::string lower(ByteView text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return out;
}

void write_one(wire::JsonWriter& out, ByteView type, ByteView cell) {
    const std::string word = type == "bool" ? lower(cell) : std::string();
    const bool number = is_number_type(type) && is_json(cell, &wire::JsonValue::is_number);
    const bool structure = (type == "object" || type == "geopoint")
                           && (is_json(cell, &wire::JsonValue::is_object)
                               || is_json(cell, &wire::JsonValue::is_array));
    if (number || structure) {
        out.raw(cell);
    } else if (word == "true" || word == "false") {
        out.boolean(word == "true");
    } else {
        out.string(cell);
    }
}

void write_list(wire::JsonWriter& out, ByteView type, ByteView cell, char separator) {
    if (cell.starts_with('[') && is_json(cell, &wire::JsonValue::is_array)) {
        out.raw(cell);
        return;
    }
    out.begin_array();
    while (true) {
        const std::size_t end = std::min(cell.find(separator), cell.size());
        write_one(out, type, cell.substr(0, end));
        if (end == cell.size()) {
            break;
        }
        cell.remove_prefix(end + 1);
    }
    out.end_array();
}

}  // namespace

std::optional<CsvRecord> CsvSplitter::next(ByteView& chunk) {
    while (!chunk.empty()) {
        const char c = chunk.front();
        chunk.remove_prefix(1);
        line_ += c == '\n' ? 1 : 0;
        if (take(c)) {
            if (auto record = end_record()) {
                return record;
            }
        }
    }
    return std::nullopt;
}

/// True if the record has ended.
bool CsvSplitter::take(char c) {
    if (++bytes_ > record_bytes_max_ && record_.problem.empty()) {
        record_.problem =
            "the record is longer than " + std::to_string(record_bytes_max_ >> 20) + " MB";
        cell_.clear();
    }
    switch (at_) {
        case At::kQuoted:
            if (c == '"') {
                at_ = At::kQuoteInQuoted;
            } else {
                add(c);
            }
            return false;
        case At::kQuoteInQuoted:
            if (c == '"') {
                add(c);
                at_ = At::kQuoted;
                return false;
            }
            at_ = At::kPlain;
            break;
        case At::kStart:
            if (c == '"') {
                at_ = At::kQuoted;
                return false;
            }
            at_ = At::kPlain;
            break;
        case At::kPlain: break;
    }
    if (c == '\n') {
        return true;
    }
    if (c == ',') {
        end_cell();
    } else {
        add(c);
    }
    return false;
}

void CsvSplitter::add(char c) {
    if (record_.problem.empty()) {
        cell_.push_back(c);
    }
}

void CsvSplitter::end_cell() {
    record_.cells.push_back(std::exchange(cell_, {}));
    at_ = At::kStart;
}

std::optional<CsvRecord> CsvSplitter::end_record() {
    if (cell_.ends_with('\r')) {
        cell_.pop_back();
    }
    end_cell();
    CsvRecord out = std::exchange(record_, {});
    out.number = std::exchange(began_, line_);
    bytes_ = 0;
    if (!out.problem.empty()) {
        out.cells.clear();
        return out;
    }
    const bool blank =
        out.cells.size() == 1 && out.cells.front().find_first_not_of(" \t") == std::string::npos;
    return blank ? std::nullopt : std::optional(std::move(out));
}

std::optional<CsvRecord> CsvSplitter::finish() {
    if (bytes_ == 0) {
        return std::nullopt;
    }
    if (at_ == At::kQuoted && record_.problem.empty()) {
        record_.problem = "a quote is not closed";
    }
    return end_record();
}

Status CsvDocuments::take_head(const CsvRecord& record) {
    if (!record.problem.empty()) {
        return invalid_argument("the first line, which names the fields: " + record.problem);
    }
    for (const std::string& cell : record.cells) {
        ByteView name = cell;
        if (columns_.empty() && name.starts_with(kByteOrderMark)) {
            name.remove_prefix(kByteOrderMark.size());
        }
        const std::size_t begin = std::min(name.find_first_not_of(" \t"), name.size());
        const std::size_t end = name.find_last_not_of(" \t") + 1;
        Column column{std::string(name.substr(begin, end - std::min(begin, end))), "", false};
        if (column.name.empty()) {
            return invalid_argument("the first line has a column without a name");
        }
        const auto known = types_.find(column.name);
        column.type = known == types_.end() ? "string" : known->second;
        if (column.type.ends_with(kListEnd)) {
            column.is_list = true;
            column.type.resize(column.type.size() - kListEnd.size());
        }
        columns_.push_back(std::move(column));
    }
    return {};
}

Result<std::optional<std::string>> CsvDocuments::document_of(const CsvRecord& record) {
    if (columns_.empty()) {
        KUMO_TRY(take_head(record));
        return std::optional<std::string>();
    }
    if (!record.problem.empty()) {
        return invalid_argument(record.problem);
    }
    if (record.cells.size() != columns_.size()) {
        return invalid_argument(
            "the record has " + std::to_string(record.cells.size()) + " cells, the first line has "
            + std::to_string(columns_.size())
        );
    }
    std::string json;
    wire::JsonWriter out(json);
    out.begin_object();
    for (std::size_t i = 0; i < columns_.size(); ++i) {
        const Column& column = columns_[i];
        if (record.cells[i].empty()) {
            continue;
        }
        out.key(column.name);
        if (column.is_list) {
            write_list(out, column.type, record.cells[i], list_separator_);
        } else {
            write_one(out, column.type, record.cells[i]);
        }
    }
    out.end_object();
    return std::optional(std::move(json));
}

}  // namespace kumo::cli
