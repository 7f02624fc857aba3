#pragma once

#include "base/mutex.h"
#include "search/index/index.h"
#include "search/schema/schema.h"
#include "search/text/postings_cursor.h"
#include "wire/json.h"

#include <algorithm>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kumo::search {

/// A value that documents are joined by: strings byte by byte, integers of any width.
struct JoinKey {
    bool is_number = false;
    std::int64_t number = 0;
    std::string_view text{};
};

/// The values of one field of one segment, and which documents have them. Immutable; any thread.
class KeyTable {
public:
    /// Of the field's column, or else of what is stored. `before` (may be null) is that of fewer
    /// documents of the same segment, which grows.
    static std::shared_ptr<const KeyTable> build(
        const SegmentReader& segment,
        const Schema& schema,
        std::size_t field,
        const KeyTable* before
    );

    template <typename Visit>
    void find(const JoinKey& key, Visit visit) const {
        if (key.is_number) {
            visit_equal(numbers_, key.number, visit);
        } else {
            visit_equal(strings_, key.text, visit);
        }
    }

    DocId doc_count() const { return doc_count_; }

    std::size_t bytes() const;

private:
    using Block = std::shared_ptr<const std::string>;

    template <typename Key, typename Visit>
    static void
    visit_equal(const std::vector<std::pair<Key, DocId>>& table, const Key& key, Visit visit) {
        auto at = std::lower_bound(
            table.begin(),
            table.end(),
            key,
            [](const std::pair<Key, DocId>& entry, const Key& wanted) {
                return entry.first < wanted;
            }
        );
        for (; at != table.end() && at->first == key; ++at) {
            visit(at->second);
        }
    }

    void add(const SegmentReader& segment, const Schema& schema, std::size_t field);

    DocId doc_count_ = 0;
    std::vector<std::pair<std::string_view, DocId>> strings_;
    std::vector<std::pair<std::int64_t, DocId>> numbers_;
    std::vector<Block> blocks_;  ///< What the strings point into.
    std::size_t block_bytes_ = 0;
};

inline constexpr std::size_t kKeyTablesBytesMax = std::size_t{128} << 20;

/// The tables that were used last, by segment. A table above the limit is made for one request.
/// Thread rule: guarded.
class KeyTables {
public:
    explicit KeyTables(std::size_t bytes_max = kKeyTablesBytesMax) : bytes_max_(bytes_max) {}

    std::shared_ptr<const KeyTable>
    get(const SegmentReader& segment, const Schema& schema, std::size_t field);

    std::size_t bytes() const;

private:
    struct Entry {
        std::weak_ptr<const void> segment;
        std::string field;
        std::shared_ptr<const KeyTable> table;
    };

    std::shared_ptr<const KeyTable> look(const SegmentReader& segment, const std::string& field);
    void put(
        const SegmentReader& segment,
        const std::string& field,
        std::shared_ptr<const KeyTable> table
    );

    const std::size_t bytes_max_;
    mutable Mutex mutex_;
    std::list<Entry> entries_ KUMO_GUARDED_BY(mutex_);  ///< Used last, first.
    std::size_t bytes_ KUMO_GUARDED_BY(mutex_) = 0;
};

/// Finds a snapshot's documents by a field, or by their ids. One request's; refers to the snapshot.
class KeyFinder {
public:
    /// `tables` may be null: then they are made for this request.
    KeyFinder(const Snapshot& snapshot, std::optional<std::size_t> field, KeyTables* tables);

    /// Calls visit(part, doc) for documents that are not deleted.
    template <typename Visit>
    void find(const JoinKey& key, Visit visit) {
        for (std::size_t p = 0; p < snapshot_.parts.size(); ++p) {
            const Snapshot::Part& part = snapshot_.parts[p];
            const auto each = [&](DocId doc) {
                if (doc < part.segment->doc_count && !part.deleted.test(doc)) {
                    visit(p, doc);
                }
            };
            if (field_) {
                tables_[p]->find(key, each);
            } else if (!key.is_number) {
                find_id(*part.segment->ids, key.text, each);
            }
        }
    }

private:
    template <typename Visit>
    void find_id(const TextReader& ids, std::string_view id, Visit visit) {
        const auto term = ids.find(id);
        if (!term) {
            return;
        }
        ids.open(*term, cursor_);
        for (DocId doc = cursor_.doc(); doc != kNoDoc; doc = cursor_.next()) {
            visit(doc);
        }
    }

    const Snapshot& snapshot_;
    std::optional<std::size_t> field_;
    std::vector<std::shared_ptr<const KeyTable>> tables_;  ///< By part.
    PostingsCursor cursor_;
};

/// The keys of a document, by a field or (nothing) its id.
std::vector<JoinKey>
keys_of(wire::JsonValue document, const Schema& schema, std::optional<std::size_t> field);

}  // namespace kumo::search
