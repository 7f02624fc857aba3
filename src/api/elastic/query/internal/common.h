#pragma once

#include "api/elastic/fault.h"

#include <string>
#include <string_view>

/// What files of queries share. Stateless.
namespace kumo::api_elastic {

/// ASCII letters in lower case: names of options.
inline std::string lower_case(std::string text) {
    for (char& c : text) {
        c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
    return text;
}

/// `what` is forbidden by search.allow_expensive_queries.
inline Error too_expensive(std::string_view what) {
    return fault(
        "exception",
        std::string(what)
            + " cannot be executed when 'search.allow_expensive_queries' is set to false."
    );
}

}  // namespace kumo::api_elastic
