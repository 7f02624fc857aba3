#include "kv/rdb/rdb_reader.h"

#include "kv/rdb/dump.h"
#include "kv/rdb/internal/text_visitor.h"
#include "wire/crc64.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <fstream>
#include <string>

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

std::string dump_text(ByteView payload, bool check = true) {
    internal::TextVisitor visitor;
    const Status status = read_dump(payload, visitor, check);
    return status.ok() ? visitor.text : status.error().message;
}

/// A payload of that type and body.
std::string dump_of(ByteView body) {
    std::string payload(body);
    seal_dump(&payload);
    return payload;
}

TEST(ReadDump, ReadsWhatRedis7Dumps) {
    std::ifstream file(KUMO_TESTDATA "/redis7_dumps.txt");
    std::string line;
    int payloads = 0;
    while (std::getline(file, line)) {
        if (line.empty() || line[0] == '#') {
            continue;
        }
        const std::size_t hex = line.find(' ') + 1;
        const std::size_t value = line.find(' ', hex) + 1;
        EXPECT_EQ(dump_text(unhex(line.substr(hex, value - 1 - hex))), line.substr(value)) << line;
        ++payloads;
    }
    EXPECT_GE(payloads, 19);
}

TEST(ReadDump, RefusesEveryChangedByte) {
    const std::string payload = dump_of(
        "\x01\x02\x01"
        "a\xc0\x05"s
    );
    EXPECT_EQ(dump_text(payload), "list [a][5]");
    for (std::size_t at = 0; at < payload.size(); ++at) {
        std::string other = payload;
        other[at] = static_cast<char>(other[at] ^ 1);
        EXPECT_EQ(dump_text(other), kDumpVersionOrChecksum) << at;
        EXPECT_EQ(dump_text(payload.substr(0, at)), kDumpVersionOrChecksum);
    }
}

std::string dump_of_version(std::uint16_t version) {
    std::string payload =
        "\x00\x01"
        "a"s;
    append_fixed(payload, version);
    append_fixed(payload, wire::crc64(payload));
    return payload;
}

TEST(ReadDump, KnowsVersionsTo11AndValkeys) {
    for (const int version : {1, 9, 10, 11, 80}) {
        EXPECT_EQ(dump_text(dump_of_version(static_cast<std::uint16_t>(version))), "string [a]");
    }
    for (const int version : {12, 79, 81, 65535}) {
        EXPECT_EQ(
            dump_text(dump_of_version(static_cast<std::uint16_t>(version))),
            kDumpVersionOrChecksum
        );
    }
    std::string unsummed = dump_of_version(10);
    unsummed.replace(unsummed.size() - 8, 8, 8, '\0');
    EXPECT_EQ(dump_text(unsummed), kDumpVersionOrChecksum);
    EXPECT_EQ(dump_text(unsummed, false), "string [a]");
}

TEST(ReadDump, RefusesDataThatIsNotAValue) {
    for (const std::string& body : {
             ""s,
             "\x00"s,
             "\x00\x02"
             "a"s,  // cut off
             "\x00\x01"
             "ab"s,                                        // too much
             "\x01\x00"s,                                  // empty list
             "\x0e\x01\x0b\x0b\0\0\0\x0a\0\0\0\0\0\xff"s,  // empty ziplist in a list
             "\x02\x81\x7f\xff\xff\xff\xff\xff\xff\xff"s,  // 2^63 members
             "\x05\x01\x01"
             "a\0\0\0\0\0\0\xf8\x7f"s,  // a score that is NaN
             "\x03\x01\x01"
             "a\xfd"s,  // another one
             "\x03\x01\x01"
             "a\x02"
             "1x"s,
             "\x06\x01"
             "a"s,  // a module's
             "\x63\x01"
             "a"s,  // unknown type
             "\x00\xc4"
             "a"s,  // unknown encoding
             "\x00\xc3\x02\x50\x00"
             "a"s,  // compressed, but not to that size
             "\x12\x01\x03\x01"
             "a"s,  // unknown container
         }) {
        EXPECT_EQ(dump_text(dump_of(body)), kDumpBadData);
    }
}

TEST(ReadDump, ReadsTheFormsOfOtherServers) {
    EXPECT_EQ(
        dump_text(dump_of("\x03\x02\x01"
                          "a\x03"
                          "1.5\x01"
                          "b\xff"s)),
        "zset [a]=1.5[b]=-inf"
    );
    EXPECT_EQ(
        dump_text(dump_of("\x16\x01\x01"
                          "f\x01"
                          "v\xe8\x03\0\0\0\0\0\0"s)),
        "hash [f]=[v]@1000"
    );
    EXPECT_EQ(
        dump_text(dump_of("\x16\x01\x01"
                          "f\x01"
                          "v\xff\xff\xff\xff\xff\xff\xff\xff"s)),
        "hash [f]=[v]"
    );
    EXPECT_EQ(
        dump_text(dump_of("\x0e\x01\x0e\x0e\0\0\0\x0a\0\0\0\x01\0\0\x01"
                          "a\xff"s)),
        "list [a]"
    );
    EXPECT_EQ(
        dump_text(dump_of("\x09\x07\x01\x01"
                          "a\x01\x00"
                          "b\xff"s)),
        "hash [a]=[b]"
    );
    EXPECT_EQ(
        dump_text(dump_of("\x14\x0a\x0a\0\0\0\x01\0\x81"
                          "a\x02\xff"s)),
        "set [a]"
    );
}

/// A whole file: header, body, end, checksum.
std::string file_of(ByteView magic, ByteView body) {
    std::string file = std::string(magic) + std::string(body) + "\xff";
    append_fixed(file, wire::crc64(file));
    return file;
}

