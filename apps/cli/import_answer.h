#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "wire/lines.h"

#include <cstdint>
#include <functional>
#include <string>

namespace kumo::cli {

/// Reads one line of an import's answer: OK, or the server's words about why the document was not
/// taken.
Status read_answer_line(ByteView line);

/// The fates of a batch's lines, in order, from an answer that arrives in pieces.
/// Loop-owned; the callback comes from feed() and finish().
class ImportAnswer {
public:
    using Fate = std::function<void(std::size_t index, const Status& fate)>;

    explicit ImportAnswer(Fate fate) : fate_(std::move(fate)) {}

    void feed(ByteView piece);

    /// The answer is complete.
    void finish();

    /// Fates told so far.
    std::size_t count() const { return count_; }

private:
    void tell(const wire::Line& line);

    wire::LineSplitter splitter_{kAnswerLineBytesMax};
    Fate fate_;
    std::size_t count_ = 0;

    /// An answer may repeat its document.
    static constexpr std::size_t kAnswerLineBytesMax = std::size_t{64} << 20;
};

/// One line of the file that --errors names: JSON with "line", "error" and "document", the last
/// being the line as it was read.
std::string error_record(std::uint64_t line, ByteView error, ByteView document);

}  // namespace kumo::cli
