#pragma once

#include "api/kumosearch/parameters.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "node/node.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kumo::api_kumosearch {

/// The action of a scoped key, and the only actions its parent may have.
inline constexpr std::string_view kSearchAction = "documents:search";

inline constexpr std::size_t kCredentialBytesMax = 16384;
inline constexpr std::size_t kCollectionPatternBytesMax = 256;

/// What a credential that was accepted may do. A value.
struct Grant {
    /// Names, or patterns (RE2) that must match a whole name; "*" is every collection.
    std::vector<std::string> collections;
    /// The search parameters of a scoped key, which win over those of the request.
    Parameters embedded;

    bool all_collections() const;
    bool allows(std::string_view collection) const;
};

/// Decides what a key may do. The reasons of a refusal are all the same to the caller, so that
/// nobody learns which part of a guess was right.
///
/// Secrets are compared as SHA-256 digests in constant time; neither the bootstrap key nor any
/// stored key is kept in clear.
/// Thread rule: immutable; any thread.
class Authenticator {
public:
    /// Without a bootstrap key everything is allowed to everybody: for servers that listen on
    /// loopback only.
    Authenticator(ByteView bootstrap_key, const node::Node& node);

    bool open() const { return bootstrap_digest_.empty(); }

    bool is_bootstrap_key(ByteView value) const;

    /// kUnauthenticated if `credential` is no key, has expired or does not have the action.
    /// Collections are the caller's to check, with the grant.
    Result<Grant> authorize(ByteView credential, std::string_view action, WallTime now) const;

private:
    Result<Grant> authorize_scoped(ByteView credential, std::string_view action, std::int64_t now)
        const;

    std::string bootstrap_digest_;
    const node::Node& node_;
};

/// A scoped key: base64(base64(HMAC-SHA256(parent, parameters)) + the parent's first 4 characters
/// + parameters), where `parameters` is a JSON object.
struct ScopedKey {
    std::string signature;  ///< The HMAC, decoded.
    std::string parent_prefix;
    std::string parameters;
};

/// Takes a scoped key apart, without believing it.
Result<ScopedKey> parse_scoped_key(ByteView credential);

/// kUnauthenticated, in the words clients know.
Error forbidden();

/// kInvalidArgument if it is no pattern of collection names.
Status check_collection_pattern(const std::string& pattern);

}  // namespace kumo::api_kumosearch
