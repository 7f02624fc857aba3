#pragma once

#include "base/result.h"
#include "search/column/bitmap.h"
#include "search/join/join.h"
#include "search/join/join_keys.h"
#include "search/query/request.h"

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kumo::search {

/// A document of a snapshot.
struct DocPlace {
    std::uint32_t part = 0;
    DocId doc = 0;

    bool operator==(const DocPlace&) const = default;

    bool operator<(const DocPlace& other) const {
        return part != other.part ? part < other.part : doc < other.doc;
    }
};

/// For each part of a snapshot, some of its documents.
using PartSets = std::vector<Bitmap>;

/// The values that a search's documents are sorted by, where those are in joined documents.
struct JoinValues {
    bool strings = false;
    std::vector<Bitmap> has;  ///< By part.
    std::vector<std::vector<std::int64_t>> numbers;
    std::vector<std::vector<std::string_view>> texts;  ///< Of the joined snapshots.
};

/// How often each of some things is joined with a document: a thing once a document.
struct JoinCounts {
    std::vector<std::pair<std::string, std::uint64_t>> strings;
    std::vector<std::pair<std::int64_t, std::uint64_t>> numbers;
};

/// Carries out the joins of one request, between snapshots of one moment. Refers to the request;
/// its collections have their snapshots. One thread.
///
/// Costs: a condition goes through the documents that have the reference once, and looks each of
/// their different values up; a few documents that pass are looked for instead.
class Joiner {
public:
    /// `tables` may be null.
    Joiner(const JoinRequest& request, KeyTables* tables) : request_(request), tables_(tables) {}

    /// Turns the joins of a filter over `local` into sets of documents.
    void resolve(const Snapshot& local, Filter& filter);

    /// The best value that each document of `local` is joined with.
    JoinValues values(const Snapshot& local, const JoinSort& sort, bool descending);

    /// How many of the documents in `matched` are joined with each value of the facet's field, or
    /// each of its ranges, by number.
    JoinCounts counts(const Snapshot& local, const PartSets& matched, const FacetRequest& facet);

    /// What the includes show with each of some documents of a collection of that schema.
    /// kLimitExceeded above kJoinedDocumentsMax.
    Result<std::vector<std::vector<JoinedDocuments>>> include(
        const Schema& schema,
        std::span<const std::string> documents,
        std::span<const JoinInclude> includes
    );

private:
    using Place = DocPlace;

    const Snapshot& snapshot_of(const JoinStep& step) const {
        return *request_.collections[step.collection].snapshot;
    }

    PartSets passing(const JoinStep& step, const Filter& filter);
    DocSets join(const Snapshot& local, const Join& join);
    void join_forward(
        const Snapshot& local,
        const JoinStep& step,
        const PartSets& passing,
        PartSets& out
    );
    void join_backward(
        const Snapshot& local,
        const JoinStep& step,
        const PartSets& passing,
        PartSets& out
    );

    /// Documents that have a reference.
    struct References {
        const Snapshot& snapshot;
        std::size_t field;
        const PartSets& docs;
    };

    /// Documents that are referenced.
    struct Referenced {
        const Snapshot& snapshot;
        std::optional<std::size_t> field;
        const PartSets& docs;
    };

    template <typename Visit>
    void for_each_reference(const References& from, const Referenced& to, Visit visit);
    template <typename Visit>
    void for_each_edge(
        const Snapshot& local,
        const JoinStep& step,
        const PartSets& passing,
        Visit visit
    );
    std::vector<std::vector<Place>>
    follow(const std::vector<std::vector<JoinKey>>& keys, const JoinPathStep& step);
    std::vector<std::vector<Place>> follow_path(
        const Schema& schema,
        std::span<const std::string> documents,
        const JoinInclude& include
    );
    Result<std::vector<JoinedDocuments>> include_one(
        const Schema& schema,
        std::span<const std::string> documents,
        const JoinInclude& include
    );
    void put_in_order(const JoinInclude& include, std::vector<Place>& places) const;

    const JoinRequest& request_;
    KeyTables* tables_;
    bool inside_allowed_ = false;
    std::size_t included_ = 0;
};

}  // namespace kumo::search
