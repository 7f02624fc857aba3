#include "base/assert.h"
#include "search/index/index.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace kumo::search {

// Which segments are merged: tiers by size, each a factor of `merge_factor` above the one below;
// when a tier holds that many segments they become one of the next tier. So a document is
// rewritten about log(n) times, and a search meets a handful of segments. A segment that is mostly
// deletes is rewritten alone, and so is, when there is nothing else, one whose seal left the graph
// of its vectors to a merge.

namespace {

constexpr std::uint32_t kSmallestTierDocs = 2000;

std::uint32_t tier_of(std::uint32_t docs, std::uint32_t factor) {
    std::uint32_t tier = 0;
    for (std::uint64_t top = kSmallestTierDocs; docs > top; top *= factor) {
        ++tier;
    }
    return tier;
}

DeletedDocs mapped(const DeletedDocs& from, std::span<const DocId> new_ids, DeletedDocs onto) {
    from.for_each([&](DocId doc) {
        if (new_ids[doc] != kNoDoc) {
            (void)onto.set(new_ids[doc]);
        }
    });
    return onto;
}

}  // namespace

std::vector<std::size_t> Index::choose_merge() const {
    std::vector<std::vector<std::size_t>> tiers;
    for (std::size_t i = 0; i < slots_.size(); ++i) {
        const Slot& slot = slots_[i];
        if (slot.live != nullptr) {
            continue;
        }
        const std::uint32_t docs = slot.reader->doc_count;
        if (slot.deleted_in_manifest.count() > docs / 2) {
            return {i};
        }
        const std::uint32_t kept = docs - slot.deleted_in_manifest.count();
        const std::uint32_t tier = tier_of(kept, limits_.merge_factor);
        tiers.resize(std::max<std::size_t>(tiers.size(), tier + std::size_t{1}));
        tiers[tier].push_back(i);
        const std::uint64_t total = std::uint64_t{kept} * limits_.merge_factor;
        if (tiers[tier].size() >= limits_.merge_factor && total <= limits_.merged_docs_max) {
            return tiers[tier];
        }
    }
    for (std::size_t i = 0; i < slots_.size(); ++i) {
        if (slots_[i].live == nullptr && lacks_graph(*slots_[i].reader)) {
            return {i};
        }
    }
    return {};
}

/// The smallest ones, as many as may become one.
std::vector<std::size_t> Index::choose_all() const {
    struct Sealed {
        std::uint32_t kept;
        std::size_t at;
        bool has_deletes;
    };

    std::vector<Sealed> sealed;
    for (std::size_t i = 0; i < slots_.size(); ++i) {
        const Slot& slot = slots_[i];
        if (slot.live == nullptr) {
            const std::uint32_t deleted = slot.deleted_in_manifest.count();
            sealed.push_back({slot.reader->doc_count - deleted, i, deleted > 0});
        }
    }
    std::sort(sealed.begin(), sealed.end(), [](const Sealed& a, const Sealed& b) {
        return a.kept != b.kept ? a.kept < b.kept : a.at < b.at;
    });
    std::vector<std::size_t> chosen;
    std::uint64_t docs = 0;
    for (const Sealed& one : sealed) {
        docs += one.kept;
        if (docs <= limits_.merged_docs_max) {
            chosen.push_back(one.at);
        }
    }
    if (chosen.size() < 2) {
        const auto dirty = std::find_if(sealed.begin(), sealed.end(), [](const Sealed& one) {
            return one.has_deletes;
        });
        return dirty == sealed.end() ? std::vector<std::size_t>() : std::vector{dirty->at};
    }
    std::sort(chosen.begin(), chosen.end());
    return chosen;
}

std::optional<Index::MergeJob> Index::begin_merge(bool all) {
    if (merging_) {
        return std::nullopt;
    }
    const std::vector<std::size_t> chosen = all ? choose_all() : choose_merge();
    if (chosen.empty()) {
        return std::nullopt;
    }
    MergeJob job{next_segment_id_++, schema_, {}, {}, 0};
    for (const std::size_t at : chosen) {
        const Slot& slot = slots_[at];
        SegmentMergeInput input{slot.reader, std::vector<DocId>(slot.reader->doc_count, kNoDoc)};
        for (DocId doc = 0; doc < slot.reader->doc_count; ++doc) {
            if (!slot.deleted_in_manifest.test(doc)) {
                input.new_ids[doc] = job.doc_count++;
            }
        }
        job.input_ids.push_back(slot.id);
        job.inputs.push_back(std::move(input));
    }
    merging_ = true;
    return job;
}

void Index::finish_merge(const MergeJob& job, std::shared_ptr<const SegmentReader> merged) {
    KUMO_ASSERT(merging_);
    merging_ = false;
    if (merged == nullptr) {
        return;
    }
    Slot out;
    out.id = job.segment_id;
    out.reader = as_of_now(std::move(merged), *job.schema);
    std::size_t at = slots_.size();
    for (std::size_t i = 0; i < job.input_ids.size(); ++i) {
        const auto& new_ids = job.inputs[i].new_ids;
        const auto slot = std::find_if(slots_.begin(), slots_.end(), [&](const Slot& s) {
            return s.id == job.input_ids[i];
        });
        KUMO_ASSERT(slot != slots_.end());
        out.deleted = mapped(slot->deleted, new_ids, std::move(out.deleted));
        out.deleted_at_freeze =
            mapped(slot->deleted_at_freeze, new_ids, std::move(out.deleted_at_freeze));
        out.deleted_in_manifest =
            mapped(slot->deleted_in_manifest, new_ids, std::move(out.deleted_in_manifest));
        at = std::min(at, static_cast<std::size_t>(slot - slots_.begin()));
        slots_.erase(slot);
    }
    if (out.reader->doc_count > 0) {
        slots_.insert(slots_.begin() + static_cast<std::ptrdiff_t>(at), std::move(out));
    }
    publish(applied_seq_);
}

}  // namespace kumo::search
