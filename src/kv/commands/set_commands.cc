// Sets: https://redis.io/commands/?group=set (Redis 7.0).
#include "kv/command/handlers.h"
#include "kv/commands/scan_options.h"
#include "kv/types/set.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

namespace kumo::kv {

namespace {

constexpr std::int64_t kLongMax = std::numeric_limits<std::int64_t>::max();

/// What SRANDMEMBER answers with repetitions at most: the reply is built in memory.
constexpr std::int64_t kRepeatedMax = std::int64_t{1} << 26;

std::int64_t signed_size(const Value& value) {
    return static_cast<std::int64_t>(value.size());
}

// Changing ----------------------------------------------------------------------------------------

void do_sadd(Context& ctx) {
    SetValue* set = nullptr;
    if (!ctx.find_or_make(ctx.arg(1), &set)) {
        return;
    }
    std::int64_t added = 0;
    for (std::size_t i = 2; i < ctx.argc(); ++i) {
        added += set->add(ctx.arg(i), ctx.limits()) ? 1 : 0;
    }
    if (added > 0) {
        ctx.changed(ctx.arg(1), EventClass::kSet, "sadd", added);
    }
    ctx.reply.integer(added);
}

void do_srem(Context& ctx) {
    SetValue* set = nullptr;
    if (!ctx.find_write(ctx.arg(1), &set)) {
        return;
    }
    std::int64_t removed = 0;
    for (std::size_t i = 2; set != nullptr && set->size() > 0 && i < ctx.argc(); ++i) {
        removed += set->remove(ctx.arg(i)) ? 1 : 0;
    }
    if (removed > 0) {
        ctx.changed(ctx.arg(1), EventClass::kSet, "srem", removed);
        (void)ctx.drop_if_empty(ctx.arg(1), *set);
    }
    ctx.reply.integer(removed);
}

void do_smove(Context& ctx) {
    const ByteView from = ctx.arg(1);
    const ByteView to = ctx.arg(2);
    const ByteView member = ctx.arg(3);
    const Entry* source_entry = ctx.lookup_write(from);
    const Entry* target_entry = ctx.lookup_write(to);
    if (source_entry == nullptr) {
        ctx.reply.integer(0);
        return;
    }
    if (source_entry->type() != Type::kSet
        || (target_entry != nullptr && target_entry->type() != Type::kSet)) {
        ctx.wrong_type();
        return;
    }
    auto& source = static_cast<SetValue&>(source_entry->value());
    if (source_entry == target_entry) {
        ctx.reply.integer(source.contains(member) ? 1 : 0);
        return;
    }
    if (!source.remove(member)) {
        ctx.reply.integer(0);
        return;
    }
    ctx.changed(from, EventClass::kSet, "srem");
    (void)ctx.drop_if_empty(from, source);
    SetValue* target = nullptr;
    (void)ctx.find_or_make(to, &target);
    if (target->add(member, ctx.limits())) {
        ctx.changed(to, EventClass::kSet, "sadd");
    }
    ctx.reply.integer(1);
}

// Asking ------------------------------------------------------------------------------------------

void do_sismember(Context& ctx) {
    SetValue* set = nullptr;
    if (ctx.find_read(ctx.arg(1), &set)) {
        ctx.reply.integer(set != nullptr && set->contains(ctx.arg(2)) ? 1 : 0);
    }
}

void do_smismember(Context& ctx) {
    SetValue* set = nullptr;
    if (!ctx.find_read(ctx.arg(1), &set)) {
        return;
    }
    ctx.reply.array(ctx.argc() - 2);
    for (std::size_t i = 2; i < ctx.argc(); ++i) {
        ctx.reply.integer(set != nullptr && set->contains(ctx.arg(i)) ? 1 : 0);
    }
}

void do_scard(Context& ctx) {
    SetValue* set = nullptr;
    if (ctx.find_read(ctx.arg(1), &set)) {
        ctx.reply.integer(set == nullptr ? 0 : signed_size(*set));
    }
}

void reply_members(Context& ctx, const SetValue& set) {
    set.visit([&ctx](const Element& member) {
        ctx.reply.bulk(member.view());
        return true;
    });
}

void do_smembers(Context& ctx) {
    SetValue* set = nullptr;
    if (!ctx.find_read(ctx.arg(1), &set)) {
        return;
    }
    ctx.reply.set(set == nullptr ? 0 : set->size());
    if (set != nullptr) {
        reply_members(ctx, *set);
    }
}

void do_sscan(Context& ctx) {
    ScanCursor cursor = 0;
    SetValue* set = nullptr;
    if (!read_scan_cursor(ctx, 2, &cursor) || !ctx.find_read(ctx.arg(1), &set)) {
        return;
    }
    ScanOptions options;
    if (set != nullptr && !read_scan_options(ctx, 3, false, &options)) {
        return;
    }
    std::vector<std::string> found;
    if (set != nullptr) {
        cursor =
            set->scan(cursor, static_cast<std::size_t>(options.count), [&](const Element& member) {
                if (options.matches(member.view())) {
                    found.emplace_back(member.view());
                }
            });
    } else {
        cursor = 0;
    }
    ctx.reply.array(2);
    ctx.reply.bulk(std::to_string(cursor));
    ctx.reply.array(found.size());
    for (const std::string& member : found) {
        ctx.reply.bulk(member);
    }
}

// By chance ---------------------------------------------------------------------------------------

/// `count` different members. REQUIRES count <= size.
std::vector<std::string> pick(const SetValue& set, std::size_t count, Random& random) {
    std::vector<std::string> picked;
    constexpr std::size_t kFewFactor = 3;
    if (count <= set.size() / kFewFactor) {
        std::unordered_set<std::string> seen;
        while (picked.size() < count) {
            const Element member = set.random(random);
            if (seen.emplace(member.view()).second) {
                picked.emplace_back(member.view());
            }
        }
        return picked;
    }
    picked.reserve(set.size());
    set.visit([&picked](const Element& member) {
        picked.emplace_back(member.view());
        return true;
    });
    for (std::size_t i = 0; i < count; ++i) {
        std::swap(picked[i], picked[i + random.below(picked.size() - i)]);
    }
    picked.resize(count);
    return picked;
}

void spop_one(Context& ctx) {
    const ByteView key = ctx.arg(1);
    SetValue* set = nullptr;
    if (!ctx.find_write(key, &set)) {
        return;
    }
    if (set == nullptr) {
        ctx.reply.null();
        return;
    }
    const std::string member(set->random(ctx.random()).view());
    (void)set->remove(member);
    ctx.changed(key, EventClass::kSet, "spop");
    ctx.propagate({"SREM", key, member});
    (void)ctx.drop_if_empty(key, *set);
    ctx.reply.bulk(member);
}

void do_spop(Context& ctx) {
    if (ctx.argc() == 2) {
        spop_one(ctx);
        return;
    }
    if (ctx.argc() > 3) {
        ctx.syntax_error();
        return;
    }
    std::int64_t count = 0;
    SetValue* set = nullptr;
    const ByteView key = ctx.arg(1);
    if (!ctx.integer_in(2, 0, kLongMax, &count, "ERR value is out of range, must be positive")
        || !ctx.find_write(key, &set)) {
        return;
    }
    if (set == nullptr || count == 0) {
        ctx.reply.set(0);
        return;
    }
    if (count >= signed_size(*set)) {
        ctx.reply.set(set->size());
        reply_members(ctx, *set);
        ctx.changed(key, EventClass::kSet, "spop", signed_size(*set));
        ctx.propagate({"DEL", key});
        ctx.erase(ctx.db().find(key));
        ctx.notify(EventClass::kGeneric, "del", key);
        return;
    }
    const auto members = pick(*set, static_cast<std::size_t>(count), ctx.random());
    ctx.reply.set(members.size());
    for (const std::string& member : members) {
        (void)set->remove(member);
        ctx.reply.bulk(member);
        ctx.propagate({"SREM", key, member});
    }
    ctx.changed(key, EventClass::kSet, "spop", count);
}

void srandmember_many(Context& ctx, const SetValue& set, std::int64_t count) {
    if (count < 0) {
        if (count < -kRepeatedMax) {
            ctx.error("ERR value is out of range");
            return;
        }
        ctx.reply.array(static_cast<std::size_t>(-count));
        for (; count < 0; ++count) {
            ctx.reply.bulk(set.random(ctx.random()).view());
        }
        return;
    }
    if (count >= signed_size(set)) {
        ctx.reply.array(set.size());
        reply_members(ctx, set);
        return;
    }
    const auto members = pick(set, static_cast<std::size_t>(count), ctx.random());
    ctx.reply.array(members.size());
    for (const std::string& member : members) {
        ctx.reply.bulk(member);
    }
}

void do_srandmember(Context& ctx) {
    if (ctx.argc() > 3) {
        ctx.syntax_error();
        return;
    }
    std::int64_t count = 0;
    if (ctx.argc() == 3) {
        if (!ctx.integer(2, &count)) {
            return;
        }
        if (count < -kLongMax) {
            ctx.error(
                "ERR value is out of range, value must between -9223372036854775807 and "
                "9223372036854775807"
            );
            return;
        }
    }
    SetValue* set = nullptr;
    if (!ctx.find_read(ctx.arg(1), &set)) {
        return;
    }
    if (ctx.argc() == 3) {
        if (set == nullptr) {
            ctx.reply.array(0);
        } else {
            srandmember_many(ctx, *set, count);
        }
    } else if (set == nullptr) {
        ctx.reply.null();
    } else {
        ctx.reply.bulk(set->random(ctx.random()).view());
    }
}

// Several sets ------------------------------------------------------------------------------------

/// The sets of the keys [from, to), nullptr for absent ones. False: the error has been written.
bool find_sets(Context& ctx, std::size_t from, std::size_t to, std::vector<const SetValue*>* out) {
    for (std::size_t i = from; i < to; ++i) {
        SetValue* set = nullptr;
        if (!ctx.find_read(ctx.arg(i), &set)) {
            return false;
        }
        out->push_back(set);
    }
    return true;
}

/// Visits what all have in common.
void intersect(std::vector<const SetValue*> sets, FunctionRef<bool(const Element&)> visitor) {
    if (std::find(sets.begin(), sets.end(), nullptr) != sets.end()) {
        return;
    }
    std::stable_sort(sets.begin(), sets.end(), [](const SetValue* a, const SetValue* b) {
        return a->size() < b->size();
    });
    sets.front()->visit([&](const Element& member) {
        const bool common = std::all_of(sets.begin() + 1, sets.end(), [&](const SetValue* set) {
            return set == sets.front() || set->contains(member.view());
        });
        return !common || visitor(member);
    });
}

using Sets = std::vector<const SetValue*>;
using Combine = std::unique_ptr<SetValue> (*)(const Sets&, const EncodingLimits&);

std::unique_ptr<SetValue> intersection(const Sets& sets, const EncodingLimits& limits) {
    auto result = std::make_unique<SetValue>();
    intersect(sets, [&](const Element& member) {
        (void)result->add(member.view(), limits);
        return true;
    });
    return result;
}

std::unique_ptr<SetValue> united(const Sets& sets, const EncodingLimits& limits) {
    auto result = std::make_unique<SetValue>();
    for (const SetValue* set : sets) {
        if (set != nullptr) {
            set->visit([&](const Element& member) {
                (void)result->add(member.view(), limits);
                return true;
            });
        }
    }
    return result;
}

std::unique_ptr<SetValue> difference(const Sets& sets, const EncodingLimits& limits) {
    auto result = std::make_unique<SetValue>();
    if (sets.front() == nullptr) {
        return result;
    }
    sets.front()->visit([&](const Element& member) {
        const bool elsewhere = std::any_of(sets.begin() + 1, sets.end(), [&](const SetValue* set) {
            return set != nullptr && set->contains(member.view());
        });
        if (!elsewhere) {
            (void)result->add(member.view(), limits);
        }
        return true;
    });
    return result;
}

void combine(Context& ctx, Combine how) {
    Sets sets;
    if (!find_sets(ctx, 1, ctx.argc(), &sets)) {
        return;
    }
    const auto result = how(sets, ctx.limits());
    ctx.reply.set(result->size());
    reply_members(ctx, *result);
}

void combine_and_store(Context& ctx, Combine how, ByteView event) {
    Sets sets;
    if (!find_sets(ctx, 2, ctx.argc(), &sets)) {
        return;
    }
    const ByteView key = ctx.arg(1);
    auto result = how(sets, ctx.limits());
    const std::int64_t size = signed_size(*result);
    Entry* old = ctx.lookup_write(key);
    if (size > 0) {
        ctx.put(key, std::move(result));
        if (old == nullptr) {
            ctx.notify_new(key);
        }
        ctx.changed(key, EventClass::kSet, event);
    } else if (old != nullptr) {
        ctx.erase(old);
        ctx.changed(key, EventClass::kGeneric, "del");
    }
    ctx.reply.integer(size);
}

void do_sinter(Context& ctx) {
    combine(ctx, intersection);
}

void do_sunion(Context& ctx) {
    combine(ctx, united);
}

void do_sdiff(Context& ctx) {
    combine(ctx, difference);
}

void do_sinterstore(Context& ctx) {
    combine_and_store(ctx, intersection, "sinterstore");
}

void do_sunionstore(Context& ctx) {
    combine_and_store(ctx, united, "sunionstore");
}

void do_sdiffstore(Context& ctx) {
    combine_and_store(ctx, difference, "sdiffstore");
}

void do_sintercard(Context& ctx) {
    std::int64_t keys = 0;
    std::int64_t limit = 0;
    if (!ctx.integer_in(1, 1, kLongMax, &keys, "ERR numkeys should be greater than 0")) {
        return;
    }
    if (keys > static_cast<std::int64_t>(ctx.argc()) - 2) {
        ctx.error("ERR Number of keys can't be greater than number of args");
        return;
    }
    const std::size_t end = 2 + static_cast<std::size_t>(keys);
    for (std::size_t i = end; i < ctx.argc(); i += 2) {
        if (!ctx.arg_is(i, "LIMIT") || i + 1 == ctx.argc()) {
            ctx.syntax_error();
            return;
        }
        if (!ctx.integer_in(i + 1, 0, kLongMax, &limit, "ERR LIMIT can't be negative")) {
            return;
        }
    }
    Sets sets;
    if (!find_sets(ctx, 2, end, &sets)) {
        return;
    }
    std::int64_t count = 0;
    intersect(sets, [&](const Element&) { return ++count != limit; });
    ctx.reply.integer(count);
}

}  // namespace

void add_set_commands(HandlerTable& table) {
    table.add({
        {"sadd", do_sadd},
        {"srem", do_srem},
        {"smove", do_smove},
        {"sismember", do_sismember},
        {"smismember", do_smismember},
        {"scard", do_scard},
        {"smembers", do_smembers},
        {"sscan", do_sscan},
        {"spop", do_spop},
        {"srandmember", do_srandmember},
        {"sinter", do_sinter},
        {"sunion", do_sunion},
        {"sdiff", do_sdiff},
        {"sinterstore", do_sinterstore},
        {"sunionstore", do_sunionstore},
        {"sdiffstore", do_sdiffstore},
        {"sintercard", do_sintercard},
    });
}

}  // namespace kumo::kv
