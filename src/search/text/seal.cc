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
#include <cstring>
#include <numeric>
#include <optional>
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
        : inputs_(inputs), total_docs_(total_docs), heads_(inputs.size()) {
        for (std::size_t i = 0; i < inputs.size(); ++i) {
            shifts_.push_back(shift_of(inputs[i].doc_map));
            look_at(i, 0);
        }
    }

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
        while (const Head* least = smallest()) {
            const Head current = *least;  // its text lies in the segment
            postings_.clear();
            float max_rank = 0;
            bool any = false;
            for (std::size_t i = 0; i < inputs_.size(); ++i) {
                Head& head = heads_[i];
                if (head.at_end || head.order != current.order || head.text != current.text) {
                    continue;
                }
                float rank = inputs_[i].text->info({head.term}).max_rank;
                max_rank = any ? std::max(max_rank, rank) : rank;
                any = true;
                KUMO_TRY(collect(i, {head.term}));
                look_at(i, head.term + 1);
            }
            if (!postings_.docs.empty()) {
                sort_by_document();
                KUMO_TRY(encoder.add(current.text, postings_, max_rank));
            }
        }
        return {};
    }

private:
    /// What every document's id grows by, if it is the same for all and none is dropped.
    static std::optional<DocId> shift_of(std::span<const DocId> doc_map) {
        for (DocId doc = 0; doc < doc_map.size(); ++doc) {
            if (doc_map[doc] == kNoDoc || doc_map[doc] < doc || doc_map[doc] - doc != doc_map[0]) {
                return std::nullopt;
            }
        }
        return doc_map.empty() ? 0 : doc_map[0];
    }

    /// The term that an input stands at.
    struct Head {
        std::uint64_t order = 0;  // the text's first eight bytes: terms mostly differ there
        std::string_view text;
        std::uint32_t term = 0;
        bool at_end = false;
    };

    void look_at(std::size_t input, std::uint32_t term) {
        const SealedText& text = *inputs_[input].text;
        if (term >= text.term_count()) {
            heads_[input].at_end = true;
            return;
        }
        const std::string_view bytes = text.text({term});
        std::uint64_t order = 0;
        std::memcpy(&order, bytes.data(), std::min(bytes.size(), sizeof(order)));
        heads_[input] = {__builtin_bswap64(order), bytes, term, false};
    }

    /// The least term that some input stands at. Null at the end of all.
    const Head* smallest() const {
        const Head* least = nullptr;
        for (const Head& head : heads_) {
            if (head.at_end) {
                continue;
            }
            if (least == nullptr || head.order < least->order
                || (head.order == least->order && head.text < least->text)) {
                least = &head;
            }
        }
        return least;
    }

    /// Appends the kept postings of one input's term.
    Status collect(std::size_t index, TermHandle term) {
        const MergeInput& input = inputs_[index];
        input.text->open(term, cursor_);
        PositionStream positions(cursor_);
        if (shifts_[index] && cursor_.stores_bounds()) {
            return collect_shifted(*shifts_[index], positions, input.text->text(term));
        }
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

    /// The same where no document is dropped and all move by the same number: whole blocks.
    Status collect_shifted(DocId shift, PositionStream& positions, std::string_view term) {
        for (std::uint32_t block = 0; block < cursor_.view().blocks; ++block) {
            cursor_.set_block(block);
            cursor_.load_docs();
            cursor_.load_tfs();
            for (std::uint32_t i = 0; i < cursor_.size(); ++i) {
                postings_.docs.push_back(cursor_.docs()[i] + shift);
            }
            postings_.tfs
                .insert(postings_.tfs.end(), cursor_.tfs(), cursor_.tfs() + cursor_.size());
        }
        const std::uint64_t before = postings_.position_gaps.size();
        positions.append_all(postings_.position_gaps);
        const std::uint64_t wanted = std::accumulate(
            postings_.tfs.end() - static_cast<std::ptrdiff_t>(cursor_.view().df),
            postings_.tfs.end(),
            std::uint64_t{0}
        );
        if (postings_.position_gaps.size() - before != wanted) {
            return corruption(
                "segment: positions of term '" + std::string(term)
                + "' are not as many as it occurs"
            );
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
    std::vector<std::optional<DocId>> shifts_;
    std::vector<Head> heads_;
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
