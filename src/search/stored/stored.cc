#include "search/stored/stored.h"

#include "base/assert.h"
#include "search/column/column.h"
#include "search/text/section_file.h"

#include <algorithm>
#include <utility>

#include <xxhash.h>
#include <zdict.h>
#include <zstd.h>

namespace kumo::search {

namespace {

constexpr int kLevel = 3;
constexpr std::size_t kDictionaryBytesMax = std::size_t{32} << 10;
constexpr std::size_t kSampleBytesMax = std::size_t{1} << 20;
constexpr std::uint32_t kTrainedDocs = 2000;
constexpr std::uint32_t kTriedDocs = 64;
/// Below this a dictionary costs more than it saves.
constexpr std::size_t kSampleBytesMin = std::size_t{16} << 10;
constexpr std::size_t kDocumentBytesMax = std::size_t{256} << 20;

struct ContextFree {
    void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }

    void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }

    void operator()(ZSTD_CDict* dictionary) const { ZSTD_freeCDict(dictionary); }

    void operator()(ZSTD_DDict* dictionary) const { ZSTD_freeDDict(dictionary); }
};

ZSTD_DCtx* thread_decompressor() {
    static thread_local const std::unique_ptr<ZSTD_DCtx, ContextFree> kContext(ZSTD_createDCtx());
    return kContext.get();
}

class LiveStoredReader final : public StoredReader {
public:
    LiveStoredReader(const LiveStored& stored, std::uint32_t doc_count)
        : stored_(stored), doc_count_(doc_count) {}

    std::uint32_t doc_count() const override { return doc_count_; }

    Status append(std::uint32_t doc, std::string& out) const override {
        out += stored_.get(doc);
        return {};
    }

private:
    const LiveStored& stored_;
    std::uint32_t doc_count_;
};

class SealedStored final : public StoredReader {
public:
    SealedStored(ByteView dictionary, ByteView ends, ByteView frames)
        : dictionary_(dictionary),
          ends_(ends),
          frames_(frames),
          prepared_(ZSTD_createDDict(dictionary.data(), dictionary.size())) {}

    Status check() const {
        std::uint64_t previous = 0;
        for (std::uint32_t doc = 0; doc < doc_count(); ++doc) {
            if (end_of(doc) < previous || end_of(doc) > frames_.size()) {
                return corruption("stored documents have ends out of order");
            }
            previous = end_of(doc);
        }
        return {};
    }

    std::uint32_t doc_count() const override {
        return static_cast<std::uint32_t>(ends_.size() / sizeof(std::uint64_t));
    }

    Status append(std::uint32_t doc, std::string& out) const override {
        const ByteView packed = frame(doc);
        const auto size = ZSTD_getFrameContentSize(packed.data(), packed.size());
        if (size > kDocumentBytesMax) {
            return corruption("stored document " + std::to_string(doc) + " has no valid frame");
        }
        const std::size_t before = out.size();
        out.resize(before + size);
        const std::size_t got = ZSTD_decompress_usingDDict(
            thread_decompressor(),
            out.data() + before,
            size,
            packed.data(),
            packed.size(),
            prepared_.get()
        );
        if (ZSTD_isError(got) != 0 || got != size) {
            out.resize(before);
            return corruption("stored document " + std::to_string(doc) + " does not decompress");
        }
        return {};
    }

    ByteView frame(std::uint32_t doc) const {
        const std::uint64_t begin = doc == 0 ? 0 : end_of(doc - 1);
        return frames_.substr(begin, end_of(doc) - begin);
    }

    ByteView dictionary() const { return dictionary_; }

private:
    std::uint64_t end_of(std::uint32_t doc) const {
        return load_unaligned<std::uint64_t>(
            ends_.data() + std::size_t{doc} * sizeof(std::uint64_t)
        );
    }

    ByteView dictionary_;
    ByteView ends_;
    ByteView frames_;
    std::unique_ptr<ZSTD_DDict, ContextFree> prepared_;
};

/// Some documents, one after the other.
struct Sample {
    std::string bytes;
    std::vector<std::size_t> sizes;
};

/// About `docs` documents spread evenly over the sources, up to kSampleBytesMax.
Result<Sample>
take_sample(std::span<const StoredSource> sources, std::uint32_t doc_count, std::uint32_t docs) {
    Sample out;
    const std::uint32_t step = std::max<std::uint32_t>(1, doc_count / docs);
    for (const StoredSource& source : sources) {
        for (std::uint32_t doc = 0; doc < source.new_ids.size(); doc += step) {
            if (source.new_ids[doc] == kDroppedDoc || out.bytes.size() > kSampleBytesMax) {
                continue;
            }
            const std::size_t before = out.bytes.size();
            KUMO_TRY(source.stored->append(doc, out.bytes));
            out.sizes.push_back(out.bytes.size() - before);
        }
    }
    return out;
}

/// Empty if there is too little to learn from.
Result<std::string>
train_dictionary(std::span<const StoredSource> sources, std::uint32_t doc_count) {
    KUMO_TRY_ASSIGN(const Sample sample, take_sample(sources, doc_count, kTrainedDocs));
    if (sample.bytes.size() < kSampleBytesMin) {
        return std::string();
    }
    std::string dictionary(kDictionaryBytesMax, '\0');
    const std::size_t size = ZDICT_trainFromBuffer(
        dictionary.data(),
        dictionary.size(),
        sample.bytes.data(),
        sample.sizes.data(),
        static_cast<unsigned>(sample.sizes.size())
    );
    dictionary.resize(ZDICT_isError(size) != 0 ? 0 : size);
    return dictionary;
}

