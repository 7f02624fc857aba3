#include "search/tree/evaluation.h"

#include <algorithm>
#include <numeric>
#include <vector>

namespace kumo::search::tree {

namespace {

void count_strings(const ColumnReader& column, FieldStatistics& out) {
    std::vector<std::int64_t> ordinals;
    for (std::uint32_t doc = 0; doc < column.doc_count(); ++doc) {
        const auto range = column.values_of(doc);
        if (range.size() == 0) {
            continue;
        }
        ++out.docs;
        if (range.size() == 1) {
            ++out.tokens;
            continue;
        }
        ordinals.clear();
        for (std::uint64_t i = range.begin; i < range.end; ++i) {
            ordinals.push_back(column.value(i));
        }
        std::sort(ordinals.begin(), ordinals.end());
        const auto end = std::unique(ordinals.begin(), ordinals.end());
        out.tokens += static_cast<std::uint64_t>(end - ordinals.begin());
    }
}

void remove_deleted(const DeletedDocs& deleted, Matches& matches) {
    if (deleted.count() == 0) {
        return;
    }
    std::size_t kept = 0;
    for (std::size_t i = 0; i < matches.docs.size(); ++i) {
        if (deleted.test(matches.docs[i])) {
            continue;
        }
        matches.docs[kept] = matches.docs[i];
        if (!matches.scores.empty()) {
            matches.scores[kept] = matches.scores[i];
        }
        ++kept;
    }
    matches.docs.resize(kept);
    if (!matches.scores.empty()) {
        matches.scores.resize(kept);
    }
}

}  // namespace

const FieldStatistics& Evaluation::statistics(std::size_t field) {
    const auto known = statistics_.find(field);
    if (known != statistics_.end()) {
        return known->second;
    }
    FieldStatistics& out = statistics_[field];
    for (std::size_t p = 0; p < part_count(); ++p) {
        if (const TextReader* reader = text(p, field); reader != nullptr) {
            out.docs += reader->doc_count();
            out.tokens += reader->token_count();
        } else if (const ColumnReader* values = column(p, field); values != nullptr) {
            count_strings(*values, out);
        }
    }
    return out;
}

Result<AllMatches> evaluate(const Node& node, Evaluation& evaluation, bool scored) {
    std::size_t docs = 0;
    for (std::size_t p = 0; p < evaluation.part_count(); ++p) {
        docs += evaluation.segment(p).doc_count;
    }
    // A clause's list, and the sums of one level; deeper levels hold lists alone.
    constexpr std::size_t kBytesOfDoc = 24;
    if (docs * kBytesOfDoc > evaluation.limits().bytes_max) {
        return Error{ErrorCode::kResourceExhausted, "the search would take too much memory"};
    }
    KUMO_TRY_ASSIGN(AllMatches out, node.match(evaluation, {scored, 1}));
    for (std::size_t p = 0; p < out.size(); ++p) {
        remove_deleted(evaluation.part(p).deleted, out[p]);
    }
    return out;
}

AllMatches everything(const Evaluation& evaluation, float score) {
    AllMatches out(evaluation.part_count());
    for (std::size_t p = 0; p < out.size(); ++p) {
        out[p].docs.resize(evaluation.segment(p).doc_count);
        std::iota(out[p].docs.begin(), out[p].docs.end(), DocId{0});
        out[p].score = score;
    }
    return out;
}

}  // namespace kumo::search::tree
