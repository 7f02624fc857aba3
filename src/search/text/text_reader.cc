#include "search/text/text_reader.h"

#include "search/text/internal/fuzzy_automaton.h"

namespace kumo::search {

std::vector<std::uint32_t> code_points(std::string_view text) {
    std::vector<std::uint32_t> out;
    Utf8Feed feed;
    for (char byte : text) {
        if (feed.push(static_cast<std::uint8_t>(byte))) {
            out.push_back(feed.value);
        }
    }
    return out;
}

void for_each_prefixed(
    const TextReader& reader,
    std::string_view prefix,
    const std::function<bool(const TermEnum&)>& visit
) {
    std::unique_ptr<TermEnum> at = reader.terms();
    for (bool more = at->seek(prefix); more && at->term().starts_with(prefix); more = at->next()) {
        if (!visit(*at)) {
            return;
        }
    }
}

WalkEnd find_uncorrected(
    const TextReader& reader,
    std::string_view query,
    const FuzzyOptions& options,
    const FuzzyCallback& found
) {
    WalkEnd end = WalkEnd::kComplete;
    std::uint32_t nodes = 0;
    for_each_prefixed(reader, query, [&](const TermEnum& at) {
        bool whole = at.term().size() == query.size();
        if (!whole && !options.prefix) {
            return false;
        }
        if (++nodes > options.nodes_max) {
            end = WalkEnd::kCutShort;
            return false;
        }
        if (!found({at.term(), at.handle(), at.info(), 0, !whole})) {
            end = WalkEnd::kStopped;
            return false;
        }
        return true;
    });
    return end;
}

}  // namespace kumo::search
