#include "kv/rdb/packed.h"

#include "kv/rdb/listpack_writer.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace kumo::kv {
namespace {

using namespace std::string_literals;

/// The elements in brackets; "!" behind them if the blob is damaged.
template <typename Reader>
std::string elements(ByteView blob) {
    Reader reader(blob);
    PackedElement element;
    std::string out;
    while (reader.next(&element)) {
        out += "[" + std::string(element.view()) + "]";
    }
    return reader.ok() ? out : out + "!";
}

/// No prefix and no blob with one byte changed crashes or gives views outside of it.
template <typename Reader>
void expect_bounded(const std::string& blob) {
    for (std::size_t size = 0; size < blob.size(); ++size) {
        const std::string exact(blob.substr(0, size));
        EXPECT_EQ(elements<Reader>(exact).back(), '!') << size;
    }
    for (std::size_t at = 0; at < blob.size(); ++at) {
        for (const int flip : {1, 2, 4, 8, 16, 32, 64, 128, 255}) {
            std::string other = blob;
            other[at] = static_cast<char>(other[at] ^ flip);
            elements<Reader>(other);
        }
    }
}

const std::vector<std::int64_t>& interesting_numbers() {
    static const std::vector<std::int64_t> numbers = {
        0,
        1,
        127,
        128,
        -1,
        4095,
        4096,
        -4096,
        -4097,
        32767,
        32768,
        -32768,
        -32769,
        8388607,
        8388608,
        -8388608,
        -8388609,
        2147483647,
        2147483648,
        -2147483648LL,
        -2147483649LL,
        std::numeric_limits<std::int64_t>::max(),
        std::numeric_limits<std::int64_t>::min()};
    return numbers;
}

TEST(Listpack, GivesBackEveryKindOfNumber) {
    ListpackWriter writer;
    std::string expected;
    for (const std::int64_t number : interesting_numbers()) {
        writer.number(number);
        expected += "[" + std::to_string(number) + "]";
    }
    const std::string blob(writer.finish());
    EXPECT_EQ(elements<ListpackReader>(blob), expected);
    expect_bounded<ListpackReader>(blob);
}

TEST(Listpack, GivesBackTextsOfEveryLength) {
    for (const std::size_t size :
         {0U, 1U, 63U, 64U, 125U, 126U, 4095U, 4096U, 16377U, 16378U, 16379U, 16380U, 2097200U}) {
        ListpackWriter writer;
        const std::string text(size, 'x');
        writer.element(text);
        writer.element("tail");
        writer.element("0042");
        EXPECT_EQ(elements<ListpackReader>(writer.finish()), "[" + text + "][tail][0042]") << size;
    }
}

TEST(Listpack, RefusesWrongCountsAndLinks) {
    ListpackWriter writer;
    writer.element("a");
    writer.element("b");
    const std::string blob(writer.finish());
    std::string other = blob;
    other[4] = 3;
    EXPECT_EQ(elements<ListpackReader>(other), "[a][b]!");
    other[4] = '\xff';
    other[5] = '\xff';
    EXPECT_EQ(elements<ListpackReader>(other), "[a][b]") << "a count that is not known";
    other = blob;
    other[8] = 3;
    EXPECT_EQ(elements<ListpackReader>(other), "!");
    EXPECT_EQ(elements<ListpackReader>("\x07\0\0\0\0\0\xff"s), "");
}

std::string ziplist(const std::vector<std::string>& bodies) {
    std::string entries;
    std::size_t last = 0;
    std::size_t tail = 10;
    for (const std::string& body : bodies) {
        const std::size_t begin = entries.size();
        if (last < 254) {
            entries.push_back(static_cast<char>(last));
        } else {
            entries.push_back('\xfe');
            append_fixed(entries, static_cast<std::uint32_t>(last));
        }
        entries += body;
        last = entries.size() - begin;
        tail = 10 + begin;
    }
    std::string blob;
    append_fixed(blob, static_cast<std::uint32_t>(11 + entries.size()));
    append_fixed(blob, static_cast<std::uint32_t>(tail));
    append_fixed(blob, static_cast<std::uint16_t>(bodies.size()));
    return blob + entries + "\xff";
}

TEST(Ziplist, ReadsEveryEncoding) {
    const std::string middle(300, 'm');
    const std::string blob = ziplist({
        "\x02hi"s,                          // 6 bits of length
        "\x41\x2c"s + middle,               // 14, big-endian
        "\x80\0\0\0\x03"s + "far"s,         // 32
        "\xc0\xfe\xff"s,                    // 16-bit number
        "\xd0\x00\x00\x01\x00"s,            // 32
        "\xe0\x00\x00\x00\x00\x01\0\0\0"s,  // 64
        "\xf0\xff\xff\xff"s,                // 24
        "\xfe\x80"s,                        // 8
        "\xf1"s,
        "\xfd"s  // in the header
    });
    EXPECT_EQ(
        elements<ZiplistReader>(blob),
        "[hi][" + middle + "][far][-2][65536][4294967296][-1][-128][0][12]"
    );
    expect_bounded<ZiplistReader>(blob);
}

TEST(Ziplist, RefusesWrongLinksTailsAndCounts) {
    const std::string blob = ziplist(
        {"\x01"
         "a"s,
         "\x01"
         "b"s}
    );
    for (const std::size_t at : {4U, 8U, 10U, 13U}) {
        std::string other = blob;
        other[at] = static_cast<char>(other[at] + 1);
        EXPECT_EQ(elements<ZiplistReader>(other).back(), '!') << at;
    }
    EXPECT_EQ(elements<ZiplistReader>(ziplist({"\xff"s})), "!");
    EXPECT_EQ(
        elements<ZiplistReader>(ziplist({"\xc1"
                                         "ab"s})),
        "!"
    );
    EXPECT_EQ(elements<ZiplistReader>(ziplist({})), "");
}

TEST(Intset, ReadsEachWidthInOrderOnly) {
    EXPECT_EQ(elements<IntsetReader>("\x02\0\0\0\x02\0\0\0\xff\xff\x05\x00"s), "[-1][5]");
    EXPECT_EQ(elements<IntsetReader>("\x04\0\0\0\x01\0\0\0\x00\x00\x01\x00"s), "[65536]");
    EXPECT_EQ(
        elements<IntsetReader>("\x08\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\x80"s),
        "[-9223372036854775808]"
    );
    EXPECT_EQ(elements<IntsetReader>("\x02\0\0\0\x02\0\0\0\x05\x00\x05\x00"s), "[5]!") << "twice";
    EXPECT_EQ(elements<IntsetReader>("\x02\0\0\0\x02\0\0\0\x05\x00\xff\xff"s), "[5]!") << "order";
    EXPECT_EQ(elements<IntsetReader>("\x02\0\0\0\x03\0\0\0\x05\x00\x06\x00"s), "!") << "count";
    EXPECT_EQ(elements<IntsetReader>("\x03\0\0\0\0\0\0\0"s), "!") << "width";
    EXPECT_EQ(elements<IntsetReader>("\x02\0\0\0"s), "!");
}

TEST(Zipmap, ReadsFieldsAndValuesWithGaps) {
    const std::string blob =
        "\x02\x01"
        "a\x02\x01"
        "bc_\xfe\x01\0\0\0"
        "d\x00\x00\xff"s;
    EXPECT_EQ(elements<ZipmapReader>(blob), "[a][bc][d][]");
    expect_bounded<ZipmapReader>(blob);
    std::string other = blob;
    other[0] = 3;
    EXPECT_EQ(elements<ZipmapReader>(other).back(), '!');
    other[0] = '\xfe';
    EXPECT_EQ(elements<ZipmapReader>(other), "[a][bc][d][]") << "a count that is not known";
    EXPECT_EQ(
        elements<ZipmapReader>("\x01\x01"
                               "a\xff"s),
        "[a]!"
    ) << "a field without a value";
}

}  // namespace
}  // namespace kumo::kv
