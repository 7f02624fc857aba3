#include "search/tree/internal/term_finder.h"

#include <algorithm>

namespace kumo::search::tree {

namespace {

/// The first ordinal of a sorted column with a string that is not below `text`.
std::uint32_t lower_bound(const ColumnReader& column, std::string_view text) {
    std::uint32_t low = 0;
    std::uint32_t high = column.string_count();
    while (low < high) {
        const std::uint32_t middle = low + (high - low) / 2;
        if (column.string(middle) < text) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

void for_each_string(
    const ColumnReader& column,
    std::string_view prefix,
    const std::function<bool(std::string_view, std::uint32_t)>& visit
) {
    const bool sorted = column.strings_sorted();
    const std::uint32_t begin = sorted ? lower_bound(column, prefix) : 0;
    for (std::uint32_t i = begin; i < column.string_count(); ++i) {
        const std::string_view text = column.string(i);
        if (text.substr(0, prefix.size()) != prefix) {
            if (sorted) {
                return;
            }
            continue;
        }
        if (!visit(text, i)) {
            return;
        }
    }
}

}  // namespace

std::optional<std::uint32_t> find_string(const ColumnReader& column, std::string_view text) {
    if (column.strings_sorted()) {
        const std::uint32_t at = lower_bound(column, text);
        if (at < column.string_count() && column.string(at) == text) {
            return at;
        }
        return std::nullopt;
    }
    for (std::uint32_t i = 0; i < column.string_count(); ++i) {
        if (column.string(i) == text) {
            return i;
        }
    }
    return std::nullopt;
}

std::vector<std::uint32_t> find_strings(const ColumnReader& column, const TermPattern& pattern) {
    std::vector<std::uint32_t> out;
    for_each_string(column, pattern.prefix(), [&](std::string_view text, std::uint32_t ordinal) {
        if (pattern.matches(text)) {
            out.push_back(ordinal);
        }
        return true;
    });
    return out;
}

void match_values(
    const ColumnReader& column,
    const std::vector<std::int64_t>& values,
    Bitmap& out
) {
    if (values.empty()) {
        return;
    }
    const auto span =
        static_cast<std::uint64_t>(values.back()) - static_cast<std::uint64_t>(values.front());
    if (span == values.size() - 1) {
        column.match_range(values.front(), values.back(), out);
        return;
    }
    for (std::uint32_t doc = 0; doc < column.doc_count(); ++doc) {
        const auto range = column.values_of(doc);
        for (std::uint64_t i = range.begin; i < range.end; ++i) {
            if (std::binary_search(values.begin(), values.end(), column.value(i))) {
                out.set(doc);
                break;
            }
        }
    }
}

void for_each_term(
    const Evaluation& evaluation,
    std::size_t part,
    std::size_t field,
    std::string_view prefix,
    const TermVisit& visit
) {
    if (const TextReader* text = evaluation.text(part, field); text != nullptr) {
        for_each_prefixed(*text, prefix, [&visit](const TermEnum& at) {
            return visit(at.term(), at.info().df);
        });
    } else if (const ColumnReader* column = evaluation.column(part, field); column != nullptr) {
        for_each_string(*column, prefix, [&visit](std::string_view term, std::uint32_t) {
            return visit(term, 0);
        });
    }
}

}  // namespace kumo::search::tree
