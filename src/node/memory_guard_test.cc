#include "node/memory_guard.h"

#include "node/internal/machine_test.h"

#include <gtest/gtest.h>

namespace kumo::node {
namespace {

TEST(MemoryGuard, RefusesWritesWhileMemoryIsShort) {
    const auto used = std::make_shared<double>(50);
    NodeOptions options = small_options();
    options.memory_used_max_percentage = 80;
    options.memory_used_percentage = [used] {
        return *used;
    };
    Machine machine(1, options);
    ASSERT_TRUE(machine.start().ok());
    ASSERT_TRUE(machine.create(numbered("a")).ok());
    ASSERT_TRUE(machine.put("a", document("1", 1)).ok());

    *used = 80.5;
    machine.world().run_for(std::chrono::seconds(2));
    EXPECT_EQ(machine.node().health().resource_error, "OUT_OF_MEMORY");
    const Status refused = machine.put("a", document("2", 2));
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code, ErrorCode::kResourceExhausted);
    EXPECT_EQ(
        refused.error().message,
        "Rejecting write: running out of resource type: OUT_OF_MEMORY"
    );
    EXPECT_FALSE(machine.create(numbered("b")).ok());
    EXPECT_TRUE(machine.get("a", "1").ok()) << "reads go on";
    EXPECT_TRUE(machine.erase("a", "1").ok()) << "what makes room is taken";

    *used = 79;
    machine.world().run_for(std::chrono::seconds(2));
    EXPECT_EQ(machine.node().health().resource_error, "");
    EXPECT_TRUE(machine.put("a", document("2", 2)).ok());
}

}  // namespace
}  // namespace kumo::node
