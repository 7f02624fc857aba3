#include "api/redis/replication/master_stream.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace kumo::api_redis {
namespace {

using Event = MasterStream::Event;

/// What the stream tells of `bytes`, fed in pieces of `step`: lines, the file, commands' bytes.
struct Heard {
    std::vector<std::string> lines;
    std::string rdb;
    bool rdb_ended = false;
    std::vector<std::string> commands;
    std::string command_bytes;
    std::string error;
};

Heard hear(ByteView bytes, std::size_t step, ByteView last_line) {
    MasterStream stream;
    Heard out;
    while (!bytes.empty()) {
        stream.feed(bytes.substr(0, step));
        bytes.remove_prefix(std::min(step, bytes.size()));
        for (Event event = stream.next(); event != Event::kNeedMore; event = stream.next()) {
            if (event == Event::kLine) {
                out.lines.emplace_back(stream.text());
                if (stream.text() == last_line) {
                    stream.expect_rdb();
                }
            } else if (event == Event::kRdb) {
                out.rdb.append(stream.text());
            } else if (event == Event::kRdbEnd) {
                out.rdb_ended = true;
            } else if (event == Event::kCommand) {
                out.command_bytes.append(stream.text());
                if (!stream.arguments().empty()) {
                    out.commands.emplace_back(stream.arguments()[0]);
                }
            } else {
                out.error = stream.error();
                return out;
            }
        }
    }
    return out;
}

const std::string kCommands = "*1\r\n$4\r\nPING\r\n\n*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n";

TEST(MasterStream, ReadsAFileOfKnownLengthAndTheCommandsBehindIt) {
    const std::string bytes = "+PONG\r\n\n\n+FULLRESYNC x 7\r\n\n\n$5\r\nREDIS" + kCommands;
    for (const std::size_t step : {std::size_t{1}, std::size_t{3}, bytes.size()}) {
        const Heard heard = hear(bytes, step, "+FULLRESYNC x 7");
        EXPECT_EQ(heard.lines, (std::vector<std::string>{"+PONG", "+FULLRESYNC x 7"}));
        EXPECT_EQ(heard.rdb, "REDIS");
        EXPECT_TRUE(heard.rdb_ended);
        EXPECT_EQ(heard.commands, (std::vector<std::string>{"PING", "SELECT"}));
        EXPECT_EQ(heard.command_bytes, kCommands);
        EXPECT_EQ(heard.error, "");
    }
}

TEST(MasterStream, FindsTheMarkHoweverItIsCut) {
    const std::string mark(MasterStream::kMarkBytes, 'm');
    const std::string file = "REDIS" + mark.substr(1) + "x" + std::string(200, 'z');
    const std::string bytes = "+F\r\n$EOF:" + mark + "\r\n" + file + mark + kCommands;
    for (std::size_t step = 1; step < 120; ++step) {
        const Heard heard = hear(bytes, step, "+F");
        EXPECT_EQ(heard.rdb, file);
        EXPECT_TRUE(heard.rdb_ended);
        EXPECT_EQ(heard.command_bytes, kCommands);
    }
}

TEST(MasterStream, RefusesWhatIsNoFile) {
    EXPECT_EQ(hear("+F\r\n-ERR no\r\n", 100, "+F").error, "no file came, but '-ERR no'");
    EXPECT_NE(hear("+F\r\n$EOF:abc\r\n", 100, "+F").error, "");
    EXPECT_NE(hear("+F\r\n$-1\r\n", 100, "+F").error, "");
    EXPECT_NE(hear(std::string(MasterStream::kLineBytesMax + 2, 'a'), 100, "").error, "");
    EXPECT_NE(hear("+F\r\n$0\r\n*1\r\n:1\r\n", 100, "+F").error, "");
}

}  // namespace
}  // namespace kumo::api_redis
