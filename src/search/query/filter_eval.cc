#include "search/query/filter_eval.h"

#include "base/assert.h"
#include "search/join/join.h"
#include "search/query/element_filter.h"
#include "search/query/text_set.h"

#include <string>
#include <vector>

namespace kumo::search {

namespace {

std::vector<std::string> words_of(const Analyzer& analyzer, std::string_view text) {
    TokenBuffer buffer;
    analyzer.analyze(text, buffer);
    std::vector<std::string> words;
    for (const AnalyzedToken& token : buffer.tokens) {
        words.emplace_back(buffer.term(token));
    }
    return words;
}

Bitmap evaluate_text(const Filter& filter, const Analyzer& analyzer, const SegmentReader& segment) {
    Bitmap out(segment.doc_count);
    const TextReader* text = segment.texts[filter.field].get();
    const ColumnReader* lengths = segment.lengths[filter.field].get();
    KUMO_ASSERT(text != nullptr && lengths != nullptr);
    const std::vector<std::string> words = words_of(analyzer, filter.text);
    switch (filter.kind) {
        case Filter::Kind::kWords: add_docs_with_words(*text, words, false, out); break;
        case Filter::Kind::kWordsPrefix: add_docs_with_words(*text, words, true, out); break;
        case Filter::Kind::kExact:
            add_docs_with_run(*text, *lengths, words, RunPlace::kWhole, false, out);
            break;
        case Filter::Kind::kStartsWith:
            add_docs_with_run(*text, *lengths, words, RunPlace::kStart, true, out);
            break;
        case Filter::Kind::kAll:
        case Filter::Kind::kAnd:
        case Filter::Kind::kOr:
        case Filter::Kind::kNot:
        case Filter::Kind::kRange:
        case Filter::Kind::kElement:
        case Filter::Kind::kJoin:
        case Filter::Kind::kDocs:
        case Filter::Kind::kIds:
        case Filter::Kind::kInRegion:
        case Filter::Kind::kHasPoint: KUMO_ASSERT(false);
    }
    return out;
}

Bitmap evaluate_range(const Filter& filter, const SegmentReader& segment) {
    Bitmap out(segment.doc_count);
    const ColumnReader* column = segment.columns[filter.field].get();
    KUMO_ASSERT(column != nullptr);
    for (const auto& [low, high] : filter.ranges) {
        if (low <= high) {
            column->match_range(low, high, out);
        }
    }
    return out;
}

Bitmap evaluate_geo(const Filter& filter, const SegmentReader& segment) {
    Bitmap out(segment.doc_count);
    const ColumnReader* column = segment.columns[filter.field].get();
    KUMO_ASSERT(column != nullptr);
    if (filter.kind == Filter::Kind::kHasPoint) {
        match_polygons(*column, filter.point, out);
    } else if (const GeoIndex* index = segment.geo[filter.field].get()) {
        index->match(*filter.region, out);
    } else {
        match_points(*column, *filter.region, out);
    }
    return out;
}

Bitmap evaluate_ids(const Filter& filter, const SegmentReader& segment) {
    Bitmap out(segment.doc_count);
    for (const std::string& id : filter.values) {
        add_docs_with_term(*segment.ids, id, out);
    }
    return out;
}

Bitmap evaluate_docs(const DocSets& docs, const SegmentReader& segment) {
    const auto found = docs.of.find(&segment);
    return found == docs.of.end() ? Bitmap(segment.doc_count) : found->second;
}

}  // namespace

Bitmap evaluate(const Filter& filter, const Analyzer& analyzer, const SegmentReader& segment) {
    switch (filter.kind) {
        case Filter::Kind::kAll: return Bitmap(segment.doc_count, true);
        case Filter::Kind::kAnd: {
            Bitmap out(segment.doc_count, true);
            for (const Filter& child : filter.children) {
                out.intersect(evaluate(child, analyzer, segment));
            }
            return out;
        }
        case Filter::Kind::kOr: {
            Bitmap out(segment.doc_count);
            for (const Filter& child : filter.children) {
                out.unite(evaluate(child, analyzer, segment));
            }
            return out;
        }
        case Filter::Kind::kNot: {
            Bitmap out = evaluate(filter.children.front(), analyzer, segment);
            out.invert();
            return out;
        }
        case Filter::Kind::kElement: return evaluate_elements(filter, analyzer, segment);
        case Filter::Kind::kDocs: return evaluate_docs(*filter.docs, segment);
        case Filter::Kind::kJoin: KUMO_ASSERT(false); break;  // Joiner has made it kDocs.
        case Filter::Kind::kRange: return evaluate_range(filter, segment);
        case Filter::Kind::kIds: return evaluate_ids(filter, segment);
        case Filter::Kind::kInRegion:
        case Filter::Kind::kHasPoint: return evaluate_geo(filter, segment);
        case Filter::Kind::kWords:
        case Filter::Kind::kExact:
        case Filter::Kind::kStartsWith:
        case Filter::Kind::kWordsPrefix: return evaluate_text(filter, analyzer, segment);
    }
    return Bitmap(segment.doc_count);
}

}  // namespace kumo::search
