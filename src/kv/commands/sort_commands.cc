// SORT and SORT_RO (Redis 7.0).
#include "kv/command/handlers.h"
#include "kv/keyspace/number.h"
#include "kv/types/hash.h"
#include "kv/types/list.h"
#include "kv/types/set.h"
#include "kv/types/zset.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace kumo::kv {

namespace {

struct SortOptions {
    std::optional<ByteView> by;
    std::vector<ByteView> get;
    std::optional<ByteView> store;
    std::int64_t offset = 0;
    std::int64_t count = -1;  ///< -1: no LIMIT.
    bool limited = false;
    bool descending = false;
    bool alpha = false;

    /// BY a pattern without a star: the elements as they come.
    bool unsorted() const { return by.has_value() && by->find('*') == ByteView::npos; }
};

/// An element with what it is sorted by.
struct SortItem {
    std::string element;
    double score = 0;
    std::optional<std::string> weight;  ///< ALPHA with BY.
};

bool denied_in_cluster(Context& ctx, ByteView option, ByteView pattern) {
    if (ctx.keyspace().slotted() && pattern != "#" && pattern.find('*') != ByteView::npos) {
        ctx.error("ERR " + std::string(option) + " option of SORT denied in cluster mode.");
        return true;
    }
    return false;
}

bool denied_to_user(Context& ctx, ByteView option) {
    if (!ctx.reads_every_key()) {
        ctx.error(
            "ERR " + std::string(option) + " option of SORT denied due to insufficient ACL "
            + "permissions."
        );
    }
    return !ctx.reads_every_key();
}

bool read_sort_options(Context& ctx, bool read_only, SortOptions* out) {
    for (std::size_t i = 2; i < ctx.argc(); ++i) {
        const std::size_t left = ctx.argc() - i - 1;
        if (ctx.arg_is(i, "ASC")) {
            out->descending = false;
        } else if (ctx.arg_is(i, "DESC")) {
            out->descending = true;
        } else if (ctx.arg_is(i, "ALPHA")) {
            out->alpha = true;
        } else if (ctx.arg_is(i, "LIMIT") && left >= 2) {
            if (!ctx.integer(i + 1, &out->offset) || !ctx.integer(i + 2, &out->count)) {
                return false;
            }
            out->limited = true;
            i += 2;
        } else if (!read_only && ctx.arg_is(i, "STORE") && left >= 1) {
            out->store = ctx.arg(++i);
        } else if (ctx.arg_is(i, "BY") && left >= 1) {
            out->by = ctx.arg(++i);
            if (denied_in_cluster(ctx, "BY", *out->by)
                || (!out->unsorted() && denied_to_user(ctx, "BY"))) {
                return false;
            }
        } else if (ctx.arg_is(i, "GET") && left >= 1) {
            out->get.push_back(ctx.arg(++i));
            if (ctx.keyspace().slotted() && out->get.back() != "#") {
                ctx.error("ERR GET option of SORT denied in cluster mode.");
                return false;
            }
            if (denied_to_user(ctx, "GET")) {
                return false;
            }
        } else {
            ctx.syntax_error();
            return false;
        }
    }
    return true;
}

/// What a pattern like `weight_*` or `object_*->field` leads to; nothing: absent or of another
/// type.
std::optional<std::string> follow(Context& ctx, ByteView pattern, ByteView element) {
    if (pattern == "#") {
        return std::string(element);
    }
    const std::size_t star = pattern.find('*');
    if (star == ByteView::npos) {
        return std::nullopt;
    }
    const std::size_t arrow = pattern.find("->", star + 1);
    const bool of_hash = arrow != ByteView::npos && arrow + 2 < pattern.size();
    const ByteView tail =
        of_hash ? pattern.substr(star + 1, arrow - star - 1) : pattern.substr(star + 1);
    const std::string key =
        std::string(pattern.substr(0, star)) + std::string(element) + std::string(tail);
    const Entry* entry = ctx.lookup_read(key);
    if (entry == nullptr) {
        return std::nullopt;
    }
    if (!of_hash) {
        return entry->is_string() ? std::optional(std::string(entry->string())) : std::nullopt;
    }
    if (entry->type() != Type::kHash) {
        return std::nullopt;
    }
    const auto value = static_cast<HashValue&>(entry->value()).get(pattern.substr(arrow + 2));
    return value.has_value() ? std::optional(std::string(value->view())) : std::nullopt;
}

/// The elements, in the order of the collection. A sorted set that stays unsorted gives its own
/// order.
void collect(const Entry& entry, bool backwards, std::vector<SortItem>* out) {
    const auto add = [out](const Element& element) {
        out->push_back({std::string(element.view()), 0, std::nullopt});
        return true;
    };
    if (entry.type() == Type::kList) {
        auto& list = static_cast<ListValue&>(entry.value());
        list.visit(0, list.size(), false, add);
    } else if (entry.type() == Type::kSet) {
        static_cast<SetValue&>(entry.value()).visit(add);
    } else {
        auto& zset = static_cast<ZsetValue&>(entry.value());
        const std::size_t first = backwards ? zset.size() - 1 : 0;
        zset.visit(first, zset.size(), backwards, [&add](const Element& element, double) {
            return add(element);
        });
    }
}

/// False: a score is no number; the error has been written.
bool weigh(Context& ctx, const SortOptions& options, std::vector<SortItem>* items) {
    for (SortItem& item : *items) {
        std::optional<std::string> weight = item.element;
        if (options.by.has_value()) {
            weight = follow(ctx, *options.by, item.element);
        }
        if (options.alpha) {
            item.weight = std::move(weight);
            continue;
        }
        if (!weight.has_value()) {
            continue;
        }
        const auto score = parse_double(*weight);
        if (!score.has_value()) {
            ctx.error("ERR One or more scores can't be converted into double");
            return false;
        }
        item.score = *score;
    }
    return true;
}

void sort_items(const SortOptions& options, std::vector<SortItem>* items) {
    const auto less = [&options](const SortItem& a, const SortItem& b) {
        if (options.alpha) {
            // One without a weight comes first.
            return a.weight < b.weight;
        }
        return a.score != b.score ? a.score < b.score : a.element < b.element;
    };
    if (options.descending) {
        std::stable_sort(items->begin(), items->end(), [&](const SortItem& a, const SortItem& b) {
            return less(b, a);
        });
    } else {
        std::stable_sort(items->begin(), items->end(), less);
    }
}

void limit(const SortOptions& options, std::vector<SortItem>* items) {
    if (!options.limited) {
        return;
    }
    const auto size = static_cast<std::int64_t>(items->size());
    const std::int64_t first = std::clamp<std::int64_t>(options.offset, 0, size);
    const std::int64_t count =
        options.count < 0 ? size - first : std::min(options.count, size - first);
    items->erase(items->begin() + first + count, items->end());
    items->erase(items->begin(), items->begin() + first);
}

/// What is answered or stored: the elements, or what GET's patterns lead to.
std::vector<std::optional<std::string>>
results(Context& ctx, const SortOptions& options, const std::vector<SortItem>& items) {
    std::vector<std::optional<std::string>> out;
    for (const SortItem& item : items) {
        if (options.get.empty()) {
            out.emplace_back(item.element);
        }
        for (const ByteView pattern : options.get) {
            out.push_back(follow(ctx, pattern, item.element));
        }
    }
    return out;
}

void store(Context& ctx, ByteView key, const std::vector<std::optional<std::string>>& values) {
    if (values.empty()) {
        if (Entry* old = ctx.lookup_write(key); old != nullptr) {
            ctx.erase(old);
            ctx.changed(key, EventClass::kGeneric, "del");
        }
    } else {
        auto list = std::make_unique<ListValue>();
        for (const std::optional<std::string>& value : values) {
            list->push_back(value.value_or(""), ctx.limits());
        }
        (void)ctx.lookup_write(key);
        ctx.put(key, std::move(list));
        ctx.changed(key, EventClass::kList, "sortstore", static_cast<std::int64_t>(values.size()));
        ctx.mark_ready(key);
    }
    ctx.reply.integer(static_cast<std::int64_t>(values.size()));
}

void sort(Context& ctx, bool read_only) {
    SortOptions options;
    if (!read_sort_options(ctx, read_only, &options)) {
        return;
    }
    const Entry* entry = ctx.lookup_read(ctx.arg(1));
    std::vector<SortItem> items;
    if (entry != nullptr) {
        if (entry->type() != Type::kList && entry->type() != Type::kSet
            && entry->type() != Type::kZset) {
            ctx.wrong_type();
            return;
        }
        bool sorted = !options.unsorted();
        if (!sorted && entry->type() == Type::kSet
            && (options.store.has_value() || !ctx.may_block())) {
            // What is stored, or computed in a script, must be the same on every copy.
            sorted = true;
            options.alpha = true;
            options.by.reset();
        }
        collect(*entry, !sorted && options.descending, &items);
        if (sorted) {
            if (!weigh(ctx, options, &items)) {
                return;
            }
            sort_items(options, &items);
        }
        limit(options, &items);
    }
    const auto values = results(ctx, options, items);
    if (options.store.has_value()) {
        store(ctx, *options.store, values);
        return;
    }
    ctx.reply.array(values.size());
    for (const std::optional<std::string>& value : values) {
        if (value.has_value()) {
            ctx.reply.bulk(*value);
        } else {
            ctx.reply.null();
        }
    }
}

void do_sort(Context& ctx) {
    sort(ctx, false);
}

void do_sort_ro(Context& ctx) {
    sort(ctx, true);
}

}  // namespace

void add_sort_commands(HandlerTable& table) {
    table.add({
        {"sort", do_sort},
        {"sort_ro", do_sort_ro},
    });
}

}  // namespace kumo::kv
