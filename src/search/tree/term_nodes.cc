#include "search/text/postings_cursor.h"
#include "search/tree/internal/bm25.h"
#include "search/tree/internal/term_docs.h"
#include "search/tree/internal/term_finder.h"
#include "search/tree/tree.h"

#include <algorithm>
#include <utility>

namespace kumo::search::tree {

namespace {

/// One term, or several that count as one.
class TermNode : public Node {
public:
    TermNode(std::size_t field, std::vector<std::string> texts, TermScoring scoring)
        : field_(field), texts_(std::move(texts)), scoring_(scoring) {}

    Result<AllMatches> match(Evaluation& evaluation, Scoring wanted) const override {
        std::vector<TermDocs> docs(evaluation.part_count());
        const bool scored = wanted.wanted && scoring_.bm25;
        std::uint64_t df = 0;
        for (std::size_t i = 0; i < texts_.size(); ++i) {
            KUMO_TRY(evaluation.check());
            auto found =
                find_term_docs(evaluation, field_, texts_[i], scored && scoring_.frequencies);
            df = std::max(df, count_docs(found));
            for (std::size_t p = 0; p < docs.size(); ++p) {
                docs[p] = i == 0 ? std::move(found[p]) : unite(docs[p], found[p]);
            }
        }
        if (!scored) {
            return only_docs(std::move(docs), wanted.boost);
        }
        if (!scoring_.frequencies) {
            for (TermDocs& part : docs) {
                part.frequencies.clear();
            }
        }
        const FieldStatistics& statistics = evaluation.statistics(field_);
        const TermWeight weight(statistics, inverse_frequency(statistics.docs, df), wanted.boost);
        return score_docs(evaluation, field_, std::move(docs), weight, scoring_);
    }

private:
    std::size_t field_;
    std::vector<std::string> texts_;
    TermScoring scoring_;
};

/// Documents with any of the terms that a segment's dictionary has and that are wanted.
class TermSetNode : public Node {
public:
    explicit TermSetNode(std::size_t field) : field_(field) {}

    Result<AllMatches> match(Evaluation& evaluation, Scoring wanted) const override {
        AllMatches out(evaluation.part_count());
        for (std::size_t p = 0; p < out.size(); ++p) {
            KUMO_TRY(evaluation.check());
            Bitmap bits(evaluation.segment(p).doc_count);
            if (const TextReader* text = evaluation.text(p, field_); text != nullptr) {
                KUMO_TRY(match_text(evaluation, *text, bits));
            } else if (const ColumnReader* column = evaluation.column(p, field_)) {
                match_values(*column, ordinals(*column), bits);
            }
            out[p] = matches_of(bits, wanted.boost);
        }
        return out;
    }

protected:
    /// Calls `visit` with each wanted term's handle.
    virtual Status find(
        Evaluation& evaluation,
        const TextReader& text,
        const std::function<void(TermHandle)>& visit
    ) const = 0;

    /// Ascending.
    virtual std::vector<std::int64_t> ordinals(const ColumnReader& column) const = 0;

private:
    Status match_text(Evaluation& evaluation, const TextReader& text, Bitmap& bits) const {
        PostingsCursor cursor;
        return find(evaluation, text, [&](TermHandle term) {
            text.open(term, cursor);
            cursor.set_bits(bits.words());
        });
    }

    std::size_t field_;
};

class TermsNode : public TermSetNode {
public:
    TermsNode(std::size_t field, std::vector<std::string> texts)
        : TermSetNode(field), texts_(std::move(texts)) {}

protected:
    Status find(
        Evaluation& evaluation,
        const TextReader& text,
        const std::function<void(TermHandle)>& visit
    ) const override {
        for (const std::string& term : texts_) {
            KUMO_TRY(evaluation.check());
            if (const auto handle = text.find(term)) {
                visit(*handle);
            }
        }
        return {};
    }

    std::vector<std::int64_t> ordinals(const ColumnReader& column) const override {
        std::vector<std::int64_t> out;
        if (column.strings_sorted()) {
            for (const std::string& text : texts_) {
                if (const auto ordinal = find_string(column, text)) {
                    out.push_back(*ordinal);
                }
            }
        } else {
            std::vector<std::string_view> wanted(texts_.begin(), texts_.end());
            std::sort(wanted.begin(), wanted.end());
            for (std::uint32_t i = 0; i < column.string_count(); ++i) {
                if (std::binary_search(wanted.begin(), wanted.end(), column.string(i))) {
                    out.push_back(i);
                }
            }
        }
        std::sort(out.begin(), out.end());
        out.erase(std::unique(out.begin(), out.end()), out.end());
        return out;
    }

private:
    std::vector<std::string> texts_;
};

class PatternNode : public TermSetNode {
public:
    PatternNode(std::size_t field, PatternPtr pattern)
        : TermSetNode(field), pattern_(std::move(pattern)) {}

protected:
    Status find(
        Evaluation& evaluation,
        const TextReader& text,
        const std::function<void(TermHandle)>& visit
    ) const override {
        Status status;
        for_each_prefixed(text, pattern_->prefix(), [&](const TermEnum& at) {
            status = evaluation.check();
            if (pattern_->matches(at.term())) {
                visit(at.handle());
            }
            return status.ok();
        });
        return status;
    }

