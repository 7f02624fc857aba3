#include "cli/consistency/node_scan.h"

namespace kumo::cli {
namespace {

using Kind = Subject::Kind;

std::uint64_t
differences(const std::vector<std::int64_t>& one, const std::vector<std::int64_t>& other) {
    std::uint64_t count = 0;
    for (std::size_t i = 0; i < one.size(); ++i) {
        count += one[i] != other[i] ? 1 : 0;
    }
    return count;
}

}  // namespace

NodeScan::NodeScan(const ConsistencyBook& book)
    : book_(book), document_values_(book.documents()), counter_values_(book.counters()) {}

void NodeScan::add(ByteView id, std::optional<std::int64_t> value) {
    ++documents_;
    const auto subject = Subject::from_id(id);
    if (!subject || !value || *value < 1 || *value > book_.most(*subject)) {
        ++invented_;
        return;
    }
    std::int64_t& place = subject->kind == Kind::kDocument ? document_values_[subject->number]
                                                           : counter_values_[subject->number];
    invented_ += place != 0 ? 1 : 0;
    place = *value;
}

std::uint64_t NodeScan::lost() const {
    std::uint64_t count = 0;
    for (std::uint64_t i = 0; i < document_values_.size(); ++i) {
        count += document_values_[i] < book_.least({Kind::kDocument, i}) ? 1 : 0;
    }
    for (std::uint64_t i = 0; i < counter_values_.size(); ++i) {
        count += counter_values_[i] < book_.least({Kind::kCounter, i}) ? 1 : 0;
    }
    return count;
}

std::uint64_t NodeScan::differing(const NodeScan& one, const NodeScan& other) {
    return differences(one.document_values_, other.document_values_)
           + differences(one.counter_values_, other.counter_values_);
}

std::int64_t NodeScan::held(const Subject& subject) const {
    const auto& values = subject.kind == Kind::kDocument ? document_values_ : counter_values_;
    return subject.number < values.size() ? values[subject.number] : 0;
}

}  // namespace kumo::cli
