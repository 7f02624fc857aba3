#include "wire/lines.h"

#include <utility>

namespace kumo::wire {

Line LineSplitter::emit(ByteView text) {
    if (!text.empty() && text.back() == '\r') {
        text.remove_suffix(1);
    }
    return {text, ++lines_, false};
}

std::optional<Line> LineSplitter::next(ByteView& chunk) {
    if (chunk.empty()) {
        return std::nullopt;
    }
    const std::size_t newline = chunk.find('\n');
    const bool ends = newline != ByteView::npos;
    const ByteView piece = chunk.substr(0, ends ? newline : chunk.size());
    chunk.remove_prefix(piece.size() + (ends ? 1 : 0));
    started_ = true;
    if (!skipping_ && piece.size() > line_bytes_max_ - partial_.size()) {
        skipping_ = true;
        partial_ = std::string();
    }
    if (!ends) {
        if (!skipping_) {
            partial_.append(piece);
        }
        return std::nullopt;
    }
    started_ = false;
    if (std::exchange(skipping_, false)) {
        return Line{{}, ++lines_, true};
    }
    if (partial_.empty()) {
        return emit(piece);
    }
    partial_.append(piece);
    returned_ = std::exchange(partial_, std::string());
    return emit(returned_);
}

std::optional<Line> LineSplitter::finish() {
    if (!std::exchange(started_, false)) {
        return std::nullopt;
    }
    if (std::exchange(skipping_, false)) {
        return Line{{}, ++lines_, true};
    }
    returned_ = std::exchange(partial_, std::string());
    return emit(returned_);
}

}  // namespace kumo::wire
