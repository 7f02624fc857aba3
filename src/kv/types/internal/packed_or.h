#pragma once

#include "kv/types/internal/packed.h"

#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <utility>

namespace kumo::kv::internal {

/// A Packed, or an owned Table, in one word: small collections are many, and a word in each counts.
/// A Packed is the pointer to its block, which is even; a Table's is stored odd.
///
/// Thread rule: as its owner.
template <typename Table>
class PackedOr {
public:
    // NOLINTBEGIN(cppcoreguidelines-pro-type-member-init): what is made in it fills it
    PackedOr() { new (storage_) Packed; }

    PackedOr(const PackedOr& other) {
        if (other.is_table()) {
            store(std::make_unique<Table>(other.table()).release());
        } else {
            new (storage_) Packed(other.packed());
        }
    }

    // NOLINTEND(cppcoreguidelines-pro-type-member-init)

    PackedOr& operator=(const PackedOr&) = delete;

    ~PackedOr() { clear(); }

    bool is_table() const { return (bits() & 1U) != 0; }

    /// REQUIRES !is_table().
    Packed& packed() { return *std::launder(reinterpret_cast<Packed*>(storage_)); }

    const Packed& packed() const {
        return *std::launder(reinterpret_cast<const Packed*>(storage_));
    }

    /// REQUIRES is_table().
    Table& table() { return *reinterpret_cast<Table*>(bits() - 1); }

    const Table& table() const { return *reinterpret_cast<const Table*>(bits() - 1); }

    void become(std::unique_ptr<Table> table) {
        clear();
        store(table.release());
    }

    void become(Packed packed) {
        clear();
        new (storage_) Packed(std::move(packed));
    }

private:
    static_assert(sizeof(Packed) == sizeof(std::uintptr_t));

    std::uintptr_t bits() const {
        std::uintptr_t value = 0;
        std::memcpy(&value, storage_, sizeof(value));
        return value;
    }

    void store(Table* table) {
        const std::uintptr_t value = reinterpret_cast<std::uintptr_t>(table) | 1U;
        std::memcpy(storage_, &value, sizeof(value));
    }

    void clear() {
        if (is_table()) {
            std::unique_ptr<Table> owned(&table());
        } else {
            packed().~Packed();
        }
    }

    alignas(Packed) unsigned char storage_[sizeof(Packed)];
};

}  // namespace kumo::kv::internal
