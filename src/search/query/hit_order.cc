#include "search/query/hit_order.h"

#include "search/column/codes.h"
#include "search/query/filter_eval.h"
#include "search/query/matched_search.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace kumo::search {

namespace {

constexpr std::int64_t kBest = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kWorst = std::numeric_limits<std::int64_t>::min();

/// A missing string ranks above every string there is, unless the request says otherwise.
void set_string(
    const ColumnReader& column,
    const SortKey& sort,
    DocId doc,
    std::int64_t& number,
    std::string_view& text
) {
    if (const auto ordinal = column.first(doc)) {
        text = column.string(static_cast<std::uint32_t>(*ordinal));
        return;
    }
    number = sort.missing_first || sort.descending ? 1 : -1;
}

/// SplitMix64's finalizer: every bit of the result depends on every bit of `x`.
std::uint64_t mix(std::uint64_t x) {
    x = (x ^ x >> 30U) * 0xBF58476D1CE4E5B9U;
    x = (x ^ x >> 27U) * 0x94D049BB133111EBU;
    return x ^ x >> 31U;
}

double decayed(const Decay& decay, double value) {
    const double distance = std::max(0.0, std::abs(value - decay.origin) - decay.offset);
    const double scales = distance / decay.scale;
    switch (decay.function) {
        case Decay::Function::kGauss: return std::exp(std::log(decay.decay) * scales * scales);
        case Decay::Function::kExponential: return std::exp(std::log(decay.decay) * scales);
        case Decay::Function::kLinear: return std::max(0.0, 1 - (1 - decay.decay) * scales);
        case Decay::Function::kDifference: return distance;
    }
    return 0;
}

/// Numbers of one name compare with each other.
std::string_view name_of_numbers(const Field& field) {
    if (field.type == ValueType::kFloat) {
        return "float";
    }
    return field.type == ValueType::kBool ? "bool" : "integer";
}

}  // namespace

std::vector<HitOrder::Key>
HitOrder::complete_keys(const Schema& schema, const SearchRequest& request, bool has_words) {
    std::vector<SortKey> sort = request.sort;
    const auto by_text = std::find_if(sort.begin(), sort.end(), [](const SortKey& key) {
        return key.by == SortKey::By::kTextMatch;
    });
    const bool defaults = sort.empty();
    if (has_words && by_text == sort.end() && sort.size() < kSortKeysMax) {
        sort.push_back({.by = SortKey::By::kTextMatch});
    }
    if (defaults && !schema.default_sorting_field.empty()) {
        sort.push_back({.field = *schema.find(schema.default_sorting_field)});
    }
    std::vector<Key> keys;
    for (const SortKey& key : sort) {
        switch (key.by) {
            case SortKey::By::kTextMatch:
                if (has_words) {
                    keys.push_back({key, Kind::kTextMatch});
                }
                break;
            case SortKey::By::kField: {
                const bool text = schema.fields[key.field].is_string();
                keys.push_back({key, text ? Kind::kString : Kind::kNumber});
                break;
            }
            case SortKey::By::kFilters: keys.push_back({key, Kind::kFilters}); break;
            case SortKey::By::kRandom: keys.push_back({key, Kind::kRandom}); break;
            case SortKey::By::kDecay: keys.push_back({key, Kind::kDecay}); break;
            case SortKey::By::kGroupFound: keys.push_back({key, Kind::kGroupFound}); break;
        }
    }
    return keys;
}

