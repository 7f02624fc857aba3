#include "search/text/internal/position_stream.h"

#include "search/text/internal/postings_opener.h"
#include "search/text/internal/varint.h"

#include <algorithm>

namespace kumo::search {

PositionStream::PositionStream(const PostingsCursor& cursor) : view_(cursor.view()) {
    if (!cursor.stores_bounds()) {
        auto bytes = PostingsOpener::short_positions(cursor);
        short_at_ = bytes.data();
        short_end_ = short_at_ + bytes.size();
    }
}

bool PositionStream::next(std::uint32_t& gap) {
    if (short_at_ != nullptr) {
        return read_varint(short_at_, short_end_, gap);
    }
    if (entry_ >= view_.occurrences) {
        return false;
    }
    if (entry_ % kPackCount == 0) {
        std::uint64_t group = entry_ / kPackCount;
        unpack(view_.pos_data + view_.pos_offset[group], view_.pos_bits[group], group_.data());
    }
    gap = group_[entry_++ % kPackCount];
    return true;
}

void PositionStream::append_all(std::vector<std::uint32_t>& out) {
    std::uint32_t gap = 0;
    while (entry_ % kPackCount != 0 && next(gap)) {
        out.push_back(gap);
    }
    while (entry_ < view_.occurrences) {
        const std::uint64_t group = entry_ / kPackCount;
        const std::uint64_t count = std::min<std::uint64_t>(kPackCount, view_.occurrences - entry_);
        unpack(view_.pos_data + view_.pos_offset[group], view_.pos_bits[group], group_.data());
        out.insert(out.end(), group_.begin(), group_.begin() + static_cast<std::ptrdiff_t>(count));
        entry_ += count;
    }
}

}  // namespace kumo::search
