#include "api/redis/internal/random_id.h"

#include "base/random.h"

#include <array>
#include <string_view>

namespace kumo::api_redis {

std::string random_id() {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::array<unsigned char, 20> bytes{};
    secure_random(bytes);
    std::string out;
    for (const unsigned char byte : bytes) {
        out.push_back(kDigits[byte >> 4U]);
        out.push_back(kDigits[byte & 15U]);
    }
    return out;
}

}  // namespace kumo::api_redis