    std::vector<std::int64_t> ordinals(const ColumnReader& column) const override {
        const auto found = find_strings(column, *pattern_);
        return {found.begin(), found.end()};
    }

private:
    PatternPtr pattern_;
};

class TermRangeNode : public TermSetNode {
public:
    TermRangeNode(std::size_t field, TermRange range)
        : TermSetNode(field), range_(std::move(range)) {}

protected:
    Status find(
        Evaluation& evaluation,
        const TextReader& text,
        const std::function<void(TermHandle)>& visit
    ) const override {
        const std::unique_ptr<TermEnum> at = text.terms();
        for (bool more = at->seek(range_.low.value_or("")); more; more = at->next()) {
            KUMO_TRY(evaluation.check());
            if (is_above(at->term())) {
                break;
            }
            if (!is_below(at->term())) {
                visit(at->handle());
            }
        }
        return {};
    }

    std::vector<std::int64_t> ordinals(const ColumnReader& column) const override {
        std::vector<std::int64_t> out;
        for (std::uint32_t i = 0; i < column.string_count(); ++i) {
            if (!is_below(column.string(i)) && !is_above(column.string(i))) {
                out.push_back(i);
            }
        }
        return out;
    }

private:
    bool is_below(std::string_view term) const {
        return range_.low && (range_.low_included ? term < *range_.low : term <= *range_.low);
    }

    bool is_above(std::string_view term) const {
        return range_.high && (range_.high_included ? term > *range_.high : term >= *range_.high);
    }

    TermRange range_;
};

/// Of several fields with different lengths and weights, as one.
class CombinedNode : public Node {
public:
    explicit CombinedNode(CombinedTerm term) : term_(std::move(term)) {}

    Result<AllMatches> match(Evaluation& evaluation, Scoring wanted) const override {
        std::vector<TermDocs> docs(evaluation.part_count());
        FieldStatistics statistics;
        std::uint64_t df = 0;
        double tokens = 0;
        for (const CombinedTerm::Part& part : term_.parts) {
            KUMO_TRY(evaluation.check());
            const FieldStatistics& own = evaluation.statistics(part.field);
            statistics.docs = std::max(statistics.docs, own.docs);
            tokens += static_cast<double>(part.weight) * static_cast<double>(own.tokens);
            df = std::max(df, gather(evaluation, part, docs));
        }
        if (!wanted.wanted) {
            return only_docs(std::move(docs), wanted.boost);
        }
        statistics.tokens = static_cast<std::uint64_t>(tokens);
        const float idf = inverse_frequency(statistics.docs, df);
        return score(evaluation, std::move(docs), statistics, wanted.boost * idf);
    }

private:
    static std::uint64_t gather(
        const Evaluation& evaluation,
        const CombinedTerm::Part& part,
        std::vector<TermDocs>& docs
    ) {
        std::uint64_t df = 0;
        for (const std::string& text : part.texts) {
            auto found = find_term_docs(evaluation, part.field, text, true);
            df = std::max(df, count_docs(found));
            for (std::size_t p = 0; p < docs.size(); ++p) {
                for (float& frequency : found[p].frequencies) {
                    frequency *= part.weight;
                }
                docs[p] = unite(docs[p], found[p]);
            }
        }
        return df;
    }

    AllMatches score(
        const Evaluation& evaluation,
        std::vector<TermDocs> docs,
        const FieldStatistics& statistics,
        float weight
    ) const {
        constexpr float kK1 = 1.2F;
        constexpr float kB = 0.75F;
        const float average = statistics.average_length();
        AllMatches out(docs.size());
        for (std::size_t p = 0; p < docs.size(); ++p) {
            for (std::size_t i = 0; i < docs[p].docs.size(); ++i) {
                const DocId doc = docs[p].docs[i];
                const float length = length_of(evaluation, p, doc);
                const float norm = kK1 * (1 - kB + kB * length / average);
                const float tf = docs[p].frequency(i);
                out[p].add(doc, weight * (1 + kK1) * tf / (tf + norm));
            }
        }
        return out;
    }

    float length_of(const Evaluation& evaluation, std::size_t part, DocId doc) const;

    CombinedTerm term_;
};

float CombinedNode::length_of(const Evaluation& evaluation, std::size_t part, DocId doc) const {
    float out = 0;
    for (const CombinedTerm::Part& field : term_.parts) {
        const auto& lengths = evaluation.segment(part).lengths;
        const ColumnReader* column =
            field.field < lengths.size() ? lengths[field.field].get() : nullptr;
        if (column == nullptr) {
            continue;
        }
        const auto range = column->values_of(doc);
        for (std::uint64_t i = range.begin; i < range.end; ++i) {
            out += field.weight * static_cast<float>(column->value(i));
        }
    }
    return out;
}

}  // namespace

NodePtr term(std::size_t field, std::string text, TermScoring scoring) {
    return synonyms(field, {std::move(text)}, scoring);
}

NodePtr synonyms(std::size_t field, std::vector<std::string> texts, TermScoring scoring) {
    return std::make_shared<const TermNode>(field, std::move(texts), scoring);
}

NodePtr terms(std::size_t field, std::vector<std::string> texts) {
    return std::make_shared<const TermsNode>(field, std::move(texts));
}

NodePtr pattern(std::size_t field, PatternPtr pattern) {
    return std::make_shared<const PatternNode>(field, std::move(pattern));
}

NodePtr term_range(std::size_t field, TermRange range) {
    return std::make_shared<const TermRangeNode>(field, std::move(range));
}

NodePtr combined(CombinedTerm term) {
    return std::make_shared<const CombinedNode>(std::move(term));
}

}  // namespace kumo::search::tree
