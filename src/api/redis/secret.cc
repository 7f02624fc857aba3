#include "api/redis/internal/secret.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <array>

namespace kumo::api_redis {

namespace {

std::array<unsigned char, SHA256_DIGEST_LENGTH> digest(ByteView text) {
    std::array<unsigned char, SHA256_DIGEST_LENGTH> out{};
    SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), out.data());
    return out;
}

}  // namespace

bool same_secret(ByteView known, ByteView given) {
    const auto first = digest(known);
    const auto second = digest(given);
    return CRYPTO_memcmp(first.data(), second.data(), first.size()) == 0;
}

}  // namespace kumo::api_redis
