#pragma once

#include "base/bytes.h"
#include "base/random.h"
#include "kv/types/internal/packed.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace kumo::kv::internal {

/// XXH3 of the bytes.
std::uint64_t hash_bytes(ByteView bytes, std::uint64_t seed);

/// A hash table of entries that somebody else owns, for collections of any size on an event loop:
/// it grows and shrinks by one bucket at a time (linear hashing, W. Litwin 1980), so that no
/// insertion ever costs more than the entries of one bucket, there is never a second table beside
/// the first, and the fill stays near its goal at every size.
///
/// A bucket is a cache line: seven entries, a byte of each one's hash, and a bucket more behind the
/// last one if seven are not enough. With n buckets, 2^level <= n < 2^(level+1), the buckets below
/// n - 2^level have been split by one more bit of the hash.
///
/// scan()'s cursor is a place in the order of the hash's bits from the lowest on, which no split or
/// merge changes; a step visits whole buckets.
///
/// Entry has `ByteView key() const`. Thread rule: loop-owned.
template <typename Entry>
class BucketTable {
public:
    explicit BucketTable(std::uint64_t seed) : seed_(seed) { add_buckets(1); }

    BucketTable(const BucketTable&) = delete;
    BucketTable& operator=(const BucketTable&) = delete;

    ~BucketTable() {
        for (std::size_t i = 0; i < buckets_; ++i) {
            drop_chain(bucket(i));
        }
    }

    std::size_t size() const { return size_; }

    std::uint64_t seed() const { return seed_; }

    std::size_t memory_bytes() const {
        return sizeof(*this) + (allocated_ + overflows_) * sizeof(Bucket)
               + segments_.capacity() * sizeof(segments_[0]);
    }

    /// The place of the entry with that key, to read it or put another one with the same key there;
    /// nullptr if there is none.
    Entry** find(ByteView key) {
        const std::uint64_t hash = hash_bytes(key, seed_);
        for (Bucket* at = &bucket(index_of(hash)); at != nullptr; at = at->more()) {
            for (unsigned i = 0; i < at->capacity(); ++i) {
                if (at->has(i) && at->tags[i] == tag_of(hash) && at->entries[i]->key() == key) {
                    return &at->entries[i];
                }
            }
        }
        return nullptr;
    }

    const Entry* find(ByteView key) const {
        // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast): find() itself changes nothing.
        Entry* const* found = const_cast<BucketTable*>(this)->find(key);
        return found == nullptr ? nullptr : *found;
    }

    /// REQUIRES that no entry has its key.
    void insert(Entry* entry) {
        put(entry, hash_bytes(entry->key(), seed_));
        ++size_;
        if (size_ > buckets_ * kFillMax) {
            split_one();
        }
    }

    /// Takes the entry out; the caller owns it. Nullptr if there is none.
    Entry* remove(ByteView key) {
        const std::uint64_t hash = hash_bytes(key, seed_);
        Bucket& home = bucket(index_of(hash));
        for (Bucket* at = &home; at != nullptr; at = at->more()) {
            for (unsigned i = 0; i < at->capacity(); ++i) {
                if (at->has(i) && at->tags[i] == tag_of(hash) && at->entries[i]->key() == key) {
                    Entry* entry = at->entries[i];
                    fill_gap(home, *at, i);
                    --size_;
                    if (buckets_ > 1 && size_ < (buckets_ - 1) * kFillMin) {
                        merge_one();
                    }
                    return entry;
                }
            }
        }
        return nullptr;
    }

    /// Every entry, until the visitor gives false. The table must not change meanwhile.
    template <typename Visitor>
    void visit(Visitor visitor) const {
        for (std::size_t i = 0; i < buckets_; ++i) {
            if (!visit_bucket(i, visitor)) {
                return;
            }
        }
    }

    /// Visits buckets until about `count` entries were visited; where to go on, 0: the end.
    template <typename Visitor>
    std::uint64_t scan(std::uint64_t cursor, std::size_t count, Visitor visitor) const {
        std::size_t visited = 0;
        std::size_t steps = 0;
        do {
            const std::uint64_t low = (std::uint64_t{1} << level_) - 1;
            const bool split = (cursor & low) < buckets_ - (low + 1);
            const std::uint64_t mask = split ? low * 2 + 1 : low;
            visit_bucket(static_cast<std::size_t>(cursor & mask), [&](Entry* entry) {
                visitor(entry);
                ++visited;
                return true;
            });
            cursor = next_cursor(cursor, mask);
        } while (cursor != 0 && visited < count && ++steps < count * 10);
        return cursor;
    }

