// What parses must write back, parse again, and be the same; merging it with itself must too.
#include "wire/json.h"

#include "base/assert.h"
#include "wire/json_writer.h"
#include "wire/utf8.h"

#include <cstddef>
#include <cstdint>
#include <string>

namespace {

using kumo::ByteView;
using kumo::wire::JsonDocument;
using kumo::wire::JsonWriter;

std::string written(const JsonDocument& doc) {
    std::string out;
    JsonWriter(out).value(doc.root());
    return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    // A copy of its exact size, so that a read past the end is seen.
    const std::string input(reinterpret_cast<const char*>(data), size);
    const auto doc = JsonDocument::parse(input);
    if (!doc.ok()) {
        KUMO_ASSERT(!doc.error().message.empty());
        return 0;
    }
    KUMO_ASSERT(kumo::wire::utf8_valid(input));
    const std::string once = written(doc.value());
    const auto again = JsonDocument::parse(once);
    KUMO_ASSERT(again.ok());
    KUMO_ASSERT(written(again.value()) == once);
    const auto raw = JsonDocument::parse(doc.value().root().raw());
    KUMO_ASSERT(raw.ok() && written(raw.value()) == once);

    std::string patched;
    JsonWriter writer(patched);
    kumo::wire::merge_patch(doc.value().root(), again.value().root(), writer);
    KUMO_ASSERT(JsonDocument::parse(patched).ok());
    return 0;
}
