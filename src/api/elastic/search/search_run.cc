#include "api/elastic/search/search_run.h"

#include "api/elastic/cluster_view.h"
#include "api/elastic/documents/writer.h"
#include "api/elastic/fault.h"
#include "api/elastic/mapping/geo_values.h"
#include "api/elastic/search/fetch.h"
#include "api/elastic/search/highlighter.h"
#include "api/elastic/search/nested_hits.h"
#include "api/elastic/search/search_checks.h"
#include "api/elastic/suggest/suggest.h"
#include "api/elastic/usage.h"
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

/// The first that names the index, an alias of it, or a wildcard for either.
float boost_of(const Json& boosts, const SearchTarget& target) {
    for (const Json& one : boosts.is_array() ? boosts.items() : Json::Array{boosts}) {
        for (const auto& [name, boost] : one.members()) {
            bool fits = matches_wildcard(name, target.index->name);
            for (const auto& [alias, value] : target.index->aliases.members()) {
                fits = fits || matches_wildcard(name, alias);
            }
            if (fits) {
                return static_cast<float>(boost.to_double().value_or(1));
            }
        }
    }
    return 1;
}

}  // namespace

SearchRun::SearchRun(const Context& context, std::vector<SearchTarget> targets, SearchBody body)
    : context_(context),
      targets_(std::move(targets)),
      body_(std::move(body)),
      found_(targets_.size()),
      begin_(context.clock.monotonic_now()) {}

bool SearchRun::needs_scores() const {
    return body_.sort.empty() || sorter_->needs_scores() || body_.track_scores || body_.min_score
           || !body_.rescore.is_null();
}

Status SearchRun::prepare(std::size_t i) {
    Target& found = found_[i];
    found.context = query_context(context_, targets_[i]);
    found.context->named = &found.named;
    found.context->inner_hits = &found.inner;
    enable_nested(*found.context, nested_);
    auto query = body_.query.is_null() ? Result<tree::NodePtr>(tree::match_all())
                                       : parse_query(body_.query, *found.context);
    if (!query.ok()) {
        return wrapped(targets_[i].index->name, query.error());
    }
    found.query = std::move(query).value();
    if (!targets_[i].filter.is_null()) {
        auto filter = parse_query(targets_[i].filter, *found.context);
        if (!filter.ok()) {
            return wrapped(targets_[i].index->name, filter.error());
        }
        tree::Boolean both;
        both.must.push_back(found.query);
        both.filter.push_back(std::move(filter).value());
        found.query = tree::boolean(std::move(both));
    }
    const float boost =
        body_.indices_boost.is_null() ? 1 : boost_of(body_.indices_boost, targets_[i]);
    if (boost != 1) {
        found.query = tree::boosted(found.query, boost);
    }
    return {};
}

Status SearchRun::find(std::size_t i, bool scored) {
    tree::Evaluation evaluation(*targets_[i].snapshot);
    const MonotonicTime start = context_.clock.monotonic_now();
    auto matches = tree::evaluate(*found_[i].query, evaluation, scored);
    if (!matches.ok()) {
        return wrapped(targets_[i].index->name, matches.error());
    }
    found_[i].matches = std::move(matches).value();
    found_[i].time = context_.clock.monotonic_now() - start;
    for (const InnerHits& inner : found_[i].inner) {
        auto finder =
            InnerHitsFinder::make(*found_[i].context, *targets_[i].snapshot, inner, nested_);
        if (!finder.ok()) {
            return wrapped(targets_[i].index->name, finder.error());
        }
        found_[i].finders.push_back(std::move(finder).value());
    }
    for (const NamedQuery& named : found_[i].named) {
        auto of_name = tree::evaluate(*named.node, evaluation, body_.named_scores);
        if (!of_name.ok()) {
            return wrapped(targets_[i].index->name, of_name.error());
        }
        found_[i].named_matches.push_back(std::move(of_name).value());
    }
    if (body_.min_score) {
        for (tree::Matches& part : found_[i].matches) {
            tree::Matches kept;
            for (std::size_t m = 0; m < part.size(); ++m) {
                if (part.score_at(m) >= *body_.min_score) {
                    kept.add(part.docs[m], part.score_at(m));
                }
            }
            part = std::move(kept);
        }
    }
    return filter_slice(i);
}

