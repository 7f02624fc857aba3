#pragma once

#include "base/result.h"
#include "node/node.h"
#include "node/operation.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace kumo::node {

/// A batch of documents for a collection of several shards: what each shard gets, and how their
/// answers become one, in the order of the batch. A document goes to the shard of its id; lines
/// with the same id stay in their order. One without an id goes to the next shard in turn, which
/// assigns an id that belongs to it.
///
/// The whole batch fails if every part did, with errors of one code. One part may be refused and
/// what became of another not known: then each line has its own part's error.
///
/// Thread rule: one thread at a time.
class SplitWrite {
public:
    using Answers = std::vector<Result<search::Written>>;
    using Done = std::function<void(Result<Answers>)>;

    /// `turn` says which shard is the next. `done` runs with the last answer.
    SplitWrite(WriteBatch batch, std::uint32_t shards, std::uint32_t turn, Done done);

    std::size_t size() const { return parts_.size(); }

    /// Which of the collection's shards gets part `i`.
    std::uint32_t shard(std::size_t i) const { return parts_[i].shard; }

    /// Part `i` as it stands in that shard's log.
    std::string encode(std::size_t i) const { return encode_write(parts_[i].batch); }

    /// Part `i` is answered. Once each.
    void answer(std::size_t i, Result<Outcome> outcome);

private:
    struct Part {
        std::uint32_t shard = 0;
        WriteBatch batch;
        std::vector<std::size_t> lines;  ///< Where in the whole batch its documents were.
    };

    std::vector<Part> parts_;
    std::vector<std::optional<Result<search::Written>>> answers_;
    std::size_t left_;
    std::size_t failed_ = 0;
    std::optional<Error> first_error_;
    bool errors_differ_ = false;
    Done done_;
};

}  // namespace kumo::node
