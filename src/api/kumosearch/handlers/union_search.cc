#include "search/query/union_search.h"

#include "api/kumosearch/handlers/run_search.h"
#include "api/kumosearch/query/search_response.h"
#include "node/joined_snapshots.h"
#include "search/index/adapted_snapshot.h"

#include <map>
#include <optional>
#include <utility>

namespace kumo::api_kumosearch {

namespace {

/// The searches of one union, until all are prepared. Loop-owned.
struct UnionRun {
    CallPtr call;
    bool remove_duplicates = true;
    std::function<void(Result<std::string>)> done;
    std::vector<std::optional<Result<PreparedSearch>>> prepared{};
    std::size_t missing = 0;

    /// One of them is prepared, or failed. The first one's error counts.
    static void finish_one(const std::shared_ptr<UnionRun>& run) {
        if (--run->missing > 0) {
            return;
        }
        search::UnionRequest request;
        std::vector<UnionShape> shapes;
        const Status ready = run->make(request, shapes);
        if (!ready.ok()) {
            run->done(ready.error());
            return;
        }
        search(run, std::move(request), std::move(shapes));
    }

private:
    Status make(search::UnionRequest& request, std::vector<UnionShape>& shapes) {
        // One snapshot a collection, so that its documents are the same ones to all searches.
        std::map<std::string, std::shared_ptr<const search::Snapshot>> snapshots;
        for (auto& one : prepared) {
            if (!one->ok()) {
                return one->error();
            }
            PreparedSearch& search = one->value();
            auto& snapshot = snapshots[search.collection->name];
            if (snapshot == nullptr) {
                KUMO_TRY_ASSIGN(snapshot, call->context.node.snapshot(search.collection->name));
            }
            if (request.searches.empty()) {
                request.offset = search.plan.request.offset;
                request.limit = search.plan.request.limit;
            }
            KUMO_TRY(node::take_joined(call->context.node, search.plan.request.joins));
            request.searches.push_back(
                {search::adapted(snapshot, search.plan.request.schema),
                 std::move(search.plan.request)}
            );
            shapes.push_back({std::move(search.plan.shape), search.collection});
        }
        request.remove_duplicates = remove_duplicates;
        return {};
    }

    static void search(
        const std::shared_ptr<UnionRun>& run,
        search::UnionRequest request,
        std::vector<UnionShape> shapes
    ) {
        const Clock& clock = run->call->context.clock;
        io::Loop& loop = run->call->loop();
        const Status submitted =
            run->call->context.pool.submit([self = std::shared_ptr<UnionRun>(run),
                                            request = std::move(request),
                                            shapes = std::move(shapes),
                                            &clock,
                                            &loop]() mutable {
                const MonotonicTime started = clock.monotonic_now();
                auto found =
                    search::search_union(request, clock, &self->call->context.node.key_tables());
                auto json =
                    found.ok()
                        ? write_union_result(found.value(), shapes, clock.monotonic_now() - started)
                        : Result<std::string>(std::move(found).error());
                // The reference moves along: the last one must be dropped on the loop.
                loop.post([self = std::move(self), json = std::move(json)]() mutable {
                    self->done(std::move(json));
                });
            });
        if (!submitted.ok()) {
            run->done(submitted.error());
        }
    }
};

}  // namespace

void run_union(
    const CallPtr& call,
    std::vector<SearchOrder> searches,
    bool remove_duplicates,
    std::function<void(Result<std::string>)> done
) {
    if (searches.empty()) {
        done(invalid_argument("A union needs at least one search."));
        return;
    }
    const auto run = std::make_shared<UnionRun>(UnionRun{call, remove_duplicates, std::move(done)});
    run->prepared.resize(searches.size());
    // One more than there are, so that those that are ready at once do not end it early.
    run->missing = searches.size() + 1;
    for (std::size_t i = 0; i < searches.size(); ++i) {
        prepare_search(call, std::move(searches[i]), [run, i](Result<PreparedSearch> prepared) {
            run->prepared[i].emplace(std::move(prepared));
            UnionRun::finish_one(run);
        });
    }
    UnionRun::finish_one(run);
}

}  // namespace kumo::api_kumosearch
