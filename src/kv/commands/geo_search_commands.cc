// GEOSEARCH, GEOSEARCHSTORE, GEORADIUS and GEORADIUSBYMEMBER with their _RO forms (Redis 7.0).
#include "kv/command/handlers.h"
#include "kv/commands/geo_value.h"
#include "kv/commands/zset_store.h"
#include "kv/types/geo_area.h"
#include "kv/types/geohash.h"
#include "kv/types/zset.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace kumo::kv {

namespace {

enum class Family : std::uint8_t {
    kRadius,
    kRadiusByMember,
    kSearch
};

enum class Order : std::uint8_t {
    kNone,
    kNearestFirst,
    kFurthestFirst
};

struct Hit {
    std::string member;
    std::uint64_t code = 0;
    double distance = 0;  ///< Metres.
};

/// One run of one of these commands: its options, then the search.
class Search {
public:
    Search(Context& ctx, Family family) : ctx_(ctx), family_(family) {}

    /// `source`: the argument with the key; options, or what GEORADIUS has in their place, follow.
    void run(std::size_t source, std::optional<ByteView> store, bool may_store);

private:
    bool read_places(std::size_t* at);
    bool read_option(std::size_t* at, bool may_store);
    bool read_search_option(std::size_t* at, bool* known);
    bool read_member(std::size_t index);
    bool read_radius(std::size_t index);
    bool read_box(std::size_t index);
    bool read_count(std::size_t index);
    bool agree();
    std::vector<Hit> find() const;
    void arrange(std::vector<Hit>* hits) const;
    void answer(const std::vector<Hit>& hits);
    void store(const std::vector<Hit>& hits);

    std::string name() const { return std::string(ctx_.arg(0)); }

