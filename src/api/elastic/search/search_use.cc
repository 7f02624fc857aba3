#include "api/elastic/cluster_view.h"
#include "api/elastic/context.h"
#include "api/elastic/fault.h"
#include "api/elastic/search/search_run.h"
#include "api/elastic/usage.h"

#include <algorithm>
#include <set>
#include <string>

namespace kumo::api_elastic {

namespace {

/// Fields whose values an aggregation reads by ordinals of all of an index: keywords by "terms".
void collect_term_fields(const Json& aggregations, std::set<std::string>& out) {
    for (const auto& [name, options] :
         aggregations.is_object() ? aggregations.members() : Json::Object()) {
        const Json* const terms = options.find("terms");
        const Json* const field = terms == nullptr ? nullptr : terms->find("field");
        const Json* const hint = terms == nullptr ? nullptr : terms->find("execution_hint");
        if (field != nullptr && (hint == nullptr || hint->text() != "map")) {
            out.insert(field->text());
        }
        for (const std::string_view inner : {"aggs", "aggregations"}) {
            if (const Json* const children = options.find(inner)) {
                collect_term_fields(*children, out);
            }
        }
    }
}

/// Whether an answer shows documents or buckets that do not match.
bool shows_all(const Json& aggregations) {
    for (const auto& [name, options] :
         aggregations.is_object() ? aggregations.members() : Json::Object()) {
        for (const auto& [type, of] : options.is_object() ? options.members() : Json::Object()) {
            const Json* const least = of.find("min_doc_count");
            if (type == "global" || (least != nullptr && least->to_int64() == 0)
                || ((type == "aggs" || type == "aggregations") && shows_all(of))) {
                return true;
            }
        }
    }
    return false;
}

}  // namespace

void SearchRun::count_use() {
    std::set<std::string> fields;
    collect_term_fields(body_.aggregations, fields);
    for (const SortPart& part : body_.sort) {
        if (part.by == SortPart::By::kField) {
            fields.insert(part.field);
        }
    }
    const bool cacheable = body_.size == 0 && body_.scroll.empty();
    for (const SearchTarget& target : targets_) {
        const std::string& uuid = target.index->uuid;
        const auto shards = static_cast<std::uint64_t>(target.index->shards());
        // Nothing keeps answers: each that could have been kept is a miss.
        context_.usage.add(
            uuid,
            {{Use::kQuery, shards},
             {Use::kFetch, body_.size > 0 ? shards : 0},
             {Use::kScroll, body_.scroll.empty() ? 0 : shards},
             {Use::kSuggest, body_.suggest.is_null() ? 0 : shards},
             {Use::kCacheMiss, cacheable ? shards : 0}}
        );
        for (const std::string& group : body_.groups) {
            context_.usage.searched_group(uuid, group);
        }
        for (const std::string& name : fields) {
            const MappedField* const field = target.index->mapping->find(name);
            if (field != nullptr && (field->is_text() || field->kind == FieldKind::kKeyword)) {
                constexpr std::uint64_t kOrdinalBytes = 8;
                context_.usage.read_fielddata(
                    uuid,
                    field->path,
                    kOrdinalBytes * (target.snapshot->doc_count + 1)
                );
            }
        }
    }
}

std::int64_t SearchRun::shards_without_matches() const {
    if (body_.query.is_null() || body_.query.find("match_all") != nullptr
        || shows_all(body_.aggregations)) {
        return 0;
    }
    std::int64_t out = 0;
    std::int64_t total = 0;
    for (std::size_t i = 0; i < found_.size(); ++i) {
        const bool any = std::any_of(
            found_[i].matches.begin(),
            found_[i].matches.end(),
            [](const tree::Matches& part) { return part.size() > 0; }
        );
        total += targets_[i].index->shards();
        out += any ? 0 : targets_[i].index->shards();
    }
    return std::min(out, std::max<std::int64_t>(total - 1, 0));
}

Status SearchRun::check_fields() const {
    for (const SearchTarget& target : targets_) {
        const Mapping& mapping = *target.index->mapping;
        if (!body_.fields.empty() && !mapping.source_enabled()) {
            return shard_failure(
                target.index->name,
                illegal_argument(
                    "Unable to retrieve the requested [fields] since _source is disabled in the "
                    "mappings for index ["
                    + target.index->name + "]"
                )
            );
        }
        for (const WantedField& one : body_.fields) {
            const MappedField* const field = mapping.find(one.pattern);
            if (field != nullptr && !one.format.empty() && !field->is_date()
                && field->type != "date_range") {
                return shard_failure(
                    target.index->name,
                    illegal_argument(
                        "Field [" + field->path + "] of type [" + field->type
                        + "] doesn't support formats."
                    )
                );
            }
        }
    }
    return {};
}

Json SearchRun::profile() const {
    const ClusterView view = ClusterView::of(context_);
    const std::string node = view.self() == nullptr ? "" : view.self()->id;
    static const Json kNone;
    Json shards = Json::array();
    for (std::size_t i = 0; i < targets_.size(); ++i) {
        std::uint64_t matches = 0;
        std::uint64_t parts = 0;
        for (const tree::Matches& part : found_[i].matches) {
            matches += part.size();
            parts += part.size() > 0 ? 1 : 0;
        }
        shards.push(profile_json(
            {"[" + node + "][" + targets_[i].index->name + "][0]",
             *targets_[i].index->mapping,
             body_.query,
             body_.aggregations,
             aggregations_ ? *aggregations_ : kNone,
             matches,
             parts,
             found_[i].time,
             found_[i].time,
             fetch_time_,
             aggregation_times_}
        ));
    }
    return Json::object({{"shards", std::move(shards)}});
}

}  // namespace kumo::api_elastic
