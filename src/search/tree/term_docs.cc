#include "search/tree/internal/term_docs.h"

#include "search/text/postings_cursor.h"
#include "search/tree/internal/term_finder.h"

#include <utility>

namespace kumo::search::tree {

namespace {

TermDocs docs_of_text(const TextReader& text, std::string_view term, bool frequencies) {
    TermDocs out;
    const auto handle = text.find(term);
    if (!handle) {
        return out;
    }
    PostingsCursor cursor;
    text.open(*handle, cursor);
    out.docs.reserve(cursor.doc_count());
    for (DocId doc = cursor.doc(); doc != kNoDoc; doc = cursor.next()) {
        out.docs.push_back(doc);
        if (frequencies) {
            out.frequencies.push_back(static_cast<float>(cursor.tf()));
        }
    }
    return out;
}

TermDocs docs_of_string(const ColumnReader& column, std::string_view term) {
    const auto ordinal = find_string(column, term);
    if (!ordinal) {
        return {};
    }
    Bitmap bits(column.doc_count());
    column.match_range(*ordinal, *ordinal, bits);
    return {matches_of(bits, 0).docs, {}};
}

}  // namespace

std::vector<TermDocs> find_term_docs(
    const Evaluation& evaluation,
    std::size_t field,
    std::string_view text,
    bool frequencies
) {
    std::vector<TermDocs> out(evaluation.part_count());
    for (std::size_t p = 0; p < out.size(); ++p) {
        if (const TextReader* reader = evaluation.text(p, field); reader != nullptr) {
            out[p] = docs_of_text(*reader, text, frequencies);
        } else if (const ColumnReader* column = evaluation.column(p, field); column != nullptr) {
            out[p] = docs_of_string(*column, text);
        }
    }
    return out;
}

std::uint64_t count_docs(const std::vector<TermDocs>& parts) {
    std::uint64_t out = 0;
    for (const TermDocs& part : parts) {
        out += part.docs.size();
    }
    return out;
}

TermDocs unite(const TermDocs& a, const TermDocs& b) {
    TermDocs out;
    const bool frequencies = !a.frequencies.empty() || !b.frequencies.empty();
    std::size_t i = 0;
    std::size_t j = 0;
    while (i < a.docs.size() || j < b.docs.size()) {
        const DocId left = i < a.docs.size() ? a.docs[i] : kNoDoc;
        const DocId right = j < b.docs.size() ? b.docs[j] : kNoDoc;
        const DocId doc = left < right ? left : right;
        float frequency = 0;
        if (left == doc) {
            frequency += a.frequency(i++);
        }
        if (right == doc) {
            frequency += b.frequency(j++);
        }
        out.docs.push_back(doc);
        if (frequencies) {
            out.frequencies.push_back(frequency);
        }
    }
    return out;
}

const std::uint8_t*
norms_of(const Evaluation& evaluation, std::size_t part, std::size_t field, TermScoring scoring) {
    const TextReader* text = evaluation.text(part, field);
    return text != nullptr && scoring.norms ? text->norms() : nullptr;
}

AllMatches score_docs(
    const Evaluation& evaluation,
    std::size_t field,
    std::vector<TermDocs> parts,
    const TermWeight& weight,
    TermScoring scoring
) {
    AllMatches out(parts.size());
    for (std::size_t p = 0; p < parts.size(); ++p) {
        const std::uint8_t* norms = norms_of(evaluation, p, field, scoring);
        out[p].docs = std::move(parts[p].docs);
        out[p].scores.reserve(out[p].docs.size());
        for (std::size_t i = 0; i < out[p].docs.size(); ++i) {
            const std::uint8_t norm = norms != nullptr ? norms[out[p].docs[i]] : kNormOfOne;
            out[p].scores.push_back(weight.score(parts[p].frequency(i), norm));
        }
    }
    return out;
}

AllMatches only_docs(std::vector<TermDocs> parts, float score) {
    AllMatches out(parts.size());
    for (std::size_t p = 0; p < parts.size(); ++p) {
        out[p].docs = std::move(parts[p].docs);
        out[p].score = score;
    }
    return out;
}

}  // namespace kumo::search::tree
