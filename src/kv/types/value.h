#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

namespace kumo::kv {

enum class Type : std::uint8_t {
    kString,
    kList,
    kSet,
    kZset,
    kHash,
    kStream,
};

/// "string", "list", "set", "zset", "hash", "stream": what TYPE answers.
std::string_view type_name(Type type);

/// The value of a key that is not a string (strings lie in the key's own entry,
/// kv/keyspace/entry.h). Thread rule: loop-owned, except that one that was taken out of the
/// keyspace may be destroyed on any thread.
class Value {
public:
    virtual ~Value() = default;
    Value& operator=(const Value&) = delete;

    virtual Type type() const = 0;
    /// What OBJECT ENCODING answers: "listpack", "quicklist", "intset", "hashtable", "skiplist",
    /// "stream".
    virtual std::string_view encoding() const = 0;
    /// Elements, fields, members, entries.
    virtual std::size_t size() const = 0;
    /// Bytes on the heap, this object included; O(1) or a sample of it.
    virtual std::size_t memory_bytes() const = 0;
    /// A deep copy.
    virtual std::unique_ptr<Value> copy() const = 0;

protected:
    Value() = default;
    Value(const Value&) = default;
};

}  // namespace kumo::kv
