#include "search/query/infix.h"

#include "search/query/query_forms.h"
#include "search/query/score.h"
#include "search/text/postings_cursor.h"

#include <algorithm>
#include <utility>

namespace kumo::search {

namespace {

/// An infix match ranks as if so far away from the word: behind every typo and beginning.
constexpr std::uint32_t kInfixCost = 200;

constexpr std::size_t kTermsBetweenLooks = 4096;

class InfixMatcher {
public:
    explicit InfixMatcher(const MatchInputs& in) : in_(in) {}

    /// Documents that have all infixes in the words of one field.
    void run(std::size_t query_field, const std::vector<Infix>& infixes) {
        for (std::size_t p = 0; p < in_.parts.size() && !in_.deadline.passed(); ++p) {
            const SegmentReader& segment = *in_.snapshot.parts[p].segment;
            Bitmap docs = in_.parts[p].allowed;
            docs.subtract(in_.parts[p].matched);
            const TextReader& text = *segment.texts[in_.request.fields[query_field].field];
            docs.intersect(docs_with_all(text, segment.doc_count, infixes));
            add(p, query_field, infixes.size(), docs);
        }
    }

private:
    Bitmap
    docs_with_all(const TextReader& text, DocId doc_count, const std::vector<Infix>& infixes) {
        std::vector<Bitmap> docs(infixes.size(), Bitmap(doc_count));
        const auto terms = text.terms();
        std::size_t seen = 0;
        for (bool more = terms->seek(""); more && seen < kInfixTermsMax; more = terms->next()) {
            if (++seen % kTermsBetweenLooks == 0 && in_.deadline.passed()) {
                break;
            }
            for (std::size_t i = 0; i < infixes.size(); ++i) {
                if (infixes[i].find_in(terms->term()) != std::string_view::npos) {
                    add_docs(text, terms->handle(), docs[i]);
                }
            }
        }
        for (std::size_t i = 1; i < docs.size(); ++i) {
            docs.front().intersect(docs[i]);
        }
        return std::move(docs.front());
    }

    void add_docs(const TextReader& text, TermHandle term, Bitmap& out) {
        text.open(term, cursor_);
        for (DocId doc = cursor_.doc(); doc != kNoDoc; doc = cursor_.next()) {
            out.set(doc);
        }
    }

    void add(std::size_t p, std::size_t query_field, std::size_t words, const Bitmap& docs) {
        FieldMatch field;
        field.window.words = 1;
        field.distinct_words = static_cast<std::uint32_t>(words);
        field.cost = kInfixCost;
        Match match;
        match.parts.tokens_matched = static_cast<std::uint32_t>(words);
        match.parts.best_field_score = field_score(field);
        match.parts.best_field_weight = in_.request.fields[query_field].weight;
        match.parts.weighted_sum = match.parts.best_field_score * match.parts.best_field_weight;
        match.parts.fields_matched = 1;
        match.score = document_score(in_.request.match.text_match_type, match.parts);
        docs.for_each([&](std::size_t doc) {
            match.doc = static_cast<DocId>(doc);
            in_.parts[p].matched.set(doc);
            in_.parts[p].matches.push_back(match);
        });
    }

    const MatchInputs in_;
    PostingsCursor cursor_;
};

}  // namespace

void match_infixes(const MatchInputs& in, const QueryText& query, FoundWords& found) {
    const SearchRequest& request = in.request;
    const std::vector<std::string>& words = query.tokens;
    const auto& fields = request.fields;
    if (std::all_of(fields.begin(), fields.end(), [](const QueryField& field) {
            return field.infix == InfixMode::kOff;
        })) {
        return;
    }
    const bool any = std::any_of(in.parts.begin(), in.parts.end(), [](const PartMatches& part) {
        return part.matched.count() > 0;
    });
    InfixMatcher matcher(in);
    for (std::size_t i = 0; i < request.fields.size() && !words.empty(); ++i) {
        const InfixMode mode = request.fields[i].infix;
        if (mode == InfixMode::kOff || (mode == InfixMode::kFallback && any)) {
            continue;
        }
        std::vector<Infix> infixes;
        for (const std::string& word : words) {
            const Infix& infix = infixes.emplace_back(Infix{
                in.forms.write(in.forms.of(i), word),
                request.match.max_extra_prefix,
                request.match.max_extra_suffix});
            if (std::find(found.infixes.begin(), found.infixes.end(), infix)
                == found.infixes.end()) {
                found.infixes.push_back(infix);
            }
        }
        matcher.run(i, infixes);
    }
    for (PartMatches& part : in.parts) {
        std::stable_sort(
            part.matches.begin(),
            part.matches.end(),
            [](const Match& a, const Match& b) { return a.doc < b.doc; }
        );
    }
}

}  // namespace kumo::search
