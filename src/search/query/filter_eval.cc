#include "search/query/filter_eval.h"

#include "base/assert.h"
#include "search/join/join.h"
#include "search/query/element_filter.h"
#include "search/query/query_forms.h"
#include "search/query/text_set.h"

#include <string>
#include <vector>

namespace kumo::search {

namespace {

/// Adds the documents that contain all words, those of scripts without spaces standing together as
/// they do in the filter.
void add_docs_with_all(
    const Filter& filter,
    const Analyzer& analyzer,
    const SegmentReader& segment,
    Bitmap& out
) {
    TokenBuffer buffer;
    analyzer.analyze(filter.text, buffer);
    std::vector<std::vector<std::string>> runs;
    for (const AnalyzedToken& token : buffer.tokens) {
        if (!token.joined) {
            runs.emplace_back();
        }
        runs.back().emplace_back(buffer.term(token));
    }
    const TextReader& reader = *segment.texts[filter.field];
    Bitmap all(out.size(), !runs.empty());
    for (const auto& run : runs) {
        Bitmap one(out.size());
        const bool prefix = filter.kind == Filter::Kind::kWordsPrefix && &run == &runs.back();
        if (run.size() == 1) {
            add_docs_with_words(reader, run, prefix, one);
        } else {
            const ColumnReader& lengths = *segment.lengths[filter.field];
            add_docs_with_run(reader, lengths, run, RunPlace::kAnywhere, prefix, one);
        }
        all.intersect(one);
    }
    out.unite(all);
}

/// Up to so many distinct values, each is compared with the words of an exact filter.
constexpr std::uint32_t kFewValues = 64;

/// Of a field with few distinct values: the documents with one that has exactly these words. False
/// if there are many, or no column.
bool match_few_values(
    const Analyzer& analyzer,
    const ColumnReader* column,
    const std::vector<std::string>& words,
    Bitmap& out
) {
    if (column == nullptr || column->string_count() > kFewValues || words.empty()) {
        return false;
    }
    for (std::uint32_t value = 0; value < column->string_count(); ++value) {
        if (analyzed_words(column->string(value), analyzer) == words) {
            column->match_range(value, value, out);
        }
    }
    return true;
}

void match_exact(
    const Filter& filter,
    const Analyzer& analyzer,
    const SegmentReader& segment,
    const std::vector<std::string>& words,
    Bitmap& out
) {
    const ColumnReader* column = segment.columns[filter.field].get();
    if (!match_few_values(analyzer, column, words, out)) {
        const TextReader& text = *segment.texts[filter.field];
        const ColumnReader& lengths = *segment.lengths[filter.field];
        add_docs_with_run(text, lengths, words, RunPlace::kWhole, false, out);
    }
}

Bitmap
evaluate_text(const Filter& filter, const SchemaAnalyzer& analyzer, const SegmentReader& segment) {
    Bitmap out(segment.doc_count);
    const TextReader* text = segment.texts[filter.field].get();
    const ColumnReader* lengths = segment.lengths[filter.field].get();
    KUMO_ASSERT(text != nullptr && lengths != nullptr);
    const std::vector<std::string> words = analyzed_words(filter.text, analyzer.of(filter.field));
    switch (filter.kind) {
        case Filter::Kind::kWords:
        case Filter::Kind::kWordsPrefix:
            add_docs_with_all(filter, analyzer.of(filter.field), segment, out);
            break;
        case Filter::Kind::kExact:
            match_exact(filter, analyzer.of(filter.field), segment, words, out);
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

Bitmap
evaluate(const Filter& filter, const SchemaAnalyzer& analyzer, const SegmentReader& segment) {
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
