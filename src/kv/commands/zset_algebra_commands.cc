// Unions, intersections and differences of sorted sets and sets (Redis 7.0).
#include "kv/command/handlers.h"
#include "kv/commands/zset_store.h"
#include "kv/keyspace/number.h"
#include "kv/types/set.h"
#include "kv/types/zset.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace kumo::kv {

namespace {

enum class Operation : std::uint8_t {
    kUnion,
    kIntersection,
    kDifference
};
enum class Aggregate : std::uint8_t {
    kSum,
    kMin,
    kMax
};

/// One of the sets: of either type, or absent. A member of a plain set scores 1.
struct Source {
    const ZsetValue* zset = nullptr;
    const SetValue* set = nullptr;
    double weight = 1;

    std::size_t size() const {
        return zset != nullptr ? zset->size() : set != nullptr ? set->size() : 0;
    }

    std::optional<double> score(ByteView member) const {
        if (zset != nullptr) {
            return zset->score(member);
        }
        return set != nullptr && set->contains(member) ? std::optional(1.0) : std::nullopt;
    }

    void visit(FunctionRef<bool(const Element&, double)> visitor) const {
        if (zset != nullptr) {
            zset->visit(0, zset->size(), false, visitor);
        } else if (set != nullptr) {
            set->visit([&visitor](const Element& member) { return visitor(member, 1.0); });
        }
    }
};

struct Request {
    Operation operation = Operation::kUnion;
    Aggregate aggregate = Aggregate::kSum;
    std::optional<ByteView> store;
    bool only_count = false;
    bool with_scores = false;
    std::int64_t limit = 0;  ///< 0: none.
    std::vector<Source> sources;
};

/// The sets at `numkeys`, and what comes after them. False: the error has been written.
bool read_sources(Context& ctx, std::size_t numkeys, Request* request, std::size_t* after) {
    std::int64_t count = 0;
    if (!ctx.integer(numkeys, &count)) {
        return false;
    }
    if (count < 1) {
        ctx.error(
            "ERR at least 1 input key is needed for '" + ctx.spec().full_name() + "' command"
        );
        return false;
    }
    if (static_cast<std::uint64_t>(count) > ctx.argc() - numkeys - 1) {
        ctx.syntax_error();
        return false;
    }
    *after = numkeys + 1 + static_cast<std::size_t>(count);
    for (std::size_t i = numkeys + 1; i < *after; ++i) {
        const Entry* entry =
            request->store.has_value() ? ctx.lookup_write(ctx.arg(i)) : ctx.lookup_read(ctx.arg(i));
        Source source;
        if (entry != nullptr && entry->type() == Type::kZset) {
            source.zset = &static_cast<const ZsetValue&>(entry->value());
        } else if (entry != nullptr && entry->type() == Type::kSet) {
            source.set = &static_cast<const SetValue&>(entry->value());
        } else if (entry != nullptr) {
            ctx.wrong_type();
            return false;
        }
        request->sources.push_back(source);
    }
    return true;
}

bool read_weights(Context& ctx, std::size_t first, Request* request) {
    for (std::size_t i = 0; i < request->sources.size(); ++i) {
        if (!ctx.real(first + i, &request->sources[i].weight, "ERR weight value is not a float")) {
            return false;
        }
    }
    return true;
}

bool read_aggregate(Context& ctx, std::size_t index, Request* request) {
    if (ctx.arg_is(index, "SUM")) {
        request->aggregate = Aggregate::kSum;
    } else if (ctx.arg_is(index, "MIN")) {
        request->aggregate = Aggregate::kMin;
    } else if (ctx.arg_is(index, "MAX")) {
        request->aggregate = Aggregate::kMax;
    } else {
        ctx.syntax_error();
        return false;
    }
    return true;
}

bool read_options(Context& ctx, std::size_t first, Request* request) {
    const bool combines = request->operation != Operation::kDifference && !request->only_count;
    for (std::size_t i = first; i < ctx.argc(); ++i) {
        const std::size_t left = ctx.argc() - i - 1;
        if (combines && left >= request->sources.size() && ctx.arg_is(i, "WEIGHTS")) {
            if (!read_weights(ctx, i + 1, request)) {
                return false;
            }
            i += request->sources.size();
        } else if (combines && left >= 1 && ctx.arg_is(i, "AGGREGATE")) {
            if (!read_aggregate(ctx, ++i, request)) {
                return false;
            }
        } else if (!request->store.has_value() && !request->only_count && ctx.arg_is(i, "WITHSCORES")) {
            request->with_scores = true;
        } else if (request->only_count && left >= 1 && ctx.arg_is(i, "LIMIT")) {
            if (!ctx.integer_in(
                    ++i,
                    0,
                    std::numeric_limits<std::int64_t>::max(),
                    &request->limit,
                    "ERR LIMIT can't be negative"
                )) {
                return false;
            }
        } else {
            ctx.syntax_error();
            return false;
        }
    }
    return true;
}

double weighted(const Source& source, double score) {
    const double value = source.weight * score;
    return std::isnan(value) ? 0 : value;
}

double aggregated(Aggregate aggregate, double a, double b) {
    switch (aggregate) {
        case Aggregate::kMin: return std::min(a, b);
        case Aggregate::kMax: return std::max(a, b);
        case Aggregate::kSum: break;
    }
    const double sum = a + b;
    return std::isnan(sum) ? 0 : sum;  // +inf and -inf.
}

/// The member's score in all sources, the first of which it is in; nothing: it is not in all.
std::optional<double> common_score(const Request& request, const Element& member, double first) {
    double score = weighted(request.sources[0], first);
    for (std::size_t i = 1; i < request.sources.size(); ++i) {
        const std::optional<double> other = request.sources[i].score(member.view());
        if (!other.has_value()) {
            return std::nullopt;
        }
        score = aggregated(request.aggregate, score, weighted(request.sources[i], *other));
    }
    return score;
}

void sort_by_size(Request* request) {
    std::stable_sort(
        request->sources.begin(),
        request->sources.end(),
        [](const Source& a, const Source& b) { return a.size() < b.size(); }
    );
}

void unite(const Request& request, const EncodingLimits& limits, ZsetValue* out) {
    std::unordered_map<std::string, double> scores;
    for (const Source& source : request.sources) {
        source.visit([&](const Element& member, double given) {
            const double score = weighted(source, given);
            const auto [at, is_new] = scores.emplace(member.view(), score);
            if (!is_new) {
                at->second = aggregated(request.aggregate, at->second, score);
            }
            return true;
        });
    }
    for (const auto& [member, score] : scores) {
        out->set(member, score, limits);
    }
}

void subtract(const Request& request, const EncodingLimits& limits, ZsetValue* out) {
    request.sources[0].visit([&](const Element& member, double score) {
        const bool elsewhere = std::any_of(
            request.sources.begin() + 1,
            request.sources.end(),
            [&member](const Source& source) { return source.score(member.view()).has_value(); }
        );
        if (!elsewhere) {
            out->set(member.view(), score, limits);
        }
        return true;
    });
}

std::unique_ptr<ZsetValue> compute(Request* request, const EncodingLimits& limits) {
    auto out = std::make_unique<ZsetValue>();
    if (request->operation == Operation::kDifference) {
        subtract(*request, limits, out.get());
        return out;
    }
    sort_by_size(request);
    if (request->operation == Operation::kUnion) {
        unite(*request, limits, out.get());
        return out;
    }
    request->sources[0].visit([&](const Element& member, double first) {
        const std::optional<double> score = common_score(*request, member, first);
        if (score.has_value()) {
            out->set(member.view(), *score, limits);
        }
        return true;
    });
    return out;
}

void reply_members(Context& ctx, const ZsetValue& zset, bool with_scores) {
    const bool nested = with_scores && ctx.reply.protocol() >= 3;
    ctx.reply.array(with_scores && !nested ? zset.size() * 2 : zset.size());
    zset.visit(0, zset.size(), false, [&](const Element& member, double score) {
        if (nested) {
            ctx.reply.array(2);
        }
        ctx.reply.bulk(member.view());
        if (with_scores) {
            ctx.reply.real(score);
        }
        return true;
    });
}

void combine(Context& ctx, Operation operation, ByteView store_event) {
    Request request;
    request.operation = operation;
    std::size_t after = 0;
    if (!store_event.empty()) {
        request.store = ctx.arg(1);
    }
    if (!read_sources(ctx, request.store.has_value() ? 2 : 1, &request, &after)
        || !read_options(ctx, after, &request)) {
        return;
    }
    std::unique_ptr<ZsetValue> result = compute(&request, ctx.limits());
    if (request.store.has_value()) {
        store_zset(ctx, *request.store, std::move(result), store_event);
    } else {
        reply_members(ctx, *result, request.with_scores);
    }
}

void do_zunion(Context& ctx) {
    combine(ctx, Operation::kUnion, {});
}

void do_zinter(Context& ctx) {
    combine(ctx, Operation::kIntersection, {});
}

void do_zdiff(Context& ctx) {
    combine(ctx, Operation::kDifference, {});
}

void do_zunionstore(Context& ctx) {
    combine(ctx, Operation::kUnion, "zunionstore");
}

void do_zinterstore(Context& ctx) {
    combine(ctx, Operation::kIntersection, "zinterstore");
}

void do_zdiffstore(Context& ctx) {
    combine(ctx, Operation::kDifference, "zdiffstore");
}

void do_zintercard(Context& ctx) {
    Request request;
    request.operation = Operation::kIntersection;
    request.only_count = true;
    std::size_t after = 0;
    if (!read_sources(ctx, 1, &request, &after) || !read_options(ctx, after, &request)) {
        return;
    }
    sort_by_size(&request);
    std::int64_t found = 0;
    request.sources[0].visit([&](const Element& member, double first) {
        found += common_score(request, member, first).has_value() ? 1 : 0;
        return request.limit == 0 || found < request.limit;
    });
    ctx.reply.integer(found);
}

}  // namespace

void add_zset_algebra_commands(HandlerTable& table) {
    table.add({
        {"zunion", do_zunion},
        {"zinter", do_zinter},
        {"zdiff", do_zdiff},
        {"zunionstore", do_zunionstore},
        {"zinterstore", do_zinterstore},
        {"zdiffstore", do_zdiffstore},
        {"zintercard", do_zintercard},
    });
}

}  // namespace kumo::kv
