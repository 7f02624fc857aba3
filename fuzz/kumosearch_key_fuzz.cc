// A credential from anybody, as the parts of a scoped key.
#include "api/kumosearch/auth/authenticator.h"
#include "api/kumosearch/auth/secrets.h"
#include "base/assert.h"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    namespace api = kumo::api_kumosearch;
    const kumo::ByteView input(reinterpret_cast<const char*>(data), size);
    // Most inputs are no base64: look behind that, too.
    const std::string encoded = api::base64_encode(input);
    KUMO_ASSERT(api::base64_decode(encoded) == input);
    for (const kumo::ByteView credential : {input, kumo::ByteView(encoded)}) {
        const auto key = api::parse_scoped_key(credential);
        if (key.ok()) {
            KUMO_ASSERT(key.value().signature.size() == api::kDigestBytes);
            KUMO_ASSERT(key.value().parent_prefix.size() == 4);
        }
    }
    return 0;
}
