#include "search/aggregation/values.h"

#include "search/column/codes.h"

#include <algorithm>
#include <utility>

namespace kumo::search::aggregation {

std::uint64_t count_of(const DocSet& docs) {
    std::uint64_t out = 0;
    for (const PartDocs& part : docs) {
        out += part.docs.size();
    }
    return out;
}

Status Run::check() {
    if (options_.cancel != nullptr && options_.cancel->load(std::memory_order_relaxed)) {
        return Error{ErrorCode::kUnavailable, "the search was cancelled"};
    }
    if (options_.deadline != nullptr && options_.deadline->passed()) {
        return Error{ErrorCode::kTimeout, "the search took too long"};
    }
    return {};
}

Status Run::add_buckets(std::uint64_t count) {
    buckets_ += count;
    if (buckets_ > options_.buckets_max) {
        return Error{
            ErrorCode::kLimitExceeded,
            "Trying to create too many buckets. Must be less than or equal to: ["
                + std::to_string(options_.buckets_max) + "] but was [" + std::to_string(buckets_)
                + "]. This limit can be set by changing the [search.max_buckets] cluster level "
                  "setting."
        };
    }
    return {};
}

std::uint64_t Run::weight_in(const SegmentReader& segment, std::size_t field, DocId doc) {
    const ColumnReader* column =
        field < segment.columns.size() ? segment.columns[field].get() : nullptr;
    const auto weight = column != nullptr ? column->first(doc) : std::nullopt;
    return weight && *weight > 0 ? static_cast<std::uint64_t>(*weight) : 1;
}

bool Run::weighted() const {
    return std::any_of(indices_.begin(), indices_.end(), [](const IndexInput& index) {
        return index.weight_field.has_value();
    });
}

std::uint64_t Run::weight_of(const DocSet& docs) const {
    std::uint64_t out = 0;
    for (const PartDocs& part : docs) {
        if (!indices_[part.index].weight_field) {
            out += part.docs.size();
            continue;
        }
        for (const DocId doc : part.docs) {
            out += weight_of(part, doc);
        }
    }
    return out;
}

DocSet Run::everything() const {
    DocSet out;
    for (std::size_t i = 0; i < indices_.size(); ++i) {
        if (indices_[i].objects) {
            continue;
        }
        const auto& parts = snapshot(i).parts;
        for (std::size_t p = 0; p < parts.size(); ++p) {
            PartDocs docs{i, p, {}, {}};
            for (DocId doc = 0; doc < parts[p].segment->doc_count; ++doc) {
                if (!parts[p].deleted.test(doc)) {
                    docs.docs.push_back(doc);
                }
            }
            out.push_back(std::move(docs));
        }
    }
    return out;
}

double number_of(const Key& key) {
    if (const auto* integer = std::get_if<std::int64_t>(&key)) {
        return static_cast<double>(*integer);
    }
    if (const auto* natural = std::get_if<std::uint64_t>(&key)) {
        return static_cast<double>(*natural);
    }
    if (const auto* real = std::get_if<double>(&key)) {
        return *real;
    }
    return 0;
}

bool less(const Key& a, const Key& b) {
    const auto* left = std::get_if<std::string>(&a);
    const auto* right = std::get_if<std::string>(&b);
    if (left != nullptr && right != nullptr) {
        return *left < *right;
    }
    if (left != nullptr || right != nullptr) {
        return right != nullptr;
    }
    return a.index() == b.index() ? a < b : number_of(a) < number_of(b);
}

namespace {

std::uint64_t natural_of(std::int64_t code) {
    return static_cast<std::uint64_t>(code) ^ (std::uint64_t{1} << 63);
}

std::int64_t floor_divided(std::int64_t value, std::int64_t by) {
    return value / by - (value % by < 0 ? 1 : 0);
}

}  // namespace

void ValuesReader::open(const PartDocs& part) {
    part_ = &part;
    column_ = nullptr;
    source_ =
        part.index < values_.by_index.size() ? values_.by_index[part.index] : Values::Source{};
    const auto& columns = run_.segment(part.index, part.part).columns;
    if (source_.field < columns.size()) {
        column_ = columns[source_.field].get();
    }
}

double ValuesReader::number_of_code(std::int64_t code) const {
    switch (source_.kind) {
        case ValueKind::kReal: return double_of_code(code);
        case ValueKind::kUnsigned: return static_cast<double>(natural_of(code));
        default:
            return static_cast<double>(
                source_.divisor == 1 ? code : floor_divided(code, source_.divisor)
            );
    }
}

Key ValuesReader::key_of(std::int64_t code) const {
    if (source_.kind == ValueKind::kString) {
        return std::string(column_->string(static_cast<std::uint32_t>(code)));
    }
    if (values_.kind == ValueKind::kReal) {
        return number_of_code(code);
    }
    if (source_.kind == ValueKind::kUnsigned) {
        return natural_of(code);
    }
    return source_.divisor == 1 ? code : floor_divided(code, source_.divisor);
}

Status ValuesReader::numbers(DocId doc, std::vector<double>& out) {
    out.clear();
    if (values_.computed) {
        KUMO_TRY(values_.computed(run_, *part_, doc, out));
    } else if (column_ != nullptr && source_.kind != ValueKind::kString && source_.kind != ValueKind::kPoint) {
        const auto range = column_->values_of(doc);
        for (std::uint64_t i = range.begin; i < range.end; ++i) {
            out.push_back(number_of_code(column_->value(i)));
        }
    }
    if (out.empty() && values_.missing) {
        out.push_back(number_of(*values_.missing));
    }
    return {};
}

Status ValuesReader::keys(DocId doc, std::vector<Key>& out) {
    out.clear();
    if (values_.computed) {
        computed_.clear();
        KUMO_TRY(values_.computed(run_, *part_, doc, computed_));
        out.assign(computed_.begin(), computed_.end());
    } else if (values_.words) {
        words_.clear();
        KUMO_TRY(values_.words(run_, *part_, doc, words_));
        out.assign(words_.begin(), words_.end());
    } else if (column_ != nullptr) {
        const auto range = column_->values_of(doc);
        for (std::uint64_t i = range.begin; i < range.end; ++i) {
            out.push_back(key_of(column_->value(i)));
        }
    }
    if (out.empty() && values_.missing) {
        out.push_back(*values_.missing);
    }
    if (out.size() > 1) {
        std::sort(out.begin(), out.end(), less);
        out.erase(std::unique(out.begin(), out.end()), out.end());
    }
    return {};
}

bool ValuesReader::points(DocId doc, std::vector<GeoPoint>& out) const {
    out.clear();
    if (column_ != nullptr && source_.kind == ValueKind::kPoint) {
        const auto range = column_->values_of(doc);
        for (std::uint64_t i = range.begin; i < range.end; ++i) {
            out.push_back(point_of_code(column_->value(i)));
        }
    }
    return !out.empty();
}

bool ValuesReader::has_value(DocId doc) const {
    return values_.missing.has_value()
           || (column_ != nullptr && column_->values_of(doc).size() > 0);
}

}  // namespace kumo::search::aggregation
