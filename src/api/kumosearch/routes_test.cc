#include "api/kumosearch/routes.h"

#include <gtest/gtest.h>

#include <set>

namespace kumo::api_kumosearch {
namespace {

constexpr auto kGet = wire::HttpMethod::kGet;

std::string action_of(wire::HttpMethod method, std::string_view path) {
    const auto match = find_route(method, path);
    return match ? std::string(routes()[match->index].action.name()) : "none";
}

/// A path that the pattern stands for.
std::string example_of(std::string_view pattern) {
    std::string out;
    bool parameter = false;
    for (const char c : pattern) {
        parameter = c == ':' || (parameter && c != '/');
        out.push_back(parameter ? 'x' : c);
    }
    return out;
}

TEST(Routes, EachIsFoundByItsOwnPattern) {
    for (std::size_t i = 0; i < routes().size(); ++i) {
        const Route& route = routes()[i];
        const auto match = find_route(route.method, example_of(route.pattern));
        ASSERT_TRUE(match) << route.pattern;
        EXPECT_EQ(match->index, i) << route.pattern;
    }
}

TEST(Routes, ActionsAreResourceAndVerb) {
    const std::set<std::string_view> verbs =
        {"create", "list", "get", "update", "delete", "upsert", "import", "export", "search"};
    for (const Route& route : routes()) {
        const std::string_view action = route.action.name();
        EXPECT_TRUE(verbs.contains(action.substr(action.rfind(':') + 1))) << action;
    }
}

TEST(Routes, OnlyHealthIsPublic) {
    for (const Route& route : routes()) {
        EXPECT_EQ(route.access == Access::kPublic, route.pattern == "/health") << route.pattern;
    }
}

TEST(Routes, CollectionRoutesAreBoundToTheirCollection) {
    for (const Route& route : routes()) {
        if (route.pattern.starts_with("/collections/:")) {
            EXPECT_EQ(route.access, Access::kCollection) << route.pattern;
        }
    }
}

TEST(Routes, WordsBeatParameters) {
    EXPECT_EQ(action_of(kGet, "/collections/c/documents/search"), "documents:search");
    EXPECT_EQ(action_of(kGet, "/collections/c/documents/export"), "documents:export");
    EXPECT_EQ(action_of(kGet, "/collections/c/documents/7"), "documents:get");
}

TEST(Routes, ASlashAtTheEndIsTolerated) {
    EXPECT_EQ(action_of(kGet, "/collections/"), "collections:list");
    EXPECT_EQ(action_of(kGet, "/collections/c/"), "collections:get");
    EXPECT_EQ(action_of(kGet, "/collections//"), "none");
}

TEST(Routes, ParametersAreDecoded) {
    const auto match = find_route(kGet, "/collections/my%20books/documents/a%2Fb%C3%A9");
    ASSERT_TRUE(match);
    EXPECT_EQ(match->path, (std::vector<std::string>{"my books", "a/bé"}));
}

TEST(Routes, RefusesWhatIsNotThere) {
    EXPECT_EQ(action_of(kGet, "/"), "none");
    EXPECT_EQ(action_of(kGet, "/nothing"), "none");
    EXPECT_EQ(action_of(kGet, "/collections/c/documents/7/more"), "none");
    EXPECT_EQ(action_of(wire::HttpMethod::kPut, "/collections"), "none");
    EXPECT_EQ(action_of(kGet, "/collections/%ff"), "none");
    EXPECT_EQ(action_of(kGet, "*"), "none");
}

}  // namespace
}  // namespace kumo::api_kumosearch