std::string file_text(ByteView file, bool aux_too = false) {
    internal::TextSink sink;
    sink.aux_too = aux_too;
    RdbReader reader(file, sink);
    const Status status = reader.read_all();
    return status.ok() ? sink.text : sink.text + status.error().message;
}

TEST(RdbReader, ReadsEveryOpcode) {
    const std::string body =
        "\xfa\x09redis-ver\x06"
        "7.0.15"
        "\xf5\x04"
        "code"
        "\xf7\x05\x02\x01\x01\x2a\x04\0\0\0\0\0\0\0\0\x05\x02xy\x03\0\0\0\0\x00"
        "\xfe\x00\xfb\x03\x02"
        "\xfc\xe8\x03\0\0\0\0\0\0\xf9\x07\x00\x01"
        "a\x01"
        "1"
        "\xfd\x02\0\0\0\xf8\x40\x64\x00\x01"
        "b\xc0\x02"
        "\xf4\x05\x03\x02"
        "\x01\x01"
        "e\x00"
        "\xfe\x41\x00\x00\x00\x00"s;
    const std::string expected =
        "function code\ndb 0 3 2\n"
        "0 a expires=1000 frequency=7: string [1]\n"
        "0 b expires=2000 idle=100: string [2]\n"
        "256 : string []\n";
    EXPECT_EQ(file_text(file_of("REDIS0011", body)), expected);
    EXPECT_EQ(file_text(file_of("VALKEY080", "\xf3\x01n\x01\x05\x09"s + body)), expected);
    EXPECT_EQ(file_text(file_of("REDIS0011", body), true), "aux redis-ver=7.0.15\n" + expected);
}

TEST(RdbReader, ReadsKeyDbFiles) {
    const std::string body =
        "\xfe\x00\xfa\x0bmvcc-tstamp\xc0\x01\x00\x01"
        "a\x01"
        "1"s;
    EXPECT_EQ(file_text(file_of("REDIS0009", body), true), "0 a: string [1]\n");
}

TEST(RdbReader, NamesTheKeyItCannotRead) {
    const std::string cron =
        "\x40\x03job\x02"
        "s!"s
        + std::string(16, '\0') + "\x01\x01k\x01\x01v"s;
    EXPECT_EQ(file_text(file_of("REDIS0009", cron)), "the key 'job' holds a cron job of KeyDB");
    EXPECT_EQ(
        file_text(file_of("REDIS0009", "\x07\x01m\x05\x02\x01\x00"s)),
        "the key 'm' holds a value of a module"
    );
    EXPECT_EQ(
        file_text(file_of("REDIS0009", "\x63\x01m"s)),
        "the key 'm': a value of the unknown type 99"
    );
}

TEST(RdbReader, StepsOverForeignValuesWhenAsked) {
    class Lenient final : public RdbSink {
    public:
        ObjectVisitor* begin_key(const RdbKey& /*key*/) override { return nullptr; }

        Status end_key(const RdbKey& /*key*/) override { return {}; }

        Status on_foreign(const RdbKey& key, ByteView /*what*/) override {
            seen += key.key;
            return {};
        }

        std::string seen;
    };

    Lenient sink;
    const std::string cron =
        "\x40\x03job\x02"
        "s!"s
        + std::string(16, '\0') + "\x01\x01k\x01\x01v"s;
    const std::string file =
        file_of("REDIS0009", cron + "\x07\x01m\x05\x02\x01\x00\x00\x01" "a\x01" "1"s);
    RdbReader reader(file, sink);
    EXPECT_TRUE(reader.read_all().ok());
    EXPECT_EQ(sink.seen, "jobm");
    EXPECT_EQ(reader.position(), file.size());
    EXPECT_EQ(reader.keys(), 0U);
}

TEST(RdbReader, ChecksTheChecksumUnlessThereIsNone) {
    const std::string body =
        "\x00\x01"
        "a\x01"
        "1"s;
    std::string file = file_of("REDIS0010", body);
    EXPECT_EQ(file_text(file), "0 a: string [1]\n");
    file[file.size() - 10] = '2';
    EXPECT_EQ(file_text(file), "0 a: string [2]\nthe checksum is wrong (at byte 23)");
    internal::TextSink sink;
    EXPECT_TRUE(RdbReader(file, sink, {.verify_checksum = false}).read_all().ok());
    file.replace(file.size() - 8, 8, 8, '\0');
    EXPECT_EQ(file_text(file), "0 a: string [2]\n");
    EXPECT_EQ(
        file_text("REDIS0004\x00\x01"
                  "a\x01"
                  "1\xff"s),
        "0 a: string [1]\n"
    );
}

TEST(RdbReader, RefusesOtherVersionsAndFilesThatAreCutOff) {
    EXPECT_EQ(file_text(file_of("REDIS0012", "")), "RDB files of version 'REDIS0012'");
    EXPECT_EQ(file_text(file_of("VALKEY011", "")), "RDB files of version 'VALKEY011'");
    EXPECT_EQ(file_text(file_of("REDIS0000", "")), "RDB files of version 'REDIS0000'");
    EXPECT_EQ(file_text("*1\r\n$4\r\nPING\r\n"), "this is no RDB file (at byte 9)");
    const std::string file = file_of(
        "REDIS0010",
        "\x01\x01"
        "a\x02\x01"
        "1\x01"
        "2"s
    );
    for (std::size_t size = 0; size < file.size(); ++size) {
        internal::TextSink sink;
        EXPECT_FALSE(RdbReader(ByteView(file).substr(0, size), sink).read_all().ok()) << size;
    }
}

}  // namespace
}  // namespace kumo::kv
