#include "api/elastic/documents/writer.h"
#include "api/elastic/fault.h"
#include "api/elastic/mapping/geo_values.h"
#include "api/elastic/search/fetch.h"
#include "api/elastic/search/highlighter.h"
#include "api/elastic/search/nested_hits.h"
#include "api/elastic/search/script_values.h"
#include "api/elastic/search/search_run.h"
#include "api/elastic/suggest/suggest.h"
#include "api/elastic/wildcard.h"
#include "wire/murmur3.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

namespace kumo::api_elastic {

namespace {

namespace tree = search::tree;

std::int64_t setting(const Index& index, std::string_view name, std::int64_t otherwise) {
    return Json(index.setting(name)).to_int64().value_or(otherwise);
}

}  // namespace

/// Parsing errors are the request's; others are of the shards.
Error wrapped(const std::string& index, const Error& error) {
    const Fault why = fault_of(error);
    if (why.type == "parsing_exception" || why.type == "search_phase_execution_exception"
        || why.type == "x_content_parse_exception" || why.type == "parse_exception") {
        return error;
    }
    return shard_failure(index, error);
}

std::unique_ptr<QueryContext> query_context(const Context& context, const SearchTarget& target) {
    auto out = std::unique_ptr<QueryContext>(
        new QueryContext{*target.index->mapping, *target.snapshot->schema, target.index->name}
    );
    out->aliases = target.aliases;
    out->now_millis = std::chrono::duration_cast<std::chrono::milliseconds>(
                          context.clock.wall_now().time_since_epoch()
    )
                          .count();
    out->regex_length_max =
        static_cast<std::size_t>(setting(*target.index, "index.max_regex_length", 1000));
    out->terms_max =
        static_cast<std::size_t>(setting(*target.index, "index.max_terms_count", 65536));
    const Json settings = context.cluster.find("settings");
    for (const std::string_view scope : {"transient", "persistent"}) {
        const Json* const of = settings.find(scope);
        const Json* const allowed =
            of == nullptr ? nullptr : of->find("search.allow_expensive_queries");
        if (allowed != nullptr) {
            out->expensive_allowed = allowed->to_bool().value_or(true);
            break;
        }
    }
    const std::string fields = target.index->setting("index.query.default_field");
    if (const Json* const list = target.index->settings.find("index.query.default_field")) {
        out->default_fields.clear();
        for (const Json& one : list->is_array() ? list->items() : Json::Array{*list}) {
            out->default_fields.push_back(one.text());
        }
    }
    out->lenient = target.index->setting("index.query_string.lenient") == "true";
    out->lookup =
        [&context](const std::string& index, const std::string& id, const std::string& /*routing*/)
        -> Result<std::optional<Json>> {
        if (context.indices.find(index) == nullptr) {
            return no_such_index(index);
        }
        KUMO_TRY_ASSIGN(const FoundDocument document, get_document(context, index, id, true));
        if (!document.found) {
            return std::optional<Json>();
        }
        KUMO_TRY_ASSIGN(Json source, Json::parse(document.stored.source));
        return std::optional(std::move(source));
    };
    out->script = [&context, mapping = target.index->mapping](const Json& script) {
        return script_function(context, *mapping, script);
    };
    return out;
}

Result<std::uint64_t>
count_matches(const Context& context, const std::vector<SearchTarget>& targets, const Json& query) {
    SearchBody body;
    body.query = query;
    body.size = 0;
    std::uint64_t total = 0;
    for (const SearchTarget& target : targets) {
        const auto parsed_for = query_context(context, target);
        enable_nested(*parsed_for, std::make_shared<NestedIndices>());
        tree::Boolean both;
        auto node = query.is_null() ? Result<tree::NodePtr>(tree::match_all())
                                    : parse_query(query, *parsed_for);
        if (!node.ok()) {
            return wrapped(target.index->name, node.error());
        }
        both.filter.push_back(std::move(node).value());
        if (!target.filter.is_null()) {
            auto filter = parse_query(target.filter, *parsed_for);
            if (!filter.ok()) {
                return wrapped(target.index->name, filter.error());
            }
            both.filter.push_back(std::move(filter).value());
        }
        tree::Evaluation evaluation(*target.snapshot);
        auto matches = tree::evaluate(*tree::boolean(std::move(both)), evaluation, false);
        if (!matches.ok()) {
            return wrapped(target.index->name, matches.error());
        }
        for (const tree::Matches& part : matches.value()) {
            total += part.size();
        }
    }
    return total;
}

}  // namespace kumo::api_elastic
