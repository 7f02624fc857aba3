#pragma once

#include "base/bytes.h"
#include "base/random.h"
#include "kv/keyspace/entry.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

namespace kumo::kv {

/// A hash of a key that an attacker cannot choose collisions for: `seed` is the process's secret.
std::uint64_t key_hash(ByteView key, std::uint64_t seed);

/// The keys of one database or slot: an open-addressing table of 64-byte buckets, seven entries
/// each. An entry stands in its home bucket or in a later one; each bucket counts the entries that
/// passed it by, so that a lookup knows when to stop and nothing is left behind by a removal (the
/// idea of Facebook's F14).
///
/// A bucket's place is proportional to the hash (home = hash * buckets / 2^48, of the hash's upper
/// 48 bits), so buckets stand in the order of hashes whatever their number. That is what the cursor
/// of scan() is: a position among hashes. It means the same before and after the table has grown,
/// and the table can grow by a quarter instead of twofold. Growing moves one bucket for every
/// change; no call waits for more.
///
/// Thread rule: loop-owned.
class KeyTable {
public:
    static constexpr unsigned kPositionBits = 48;

    KeyTable() = default;
    ~KeyTable();
    KeyTable(KeyTable&& other) noexcept;
    KeyTable& operator=(KeyTable&& other) noexcept;

    std::size_t size() const { return size_; }

    /// How many of them have an expiry.
    std::size_t volatile_size() const { return volatile_size_; }

    std::size_t memory_bytes() const;

    Entry* find(ByteView key, std::uint64_t hash) const;
    /// Requires: the key is absent.
    void insert(Entry* entry, std::uint64_t hash);
    /// The entry has another address, or gained or lost its expiry.
    void replace(const Entry* old, Entry* entry, std::uint64_t hash);
    /// Takes it out; the caller destroys it.
    void erase(const Entry* entry, std::uint64_t hash);
    /// Destroys all entries.
    void clear();

    using Visitor = std::function<void(Entry*)>;
    /// Visits the entries whose hash lies in the bucket at `position`, then says where to go on; 0:
    /// that was the end. An entry that is there from the first call (position 0) to the last is
    /// visited, unless it is visited again because the table shrank meanwhile; `position` has 48
    /// bits. The visitor must not change the table.
    std::uint64_t scan(std::uint64_t position, std::uint64_t seed, const Visitor& visit) const;
    /// As scan(), only entries with an expiry; the others are not looked at.
    std::uint64_t scan_volatile(std::uint64_t position, const Visitor& visit) const;

    /// Each entry is about as likely. Requires: size() > 0.
    Entry* random(Random& random) const;
    /// An entry with an expiry; nullptr if none was found soon.
    Entry* random_volatile(Random& random) const;

    /// Goes on with growing or shrinking, a few buckets; false: nothing to do.
    bool rehash_step(std::uint64_t seed);

    bool rehashing() const { return next_.buckets != nullptr; }

    /// Frees the entries of some buckets; false: there are none left. From the first call on the
    /// table is good for nothing else until then.
    bool discard_some(std::size_t buckets);

    /// Makes room so that `entries` fit without growing.
    void reserve(std::size_t entries);

    std::size_t bucket_count() const { return now_.count + next_.count; }

private:
    struct Bucket;

    struct Array {
        Bucket* buckets = nullptr;
        std::size_t count = 0;
    };

    struct Place {
        Array* array = nullptr;
        std::size_t bucket = 0;
        int slot = 0;
    };

    static std::size_t home(const Array& array, std::uint64_t hash);
    static Array make(std::size_t count);
    static void free_array(Array& array);
    static Entry* find_in(const Array& array, ByteView key, std::uint64_t hash);
    Place place_of(const Entry* entry, std::uint64_t hash);
    static void put(Array& array, Entry* entry, std::uint64_t hash);
    static void take(const Place& place, std::uint64_t hash);
    static void visit_home(
        const Array& array,
        std::size_t bucket,
        std::uint64_t seed,
        const std::function<bool(std::uint64_t)>& wanted,
        const Visitor& visit
    );
    void begin_rehash(std::size_t count);
    void grow_if_needed();
    void shrink_if_needed();
    bool even() const;
    void move_bucket(std::uint64_t seed);

    Array now_;
    Array next_;             ///< While rehashing: where entries go.
    std::size_t moved_ = 0;  ///< Buckets of now_ below this are empty.
    std::size_t size_ = 0;
    std::size_t volatile_size_ = 0;
};

}  // namespace kumo::kv
