#pragma once

#include "base/result.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace kumo::api_kumosearch {

/// What stands between a field and its values.
enum class FilterOperator : std::uint8_t {
    kMatches,  ///< ":" alone.
    kEquals,
    kNotEquals,
    kNotMatches,
    kGreater,
    kGreaterEquals,
    kLess,
    kLessEquals,
};

/// One value of a clause.
struct FilterValue {
    std::string text;     ///< Without quotes and outer white space.
    bool prefix = false;  ///< An unquoted '*' stood at the end.
    bool quoted = false;  ///< Some of it stood in backticks: it may be empty on purpose.
};

/// Reads the parts of a filter_by text. What a part is depends on where it stands (a value may hold
/// almost anything), so the parser asks for what it expects. White space before a part is skipped.
/// Loop-owned; the text outlives it.
class FilterLexer {
public:
    explicit FilterLexer(std::string_view text) : rest_(text) {}

    bool at_end();

    /// Takes `symbol` if it comes next.
    bool take(std::string_view symbol);

    /// A field's name with its ':'. Empty if none comes next.
    std::string_view take_field();

    /// What stands between the braces of `name.{...}` if that comes next: the name and the inside.
    /// Nothing else is taken; an inside without an end is all there is, and `closed` is false.
    struct Braces {
        std::string_view name;
        std::string_view inside;
        bool closed = false;
    };

    std::optional<Braces> take_braces();

    /// What stands between the parentheses of `name(...)`, behind a '$' that was taken; the inside
    /// has parentheses in pairs. Without parentheses, or with no end to them, it is not `closed`.
    Braces take_join();

    /// `comparisons`: the field knows < and >; for others these belong to the value.
    FilterOperator take_operator(bool comparisons);

    /// A value up to "&&", "||", a ')' that closes nothing in it, or the end.
    Result<FilterValue> take_value();

    /// A value of a list, up to ',' or ']', which is left.
    Result<FilterValue> take_item();

    /// What is left, for messages.
    std::string_view rest() const { return rest_; }

private:
    class ValueBuilder;

    void skip_space();
    bool at_end_of_value(std::uint32_t parentheses) const;
    Status take_quoted(ValueBuilder& value);

    std::string_view rest_;
};

}  // namespace kumo::api_kumosearch
