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

/// By which servers find out that they have different keys, see node::KeyComparison: two bytes of
/// scrypt (RFC 7914) with N = 2^14, r = 8, p = 1. Takes some 50 ms and 16 MiB. Empty if OpenSSL
/// does not do it.
std::string key_check(ByteView key, ByteView salt);

std::string base64_encode(ByteView bytes);

/// Standard alphabet with padding and nothing else.
std::optional<std::string> base64_decode(ByteView text);

/// A fresh key: 32 letters and digits from the kernel's generator.
std::string random_key();

}  // namespace kumo::api_kumosearch