/// "slice": a part of the documents, by their ids.
Status SearchRun::filter_slice(std::size_t i) {
    if (body_.slice.is_null()) {
        return {};
    }
    const Json* const id = body_.slice.find("id");
    const Json* const max = body_.slice.find("max");
    const std::int64_t number = id == nullptr ? -1 : id->to_int64().value_or(-1);
    const std::int64_t count = max == nullptr ? 0 : max->to_int64().value_or(0);
    if (number < 0 || count <= 1 || number >= count) {
        return illegal_argument("max must be greater than id");
    }
    for (std::size_t p = 0; p < found_[i].matches.size(); ++p) {
        tree::Matches& part = found_[i].matches[p];
        tree::Matches kept;
        for (std::size_t m = 0; m < part.size(); ++m) {
            KUMO_TRY_ASSIGN(
                const auto document,
                stored_document(
                    targets_[i],
                    {static_cast<std::uint32_t>(i),
                     static_cast<std::uint32_t>(p),
                     part.docs[m],
                     0,
                     {}}
                )
            );
            if (wire::murmur3_32(document.id) % static_cast<std::uint64_t>(count)
                == static_cast<std::uint64_t>(number)) {
                kept.add(part.docs[m], part.score_at(m));
            }
        }
        part = std::move(kept);
    }
    return {};
}

void SearchRun::count() {
    total_ = 0;
    for (const Target& found : found_) {
        for (const tree::Matches& part : found.matches) {
            total_ += part.size();
        }
    }
    if (body_.terminate_after > 0 && total_ > static_cast<std::uint64_t>(body_.terminate_after)) {
        terminated_early_ = true;
        std::uint64_t left = static_cast<std::uint64_t>(body_.terminate_after);
        for (Target& found : found_) {
            for (tree::Matches& part : found.matches) {
                const std::size_t kept = std::min<std::uint64_t>(left, part.size());
                part.docs.resize(kept);
                part.scores.resize(std::min(kept, part.scores.size()));
                left -= kept;
            }
        }
        total_ = static_cast<std::uint64_t>(body_.terminate_after);
    }
}

Status SearchRun::filter_after_aggregations() {
    if (body_.post_filter.is_null()) {
        return {};
    }
    for (std::size_t i = 0; i < found_.size(); ++i) {
        auto filter = parse_query(body_.post_filter, *found_[i].context);
        if (!filter.ok()) {
            return wrapped(targets_[i].index->name, filter.error());
        }
        tree::Evaluation evaluation(*targets_[i].snapshot);
        auto matches = tree::evaluate(*filter.value(), evaluation, false);
        if (!matches.ok()) {
            return wrapped(targets_[i].index->name, matches.error());
        }
        for (std::size_t p = 0; p < found_[i].matches.size(); ++p) {
            found_[i].matches[p] = tree::keep(std::move(found_[i].matches[p]), matches.value()[p]);
        }
    }
    return {};
}

Status SearchRun::aggregate() {
    if (body_.aggregations.is_null()) {
        return {};
    }
    MonotonicTime before = context_.clock.monotonic_now();
    const auto lap = [this, &before](Duration& into) {
        const MonotonicTime now = context_.clock.monotonic_now();
        into = now - before;
        before = now;
    };
    AggregationContext context;
    std::vector<agg::IndexInput> inputs;
    agg::DocSet docs;
    for (std::size_t i = 0; i < found_.size(); ++i) {
        context.indices.push_back(found_[i].context.get());
        context.now_millis = found_[i].context->now_millis;
        inputs.push_back({targets_[i].snapshot.get(), {}});
        for (std::size_t p = 0; p < found_[i].matches.size(); ++p) {
            const tree::Matches& part = found_[i].matches[p];
            if (part.size() == 0) {
                continue;
            }
            std::vector<float> scores = part.scores;
            if (scores.empty()) {
                scores.assign(part.size(), part.score);
            }
            docs.push_back({i, p, part.docs, std::move(scores)});
        }
    }
    lap(aggregation_times_.build_leaf_collector);
    const std::string index = targets_.empty() ? "" : targets_.front().index->name;
    std::vector<const search::Snapshot*> snapshots;
    for (const SearchTarget& target : targets_) {
        snapshots.push_back(target.snapshot.get());
    }
    nested_search_.emplace(context.indices, std::move(snapshots), nested_);
    context.nested = nested_search_->entry();
    const Json settings = context_.cluster.find("settings");
    for (const std::string_view scope : {"persistent", "transient"}) {
        const Json* const of = settings.find(scope);
        const Json* const buckets = of == nullptr ? nullptr : of->find("search.max_buckets");
        if (buckets != nullptr) {
            context.buckets_max = static_cast<std::uint64_t>(buckets->to_int64().value_or(65535));
        }
    }
    auto parsed = parse_aggregations(body_.aggregations, context);
    if (!parsed.ok()) {
        return wrapped(index, parsed.error());
    }
    for (const agg::IndexInput& input : nested_search_->inputs()) {
        inputs.push_back(input);
    }
    agg::Run::Options options;
    options.buckets_max = context.buckets_max;
    lap(aggregation_times_.initialize);
    agg::Run run(std::move(inputs), options);
    auto outputs = parsed.value().level.run(run, docs);
    if (!outputs.ok()) {
        return wrapped(index, aggregation_fault(outputs.error()));
    }
    lap(aggregation_times_.collect);
    auto json = aggregations_json(
        parsed.value(),
        outputs.value(),
        body_.typed_keys,
        [this](const Json& of, const agg::DocSet& set) { return top_hits(of, set); }
    );
    if (!json.ok()) {
        return wrapped(index, json.error());
    }
    aggregations_ = std::move(json).value();
    lap(aggregation_times_.build_aggregation);
    return {};
}

