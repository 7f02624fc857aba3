#pragma once

#include "api/elastic/query/query.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace kumo::api_elastic {

/// A field as queries mean it: what the mapping says, and where the engine has it.
struct Target {
    const MappedField* field = nullptr;   ///< Null: no such field.
    std::optional<std::size_t> engine{};  ///< Nothing: no document has had it yet.
    std::string leaf{};                   ///< Of a flat object: the keys below it, with dots.
    std::string path{};
};

Target resolve(const QueryContext& context, const std::string& path);

/// Bounds of a range, as they came.
struct RangeBounds {
    std::optional<Json> low{};
    std::optional<Json> high{};
    bool low_included = true;
    bool high_included = true;
    std::string format{};
    std::string time_zone{};
    std::string relation{};
};

struct Fuzziness {
    bool automatic = false;
    std::uint32_t edits = 0;
    std::uint32_t low = 3;   ///< Automatic: from so many code points on, one edit;
    std::uint32_t high = 6;  ///< from so many on, two.

    static Result<Fuzziness> parse(const Json& value);

    std::uint32_t edits_of(std::string_view term) const;
};

struct FuzzyOptions {
    Fuzziness fuzziness{true, 0};
    std::uint32_t prefix_length = 0;
    std::uint32_t expansions_max = 50;
    bool transpositions = true;
    bool constant = false;
};

using NodeResult = Result<tree::NodePtr>;

/// The queries of one field, as its kind has them. A query on a field that is not there matches
/// nothing. Errors are those of the API; parse errors of values are not yet wrapped.
class FieldQueries {
public:
    FieldQueries(const QueryContext& context, const std::string& path)
        : context_(context), target_(resolve(context, path)) {}

    const Target& target() const { return target_; }

    bool is_text() const { return target_.field != nullptr && target_.field->is_text(); }

    NodeResult term(const Json& value, bool ignore_case = false) const;
    NodeResult terms(const Json::Array& values) const;
    NodeResult range(const RangeBounds& bounds) const;
    NodeResult exists() const;
    NodeResult prefix(const std::string& value, bool ignore_case = false) const;
    NodeResult wildcard(const std::string& value, bool ignore_case = false) const;
    NodeResult regexp(const std::string& value, const tree::RegexpSyntax& syntax, bool ignore_case)
        const;
    NodeResult fuzzy(const std::string& value, const FuzzyOptions& options) const;

    /// A term of text that analysis has made.
    tree::NodePtr text_term(std::vector<std::string> forms) const;

    tree::TermScoring scoring() const;

private:
    NodeResult metadata_term(const Json& value) const;
    NodeResult term_of_kind(const Json& value) const;
    NodeResult ip_term(const std::string& text) const;
    NodeResult point_range(const RangeBounds& bounds) const;
    NodeResult string_range(const RangeBounds& bounds) const;
    NodeResult range_field(const RangeBounds& bounds) const;
    NodeResult range_exists() const;
    NodeResult pattern(std::string_view query, Result<tree::PatternPtr> made) const;
    Status check_pattern(std::string_view query) const;
    tree::NodePtr exists_in_source() const;
    tree::NodePtr exists_below() const;
    std::optional<std::size_t> engine_of(const std::string& name) const;

    /// Of a number, date or boolean: the codes from `bounds`, both ends included.
    struct Codes {
        std::int64_t low;
        std::int64_t high;
    };

    Result<Codes> codes_of(const RangeBounds& bounds) const;
    Result<Codes> date_codes(const RangeBounds& bounds) const;
    Result<Codes> int_codes(const RangeBounds& bounds) const;
    Result<Codes> real_codes(const RangeBounds& bounds) const;

    const QueryContext& context_;
    Target target_;
};

}  // namespace kumo::api_elastic
