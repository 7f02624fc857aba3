// What collections cost in memory, with their keys: the same data that run.sh gives to a Redis
// server.
//     memory_bench KIND COLLECTIONS ELEMENTS      prints: bytes of the heap
#include "base/random.h"
#include "kv/keyspace/keyspace.h"
#include "kv/types/hash.h"
#include "kv/types/list.h"
#include "kv/types/set.h"
#include "kv/types/stream.h"
#include "kv/types/zset.h"

#include <fmt/core.h>
#include <jemalloc/jemalloc.h>

#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace {

using kumo::ByteView;
using kumo::kv::EncodingLimits;
using kumo::kv::Keyspace;
using kumo::kv::Value;

std::size_t allocated() {
    std::uint64_t epoch = 1;
    std::size_t size = sizeof(epoch);
    mallctl("epoch", &epoch, &size, &epoch, size);
    std::size_t bytes = 0;
    size = sizeof(bytes);
    mallctl("stats.allocated", &bytes, &size, nullptr, 0);
    return bytes;
}

std::string numbered(const char* word, std::size_t i) {
    return word + std::to_string(i);
}

std::unique_ptr<Value> hash(std::size_t elements, const EncodingLimits& limits) {
    auto made = std::make_unique<kumo::kv::HashValue>();
    for (std::size_t i = 1; i <= elements; ++i) {
        made->set(numbered("field", i), numbered("value of ", i), limits);
    }
    return made;
}

std::unique_ptr<Value> list(std::size_t elements, const EncodingLimits& limits) {
    auto made = std::make_unique<kumo::kv::ListValue>();
    for (std::size_t i = 1; i <= elements; ++i) {
        made->push_back(numbered("element ", i), limits);
    }
    return made;
}

std::unique_ptr<Value> set(std::size_t elements, const EncodingLimits& limits) {
    auto made = std::make_unique<kumo::kv::SetValue>();
    for (std::size_t i = 1; i <= elements; ++i) {
        made->add(numbered("member:", i), limits);
    }
    return made;
}

std::unique_ptr<Value> intset(std::size_t elements, const EncodingLimits& limits) {
    auto made = std::make_unique<kumo::kv::SetValue>();
    for (std::size_t i = 1; i <= elements; ++i) {
        made->add(std::to_string(i * 1000), limits);
    }
    return made;
}

std::unique_ptr<Value> zset(std::size_t elements, double step, const EncodingLimits& limits) {
    auto made = std::make_unique<kumo::kv::ZsetValue>();
    for (std::size_t i = 1; i <= elements; ++i) {
        made->set(numbered("member:", i), static_cast<double>(i) * step, limits);
    }
    return made;
}

std::unique_ptr<Value> stream(std::size_t elements, const EncodingLimits& limits) {
    auto made = std::make_unique<kumo::kv::StreamValue>();
    for (std::size_t i = 1; i <= elements; ++i) {
        const std::string value = numbered("value of ", i);
        const std::vector<ByteView> texts = {"sensor", "7", "reading", value};
        made->append({1700000000000 + i, 0}, texts, limits);
    }
    return made;
}

using Maker = std::function<std::unique_ptr<Value>(std::size_t, const EncodingLimits&)>;

const std::map<std::string, Maker>& makers() {
    static const std::map<std::string, Maker> all = {
        {"hash", hash},
        {"list", list},
        {"set", set},
        {"intset", intset},
        {"zset",
         [](std::size_t n, const EncodingLimits& l) {
             return zset(n, 10, l);
         }},
        {"zset_real",
         [](std::size_t n, const EncodingLimits& l) {
             return zset(n, 0.7, l);
         }},
        {"stream", stream},
    };
    return all;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 4 || !makers().contains(argv[1])) {
        fmt::print(stderr, "memory_bench KIND COLLECTIONS ELEMENTS\n");
        return 2;
    }
    const Maker& make = makers().at(argv[1]);
    const std::size_t collections = std::strtoull(argv[2], nullptr, 10);
    const std::size_t elements = std::strtoull(argv[3], nullptr, 10);
    Keyspace keyspace(1, 1, false);
    const std::size_t before = allocated();
    for (std::size_t i = 1; i <= collections; ++i) {
        keyspace.database(0).set_value(numbered("key:", i), make(elements, keyspace.limits), false);
    }
    fmt::print("{}\n", allocated() - before);
    return 0;
}