/// Compares as strings are sorted for people: ASCII letters without case, then by bytes.
int HitOrder::compare_text(std::string_view a, std::string_view b) {
    const auto lower = [](char c) {
        return static_cast<unsigned char>(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
    };
    const std::size_t common = std::min(a.size(), b.size());
    for (std::size_t i = 0; i < common; ++i) {
        const unsigned char x = lower(a[i]);
        const unsigned char y = lower(b[i]);
        if (x != y) {
            return x < y ? -1 : 1;
        }
    }
    return a.size() == b.size() ? 0 : (a.size() < b.size() ? -1 : 1);
}

HitOrder::HitOrder(
    const Snapshot& snapshot,
    const SearchRequest& request,
    bool has_words,
    const Groups* groups
)
    : snapshot_(snapshot),
      groups_(groups),
      keys_(complete_keys(*snapshot.schema, request, has_words)) {
    for (Key& key : keys_) {
        if (key.kind == Kind::kFilters) {
            evaluate_filters(key);
        }
    }
    for (std::size_t k = 0; k < keys_.size() && !bucketed_; ++k) {
        const SortKey& sort = keys_[k].sort;
        if (keys_[k].kind == Kind::kTextMatch && (sort.buckets > 0 || sort.bucket_size > 0)) {
            bucketed_ = k;
        }
    }
}

void HitOrder::evaluate_filters(Key& key) const {
    const Analyzer analyzer = analyzer_for(*snapshot_.schema);
    for (const Snapshot::Part& part : snapshot_.parts) {
        std::vector<Bitmap>& passing = key.passing.emplace_back();
        for (const ScoredFilter& scored : key.sort.filters) {
            passing.push_back(evaluate(scored.filter, analyzer, *part.segment));
        }
    }
}

std::int64_t HitOrder::score_by_filters(const Key& key, const RankedHit& hit) const {
    const std::vector<Bitmap>& passing = key.passing[hit.part];
    for (std::size_t i = 0; i < passing.size(); ++i) {
        if (passing[i].test(hit.doc)) {
            return key.sort.filters[i].score;
        }
    }
    return 0;
}

std::optional<std::int64_t> HitOrder::number_in_column(const Key& key, const RankedHit& hit) const {
    const std::size_t field = key.sort.field;
    const auto code = snapshot_.parts[hit.part].segment->columns[field]->first(hit.doc);
    if (!code || key.kind != Kind::kDecay) {
        return code;
    }
    const bool is_float = snapshot_.schema->fields[field].type == ValueType::kFloat;
    const double number = is_float ? double_of_code(*code) : static_cast<double>(*code);
    return code_of_double(decayed(key.sort.decay, number));
}

/// The same at all nodes: it follows from the shard and the order of arrival there.
std::uint64_t HitOrder::shuffled(std::uint64_t seed, const ScoredHit& hit) const {
    const std::uint64_t shard = snapshot_.parts[hit.hit.part].shard;
    return mix(mix(mix(seed) ^ shard) + static_cast<std::uint64_t>(hit.order));
}

std::int64_t HitOrder::number_of(const Key& key, const ScoredHit& scored) const {
    const SortKey& sort = key.sort;
    const RankedHit& hit = scored.hit;
    std::int64_t value = 0;
    switch (key.kind) {
        case Kind::kTextMatch:
            value = hit.match != nullptr ? static_cast<std::int64_t>(hit.match->score) : 0;
            break;
        case Kind::kNumber:
        case Kind::kDecay: {
            const auto number = number_in_column(key, hit);
            if (!number) {
                return sort.missing_first ? kBest : kWorst;
            }
            value = *number;
            break;
        }
        case Kind::kFilters: value = score_by_filters(key, hit); break;
        case Kind::kRandom:
            value = static_cast<std::int64_t>(shuffled(sort.seed.value_or(0), scored));
            break;
        case Kind::kGroupFound:
            value = static_cast<std::int64_t>(groups_->found(groups_->of(hit.part, hit.doc)));
            break;
        case Kind::kString: return 0;
    }
    // ~ rather than -: it has no overflow and reverses the order just as well.
    return sort.descending ? value : ~value;
}

ScoredHit HitOrder::score(std::size_t part, DocId doc, const Match* match) const {
    const SegmentReader& segment = *snapshot_.parts[part].segment;
    ScoredHit out;
    out.hit = {part, doc, match, false};
    out.order = segment.order->first(doc).value_or(0);
    for (std::size_t k = 0; k < keys_.size(); ++k) {
        const Key& key = keys_[k];
        if (key.kind == Kind::kString) {
            const ColumnReader& column = *segment.columns[key.sort.field];
            set_string(column, key.sort, doc, out.numbers[k], out.strings[k]);
        } else {
            out.numbers[k] = number_of(key, out);
        }
    }
    return out;
}

std::string HitOrder::types() const {
    std::string out;
    for (const Key& key : keys_) {
        out += out.empty() ? "" : ", ";
        switch (key.kind) {
            case Kind::kTextMatch: out += "text_match"; break;
            case Kind::kFilters: out += "eval"; break;
            case Kind::kRandom: out += "random"; break;
            case Kind::kDecay: out += "decay"; break;
            case Kind::kGroupFound: out += "group_found"; break;
            case Kind::kString: out += "string"; break;
            case Kind::kNumber:
                out += name_of_numbers(snapshot_.schema->fields[key.sort.field]);
                break;
        }
        out += key.sort.descending ? ":desc" : ":asc";
    }
    return out;
}

void HitOrder::apply_buckets(std::vector<ScoredHit>& hits) const {
    if (!bucketed_) {
        return;
    }
    const SortKey& key = keys_[*bucketed_].sort;
    const std::size_t size =
        key.buckets > 0 ? (hits.size() + key.buckets - 1) / key.buckets : key.bucket_size;
    if (size == 0) {
        return;
    }
    const auto buckets = static_cast<std::int64_t>(hits.size() / size + 1);
    for (std::size_t i = 0; i < hits.size(); ++i) {
        hits[i].numbers[*bucketed_] = buckets - static_cast<std::int64_t>(i / size);
    }
    std::stable_sort(hits.begin(), hits.end(), [&](const ScoredHit& a, const ScoredHit& b) {
        return better(a, b);
    });
}

}  // namespace kumo::search
