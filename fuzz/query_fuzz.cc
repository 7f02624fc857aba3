// A query string that is understood must survive being encoded and understood again.
#include "base/assert.h"
#include "wire/url.h"

#include <cstddef>
#include <cstdint>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const kumo::ByteView input(reinterpret_cast<const char*>(data), size);
    const auto parameters = kumo::wire::parse_query(input);
    if (!parameters.ok()) {
        return 0;
    }
    std::string encoded;
    for (const auto& p : parameters.value()) {
        encoded +=
            kumo::wire::percent_encode(p.key) + "=" + kumo::wire::percent_encode(p.value) + "&";
    }
    const auto again = kumo::wire::parse_query(encoded);
    KUMO_ASSERT(again.ok() && again.value().size() == parameters.value().size());
    for (std::size_t i = 0; i < again.value().size(); ++i) {
        KUMO_ASSERT(again.value()[i].key == parameters.value()[i].key);
        KUMO_ASSERT(again.value()[i].value == parameters.value()[i].value);
    }
    return 0;
}
