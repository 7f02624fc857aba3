#pragma once

#include "search/text/doc.h"

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace kumo::search {

/// The deleted documents of one segment. A value that is cheap to copy: pages of 4,096 documents
/// are shared between copies, and a page is copied when it is first changed after a share().
///
/// Loop-owned while it changes; a copy handed out through a snapshot is immutable.
class DeletedDocs {
public:
    bool test(std::uint32_t doc) const {
        const std::size_t page = doc / kPageDocs;
        if (page >= pages_.size() || pages_[page].bits == nullptr) {
            return false;
        }
        return (((*pages_[page].bits)[doc % kPageDocs / 64] >> (doc % 64)) & 1U) != 0;
    }

    std::uint32_t count() const { return count_; }

    /// The documents as queries look at them; until this changes or ends.
    DocPages pages() const { return words_; }

    /// Marks one document; false if it was marked before.
    bool set(std::uint32_t doc) {
        if (test(doc)) {
            return false;
        }
        Page& page = writable_page(doc / kPageDocs);
        (*page.bits)[doc % kPageDocs / 64] |= std::uint64_t{1} << (doc % 64);
        ++count_;
        return true;
    }

    /// A copy that later set() calls on this do not change.
    DeletedDocs share() {
        for (Page& page : pages_) {
            page.shared = true;
        }
        return *this;
    }

    template <typename Visit>
    void for_each(Visit visit) const {
        for (std::size_t p = 0; p < pages_.size(); ++p) {
            for (std::size_t w = 0; pages_[p].bits != nullptr && w < kPageWords; ++w) {
                for (std::uint64_t word = (*pages_[p].bits)[w]; word != 0; word &= word - 1) {
                    const auto bit = static_cast<std::size_t>(std::countr_zero(word));
                    visit(static_cast<std::uint32_t>(p * kPageDocs + w * 64 + bit));
                }
            }
        }
    }

private:
    using Bits = std::array<std::uint64_t, kPageWords>;

    struct Page {
        std::shared_ptr<Bits> bits;
        bool shared = false;
    };

    Page& writable_page(std::size_t index) {
        if (index >= pages_.size()) {
            pages_.resize(index + 1);
            words_.resize(index + 1);
        }
        Page& page = pages_[index];
        if (page.bits == nullptr) {
            page = {std::make_shared<Bits>(), false};
        } else if (page.shared) {
            page = {std::make_shared<Bits>(*page.bits), false};
        }
        words_[index] = page.bits->data();
        return page;
    }

    std::vector<Page> pages_;
    std::vector<const std::uint64_t*> words_;  ///< Of pages_.
    std::uint32_t count_ = 0;
};

}  // namespace kumo::search
