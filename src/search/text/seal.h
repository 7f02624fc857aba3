#pragma once

#include "base/result.h"
#include "search/text/doc.h"

#include <span>
#include <string_view>

namespace kumo::search {

class LiveText;
class SealedText;
class SectionFileBuilder;

/// Encodes the documents below max_doc of a live field as sections named `prefix` + part.
/// Runs beside add() on another thread; documents at or past max_doc are left out.
/// kLimitExceeded if the field outgrows what one segment can hold.
Status
seal(const LiveText& live, DocId max_doc, SectionFileBuilder& builder, std::string_view prefix);

/// One input of a merge. `doc_map` has doc_limit() entries: the document's id in the result, or
/// kNoDoc to drop it. Kept documents keep their order inside one input, and get ids of their own.
struct MergeInput {
    const SealedText* text;
    std::span<const DocId> doc_map;
};

/// Encodes several sealed fields as one, with `total_docs` documents. A term's max_rank stays that
/// of its highest input, dropped documents included: a safe upper bound.
Status merge(
    std::span<const MergeInput> inputs,
    DocId total_docs,
    SectionFileBuilder& builder,
    std::string_view prefix
);

}  // namespace kumo::search
