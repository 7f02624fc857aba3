#pragma once

#include "search/query/found_words.h"
#include "search/query/matcher.h"
#include "search/query/query_text.h"

#include <cstddef>

namespace kumo::search {

/// Terms of one field and segment that an infix is looked for in: more are left out, and the terms
/// that come first in the order of their bytes are taken.
inline constexpr std::size_t kInfixTermsMax = std::size_t{1} << 24;

/// Finds documents that have, in one field that asks for it, a word for each of the query's with
/// that one inside. They rank below what matched already. The dictionaries are read through: about
/// 30 ns a term. Matches are in order of documents before and after. Stateless.
void match_infixes(const MatchInputs& in, const QueryText& query, FoundWords& found);

}  // namespace kumo::search