void SearchRun::sort_hits(std::size_t wanted) {
    const auto less = [this](const Hit& a, const Hit& b) {
        return sorter_->less(a, b);
    };
    const std::size_t kept = keep_all_ ? hits_.size() : std::min(wanted, hits_.size());
    std::partial_sort(
        hits_.begin(),
        hits_.begin() + static_cast<std::ptrdiff_t>(kept),
        hits_.end(),
        less
    );
    hits_.resize(kept);
}

Status SearchRun::collect() {
    std::vector<SortKey> after;
    const bool has_after = !body_.search_after.is_null();
    if (has_after) {
        if (body_.from > 0) {
            return illegal_argument("`from` parameter must be set to 0 when `search_after` is used."
            );
        }
        KUMO_TRY_ASSIGN(after, sorter_->parse_after(body_.search_after, targets_));
    }
    const bool keys = !body_.sort.empty();
    for (std::uint32_t i = 0; i < found_.size(); ++i) {
        for (std::uint32_t p = 0; p < found_[i].matches.size(); ++p) {
            const tree::Matches& part = found_[i].matches[p];
            for (std::size_t m = 0; m < part.size(); ++m) {
                Hit hit{i, p, part.docs[m], part.score_at(m), {}};
                if (keys) {
                    sorter_->read_keys(targets_, hit);
                    KUMO_TRY(script_keys(hit));
                }
                if (!has_after || sorter_->is_after(hit, after)) {
                    if (needs_scores() && (!max_score_ || hit.score > *max_score_)) {
                        max_score_ = hit.score;
                    }
                    hits_.push_back(std::move(hit));
                }
            }
        }
    }
    KUMO_TRY(rescore());
    std::size_t wanted = static_cast<std::size_t>(body_.from + body_.size);
    if (!body_.collapse.is_null()) {
        wanted = hits_.size();
    }
    sort_hits(wanted);
    return collapse();
}

