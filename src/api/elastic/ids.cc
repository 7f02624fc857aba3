#include "api/elastic/ids.h"

#include <openssl/rand.h>

#include <array>
#include <string_view>

namespace kumo::api_elastic {

std::string random_id() {
    constexpr std::string_view kDigits =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    std::array<unsigned char, 20> bytes{};
    RAND_bytes(bytes.data(), static_cast<int>(bytes.size()));
    std::string out;
    for (const unsigned char byte : bytes) {
        out += kDigits[byte % kDigits.size()];
    }
    // The first one is a letter or a digit, so that it can be a name.
    out[0] = kDigits[bytes[0] % 62];
    return out;
}

}  // namespace kumo::api_elastic
