#include "node/split_write.h"

#include "base/assert.h"

#include <utility>

namespace kumo::node {

SplitWrite::SplitWrite(WriteBatch batch, std::uint32_t shards, std::uint32_t turn, Done done)
    : answers_(batch.documents.size()), done_(std::move(done)) {
    std::vector<Part> all(shards);
    for (std::size_t i = 0; i < batch.documents.size(); ++i) {
        const auto place = search::partition_of_document(batch.documents[i], shards);
        Part& part = all[place ? *place : turn++ % shards];
        part.batch.documents.push_back(std::move(batch.documents[i]));
        part.lines.push_back(i);
    }
    for (std::uint32_t shard = 0; shard < shards; ++shard) {
        if (!all[shard].lines.empty()) {
            all[shard].shard = shard;
            all[shard].batch.action = batch.action;
            all[shard].batch.dirty = batch.dirty;
            parts_.push_back(std::move(all[shard]));
        }
    }
    left_ = parts_.size();
}

void SplitWrite::answer(std::size_t i, Result<Outcome> outcome) {
    KUMO_ASSERT(left_ > 0);
    const std::vector<std::size_t>& lines = parts_[i].lines;
    if (outcome.ok() && outcome.value().written.size() != lines.size()) {
        outcome = corruption("a shard has answered another number of documents than it was sent");
    }
    for (std::size_t k = 0; k < lines.size(); ++k) {
        if (outcome.ok()) {
            answers_[lines[k]].emplace(std::move(outcome.value().written[k]));
        } else {
            answers_[lines[k]].emplace(outcome.error());
        }
    }
    if (!outcome.ok()) {
        ++failed_;
        errors_differ_ =
            errors_differ_ || (first_error_ && first_error_->code != outcome.error().code);
        first_error_ = first_error_ ? std::move(first_error_) : outcome.error();
    }
    if (--left_ > 0) {
        return;
    }
    if (failed_ == parts_.size() && !errors_differ_) {
        done_(*first_error_);
        return;
    }
    Answers all;
    all.reserve(answers_.size());
    for (auto& each : answers_) {
        all.push_back(std::move(*each));
    }
    done_(std::move(all));
}

}  // namespace kumo::node
