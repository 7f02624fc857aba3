#include "kv/keyspace/keyspace.h"

#include <utility>

namespace kumo::kv {

Keyspace::Keyspace(std::uint64_t seed, int databases, bool slotted) : slotted_(slotted) {
    databases_.reserve(static_cast<std::size_t>(databases));
    for (int i = 0; i < databases; ++i) {
        // In a cluster there is database 0 only; the others stay one empty table each.
        databases_.emplace_back(seed, slotted && i == 0);
    }
}

void Keyspace::swap(int first, int second) {
    for (const int db : {first, second}) {
        database(db).will_clear();
    }
    std::swap(database(first), database(second));
}

std::size_t Keyspace::size() const {
    std::size_t sum = 0;
    for (const Database& database : databases_) {
        sum += database.size();
    }
    return sum;
}

}  // namespace kumo::kv
