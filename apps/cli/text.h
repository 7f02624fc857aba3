#pragma once

#include "base/bytes.h"
#include "base/clock.h"

#include <cstddef>
#include <cstdint>
#include <string>

/// Text for a terminal. Stateless. Widths count code points, which is right for most scripts.
namespace kumo::cli {

/// 1234567 -> "1,234,567".
std::string with_thousands(std::uint64_t value);

/// "1 document", "63,666 documents".
std::string counted_documents(std::uint64_t count);

/// 1536 -> "1.5 KB"; powers of 1024.
std::string human_bytes(std::uint64_t bytes);

/// "0:07", "12:30", "1:02:03".
std::string clock_time(Duration duration);

/// "0.8 s", "12.4 s", then as clock_time().
std::string human_seconds(Duration duration);

/// What a server sent, made safe to print: invalid UTF-8 is repaired, control characters (which
/// could drive the terminal) become spaces, runs of white space become one. Marks stay.
std::string printable(ByteView text);

/// Around what matched, in text from the server: characters that printable() keeps and no
/// document's text survives with.
inline constexpr char kMarkBegin = '\x02';
inline constexpr char kMarkEnd = '\x03';

std::size_t display_width(ByteView text);

/// Cut to `width` columns, the last one an ellipsis if anything was lost. Marks take no column and
/// stay paired.
std::string clip(ByteView text, std::size_t width);

/// Marks become bold (colour) or vanish.
std::string render_marks(ByteView text, bool colour);

/// `text` in an ANSI style, or as it is.
std::string styled(ByteView text, ByteView style, bool colour);

inline constexpr ByteView kBold = "1";
inline constexpr ByteView kDim = "2";
inline constexpr ByteView kRed = "31";
inline constexpr ByteView kGreen = "32";
inline constexpr ByteView kMatch = "1;33";

}  // namespace kumo::cli
