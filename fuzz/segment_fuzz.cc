// Hostile segments: a sound one is patched as the input says, its checksums are made right again,
// and whatever opens is then read in every way there is. Nothing may crash, hang, or leave a
// document outside the segment.
//
// Input: which base (1 byte), then patches: section (1 byte), offset (4), length 1 to 8 (1), bytes.

#include "base/assert.h"
#include "search/text/bm25.h"
#include "search/text/internal/text_model.h"
#include "search/text/postings_cursor.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

namespace kumo::search {
namespace {

constexpr std::array<const char*, 10> kSections{
    "f.info",
    "f.norms",
    "f.terms",
    "f.term_offsets",
    "f.term_meta",
    "f.hash",
    "f.trie_child",
    "f.trie_term",
    "f.trie_label",
    "f.postings"};

std::string make_base(std::uint64_t seed, DocId docs, std::uint32_t vocabulary) {
    TextModel model = random_model(seed, docs, vocabulary);
    return *seal_model(model, 0, docs).bytes;
}

const std::string& base_file(std::uint8_t choice) {
    static const std::array<std::string, 3> kBases{
        make_base(1, 800, 30),
        make_base(2, 200, 200),
        make_base(3, 3, 5)};
    return kBases[choice % kBases.size()];
}

/// The section's place in the file.
ByteView section_of(const std::string& bytes, std::uint8_t choice) {
    auto file = SectionFile::open(bytes, false);
    return file.value().section(kSections[choice % kSections.size()]).value();
}

void apply_patches(std::string& bytes, const std::string& base, ByteView input) {
    while (input.size() >= 7) {
        ByteView section = section_of(base, static_cast<std::uint8_t>(input[0]));
        auto offset = load_unaligned<std::uint32_t>(input.data() + 1);
        std::size_t count = static_cast<std::uint8_t>(input[5]) % 8 + 1U;
        input.remove_prefix(6);
        count = std::min({count, input.size(), section.size()});
        if (count != 0) {
            std::size_t at = static_cast<std::size_t>(section.data() - base.data())
                             + offset % (section.size() - count + 1);
            memcpy(bytes.data() + at, input.data(), count);
        }
        input.remove_prefix(count);
    }
}

void read_cursor(const SealedText& text, TermHandle term) {
    PostingsCursor cursor;
    std::vector<std::uint32_t> positions;
    text.open(term, cursor);
    std::uint64_t last = 0;
    for (DocId doc = cursor.doc(); doc != kNoDoc; doc = cursor.next()) {
        KUMO_ASSERT(doc < text.doc_limit() && (last == 0 || doc >= last));
        last = std::uint64_t{doc} + 1;
        if (doc % 16 == 0) {
            cursor.positions(positions);
        }
    }
    text.open(term, cursor);
    for (DocId target = 0; cursor.doc() != kNoDoc; target += 37) {
        cursor.advance(target);
        if (cursor.doc() != kNoDoc) {
            KUMO_ASSERT(cursor.doc() < text.doc_limit() && cursor.tf() != 0);
            cursor.positions(positions);
        }
    }
}

void read_dictionary(const SealedText& text) {
    auto at = text.terms();
    std::uint32_t visited = 0;
    for (bool more = at->seek(""); more && visited < 60; more = at->next(), ++visited) {
        (void)text.find(at->term());
        read_cursor(text, at->handle());
    }
    at->seek("wor1");
    for (const char* query : {"wor17", "é2", "w", ""}) {
        for (bool prefix : {false, true}) {
            FuzzyOptions options{2, prefix, 20000};
            text.fuzzy(query, options, [](const FuzzyMatch&) { return true; });
        }
    }
}

void search(const SealedText& text) {
    const std::vector<std::uint64_t> page(kPageWords, 0x5555555555555555ULL);
    const std::vector<const std::uint64_t*> pages(text.doc_limit() / kPageDocs + 1, page.data());
    std::array<Bm25Segment, 2> segments{Bm25Segment{&text}, Bm25Segment{&text, pages, nullptr}};
    Bm25Searcher searcher(segments);
    const std::array<std::string_view, 4> words{"w0", "wor1", "é2", "w3"};
    for (std::size_t count = 1; count <= words.size(); ++count) {
        for (Bm25Op op : {Bm25Op::kOr, Bm25Op::kAnd, Bm25Op::kPhrase}) {
            for (bool want_count : {false, true}) {
                auto result = searcher.search({op, {words.data(), count}}, 10, want_count);
                for (const Bm25Hit& hit : result.value().hits) {
                    KUMO_ASSERT(hit.doc < text.doc_limit());
                }
            }
        }
    }
}

void remerge(const SealedText& text) {
    std::vector<DocId> map(text.doc_limit());
    DocId next = 0;
    for (DocId doc = 0; doc < map.size(); ++doc) {
        map[doc] = doc % 3 == 0 ? kNoDoc : next++;
    }
    std::array<MergeInput, 1> inputs{MergeInput{&text, map}};
    SectionFileBuilder builder;
    if (merge(inputs, next, builder, "f.").ok()) {
        std::string bytes = builder.finish();
        auto file = SectionFile::open(bytes);
        KUMO_ASSERT(file.ok() && SealedText::open(file.value(), "f.").ok());
    }
}

/// The container itself: the input as its table, all else made to fit.
void read_container(const std::string& base, ByteView input) {
    std::string bytes = base.substr(0, 128);
    bytes.append(input);
    auto put = [&bytes](std::size_t at, std::uint64_t value) {
        memcpy(bytes.data() + at, &value, sizeof(value));
    };
    put(16, 128);
    put(24, input.size());
    put(32, XXH3_64bits(input.data(), input.size()));
    put(56, XXH3_64bits(bytes.data(), 56));
    (void)SectionFile::open(bytes);
}

void run(ByteView input) {
    if (input.empty()) {
        return;
    }
    const std::string& base = base_file(static_cast<std::uint8_t>(input[0]));
    std::string bytes = base;
    apply_patches(bytes, base, input.substr(1));
    auto file = SectionFile::open(bytes, false);
    KUMO_ASSERT(file.ok());
    auto text = SealedText::open(file.value(), "f.");
    if (text.ok()) {
        read_dictionary(text.value());
        search(text.value());
        remerge(text.value());
    }
    read_container(base, input);
}

}  // namespace
}  // namespace kumo::search

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    kumo::search::run({reinterpret_cast<const char*>(data), size});
    return 0;
}