    Context& ctx_;
    Family family_;
    const ZsetValue* zset_ = nullptr;
    std::optional<ByteView> destination_;
    bool stores_distances_ = false;
    bool has_center_ = false;
    GeoPoint center_;
    bool has_radius_ = false;
    bool has_box_ = false;
    double width_ = 0;  ///< Metres; the radius, if it is a circle.
    double height_ = 0;
    double unit_ = 1;
    bool with_distance_ = false;
    bool with_code_ = false;
    bool with_point_ = false;
    Order order_ = Order::kNone;
    std::size_t count_ = 0;  ///< 0: all.
    bool any_ = false;
};

// What is looked for ------------------------------------------------------------------------------

/// What GEORADIUS and GEORADIUSBYMEMBER have before their options.
bool Search::read_places(std::size_t* at) {
    if (family_ == Family::kSearch) {
        return true;
    }
    const bool by_member = family_ == Family::kRadiusByMember;
    if (by_member ? !read_member(*at) : !geo_read_point(ctx_, *at, &center_)) {
        return false;
    }
    has_center_ = true;
    *at += by_member ? 1 : 2;
    if (!read_radius(*at)) {
        return false;
    }
    *at += 2;
    return true;
}

bool Search::read_member(std::size_t index) {
    has_center_ = true;
    if (zset_ == nullptr) {
        return true;  // Nothing will be found anyway.
    }
    const auto code = geo_code_of(zset_, ctx_.arg(index));
    if (!code.has_value()) {
        ctx_.error("ERR could not decode requested zset member");
        return false;
    }
    center_ = geo_decode(*code);
    return true;
}

bool Search::read_radius(std::size_t index) {
    if (!ctx_.real(index, &width_, "ERR need numeric radius")) {
        return false;
    }
    if (width_ < 0) {
        ctx_.error("ERR radius cannot be negative");
        return false;
    }
    const auto unit = geo_unit(ctx_, index + 1);
    if (!unit.has_value()) {
        return false;
    }
    unit_ = *unit;
    width_ *= unit_;
    has_radius_ = true;
    return true;
}

bool Search::read_box(std::size_t index) {
    if (!ctx_.real(index, &width_, "ERR need numeric width")
        || !ctx_.real(index + 1, &height_, "ERR need numeric height")) {
        return false;
    }
    if (width_ < 0 || height_ < 0) {
        ctx_.error("ERR height or width cannot be negative");
        return false;
    }
    const auto unit = geo_unit(ctx_, index + 2);
    if (!unit.has_value()) {
        return false;
    }
    unit_ = *unit;
    width_ *= unit_;
    height_ *= unit_;
    has_box_ = true;
    return true;
}

bool Search::read_count(std::size_t index) {
    std::int64_t count = 0;
    if (!ctx_.integer(index, &count)) {
        return false;
    }
    if (count <= 0) {
        ctx_.error("ERR COUNT must be > 0");
        return false;
    }
    count_ = static_cast<std::size_t>(count);
    return true;
}

/// Options that only GEOSEARCH and GEOSEARCHSTORE have.
bool Search::read_search_option(std::size_t* at, bool* known) {
    const std::size_t i = *at;
    const std::size_t after = ctx_.argc() - i - 1;
    *known = true;
    if (ctx_.arg_is(i, "FROMMEMBER") && after >= 1 && !has_center_) {
        *at += 1;
        return read_member(i + 1);
    }
    if (ctx_.arg_is(i, "FROMLONLAT") && after >= 2 && !has_center_) {
        *at += 2;
        has_center_ = true;
        return geo_read_point(ctx_, i + 1, &center_);
    }
    if (ctx_.arg_is(i, "BYRADIUS") && after >= 2 && !has_radius_ && !has_box_) {
        *at += 2;
        return read_radius(i + 1);
    }
    if (ctx_.arg_is(i, "BYBOX") && after >= 3 && !has_radius_ && !has_box_) {
        *at += 3;
        return read_box(i + 1);
    }
    if (ctx_.arg_is(i, "STOREDIST") && destination_.has_value()) {
        stores_distances_ = true;
        return true;
    }
    *known = false;
    return true;
}

bool Search::read_option(std::size_t* at, bool may_store) {
    const std::size_t i = *at;
    const bool more = i + 1 < ctx_.argc();
    if (ctx_.arg_is(i, "WITHDIST")) {
        with_distance_ = true;
    } else if (ctx_.arg_is(i, "WITHHASH")) {
        with_code_ = true;
    } else if (ctx_.arg_is(i, "WITHCOORD")) {
        with_point_ = true;
    } else if (ctx_.arg_is(i, "ANY")) {
        any_ = true;
    } else if (ctx_.arg_is(i, "ASC")) {
        order_ = Order::kNearestFirst;
    } else if (ctx_.arg_is(i, "DESC")) {
        order_ = Order::kFurthestFirst;
    } else if (ctx_.arg_is(i, "COUNT") && more) {
        *at += 1;
        return read_count(i + 1);
    } else if (may_store && more && (ctx_.arg_is(i, "STORE") || ctx_.arg_is(i, "STOREDIST"))) {
        *at += 1;
        destination_ = ctx_.arg(i + 1);
        stores_distances_ = ctx_.arg_is(i, "STOREDIST");
    } else {
        bool known = false;
        if (family_ == Family::kSearch && !read_search_option(at, &known)) {
            return false;
        }
        if (!known) {
            ctx_.syntax_error();
            return false;
        }
    }
    return true;
}

bool Search::agree() {
    if (destination_.has_value() && (with_distance_ || with_code_ || with_point_)) {
        ctx_.error(
            std::string(
                family_ == Family::kSearch ? "ERR GEOSEARCHSTORE" : "ERR STORE option in GEORADIUS"
            )
            + " is not compatible with WITHDIST, WITHHASH and WITHCOORD options"
        );
        return false;
    }
    if (!has_center_) {
        ctx_.error("ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for " + name());
        return false;
    }
    if (!has_radius_ && !has_box_) {
        ctx_.error("ERR exactly one of BYRADIUS and BYBOX can be specified for " + name());
        return false;
    }
    if (any_ && count_ == 0) {
        ctx_.error("ERR the ANY argument requires COUNT argument");
        return false;
    }
    return true;
}

// The search --------------------------------------------------------------------------------------

std::vector<Hit> Search::find() const {
    std::vector<Hit> hits;
    if (zset_ == nullptr) {
        return hits;
    }
    const GeoArea area =
        has_box_ ? GeoArea::box(center_, width_, height_) : GeoArea::circle(center_, width_);
    const auto full = [this, &hits] {
        return any_ && hits.size() >= count_;
    };
    for (const GeoArea::CodeRange& range : area.cells()) {
        const std::size_t first = zset_->count_below(static_cast<double>(range.first), false);
        const std::size_t last = zset_->count_below(static_cast<double>(range.last), false);
        if (first == last || full()) {
            continue;
        }
        zset_->visit(first, last - first, false, [&](const Element& member, double score) {
            const std::uint64_t code = geo_code(score).value_or(0);
            const auto distance = area.distance_inside(geo_decode(code));
            if (distance.has_value()) {
                hits.push_back({std::string(member.view()), code, *distance});
            }
            return !full();
        });
    }
    return hits;
}

void Search::arrange(std::vector<Hit>* hits) const {
    // The nearest are wanted if some are left out, unless any will do.
    const Order order =
        count_ > 0 && !any_ && order_ == Order::kNone ? Order::kNearestFirst : order_;
    const auto by = [order](const Hit& a, const Hit& b) {
        return order == Order::kNearestFirst ? a.distance < b.distance : a.distance > b.distance;
    };
    if (order != Order::kNone) {
        std::stable_sort(hits->begin(), hits->end(), by);
    }
    if (count_ > 0 && hits->size() > count_) {
        hits->resize(count_);
    }
}

void Search::answer(const std::vector<Hit>& hits) {
    const std::size_t parts =
        1U + (with_distance_ ? 1 : 0) + (with_code_ ? 1 : 0) + (with_point_ ? 1 : 0);
    ctx_.reply.array(hits.size());
    for (const Hit& hit : hits) {
        if (parts > 1) {
            ctx_.reply.array(parts);
        }
        ctx_.reply.bulk(hit.member);
        if (with_distance_) {
            geo_reply_distance(ctx_, hit.distance / unit_);
        }
        if (with_code_) {
            ctx_.reply.integer(static_cast<std::int64_t>(hit.code));
        }
        if (with_point_) {
            geo_reply_point(ctx_, geo_decode(hit.code));
        }
    }
}

void Search::store(const std::vector<Hit>& hits) {
    auto made = std::make_unique<ZsetValue>();
    for (const Hit& hit : hits) {
        const double score =
            stores_distances_ ? hit.distance / unit_ : static_cast<double>(hit.code);
        made->set(hit.member, score, ctx_.limits());
    }
    store_zset(
        ctx_,
        *destination_,
        std::move(made),
        family_ == Family::kSearch ? "geosearchstore" : "georadiusstore"
    );
}

void Search::run(std::size_t source, std::optional<ByteView> store_to, bool may_store) {
    destination_ = store_to;
    ZsetValue* found = nullptr;
    if (!ctx_.find_read(ctx_.arg(source), &found)) {
        return;
    }
    zset_ = found;
    std::size_t at = source + 1;
    if (!read_places(&at)) {
        return;
    }
    for (; at < ctx_.argc(); ++at) {
        if (!read_option(&at, may_store)) {
            return;
        }
    }
    if (!agree()) {
        return;
    }
    std::vector<Hit> hits = find();
    arrange(&hits);
    if (destination_.has_value()) {
        store(hits);
    } else {
        answer(hits);
    }
}

void do_georadius(Context& ctx) {
    Search(ctx, Family::kRadius).run(1, std::nullopt, true);
}

void do_georadius_ro(Context& ctx) {
    Search(ctx, Family::kRadius).run(1, std::nullopt, false);
}

void do_georadiusbymember(Context& ctx) {
    Search(ctx, Family::kRadiusByMember).run(1, std::nullopt, true);
}

void do_georadiusbymember_ro(Context& ctx) {
    Search(ctx, Family::kRadiusByMember).run(1, std::nullopt, false);
}

void do_geosearch(Context& ctx) {
    Search(ctx, Family::kSearch).run(1, std::nullopt, false);
}

void do_geosearchstore(Context& ctx) {
    Search(ctx, Family::kSearch).run(2, ctx.arg(1), false);
}

}  // namespace

void add_geo_search_commands(HandlerTable& table) {
    table.add({
        {"georadius", do_georadius},
        {"georadius_ro", do_georadius_ro},
        {"georadiusbymember", do_georadiusbymember},
        {"georadiusbymember_ro", do_georadiusbymember_ro},
        {"geosearch", do_geosearch},
        {"geosearchstore", do_geosearchstore},
    });
}

}  // namespace kumo::kv
