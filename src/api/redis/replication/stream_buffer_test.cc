#include "api/redis/replication/stream_buffer.h"

#include <gtest/gtest.h>

#include <string>

namespace kumo::api_redis {
namespace {

std::string all_from(const StreamBuffer& buffer, std::uint64_t place) {
    std::string out;
    while (place < buffer.end()) {
        const ByteView piece = buffer.at(place);
        out.append(piece);
        place += piece.size();
    }
    return out;
}

std::string numbered(std::size_t size) {
    std::string out;
    while (out.size() < size) {
        out += std::to_string(out.size()) + ",";
    }
    out.resize(size);
    return out;
}

TEST(StreamBuffer, GivesBytesByTheirPlace) {
    StreamBuffer buffer;
    buffer.restart(1000);
    const std::string text = numbered(3 * StreamBuffer::kBlockBytes + 77);
    for (std::size_t at = 0; at < text.size(); at += 1021) {
        buffer.append(ByteView(text).substr(at, 1021));
    }
    EXPECT_EQ(buffer.begin(), 1000U);
    EXPECT_EQ(buffer.end(), 1000 + text.size());
    for (const std::size_t from : {std::size_t{0}, StreamBuffer::kBlockBytes, text.size() - 5}) {
        EXPECT_EQ(all_from(buffer, 1000 + from), text.substr(from));
    }
    EXPECT_TRUE(buffer.at(buffer.end()).empty());
}

TEST(StreamBuffer, KeepsWhatTrimIsNotToldOf) {
    StreamBuffer buffer;
    buffer.restart(0);
    const std::string text = numbered(4 * StreamBuffer::kBlockBytes);
    buffer.append(text);
    const std::uint64_t place = 2 * StreamBuffer::kBlockBytes + 1;
    buffer.trim(place);
    EXPECT_LE(buffer.begin(), place);
    EXPECT_EQ(buffer.begin(), 2 * StreamBuffer::kBlockBytes);
    EXPECT_EQ(all_from(buffer, place), text.substr(place));
    buffer.trim(buffer.end());
    EXPECT_EQ(buffer.begin(), buffer.end());
    EXPECT_EQ(buffer.memory_bytes(), 0U);
    buffer.append("abc");
    EXPECT_EQ(all_from(buffer, buffer.end() - 3), "abc");
}

TEST(StreamBuffer, ATrimWithinTheLastBlockKeepsItsPlaces) {
    StreamBuffer buffer;
    buffer.restart(5);
    buffer.append("hello");
    buffer.trim(8);
    EXPECT_EQ(buffer.begin(), 5U);
    buffer.append(" world");
    EXPECT_EQ(all_from(buffer, 8), "lo world");
}

}  // namespace
}  // namespace kumo::api_redis
