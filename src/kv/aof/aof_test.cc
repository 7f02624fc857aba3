#include "kv/aof/aof_reader.h"
#include "kv/aof/aof_writer.h"
#include "kv/aof/manifest.h"
#include "kv/rdb/internal/text_visitor.h"

#include <gtest/gtest.h>

#include <string>

namespace kumo::kv {
namespace {

using namespace std::string_literals;

class TextCommands final : public AofSink {
public:
    Status on_command(std::span<const ByteView> arguments) override {
        for (const ByteView argument : arguments) {
            text += "[" + std::string(argument) + "]";
        }
        text += "\n";
        return {};
    }

    Status on_timestamp(std::int64_t unix_seconds) override {
        text += "at " + std::to_string(unix_seconds) + "\n";
        return {};
    }

    std::string text;
};

struct ReadAof {
    std::string text;
    std::string error;
    std::size_t valid_bytes = 0;
    bool truncated = false;
};

ReadAof read_aof(ByteView bytes, bool allow_truncated = true) {
    internal::TextSink keys;
    TextCommands commands;
    AofReader reader(bytes, keys, commands, {.allow_truncated = allow_truncated, .rdb = {}});
    const Status status = reader.read_all();
    return {
        keys.text + commands.text,
        status.ok() ? "" : status.error().message,
        reader.valid_bytes(),
        reader.truncated()};
}

std::string command(std::initializer_list<ByteView> arguments) {
    std::string out;
    append_aof_command({arguments.begin(), arguments.size()}, &out);
    return out;
}

const std::string& whole_file() {
    static const std::string file = [] {
        std::string out = "#TS:1628217470\r\n" + command({"SELECT", "0"})
                          + command({"set", "k", "a\r\nb"}) + command({"MULTI"})
                          + command({"incr", "x"});
        append_aof_timestamp(1628217471, &out);
        return out + command({"incr", "y"}) + command({"exec"}) + command({"del", "k"});
    }();
    return file;
}

TEST(AofReader, ReadsCommandsTransactionsAndTimes) {
    const ReadAof read = read_aof(whole_file(), false);
    EXPECT_EQ(read.error, "");
    EXPECT_EQ(
        read.text,
        "at 1628217470\n[SELECT][0]\n[set][k][a\r\nb]\nat "
        "1628217471\n[incr][x]\n[incr][y]\n[del][k]\n"
    );
    EXPECT_EQ(read.valid_bytes, whole_file().size());
    EXPECT_FALSE(read.truncated);
}

TEST(AofReader, TakesAFileThatIsCutOffToTheLastWholeCommand) {
    const std::string& file = whole_file();
    for (std::size_t size = 0; size < file.size(); ++size) {
        const ByteView cut = ByteView(file).substr(0, size);
        const ReadAof read = read_aof(cut);
        ASSERT_EQ(read.error, "") << size;
        ASSERT_EQ(read.truncated, read.valid_bytes != size) << size;
        // What is left reads as it did, without complaint.
        const ReadAof again = read_aof(cut.substr(0, read.valid_bytes), false);
        ASSERT_EQ(again.error, "") << size;
        ASSERT_FALSE(again.truncated) << size;
    }
}

TEST(AofReader, DropsATransactionThatWasNotExecuted) {
    const std::string before = command({"set", "a", "1"});
    const std::string open = command({"MULTI"}) + command({"set", "a", "2"});
    const ReadAof read = read_aof(before + open);
    EXPECT_EQ(read.text, "[set][a][1]\n");
    EXPECT_EQ(read.valid_bytes, before.size());
    EXPECT_TRUE(read.truncated);
    EXPECT_EQ(
        read_aof(before + open, false).error,
        "Unexpected end of file reading the append only file (after byte "
            + std::to_string(before.size()) + ")"
    );
}

TEST(AofReader, RefusesWhatIsNoCommand) {
    const std::string before = command({"set", "a", "1"});
    for (const std::string& tail :
         {"PING\r\n"s,
          "*0\r\n"s,
          "*-1\r\n"s,
          "*x\r\n"s,
          "*1\r\n*1\r\n"s,
          "*1\r\n$-1\r\n"s,
          "*1\r\n$1\r\nab\r\n"s,
          "*1\r\n$99999999999\r\n"s,
          std::string(2000, '\0'),
          "*" + std::string(2000, '1'),
          "#" + std::string(2000, 'c')}) {
        const ReadAof read = read_aof(before + tail);
        EXPECT_EQ(
            read.error,
            "Bad file format reading the append only file (after byte "
                + std::to_string(before.size()) + ")"
        );
        EXPECT_EQ(read.text, "[set][a][1]\n");
    }
}

TEST(AofReader, ReadsKeysBeforeCommands) {
    const std::string rdb =
        "REDIS0009\xfe\x00\x00\x01"
        "a\x01"
        "1\xff"s
        + std::string(8, '\0');
    const ReadAof read = read_aof(rdb + command({"set", "b", "2"}), false);
    EXPECT_EQ(read.error, "");
    EXPECT_EQ(read.text, "0 a: string [1]\n[set][b][2]\n");
    EXPECT_NE(read_aof(rdb.substr(0, rdb.size() - 1)).error, "");
}

TEST(AofReader, ReadsNothingFromNothing) {
    const ReadAof read = read_aof("", false);
    EXPECT_EQ(read.error + read.text, "");
    EXPECT_FALSE(read.truncated);
}

std::string reformatted(ByteView text) {
    const auto manifest = AofManifest::parse(text);
    return manifest.ok() ? manifest.value().format() : manifest.error().message;
}

TEST(AofManifest, ReadsWhatItWrites) {
    const std::string text =
        "file appendonly.aof.2.base.rdb seq 2 type b\n"
        "file appendonly.aof.1.base.rdb seq 1 type h\n"
        "file \"a b\\x01\\\"\" seq 3 type i\n"
        "file appendonly.aof.4.incr.aof seq 4 type i\n";
    EXPECT_EQ(reformatted(text), text);
    EXPECT_EQ(
        reformatted("# a comment\nSEQ 1 tYPE i file x later unknown\n"),
        "file x seq 1 type i\n"
    );
}

TEST(AofManifest, RefusesWhatRedisRefuses) {
    EXPECT_EQ(reformatted(""), "Found an empty AOF manifest");
    for (const char* line :
         {"\n",
          "file a seq 1\n",
          "file a seq 0 type b\n",
          "file a seq x type b\n",
          "file \"\" seq 1 type b\n",
          "file \"a seq 1 type b\n",
          "file a seq 1 type b more\n"}) {
        EXPECT_EQ(reformatted(line), "Invalid AOF manifest file format") << line;
    }
    EXPECT_EQ(reformatted("file a seq 1 type x\n"), "Unknown AOF file type");
    EXPECT_EQ(reformatted("file ../a seq 1 type b\n"), "File can't be a path, just a filename");
    EXPECT_EQ(reformatted("file .. seq 1 type b\n"), "File can't be a path, just a filename");
    EXPECT_EQ(
        reformatted("file a seq 1 type b\nfile b seq 2 type b\n"),
        "Found duplicate base file information"
    );
    EXPECT_EQ(
        reformatted("file a seq 2 type i\nfile b seq 2 type i\n"),
        "Found a non-monotonic sequence number"
    );
    EXPECT_EQ(
        reformatted("file " + std::string(2000, 'a') + " seq 1 type b\n"),
        "The AOF manifest file contains too long line"
    );
}

TEST(AofManifest, GoesThroughARewrite) {
    AofManifest manifest;
    const AofFile first = manifest.next_base("appendonly.aof", true);
    manifest.install_base(first, 0);
    manifest.add_increment("appendonly.aof");
    EXPECT_EQ(
        manifest.format(),
        "file appendonly.aof.1.base.rdb seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i\n"
    );
    // Commands go to a new increment while the new base is written.
    manifest.add_increment("appendonly.aof");
    manifest.install_base(manifest.next_base("appendonly.aof", false), 1);
    EXPECT_EQ(
        manifest.format(),
        "file appendonly.aof.2.base.aof seq 2 type b\n"
        "file appendonly.aof.1.base.rdb seq 1 type h\n"
        "file appendonly.aof.1.incr.aof seq 1 type h\n"
        "file appendonly.aof.2.incr.aof seq 2 type i\n"
    );
    ASSERT_EQ(manifest.files().size(), 2U);
    EXPECT_EQ(manifest.history().size(), 2U);
    manifest.clear_history();
    EXPECT_EQ(reformatted(manifest.format()), manifest.format());
    EXPECT_EQ(aof_manifest_name("appendonly.aof"), "appendonly.aof.manifest");
}

TEST(AofManifest, TakesOverAFileOfBeforeRedis7) {
    AofManifest manifest = AofManifest::upgrade("appendonly.aof");
    EXPECT_EQ(manifest.format(), "file appendonly.aof seq 1 type b\n");
    EXPECT_EQ(manifest.next_base("appendonly.aof", true).name, "appendonly.aof.2.base.rdb");
}

}  // namespace
}  // namespace kumo::kv
