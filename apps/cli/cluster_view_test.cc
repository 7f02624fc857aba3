#include "cli/cluster_view.h"

#include <gtest/gtest.h>

namespace kumo::cli {
namespace {

/// A member whose API's port follows from its own.
std::string member(const std::string& number, const std::string& role, bool up) {
    return R"({"id":"id-)" + number + R"(","name":"h:)" + number + R"(","peering_address":"h:)"
           + number + R"(","api_address":"h:80)" + number + R"(","leads":)"
           + (role == "leader" ? "true" : "false") + R"(,"votes":)"
           + (role == "none" ? "false" : "true") + R"(,"up":)" + (up ? "true" : "false")
           + R"(,"draining":false,"zone":""})";
}

std::string
copy(const std::string& number, const std::string& state, const std::string& more = "") {
    return R"({"node":"id-)" + number + R"(","primary":)" + (state == "primary" ? "true" : "false")
           + R"(,"in_sync":)" + (state == "behind" ? "false" : "true") + more + "}";
}

std::string shard(const std::string& name, const std::string& copies) {
    return R"({"collection":")" + name + R"(","copies":[)" + copies + "]}";
}

std::string cluster(
    const std::string& members,
    const std::string& shards,
    const std::string& head = R"("id":"c","state":"LEADER","has_leader":true,"broken":"")"
) {
    return "{" + head + R"(,"members":[)" + members + R"(],"shards":[)" + shards + "]}";
}

ClusterReport report(const std::string& text) {
    const auto document = wire::JsonDocument::parse(text);
    return cluster_report(document.value().root(), false);
}

const std::string kThree = member("3", "voter", true) + "," + member("1", "leader", true) + ","
                           + member("2", "voter", true);
const std::string kOneDown = member("1", "leader", true) + "," + member("2", "voter", true) + ","
                             + member("3", "voter", false);
const std::string kAllInSync =
    copy("2", "in sync") + "," + copy("1", "primary") + "," + copy("3", "in sync");
const std::string kThirdBehind =
    copy("1", "primary") + "," + copy("2", "in sync") + "," + copy("3", "behind");

TEST(ClusterView, ShowsMembersAndCopies) {
    const auto shown = report(cluster(kThree, shard("books", kAllInSync)));
    EXPECT_TRUE(shown.well);
    EXPECT_EQ(
        shown.text,
        "node  api    role    state\n"
        "h:1   h:801  leader  up\n"
        "h:2   h:802  voter   up\n"
        "h:3   h:803  voter   up\n"
        "\n"
        "collection  primary  in sync\n"
        "books       h:1      h:2, h:3\n"
        "\n"
        "all is well\n"
    );
}

TEST(ClusterView, NumbersTheShardsOfACollection) {
    const auto numbered = [](const std::string& shown, int number) {
        std::string out = shown;
        out.insert(out.size() - 1, R"(,"count":2,"number":)" + std::to_string(number));
        return out;
    };
    const auto shown = report(cluster(
        kThree,
        numbered(shard("books", kThirdBehind), 1) + "," + shard("films", kAllInSync) + ","
            + numbered(shard("books", kAllInSync), 0)
    ));
    EXPECT_NE(
        shown.text.find("collection  primary  in sync   behind\n"
                        "books/0     h:1      h:2, h:3\n"
                        "books/1     h:1      h:2       h:3\n"
                        "films       h:1      h:2, h:3\n"),
        std::string::npos
    ) << shown.text;
    EXPECT_NE(
        shown.text.find("\nbooks/1 has 2 of 3 copies in sync: h:3 is catching up\n"),
        std::string::npos
    ) << shown.text;
}

TEST(ClusterView, NamesZonesAndWhoIsDraining) {
    const auto shown = report(cluster(
        R"({"id":"i","name":"ada","peering_address":"h:1","api_address":"h:2","zone":"north",)"
        R"("leads":true,"votes":true,"up":true,"draining":true})",
        ""
    ));
    EXPECT_TRUE(shown.well);
    EXPECT_EQ(
        shown.text,
        "node  peering  api  role    state         zone\n"
        "ada   h:1      h:2  leader  up, draining  north\n"
        "\n"
        "all is well\n"
    );
}

TEST(ClusterView, SaysWhichCopiesAreMissingAndWhy) {
    const auto shown = report(cluster(kOneDown, shard("books", kThirdBehind)));
    EXPECT_FALSE(shown.well);
    EXPECT_NE(shown.text.find("h:3   h:803  voter   down\n"), std::string::npos) << shown.text;
    EXPECT_NE(shown.text.find("\n1 of 3 nodes down: h:3\n"), std::string::npos) << shown.text;
    EXPECT_NE(
        shown.text.find("\nbooks has 2 of 3 copies in sync: h:3 is down\n"),
        std::string::npos
    ) << shown.text;
}

