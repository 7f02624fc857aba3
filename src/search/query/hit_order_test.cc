#include "search/query/hit_order.h"

#include "base/random.h"
#include "search/query/search.h"
#include "wire/json.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace kumo::search {
namespace {

constexpr std::size_t kTitle = 0;
constexpr std::size_t kPoints = 1;
constexpr std::size_t kPrice = 2;

std::shared_ptr<const Schema> things() {
    Schema schema;
    schema.fields.push_back({.name = "title", .facet = true, .sort = true});
    schema.fields.push_back(
        {.name = "points", .type = ValueType::kInt32, .optional = true, .sort = true}
    );
    schema.fields.push_back({.name = "price", .type = ValueType::kFloat, .sort = true});
    return std::make_shared<const Schema>(schema);
}

/// A few hundred documents in several segments.
class SortOrders : public testing::TestWithParam<std::uint64_t> {
protected:
    SortOrders() {
        static const std::vector<std::string> kTitles = {"red hat", "red", "blue hat", "Hat"};
        for (int i = 0; i < 200; ++i) {
            std::string json = R"({"id":"id)" + std::to_string(i) + R"(","title":")"
                               + kTitles[pick(4)] + R"(","price":)" + std::to_string(pick(9))
                               + ".5";
            json += pick(5) == 0 ? "}" : R"(,"points":)" + std::to_string(pick(9)) + "}";
            EXPECT_TRUE(index_.write(WriteAction::kCreate, json, DirtyValues::kReject).ok());
            index_.publish(static_cast<std::uint64_t>(i) + 1);
            if (pick(50) == 0) {
                const auto job = index_.begin_seal();
                files_[job.segment_id] = job.run().value();
                index_.finish_seal(
                    open_segment(index_.schema(), files_[job.segment_id], nullptr).value()
                );
            }
        }
    }

    std::size_t pick(std::size_t bound) { return static_cast<std::size_t>(random_.below(bound)); }

    static Filter points_from(std::int64_t least) {
        Filter filter;
        filter.kind = Filter::Kind::kRange;
        filter.field = kPoints;
        filter.ranges = {{least, INT64_MAX}};
        return filter;
    }

    SortKey key() {
        SortKey out;
        out.descending = pick(2) == 0;
        switch (pick(6)) {
            case 0: out.field = kTitle; break;
            case 1: out.by = SortKey::By::kTextMatch; break;
            case 2:
                out.by = SortKey::By::kFilters;
                out.filters = {{points_from(7), 3}, {points_from(4), 9}};
                break;
            case 3:
                out.by = SortKey::By::kRandom;
                out.seed = pick(3);
                break;
            case 4:
                out.by = SortKey::By::kDecay;
                out.field = pick(2) == 0 ? kPoints : kPrice;
                out.decay.origin = 4;
                break;
            default: out.field = pick(2) == 0 ? kPoints : kPrice;
        }
        return out;
    }

    std::vector<std::string> run(const SearchRequest& request) const {
        std::vector<std::string> out;
        const auto result = search(*index_.snapshot(), request, system_clock());
        for (const Hit& hit : result.value().hits) {
            out.push_back(hit.document);
        }
        return out;
    }

    /// The number in a document, if there.
    static std::optional<double> number(const std::string& document, const char* name) {
        const auto json = wire::JsonDocument::parse(document).value();
        const auto value = json.root().find(name);
        return value ? std::optional(std::stod(std::string(value.raw()))) : std::nullopt;
    }

    SeededRandom random_{GetParam()};
    Index index_{things(), Manifest{}, {}};
    std::map<std::uint64_t, std::string> files_;
};

