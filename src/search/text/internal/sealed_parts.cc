#include "search/text/internal/sealed_parts.h"

#include "search/text/internal/bit_pack.h"
#include "search/text/section_file.h"

#include <bit>
#include <string>

namespace kumo::search {
namespace {

/// Gets section `prefix` + `part` as `count` elements of T. The section's alignment is the file's.
template <typename T>
Status
get_array(const SectionFile& file, const std::string& name, std::uint64_t count, const T*& out) {
    KUMO_TRY_ASSIGN(ByteView bytes, file.section(name));
    if (bytes.size() != count * sizeof(T)) {
        return corruption("segment: section '" + name + "' has the wrong size");
    }
    out = reinterpret_cast<const T*>(bytes.data());
    return {};
}

Error bad_text(const std::string& what) {
    return corruption("segment: text field: " + what);
}

/// One block's codes lie inside the term's data, and its range has room for its documents.
bool block_is_sound(
    const PostingsView& view,
    std::uint32_t block,
    DocId floor,
    std::uint32_t count
) {
    const DocId last = view.last_doc[block];
    if (std::uint64_t{last} + 1 < std::uint64_t{floor} + count || view.tf_bits[block] > 32) {
        return false;
    }
    const std::uint8_t codec = view.doc_codec[block];
    if (count < kPostingBlock) {
        return codec == kCodecTail && view.offset[block] <= view.data_bytes;
    }
    std::uint64_t bytes = packed_bytes(view.tf_bits[block]);
    if (codec == kCodecBitset) {
        bytes += (std::uint64_t{last} / 64 - floor / 64 + 1) * 8;
    } else if (codec <= 32) {
        bytes += packed_bytes(codec);
    } else {
        return false;
    }
    return view.offset[block] + bytes <= view.data_bytes && view.offset[block] % 8 == 0;
}

}  // namespace

Status SealedParts::check_info() const {
    if (info.version != kTextVersion) {
        return bad_text("unknown version " + std::to_string(info.version));
    }
    if (info.doc_limit > kSegmentDocsMax || info.doc_count > info.doc_limit
        || info.term_count >= kNoTerm || info.node_count == 0 || info.node_count == kNoTerm
        || !(info.bound_length >= 0)) {
        return bad_text("counts out of range");
    }
    return {};
}

Result<SealedParts> SealedParts::open(const SectionFile& file, std::string_view prefix) {
    const std::string head(prefix);
    SealedParts parts;
    const TextInfo* info = nullptr;
    KUMO_TRY(get_array(file, head + "info", 1, info));
    parts.info = *info;
    KUMO_TRY(parts.check_info());
    const std::uint64_t terms = info->term_count;
    const std::uint64_t nodes = info->node_count;
    KUMO_TRY(get_array(file, head + "norms", info->doc_limit, parts.norms));
    KUMO_TRY(get_array(file, head + "term_offsets", terms + 1, parts.term_offsets));
    KUMO_TRY(get_array(file, head + "term_meta", terms + 1, parts.meta));
    KUMO_TRY(get_array(file, head + "trie_child", nodes + 1, parts.trie_child));
    KUMO_TRY(get_array(file, head + "trie_term", nodes, parts.trie_term));
    KUMO_TRY(get_array(file, head + "trie_label", nodes, parts.trie_label));
    KUMO_TRY_ASSIGN(ByteView hash, file.section(head + "hash"));
    if (hash.size() < 4 || !std::has_single_bit(hash.size())) {
        return bad_text("hash size is not a power of two");
    }
    parts.hash = reinterpret_cast<const std::uint32_t*>(hash.data());
    parts.hash_mask = hash.size() / 4 - 1;
    KUMO_TRY_ASSIGN(ByteView term_bytes, file.section(head + "terms"));
    parts.terms = term_bytes.data();
    KUMO_TRY_ASSIGN(ByteView postings, file.section(head + "postings"));
    parts.postings = reinterpret_cast<const std::uint8_t*>(postings.data());
    KUMO_TRY(parts.check_terms(term_bytes.size(), postings.size()));
    KUMO_TRY(parts.check_trie());
    return parts;
}

Status SealedParts::check_terms(std::uint64_t terms_bytes, std::uint64_t postings_bytes) const {
    const std::uint32_t count = info.term_count;
    if (term_offsets[0] != 0 || term_offsets[count] != terms_bytes
        || meta[count].offset != postings_bytes) {
        return bad_text("term table does not fit its data");
    }
    for (std::uint32_t term = 0; term < count; ++term) {
        if (term_offsets[term] > term_offsets[term + 1]
            || term_offsets[term + 1] - term_offsets[term] > kTermBytesMax) {
            return bad_text("term " + std::to_string(term) + " out of range");
        }
        const TermMeta& at = meta[term];
        const std::uint64_t end = meta[term + 1].offset;
        if (at.offset > end || end > postings_bytes || at.df == 0 || at.df > info.doc_limit
            || at.ttf < at.df || (at.df >= kPostingBlock && !long_term_is_sound(term))) {
            return bad_text("postings of term " + std::to_string(term) + " out of range");
        }
    }
    return {};
}

PostingsView SealedParts::long_view(std::uint32_t term) const {
    const TermMeta& at = meta[term];
    const LongLayout layout(at.df, at.ttf);
    const std::uint8_t* base = postings + at.offset;
    const LongHeader& header = long_header(term);
    PostingsView view;
    view.df = at.df;
    view.blocks = static_cast<std::uint32_t>(layout.blocks);
    view.occurrences = at.ttf;
    view.best_factor = header.best_factor;
    view.last_doc = reinterpret_cast<const DocId*>(base + layout.last_doc);
    view.offset = reinterpret_cast<const std::uint32_t*>(base + layout.offset);
    view.max_factor = reinterpret_cast<const float*>(base + layout.max_factor);
    view.first_pos = reinterpret_cast<const std::uint32_t*>(base + layout.first_pos);
    view.pos_offset = reinterpret_cast<const std::uint32_t*>(base + layout.pos_offset);
    view.doc_codec = base + layout.doc_codec;
    view.tf_bits = base + layout.tf_bits;
    view.pos_bits = base + layout.pos_bits;
    view.data = base + layout.data;
    view.data_bytes = header.data_bytes;
    view.pos_data = view.data + align16(header.data_bytes);
    return view;
}

bool SealedParts::long_term_is_sound(std::uint32_t term) const {
    const TermMeta& at = meta[term];
    const std::uint64_t bytes = meta[term + 1].offset - at.offset;
    const LongLayout layout(at.df, at.ttf);
    if (at.offset % 16 != 0 || layout.data > bytes) {
        return false;
    }
    const PostingsView view = long_view(term);
    if (align16(view.data_bytes) > bytes - layout.data) {
        return false;
    }
    DocId floor = 0;
    for (std::uint32_t block = 0; block < view.blocks; ++block) {
        std::uint32_t count = std::min(kPostingBlock, view.df - block * kPostingBlock);
        if (!block_is_sound(view, block, floor, count)) {
            return false;
        }
        floor = view.last_doc[block] + 1;
    }
    if (floor > info.doc_limit) {
        return false;
    }
    const std::uint64_t pos_bytes = bytes - layout.data - align16(view.data_bytes);
    for (std::uint64_t group = 0; group < layout.pos_groups; ++group) {
        if (view.pos_bits[group] > 32 || view.pos_offset[group] % 16 != 0
            || view.pos_offset[group] + packed_bytes(view.pos_bits[group]) > pos_bytes) {
            return false;
        }
    }
    return true;
}

Status SealedParts::check_trie() const {
    const std::uint32_t nodes = info.node_count;
    if (trie_child[nodes] != nodes) {
        return bad_text("trie does not end");
    }
    for (std::uint32_t node = 0; node < nodes; ++node) {
        // Children after their parent: every walk down ends.
        if (trie_child[node] <= node || trie_child[node] > trie_child[node + 1]) {
            return bad_text("trie node " + std::to_string(node) + " has bad children");
        }
        const bool leaf = trie_child[node] == trie_child[node + 1];
        const std::uint32_t term = trie_term[node];
        if (term == kNoTerm ? leaf && info.term_count != 0 : term >= info.term_count) {
            return bad_text("trie node " + std::to_string(node) + " has a bad term");
        }
    }
    return {};
}

}  // namespace kumo::search
