#include "api/kumosearch/query/join_planner.h"

#include <algorithm>

namespace kumo::api_kumosearch {

namespace {

using search::Field;
using search::Filter;
using search::JoinStep;

Filter both(Filter::Kind kind, Filter a, Filter b) {
    if (a.kind == kind) {
        a.children.push_back(std::move(b));
        return a;
    }
    Filter out;
    out.kind = kind;
    out.children.push_back(std::move(a));
    out.children.push_back(std::move(b));
    return out;
}

}  // namespace

std::optional<std::size_t>
JoinPlanner::reference_to(const search::Schema& schema, const std::string& collection) const {
    for (std::size_t i = 0; i < schema.fields.size(); ++i) {
        const Field& field = schema.fields[i];
        if (field.is_reference()
            && resolve_(std::string(field.referenced_collection())) == collection) {
            return i;
        }
    }
    return std::nullopt;
}

std::optional<JoinStep>
JoinPlanner::connect(const JoinTarget& from, const JoinTarget& to, std::size_t collection) const {
    const auto end_of = [](const search::Schema& schema,
                           std::string_view field) -> std::optional<std::optional<std::size_t>> {
        if (field == "id") {
            return std::optional<std::size_t>();
        }
        const auto at = schema.find(field);
        return at ? std::optional(at) : std::nullopt;
    };
    JoinStep step;
    step.collection = collection;
    if (const auto back = reference_to(*to.schema, from.name)) {
        const auto here = end_of(*from.schema, to.schema->fields[*back].referenced_field());
        if (here) {
            step.forward = false;
            step.from = *here;
            step.to = back;
            return step;
        }
    }
    if (const auto reference = reference_to(*from.schema, to.name)) {
        const auto there = end_of(*to.schema, from.schema->fields[*reference].referenced_field());
        if (there) {
            step.from = reference;
            step.to = *there;
            return step;
        }
    }
    return std::nullopt;
}

Result<std::size_t> JoinPlanner::find_collection(std::string_view name, std::string_view where) {
    auto target = find_(std::string(name));
    if (!target.ok() && target.error().code == ErrorCode::kNotFound) {
        return invalid_argument(
            "Referenced collection `" + std::string(name) + "`" + std::string(where) + " not found."
        );
    }
    if (!target.ok()) {
        return std::move(target).error();
    }
    for (std::size_t i = 0; i < collections_.size(); ++i) {
        if (collections_[i].name == target.value().name) {
            return i;
        }
    }
    if (collections_.size() == search::kJoinedCollectionsMax) {
        return Error{
            ErrorCode::kLimitExceeded,
            "Only upto " + std::to_string(search::kJoinedCollectionsMax)
                + " collections can be joined."};
    }
    search::JoinedCollection& added = collections_.emplace_back();
    added.name = std::move(target.value().name);
    added.schema = std::move(target.value().schema);
    return collections_.size() - 1;
}

Result<JoinStep>
JoinPlanner::step(std::optional<std::size_t> from, std::string_view name, std::string_view where) {
    KUMO_TRY_ASSIGN(const std::size_t collection, find_collection(name, where));
    const JoinTarget here =
        from ? JoinTarget{collections_[*from].name, collections_[*from].schema} : main_;
    const JoinTarget there{collections_[collection].name, collections_[collection].schema};
    if (const auto step = connect(here, there, collection)) {
        return *step;
    }
    return invalid_argument(
        "Failed to join on `" + std::string(name) + "`: No reference field found."
    );
}

void JoinPlanner::allow_only(const Filter& filter) {
    if (filter.kind == Filter::Kind::kAnd) {
        for (const Filter& child : filter.children) {
            allow_only(child);
        }
    }
    if (filter.kind != Filter::Kind::kJoin) {
        return;
    }
    std::optional<Filter>& allowed = collections_[filter.join->step.collection].allowed;
    allowed = allowed ? both(Filter::Kind::kAnd, std::move(*allowed), filter.join->filter)
                      : filter.join->filter;
}

std::vector<FilterJoin> joins_of(const Filter& filter) {
    std::vector<FilterJoin> out;
    if (filter.kind == Filter::Kind::kJoin) {
        out.push_back({filter.join->step, filter.join->filter});
        return out;
    }
    if (filter.kind != Filter::Kind::kAnd && filter.kind != Filter::Kind::kOr) {
        return out;
    }
    for (const Filter& child : filter.children) {
        for (FilterJoin& join : joins_of(child)) {
            const auto same = std::find_if(out.begin(), out.end(), [&](const FilterJoin& known) {
                return known.step.collection == join.step.collection;
            });
            if (same == out.end()) {
                out.push_back(std::move(join));
            } else {
                same->filter = both(filter.kind, std::move(same->filter), std::move(join.filter));
            }
        }
    }
    return out;
}

const FilterJoin* find_join(const std::vector<FilterJoin>& joins, std::size_t collection) {
    const auto found = std::find_if(joins.begin(), joins.end(), [&](const FilterJoin& join) {
        return join.step.collection == collection;
    });
    return found == joins.end() ? nullptr : &*found;
}

}  // namespace kumo::api_kumosearch
