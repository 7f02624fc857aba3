#pragma once

#include "base/result.h"

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace kumo::api_elastic {

/// A number computed of others: the part of this API's script languages that has no statements.
/// Arithmetic, comparisons, && || !, ?:, parentheses, Math.* functions; what is not known by itself
/// (params.x, doc['x'].value, _score) is asked for by how it is written. Truth is 1 and 0.
/// Immutable; any thread.
class Expression {
public:
    using Lookup = std::function<Result<double>(const std::string& name)>;

    struct Node;

    /// script_exception "compile error".
    static Result<Expression> parse(std::string_view source);

    Result<double> evaluate(const Lookup& lookup) const;

private:
    explicit Expression(std::shared_ptr<const Node> root) : root_(std::move(root)) {}

    std::shared_ptr<const Node> root_;
};

}  // namespace kumo::api_elastic