    /// Each as likely as any. REQUIRES size() > 0.
    Entry* random(Random& random) const {
        // A place is drawn among as many as a bucket rarely exceeds, and rejected if nothing is
        // there: fuller buckets are as much more likely as they hold more.
        constexpr std::size_t kPlaces = 21;
        for (;;) {
            const std::size_t index = random.below(buckets_);
            std::size_t held = 0;
            visit_bucket(index, [&](Entry*) {
                ++held;
                return true;
            });
            std::size_t place = random.below(std::max(held, kPlaces));
            if (place >= held) {
                continue;
            }
            Entry* chosen = nullptr;
            visit_bucket(index, [&](Entry* entry) {
                chosen = entry;
                return place-- != 0;
            });
            return chosen;
        }
    }

private:
    static constexpr unsigned kPerBucket = 7;
    static constexpr std::size_t kFillMax = 6;  ///< Entries a bucket when it grows,
    static constexpr std::size_t kFillMin = 4;  ///< and when it shrinks.
    static constexpr std::size_t kSegment = 1024;

    struct alignas(64) Bucket {
        std::uint8_t present;  ///< A bit for each entry; the highest: the last one is a Bucket.
        std::uint8_t tags[kPerBucket];

        union {
            Entry* entries[kPerBucket];
            Bucket* chain[kPerBucket];
        };

        bool has(unsigned i) const { return ((present >> i) & 1U) != 0; }

        bool chained() const { return (present & 0x80U) != 0; }

        unsigned capacity() const { return chained() ? kPerBucket - 1 : kPerBucket; }

        Bucket* more() const { return chained() ? chain[kPerBucket - 1] : nullptr; }

        unsigned held() const { return static_cast<unsigned>(std::popcount(present & 0x7fU)); }

        void set(unsigned i, Entry* entry, std::uint8_t tag) {
            entries[i] = entry;
            tags[i] = tag;
            present = static_cast<std::uint8_t>(present | (1U << i));
        }

        void clear(unsigned i) { present = static_cast<std::uint8_t>(present & ~(1U << i)); }
    };

    static std::uint8_t tag_of(std::uint64_t hash) { return static_cast<std::uint8_t>(hash >> 56); }

    static std::uint64_t reversed(std::uint64_t bits) {
        std::uint64_t out = 0;
        for (int i = 0; i < 8; ++i) {
            auto byte = static_cast<std::uint8_t>(bits >> (8 * i));
            byte = static_cast<std::uint8_t>(((byte & 0xf0U) >> 4) | ((byte & 0x0fU) << 4));
            byte = static_cast<std::uint8_t>(((byte & 0xccU) >> 2) | ((byte & 0x33U) << 2));
            byte = static_cast<std::uint8_t>(((byte & 0xaaU) >> 1) | ((byte & 0x55U) << 1));
            out = (out << 8) | byte;
        }
        return out;
    }

    /// Adds one to the bits under the mask, read from the lowest on; the rest is cleared.
    static std::uint64_t next_cursor(std::uint64_t cursor, std::uint64_t mask) {
        return reversed(reversed(cursor | ~mask) + 1);
    }

    Bucket& bucket(std::size_t i) const { return segments_[i / kSegment][i % kSegment]; }

    std::size_t index_of(std::uint64_t hash) const {
        const std::uint64_t low = (std::uint64_t{1} << level_) - 1;
        const std::uint64_t wide = hash & (low * 2 + 1);
        return static_cast<std::size_t>(wide < buckets_ ? wide : hash & low);
    }

    template <typename Visitor>
    bool visit_bucket(std::size_t index, Visitor&& visitor) const {
        for (const Bucket* at = &bucket(index); at != nullptr; at = at->more()) {
            for (unsigned i = 0; i < at->capacity(); ++i) {
                if (at->has(i) && !visitor(at->entries[i])) {
                    return false;
                }
            }
        }
        return true;
    }

