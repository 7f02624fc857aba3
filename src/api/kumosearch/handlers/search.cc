#include "api/kumosearch/handlers/handlers.h"
#include "api/kumosearch/handlers/run_search.h"
#include "api/kumosearch/query/search_plan.h"
#include "api/kumosearch/query/search_response.h"
#include "api/kumosearch/resources/synonyms.h"
#include "api/kumosearch/resources/values.h"

#include <utility>
#include <vector>

namespace kumo::api_kumosearch {

namespace {

/// The embedded parameters win, except that filters are ANDed.
void embed(Parameters& parameters, const Parameters& embedded) {
    const std::string filter = parameters.text("filter_by");
    parameters.override_with(embedded);
    if (embedded.has("filter_by")) {
        parameters.set("filter_by", filter);
        parameters.and_filter(embedded.text("filter_by"));
    }
}

/// What named resources add to a search.
Status add_resources(
    const node::Node& node,
    const Parameters& parameters,
    const node::CollectionSpec& collection,
    search::SearchRequest& request
) {
    KUMO_TRY_ASSIGN(request.stopwords, find_stopwords(node, parameters, collection.schema));
    KUMO_TRY_ASSIGN(request.synonyms, find_synonyms(node, parameters, collection));
    return {};
}

/// A field that a scoped key hides must not come out as a highlight. (One that the request itself
/// leaves out may: a snippet in place of the whole text.)
Status hide_highlights(
    const Parameters& embedded,
    const search::Schema& schema,
    search::HighlightOptions& highlight
) {
    KUMO_TRY_ASSIGN(const FieldSelection fields, plan_fields(embedded));
    for (std::vector<std::size_t>* list : {&highlight.fields, &highlight.full_fields}) {
        std::erase_if(*list, [&](std::size_t field) {
            return !fields.shows(schema.fields[field].name);
        });
    }
    return {};
}

}  // namespace

void run_search(
    const CallPtr& call,
    const std::string& collection,
    Parameters parameters,
    const Grant& grant,
    std::function<void(Result<std::string>)> done
) {
    const node::Node& node = call->context.node;
    auto info = node.collection(resolve_collection(node, collection));
    if (!info.ok()) {
        done(std::move(info).error());
        return;
    }
    embed(parameters, grant.embedded);
    apply_preset(node, parameters);
    const auto spec = std::make_shared<node::CollectionSpec>(std::move(info.value().spec));
    auto plan = plan_search(parameters, spec->schema, call->context.options);
    if (!plan.ok()) {
        done(std::move(plan).error());
        return;
    }
    const Status named = add_resources(node, parameters, *spec, plan.value().request);
    if (!named.ok()) {
        done(named.error());
        return;
    }
    const Status hidden =
        hide_highlights(grant.embedded, spec->schema, plan.value().request.highlight);
    if (!hidden.ok()) {
        done(hidden.error());
        return;
    }
    const MonotonicTime started = call->context.clock.monotonic_now();
    call->context.node.search(
        spec->name,
        std::move(plan.value().request),
        call->loop(),
        [call, spec, started, shape = std::move(plan.value().shape), done = std::move(done)](
            Result<search::SearchResult> found
        ) {
            if (!found.ok()) {
                done(std::move(found).error());
                return;
            }
            const Duration took = call->context.clock.monotonic_now() - started;
            done(write_result(found.value(), shape, spec->schema, spec->name, took));
        }
    );
}

void search_collection(const CallPtr& call) {
    Parameters parameters = call->parameters;
    if (!parameters.has("q")) {
        parameters.set("q", "");
    }
    run_search(
        call,
        call->collection(),
        std::move(parameters),
        call->grant,
        [call](Result<std::string> json) {
            if (!json.ok()) {
                answer_error(*call, json.error());
                return;
            }
            answer(*call, 200, std::move(json).value());
        }
    );
}

}  // namespace kumo::api_kumosearch