TEST_P(SortOrders, APageIsAPieceOfTheWhole) {
    for (int round = 0; round < 40; ++round) {
        SearchRequest request;
        request.q = std::vector<std::string>{"*", "red", "hat"}[pick(3)];
        request.fields.push_back({.field = kTitle});
        for (std::size_t i = pick(4); i > 0; --i) {
            request.sort.push_back(key());
        }
        request.limit = 1000;
        const std::vector<std::string> all = run(request);
        request.offset = pick(all.size());
        request.limit = pick(12);
        const auto begin = all.begin() + static_cast<std::ptrdiff_t>(request.offset);
        const auto left = static_cast<std::size_t>(all.end() - begin);
        const auto size = static_cast<std::ptrdiff_t>(std::min<std::size_t>(request.limit, left));
        ASSERT_EQ(run(request), std::vector<std::string>(begin, begin + size));
    }
}

TEST_P(SortOrders, TheFirstFilterThatADocumentPassesGivesItsScore) {
    SearchRequest request;
    request.limit = 1000;
    const std::vector<std::string> newest = run(request);
    std::vector<std::string> expected = newest;
    const auto score = [](const std::string& document) {
        const double points = number(document, "points").value_or(0);
        return points >= 7 ? 3 : (points >= 4 ? 9 : 0);
    };
    std::stable_sort(expected.begin(), expected.end(), [&](const auto& a, const auto& b) {
        return score(a) > score(b);
    });
    request.sort.push_back(
        {.by = SortKey::By::kFilters, .filters = {{points_from(7), 3}, {points_from(4), 9}}}
    );
    EXPECT_EQ(run(request), expected);
}

TEST_P(SortOrders, DecayFunctionsAreWhatTheySay) {
    using Function = Decay::Function;
    SearchRequest request;
    request.limit = 1000;
    const std::vector<std::string> newest = run(request);
    for (const Function function :
         {Function::kGauss, Function::kExponential, Function::kLinear, Function::kDifference}) {
        const Decay decay{function, 4, 2, 0.5, 0.25};
        const auto value = [&](const std::string& document) {
            const auto points = number(document, "points");
            if (!points) {
                return -1.0;
            }
            const double distance = std::max(0.0, std::abs(*points - 4) - 0.5);
            switch (function) {
                case Function::kGauss: return std::pow(0.25, distance * distance / 4);
                case Function::kExponential: return std::pow(0.25, distance / 2);
                case Function::kLinear: return std::max(0.0, 1 - 0.75 * distance / 2);
                case Function::kDifference: break;
            }
            return distance;
        };
        std::vector<std::string> expected = newest;
        // The same distance above and below the origin is the same value, but for rounding.
        std::stable_sort(expected.begin(), expected.end(), [&](const auto& a, const auto& b) {
            return std::round(value(a) * 1e9) > std::round(value(b) * 1e9);
        });
        request.sort = {{.by = SortKey::By::kDecay, .field = kPoints, .decay = decay}};
        EXPECT_EQ(run(request), expected) << static_cast<int>(function);
    }
}

TEST_P(SortOrders, ShufflesFollowFromTheSeed) {
    SearchRequest request;
    request.limit = 1000;
    std::set<std::vector<std::string>> orders;
    for (std::uint64_t seed = 0; seed < 10; ++seed) {
        request.sort = {{.by = SortKey::By::kRandom, .seed = seed}};
        const std::vector<std::string> order = run(request);
        EXPECT_EQ(run(request), order);
        orders.insert(order);
    }
    EXPECT_EQ(orders.size(), 10U);
}

INSTANTIATE_TEST_SUITE_P(Seeds, SortOrders, testing::Range<std::uint64_t>(1, 7));

TEST(Bitmap, GoesBothWays) {
    Bitmap bits(200);
    std::vector<std::size_t> forwards;
    for (const std::size_t bit :
         {std::size_t{0}, std::size_t{63}, std::size_t{64}, std::size_t{199}}) {
        bits.set(bit);
        forwards.push_back(bit);
    }
    std::vector<std::size_t> seen;
    bits.for_each_backwards([&](std::size_t bit) { seen.push_back(bit); });
    std::reverse(seen.begin(), seen.end());
    EXPECT_EQ(seen, forwards);
}

}  // namespace
}  // namespace kumo::search
