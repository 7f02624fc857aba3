#include "cluster/discovery/nodes_file.h"

#include "io/sim/sim_fs.h"
#include "io/sim/sim_loop.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace kumo::cluster {
namespace {

std::string error_of(std::string_view text) {
    const auto nodes = parse_nodes_list(text);
    return nodes.ok() ? "" : nodes.error().message;
}

TEST(NodesList, ReadsNamesNumbersAndBrackets) {
    const auto nodes =
        parse_nodes_list("10.0.0.1:8107:8108,\n node-2.example:8107:8108 ,[fd00::1]:1:65535\n");
    ASSERT_TRUE(nodes.ok()) << nodes.error().message;
    const std::vector<NodeAddress> expected = {
        {{"10.0.0.1", 8107}, 8108, 1},
        {{"node-2.example", 8107}, 8108, 2},
        {{"fd00::1", 1}, 65535, 2},
    };
    EXPECT_EQ(nodes.value(), expected);
    EXPECT_EQ(nodes.value()[2].peering.to_string(), "[fd00::1]:1");
}

TEST(NodesList, ErrorsNameTheEntryAndTheLine) {
    EXPECT_EQ(error_of(""), "the nodes list is empty");
    EXPECT_EQ(error_of(" \n\t"), "the nodes list is empty");

    const struct {
        const char* text;
        const char* error;
    } cases[] = {
        {"a:1:2,", "entry 2 (line 1) of the nodes list: it is empty"},
        {"a:1:2,,b:1:2", "entry 2 (line 1) of the nodes list: it is empty"},
        {"a:1:2,\nb:1",
         "entry 2 (line 2) of the nodes list: 'b:1' is not host:peering_port:api_port"},
        {"a", "entry 1 (line 1) of the nodes list: 'a' is not host:peering_port:api_port"},
        {"[::1]:8107",
         "entry 1 (line 1) of the nodes list: '[::1]:8107' is not host:peering_port:api_port"},
        {"a:1:2,\n\nb:0:2",
         "entry 2 (line 3) of the nodes list: '0' is not a port from 1 to 65535"},
        {"a:1:65536", "entry 1 (line 1) of the nodes list: '65536' is not a port from 1 to 65535"},
        {"a:1:", "entry 1 (line 1) of the nodes list: '' is not a port from 1 to 65535"},
        {":1:2", "entry 1 (line 1) of the nodes list: the host is missing"},
        {"a b:1:2", "entry 1 (line 1) of the nodes list: 'a b' is not a host name or address"},
        {"::1:1:2", "entry 1 (line 1) of the nodes list: '::1' is not a host name or address"},
        {"[::g]:1:2",
         "entry 1 (line 1) of the nodes list: '[::g]' is not an IPv6 address in brackets"},
        {"a:1:2,b:1:2,a:1:3", "entry 3 (line 1) of the nodes list: a:1 is named twice"},
    };

    for (const auto& test : cases) {
        EXPECT_EQ(error_of(test.text), test.error) << test.text;
    }
    std::string many;
    for (std::size_t i = 0; i <= kNodesListMax; ++i) {
        many += "n" + std::to_string(i) + ":1:2,";
    }
    EXPECT_EQ(parse_nodes_list(many).error().code, ErrorCode::kLimitExceeded);
}

class NodesFile : public testing::Test {
protected:
    void put(const std::string& text) {
        const auto file = fs.open("/nodes", io::OpenMode::kCreate);
        ASSERT_TRUE(file.ok() && file.value()->write(0, text).ok());
    }

    std::size_t known() const { return watcher.nodes().has_value() ? watcher.nodes()->size() : 0; }

    io::SimWorld world{1};
    io::SimFs fs{world};
    std::unique_ptr<io::SimLoop> loop = world.make_loop();
    int changes = 0;
    NodesFileWatcher watcher{*loop, fs, {.path = "/nodes"}, [this](const auto&) {
                                 ++changes;
                             }};
};

TEST_F(NodesFile, FollowsChangesAndKeepsTheLastGoodList) {
    EXPECT_EQ(watcher.start().error().code, ErrorCode::kNotFound);
    world.run_for(std::chrono::seconds(12));
    EXPECT_EQ(changes, 0);
    put("a:1:2");
    world.run_for(std::chrono::seconds(6));
    EXPECT_EQ(changes, 1);
    world.run_for(std::chrono::seconds(60));
    EXPECT_EQ(changes, 1) << "nothing has changed";
    for (const char* bad : {"", "a:1:2,b:", "a:1:2,b:1:x"}) {
        put(bad);
        world.run_for(std::chrono::seconds(6));
        EXPECT_EQ(known(), 1U);
    }
    ASSERT_TRUE(fs.unlink("/nodes").ok());
    world.run_for(std::chrono::seconds(6));
    EXPECT_EQ(known(), 1U);
    put("a:1:2\n");
    world.run_for(std::chrono::seconds(6));
    EXPECT_EQ(changes, 1);
    put("a:1:2,b:1:2");
    world.run_for(std::chrono::seconds(6));
    EXPECT_EQ(changes, 2);
    EXPECT_EQ(known(), 2U);
}

}  // namespace
}  // namespace kumo::cluster
