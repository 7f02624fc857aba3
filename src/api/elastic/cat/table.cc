#include "api/elastic/cat/table.h"

#include "api/elastic/fault.h"
#include "api/elastic/wildcard.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

namespace kumo::api_elastic {

namespace {

/// How sizes and times are shown; empty: with the unit that fits.
struct Units {
    std::string bytes;
    std::string time;
};

std::string in_bytes_unit(std::uint64_t bytes, const std::string& unit) {
    if (unit.empty()) {
        return bytes_text(bytes);
    }
    const auto one = parse_bytes("1" + unit);
    return std::to_string(bytes / one.value_or(1));
}

std::string time_text(std::uint64_t millis) {
    constexpr std::array<std::pair<std::uint64_t, const char*>, 4> kUnits = {
        {{86'400'000, "d"}, {3'600'000, "h"}, {60'000, "m"}, {1'000, "s"}}};
    for (const auto& [size, name] : kUnits) {
        if (millis >= size) {
            std::array<char, 32> text{};
            std::snprintf(
                text.data(),
                text.size(),
                "%.1f",
                static_cast<double>(millis) / static_cast<double>(size)
            );
            std::string out(text.data());
            if (out.ends_with(".0")) {
                out.resize(out.size() - 2);
            }
            return out + name;
        }
    }
    return millis == 0 ? "0s" : std::to_string(millis) + "ms";
}

std::string in_time_unit(std::uint64_t millis, const std::string& unit) {
    if (unit.empty()) {
        return time_text(millis);
    }
    const std::map<std::string, double> units = {
        {"nanos", 1e-6},
        {"micros", 1e-3},
        {"ms", 1},
        {"s", 1e3},
        {"m", 6e4},
        {"h", 3.6e6},
        {"d", 8.64e7}};
    const auto found = units.find(unit);
    const double value = static_cast<double>(millis) / (found == units.end() ? 1 : found->second);
    return std::to_string(static_cast<std::uint64_t>(value));
}

std::optional<std::string> shown(const Cell& cell, const Units& units) {
    switch (cell.kind) {
        case Cell::Kind::kNone: return std::nullopt;
        case Cell::Kind::kText: return cell.text;
        case Cell::Kind::kBytes: return in_bytes_unit(cell.number, units.bytes);
        case Cell::Kind::kMillis: return in_time_unit(cell.number, units.time);
    }
    return std::nullopt;
}

/// A column under the name the request gave it.
struct Shown {
    const Column* column;
    std::string header;
};

bool is_called(const Column& column, std::string_view name) {
    return column.name == name
           || std::find(column.aliases.begin(), column.aliases.end(), name) != column.aliases.end();
}

std::vector<Shown> shown_columns(const Request& request, const std::vector<Column>& columns) {
    std::vector<Shown> out;
    const std::string* const wanted = request.parameters.find("h");
    if (wanted == nullptr) {
        for (const Column& column : columns) {
            if (column.shown) {
                out.push_back({&column, column.name});
            }
        }
        return out;
    }
    for (const std::string& name : split_list(*wanted)) {
        for (const Column& column : columns) {
            if (name.find('*') != std::string::npos ? matches_wildcard(name, column.name)
                                                    : is_called(column, name)) {
                out.push_back({&column, name.find('*') != std::string::npos ? column.name : name});
            }
        }
    }
    return out;
}

const Cell& cell_of(const Row& row, const std::string& name) {
    static const Cell kNone;
    const auto found = row.find(name);
    return found == row.end() ? kNone : found->second;
}

int compare(const Cell& a, const Cell& b) {
    if (a.kind == Cell::Kind::kNone || b.kind == Cell::Kind::kNone) {
        return static_cast<int>(a.kind != Cell::Kind::kNone)
               - static_cast<int>(b.kind != Cell::Kind::kNone);
    }
    if (a.kind != Cell::Kind::kText) {
        return a.number < b.number ? -1 : a.number > b.number ? 1 : 0;
    }
    const auto x = Json(a.text).to_double();
    const auto y = Json(b.text).to_double();
    if (x && y) {
        return *x < *y ? -1 : *x > *y ? 1 : 0;
    }
    return a.text.compare(b.text);
}

Status
sort_rows(const Request& request, const std::vector<Column>& columns, std::vector<Row>& rows) {
    struct Key {
        std::string name;
        bool descending = false;
    };

    std::vector<Key> keys;
    for (std::string name : split_list(request.parameters.text("s"))) {
        Key key;
        if (name.ends_with(":desc") || name.ends_with(":asc")) {
            key.descending = name.ends_with(":desc");
            name.resize(name.rfind(':'));
        }
        const auto found = std::find_if(columns.begin(), columns.end(), [&](const Column& column) {
            return is_called(column, name);
        });
        if (found == columns.end()) {
            return fault(
                "unsupported_operation_exception",
                "Unable to sort by unknown sort key `" + name + "`"
            );
        }
        key.name = found->name;
        keys.push_back(std::move(key));
    }
    std::stable_sort(rows.begin(), rows.end(), [&keys](const Row& a, const Row& b) {
        for (const Key& key : keys) {
            const int order = compare(cell_of(a, key.name), cell_of(b, key.name));
            if (order != 0) {
                return key.descending ? order > 0 : order < 0;
            }
        }
        return false;
    });
    return {};
}

std::size_t width_of(const std::string& text) {
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
        return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
    }));
}

