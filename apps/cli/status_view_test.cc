#include "cli/status_view.h"

#include <gtest/gtest.h>

namespace kumo::cli {
namespace {

wire::JsonDocument parse(std::string_view text) {
    return wire::JsonDocument::parse(text).value();
}

TEST(StatusView, ShowsWhatTheServerSays) {
    const auto health = parse(R"({"ok":true})");
    const auto debug = parse(R"({"state":1,"version":"30.2","kumosearch_version":"0.1.0"})");
    const auto metrics = parse(R"({"typesense_memory_resident_bytes":"104857600"})");
    const auto collections =
        parse(R"([{"name":"packages","num_documents":63666},{"name":"books","num_documents":7}])");
    EXPECT_EQ(
        status_text({health.root(), debug.root(), metrics.root(), collections.root()}, false),
        "health        healthy\n"
        "version       0.1.0, speaks API 30.2\n"
        "memory        100.0 MB resident\n"
        "collections   packages  63,666 documents\n"
        "              books          7 documents\n"
    );
}

TEST(StatusView, SaysWhatIsWrong) {
    const auto health = parse(R"({"ok":false,"resource_error":"OUT_OF_DISK"})");
    EXPECT_EQ(
        status_text({health.root(), {}, {}, {}}, false),
        "health        not healthy: OUT_OF_DISK\n"
    );
}

TEST(StatusView, SurvivesAnswersOfAnotherShape) {
    const auto odd = parse(R"([1,{"name":7,"num_documents":"x"}])");
    EXPECT_FALSE(status_text({odd.root(), odd.root(), odd.root(), odd.root()}, true).empty());
}

}  // namespace
}  // namespace kumo::cli
