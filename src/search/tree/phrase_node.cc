#include "search/text/postings_cursor.h"
#include "search/tree/internal/bm25.h"
#include "search/tree/internal/phrase_matcher.h"
#include "search/tree/internal/term_docs.h"
#include "search/tree/internal/term_finder.h"
#include "search/tree/tree.h"

#include <algorithm>
#include <set>
#include <utility>

namespace kumo::search::tree {

namespace {

/// The terms of one place in one segment.
class PlaceCursor {
public:
    PlaceCursor(const TextReader& text, const std::vector<std::string>& terms) {
        for (const std::string& term : terms) {
            if (const auto handle = text.find(term)) {
                cursors_.emplace_back();
                text.open(*handle, cursors_.back());
            }
        }
    }

    DocId doc() const {
        DocId out = kNoDoc;
        for (const PostingsCursor& cursor : cursors_) {
            out = std::min(out, cursor.doc());
        }
        return out;
    }

    DocId advance(DocId target) {
        for (PostingsCursor& cursor : cursors_) {
            if (cursor.doc() < target) {
                cursor.advance(target);
            }
        }
        return doc();
    }

    void positions(DocId doc, std::vector<std::uint32_t>& out) {
        out.clear();
        for (PostingsCursor& cursor : cursors_) {
            if (cursor.doc() == doc) {
                cursor.positions(scratch_);
                out.insert(out.end(), scratch_.begin(), scratch_.end());
            }
        }
        if (cursors_.size() > 1) {
            std::sort(out.begin(), out.end());
            out.erase(std::unique(out.begin(), out.end()), out.end());
        }
    }

private:
    std::vector<PostingsCursor> cursors_;
    std::vector<std::uint32_t> scratch_;
};

class PhraseNode : public Node {
public:
    PhraseNode(std::size_t field, Phrase phrase, TermScoring scoring)
        : field_(field), phrase_(std::move(phrase)), scoring_(scoring) {}

    Result<AllMatches> match(Evaluation& evaluation, Scoring wanted) const override {
        std::vector<PhrasePlace> places = phrase_.places;
        if (phrase_.last_is_prefix && !places.empty()) {
            places.back().terms = expand(evaluation, places.back().terms);
        }
        if (places.size() == 1) {
            return any_term(evaluation, places.front().terms, wanted);
        }
        std::vector<TermDocs> docs;
        for (std::size_t p = 0; p < evaluation.part_count(); ++p) {
            KUMO_TRY_ASSIGN(TermDocs found, match_part(evaluation, p, places));
            docs.push_back(std::move(found));
        }
        if (!wanted.wanted || !scoring_.bm25) {
            return only_docs(std::move(docs), wanted.boost);
        }
        const FieldStatistics& statistics = evaluation.statistics(field_);
        const TermWeight weight(statistics, sum_of_idf(evaluation, places), wanted.boost);
        return score_docs(evaluation, field_, std::move(docs), weight, scoring_);
    }

private:
    /// The first terms, in their order, that begin so.
    std::vector<std::string>
    expand(const Evaluation& evaluation, const std::vector<std::string>& prefixes) const {
        std::set<std::string> found;
        for (const std::string& prefix : prefixes) {
            for (std::size_t p = 0; p < evaluation.part_count(); ++p) {
                std::uint32_t seen = 0;
                for_each_term(evaluation, p, field_, prefix, [&](std::string_view term, auto) {
                    found.emplace(term);
                    return ++seen < phrase_.expansions_max;
                });
            }
        }
        std::vector<std::string> out(found.begin(), found.end());
        out.resize(std::min<std::size_t>(out.size(), phrase_.expansions_max));
        return out;
    }

    Result<AllMatches>
    any_term(Evaluation& evaluation, const std::vector<std::string>& texts, Scoring wanted) const {
        Boolean any;
        for (const std::string& text : texts) {
            any.should.push_back(term(field_, text, scoring_));
        }
        if (any.should.empty()) {
            return match_none()->match(evaluation, wanted);
        }
        return boolean(std::move(any))->match(evaluation, wanted);
    }

    float sum_of_idf(Evaluation& evaluation, const std::vector<PhrasePlace>& places) const {
        double out = 0;
        const std::uint64_t docs = evaluation.statistics(field_).docs;
        for (const PhrasePlace& place : places) {
            for (const std::string& text : place.terms) {
                const std::uint64_t df = doc_frequency(evaluation, text);
                if (df > 0) {
                    out += static_cast<double>(inverse_frequency(docs, df));
                }
            }
        }
        return static_cast<float>(out);
    }

    std::uint64_t doc_frequency(const Evaluation& evaluation, std::string_view text) const {
        std::uint64_t out = 0;
        for (std::size_t p = 0; p < evaluation.part_count(); ++p) {
            if (const TextReader* reader = evaluation.text(p, field_); reader != nullptr) {
                if (const auto handle = reader->find(text)) {
                    out += reader->info(*handle).df;
                }
            }
        }
        return out;
    }

    Result<TermDocs> match_part(
        Evaluation& evaluation,
        std::size_t part,
        const std::vector<PhrasePlace>& places
    ) const {
        TermDocs out;
        const TextReader* text = evaluation.text(part, field_);
        if (text == nullptr || places.empty()) {
            return out;
        }
        std::vector<PlaceCursor> cursors;
        std::vector<PlacePositions> positions;
        for (const PhrasePlace& place : places) {
            cursors.emplace_back(*text, place.terms);
            positions.push_back({place.offset, group_of(places, place), {}});
        }
        for (DocId doc = align(cursors, 0); doc != kNoDoc; doc = align(cursors, doc + 1)) {
            KUMO_TRY(evaluation.check());
            for (std::size_t i = 0; i < cursors.size(); ++i) {
                cursors[i].positions(doc, positions[i].positions);
            }
            const float frequency = phrase_.slop == 0 ? exact_frequency(positions)
                                                      : sloppy_frequency(positions, phrase_.slop);
            if (frequency > 0) {
                out.docs.push_back(doc);
                out.frequencies.push_back(frequency);
            }
        }
        return out;
    }

    /// The first place with a term in common: one that repeats must not be where it already is.
    static std::size_t group_of(const std::vector<PhrasePlace>& places, const PhrasePlace& wanted) {
        for (std::size_t i = 0; i < places.size(); ++i) {
            const bool common = std::any_of(
                places[i].terms.begin(),
                places[i].terms.end(),
                [&wanted](const auto& term) {
                    return std::find(wanted.terms.begin(), wanted.terms.end(), term)
                           != wanted.terms.end();
                }
            );
            if (common) {
                return i;
            }
        }
        return static_cast<std::size_t>(&wanted - places.data());
    }

    /// The first document at or after `target` that all places have.
    static DocId align(std::vector<PlaceCursor>& cursors, DocId target) {
        for (std::size_t same = 0; same < cursors.size();) {
            for (PlaceCursor& cursor : cursors) {
                const DocId doc = cursor.advance(target);
                if (doc == kNoDoc) {
                    return kNoDoc;
                }
                same = doc == target ? same + 1 : 0;
                target = doc;
            }
            // Every cursor was at `target` in this round, or the next one starts from it.
            if (same < cursors.size()) {
                same = 0;
            }
        }
        return target;
    }

    std::size_t field_;
    Phrase phrase_;
    TermScoring scoring_;
};

}  // namespace

NodePtr phrase(std::size_t field, Phrase phrase, TermScoring scoring) {
    return std::make_shared<const PhraseNode>(field, std::move(phrase), scoring);
}

}  // namespace kumo::search::tree
