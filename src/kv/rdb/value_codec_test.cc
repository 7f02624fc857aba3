#include "kv/rdb/value_codec.h"

#include "kv/rdb/dump.h"
#include "kv/rdb/internal/text_visitor.h"
#include "kv/rdb/rdb_writer.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

namespace kumo::kv {
namespace {

using namespace std::string_literals;

std::string unhex(ByteView hex) {
    std::string out;
    for (std::size_t at = 0; at + 1 < hex.size(); at += 2) {
        out.push_back(static_cast<char>(std::stoi(std::string(hex.substr(at, 2)), nullptr, 16)));
    }
    return out;
}

struct Sample {
    std::string name;
    std::string payload;
};

std::vector<Sample> samples() {
    std::ifstream file(KUMO_TESTDATA "/redis7_dumps.txt");
    std::vector<Sample> all;
    std::string line;
    while (std::getline(file, line)) {
        if (!line.empty() && line[0] != '#') {
            const std::size_t hex = line.find(' ') + 1;
            const std::size_t end = line.find(' ', hex);
            all.push_back({line.substr(0, hex - 1), unhex(line.substr(hex, end - hex))});
        }
    }
    return all;
}

std::string dump_text(ByteView payload) {
    internal::TextVisitor visitor;
    const Status status = read_dump(payload, visitor);
    return status.ok() ? visitor.text : status.error().message;
}

/// The text without what the form of a DUMP payload's streams does not hold.
std::string without_figures(std::string text) {
    for (const char* figure : {" deleted=", " added=", " read="}) {
        for (std::size_t at = text.find(figure); at != std::string::npos; at = text.find(figure)) {
            const std::size_t end = text.find(' ', at + 1);
            text.erase(at, end == std::string::npos ? end : end - at);
        }
    }
    return text;
}

std::string sorted_if_zset(const std::string& text) {
    // The writer begins with the highest score.
    return text == "zset [b]=2[a]=1.5[c]=-inf" ? "zset [c]=-inf[a]=1.5[b]=2" : text;
}

TEST(ValueCodec, DumpsWhatWasRestored) {
    const EncodingLimits limits;
    for (const Sample& sample : samples()) {
        auto restored = restore_payload(sample.payload, limits);
        ASSERT_TRUE(restored.ok()) << sample.name;
        const RestoredValue& value = restored.value();
        const std::string payload =
            value.value == nullptr ? dump_payload(value.string) : dump_payload(*value.value);
        EXPECT_EQ(payload.substr(payload.size() - 10, 2), "\x09\x00"s);
        EXPECT_EQ(
            sorted_if_zset(without_figures(dump_text(payload))),
            without_figures(dump_text(sample.payload))
        ) << sample.name;
    }
}

TEST(ValueCodec, RefusesMembersAndFieldsThatComeTwice) {
    const EncodingLimits limits;
    for (const std::string& body :
         {"\x02\x02\x01"
          "a\x01"
          "a"s,
          "\x04\x02\x01"
          "a\x01"
          "1\x01"
          "a\x01"
          "2"s,
          "\x05\x02\x01"
          "a"s + std::string(8, '\0')
              + "\x01"
                "a"s
              + std::string(8, '\0')}) {
        std::string payload = body;
        seal_dump(&payload);
        const auto restored = restore_payload(payload, limits);
        ASSERT_FALSE(restored.ok());
        EXPECT_EQ(restored.error().message, kDumpBadData);
    }
}

std::string written_file(RdbWriteOptions options) {
    std::string file;
    RdbWriter writer([&file](ByteView piece) { file += piece; }, options);
    writer.aux("redis-ver", "7.0.15");
    writer.function("#!lua name=l\nredis.register_function('f', function() return 1 end)");
    writer.database(0, samples().size() + 1, 1);
    const EncodingLimits limits;
    for (const Sample& sample : samples()) {
        auto restored = restore_payload(sample.payload, limits);
        RdbKey key;
        key.key = sample.name;
        if (sample.name == "text") {
            key.expire_at_ms = 4102444800000;
            key.frequency = 7;
        }
        if (restored.value().value == nullptr) {
            writer.string(key, restored.value().string);
        } else {
            writer.value(key, *restored.value().value);
        }
    }
    const std::string big(300000, 'b');
    RdbKey key;
    key.key = "big";
    writer.string(key, big);
    writer.finish();
    EXPECT_EQ(writer.bytes(), file.size());
    return file;
}

TEST(RdbWriter, WritesFilesThatReadTheSame) {
    for (const bool compress : {false, true}) {
        const std::string file = written_file({.compress = compress, .checksum = compress});
        internal::TextSink sink;
        RdbReader reader(file, sink);
        const Status status = reader.read_all();
        ASSERT_TRUE(status.ok()) << status.error().message;
        EXPECT_EQ(reader.keys(), samples().size() + 1);
        for (const Sample& sample : samples()) {
            const std::string text = dump_text(sample.payload);
            const std::string at_end =
                sample.name == "zset" ? "zset [b]=2[a]=1.5[c]=-inf\n" : text + "\n";
            EXPECT_NE(sink.text.find(": " + at_end), std::string::npos) << sample.name;
        }
        EXPECT_NE(sink.text.find("text expires=4102444800000 frequency=7: "), std::string::npos);
        EXPECT_NE(sink.text.find("big: string [bbb"), std::string::npos);
    }
}

TEST(RdbWriter, WritesFilesThatRedisFindsGood) {
    if (std::system("command -v redis-check-rdb >/dev/null 2>&1") != 0) {
        GTEST_SKIP() << "redis-check-rdb is not installed";
    }
    const std::string path = testing::TempDir() + "kumo_rdb_writer_test.rdb";
    std::ofstream(path, std::ios::binary) << written_file({});
    EXPECT_EQ(std::system(("redis-check-rdb '" + path + "' >/dev/null").c_str()), 0);
    if (std::getenv("KUMO_KEEP_RDB") == nullptr) {
        std::remove(path.c_str());
    }
}

}  // namespace
}  // namespace kumo::kv