/// Compresses documents into one growing buffer of frames.
class FrameWriter {
public:
    explicit FrameWriter(const std::string& dictionary)
        : context_(ZSTD_createCCtx()),
          prepared_(ZSTD_createCDict(dictionary.data(), dictionary.size(), kLevel)) {}

    void add(ByteView document) {
        const std::size_t before = frames_.size();
        frames_.resize(before + ZSTD_compressBound(document.size()));
        const std::size_t size = ZSTD_compress_usingCDict(
            context_.get(),
            frames_.data() + before,
            frames_.size() - before,
            document.data(),
            document.size(),
            prepared_.get()
        );
        KUMO_ASSERT(ZSTD_isError(size) == 0);  // the bound holds and memory does not run out
        frames_.resize(before + size);
        append_fixed(ends_, static_cast<std::uint64_t>(frames_.size()));
    }

    void add_frame(ByteView frame) {
        frames_ += frame;
        append_fixed(ends_, static_cast<std::uint64_t>(frames_.size()));
    }

    std::string take_frames() { return std::move(frames_); }

    std::string take_ends() { return std::move(ends_); }

private:
    std::unique_ptr<ZSTD_CCtx, ContextFree> context_;
    std::unique_ptr<ZSTD_CDict, ContextFree> prepared_;
    std::string frames_;
    std::string ends_;
};

std::size_t packed_bytes(const Sample& sample, const std::string& dictionary) {
    FrameWriter writer(dictionary);
    std::size_t at = 0;
    for (const std::size_t size : sample.sizes) {
        writer.add(ByteView(sample.bytes).substr(at, size));
        at += size;
    }
    return writer.take_frames().size();
}

/// The dictionary was made for other documents: are these like them?
Result<bool> does_good(
    const std::string& dictionary,
    std::span<const StoredSource> sources,
    std::uint32_t doc_count
) {
    KUMO_TRY_ASSIGN(const Sample sample, take_sample(sources, doc_count, kTriedDocs));
    return packed_bytes(sample, dictionary) * 10 < packed_bytes(sample, {}) * 9;
}

Result<std::string> choose_dictionary(
    std::span<const StoredSource> sources,
    std::uint32_t doc_count,
    const StoredReader* like
) {
    for (const StoredSource& source : sources) {
        const auto* sealed = dynamic_cast<const SealedStored*>(source.stored);
        if (sealed != nullptr && !sealed->dictionary().empty()) {
            return std::string(sealed->dictionary());
        }
    }
    if (const auto* older = dynamic_cast<const SealedStored*>(like); older != nullptr) {
        std::string dictionary(older->dictionary());
        KUMO_TRY_ASSIGN(const bool good, does_good(dictionary, sources, doc_count));
        if (good) {
            return dictionary;
        }
    }
    return train_dictionary(sources, doc_count);
}

Status
write_source(const StoredSource& source, const std::string& dictionary, FrameWriter& writer) {
    const auto* sealed = dynamic_cast<const SealedStored*>(source.stored);
    const bool copy = sealed != nullptr && sealed->dictionary() == dictionary;
    std::string document;
    for (std::uint32_t doc = 0; doc < source.new_ids.size(); ++doc) {
        if (source.new_ids[doc] == kDroppedDoc) {
            continue;
        }
        if (copy) {
            writer.add_frame(sealed->frame(doc));
            continue;
        }
        document.clear();
        KUMO_TRY(source.stored->append(doc, document));
        writer.add(document);
    }
    return {};
}

}  // namespace

void LiveStored::add(ByteView document) {
    if (document.size() > free_bytes_) {
        const std::size_t size = std::max(kChunkBytes, document.size());
        chunks_.push_back(std::make_unique<char[]>(size));
        free_ = chunks_.back().get();
        free_bytes_ = size;
        chunk_bytes_ += size;
    }
    std::copy(document.begin(), document.end(), free_);
    slices_.push_back({free_, static_cast<std::uint32_t>(document.size())});
    free_ += document.size();
    free_bytes_ -= document.size();
}

ByteView LiveStored::get(std::uint32_t doc) const {
    const Slice& slice = slices_[doc];
    return {slice.data, slice.size};
}

std::unique_ptr<StoredReader> LiveStored::reader(std::uint32_t doc_count) const {
    return std::make_unique<LiveStoredReader>(*this, doc_count);
}

Status write_stored(
    std::span<const StoredSource> sources,
    std::uint32_t doc_count,
    const StoredReader* like,
    SectionFileBuilder& out,
    const std::string& prefix
) {
    KUMO_TRY_ASSIGN(std::string dictionary, choose_dictionary(sources, doc_count, like));
    FrameWriter writer(dictionary);
    for (const StoredSource& source : sources) {
        KUMO_TRY(write_source(source, dictionary, writer));
    }
    out.add(prefix + ".dictionary", std::move(dictionary));
    out.add(prefix + ".ends", writer.take_ends());
    out.add(prefix + ".frames", writer.take_frames());
    return {};
}

Result<std::unique_ptr<StoredReader>>
open_stored(const SectionFile& file, const std::string& prefix) {
    KUMO_TRY_ASSIGN(const ByteView dictionary, file.section(prefix + ".dictionary"));
    KUMO_TRY_ASSIGN(const ByteView ends, file.section(prefix + ".ends"));
    KUMO_TRY_ASSIGN(const ByteView frames, file.section(prefix + ".frames"));
    auto stored = std::make_unique<SealedStored>(dictionary, ends, frames);
    KUMO_TRY(stored->check());
    return std::unique_ptr<StoredReader>(std::move(stored));
}

}  // namespace kumo::search
