#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "search/schema/schema.h"
#include "wire/json.h"

#include <memory>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

namespace kumo::search {

/// Makes fields of what documents have and only a pattern of the schema, or an object around it,
/// declares: the first value decides on the type. Made for one schema; immutable, any thread.
class FieldFinder {
public:
    explicit FieldFinder(std::shared_ptr<const Schema> schema);
    ~FieldFinder();
    FieldFinder(const FieldFinder&) = delete;
    FieldFinder& operator=(const FieldFinder&) = delete;

    const std::shared_ptr<const Schema>& schema() const { return schema_; }

    /// Whether any document may have fields to be found.
    bool finds_any() const;

    /// The fields that this document is the first to have, in the order of its members.
    std::vector<Field> find(wire::JsonValue root) const;

    /// Whether the schema has this field because of the pattern (or object), and of no other that
    /// is declared before it.
    bool is_of(const Field& found, const Field& pattern) const;

private:
    struct Pattern;

    class Search;

    const Pattern* match(std::string_view name) const;

    std::shared_ptr<const Schema> schema_;
    std::vector<std::size_t> objects_;  ///< Positions of object fields.
    std::vector<Pattern> patterns_;     ///< In the order in which they are tried.
    std::unordered_set<std::string_view> known_;
};

/// The schema with these fields as well. Each takes the place of a pattern that has just its name,
/// and else comes last. kLimitExceeded if there are too many.
Result<std::shared_ptr<const Schema>>
with_found(const Schema& schema, const std::vector<Field>& found);

/// kInvalidArgument if the field's name is a pattern, and no regular expression.
Status check_pattern(const Field& field);

}  // namespace kumo::search
