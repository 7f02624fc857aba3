#pragma once

#include "cli/options.h"
#include "wire/json.h"

#include <cstddef>
#include <string>

/// The answer to a search as text for a person. Stateless: what is not in the answer is left out,
/// whatever the server sends.
namespace kumo::cli {

struct SearchView {
    std::string title_field;  ///< Heads each hit; where a document lacks it, its id does.
    std::size_t width = 100;
    bool colour = false;
};

/// The path and query of a search. Marks come back as kMarkBegin and kMarkEnd.
std::string search_target(const SearchOptions& options, const std::string& title_field);

/// The names of a collection's searchable text fields, from its description.
std::string text_fields(wire::JsonValue collection);

/// Everything: how many, the hits, the facets.
std::string search_text(wire::JsonValue answer, const SearchView& view);

}  // namespace kumo::cli
