#include "search/text/seal.h"

#include "base/assert.h"
#include "search/text/internal/live_index.h"
#include "search/text/internal/position_stream.h"
#include "search/text/internal/text_encoder.h"
#include "search/text/live_text.h"
#include "search/text/postings_cursor.h"
#include "search/text/sealed_text.h"
#include "search/text/section_file.h"

#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

namespace kumo::search {
namespace {

double average_length(std::uint64_t tokens, std::uint64_t docs) {
    return docs == 0 ? 1 : static_cast<double>(tokens) / static_cast<double>(docs);
}

std::vector<std::uint8_t> copy_norms(const LiveIndex& index, DocId max_doc) {
    // The end before the array: an array loaded later holds at least that much.
    DocId end = std::min(index.norms_end(), max_doc);
    const std::uint8_t* norms = index.norms();
    std::vector<std::uint8_t> out(norms, norms + end);
    out.resize(max_doc, 0);
    return out;
}

void read_live(const LiveTerm& term, DocId max_doc, TermPostings& out) {
    out.clear();
    std::uint32_t published = term.df.load(std::memory_order_acquire);
    if (published == 0) {
        return;
    }
    ChainReader reader(term);
    DocId doc = 0;
    for (std::uint32_t i = 0; i < published; ++i) {
        std::uint32_t tf = reader.next_document(doc);
        if (doc >= max_doc) {
            return;
        }
        out.docs.push_back(doc);
        out.tfs.push_back(tf);
        for (std::uint32_t n = 0; n < tf; ++n) {
            out.position_gaps.push_back(reader.get());
        }
    }
}

/// Walks the inputs' dictionaries side by side.
class Merger {
public:
    Merger(std::span<const MergeInput> inputs, DocId total_docs)
        : inputs_(inputs), total_docs_(total_docs), next_(inputs.size(), 0) {}

    std::vector<std::uint8_t> norms() const {
        std::vector<std::uint8_t> out(total_docs_, 0);
        for (const MergeInput& input : inputs_) {
            KUMO_ASSERT(input.doc_map.size() == input.text->doc_limit());
            for (DocId doc = 0; doc < input.doc_map.size(); ++doc) {
                if (input.doc_map[doc] != kNoDoc) {
                    KUMO_ASSERT(input.doc_map[doc] < total_docs_);
                    out[input.doc_map[doc]] = input.text->norms()[doc];
                }
            }
        }
        return out;
    }

    Status run(TextEncoder& encoder) {
        std::string term;
        while (smallest(term)) {
            postings_.clear();
            float max_rank = 0;
            bool any = false;
            for (std::size_t i = 0; i < inputs_.size(); ++i) {
                const SealedText& text = *inputs_[i].text;
                if (next_[i] == text.term_count() || text.text({next_[i]}) != term) {
                    continue;
                }
                float rank = text.info({next_[i]}).max_rank;
                max_rank = any ? std::max(max_rank, rank) : rank;
                any = true;
                KUMO_TRY(collect(inputs_[i], {next_[i]++}));
            }
            if (!postings_.docs.empty()) {
                sort_by_document();
                KUMO_TRY(encoder.add(term, postings_, max_rank));
            }
        }
        return {};
    }

private:
    /// The least term that some input stands at. False at the end of all.
    bool smallest(std::string& term) const {
        bool found = false;
        std::string_view least;
        for (std::size_t i = 0; i < inputs_.size(); ++i) {
            if (next_[i] < inputs_[i].text->term_count()) {
                std::string_view candidate = inputs_[i].text->text({next_[i]});
                if (!found || candidate < least) {
                    least = candidate;
                    found = true;
                }
            }
        }
        term.assign(least);
        return found;
    }

    /// Appends the kept postings of one input's term.
    Status collect(const MergeInput& input, TermHandle term) {
        input.text->open(term, cursor_);
        PositionStream positions(cursor_);
        for (DocId doc = cursor_.doc(); doc != kNoDoc; doc = cursor_.next()) {
            cursor_.load_tfs();
            const std::uint32_t tf = cursor_.tf();
            const DocId target = input.doc_map[doc];
            for (std::uint32_t n = 0; n < tf; ++n) {
                std::uint32_t gap = 0;
                if (!positions.next(gap)) {
                    return corruption(
                        "segment: positions of term '" + std::string(input.text->text(term))
                        + "' end too early"
                    );
                }
                if (target != kNoDoc) {
                    postings_.position_gaps.push_back(gap);
                }
            }
            if (target != kNoDoc) {
                postings_.docs.push_back(target);
                postings_.tfs.push_back(tf);
            }
        }
        return {};
    }

    /// Inputs whose documents interleave leave their postings in runs.
    void sort_by_document() {
        if (std::is_sorted(postings_.docs.begin(), postings_.docs.end())) {
            return;
        }
        const std::size_t count = postings_.docs.size();
        std::vector<std::uint64_t> starts(count, 0);
        for (std::size_t i = 1; i < count; ++i) {
            starts[i] = starts[i - 1] + postings_.tfs[i - 1];
        }
        std::vector<std::uint32_t> order(count);
        std::iota(order.begin(), order.end(), 0U);
        std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
            return postings_.docs[a] < postings_.docs[b];
        });
        TermPostings sorted;
        for (std::uint32_t from : order) {
            KUMO_ASSERT(sorted.docs.empty() || sorted.docs.back() != postings_.docs[from]);
            sorted.docs.push_back(postings_.docs[from]);
            sorted.tfs.push_back(postings_.tfs[from]);
            auto gaps = postings_.position_gaps.begin() + static_cast<std::ptrdiff_t>(starts[from]);
            sorted.position_gaps
                .insert(sorted.position_gaps.end(), gaps, gaps + postings_.tfs[from]);
        }
        std::swap(sorted, postings_);
    }

    std::span<const MergeInput> inputs_;
    DocId total_docs_;
    std::vector<std::uint32_t> next_;  // per input the term it stands at
    TermPostings postings_;
    PostingsCursor cursor_;
};

}  // namespace

Status
seal(const LiveText& live, DocId max_doc, SectionFileBuilder& builder, std::string_view prefix) {
    const LiveIndex& index = live.index();
    TextEncoder encoder(
        max_doc,
        copy_norms(index, max_doc),
        average_length(index.token_count(), index.doc_count())
    );
    TermPostings postings;
    std::unique_ptr<TextReader> reader = live.reader(max_doc);
    std::unique_ptr<TermEnum> at = reader->terms();
    for (bool more = at->seek(""); more; more = at->next()) {
        read_live(index.term(at->handle().value), max_doc, postings);
        KUMO_TRY(encoder.add(at->term(), postings, at->info().max_rank));
    }
    return encoder.finish(builder, prefix);
}

Status merge(
    std::span<const MergeInput> inputs,
    DocId total_docs,
    SectionFileBuilder& builder,
    std::string_view prefix
) {
    std::uint64_t docs = 0;
    std::uint64_t tokens = 0;
    for (const MergeInput& input : inputs) {
        docs += input.text->doc_count();
        tokens += input.text->token_count();
    }
    Merger merger(inputs, total_docs);
    TextEncoder encoder(total_docs, merger.norms(), average_length(tokens, docs));
    KUMO_TRY(merger.run(encoder));
    return encoder.finish(builder, prefix);
}

}  // namespace kumo::search
