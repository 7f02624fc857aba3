#include "node/operation.h"

#include <gtest/gtest.h>

#include <string>

namespace kumo::node {

namespace {

Outcome sample() {
    Outcome outcome;
    outcome.written.push_back(search::Written{"1", R"({"id":"1"})", true});
    outcome.written.push_back(search::Written{"2", R"({"id":"2"})", false});
    outcome.written.push_back(Result<search::Written>(Error{ErrorCode::kNotFound, "none"}));
    outcome.changed = 300;
    outcome.document = R"({"id":"3"})";
    outcome.first_error = Error{ErrorCode::kInvalidArgument, "bad"};
    return outcome;
}

TEST(Outcome, SurvivesItsBytes) {
    const auto decoded = decode_outcome(encode_outcome(sample()));
    ASSERT_TRUE(decoded.ok()) << decoded.error().message;
    const Outcome& outcome = decoded.value();
    ASSERT_EQ(outcome.written.size(), 3U);
    EXPECT_EQ(outcome.written[0].value().id, "1");
    EXPECT_TRUE(outcome.written[0].value().created);
    EXPECT_EQ(outcome.written[1].value().document, R"({"id":"2"})");
    EXPECT_FALSE(outcome.written[1].value().created);
    EXPECT_EQ(outcome.written[2].error().code, ErrorCode::kNotFound);
    EXPECT_EQ(outcome.changed, 300U);
    EXPECT_EQ(outcome.document, R"({"id":"3"})");
    EXPECT_EQ(outcome.first_error->message, "bad");
}

TEST(Outcome, DamageIsSeen) {
    const std::string bytes = encode_outcome(sample());
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        EXPECT_FALSE(decode_outcome(ByteView(bytes).substr(0, size)).ok()) << size;
    }
    EXPECT_FALSE(decode_outcome(bytes + "x").ok());
}

}  // namespace

}  // namespace kumo::node