TEST(ClusterView, CollectionsWithTheSameTroubleShareALine) {
    const auto shown = report(cluster(
        kOneDown,
        shard("films", kThirdBehind) + "," + shard("books", kThirdBehind) + ","
            + shard("cars", kThirdBehind)
    ));
    EXPECT_NE(
        shown.text.find("\nbooks and 2 more have 2 of 3 copies in sync: h:3 is down\n"),
        std::string::npos
    ) << shown.text;
}

TEST(ClusterView, ACopyOfANodeThatIsUpCatchesUp) {
    const std::string late = copy("1", "primary") + "," + copy("2", "in sync") + ","
                             + copy("3", "behind", R"(,"behind":1234)");
    const auto shown = report(cluster(kThree, shard("books", late)));
    EXPECT_FALSE(shown.well);
    EXPECT_NE(shown.text.find("h:3 (1,234 operations)\n"), std::string::npos) << shown.text;
    EXPECT_NE(
        shown.text.find("\nbooks has 2 of 3 copies in sync: h:3 is catching up\n"),
        std::string::npos
    ) << shown.text;
}

TEST(ClusterView, ANewNodeWaitsForItsCopy) {
    const auto shown =
        report(cluster(kThree, shard("books", copy("1", "primary") + "," + copy("2", "in sync"))));
    EXPECT_FALSE(shown.well);
    EXPECT_NE(
        shown.text.find("\nbooks has 2 copies for 3 nodes: the next is on its way\n"),
        std::string::npos
    ) << shown.text;
}

TEST(ClusterView, SaysWhenNobodyTakesWrites) {
    const std::string members = member("1", "voter", false) + "," + member("2", "leader", true);
    const auto dead =
        report(cluster(members, shard("books", copy("1", "primary") + "," + copy("2", "behind"))));
    EXPECT_NE(
        dead.text.find("\nbooks has a primary that is down, and writes wait: h:1\n"),
        std::string::npos
    ) << dead.text;
    const auto none =
        report(cluster(members, shard("books", copy("1", "in sync") + "," + copy("2", "behind"))));
    EXPECT_NE(none.text.find("\nbooks has no primary: "), std::string::npos) << none.text;
}

TEST(ClusterView, NamesNodesWithAnotherApiKey) {
    std::string odd = member("2", "voter", true);
    odd.insert(odd.size() - 1, R"(,"other_api_key":true)");
    const auto shown = report(cluster(member("1", "leader", true) + "," + odd, ""));
    EXPECT_FALSE(shown.well);
    EXPECT_NE(
        shown.text.find("\nh:2 has another API key than the node that was asked: "),
        std::string::npos
    ) << shown.text;
}

TEST(ClusterView, WithoutALeaderTheTableIsOld) {
    const auto shown = report(cluster(
        kThree,
        shard("books", kAllInSync),
        R"("id":"c","state":"NOT_READY","has_leader":false,"broken":"")"
    ));
    EXPECT_FALSE(shown.well);
    EXPECT_NE(shown.text.find("\nthere is no leader: "), std::string::npos) << shown.text;
    EXPECT_NE(shown.text.find("h:3   h:803  voter   not known\n"), std::string::npos) << shown.text;
}

TEST(ClusterView, SaysWhyTheNodeThatWasAskedDoesNotServe) {
    const auto seeking =
        report(cluster("", "", R"("id":"","state":"NOT_READY","has_leader":false,"broken":"")"));
    EXPECT_FALSE(seeking.well);
    EXPECT_EQ(
        seeking.text,
        "the node that was asked is in no cluster: it looks for the others of its nodes file\n"
    );
    const auto starting =
        report(cluster(kThree, "", R"("id":"c","state":"NOT_READY","has_leader":true,"broken":"")")
        );
    EXPECT_NE(
        starting.text.find("\nthe node that was asked does not serve yet: "),
        std::string::npos
    ) << starting.text;
    const auto broken = report(cluster(
        kThree,
        "",
        R"("id":"c","state":"NOT_READY","has_leader":true,"broken":"x.kseg: damaged")"
    ));
    EXPECT_NE(
        broken.text.find("\nthe node that was asked is broken: x.kseg: damaged\n"),
        std::string::npos
    ) << broken.text;
}

TEST(ClusterView, SurvivesAnswersOfAnotherShape) {
    for (const char* odd :
         {"7",
          "[]",
          "{}",
          R"({"id":1,"members":7,"shards":{}})",
          R"({"id":"c","has_leader":true,"members":[1,{}],"shards":[null,{"copies":[2,{}]}]})"}) {
        EXPECT_FALSE(report(odd).text.empty());
    }
    EXPECT_FALSE(cluster_report({}, true).well);
}

}  // namespace
}  // namespace kumo::cli
