#pragma once

#include "api/elastic/index_store.h"
#include "api/elastic/request.h"
#include "base/result.h"

#include <string>
#include <string_view>
#include <vector>

namespace kumo::api_elastic {

/// Which indices an expression may stand for, and what happens if there are none.
struct IndicesOptions {
    bool ignore_unavailable = false;  ///< Names that are not there are left out.
    bool allow_no_indices = true;     ///< Wildcards may stand for nothing.
    bool expand_open = true;
    bool expand_closed = false;
    bool expand_hidden = false;
    bool forbid_closed = false;  ///< A closed index that is named is an error.
    bool forbid_aliases = false;

    /// Of what reads documents: a closed index that is named is an error.
    static IndicesOptions of_reads() {
        IndicesOptions options;
        options.forbid_closed = true;
        return options;
    }

    /// What the request says, in the place of these. illegal_argument_exception.
    Result<IndicesOptions> with(const Parameters& parameters) const;
};

/// One index an expression stands for.
struct ResolvedIndex {
    IndexPtr index;
    std::vector<std::string> aliases;  ///< It came by these names.
    bool by_name = false;              ///< And by its own, or by a wildcard over it.
};

/// Resolves "a,b*,-bc,alias,<logs-{now/d}>"; "", "_all" and "*" are all. By name; each once.
/// index_not_found_exception, index_closed_exception.
Result<std::vector<ResolvedIndex>>
resolve(const Context& context, std::string_view expression, const IndicesOptions& options);

/// The one index that documents written to this name go into: an index, an alias with one index or
/// a write index, a data stream. Null if there is none of that name. illegal_argument_exception.
Result<IndexPtr> resolve_for_write(const Context& context, const std::string& name);

/// "<logs-{now/d}>" as of now; other names as they are.
Result<std::string> resolve_date_math(const Context& context, std::string_view name);

/// Of an alias or several: {"filter": ...} that a search has to be within; null: none.
Json alias_filter(const ResolvedIndex& resolved);

/// Whether a name can be an index's. invalid_index_name_exception.
Status check_index_name(const std::string& name);

}  // namespace kumo::api_elastic