/// Lines of cells, padded to the widest of their column.
std::string
padded(const std::vector<std::vector<std::string>>& lines, const std::vector<bool>& right) {
    std::vector<std::size_t> widths;
    for (const auto& line : lines) {
        widths.resize(std::max(widths.size(), line.size()));
        for (std::size_t i = 0; i < line.size(); ++i) {
            widths[i] = std::max(widths[i], width_of(line[i]));
        }
    }
    std::string out;
    for (const auto& line : lines) {
        for (std::size_t i = 0; i < line.size(); ++i) {
            const std::size_t gap = widths[i] - width_of(line[i]);
            const bool last = i + 1 == line.size();
            out.append(right[i] ? gap : 0, ' ');
            out += line[i];
            out.append(!right[i] && !last ? gap : 0, ' ');
            out += last ? "" : " ";
        }
        out += '\n';
    }
    return out;
}

std::string help_text(const std::vector<Column>& columns) {
    std::vector<std::vector<std::string>> lines;
    for (const Column& column : columns) {
        std::string aliases;
        for (const std::string& alias : column.aliases) {
            aliases += (aliases.empty() ? "" : ",") + alias;
        }
        lines.push_back({column.name, "|", aliases.empty() ? "-" : aliases, "|", column.name});
    }
    return padded(lines, std::vector<bool>(5, false));
}

bool wants_json(const Request& request) {
    const std::string format = request.parameters.text("format");
    return format == "json" || format == "yaml" || format == "cbor" || format == "smile"
           || (format.empty()
               && (request.accept.find("json") != std::string::npos
                   || request.accept.find("yaml") != std::string::npos));
}

}  // namespace

bool wants_help(const Request& request) {
    return request.parameters.flag_or("help", false);
}

Result<Answer> table_answer(const Request& request, std::string_view table, std::vector<Row> rows) {
    const std::vector<Column>& columns = columns_of(table);
    if (wants_help(request)) {
        return Answer::plain(help_text(columns));
    }
    KUMO_TRY(sort_rows(request, columns, rows));
    const std::vector<Shown> wanted = shown_columns(request, columns);
    const Units units{request.parameters.text("bytes"), request.parameters.text("time")};
    if (wants_json(request)) {
        Json list = Json::array();
        for (const Row& row : rows) {
            Json entry = Json::object();
            for (const Shown& one : wanted) {
                const auto text = shown(cell_of(row, one.column->name), units);
                entry[one.header] = text ? Json(*text) : Json();
            }
            list.push(std::move(entry));
        }
        return Answer(std::move(list));
    }
    std::vector<std::vector<std::string>> lines;
    std::vector<bool> right;
    for (const Shown& one : wanted) {
        right.push_back(one.column->right);
    }
    if (request.parameters.flag_or("v", false)) {
        std::vector<std::string> headers;
        for (const Shown& one : wanted) {
            headers.push_back(one.header);
        }
        lines.push_back(std::move(headers));
    }
    for (const Row& row : rows) {
        std::vector<std::string> line;
        for (const Shown& one : wanted) {
            line.push_back(shown(cell_of(row, one.column->name), units).value_or(""));
        }
        lines.push_back(std::move(line));
    }
    return Answer::plain(padded(lines, right));
}

}  // namespace kumo::api_elastic
