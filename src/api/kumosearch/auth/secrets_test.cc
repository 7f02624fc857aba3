#include "api/kumosearch/auth/secrets.h"

#include <gtest/gtest.h>

#include <set>

namespace kumo::api_kumosearch {
namespace {

std::string hex(ByteView bytes) {
    constexpr ByteView kDigits = "0123456789abcdef";
    std::string out;
    for (const char c : bytes) {
        const auto byte = static_cast<unsigned char>(c);
        out.push_back(kDigits[byte >> 4]);
        out.push_back(kDigits[byte & 15]);
    }
    return out;
}

TEST(Secrets, Sha256MatchesFips180) {
    EXPECT_EQ(
        hex(sha256("abc")),
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    );
    EXPECT_EQ(hex(sha256("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(Secrets, AKeyCheckDependsOnKeyAndSalt) {
    // Two bytes: these differ, while one of 65536 does not.
    EXPECT_EQ(key_check("one", "here").size(), 2U);
    EXPECT_EQ(key_check("one", "here"), key_check("one", "here"));
    EXPECT_NE(key_check("one", "here"), key_check("two", "here"));
    EXPECT_NE(key_check("one", "here"), key_check("one", "there"));
    EXPECT_EQ(key_check("", "here").size(), 2U) << "a server without a key";
}

TEST(Secrets, HmacFromMidstatesMatchesRfc4231) {
    EXPECT_EQ(
        hex(hmac_sha256(hmac_midstates(std::string(20, '\x0b')), "Hi There")),
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
    );
    EXPECT_EQ(
        hex(hmac_sha256(hmac_midstates("Jefe"), "what do ya want for nothing?")),
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    );
    EXPECT_EQ(
        hex(hmac_sha256(
            hmac_midstates(std::string(131, '\xaa')),
            "Test Using Larger Than Block-Size Key - Hash Key First"
        )),
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
    );
}

TEST(Secrets, MidstatesDoNotHoldTheKey) {
    const std::string key = "a-key-of-thirty-two-characters!!";
    EXPECT_EQ(hmac_midstates(key).size(), kMidstatesBytes);
    EXPECT_EQ(hmac_midstates(key).find("a-key"), std::string::npos);
}

TEST(Secrets, Base64ComesBack) {
    for (std::size_t size = 0; size < 70; ++size) {
        std::string bytes;
        for (std::size_t i = 0; i < size; ++i) {
            bytes.push_back(static_cast<char>(i * 37));
        }
        EXPECT_EQ(base64_decode(base64_encode(bytes)), bytes);
    }
}

TEST(Secrets, Base64RefusesWhatIsNotIt) {
    for (const char* text : {"a", "ab==c", "ab=c", "a===", "ab c", "ab\n=", "====", "a-b_"}) {
        EXPECT_FALSE(base64_decode(text)) << text;
    }
}

TEST(Secrets, RandomKeysAreLongAndDiffer) {
    std::set<std::string> keys;
    for (int i = 0; i < 100; ++i) {
        const std::string key = random_key();
        EXPECT_EQ(key.size(), 32U);
        EXPECT_EQ(
            key.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"),
            std::string::npos
        );
        keys.insert(key);
    }
    EXPECT_EQ(keys.size(), 100U);
}

TEST(Secrets, DigestsAreComparedWhole) {
    EXPECT_TRUE(equal_digests(sha256("a"), sha256("a")));
    EXPECT_FALSE(equal_digests(sha256("a"), sha256("b")));
    EXPECT_FALSE(equal_digests(sha256("a"), ""));
}

}  // namespace
}  // namespace kumo::api_kumosearch
