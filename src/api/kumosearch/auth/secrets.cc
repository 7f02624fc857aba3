// Only the low-level interface gives SHA-256's inner state, which the midstates are; OpenSSL 3
// marks it deprecated.
#define OPENSSL_SUPPRESS_DEPRECATED

#include "api/kumosearch/auth/secrets.h"

#include "base/assert.h"
#include "base/random.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <limits>

namespace kumo::api_kumosearch {

namespace {

constexpr std::size_t kBlockBytes = SHA256_CBLOCK;

std::string digest_of(SHA256_CTX& context) {
    std::string out(kDigestBytes, '\0');
    SHA256_Final(reinterpret_cast<unsigned char*>(out.data()), &context);
    return out;
}

/// The hash's state after one block: the key, padded, with every byte changed by `mask`.
void append_midstate(ByteView key, unsigned char mask, std::string& out) {
    std::array<unsigned char, kBlockBytes> block{};
    std::copy(key.begin(), key.end(), block.begin());
    for (unsigned char& byte : block) {
        byte = static_cast<unsigned char>(byte ^ mask);
    }
    SHA256_CTX context;
    SHA256_Init(&context);
    SHA256_Update(&context, block.data(), block.size());
    for (const SHA_LONG word : context.h) {
        append_fixed(out, static_cast<std::uint32_t>(word));
    }
    OPENSSL_cleanse(block.data(), block.size());
}

std::string resume(ByteView midstate, ByteView message) {
    SHA256_CTX context;
    SHA256_Init(&context);
    for (std::size_t i = 0; i < std::size(context.h); ++i) {
        context.h[i] = load_unaligned<std::uint32_t>(midstate.data() + i * sizeof(std::uint32_t));
    }
    context.Nl = kBlockBytes * 8;
    SHA256_Update(&context, message.data(), message.size());
    return digest_of(context);
}

}  // namespace

std::string sha256(ByteView bytes) {
    SHA256_CTX context;
    SHA256_Init(&context);
    SHA256_Update(&context, bytes.data(), bytes.size());
    return digest_of(context);
}

bool equal_digests(ByteView a, ByteView b) {
    return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string hmac_midstates(ByteView key) {
    const std::string hashed = key.size() > kBlockBytes ? sha256(key) : std::string();
    const ByteView used = key.size() > kBlockBytes ? ByteView(hashed) : key;
    std::string out;
    append_midstate(used, 0x36, out);
    append_midstate(used, 0x5c, out);
    return out;
}

std::string hmac_sha256(ByteView midstates, ByteView message) {
    KUMO_ASSERT(midstates.size() == kMidstatesBytes);
    const std::string inner = resume(midstates.substr(0, kDigestBytes), message);
    return resume(midstates.substr(kDigestBytes), inner);
}

std::string key_check(ByteView key, ByteView salt) {
    constexpr std::uint64_t kCost = 1U << 14U;
    constexpr std::uint64_t kBlock = 8;
    constexpr std::uint64_t kMemoryMax = std::uint64_t{64} << 20U;
    const std::string labelled = "kumosearch api key\n" + std::string(salt);
    std::array<unsigned char, 2> check{};
    const int made = EVP_PBE_scrypt(
        key.data(),
        key.size(),
        reinterpret_cast<const unsigned char*>(labelled.data()),
        labelled.size(),
        kCost,
        kBlock,
        1,
        kMemoryMax,
        check.data(),
        check.size()
    );
    return made == 1 ? std::string(check.begin(), check.end()) : std::string();
}

std::string base64_encode(ByteView bytes) {
    KUMO_ASSERT(bytes.size() < std::numeric_limits<int>::max() / 2);
    std::string out((bytes.size() + 2) / 3 * 4 + 1, '\0');
    const int size = EVP_EncodeBlock(
        reinterpret_cast<unsigned char*>(out.data()),
        reinterpret_cast<const unsigned char*>(bytes.data()),
        static_cast<int>(bytes.size())
    );
    out.resize(static_cast<std::size_t>(size));
    return out;
}

std::optional<std::string> base64_decode(ByteView text) {
    constexpr ByteView kAlphabet =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    if (text.size() % 4 != 0 || text.size() > std::size_t{1} << 20) {
        return std::nullopt;
    }
    const std::size_t letters = std::min(text.find_first_not_of(kAlphabet), text.size());
    const std::size_t padding = text.size() - letters;
    if (padding > 2 || text.substr(letters).find_first_not_of('=') != ByteView::npos) {
        return std::nullopt;
    }
    std::string out(text.size() / 4 * 3, '\0');
    const int size = EVP_DecodeBlock(
        reinterpret_cast<unsigned char*>(out.data()),
        reinterpret_cast<const unsigned char*>(text.data()),
        static_cast<int>(text.size())
    );
    if (size < 0) {
        return std::nullopt;
    }
    out.resize(static_cast<std::size_t>(size) - padding);
    return out;
}

std::string random_key() {
    constexpr ByteView kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    constexpr std::size_t kKeyLetters = 32;
    // Bytes from here on would make the first letters more likely than the others.
    constexpr std::size_t kFairBytes = 256 / kLetters.size() * kLetters.size();
    std::string key;
    while (key.size() < kKeyLetters) {
        std::array<unsigned char, 64> bytes{};
        secure_random(bytes);
        for (const unsigned char byte : bytes) {
            if (byte < kFairBytes && key.size() < kKeyLetters) {
                key.push_back(kLetters[byte % kLetters.size()]);
            }
        }
        OPENSSL_cleanse(bytes.data(), bytes.size());
    }
    return key;
}

}  // namespace kumo::api_kumosearch
