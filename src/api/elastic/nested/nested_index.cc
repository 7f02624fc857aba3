#include "api/elastic/nested/nested_index.h"

#include "api/elastic/fault.h"
#include "api/elastic/mapping/document_mapper.h"
#include "search/index/mapped_write.h"
#include "search/segment/segment.h"

#include <algorithm>

namespace kumo::api_elastic {

std::shared_ptr<const search::Schema>
nested_schema(const Mapping& mapping, const std::string& path) {
    auto out = std::make_shared<search::Schema>();
    const std::string prefix = path + ".";
    for (const auto& [name, field] : mapping.fields()) {
        if (!name.starts_with(prefix) || field.is_object()) {
            continue;
        }
        for (search::Field& one : engine_fields(field)) {
            out->fields.push_back(std::move(one));
        }
    }
    return out;
}

/// Makes one segment of objects for each segment of documents.
class NestedIndex::Builder {
public:
    Builder(const Mapping& mapping, NestedIndex& out, const search::Snapshot& parents)
        : mapping_(mapping), out_(out), parents_(parents) {}

    Status run() {
        auto snapshot = std::make_shared<search::Snapshot>();
        auto schema = nested_schema(mapping_, out_.path_);
        snapshot->schema = schema;
        find_levels();
        for (const search::Snapshot::Part& part : parents_.parts) {
            out_.parts_.emplace_back();
            live_ = std::make_shared<search::LiveSegment>(schema);
            for (search::DocId doc = 0; doc < part.segment->doc_count; ++doc) {
                if (!part.deleted.test(doc)) {
                    KUMO_TRY(add(*part.segment, doc));
                }
            }
            const search::DocId count = live_->doc_count();
            snapshot->parts.push_back({search::LiveSegment::reader(live_, count), {}, part.shard});
            snapshot->doc_count += count;
        }
        out_.snapshot_ = std::move(snapshot);
        return {};
    }

private:
    /// Nested paths between the documents and the objects.
    void find_levels() {
        for (std::size_t dot = out_.path_.find('.'); dot != std::string::npos;
             dot = out_.path_.find('.', dot + 1)) {
            const std::string path = out_.path_.substr(0, dot);
            const MappedField* field = mapping_.find_declared(path);
            if (field != nullptr && field->kind == FieldKind::kNested) {
                out_.levels_.push_back(path);
            }
        }
        out_.levels_.push_back(out_.path_);
    }

    Status add(const search::SegmentReader& segment, search::DocId doc) {
        std::string stored;
        KUMO_TRY(segment.stored->append(doc, stored));
        KUMO_TRY_ASSIGN(document_, search::parse_stored(stored));
        // A look at the bytes spares most documents without objects the parsing.
        const std::size_t dot = out_.path_.find('.');
        if (document_.source.find('"' + out_.path_.substr(0, dot)) == std::string::npos) {
            return {};
        }
        KUMO_TRY_ASSIGN(const Json source, Json::parse(document_.source));
        parent_ = doc;
        places_.assign(out_.levels_.size(), 0);
        return descend(source, out_.path_, 0);
    }

    /// Looks for `path` in `value`; objects at a nested path are counted.
    Status descend(const Json& value, std::string_view path, std::size_t level) {
        if (value.is_array()) {
            for (const Json& item : value.items()) {
                KUMO_TRY(descend(item, path, level));
            }
            return {};
        }
        for (std::size_t end = path.find('.');; end = path.find('.', end + 1)) {
            const std::string_view name = path.substr(0, end);
            const Json* inner = value.find(name);
            const std::string_view rest =
                end == std::string_view::npos ? std::string_view() : path.substr(end + 1);
            if (inner != nullptr) {
                KUMO_TRY(enter(*inner, rest, level));
            }
            if (end == std::string_view::npos) {
                return {};
            }
        }
    }

    Status enter(const Json& value, std::string_view rest, std::size_t level) {
        const std::size_t read = out_.path_.size() - rest.size() - (rest.empty() ? 0 : 1);
        const bool nested = level < out_.levels_.size() && out_.levels_[level].size() == read;
        if (!nested) {
            return rest.empty() ? Status() : descend(value, rest, level);
        }
        std::uint32_t place = 0;
        const Json::Array single = value.is_array() ? Json::Array() : Json::Array{value};
        for (const Json& item : value.is_array() ? value.items() : single) {
            if (!item.is_object()) {
                continue;
            }
            places_[level] = place++;
            if (rest.empty()) {
                KUMO_TRY(add_object(item));
            } else {
                KUMO_TRY(descend(item, rest, level + 1));
            }
        }
        return {};
    }

