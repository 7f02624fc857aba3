#include "kv/types/zset.h"

#include "kv/types/internal/bucket_table.h"
#include "kv/types/internal/ranked_tree.h"

#include <algorithm>
#include <utility>

namespace kumo::kv {

using internal::Needle;
using internal::Packed;
using internal::ScoredEntry;

namespace internal {

/// The members of a large sorted set, owned, by name and by rank.
class RankedTable {
public:
    explicit RankedTable(std::uint64_t seed) : names_(seed) {}

    RankedTable(const RankedTable& other) : names_(other.names_.seed()) {
        if (other.size() == 0) {
            return;
        }
        for (RankedTree::Place at = other.ranks_.at(0); at.valid(); at.next()) {
            add(at.entry()->key(), at.entry()->score());
        }
    }

    RankedTable& operator=(const RankedTable&) = delete;

    ~RankedTable() {
        names_.visit([](ScoredEntry* entry) {
            ScoredEntry::Owned owned(entry);
            return true;
        });
    }

    std::size_t size() const { return names_.size(); }

    const BucketTable<ScoredEntry>& names() const { return names_; }

    const RankedTree& ranks() const { return ranks_; }

    ScoredEntry* find(ByteView member) {
        ScoredEntry** found = names_.find(member);
        return found == nullptr ? nullptr : *found;
    }

    void add(ByteView member, double score) {
        ScoredEntry::Owned entry = ScoredEntry::make(member, score);
        entry_bytes_ += entry->memory_bytes();
        ranks_.insert(entry.get());
        names_.insert(entry.release());
    }

    void move(ScoredEntry* entry, double score) {
        ranks_.remove(entry);
        entry->set_score(score);
        ranks_.insert(entry);
    }

    bool remove(ByteView member) {
        const ScoredEntry::Owned entry(names_.remove(member));
        if (entry == nullptr) {
            return false;
        }
        ranks_.remove(entry.get());
        entry_bytes_ -= entry->memory_bytes();
        return true;
    }