/// The best hits get their scores from another query too.
Status SearchRun::rescore() {
    if (body_.rescore.is_null() || hits_.empty()) {
        return {};
    }
    for (const Json& one :
         body_.rescore.is_array() ? body_.rescore.items() : Json::Array{body_.rescore}) {
        const Json* const query = one.find("query");
        const Json* const rescore_query = query == nullptr ? nullptr : query->find("rescore_query");
        if (rescore_query == nullptr) {
            return parsing_error("missing rescore type");
        }
        const auto number = [query](std::string_view name) {
            const Json* const value = query->find(name);
            return value == nullptr ? 1.0F : static_cast<float>(value->to_double().value_or(1));
        };
        const Json* const mode = query->find("score_mode");
        const std::string how = mode == nullptr ? "total" : mode->text();
        const Json* const window = one.find("window_size");
        std::size_t count =
            window == nullptr ? 10 : static_cast<std::size_t>(window->to_int64().value_or(10));
        count = std::min(count, hits_.size());
        std::partial_sort(
            hits_.begin(),
            hits_.begin() + static_cast<std::ptrdiff_t>(count),
            hits_.end(),
            [](const Hit& a, const Hit& b) {
                return a.score != b.score
                           ? a.score > b.score
                           : std::tie(a.index, a.part, a.doc) < std::tie(b.index, b.part, b.doc);
            }
        );
        std::vector<tree::AllMatches> second(found_.size());
        for (std::size_t i = 0; i < found_.size(); ++i) {
            auto node = parse_query(*rescore_query, *found_[i].context);
            if (!node.ok()) {
                return wrapped(targets_[i].index->name, node.error());
            }
            tree::Evaluation evaluation(*targets_[i].snapshot);
            KUMO_TRY_ASSIGN(second[i], tree::evaluate(*node.value(), evaluation, true));
        }
        const float first_weight = number("query_weight");
        const float second_weight = number("rescore_query_weight");
        for (std::size_t h = 0; h < count; ++h) {
            Hit& hit = hits_[h];
            const tree::Matches& part = second[hit.index][hit.part];
            const auto at = std::lower_bound(part.docs.begin(), part.docs.end(), hit.doc);
            const float before = hit.score * first_weight;
            if (at == part.docs.end() || *at != hit.doc) {
                hit.score = before;
                continue;
            }
            const float more =
                part.score_at(static_cast<std::size_t>(at - part.docs.begin())) * second_weight;
            hit.score = how == "multiply" ? before * more
                        : how == "avg"    ? (before + more) / 2
                        : how == "max"    ? std::max(before, more)
                        : how == "min"    ? std::min(before, more)
                                          : before + more;
        }
        // What is not rescored stays behind what is.
        float least = hits_.front().score;
        for (std::size_t h = 0; h < count; ++h) {
            least = std::min(least, hits_[h].score);
        }
        for (std::size_t h = count; h < hits_.size(); ++h) {
            hits_[h].score = std::min(hits_[h].score * first_weight, least);
        }
    }
    max_score_.reset();
    for (const Hit& hit : hits_) {
        max_score_ = std::max(max_score_.value_or(hit.score), hit.score);
    }
    return {};
}

/// Of the hits with one value the first one stays.
Status SearchRun::collapse() {
    if (body_.collapse.is_null()) {
        return {};
    }
    const Json* const field = body_.collapse.find("field");
    if (field == nullptr) {
        return parsing_error("[collapse] needs a [field]");
    }
    SortPart part;
    part.field = field->text();
    part.unmapped_type = "keyword";
    for (const SearchTarget& target : targets_) {
        const MappedField* const mapped = target.index->mapping->find(part.field);
        if (mapped == nullptr) {
            return shard_failure(
                target.index->name,
                illegal_argument(
                    "no mapping found for `" + part.field + "` in order to collapse on"
                )
            );
        }
        if (!mapped->is_exact() && !mapped->is_int() && !mapped->is_real()) {
            return shard_failure(
                target.index->name,
                illegal_argument(
                    "unknown type for collapse field `" + part.field
                    + "`, only keywords and numbers are accepted"
                )
            );
        }
    }
    KUMO_TRY_ASSIGN(const Sorter reader, Sorter::make({part}, targets_));
    std::set<SortKey> seen;
    std::vector<Hit> kept;
    for (Hit& hit : hits_) {
        Hit key = hit;
        reader.read_keys(targets_, key);
        if (seen.insert(key.keys.front()).second) {
            collapsed_.push_back(reader.values(targets_, key));
            if (std::holds_alternative<std::monostate>(key.keys.front())) {
                collapsed_.back() = Json::array({Json()});
            }
            kept.push_back(std::move(hit));
        }
    }
    hits_ = std::move(kept);
    return {};
}

Status SearchRun::run() {
    KUMO_TRY(check_window(body_, targets_));
    KUMO_TRY(check_fields());
    KUMO_TRY(check_collapse(body_));
    KUMO_TRY(prepare_scripts());
    if (!body_.collapse.is_null() && !body_.scroll.empty()) {
        return illegal_argument("cannot use `collapse` in a scroll context");
    }
    if (!body_.search_after.is_null() && !body_.collapse.is_null()) {
        return illegal_argument("cannot use `collapse` in conjunction with `search_after`");
    }
    if (!body_.rescore.is_null() && !body_.collapse.is_null()) {
        return illegal_argument("cannot use `collapse` in conjunction with `rescore`");
    }
    KUMO_TRY_ASSIGN(sorter_, Sorter::make(body_.sort, targets_));
    const bool scored = needs_scores() || !body_.aggregations.is_null();
    for (std::size_t i = 0; i < found_.size(); ++i) {
        KUMO_TRY(prepare(i));
        KUMO_TRY(find(i, scored));
    }
    count();
    count_use();
    KUMO_TRY(aggregate());
    KUMO_TRY(filter_after_aggregations());
    if (!body_.post_filter.is_null()) {
        count();
    }
    return collect();
}

