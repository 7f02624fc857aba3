#include "search/query/hit_order.h"

#include "search/column/codes.h"
#include "search/join/joiner.h"
#include "search/query/filter_eval.h"
#include "search/query/geo_sort.h"
#include "search/query/matched_search.h"
#include "search/query/vector_search.h"
#include "search/vector/vector_column.h"

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

void set_joined_string(
    const JoinValues& values,
    const SortKey& sort,
    const RankedHit& hit,
    std::int64_t& number,
    std::string_view& text
) {
    if (values.has[hit.part].test(hit.doc)) {
        text = values.texts[hit.part][hit.doc];
    } else {
        number = sort.missing_first || sort.descending ? 1 : -1;
    }
}

/// SplitMix64's finalizer: every bit of the result depends on every bit of `x`.
std::uint64_t mix(std::uint64_t x) {
    x = (x ^ x >> 30U) * 0xBF58476D1CE4E5B9U;
    x = (x ^ x >> 27U) * 0x94D049BB133111EBU;
    return x ^ x >> 31U;
}

double apply(const Decay& decay, double value) {
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

std::vector<SortKey>
HitOrder::complete_keys(const Schema& schema, const SearchRequest& request, bool has_words) {
    std::vector<SortKey> sort = request.sort;
    const auto is_text = [](const SortKey& key) {
        return key.by == SortKey::By::kTextMatch;
    };
    const bool defaults = sort.empty();
    const bool by_text = std::any_of(sort.begin(), sort.end(), is_text);
    if (has_words && !by_text && sort.size() < kSortKeysMax) {
        sort.push_back({.by = SortKey::By::kTextMatch});
    }
    const bool by_distance = std::any_of(sort.begin(), sort.end(), [](const SortKey& key) {
        return key.by == SortKey::By::kVectorDistance;
    });
    if (request.vector && !by_distance && sort.size() < kSortKeysMax) {
        sort.push_back({.by = SortKey::By::kVectorDistance, .descending = false});
    }
    if (defaults && !schema.default_sorting_field.empty()) {
        sort.push_back({.field = *schema.find(schema.default_sorting_field)});
    }
    if (!has_words) {
        std::erase_if(sort, is_text);
    }
    return sort;
}

HitOrder::Kind HitOrder::kind_of(const Schema& schema, const SortKey& sort) {
    switch (sort.by) {
        case SortKey::By::kField:
            return schema.fields[sort.field].is_string() ? Kind::kString : Kind::kNumber;
        case SortKey::By::kTextMatch: return Kind::kTextMatch;
        case SortKey::By::kFilters: return Kind::kFilters;
        case SortKey::By::kRandom: return Kind::kRandom;
        case SortKey::By::kDecay: return Kind::kDecay;
        case SortKey::By::kGeoDistance: return Kind::kGeoDistance;
        case SortKey::By::kVectorDistance: return Kind::kVectorDistance;
        case SortKey::By::kVector: return Kind::kVector;
        case SortKey::By::kGroupFound: return Kind::kGroupFound;
        case SortKey::By::kJoined: return sort.values->strings ? Kind::kString : Kind::kJoined;
    }
    return Kind::kNumber;
}

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
    const Groups* groups,
    const VectorMatches* vectors
)
    : snapshot_(snapshot),
      groups_(groups),
      vectors_(vectors),
      fused_(vectors != nullptr && has_words),
      sorts_(complete_keys(*snapshot.schema, request, has_words)) {
    for (const SortKey& sort : sorts_) {
        Key& key = keys_.emplace_back(
            Key{kind_of(*snapshot.schema, sort), sort.descending, sort.missing_first}
        );
        open_columns(sort, key);
        evaluate_filters(sort, key);
        if (key.kind == Kind::kVector) {  // Whoever runs the search has seen that there is one.
            auto asked = query_vector(snapshot, *sort.vector);
            key.vector = asked.ok() ? std::move(asked.value().numbers) : std::vector<float>();
        }
        const bool buckets = sort.buckets > 0 || sort.bucket_size > 0;
        if (key.kind == Kind::kTextMatch && buckets && !bucketed_) {
            bucketed_ = keys_.size() - 1;
        }
    }
    has_first_number_ =
        !keys_.empty() && keys_[0].kind != Kind::kString && keys_[0].kind != Kind::kRandom;
}

void HitOrder::open_columns(const SortKey& sort, Key& key) const {
    const bool has_field = key.kind == Kind::kNumber || key.kind == Kind::kString
                           || key.kind == Kind::kDecay || key.kind == Kind::kGeoDistance;
    for (std::size_t p = 0; has_field && sort.values == nullptr && p < snapshot_.parts.size();
         ++p) {
        key.columns.push_back(snapshot_.parts[p].segment->columns[sort.field].get());
    }
}

void HitOrder::evaluate_filters(const SortKey& sort, Key& key) const {
    if (key.kind != Kind::kFilters) {
        return;
    }
    const SchemaAnalyzer analyzer(*snapshot_.schema);
    for (const Snapshot::Part& part : snapshot_.parts) {
        std::vector<Bitmap>& passing = key.passing.emplace_back();
        for (const ScoredFilter& scored : sort.filters) {
            passing.push_back(evaluate(scored.filter, analyzer, *part.segment));
        }
    }
}

std::int64_t HitOrder::score_by_filters(std::size_t k, const RankedHit& hit) const {
    const std::vector<Bitmap>& passing = keys_[k].passing[hit.part];
    for (std::size_t i = 0; i < passing.size(); ++i) {
        if (passing[i].test(hit.doc)) {
            return sorts_[k].filters[i].score;
        }
    }
    return 0;
}