    std::size_t memory_bytes() const {
        return names_.memory_bytes() + ranks_.memory_bytes() + entry_bytes_ + sizeof(ranks_);
    }

private:
    BucketTable<ScoredEntry> names_;
    RankedTree ranks_;
    std::size_t entry_bytes_ = 0;
};

}  // namespace internal

namespace {

/// Where a member is in a block of members and scores; bytes() if it is not.
std::size_t find_member(const Packed& block, ByteView member) {
    return block.find(Needle(member), 2);
}

/// Where (score, member) belongs.
std::size_t place_for(const Packed& block, ByteView member, double score) {
    std::size_t at = 0;
    while (at < block.bytes()) {
        const std::size_t score_at = block.next(at);
        const double here = block.real(score_at);
        if (here > score || (here == score && block.compare(at, member) > 0)) {
            return at;
        }
        at = block.next(score_at);
    }
    return at;
}

void insert_sorted(Packed& block, ByteView member, double score) {
    const std::size_t at = place_for(block, member, score);
    block.insert(at, member);
    block.insert_real(block.next(at), score);
}

/// How many pairs of the block, from the first on, `below(member's offset, score)` holds for.
template <typename Below>
std::size_t count_pairs(const Packed& block, Below below) {
    std::size_t counted = 0;
    for (std::size_t at = 0; at < block.bytes();) {
        const std::size_t score_at = block.next(at);
        if (!below(at, block.real(score_at))) {
            break;
        }
        ++counted;
        at = block.next(score_at);
    }
    return counted;
}

}  // namespace

ZsetValue::ZsetValue() = default;
ZsetValue::ZsetValue(const ZsetValue& other) = default;
ZsetValue::~ZsetValue() = default;

std::unique_ptr<Value> ZsetValue::copy() const {
    return std::unique_ptr<Value>(new ZsetValue(*this));
}

std::string_view ZsetValue::encoding() const {
    return rep_.is_table() ? "skiplist" : "listpack";
}

std::size_t ZsetValue::size() const {
    return rep_.is_table() ? rep_.table().size() : rep_.packed().count() / 2;
}

std::size_t ZsetValue::memory_bytes() const {
    return sizeof(*this)
           + (rep_.is_table() ? rep_.table().memory_bytes() : rep_.packed().memory_bytes());
}

void ZsetValue::to_table(std::uint64_t seed) {
    auto table = std::make_unique<internal::RankedTable>(seed);
    visit(0, SIZE_MAX, false, [&](const Element& member, double score) {
        table->add(member.view(), score);
        return true;
    });
    rep_.become(std::move(table));
}

ZsetValue::Outcome ZsetValue::set(ByteView member, double score, const EncodingLimits& limits) {
    if (!rep_.is_table()) {
        Packed& block = rep_.packed();
        const std::size_t at = find_member(block, member);
        if (at != block.bytes()) {
            if (block.real(block.next(at)) == score) {
                return Outcome::kSame;
            }
            block.erase(at, 2);
            insert_sorted(block, member, score);
            return Outcome::kMoved;
        }
        const bool fits = block.count() / 2 + 1 <= limits.zset_max_listpack_entries
                          && member.size() <= limits.zset_max_listpack_value
                          && block.bytes() + member.size() + 32 <= internal::kPackedBytesMax;
        if (fits) {
            insert_sorted(block, member, score);
            return Outcome::kAdded;
        }
        to_table(limits.hash_seed);
    }
    internal::RankedTable& table = rep_.table();
    ScoredEntry* entry = table.find(member);
    if (entry == nullptr) {
        table.add(member, score);
        return Outcome::kAdded;
    }
    if (entry->score() == score) {
        return Outcome::kSame;
    }
    table.move(entry, score);
    return Outcome::kMoved;
}

bool ZsetValue::remove(ByteView member) {
    if (rep_.is_table()) {
        return rep_.table().remove(member);
    }
    Packed& block = rep_.packed();
    const std::size_t at = find_member(block, member);
    if (at == block.bytes()) {
        return false;
    }
    block.erase(at, 2);
    return true;
}

std::optional<double> ZsetValue::score(ByteView member) const {
    if (rep_.is_table()) {
        const ScoredEntry* entry = rep_.table().names().find(member);
        return entry == nullptr ? std::nullopt : std::optional<double>(entry->score());
    }
    const Packed& block = rep_.packed();
    const std::size_t at = find_member(block, member);
    if (at == block.bytes()) {
        return std::nullopt;
    }
    return block.real(block.next(at));
}

std::optional<std::size_t> ZsetValue::rank(ByteView member) const {
    if (rep_.is_table()) {
        const ScoredEntry* entry = rep_.table().names().find(member);
        return entry == nullptr ? std::nullopt
                                : std::optional<std::size_t>(rep_.table().ranks().rank(entry));
    }
    const Packed& block = rep_.packed();
    const std::size_t found = find_member(block, member);
    if (found == block.bytes()) {
        return std::nullopt;
    }
    return count_pairs(block, [found](std::size_t at, double) { return at < found; });
}

std::size_t ZsetValue::count_below(double score, bool inclusive) const {
    if (rep_.is_table()) {
        return rep_.table().ranks().count_below(score, inclusive);
    }
    return count_pairs(rep_.packed(), [&](std::size_t, double here) {
        return here < score || (inclusive && here == score);
    });
}

std::size_t ZsetValue::count_below(ByteView member, bool inclusive) const {
    if (rep_.is_table()) {
        return rep_.table().ranks().count_below(member, inclusive);
    }
    const Packed& block = rep_.packed();
    return count_pairs(block, [&](std::size_t at, double) {
        const int compared = block.compare(at, member);
        return compared < 0 || (inclusive && compared == 0);
    });
}

void ZsetValue::visit(
    std::size_t first,
    std::size_t count,
    bool backwards,
    FunctionRef<bool(const Element&, double)> visitor
) const {
    if (first >= size()) {
        return;
    }
    if (rep_.is_table()) {
        internal::RankedTree::Place at = rep_.table().ranks().at(first);
        for (std::size_t i = 0; i < count && at.valid(); ++i) {
            if (!visitor(Element(at.entry()->key()), at.entry()->score())) {
                return;
            }
            backwards ? at.previous() : at.next();
        }
        return;
    }
    const Packed& block = rep_.packed();
    std::size_t at = block.seek(2 * first);
    for (std::size_t i = 0; i < count && at < block.bytes(); ++i) {
        const std::size_t score_at = block.next(at);
        if (!visitor(block.element(at), block.real(score_at)) || (backwards && at == 0)) {
            return;
        }
        at = backwards ? block.previous(block.previous(at)) : block.next(score_at);
    }
}

void ZsetValue::erase(std::size_t first, std::size_t count) {
    if (first >= size()) {
        return;
    }
    const std::size_t removed = std::min(count, size() - first);
    if (!rep_.is_table()) {
        Packed& block = rep_.packed();
        block.erase(block.seek(2 * first), 2 * removed);
        return;
    }
    internal::RankedTable& table = rep_.table();
    for (std::size_t i = 0; i < removed; ++i) {
        table.remove(table.ranks().at(first).entry()->key());
    }
}

std::pair<Element, double> ZsetValue::at(std::size_t rank) const {
    if (rep_.is_table()) {
        const ScoredEntry* entry = rep_.table().ranks().at(rank).entry();
        return {Element(entry->key()), entry->score()};
    }
    const Packed& block = rep_.packed();
    const std::size_t at = block.seek(2 * rank);
    return {block.element(at), block.real(block.next(at))};
}

std::pair<Element, double> ZsetValue::random(Random& random) const {
    return at(random.below(size()));
}

std::uint64_t ZsetValue::scan(
    std::uint64_t cursor,
    std::size_t count,
    FunctionRef<void(const Element&, double)> visitor
) const {
    if (rep_.is_table()) {
        return rep_.table().names().scan(cursor, count, [&](const ScoredEntry* entry) {
            visitor(Element(entry->key()), entry->score());
        });
    }
    visit(0, SIZE_MAX, false, [&](const Element& member, double score) {
        visitor(member, score);
        return true;
    });
    return 0;
}

void ZsetValue::convert_to_small_if_fits(const EncodingLimits& limits) {
    if (!rep_.is_table() || size() > limits.zset_max_listpack_entries) {
        return;
    }
    bool fits = true;
    Packed block;
    visit(0, SIZE_MAX, false, [&](const Element& member, double score) {
        fits = member.view().size() <= limits.zset_max_listpack_value
               && block.bytes() + member.view().size() + 32 <= internal::kPackedBytesMax;
        if (fits) {
            block.append(member.view());
            block.insert_real(block.bytes(), score);
        }
        return fits;
    });
    if (fits) {
        rep_.become(std::move(block));
    }
}

}  // namespace kumo::kv
