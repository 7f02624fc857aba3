#include "api/elastic/nested/nested_search.h"

#include "api/elastic/fault.h"

#include <algorithm>
#include <utility>

namespace kumo::api_elastic {

namespace {

/// Documents with objects that a query matches.
class NestedNode : public tree::Node {
public:
    NestedNode(
        const Mapping& mapping,
        std::string path,
        std::string mode,
        std::shared_ptr<NestedIndices> indices,
        tree::NodePtr child
    )
        : mapping_(mapping),
          path_(std::move(path)),
          mode_(std::move(mode)),
          indices_(std::move(indices)),
          child_(std::move(child)) {}

    Result<tree::AllMatches> match(tree::Evaluation& evaluation, tree::Scoring wanted)
        const override {
        KUMO_TRY_ASSIGN(
            const NestedIndexPtr index,
            indices_->of(mapping_, path_, evaluation.snapshot())
        );
        tree::Evaluation inner(*index->snapshot(), evaluation.limits(), evaluation.deadline());
        KUMO_TRY_ASSIGN(const tree::AllMatches found, child_->match(inner, wanted));
        tree::AllMatches out;
        for (std::size_t p = 0; p < found.size(); ++p) {
            out.push_back(index->to_parents(p, found[p], mode_));
        }
        return out;
    }

private:
    const Mapping& mapping_;
    std::string path_;
    std::string mode_;
    std::shared_ptr<NestedIndices> indices_;
    tree::NodePtr child_;
};

}  // namespace

NestedContext nested_context(
    const QueryContext& outer,
    const std::string& path,
    std::shared_ptr<NestedIndices> indices
) {
    NestedContext out;
    out.schema = indices->schema(outer.mapping, path);
    out.context = std::make_unique<QueryContext>(QueryContext{
        .mapping = outer.mapping,
        .schema = *out.schema,
        .index = outer.index,
        .aliases = outer.aliases,
        .now_millis = outer.now_millis,
        .expensive_allowed = outer.expensive_allowed,
        .regex_length_max = outer.regex_length_max,
        .terms_max = outer.terms_max,
        .clauses_max = outer.clauses_max,
        .depth_max = outer.depth_max,
        .default_fields = outer.default_fields,
        .lenient = outer.lenient,
        .lookup = outer.lookup,
        .script = outer.script,
        .nested_path = path,
    });
    enable_nested(*out.context, std::move(indices));
    return out;
}

void enable_nested(QueryContext& context, std::shared_ptr<NestedIndices> indices) {
    const QueryContext* outer = &context;
    context.nested = [outer, indices](
                         const std::string& path,
                         const Json& query,
                         const std::string& mode
                     ) -> Result<tree::NodePtr> {
        const NestedContext inner = nested_context(*outer, path, indices);
        KUMO_TRY_ASSIGN(tree::NodePtr child, parse_query(query, *inner.context));
        return tree::NodePtr(std::make_shared<const NestedNode>(
            outer->mapping,
            path,
            mode,
            indices,
            std::move(child)
        ));
    };
}

NestedSearch::NestedSearch(
    std::vector<const QueryContext*> contexts,
    std::vector<const search::Snapshot*> snapshots,
    std::shared_ptr<NestedIndices> indices
)
    : contexts_(std::move(contexts)),
      snapshots_(std::move(snapshots)),
      indices_(std::move(indices)) {
    auto documents = std::make_unique<Group>();
    documents->indices = contexts_;
    groups_.push_back(std::move(documents));
}

std::function<Result<NestedDocs>(const std::string& path)> NestedSearch::entry() {
    return [this](const std::string& path) {
        return descend(0, path);
    };
}

NestedDocs NestedSearch::docs_of(std::size_t group, agg::Mapped map) {
    NestedDocs out;
    out.map = std::move(map);
    out.indices = groups_[group]->indices;
    out.nested = [this, group](const std::string& path) {
        return groups_[group]->path.size() < path.size() ? descend(group, path)
                                                         : ascend(group, path);
    };
    return out;
}

Result<std::size_t> NestedSearch::group(std::size_t from, const std::string& path) {
    for (std::size_t g = 1; g < groups_.size(); ++g) {
        if (groups_[g]->path == path && groups_[g]->above == from) {
            return g;
        }
    }
    auto out = std::make_unique<Group>();
    out->path = path;
    out->above = from;
    out->indices.resize(contexts_.size() * groups_.size());
    for (std::size_t i = 0; i < contexts_.size(); ++i) {
        const QueryContext& outer = from == 0 ? *contexts_[i] : *groups_[from]->contexts[i].context;
        const search::Snapshot& parents =
            from == 0 ? *snapshots_[i] : *groups_[from]->targets[i].index->snapshot();
        KUMO_TRY_ASSIGN(NestedIndexPtr index, indices_->of(outer.mapping, path, parents));
        out->targets.push_back({i, std::move(index)});
        out->contexts.push_back(nested_context(outer, path, indices_));
        out->indices.push_back(out->contexts.back().context.get());
    }
    groups_.push_back(std::move(out));
    return groups_.size() - 1;
}

Result<NestedDocs> NestedSearch::descend(std::size_t from, const std::string& path) {
    if (path.empty()) {
        if (from == 0) {
            return fault(
                "aggregation_execution_exception",
                "Reverse nested aggregation cannot be used outside a [nested] aggregation"
            );
        }
        return ascend(from, path);
    }
    KUMO_TRY_ASSIGN(const std::size_t to, group(from, path));
    const std::size_t n = contexts_.size();
    return docs_of(
        to,
        [this, from, to, n](agg::Run&, const agg::DocSet& docs) -> Result<agg::DocSet> {
            agg::DocSet out;
            for (const agg::PartDocs& part : docs) {
                const std::size_t i = part.index - from * n;
                const NestedIndex& index = *groups_[to]->targets[i].index;
                out.push_back({to * n + i, part.part, index.to_objects(part.part, part.docs), {}});
            }
            return out;
        }
    );
}

std::vector<std::size_t> NestedSearch::way_up(std::size_t from, std::size_t to) const {
    std::vector<std::size_t> out;
    while (from != to && from != 0) {
        out.push_back(from);
        from = groups_[from]->above;
    }
    return out;
}

Result<NestedDocs> NestedSearch::ascend(std::size_t from, const std::string& path) {
    std::size_t to = from;
    while (to != 0 && (groups_[to]->path != path)) {
        to = groups_[to]->above;
    }
    const std::size_t n = contexts_.size();
    const std::vector<std::size_t> way = way_up(from, to);
    return docs_of(
        to,
        [this, from, to, n, way](agg::Run&, const agg::DocSet& docs) -> Result<agg::DocSet> {
            agg::DocSet out;
            for (const agg::PartDocs& part : docs) {
                const std::size_t i = part.index - from * n;
                std::vector<search::DocId> found = part.docs;
                for (const std::size_t step : way) {
                    const NestedIndex& index = *groups_[step]->targets[i].index;
                    for (search::DocId& doc : found) {
                        doc = index.parent(part.part, doc);
                    }
                    found.erase(std::unique(found.begin(), found.end()), found.end());
                }
                out.push_back({to * n + i, part.part, std::move(found), {}});
            }
            return out;
        }
    );
}

std::vector<agg::IndexInput> NestedSearch::inputs() const {
    std::vector<agg::IndexInput> out;
    for (std::size_t g = 1; g < groups_.size(); ++g) {
        for (const NestedTarget& target : groups_[g]->targets) {
            agg::IndexInput input;
            input.snapshot = target.index->snapshot().get();
            input.objects = true;
            out.push_back(input);
        }
    }
    return out;
}

const NestedTarget* NestedSearch::target(std::size_t index) const {
    const std::size_t n = contexts_.size();
    if (n == 0 || index < n || index / n >= groups_.size()) {
        return nullptr;
    }
    return &groups_[index / n]->targets[index % n];
}

Result<InnerHitsFinder> InnerHitsFinder::make(
    const QueryContext& context,
    const search::Snapshot& snapshot,
    const InnerHits& wanted,
    const std::shared_ptr<NestedIndices>& indices
) {
    InnerHitsFinder out;
    out.wanted_ = wanted;
    KUMO_TRY_ASSIGN(out.index_, indices->of(context.mapping, wanted.path, snapshot));
    const NestedContext inner = nested_context(context, wanted.path, indices);
    std::vector<InnerHits> deeper;
    inner.context->inner_hits = &deeper;
    KUMO_TRY_ASSIGN(const tree::NodePtr node, parse_query(wanted.query, *inner.context));
    inner.context->inner_hits = nullptr;
    tree::Evaluation evaluation(*out.index_->snapshot());
    KUMO_TRY_ASSIGN(out.matches_, tree::evaluate(*node, evaluation, true));
    for (const InnerHits& one : deeper) {
        KUMO_TRY_ASSIGN(
            InnerHitsFinder finder,
            make(*inner.context, *out.index_->snapshot(), one, indices)
        );
        out.deeper_.push_back(std::move(finder));
    }
    return out;
}

std::vector<InnerHitsFinder::Object> InnerHitsFinder::find(std::size_t part, search::DocId parent)
    const {
    std::vector<Object> out;
    const auto [begin, end] = index_->objects(part, parent);
    const search::tree::Matches& found = matches_[part];
    const auto first = std::lower_bound(found.docs.begin(), found.docs.end(), begin);
    for (auto at = first; at != found.docs.end() && *at < end; ++at) {
        const auto i = static_cast<std::size_t>(at - found.docs.begin());
        out.push_back({*at, found.score_at(i)});
    }
    return out;
}

}  // namespace kumo::api_elastic
