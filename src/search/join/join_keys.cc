#include "search/join/join_keys.h"

#include "search/schema/json_path.h"

#include <numeric>

namespace kumo::search {

namespace {

/// A table that was made of so many pieces is made anew.
constexpr std::size_t kBlocksMax = 64;

std::string key_of(const Schema& schema, std::size_t field) {
    // A segment may be seen with another type of the same name: that has other values.
    return schema.fields[field].name + '\0'
           + std::to_string(static_cast<unsigned>(schema.fields[field].type));
}

void for_each_json_key(wire::JsonValue value, const std::function<void(wire::JsonValue)>& visit) {
    if (!value.is_array()) {
        visit(value);
        return;
    }
    for (const wire::JsonValue element : value.as_array()) {
        visit(element);
    }
}

}  // namespace

std::vector<JoinKey>
keys_of(wire::JsonValue document, const Schema& schema, std::optional<std::size_t> field) {
    std::vector<JoinKey> keys;
    const auto add = [&](wire::JsonValue value) {
        if (value.is_string()) {
            keys.push_back({false, 0, value.as_string()});
        } else if (value.type() == wire::JsonType::kInt64) {
            keys.push_back({true, value.as_int64(), {}});
        }
    };
    if (!field) {
        const wire::JsonValue id = document.find("id");
        if (id) {
            add(id);
        }
        return keys;
    }
    const auto found = values_at(document, schema.fields[*field].name, schema.enable_nested_fields);
    for (const wire::JsonValue value : found.values) {
        for_each_json_key(value, add);
    }
    return keys;
}

std::shared_ptr<const KeyTable> KeyTable::build(
    const SegmentReader& segment,
    const Schema& schema,
    std::size_t field,
    const KeyTable* before
) {
    auto table = before != nullptr && before->blocks_.size() < kBlocksMax
                     ? std::make_shared<KeyTable>(*before)
                     : std::make_shared<KeyTable>();
    table->add(segment, schema, field);
    std::sort(table->strings_.begin(), table->strings_.end());
    std::sort(table->numbers_.begin(), table->numbers_.end());
    return table;
}

void KeyTable::add(const SegmentReader& segment, const Schema& schema, std::size_t field) {
    const DocId first = std::exchange(doc_count_, segment.doc_count);
    const bool is_string = schema.fields[field].is_string();
    if (const ColumnReader* column = segment.columns[field].get();
        column != nullptr && !is_string) {
        for (DocId doc = first; doc < segment.doc_count; ++doc) {
            const auto range = column->values_of(doc);
            for (std::uint64_t i = range.begin; i < range.end; ++i) {
                numbers_.emplace_back(column->value(i), doc);
            }
        }
        return;
    }
    // Their bytes first, since a string that grows moves.
    std::string bytes;
    std::vector<std::pair<std::size_t, DocId>> ends;
    std::string document;
    for (DocId doc = first; doc < segment.doc_count; ++doc) {
        document.clear();
        if (!segment.stored->append(doc, document).ok()) {
            continue;  // Whoever shows the document says so.
        }
        const auto parsed = wire::JsonDocument::parse(document);
        if (!parsed.ok()) {
            continue;
        }
        for (const JoinKey& key : keys_of(parsed.value().root(), schema, field)) {
            if (!key.is_number) {
                bytes.append(key.text);
                ends.emplace_back(bytes.size(), doc);
            }
        }
    }
    const auto block = std::make_shared<const std::string>(std::move(bytes));
    std::size_t begin = 0;
    for (const auto& [end, doc] : ends) {
        strings_.emplace_back(std::string_view(*block).substr(begin, end - begin), doc);
        begin = end;
    }
    block_bytes_ += block->size();
    blocks_.push_back(block);
}

std::size_t KeyTable::bytes() const {
    return strings_.capacity() * sizeof(strings_[0]) + numbers_.capacity() * sizeof(numbers_[0])
           + block_bytes_;
}

std::shared_ptr<const KeyTable>
KeyTables::look(const SegmentReader& segment, const std::string& field) {
    const MutexLock lock(mutex_);
    for (auto entry = entries_.begin(); entry != entries_.end();) {
        const auto alive = entry->segment.lock();
        if (alive == nullptr) {
            bytes_ -= entry->table->bytes();
            entry = entries_.erase(entry);
            continue;
        }
        if (alive == segment.memory && entry->field == field) {
            entries_.splice(entries_.begin(), entries_, entry);
            return entries_.front().table;
        }
        ++entry;
    }
    return nullptr;
}

void KeyTables::put(
    const SegmentReader& segment,
    const std::string& field,
    std::shared_ptr<const KeyTable> table
) {
    const std::size_t bytes = table->bytes();
    if (bytes > bytes_max_) {
        return;
    }
    const MutexLock lock(mutex_);
    std::size_t freed = 0;
    entries_.remove_if([&](const Entry& entry) {
        const bool same = entry.field == field && entry.segment.lock() == segment.memory;
        freed += same ? entry.table->bytes() : 0;
        return same;
    });
    bytes_ -= freed;
    while (!entries_.empty() && bytes_ + bytes > bytes_max_) {
        bytes_ -= entries_.back().table->bytes();
        entries_.pop_back();
    }
    entries_.push_front({segment.memory, field, std::move(table)});
    bytes_ += bytes;
}

std::shared_ptr<const KeyTable>
KeyTables::get(const SegmentReader& segment, const Schema& schema, std::size_t field) {
    const std::string key = key_of(schema, field);
    auto known = look(segment, key);
    // One of more documents serves as well: whoever looks knows how many there are.
    if (known != nullptr && known->doc_count() >= segment.doc_count) {
        return known;
    }
    auto made = KeyTable::build(segment, schema, field, known.get());
    put(segment, key, made);
    return made;
}

std::size_t KeyTables::bytes() const {
    const MutexLock lock(mutex_);
    return bytes_;
}

KeyFinder::KeyFinder(const Snapshot& snapshot, std::optional<std::size_t> field, KeyTables* tables)
    : snapshot_(snapshot), field_(field) {
    for (const Snapshot::Part& part : snapshot.parts) {
        if (!field) {
            break;
        }
        tables_.push_back(
            tables != nullptr ? tables->get(*part.segment, *snapshot.schema, *field)
                              : KeyTable::build(*part.segment, *snapshot.schema, *field, nullptr)
        );
    }
}

}  // namespace kumo::search
