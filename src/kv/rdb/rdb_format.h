#pragma once

#include "base/bytes.h"

#include <cstddef>
#include <cstdint>

namespace kumo::kv {

// The bytes of RDB, the format of Redis's snapshots and of what DUMP gives. We read versions 1 to
// 11 and Valkey's 80, and write version 10 (files) and 9 (DUMP).

inline constexpr int kRdbVersionMax = 11;
inline constexpr int kRdbVersionValkey = 80;
inline constexpr int kRdbVersionWritten = 10;
inline constexpr int kDumpVersionWritten = 9;

/// How a value lies in the file: the byte before its key.
enum class RdbType : std::uint8_t {
    kString = 0,
    kList = 1,
    kSet = 2,
    kZsetText = 3,  ///< Scores as decimal text.
    kHash = 4,
    kZset = 5,
    kModule1 = 6,
    kModule2 = 7,
    kHashZipmap = 9,
    kListZiplist = 10,
    kSetIntset = 11,
    kZsetZiplist = 12,
    kHashZiplist = 13,
    kListQuicklist = 14,
    kStream1 = 15,
    kHashListpack = 16,
    kZsetListpack = 17,
    kListQuicklist2 = 18,
    kStream2 = 19,
    kSetListpack = 20,
    kStream3 = 21,
    kHashExpiring = 22,  ///< Valkey 9: fields with an expiry each.
    kCron = 64,          ///< KeyDB: a script that runs again and again.
};

/// What else may stand there.
enum class RdbOpcode : std::uint8_t {
    kSlotImport = 243,
    kSlotInfo = 244,
    kFunction = 245,
    kFunctionPreview = 246,
    kModuleAux = 247,
    kIdle = 248,
    kFrequency = 249,
    kAux = 250,
    kResize = 251,
    kExpiryMs = 252,
    kExpirySeconds = 253,
    kDatabase = 254,
    kEnd = 255,
};

/// A "length" whose two upper bits are set says how a string is encoded instead.
enum class RdbStringEncoding : std::uint8_t {
    kInt8 = 0,
    kInt16 = 1,
    kInt32 = 2,
    kLzf = 3
};

}  // namespace kumo::kv
