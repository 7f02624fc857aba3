#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "search/text/text_reader.h"

#include <cstdint>
#include <memory>
#include <string_view>

namespace kumo::search {

class SectionFile;
struct SealedParts;

/// The text index of one field of a sealed segment, read in place from a SectionFile's sections
/// (docs/formats/segment.md). Immutable: any thread. The file's bytes must outlive it.
class SealedText final : public TextReader {
public:
    /// Checks every offset and size that later reads rely on, so that no content, damaged or
    /// hostile, can make a read leave its section; decoders check the rest as they go. `prefix`
    /// is what the sections' names start with, as given to seal() or merge().
    static Result<SealedText> open(const SectionFile& file, std::string_view prefix);

    SealedText(SealedText&&) noexcept;
    SealedText& operator=(SealedText&&) noexcept;
    ~SealedText() override;

    DocId doc_limit() const override;
    std::uint64_t doc_count() const override;
    std::uint64_t token_count() const override;
    double bound_length() const override;
    const std::uint8_t* norms() const override;
    std::optional<TermHandle> find(std::string_view term) const override;
    TermInfo info(TermHandle term) const override;
    std::string_view text(TermHandle term) const override;
    float seed_factor(TermHandle term, std::uint32_t k) const override;
    void open(TermHandle term, PostingsCursor& cursor) const override;
    std::unique_ptr<TermEnum> terms() const override;
    WalkEnd fuzzy(std::string_view query, const FuzzyOptions& options, const FuzzyCallback& found)
        const override;

    /// Terms are numbered 0 to term_count() - 1 in byte order; a handle's value is that number.
    std::uint32_t term_count() const;

private:
    explicit SealedText(std::unique_ptr<const SealedParts> parts);

    std::unique_ptr<const SealedParts> parts_;
};

}  // namespace kumo::search
