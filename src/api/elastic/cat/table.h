#pragma once

#include "api/elastic/cat/columns.h"
#include "api/elastic/request.h"
#include "base/result.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kumo::api_elastic {

/// A value of a table, as it is before the request says in which unit it is shown.
struct Cell {
    enum class Kind : std::uint8_t {
        kNone,  ///< Nothing: null in JSON.
        kText,
        kBytes,
        kMillis,
    };

    Cell() = default;

    // NOLINTBEGIN(google-explicit-constructor): rows read as what they are
    Cell(std::string value) : kind(Kind::kText), text(std::move(value)) {}

    Cell(const char* value) : kind(Kind::kText), text(value) {}

    Cell(std::int64_t value) : kind(Kind::kText), text(std::to_string(value)) {}

    Cell(std::uint64_t value) : kind(Kind::kText), text(std::to_string(value)) {}

    // NOLINTEND(google-explicit-constructor)

    static Cell bytes(std::uint64_t value) {
        Cell out;
        out.kind = Kind::kBytes;
        out.number = value;
        return out;
    }

    static Cell millis(std::uint64_t value) {
        Cell out;
        out.kind = Kind::kMillis;
        out.number = value;
        return out;
    }

    Kind kind = Kind::kNone;
    std::string text;
    std::uint64_t number = 0;
};

/// The rows of a `_cat` table, by the columns' names; cells that are not there are empty.
using Row = std::map<std::string, Cell, std::less<>>;

/// The table as the request wants it: text with padded columns, or JSON; `h`, `s`, `v`, `help`,
/// `bytes`, `time`. illegal_argument_exception for columns that are not there to sort by.
Result<Answer> table_answer(const Request& request, std::string_view table, std::vector<Row> rows);

/// Whether the request asks for the columns only.
bool wants_help(const Request& request);

}  // namespace kumo::api_elastic
