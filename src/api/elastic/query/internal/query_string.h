#pragma once

#include "api/elastic/query/internal/match.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace kumo::api_elastic {

/// What both kinds of query strings are read with.
struct StringOptions {
    std::vector<BoostedField> fields;
    bool lenient = false;
    bool all = false;  ///< The default operator is "and".
    MultiMatch multi{};
    std::string minimum_should_match{};
    std::string quote_analyzer{};
    std::string quote_field_suffix{};
    std::string time_zone{};
    std::uint32_t phrase_slop = 0;
    FuzzyOptions fuzzy{};
    bool leading_wildcard = true;
    bool analyze_wildcard = false;
};

/// One thing that was written, in all fields of a list; null where nothing is left of it.
class StringTerms {
public:
    StringTerms(const QueryContext& context, const StringOptions& options)
        : context_(context), options_(options) {}

    using Fields = std::vector<BoostedField>;

    NodeResult words(const Fields& fields, const std::string& text) const;
    NodeResult
    phrase(const Fields& fields, const std::string& text, std::optional<std::uint32_t> slop) const;
    NodeResult prefix(const Fields& fields, const std::string& text) const;
    NodeResult wildcard(const Fields& fields, const std::string& text) const;
    NodeResult regexp(const Fields& fields, const std::string& text) const;
    NodeResult
    fuzzy(const Fields& fields, const std::string& text, std::optional<Fuzziness> fuzziness) const;
    NodeResult range(const Fields& fields, const RangeBounds& bounds) const;
    NodeResult exists(const Fields& fields) const;

private:
    /// As the field's analyzer writes a word that is not whole.
    std::string normalized(const FieldQueries& field, const std::string& text) const;
    template <typename Make>
    NodeResult best_of(const Fields& fields, Make make) const;

    const QueryContext& context_;
    const StringOptions& options_;
};

/// Deeper brackets are an error; so are longer texts.
inline constexpr std::uint32_t kStringDepthMax = 50;
inline constexpr std::size_t kStringBytesMax = std::size_t{1} << 20;

}  // namespace kumo::api_elastic
