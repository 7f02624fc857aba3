#include "kv/keyspace/key_table.h"

#include "base/assert.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <utility>

#include <xxhash.h>

namespace kumo::kv {

namespace {

__extension__ using Wide = unsigned __int128;

constexpr int kSlots = 7;
constexpr std::size_t kBucketsMin = 1;
/// A table of that many buckets or more grows by a quarter, a smaller one twofold.
constexpr std::size_t kGrowByQuarterFrom = std::size_t{1} << 13;
/// Grow when more than this share of the slots is taken; shrink below the other.
constexpr std::size_t kFullPercent = 88;
constexpr std::size_t kEmptyPercent = 10;
/// Buckets moved for one change while rehashing. A table that grows by a quarter has, until it is
/// full again, 1.5 changes for each old bucket: two a change end long before.
constexpr int kMovesPerChange = 2;
/// A table of fewer entries shrinks without a look at where they are, a larger one looks each time
/// that so many have gone.
constexpr std::size_t kSmall = 1024;
constexpr std::uint8_t kPassedMax = 255;
constexpr int kRandomTries = 64;

constexpr unsigned kPositionBits = KeyTable::kPositionBits;
constexpr std::uint64_t kPositions = std::uint64_t{1} << kPositionBits;

constexpr std::uintptr_t kVolatileBit = 1;

std::uint8_t tag_of(std::uint64_t hash) {
    return static_cast<std::uint8_t>(hash);
}

Entry* entry_of(std::uintptr_t slot) {
    return reinterpret_cast<Entry*>(slot & ~kVolatileBit);  // NOLINT(performance-no-int-to-ptr)
}

std::uintptr_t slot_of(const Entry* entry) {
    return reinterpret_cast<std::uintptr_t>(entry) | (entry->has_expiry() ? kVolatileBit : 0);
}

/// The first position whose home is `bucket` or later; kPositions for one past the last bucket.
std::uint64_t first_position(std::size_t bucket, std::size_t count) {
    const auto numerator = static_cast<Wide>(bucket) << kPositionBits;
    return static_cast<std::uint64_t>((numerator + count - 1) / count);
}

/// Where a hash stands among all hashes. Its lowest bits, which the tag is made of, do not count.
std::uint64_t position_of(std::uint64_t hash) {
    return hash >> (64U - kPositionBits);
}

std::size_t bucket_at(std::uint64_t position, std::size_t count) {
    return static_cast<std::size_t>((static_cast<Wide>(position) * count) >> kPositionBits);
}

}  // namespace

std::uint64_t key_hash(ByteView key, std::uint64_t seed) {
    return XXH3_64bits_withSeed(key.data(), key.size(), seed);
}

struct alignas(64) KeyTable::Bucket {
    std::array<std::uintptr_t, kSlots> slots;  ///< 0: free. The lowest bit: it has an expiry.
    std::array<std::uint8_t, kSlots> tags;
    std::uint8_t passed;  ///< Entries whose way led past here; kPassedMax stays.
};

KeyTable::~KeyTable() {
    clear();
}

KeyTable::KeyTable(KeyTable&& other) noexcept
    : now_(std::exchange(other.now_, {})),
      next_(std::exchange(other.next_, {})),
      moved_(std::exchange(other.moved_, 0)),
      size_(std::exchange(other.size_, 0)),
      volatile_size_(std::exchange(other.volatile_size_, 0)) {}

KeyTable& KeyTable::operator=(KeyTable&& other) noexcept {
    if (this != &other) {
        std::swap(now_, other.now_);
        std::swap(next_, other.next_);
        std::swap(moved_, other.moved_);
        std::swap(size_, other.size_);
        std::swap(volatile_size_, other.volatile_size_);
    }
    return *this;
}

std::size_t KeyTable::home(const Array& array, std::uint64_t hash) {
    return bucket_at(position_of(hash), array.count);
}

KeyTable::Array KeyTable::make(std::size_t count) {
    void* memory = std::aligned_alloc(sizeof(Bucket), count * sizeof(Bucket));
    KUMO_ASSERT(memory != nullptr);
    std::memset(memory, 0, count * sizeof(Bucket));
    return {static_cast<Bucket*>(memory), count};
}

void KeyTable::free_array(Array& array) {
    std::free(array.buckets);  // NOLINT(*-no-malloc)
    array = {};
}

std::size_t KeyTable::memory_bytes() const {
    return bucket_count() * sizeof(Bucket);
}

Entry* KeyTable::find_in(const Array& array, ByteView key, std::uint64_t hash) {
    if (array.count == 0) {
        return nullptr;
    }
    std::size_t at = home(array, hash);
    const std::uint8_t tag = tag_of(hash);
    for (std::size_t step = 0; step < array.count; ++step) {
        const Bucket& bucket = array.buckets[at];
        for (std::size_t slot = 0; slot < kSlots; ++slot) {
            if (bucket.tags[slot] == tag && bucket.slots[slot] != 0
                && entry_of(bucket.slots[slot])->key() == key) {
                return entry_of(bucket.slots[slot]);
            }
        }
        if (bucket.passed == 0) {
            return nullptr;
        }
        at = at + 1 == array.count ? 0 : at + 1;
    }
    return nullptr;
}

Entry* KeyTable::find(ByteView key, std::uint64_t hash) const {
    if (Entry* entry = find_in(next_, key, hash); entry != nullptr) {
        return entry;
    }
    return find_in(now_, key, hash);
}

void KeyTable::put(Array& array, Entry* entry, std::uint64_t hash) {
    std::size_t at = home(array, hash);
    for (;;) {
        Bucket& bucket = array.buckets[at];
        for (std::size_t slot = 0; slot < kSlots; ++slot) {
            if (bucket.slots[slot] == 0) {
                bucket.slots[slot] = slot_of(entry);
                bucket.tags[slot] = tag_of(hash);
                return;
            }
        }
        if (bucket.passed < kPassedMax) {
            ++bucket.passed;
        }
        at = at + 1 == array.count ? 0 : at + 1;
    }
}

KeyTable::Place KeyTable::place_of(const Entry* entry, std::uint64_t hash) {
    for (Array* array : {&next_, &now_}) {
        if (array->count == 0) {
            continue;
        }
        std::size_t at = home(*array, hash);
        for (std::size_t step = 0; step < array->count; ++step) {
            const Bucket& bucket = array->buckets[at];
            for (std::size_t slot = 0; slot < kSlots; ++slot) {
                if (entry_of(bucket.slots[slot]) == entry) {
                    return {array, at, static_cast<int>(slot)};
                }
            }
            if (bucket.passed == 0) {
                break;
            }
            at = at + 1 == array->count ? 0 : at + 1;
        }
    }
    KUMO_ASSERT(false);
    return {};
}

void KeyTable::take(const Place& place, std::uint64_t hash) {
    Array& array = *place.array;
    array.buckets[place.bucket].slots[static_cast<std::size_t>(place.slot)] = 0;
    for (std::size_t at = home(array, hash); at != place.bucket;
         at = at + 1 == array.count ? 0 : at + 1) {
        if (array.buckets[at].passed < kPassedMax) {
            --array.buckets[at].passed;
        }
    }
}

void KeyTable::insert(Entry* entry, std::uint64_t hash) {
    if (now_.count == 0) {
        now_ = make(kBucketsMin);
    }
    put(rehashing() ? next_ : now_, entry, hash);
    ++size_;
    volatile_size_ += entry->has_expiry() ? 1 : 0;
    grow_if_needed();
}

void KeyTable::replace(const Entry* old, Entry* entry, std::uint64_t hash) {
    const Place place = place_of(old, hash);
    std::uintptr_t& slot =
        place.array->buckets[place.bucket].slots[static_cast<std::size_t>(place.slot)];
    volatile_size_ -= (slot & kVolatileBit) != 0 ? 1 : 0;
    slot = slot_of(entry);
    volatile_size_ += (slot & kVolatileBit) != 0 ? 1 : 0;
}

void KeyTable::erase(const Entry* entry, std::uint64_t hash) {
    const Place place = place_of(entry, hash);
    const std::uintptr_t slot =
        place.array->buckets[place.bucket].slots[static_cast<std::size_t>(place.slot)];
    volatile_size_ -= (slot & kVolatileBit) != 0 ? 1 : 0;
    take(place, hash);
    --size_;
    shrink_if_needed();
}

void KeyTable::clear() {
    for (Array* array : {&now_, &next_}) {
        for (std::size_t at = 0; at < array->count; ++at) {
            for (const std::uintptr_t slot : array->buckets[at].slots) {
                if (slot != 0) {
                    Entry::destroy(entry_of(slot));
                }
            }
        }
        free_array(*array);
    }
    moved_ = 0;
    size_ = 0;
    volatile_size_ = 0;
}

void KeyTable::begin_rehash(std::size_t count) {
    next_ = make(std::max(count, kBucketsMin));
    moved_ = 0;
}

void KeyTable::grow_if_needed() {
    if (!rehashing() && size_ * 100 > now_.count * kSlots * kFullPercent) {
        begin_rehash(now_.count < kGrowByQuarterFrom ? now_.count * 2 : now_.count / 4 * 5);
    }
}

/// Only when something goes: what reserve() made room for is still to come. Until all has been
/// moved, every change may be one more entry, for which there must be room too.
void KeyTable::shrink_if_needed() {
    const bool sparse = now_.count > 8 && size_ * 100 < now_.count * kSlots * kEmptyPercent;
    if (sparse && !rehashing() && (size_ < kSmall || (size_ % kSmall == 0 && even()))) {
        begin_rehash((size_ + now_.count / kMovesPerChange) / 4 + 1);
    }
}

/// Whether the entries lie all over the table. Who deletes in the order of SCAN leaves those of
/// the largest hashes: in a smaller table they would all want the same few buckets.
bool KeyTable::even() const {
    constexpr std::size_t kLooks = 256;
    std::size_t used = 0;
    for (std::size_t look = 0; look < kLooks; ++look) {
        const Bucket& bucket = now_.buckets[now_.count / kLooks * look];
        const bool any = std::any_of(bucket.slots.begin(), bucket.slots.end(), [](auto slot) {
            return slot != 0;
        });
        used += any ? 1 : 0;
    }
    // At a tenth of its slots about half of the buckets hold something.
    return used * 4 >= kLooks;
}

bool KeyTable::discard_some(std::size_t buckets) {
    for (Array* array : {&now_, &next_}) {
        for (; array->count > 0 && buckets > 0; --buckets) {
            for (const std::uintptr_t slot : array->buckets[--array->count].slots) {
                if (slot != 0) {
                    Entry::destroy(entry_of(slot));
                }
            }
        }
        if (array->count > 0) {
            return true;
        }
        free_array(*array);
    }
    clear();
    return false;
}

void KeyTable::reserve(std::size_t entries) {
    const std::size_t count = entries * 100 / (kSlots * kFullPercent) + 1;
    if (!rehashing() && count > now_.count) {
        begin_rehash(count);
    }
}

void KeyTable::move_bucket(std::uint64_t seed) {
    Bucket& bucket = now_.buckets[moved_];
    for (std::size_t slot = 0; slot < kSlots; ++slot) {
        __builtin_prefetch(entry_of(bucket.slots[slot]));
    }
    for (std::size_t slot = 0; slot < kSlots; ++slot) {
        if (bucket.slots[slot] == 0) {
            continue;
        }
        Entry* entry = entry_of(bucket.slots[slot]);
        const std::uint64_t hash = key_hash(entry->key(), seed);
        take({&now_, moved_, static_cast<int>(slot)}, hash);
        put(next_, entry, hash);
    }
    ++moved_;
}

bool KeyTable::rehash_step(std::uint64_t seed) {
    if (!rehashing()) {
        return false;
    }
    // A tenth of a slot a step would do for growing; the next array must never fill up before.
    const int moves = next_.count < kGrowByQuarterFrom ? kMovesPerChange * 4 : kMovesPerChange;
    for (int i = 0; i < moves && moved_ < now_.count; ++i) {
        move_bucket(seed);
    }
    if (moved_ == now_.count) {
        free_array(now_);
        now_ = std::exchange(next_, {});
        moved_ = 0;
        grow_if_needed();
    }
    return true;
}

void KeyTable::visit_home(
    const Array& array,
    std::size_t bucket,
    std::uint64_t seed,
    const std::function<bool(std::uint64_t)>& wanted,
    const Visitor& visit
) {
    std::size_t at = bucket;
    for (std::size_t step = 0; step < array.count; ++step) {
        for (const std::uintptr_t slot : array.buckets[at].slots) {
            if (slot == 0) {
                continue;
            }
            Entry* entry = entry_of(slot);
            const std::uint64_t hash = key_hash(entry->key(), seed);
            if (home(array, hash) == bucket && wanted(hash)) {
                visit(entry);
            }
        }
        if (array.buckets[at].passed == 0) {
            return;
        }
        at = at + 1 == array.count ? 0 : at + 1;
    }
}

std::uint64_t KeyTable::scan(std::uint64_t position, std::uint64_t seed, const Visitor& visit)
    const {
    if (now_.count == 0 || position >= kPositions) {
        return 0;
    }
    // The positions of one bucket of the array with fewer of them; the other array's buckets that
    // overlap them are looked through as well.
    const bool two = rehashing();
    const Array& coarse = two && next_.count < now_.count ? next_ : now_;
    const std::uint64_t end = first_position(bucket_at(position, coarse.count) + 1, coarse.count);
    const auto wanted = [position, end](std::uint64_t hash) {
        return position_of(hash) >= position && position_of(hash) < end;
    };
    visit_home(coarse, bucket_at(position, coarse.count), seed, wanted, visit);
    if (two) {
        const Array& fine = &coarse == &now_ ? next_ : now_;
        const std::size_t last = bucket_at(end - 1, fine.count);
        for (std::size_t at = bucket_at(position, fine.count); at <= last; ++at) {
            visit_home(fine, at, seed, wanted, visit);
        }
    }
    return end == kPositions ? 0 : end;
}

std::uint64_t KeyTable::scan_volatile(std::uint64_t position, const Visitor& visit) const {
    if (now_.count == 0 || position >= kPositions) {
        return 0;
    }
    // Only where entries lie matters here, not their homes: one that is missed now is met in a
    // later round.
    const std::uint64_t end = first_position(bucket_at(position, now_.count) + 1, now_.count);
    for (const Array* array : {&now_, &next_}) {
        if (array->count == 0) {
            continue;
        }
        const std::size_t last = bucket_at(end - 1, array->count);
        for (std::size_t at = bucket_at(position, array->count); at <= last; ++at) {
            for (const std::uintptr_t slot : array->buckets[at].slots) {
                if ((slot & kVolatileBit) != 0) {
                    visit(entry_of(slot));
                }
            }
        }
    }
    return end == kPositions ? 0 : end;
}

Entry* KeyTable::random(Random& random) const {
    KUMO_ASSERT(size_ > 0);
    for (;;) {
        std::size_t at = random.below(bucket_count());
        const Array& array = at < now_.count ? now_ : next_;
        at -= at < now_.count ? 0 : now_.count;
        const std::uintptr_t slot = array.buckets[at].slots[random.below(kSlots)];
        if (slot != 0) {
            return entry_of(slot);
        }
    }
}

Entry* KeyTable::random_volatile(Random& random) const {
    if (volatile_size_ == 0) {
        return nullptr;
    }
    const std::size_t buckets = bucket_count();
    std::size_t at = random.below(buckets);
    for (int tries = 0; tries < kRandomTries; ++tries, at = (at + 1) % buckets) {
        const Bucket& bucket = at < now_.count ? now_.buckets[at] : next_.buckets[at - now_.count];
        const std::size_t first = random.below(kSlots);
        for (std::size_t i = 0; i < kSlots; ++i) {
            const std::uintptr_t slot = bucket.slots[(first + i) % kSlots];
            if ((slot & kVolatileBit) != 0) {
                return entry_of(slot);
            }
        }
    }
    return nullptr;
}

}  // namespace kumo::kv
