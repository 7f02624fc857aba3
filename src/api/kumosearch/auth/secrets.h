#pragma once

#include "base/bytes.h"

#include <cstddef>
#include <optional>
#include <string>

/// What keys are made of and checked with. Stateless; any thread.
namespace kumo::api_kumosearch {

inline constexpr std::size_t kDigestBytes = 32;
inline constexpr std::size_t kMidstatesBytes = 2 * kDigestBytes;

/// SHA-256 (FIPS 180-4), 32 bytes.
std::string sha256(ByteView bytes);

/// Compares two digests in a time that does not depend on where they differ.
bool equal_digests(ByteView a, ByteView b);

/// What HMAC-SHA256 (RFC 2104) needs of a key: the states of the hash after the inner and the outer
/// padded key. Kept instead of the key, they verify signatures made with it and do not give it
/// away.
std::string hmac_midstates(ByteView key);

/// The HMAC-SHA256 of `message` under the key of these midstates. Requires kMidstatesBytes bytes.
std::string hmac_sha256(ByteView midstates, ByteView message);

std::string base64_encode(ByteView bytes);

/// Standard alphabet with padding and nothing else.
std::optional<std::string> base64_decode(ByteView text);

/// A fresh key: 32 letters and digits from the kernel's generator.
std::string random_key();

}  // namespace kumo::api_kumosearch
