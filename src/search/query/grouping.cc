#include "search/query/grouping.h"

namespace kumo::search {

namespace {

constexpr std::uint32_t kNone = UINT32_MAX;

}  // namespace

ValueNumbers::ValueNumbers(const Snapshot& snapshot, std::size_t field)
    : snapshot_(snapshot),
      field_(field),
      strings_(snapshot.schema->fields[field].is_string()),
      of_ordinal_(snapshot.parts.size()) {}

std::uint32_t ValueNumbers::of(std::size_t part, std::int64_t code) {
    if (!strings_) {
        const auto [at, added] = of_number_.try_emplace(code, count_);
        count_ += added ? 1 : 0;
        return at->second;
    }
    const ColumnReader& column = *snapshot_.parts[part].segment->columns[field_];
    std::vector<std::uint32_t>& known = of_ordinal_[part];
    if (known.empty()) {
        known.assign(column.string_count(), kNone);
    }
    const auto ordinal = static_cast<std::uint32_t>(code);
    if (known[ordinal] == kNone) {
        const auto [at, added] = of_string_.try_emplace(column.string(ordinal), count_);
        count_ += added ? 1 : 0;
        known[ordinal] = at->second;
    }
    return known[ordinal];
}

Groups::Groups(const Snapshot& snapshot, const GroupRequest& request)
    : snapshot_(snapshot), request_(request) {
    for (const std::size_t field : request.fields) {
        values_.emplace_back(snapshot, field);
    }
    for (const Snapshot::Part& part : snapshot.parts) {
        of_doc_.emplace_back(part.segment->doc_count, kNone);
    }
}

void Groups::add(std::size_t part, DocId doc) {
    GroupId& group = of_doc_[part][doc];
    if (group != kNone) {
        return;
    }
    group = find(part, doc);
    if (group == found_.size()) {
        found_.push_back(0);
    }
    ++found_[group];
}

/// The document's group; the next number if it is the first one of it.
GroupId Groups::find(std::size_t part, DocId doc) {
    const auto next = static_cast<GroupId>(found_.size());
    const SegmentReader& segment = *snapshot_.parts[part].segment;
    key_.clear();
    bool missing = true;
    for (std::size_t f = 0; f < request_.fields.size(); ++f) {
        const ColumnReader& column = *segment.columns[request_.fields[f]];
        const auto range = column.values_of(doc);
        key_.push_back(static_cast<char32_t>(range.size()));
        for (std::uint64_t i = range.begin; i < range.end; ++i) {
            key_.push_back(values_[f].of(part, column.value(i)));
            missing = false;
        }
    }
    if (missing && !request_.missing_together) {
        return next;
    }
    return of_key_.try_emplace(key_, next).first->second;
}

}  // namespace kumo::search
