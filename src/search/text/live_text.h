#pragma once

#include "search/text/doc.h"
#include "search/text/text_reader.h"

#include <cstdint>
#include <memory>
#include <span>

namespace kumo::search {

class LiveIndex;

/// The text index of one field of the live segment: grows by whole documents and is searched while
/// it grows.
///
/// Thread rule: one writer calls add(); any number of threads use readers at the same time, without
/// locks. A reader made for `max_doc` sees exactly the documents below it. The caller passes
/// max_doc from writer to readers with release/acquire order (an atomic, a message), after the
/// add() of every document below it has returned.
/// Memory given to readers never moves and is freed only with the LiveText.
class LiveText {
public:
    LiveText();
    ~LiveText();
    LiveText(const LiveText&) = delete;
    LiveText& operator=(const LiveText&) = delete;

    /// Adds one document's field. Documents come in ascending order; those without the field are
    /// left out. Tokens are ordered by position (equal positions allowed for different terms).
    /// `rank` is the document's value of the default sorting field, 0 if there is none.
    void add(DocId doc, std::span<const Token> tokens, float rank);

    /// The field as of max_doc. The LiveText must outlive the reader.
    std::unique_ptr<TextReader> reader(DocId max_doc) const;

    /// Bytes held for terms, postings and norms. Any thread.
    std::uint64_t bytes() const;

    std::uint32_t term_count() const;

    /// For seal().
    const LiveIndex& index() const { return *index_; }

private:
    std::unique_ptr<LiveIndex> index_;
};

}  // namespace kumo::search
