#include "search/query/facets.h"

#include "search/analysis/code_points.h"
#include "search/column/codes.h"
#include "wire/json.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <unordered_map>
#include <utility>

namespace kumo::search {

namespace {

std::string format_code(const Field& field, std::int64_t code) {
    if (field.type == ValueType::kBool) {
        return code != 0 ? "true" : "false";
    }
    std::array<char, 32> buffer{};
    char* const end =
        field.type == ValueType::kFloat
            ? std::to_chars(buffer.data(), buffer.data() + buffer.size(), double_of_code(code)).ptr
            : std::to_chars(buffer.data(), buffer.data() + buffer.size(), code).ptr;
    return {buffer.data(), end};
}

double number_of(const Field& field, std::int64_t code) {
    return field.type == ValueType::kFloat ? double_of_code(code) : static_cast<double>(code);
}

template <typename Visit>
void for_each_value_of(
    const std::vector<PartMatches>& parts,
    const Snapshot& snapshot,
    std::size_t field,
    Visit visit
) {
    for (std::size_t p = 0; p < parts.size(); ++p) {
        const ColumnReader& column = *snapshot.parts[p].segment->columns[field];
        parts[p].matched.for_each([&](std::size_t doc) {
            const auto range = column.values_of(static_cast<DocId>(doc));
            for (std::uint64_t i = range.begin; i < range.end; ++i) {
                visit(p, static_cast<DocId>(doc), column.value(i));
            }
        });
    }
}

template <typename Visit>
void for_each_value(
    const std::vector<PartMatches>& parts,
    const Snapshot& snapshot,
    std::size_t field,
    Visit visit
) {
    for_each_value_of(parts, snapshot, field, [&](std::size_t, DocId, std::int64_t code) {
        visit(code);
    });
}

/// Counts the groups that have each of some things, each group once.
class GroupCounter {
public:
    explicit GroupCounter(const Groups& groups) : groups_(groups) {}

    void add(std::size_t thing, std::size_t part, DocId doc) {
        pairs_.emplace_back(static_cast<std::uint32_t>(thing), groups_.of(part, doc));
    }