Json SearchRun::matched_queries(const Hit& hit) const {
    Json out = body_.named_scores ? Json::object() : Json::array();
    const Target& found = found_[hit.index];
    for (std::size_t n = 0; n < found.named.size(); ++n) {
        const tree::Matches& part = found.named_matches[n][hit.part];
        const auto at = std::lower_bound(part.docs.begin(), part.docs.end(), hit.doc);
        if (at == part.docs.end() || *at != hit.doc) {
            continue;
        }
        if (body_.named_scores) {
            const auto place = static_cast<std::size_t>(at - part.docs.begin());
            out[found.named[n].name] = Json::number_float(part.score_at(place));
        } else {
            out.push(found.named[n].name);
        }
    }
    return out;
}

Result<Json> SearchRun::one_hit(const Hit& hit) {
    const SearchTarget& target = targets_[hit.index];
    KUMO_TRY_ASSIGN(const search::StoredDocument document, stored_document(target, hit));
    KUMO_TRY_ASSIGN(Json out, hit_json(target, hit, document, body_));
    if (body_.explain) {
        const ClusterView view = ClusterView::of(context_);
        Json with = Json::object(
            {{"_shard", "[" + target.index->name + "][0]"},
             {"_node", view.self() == nullptr ? "" : view.self()->id}}
        );
        with.merge(out);
        out = std::move(with);
        out["_explanation"] = Json::object(
            {{"value", Json::number_float(hit.score)},
             {"description", body_.query.is_null() ? "*:*" : "score of " + body_.query.dump()},
             {"details", Json::array()}}
        );
    }
    if (needs_scores() && (sorter_->needs_scores() || body_.track_scores || body_.sort.empty())) {
        out["_score"] = Json::number_float(hit.score);
    }
    if (!body_.highlight.is_null()) {
        KUMO_TRY_ASSIGN(
            Json highlighted,
            highlight(body_.highlight, body_.query, *found_[hit.index].context, document.source)
        );
        if (!highlighted.empty()) {
            out["highlight"] = std::move(highlighted);
        }
    }
    KUMO_TRY(add_script_fields(hit, out));
    if (!body_.sort.empty()) {
        out["sort"] = sorter_->values(targets_, hit);
    }
    if (!found_[hit.index].finders.empty()) {
        KUMO_TRY_ASSIGN(
            out["inner_hits"],
            inner_hits_json(
                target,
                *found_[hit.index].context,
                found_[hit.index].finders,
                hit,
                body_.total_as_int
            )
        );
    }
    Json names = matched_queries(hit);
    if (!names.empty()) {
        out["matched_queries"] = std::move(names);
    }
    return out;
}

Result<Json> SearchRun::hits_json(std::size_t from, std::size_t size) {
    Json out = Json::array();
    for (std::size_t h = from; h < hits_.size() && h < from + size; ++h) {
        KUMO_TRY_ASSIGN(Json one, one_hit(hits_[h]));
        if (h < collapsed_.size()) {
            const Json* const field = body_.collapse.find("field");
            one["fields"][field->text()] = collapsed_[h];
            KUMO_TRY(add_collapsed(h, one));
        }
        out.push(std::move(one));
    }
    return out;
}

