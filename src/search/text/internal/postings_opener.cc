#include "search/text/internal/postings_opener.h"

#include "search/text/internal/posting_list.h"

namespace kumo::search {

void PostingsOpener::open_packed(PostingsCursor& cursor, const PostingsView& view) {
    cursor.reset(PostingsCursor::Kind::kPacked);
    cursor.view_ = view;
    cursor.start();
}

void PostingsOpener::open_short(
    PostingsCursor& cursor,
    std::span<const std::uint8_t> bytes,
    std::uint32_t df,
    std::uint32_t ttf,
    DocId doc_limit
) {
    cursor.reset(PostingsCursor::Kind::kShort);
    if (doc_limit == 0) {
        return;
    }
    const std::uint8_t* at = bytes.data();
    const std::uint8_t* end = at + bytes.size();
    std::span<DocId> docs(cursor.docs_.data(), df);
    std::uint32_t n = decode_short_list(at, end, 0, doc_limit - 1, docs, cursor.tfs_.data());
    if (n == 0) {
        return;
    }
    std::fill_n(cursor.docs_.begin() + n, 16, kPadDoc);
    cursor.short_pos_ = at;
    cursor.short_end_ = end;
    cursor.own_last_doc_.assign(1, docs[n - 1]);
    cursor.own_codec_.assign(1, kCodecTail);
    cursor.view_.df = n;
    cursor.view_.blocks = 1;
    cursor.view_.occurrences = ttf;
    cursor.view_.last_doc = cursor.own_last_doc_.data();
    cursor.view_.doc_codec = cursor.own_codec_.data();
    cursor.size_ = n;
    cursor.loaded_docs_ = 0;
    cursor.loaded_tfs_ = 0;
    cursor.start();
}

void PostingsOpener::open_live(PostingsCursor& cursor, const LiveTerm& term, DocId max_doc) {
    cursor.reset(PostingsCursor::Kind::kLive);
    cursor.own_docs_.clear();
    cursor.own_tfs_.clear();
    cursor.own_last_doc_.clear();
    cursor.marks_.clear();
    std::uint32_t published = term.df.load(std::memory_order_acquire);
    if (published == 0 || term.first_doc >= max_doc) {
        return;
    }
    ChainReader reader(term);
    DocId doc = 0;
    for (std::uint32_t i = 0; i < published; ++i) {
        ChainMark mark = reader.mark();
        std::uint32_t tf = reader.next_document(doc);
        if (doc >= max_doc) {
            break;
        }
        if (i % kPostingBlock == 0) {
            cursor.marks_.push_back(mark);
            cursor.own_last_doc_.push_back(doc);
        }
        cursor.own_last_doc_.back() = doc;
        cursor.own_docs_.push_back(doc);
        cursor.own_tfs_.push_back(tf);
        cursor.view_.occurrences += tf;
        reader.skip(tf);
    }
    cursor.view_.df = static_cast<std::uint32_t>(cursor.own_docs_.size());
    cursor.view_.blocks = static_cast<std::uint32_t>(cursor.marks_.size());
    cursor.own_codec_.assign(cursor.view_.blocks, kCodecRaw);
    cursor.view_.last_doc = cursor.own_last_doc_.data();
    cursor.view_.doc_codec = cursor.own_codec_.data();
    cursor.start();
}

}  // namespace kumo::search
