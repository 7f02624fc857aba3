#pragma once

#include "api/kumosearch/call.h"
#include "api/kumosearch/handlers/run_search.h"
#include "node/read_version.h"

#include <memory>
#include <optional>
#include <string>

namespace kumo::api_kumosearch {

/// A search that asked for an answer that was made before (`use_cache`), and knows what it depends
/// on. A value; the context outlives it.
class CachedSearch {
public:
    /// Nothing if the search did not ask, or if its collection is not here. To be made before the
    /// search begins: an answer is kept under what was true then.
    static std::optional<CachedSearch> of(const Call& call, const SearchOrder& order);

    /// Null if there is none.
    std::shared_ptr<const std::string> find() const;

    void put(const std::string& json) const;

private:
    const Context* context_ = nullptr;
    std::string key_;
    node::ReadVersion version_;
    Duration ttl_{};
};

}  // namespace kumo::api_kumosearch