/// Nothing for a document without a vector, and beyond the threshold.
std::optional<float> HitOrder::vector_distance(std::size_t k, const RankedHit& hit) const {
    const VectorRequest& asked = *sorts_[k].vector;
    const std::vector<float>& query = keys_[k].vector;
    const float* const vector =
        snapshot_.parts[hit.part].segment->vectors[asked.field]->vector_of(hit.doc);
    if (vector == nullptr || query.empty()) {
        return std::nullopt;
    }
    const VectorSpace space{static_cast<std::uint32_t>(query.size())};
    const float distance = space.distance(query.data(), vector);
    return distance <= asked.distance_threshold ? std::optional(distance) : std::nullopt;
}

std::int64_t HitOrder::decayed(std::size_t k, std::int64_t code) const {
    const bool is_float = snapshot_.schema->fields[sorts_[k].field].type == ValueType::kFloat;
    const double number = is_float ? double_of_code(code) : static_cast<double>(code);
    return code_of_double(apply(sorts_[k].decay, number));
}

/// The same at all nodes: it follows from the shard and the order of arrival there.
std::int64_t HitOrder::shuffled(std::size_t k, const ScoredHit& hit) const {
    const std::uint64_t shard = snapshot_.parts[hit.hit.part].shard;
    const std::uint64_t seed = mix(sorts_[k].seed.value_or(0));
    return static_cast<std::int64_t>(mix(mix(seed ^ shard) + static_cast<std::uint64_t>(hit.order))
    );
}

std::int64_t HitOrder::number_of(std::size_t k, const RankedHit& hit) const {
    const Key& key = keys_[k];
    if (key.kind == Kind::kTextMatch) {
        if (hit.match == nullptr) {
            return in_order(key, 0);
        }
        return in_order(
            key,
            fused_ ? code_of_double(hit.match->fused) : static_cast<std::int64_t>(hit.match->score)
        );
    }
    if (key.kind != Kind::kNumber) {
        return other_number_of(k, hit);
    }
    const auto code = key.columns[hit.part]->first(hit.doc);
    return code ? in_order(key, *code) : (key.missing_first ? kBest : kWorst);
}

std::int64_t HitOrder::other_number_of(std::size_t k, const RankedHit& hit) const {
    const Key& key = keys_[k];
    if (key.kind == Kind::kFilters) {
        return in_order(key, score_by_filters(k, hit));
    }
    if (key.kind == Kind::kGroupFound) {
        const std::uint64_t found = groups_->found(groups_->of(hit.part, hit.doc));
        return in_order(key, static_cast<std::int64_t>(found));
    }
    if (key.kind == Kind::kVectorDistance || key.kind == Kind::kVector) {
        const auto distance = key.kind == Kind::kVector ? vector_distance(k, hit)
                                                        : vectors_->distance(hit.part, hit.doc);
        return distance ? in_order(key, code_of_double(static_cast<double>(*distance))) : kWorst;
    }
    if (key.kind == Kind::kJoined) {
        const JoinValues& values = *sorts_[k].values;
        return values.has[hit.part].test(hit.doc) ? in_order(key, values.numbers[hit.part][hit.doc])
                                                  : (key.missing_first ? kBest : kWorst);
    }
    if (key.kind == Kind::kGeoDistance) {
        const auto meters = distance_of(sorts_[k].geo, *key.columns[hit.part], hit.doc);
        return meters ? in_order(key, *meters) : (key.missing_first ? kBest : kWorst);
    }
    const auto code = key.columns[hit.part]->first(hit.doc);
    return code ? in_order(key, decayed(k, *code)) : (key.missing_first ? kBest : kWorst);
}

ScoredHit HitOrder::score(std::size_t part, DocId doc, const Match* match) const {
    ScoredHit out;
    out.hit = {part, doc, match};
    out.order = snapshot_.parts[part].segment->order->first(doc).value_or(0);
    for (std::size_t k = 0; k < keys_.size(); ++k) {
        const Key& key = keys_[k];
        if (key.kind == Kind::kString && sorts_[k].values != nullptr) {
            set_joined_string(
                *sorts_[k].values,
                sorts_[k],
                out.hit,
                out.numbers[k],
                out.strings[k]
            );
        } else if (key.kind == Kind::kString) {
            set_string(*key.columns[part], sorts_[k], doc, out.numbers[k], out.strings[k]);
        } else if (key.kind == Kind::kRandom) {
            out.numbers[k] = in_order(key, shuffled(k, out));
        } else {
            out.numbers[k] = number_of(k, out.hit);
        }
    }
    return out;
}

std::string HitOrder::types() const {
    std::string out;
    for (std::size_t k = 0; k < keys_.size(); ++k) {
        out += out.empty() ? "" : ", ";
        switch (keys_[k].kind) {
            case Kind::kTextMatch: out += "text_match"; break;
            case Kind::kFilters: out += "eval"; break;
            case Kind::kRandom: out += "random"; break;
            case Kind::kDecay: out += "decay"; break;
            case Kind::kGeoDistance: out += "distance"; break;
            case Kind::kVectorDistance:
            case Kind::kVector: out += "vector_distance"; break;
            case Kind::kGroupFound: out += "group_found"; break;
            case Kind::kJoined: out += "joined"; break;
            case Kind::kString: out += "string"; break;
            case Kind::kNumber:
                out += name_of_numbers(snapshot_.schema->fields[sorts_[k].field]);
                break;
        }
        out += keys_[k].descending ? ":desc" : ":asc";
    }
    return out;
}

void HitOrder::apply_buckets(std::vector<ScoredHit>& hits) const {
    if (!bucketed_) {
        return;
    }
    const SortKey& key = sorts_[*bucketed_];
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
