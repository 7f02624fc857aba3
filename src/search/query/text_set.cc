#include "search/query/text_set.h"

#include "search/text/postings_cursor.h"

#include <algorithm>

namespace kumo::search {

void add_docs_with_term(const TextReader& text, std::string_view term, Bitmap& out) {
    const auto handle = text.find(term);
    if (!handle) {
        return;
    }
    PostingsCursor cursor;
    text.open(*handle, cursor);
    cursor.set_bits(out.words());
}

void add_docs_with_prefix(const TextReader& text, std::string_view prefix, Bitmap& out) {
    PostingsCursor cursor;
    for_each_prefixed(text, prefix, [&](const TermEnum& term) {
        text.open(term.handle(), cursor);
        cursor.set_bits(out.words());
        return true;
    });
}

void add_docs_with_words(
    const TextReader& text,
    std::span<const std::string> words,
    bool last_is_prefix,
    Bitmap& out
) {
    if (words.empty()) {
        return;
    }
    Bitmap all(out.size(), true);
    for (std::size_t i = 0; i < words.size(); ++i) {
        Bitmap one(out.size());
        if (last_is_prefix && i + 1 == words.size()) {
            add_docs_with_prefix(text, words[i], one);
        } else {
            add_docs_with_term(text, words[i], one);
        }
        all.intersect(one);
    }
    out.unite(all);
}

ElementPlace element_of(const ColumnReader& lengths, DocId doc, std::uint32_t position) {
    const auto range = lengths.values_of(doc);
    std::uint32_t base = 0;
    for (std::uint64_t i = range.begin; i < range.end; ++i) {
        const auto length = static_cast<std::uint32_t>(lengths.value(i));
        if (position < base + length + kElementGap || i + 1 == range.end) {
            return {static_cast<std::uint32_t>(i - range.begin), base, length};
        }
        base += length + kElementGap;
    }
    return {0, 0, 0};
}

namespace {

/// Looks for one run of exact terms, document by document.
class RunFinder {
public:
    RunFinder(const ColumnReader& lengths, RunPlace place) : lengths_(lengths), place_(place) {}

    void find(const TextReader& text, std::span<const TermHandle> terms, Bitmap& out) {
        cursors_.resize(terms.size());
        for (std::size_t i = 0; i < terms.size(); ++i) {
            text.open(terms[i], cursors_[i]);
        }
        DocId doc = cursors_[0].doc();
        while (doc != kNoDoc) {
            const DocId other = align(doc);
            if (other != doc) {
                doc = other == kNoDoc ? kNoDoc : cursors_[0].advance(other);
                continue;
            }
            if (!out.test(doc) && holds(doc)) {
                out.set(doc);
            }
            doc = cursors_[0].next();
        }
    }

private:
    /// `doc` if every cursor has it, else the next document worth trying.
    DocId align(DocId doc) {
        for (PostingsCursor& cursor : cursors_) {
            const DocId at = cursor.doc() < doc ? cursor.advance(doc) : cursor.doc();
            if (at != doc) {
                return at;
            }
        }
        return doc;
    }

    bool holds(DocId doc) {
        cursors_[0].positions(starts_);
        for (std::size_t i = 1; i < cursors_.size() && !starts_.empty(); ++i) {
            cursors_[i].positions(positions_);
            std::erase_if(starts_, [&](std::uint32_t start) {
                return !std::binary_search(
                    positions_.begin(),
                    positions_.end(),
                    start + static_cast<std::uint32_t>(i)
                );
            });
        }
        return std::any_of(starts_.begin(), starts_.end(), [&](std::uint32_t start) {
            if (place_ == RunPlace::kAnywhere) {
                return true;
            }
            const ElementPlace element = element_of(lengths_, doc, start);
            return element.base == start
                   && (place_ == RunPlace::kStart || element.length == cursors_.size());
        });
    }

    const ColumnReader& lengths_;
    RunPlace place_;
    std::vector<PostingsCursor> cursors_;
    std::vector<std::uint32_t> starts_;
    std::vector<std::uint32_t> positions_;
};

}  // namespace

void add_docs_with_run(
    const TextReader& text,
    const ColumnReader& lengths,
    std::span<const std::string> words,
    RunPlace place,
    bool last_is_prefix,
    Bitmap& out
) {
    if (words.empty()) {
        return;
    }
    std::vector<TermHandle> terms;
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (last_is_prefix && i + 1 == words.size()) {
            break;
        }
        const auto handle = text.find(words[i]);
        if (!handle) {
            return;
        }
        terms.push_back(*handle);
    }
    RunFinder finder(lengths, place);
    if (!last_is_prefix) {
        finder.find(text, terms, out);
        return;
    }
    std::size_t tried = 0;
    for_each_prefixed(text, words.back(), [&](const TermEnum& term) {
        terms.push_back(term.handle());
        finder.find(text, terms, out);
        terms.pop_back();
        return ++tried < kRunPrefixTermsMax;
    });
}

}  // namespace kumo::search