    /// Room for the bucket `buckets_`: the first segment grows by a quarter, later ones come whole.
    void reserve_bucket() {
        if (buckets_ < allocated_) {
            return;
        }
        if (allocated_ >= kSegment) {
            segments_.push_back(std::make_unique<Bucket[]>(kSegment));
            allocated_ += kSegment;
            return;
        }
        const std::size_t wanted =
            std::min(kSegment, allocated_ + std::max<std::size_t>(allocated_ / 4, 1));
        auto larger = std::make_unique<Bucket[]>(wanted);
        if (segments_.empty()) {
            segments_.push_back(std::move(larger));
        } else {
            std::copy_n(segments_[0].get(), buckets_, larger.get());
            segments_[0] = std::move(larger);
        }
        allocated_ = wanted;
    }

    void add_buckets(std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) {
            reserve_bucket();
            bucket(buckets_) = Bucket{};
            ++buckets_;
        }
        level_ = static_cast<unsigned>(std::bit_width(buckets_) - 1);
    }

    void release_segments() {
        while (segments_.size() > 1 && buckets_ + kSegment <= allocated_ - kSegment / 2) {
            segments_.pop_back();
            allocated_ -= kSegment;
        }
    }

    void put(Entry* entry, std::uint64_t hash) {
        Bucket* at = &bucket(index_of(hash));
        while (at->chained() && at->held() == kPerBucket - 1) {
            at = at->more();
        }
        if (!at->chained() && at->held() == kPerBucket) {
            auto more = std::make_unique<Bucket>();
            more->set(0, at->entries[kPerBucket - 1], at->tags[kPerBucket - 1]);
            at->chain[kPerBucket - 1] = more.release();
            at->present = 0x80U | 0x3fU;
            at = at->more();
            ++overflows_;
        }
        const auto free = static_cast<unsigned>(std::countr_one(at->present));
        at->set(free, entry, tag_of(hash));
    }

    /// Entry `i` of `at` is gone: the chain's last bucket gives one of its own, and goes if it was
    /// its last.
    void fill_gap(Bucket& home, Bucket& at, unsigned i) {
        at.clear(i);
        Bucket* before = nullptr;
        Bucket* last = &home;
        while (last->chained()) {
            before = last;
            last = last->more();
        }
        if (before == nullptr) {
            return;
        }
        if (last != &at) {
            const auto moved = static_cast<unsigned>(std::countr_zero(last->present));
            at.set(i, last->entries[moved], last->tags[moved]);
            last->clear(moved);
        }
        if (last->held() == 0) {
            std::unique_ptr<Bucket> owned(last);
            before->present = static_cast<std::uint8_t>(before->present & 0x7fU);
            before->clear(kPerBucket - 1);
            --overflows_;
        }
    }

    void drop_chain(Bucket& home) {
        Bucket* at = home.more();
        home = Bucket{};
        while (at != nullptr) {
            std::unique_ptr<Bucket> owned(at);
            at = at->more();
            --overflows_;
        }
    }

    /// Takes the bucket's entries out and puts each where it belongs now.
    void redistribute(std::size_t index) {
        std::vector<Entry*> entries;
        entries.reserve(kPerBucket * 3);
        visit_bucket(index, [&](Entry* entry) {
            entries.push_back(entry);
            return true;
        });
        drop_chain(bucket(index));
        for (Entry* entry : entries) {
            put(entry, hash_bytes(entry->key(), seed_));
        }
    }

    void split_one() {
        const std::size_t low = std::size_t{1} << level_;
        const std::size_t parent = buckets_ - low;
        add_buckets(1);
        redistribute(parent);
    }

    void merge_one() {
        const std::size_t last = buckets_ - 1;
        std::vector<Entry*> entries;
        visit_bucket(last, [&](Entry* entry) {
            entries.push_back(entry);
            return true;
        });
        drop_chain(bucket(last));
        --buckets_;
        level_ = static_cast<unsigned>(std::bit_width(buckets_) - 1);
        for (Entry* entry : entries) {
            put(entry, hash_bytes(entry->key(), seed_));
        }
        release_segments();
    }

    std::uint64_t seed_;
    std::size_t size_ = 0;
    std::size_t buckets_ = 0;
    std::size_t allocated_ = 0;
    std::size_t overflows_ = 0;
    unsigned level_ = 0;
    std::vector<std::unique_ptr<Bucket[]>> segments_;
};

}  // namespace kumo::kv::internal