    Status add_object(const Json& object) {
        if (++count_ > kNestedIndexObjectsMax) {
            return Error{
                ErrorCode::kLimitExceeded,
                "more than " + std::to_string(kNestedIndexObjectsMax) + " nested objects"};
        }
        Json source = object;
        std::string_view path = out_.path_;
        while (!path.empty()) {
            const std::size_t dot = path.rfind('.');
            const std::string_view name =
                dot == std::string_view::npos ? path : path.substr(dot + 1);
            source = Json::object({{std::string(name), std::move(source)}});
            path = dot == std::string_view::npos ? std::string_view() : path.substr(0, dot);
        }
        const std::string text = source.dump();
        KUMO_TRY_ASSIGN(const MappedSource mapped, map_document(mapping_, document_.id, text));
        const search::Schema& schema = live_->schema();
        search::TypedDocument typed;
        typed.fields.resize(schema.fields.size());
        for (const search::MappedValues& values : mapped.values) {
            if (const auto at = schema.find(values.field)) {
                typed.fields[*at].codes = values.codes;
                typed.fields[*at].vector = values.vector;
                typed.fields[*at].strings.assign(values.strings.begin(), values.strings.end());
            }
        }
        typed.source = search::stored_form(document_.id, document_.meta, text);
        live_->add(document_.id, typed, count_);
        Part& part = out_.parts_.back();
        part.parents.push_back(parent_);
        part.places.insert(part.places.end(), places_.begin(), places_.end());
        return {};
    }

    const Mapping& mapping_;
    NestedIndex& out_;
    const search::Snapshot& parents_;
    std::shared_ptr<search::LiveSegment> live_;
    search::StoredDocument document_;
    search::DocId parent_ = 0;
    std::vector<std::uint32_t> places_;
    std::size_t count_ = 0;
};

Result<std::shared_ptr<const NestedIndex>> NestedIndex::make(
    const Mapping& mapping,
    const std::string& path,
    const search::Snapshot& parents
) {
    auto out = std::make_shared<NestedIndex>();
    out->path_ = path;
    KUMO_TRY(Builder(mapping, *out, parents).run());
    return std::shared_ptr<const NestedIndex>(std::move(out));
}

std::pair<search::DocId, search::DocId> NestedIndex::objects(std::size_t part, search::DocId parent)
    const {
    const auto& parents = parts_[part].parents;
    const auto range = std::equal_range(parents.begin(), parents.end(), parent);
    return {
        static_cast<search::DocId>(range.first - parents.begin()),
        static_cast<search::DocId>(range.second - parents.begin())};
}

Json NestedIndex::place(std::size_t part, search::DocId object) const {
    Json out;
    for (std::size_t level = levels_.size(); level-- > 0;) {
        const std::size_t above = level == 0 ? 0 : levels_[level - 1].size() + 1;
        Json one = Json::object(
            {{"field", levels_[level].substr(above)},
             {"offset", parts_[part].places[object * levels_.size() + level]}}
        );
        if (!out.is_null()) {
            one["_nested"] = std::move(out);
        }
        out = std::move(one);
    }
    return out;
}

search::tree::Matches NestedIndex::to_parents(
    std::size_t part,
    const search::tree::Matches& objects,
    const std::string& mode
) const {
    search::tree::Matches out;
    const auto& parents = parts_[part].parents;
    for (std::size_t i = 0; i < objects.size();) {
        const search::DocId parent = parents[objects.docs[i]];
        double sum = 0;
        float best = objects.score_at(i);
        float least = best;
        std::size_t count = 0;
        for (; i < objects.size() && parents[objects.docs[i]] == parent; ++i) {
            const float score = objects.score_at(i);
            sum += static_cast<double>(score);
            best = std::max(best, score);
            least = std::min(least, score);
            ++count;
        }
        double score = sum / static_cast<double>(count);
        if (mode == "sum") {
            score = sum;
        } else if (mode == "max") {
            score = static_cast<double>(best);
        } else if (mode == "min") {
            score = static_cast<double>(least);
        }
        out.add(parent, static_cast<float>(score));
    }
    return out;
}

std::vector<search::DocId>
NestedIndex::to_objects(std::size_t part, const std::vector<search::DocId>& parents) const {
    std::vector<search::DocId> out;
    for (const search::DocId parent : parents) {
        const auto [begin, end] = objects(part, parent);
        for (search::DocId object = begin; object < end; ++object) {
            out.push_back(object);
        }
    }
    return out;
}

Result<NestedIndexPtr> NestedIndices::of(
    const Mapping& mapping,
    const std::string& path,
    const search::Snapshot& parents
) {
    NestedIndexPtr& known = indices_[{&parents, path}];
    if (known == nullptr) {
        KUMO_TRY_ASSIGN(known, NestedIndex::make(mapping, path, parents));
    }
    return known;
}

std::shared_ptr<const search::Schema>
NestedIndices::schema(const Mapping& mapping, const std::string& path) {
    auto& known = schemas_[{&mapping, path}];
    if (known == nullptr) {
        known = nested_schema(mapping, path);
    }
    return known;
}

}  // namespace kumo::api_elastic