Result<Json> SearchRun::top_hits(const Json& options, const agg::DocSet& docs) {
    KUMO_TRY_ASSIGN(SearchBody body, parse_search(options, Parameters()));
    if (options.find("size") == nullptr) {
        body.size = 3;
    }
    for (const SortPart& part : body.sort) {
        if (part.by == SortPart::By::kScript) {
            return not_supported("[top_hits] is not sorted by scripts");
        }
    }
    // Objects are targets of their own, behind the indices.
    std::vector<SearchTarget> targets = targets_;
    std::vector<const NestedIndex*> objects(targets.size());
    while (const NestedTarget* const nested = nested_search_->target(targets.size())) {
        targets.push_back(nested_target(targets_[nested->root], *nested->index));
        objects.push_back(nested->index.get());
    }
    KUMO_TRY_ASSIGN(const Sorter sorter, Sorter::make(body.sort, targets));
    std::vector<Hit> hits;
    std::optional<float> max_score;
    for (const agg::PartDocs& part : docs) {
        for (std::size_t d = 0; d < part.docs.size(); ++d) {
            Hit hit{
                static_cast<std::uint32_t>(part.index),
                static_cast<std::uint32_t>(part.part),
                part.docs[d],
                part.scores.empty() ? 1.0F : part.scores[d],
                {}};
            sorter.read_keys(targets, hit);
            max_score = std::max(max_score.value_or(hit.score), hit.score);
            hits.push_back(std::move(hit));
        }
    }
    const std::size_t count = hits.size();
    std::sort(hits.begin(), hits.end(), [&](const Hit& a, const Hit& b) {
        return sorter.less(a, b);
    });
    Json list = Json::array();
    for (std::size_t h = static_cast<std::size_t>(body.from);
         h < hits.size() && list.size() < static_cast<std::size_t>(body.size);
         ++h) {
        const SearchTarget& target = targets[hits[h].index];
        const NestedIndex* const of = objects[hits[h].index];
        KUMO_TRY_ASSIGN(const auto document, stored_document(target, hits[h]));
        KUMO_TRY_ASSIGN(
            Json one,
            of != nullptr ? nested_hit_json(target, *of, hits[h], body)
                          : hit_json(target, hits[h], document, body)
        );
        if (body.sort.empty() || sorter.needs_scores()) {
            one["_score"] = Json::number_float(hits[h].score);
        }
        if (!body.sort.empty()) {
            one["sort"] = sorter.values(targets, hits[h]);
        }
        list.push(std::move(one));
    }
    const bool scored = body.sort.empty() || sorter.needs_scores();
    return Json::object(
        {{"hits",
          Json::object(
              {{"total",
                body_.total_as_int ? Json(count)
                                   : Json::object({{"value", count}, {"relation", "eq"}})},
               {"max_score", scored && max_score ? Json::number_float(*max_score) : Json()},
               {"hits", std::move(list)}}
          )}}
    );
}

Json SearchRun::total_json() const {
    if (body_.total_as_int) {
        return body_.track_total_hits == 0 ? Json(-1) : Json(total_);
    }
    const bool capped =
        body_.track_total_hits > 0 && total_ > static_cast<std::uint64_t>(body_.track_total_hits);
    return Json::object(
        {{"value", capped ? static_cast<std::uint64_t>(body_.track_total_hits) : total_},
         {"relation", capped ? "gte" : "eq"}}
    );
}

Json SearchRun::hits_object(Json hits) const {
    Json out = Json::object();
    if (body_.track_total_hits != 0 || body_.total_as_int) {
        out["total"] = total_json();
    }
    const bool shows = max_score_ && (body_.size > 0 || keep_all_)
                       && (body_.sort.empty() || sorter_->needs_scores() || body_.track_scores);
    out["max_score"] = shows ? Json::number_float(*max_score_) : Json();
    out["hits"] = std::move(hits);
    return out;
}

Json SearchRun::shards_json() const {
    std::int64_t total = 0;
    for (const SearchTarget& target : targets_) {
        total += target.index->shards();
    }
    return Json::object({{"total", total}, {"successful", total}, {"skipped", 0}, {"failed", 0}});
}

Result<Json> SearchRun::answer() {
    const MonotonicTime fetch = context_.clock.monotonic_now();
    KUMO_TRY_ASSIGN(
        Json hits,
        hits_json(static_cast<std::size_t>(body_.from), static_cast<std::size_t>(body_.size))
    );
    fetch_time_ = context_.clock.monotonic_now() - fetch;
    const auto took = context_.clock.monotonic_now() - begin_;
    Json out = Json::object(
        {{"took", std::chrono::duration_cast<std::chrono::milliseconds>(took).count()},
         {"timed_out", false}}
    );
    if (body_.terminate_after > 0) {
        out["terminated_early"] = terminated_early_;
    }
    out["_shards"] = shards_json();
    out["hits"] = hits_object(std::move(hits));
    if (aggregations_) {
        out["aggregations"] = *aggregations_;
    }
    if (!body_.suggest.is_null()) {
        std::vector<SuggestIndex> indices;
        for (std::size_t i = 0; i < found_.size(); ++i) {
            indices.push_back({found_[i].context.get(), targets_[i].snapshot.get()});
        }
        auto suggested = suggest_json(body_.suggest, indices, body_.typed_keys);
        if (!suggested.ok()) {
            return wrapped(targets_.empty() ? "" : targets_.front().index->name, suggested.error());
        }
        out["suggest"] = std::move(suggested).value();
    }
    if (body_.profile) {
        out["profile"] = profile();
    }
    return out;
}

}  // namespace kumo::api_elastic
