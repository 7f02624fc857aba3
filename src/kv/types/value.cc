#include "kv/types/value.h"

#include "base/assert.h"

namespace kumo::kv {

std::string_view type_name(Type type) {
    switch (type) {
        case Type::kString: return "string";
        case Type::kList: return "list";
        case Type::kSet: return "set";
        case Type::kZset: return "zset";
        case Type::kHash: return "hash";
        case Type::kStream: return "stream";
    }
    KUMO_ASSERT(false);
    return {};
}

}  // namespace kumo::kv
