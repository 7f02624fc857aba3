#pragma once

#include "api/elastic/documents/source_filter.h"
#include "api/elastic/json.h"
#include "api/elastic/request.h"
#include "api/elastic/search/sort.h"
#include "base/result.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace kumo::api_elastic {

/// A field whose values are shown, and how.
struct WantedField {
    std::string pattern;
    std::string format;
    bool include_unmapped = false;
};

/// What a search asks for, from its body and its parameters.
struct SearchBody {
    Json query;         ///< Null: everything.
    Json post_filter;   ///< Null: none.
    Json aggregations;  ///< Null: none.
    Json highlight;
    Json suggest;
    Json collapse;
    Json rescore;
    Json knn;
    Json pit;
    Json slice;
    Json script_fields;
    std::int64_t from = 0;
    std::int64_t size = 10;
    std::vector<SortPart> sort;
    bool sorts = false;  ///< "sort" was given.
    Json search_after;
    std::optional<float> min_score;
    std::int64_t track_total_hits = 10'000;  ///< -1: all of them; 0: none.
    bool track_scores = false;
    bool explain = false;
    bool profile = false;
    bool version = false;
    bool seq_no = false;
    std::int64_t terminate_after = 0;
    SourceFilter source;
    bool shows_source = true;
    bool source_said = false;  ///< "_source" was given.
    bool stored_none = false;
    std::vector<std::string> stored_fields;
    std::vector<WantedField> fields;
    std::vector<WantedField> docvalue_fields;
    Json indices_boost;
    std::vector<std::string> groups;  ///< "stats": what the search is counted under.
    bool named_scores = false;        ///< Matched queries with their scores.

    // Of the parameters alone.
    bool total_as_int = false;
    bool typed_keys = false;
    std::string scroll;
};

/// parsing_exception, illegal_argument_exception.
Result<SearchBody> parse_search(const Json& body, const Parameters& parameters);

}  // namespace kumo::api_elastic