    std::vector<std::uint64_t> counts(std::size_t things) {
        std::sort(pairs_.begin(), pairs_.end());
        pairs_.erase(std::unique(pairs_.begin(), pairs_.end()), pairs_.end());
        std::vector<std::uint64_t> out(things);
        for (const auto& [thing, group] : pairs_) {
            ++out[thing];
        }
        return out;
    }

private:
    const Groups& groups_;
    std::vector<std::pair<std::uint32_t, GroupId>> pairs_;
};

/// The groups that have each value.
std::vector<FacetValue> count_value_groups(
    const Snapshot& snapshot,
    const std::vector<PartMatches>& parts,
    std::size_t field,
    const Groups& groups
) {
    const Field& declared = snapshot.schema->fields[field];
    ValueNumbers numbers(snapshot, field);
    GroupCounter counter(groups);
    std::vector<FacetValue> out;
    for_each_value_of(parts, snapshot, field, [&](std::size_t part, DocId doc, std::int64_t code) {
        const std::uint32_t number = numbers.of(part, code);
        if (number == out.size()) {
            const ColumnReader& column = *snapshot.parts[part].segment->columns[field];
            FacetValue& value = out.emplace_back();
            value.value = declared.is_string()
                              ? std::string(column.string(static_cast<std::uint32_t>(code)))
                              : format_code(declared, code);
        }
        counter.add(number, part, doc);
    });
    const std::vector<std::uint64_t> counts = counter.counts(out.size());
    for (std::size_t i = 0; i < out.size(); ++i) {
        out[i].count = counts[i];
    }
    return out;
}

/// A value that lies in a segment: most are dropped before they are worth a copy.
struct CountedString {
    std::string_view value;
    std::uint64_t count;
};

/// Adds the counts of each value in `more`, which has each once.
void add_counts(const std::vector<CountedString>& more, std::vector<CountedString>& onto) {
    if (onto.empty() || more.empty()) {
        onto.insert(onto.end(), more.begin(), more.end());
        return;
    }
    std::unordered_map<std::string_view, std::uint64_t> fewer;
    fewer.reserve(more.size());
    for (const CountedString& one : more) {
        fewer.emplace(one.value, one.count);
    }
    for (CountedString& one : onto) {
        if (const auto at = fewer.find(one.value); at != fewer.end()) {
            one.count += at->second;
            fewer.erase(at);
        }
    }
    for (const auto& [value, count] : fewer) {
        onto.push_back({value, count});
    }
}

/// The strings that documents of one part have.
std::vector<CountedString> count_part(const ColumnReader& column, const Bitmap& docs) {
    std::vector<std::uint32_t> counts(column.string_count());
    column.count_values(docs, counts);
    std::vector<CountedString> out;
    for (std::uint32_t ordinal = 0; ordinal < counts.size(); ++ordinal) {
        if (counts[ordinal] > 0) {
            out.push_back({column.string(ordinal), counts[ordinal]});
        }
    }
    return out;
}

/// Sealed segments and which documents of them count.
struct SealedPart {
    const ColumnReader* column;
    const Bitmap* docs;
};

/// The strings of several sealed segments, by what the index knows of them, added to those of other
/// parts.
std::vector<CountedString> count_numbered(
    const StringNumbers& numbers,
    const std::vector<SealedPart>& parts,
    std::vector<CountedString> out
) {
    std::vector<std::uint64_t> totals(numbers.count());
    std::vector<std::uint32_t> counts;
    for (std::size_t p = 0; p < parts.size(); ++p) {
        const std::span<const std::uint32_t> of = numbers.of(p);
        counts.assign(of.size(), 0);
        parts[p].column->count_values(*parts[p].docs, counts);
        for (std::size_t ordinal = 0; ordinal < of.size(); ++ordinal) {
            totals[of[ordinal]] += counts[ordinal];
        }
    }
    for (CountedString& one : out) {
        if (const auto number = numbers.find(one.value)) {
            one.count += std::exchange(totals[*number], 0);
        }
    }
    for (std::uint32_t number = 0; number < totals.size(); ++number) {
        if (totals[number] > 0) {
            out.push_back({numbers.string(number), totals[number]});
        }
    }
    return out;
}

std::vector<CountedString>
count_strings(const Snapshot& snapshot, const std::vector<PartMatches>& parts, std::size_t field) {
    StringNumbers::Columns columns;
    std::vector<SealedPart> sealed;
    std::vector<CountedString> out;
    for (std::size_t p = 0; p < parts.size(); ++p) {
        const ColumnReader& column = *snapshot.parts[p].segment->columns[field];
        if (snapshot.numbers != nullptr && column.strings_sorted()) {
            columns.push_back(&column);
            sealed.push_back({&column, &parts[p].matched});
        } else {
            add_counts(count_part(column, parts[p].matched), out);
        }
    }
    if (const auto numbers = sealed.size() > 1 ? snapshot.numbers->of(columns) : nullptr) {
        return count_numbered(*numbers, sealed, std::move(out));
    }
    for (const SealedPart& part : sealed) {
        add_counts(count_part(*part.column, *part.docs), out);
    }
    return out;
}

std::vector<FacetValue> copied(const std::vector<CountedString>& values) {
    std::vector<FacetValue> out;
    out.reserve(values.size());
    for (const CountedString& value : values) {
        out.push_back({std::string(value.value), {}, value.count});
    }
    return out;
}

std::vector<FacetValue> count_numbers(
    const Snapshot& snapshot,
    const std::vector<PartMatches>& parts,
    std::size_t field,
    FacetResult& result
) {
    const Field& declared = snapshot.schema->fields[field];
    std::unordered_map<std::int64_t, std::uint64_t> totals;
    for_each_value(parts, snapshot, field, [&](std::int64_t code) { ++totals[code]; });
    std::vector<FacetValue> out;
    FacetStats stats;
    std::uint64_t values = 0;
    for (const auto& [code, count] : totals) {
        const double number = number_of(declared, code);
        stats.min = values == 0 ? number : std::min(stats.min, number);
        stats.max = values == 0 ? number : std::max(stats.max, number);
        stats.sum += number * static_cast<double>(count);
        values += count;
        out.push_back({format_code(declared, code), {}, count});
    }
    if (declared.is_number() && values > 0) {
        stats.avg = stats.sum / static_cast<double>(values);
        result.stats = stats;
    }
    return out;
}

std::vector<FacetValue> count_ranges(
    const Snapshot& snapshot,
    const std::vector<PartMatches>& parts,
    const FacetRequest& facet,
    const Groups* groups
) {
    std::vector<FacetValue> out;
    for (const FacetRange& range : facet.ranges) {
        out.push_back({range.label, {}, 0});
    }
    std::optional<GroupCounter> counter;
    if (groups != nullptr) {
        counter.emplace(*groups);
    }
    const auto visit = [&](std::size_t part, DocId doc, std::int64_t code) {
        for (std::size_t i = 0; i < facet.ranges.size(); ++i) {
            if (code < facet.ranges[i].from || code >= facet.ranges[i].to) {
                continue;
            }
            ++out[i].count;
            if (counter) {
                counter->add(i, part, doc);
            }
        }
    };
    for_each_value_of(parts, snapshot, facet.field, visit);
    if (counter) {
        const std::vector<std::uint64_t> counts = counter->counts(out.size());
        for (std::size_t i = 0; i < out.size(); ++i) {
            out[i].count = counts[i];
        }
    }
    std::erase_if(out, [](const FacetValue& value) { return value.count == 0; });
    return out;
}

/// Optimal string alignment distance between `query` and the nearest prefix of `word`, over bytes
/// (both are folded, nearly always ASCII). At most `limit` matters.
std::uint32_t prefix_distance(std::string_view query, std::string_view word, std::uint32_t limit) {
    word = word.substr(0, query.size() + limit);
    std::vector<std::vector<std::uint32_t>> rows(
        word.size() + 1,
        std::vector<std::uint32_t>(query.size() + 1)
    );
    std::uint32_t best = static_cast<std::uint32_t>(query.size());
    for (std::size_t i = 0; i <= word.size(); ++i) {
        for (std::size_t j = 0; j <= query.size(); ++j) {
            if (i == 0 || j == 0) {
                rows[i][j] = static_cast<std::uint32_t>(i + j);
                continue;
            }
            const std::uint32_t change = word[i - 1] == query[j - 1] ? 0 : 1;
            std::uint32_t least =
                std::min({rows[i - 1][j] + 1, rows[i][j - 1] + 1, rows[i - 1][j - 1] + change});
            if (i > 1 && j > 1 && word[i - 1] == query[j - 2] && word[i - 2] == query[j - 1]) {
                least = std::min(least, rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = least;
        }
        best = std::min(best, rows[i][query.size()]);
    }
    return best;
}

/// Keeps the values of which some word starts with each word of the facet query, a few typos
/// allowed where nothing starts that way exactly, and marks those words.
void keep_matching(
    const FacetRequest& facet,
    const Analyzer& analyzer,
    std::vector<FacetValue>& values
) {
    TokenBuffer query;
    analyzer.analyze(facet.query, query);
    std::vector<FacetValue> kept;
    const std::uint32_t typos_max = std::min(facet.query_num_typos, 2U);
    for (std::uint32_t typos = 0; typos <= typos_max && kept.empty(); ++typos) {
        for (const FacetValue& value : values) {
            TokenBuffer words;
            analyzer.analyze(value.value, words);
            FoundWords found;
            bool all = true;
            for (const AnalyzedToken& wanted : query.tokens) {
                const std::string_view term = query.term(wanted);
                const std::uint32_t allowed =
                    term.size() < 4 ? 0 : (term.size() < 7 ? std::min(typos, 1U) : typos);
                const auto word =
                    std::find_if(words.tokens.begin(), words.tokens.end(), [&](const auto& w) {
                        return prefix_distance(term, words.term(w), allowed) <= allowed;
                    });
                all = all && word != words.tokens.end();
                if (word != words.tokens.end()) {
                    found.words.emplace(words.term(*word), FoundWord{code_points(term)});
                }
            }
            if (all) {
                static const HighlightOptions kMarks;
                kept.push_back(value);
                kept.back().highlighted =
                    Highlighter(kMarks, std::move(found)).mark(analyzer, value.value);
            }
        }
    }
    values = std::move(kept);
}

/// Leaves the first `keep` in order.
template <typename Value>
void order_values(std::vector<Value>& values, FacetRequest::Order order, std::size_t keep) {
    const auto before = [order](const Value& a, const Value& b) {
        if (order == FacetRequest::Order::kAlphaAscending) {
            return a.value < b.value;
        }
        if (order == FacetRequest::Order::kAlphaDescending) {
            return a.value > b.value;
        }
        if (a.count != b.count) {
            return a.count > b.count;
        }
        return a.value.size() != b.value.size() ? a.value.size() < b.value.size()
                                                : a.value > b.value;
    };
    const auto end = values.begin() + static_cast<std::ptrdiff_t>(std::min(keep, values.size()));
    std::partial_sort(values.begin(), end, values.end(), before);
    values.erase(end, values.end());
}

/// Finds the objects that have the values shown, each in the first document that has one.
class ParentFinder {
public:
    ParentFinder(const Snapshot& snapshot, std::size_t field, std::vector<FacetValue>& values)
        : snapshot_(snapshot), field_(field), declared_(snapshot.schema->fields[field]) {
        for (FacetValue& value : values) {
            missing_.emplace(value.value, &value);
        }
    }

    void run(const std::vector<PartMatches>& parts) {
        for (std::size_t p = 0; p < parts.size(); ++p) {
            const ColumnReader& column = *snapshot_.parts[p].segment->columns[field_];
            parts[p].matched.for_each([&](std::size_t doc) {
                const auto range = column.values_of(static_cast<DocId>(doc));
                for (std::uint64_t i = range.begin; i < range.end && !missing_.empty(); ++i) {
                    if (is_missing(column, column.value(i))) {
                        read(p, static_cast<DocId>(doc));
                        break;
                    }
                }
            });
        }
    }

private:
    bool is_missing(const ColumnReader& column, std::int64_t code) const {
        return missing_.contains(
            declared_.is_string() ? std::string(column.string(static_cast<std::uint32_t>(code)))
                                  : format_code(declared_, code)
        );
    }

    void read(std::size_t part, DocId doc) {
        std::string json;
        if (!snapshot_.parts[part].segment->stored->append(doc, json).ok()) {
            return;
        }
        const auto parsed = wire::JsonDocument::parse(json);
        if (parsed.ok()) {
            look_into(parsed.value().root(), declared_.name);
        }
    }

    /// For what is under the path in an object, or in those of an array.
    void look_into(wire::JsonValue value, std::string_view path) {
        if (value.is_array()) {
            for (const wire::JsonValue element : value.as_array()) {
                look_into(element, path);
            }
            return;
        }
        if (!value.is_object()) {
            return;
        }
        const std::size_t dot = path.find('.');
        const wire::JsonValue member = value.find(path.substr(0, dot));
        if (member && dot != std::string_view::npos) {
            look_into(member, path.substr(dot + 1));
        } else if (member) {
            note(member, value);
        }
    }

    void note(wire::JsonValue value, wire::JsonValue parent) {
        if (value.is_array()) {
            for (const wire::JsonValue element : value.as_array()) {
                note(element, parent);
            }
            return;
        }
        const auto found = missing_.find(text_of(value));
        if (found != missing_.end()) {
            found->second->parent = parent.raw();
            missing_.erase(found);
        }
    }

    std::string text_of(wire::JsonValue value) const {
        if (value.is_string()) {
            return std::string(value.as_string());
        }
        if (!value.is_number()) {
            return std::string(value.raw());
        }
        return declared_.type == ValueType::kFloat
                   ? format_code(declared_, code_of_double(value.as_double()))
                   : std::string(value.raw());
    }

    const Snapshot& snapshot_;
    std::size_t field_;
    const Field& declared_;
    std::unordered_map<std::string, FacetValue*> missing_;
};

/// Which values are shown, in which order.
void finish_facet(
    const FacetRequest& facet,
    std::uint32_t values_max,
    const Analyzer& analyzer,
    FacetResult& out
) {
    if (!facet.query.empty()) {
        keep_matching(facet, analyzer, out.counts);
        out.total_values = out.counts.size();
    }
    out.total_values = std::max<std::uint64_t>(out.total_values, out.counts.size());
    order_values(out.counts, facet.order, values_max);
    for (FacetValue& value : out.counts) {
        if (value.highlighted.empty()) {
            value.highlighted = value.value;
        }
    }
}

}  // namespace

FacetResult count_facet(
    const Snapshot& snapshot,
    const std::vector<PartMatches>& parts,
    const FacetRequest& facet,
    std::uint32_t values_max,
    const SchemaAnalyzer& analyzer,
    const Groups* groups
) {
    FacetResult out;
    out.field = facet.field;
    const bool strings = snapshot.schema->fields[facet.field].is_string();
    if (!facet.ranges.empty()) {
        out.counts = count_ranges(snapshot, parts, facet, groups);
        (void)count_numbers(snapshot, parts, facet.field, out);
    } else if (strings && groups == nullptr) {
        std::vector<CountedString> values = count_strings(snapshot, parts, facet.field);
        out.total_values = values.size();
        if (facet.query.empty()) {
            order_values(values, facet.order, values_max);
        }
        out.counts = copied(values);
    } else if (strings) {
        out.counts = count_value_groups(snapshot, parts, facet.field, *groups);
    } else {
        out.counts = count_numbers(snapshot, parts, facet.field, out);
        if (groups != nullptr) {
            out.counts = count_value_groups(snapshot, parts, facet.field, *groups);
        }
    }
    finish_facet(facet, values_max, analyzer.of(facet.field), out);
    const std::string& name = snapshot.schema->fields[facet.field].name;
    if (facet.return_parent && facet.ranges.empty() && snapshot.schema->enable_nested_fields
        && name.find('.') != std::string::npos) {
        ParentFinder(snapshot, facet.field, out.counts).run(parts);
    }
    return out;
}

namespace {

void add_joined_number(
    const Field& field,
    const FacetRequest& facet,
    std::pair<std::int64_t, std::uint64_t> counted,
    FacetResult& out
) {
    const auto [code, count] = counted;
    if (!facet.ranges.empty()) {
        if (count > 0) {
            out.counts.push_back({facet.ranges[static_cast<std::size_t>(code)].label, {}, count});
        }
        return;
    }
    out.counts.push_back({format_code(field, code), {}, count});
    if (!field.is_number()) {
        return;
    }
    const double number = number_of(field, code);
    FacetStats& stats = out.stats ? *out.stats : out.stats.emplace(FacetStats{number, number});
    stats.min = std::min(stats.min, number);
    stats.max = std::max(stats.max, number);
    stats.sum += number * static_cast<double>(count);
}

}  // namespace

FacetResult joined_facet(
    const Schema& there,
    const JoinCounts& counts,
    const FacetRequest& facet,
    std::uint32_t values_max
) {
    const SchemaAnalyzer analyzer(there);
    FacetResult out;
    out.field = facet.field;
    for (const auto& [value, count] : counts.strings) {
        out.counts.push_back({value, {}, count});
    }
    std::uint64_t values = 0;
    for (const auto& counted : counts.numbers) {
        add_joined_number(there.fields[facet.field], facet, counted, out);
        values += counted.second;
    }
    if (out.stats) {
        out.stats->avg = out.stats->sum / static_cast<double>(values);
    }
    finish_facet(facet, values_max, analyzer.of(facet.field), out);
    return out;
}

}  // namespace kumo::search
