#include "api/kumosearch/query/filter_parser.h"

#include "api/kumosearch/parameters.h"
#include "api/kumosearch/query/filter_clause.h"
#include "api/kumosearch/query/filter_lexer.h"
#include "api/kumosearch/query/geo_clause.h"
#include "search/query/filter_eval.h"

#include <algorithm>
#include <string>
#include <utility>

namespace kumo::api_kumosearch {

namespace {

using search::Filter;

Error malformed(std::string_view why = {}) {
    std::string message = "Could not parse the filter query";
    return invalid_argument(message.append(why.empty() ? "" : ": ").append(why).append("."));
}

Error unsupported(std::string_view what) {
    return Error{
        ErrorCode::kUnsupported,
        std::string(what) + " in `filter_by` are not supported yet."};
}

/// Levels of the tree. It is at most a few hundred deep: one per operator.
std::uint32_t depth_of(const Filter& filter) {
    std::uint32_t deepest = 0;
    for (const Filter& child : filter.children) {
        deepest = std::max(deepest, depth_of(child));
    }
    return deepest + 1;
}

class FilterParser {
public:
    FilterParser(std::string_view text, const search::Schema& schema, const FilterLimits& limits)
        : lexer_(text), schema_(schema), limits_(limits), vertices_left_(limits.vertices_max) {}

    /// For what is inside braces: fields of the object of that path.
    FilterParser(std::string_view text, const FilterParser& outer, std::string_view object)
        : lexer_(text),
          schema_(outer.schema_),
          limits_(outer.limits_),
          operators_(outer.operators_),
          vertices_left_(outer.vertices_left_),
          prefix_(std::string(object) + ".") {}

    /// For what is inside the parentheses of a join: fields of that collection.
    FilterParser(
        std::string_view text,
        const FilterParser& outer,
        const search::Schema& schema,
        const FilterLimits& limits
    )
        : lexer_(text),
          schema_(schema),
          limits_(limits),
          operators_(outer.operators_),
          vertices_left_(outer.vertices_left_),
          joins_deep_(outer.joins_deep_ + 1) {}

    Result<Filter> parse() {
        if (lexer_.at_end()) {
            return Filter();
        }
        KUMO_TRY_ASSIGN(Filter filter, parse_expression(0));
        if (!lexer_.at_end()) {
            return malformed(lexer_.take(")") ? "unbalanced parentheses" : "");
        }
        if (depth_of(filter) > search::kFilterDepthMax) {
            return malformed("`&&` and `||` alternate too often");
        }
        return filter;
    }

private:
    Result<Filter> parse_expression(std::uint32_t depth) {
        KUMO_TRY_ASSIGN(Filter all, parse_clause(depth));
        for (;;) {
            Filter::Kind kind = Filter::Kind::kAnd;
            if (lexer_.take("||")) {
                kind = Filter::Kind::kOr;
            } else if (!lexer_.take("&&")) {
                return all;
            }
            if (++operators_ > limits_.operators_max) {
                return invalid_argument("`filter_by` has too many operations.");
            }
            KUMO_TRY_ASSIGN(Filter next, parse_clause(depth));
            if (all.kind != kind) {
                Filter group;
                group.kind = kind;
                group.children.push_back(std::move(all));
                all = std::move(group);
            }
            all.children.push_back(std::move(next));
        }
    }

    Result<Filter> parse_clause(std::uint32_t depth) {
        if (lexer_.take("(")) {
            if (depth == kFilterParenthesesMax) {
                return malformed("too many nested parentheses");
            }
            KUMO_TRY_ASSIGN(Filter inner, parse_expression(depth + 1));
            if (!lexer_.take(")")) {
                return malformed(lexer_.at_end() ? "unbalanced parentheses" : "");
            }
            return inner;
        }
        if (lexer_.at_end()) {
            return malformed("an operand is missing");
        }
        if (lexer_.take("!$")) {
            KUMO_TRY_ASSIGN(Filter joined, parse_join());
            Filter out;
            out.kind = Filter::Kind::kNot;
            out.children.push_back(std::move(joined));
            return out;
        }
        if (lexer_.take("$")) {
            return parse_join();
        }
        if (const auto braces = lexer_.take_braces()) {
            return parse_braces(*braces);
        }
        const std::string name(lexer_.take_field());
        if (name.empty()) {
            return malformed();
        }
        return parse_condition(prefix_ + name);
    }

    /// Some joined document has to pass all of it.
    Result<Filter> parse_join() {
        const std::string_view text = lexer_.rest();
        const FilterLexer::Braces parts = lexer_.take_join();
        if (!parts.closed || parts.name.empty() || trim(parts.inside).empty()) {
            return invalid_argument(
                "Could not parse the reference filter: `$" + std::string(text) + "`."
            );
        }
        if (limits_.joins == nullptr || !prefix_.empty()) {
            return unsupported("Joins");
        }
        if (joins_deep_ == search::kJoinDepthMax) {
            return malformed("too many nested joins");
        }
        if (++operators_ > limits_.operators_max) {
            return invalid_argument("`filter_by` has too many operations.");
        }
        search::Join join;
        KUMO_TRY_ASSIGN(join.step, limits_.joins->step(limits_.collection, parts.name));
        FilterLimits inside = limits_;
        inside.collection = join.step.collection;
        // The planner's list of collections may grow meanwhile.
        const auto schema = limits_.joins->shared_schema(join.step.collection);
        FilterParser inner(parts.inside, *this, *schema, inside);
        auto filter = inner.parse();
        operators_ = inner.operators_;
        vertices_left_ = inner.vertices_left_;
        if (!filter.ok()) {
            return Error{
                filter.error().code,
                "Failed to join on `" + std::string(parts.name)
                    + "` collection: " + filter.error().message};
        }
        join.filter = std::move(filter).value();
        Filter out;
        out.kind = Filter::Kind::kJoin;
        out.join = std::make_shared<const search::Join>(std::move(join));
        return out;
    }

    /// One object has to pass all of it.
    Result<Filter> parse_braces(const FilterLexer::Braces& braces) {
        if (!braces.closed || !prefix_.empty() || braces.name.empty()) {
            return malformed(braces.closed ? "" : "unbalanced braces");
        }
        FilterParser inner(braces.inside, *this, braces.name);
        KUMO_TRY_ASSIGN(Filter inside, inner.parse());
        operators_ = inner.operators_;
        if (inside.kind == Filter::Kind::kAll) {
            return malformed("an operand is missing");
        }
        inner.set_paths(inside);
        Filter out;
        out.kind = Filter::Kind::kElement;
        out.path = braces.name;
        out.children.push_back(std::move(inside));
        return out;
    }

    void set_paths(Filter& filter) const {
        for (Filter& child : filter.children) {
            set_paths(child);
        }
        const bool has_field = filter.children.empty() && filter.kind != Filter::Kind::kIds;
        if (has_field && filter.kind != Filter::Kind::kAll) {
            filter.path = schema_.fields[filter.field].name.substr(prefix_.size());
            filter.type = schema_.fields[filter.field].type;
        }
    }

    Result<Filter> parse_condition(const std::string& name) {
        if (name == "id") {
            const FilterOperator op = lexer_.take_operator(false);
            KUMO_TRY_ASSIGN(const FilterValues values, parse_values());
            return make_id_clause(op, values);
        }
        const auto at = schema_.find(name);
        const bool known = at && schema_.fields[*at].index && !schema_.fields[*at].is_object();
        if (!known && limits_.validate_field_names) {
            return invalid_argument(
                at ? "Cannot filter on non-indexed field `" + name + "`."
                   : "Could not find a filter field named `" + name + "` in the schema."
            );
        }
        if (known && schema_.fields[*at].is_vector()) {
            return invalid_argument("Cannot filter on vector field `" + name + "`.");
        }
        const FilterOperator op = lexer_.take_operator(known && schema_.fields[*at].is_number());
        if (known && schema_.fields[*at].is_geo()) {
            if (!prefix_.empty()) {
                return unsupported("Geographic fields in braces");
            }
            KUMO_TRY_ASSIGN(const FilterValue value, lexer_.take_value());
            return make_geo_clause({schema_.fields[*at], *at}, op, value.text, vertices_left_);
        }
        KUMO_TRY_ASSIGN(const FilterValues values, parse_values());
        if (!known) {
            Filter nothing;
            nothing.kind = Filter::Kind::kIds;
            return nothing;
        }
        return make_clause(schema_.fields[*at], *at, op, values);
    }

    Result<FilterValues> parse_values() {
        FilterValues out;
        if (!lexer_.take("[")) {
            KUMO_TRY_ASSIGN(FilterValue value, lexer_.take_value());
            out.items.push_back(std::move(value));
            return out;
        }
        out.list = true;
        if (lexer_.take("]")) {
            return out;
        }
        do {
            if (out.items.size() == kFilterListMax) {
                return malformed("a list has more than 10000 values");
            }
            KUMO_TRY_ASSIGN(FilterValue value, lexer_.take_item());
            out.items.push_back(std::move(value));
        } while (lexer_.take(","));
        if (!lexer_.take("]")) {
            return malformed("unbalanced brackets");
        }
        return out;
    }

    FilterLexer lexer_;
    const search::Schema& schema_;
    const FilterLimits& limits_;
    std::uint32_t operators_ = 0;
    std::size_t vertices_left_;
    std::string prefix_;
    std::uint32_t joins_deep_ = 0;
};

}  // namespace

Result<Filter>
parse_filter(std::string_view text, const search::Schema& schema, const FilterLimits& limits) {
    return FilterParser(text, schema, limits).parse();
}

}  // namespace kumo::api_kumosearch
