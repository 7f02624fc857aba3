#include "search/query/element_filter.h"

#include "search/column/codes.h"
#include "search/query/filter_eval.h"
#include "search/schema/json_path.h"
#include "wire/json.h"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

namespace kumo::search {

namespace {

using wire::JsonValue;

/// Documents that may pass: what is asked for without objects being told apart. What is not to be
/// in an object may be in another one of the same document.
Bitmap
possible(const Filter& filter, const SchemaAnalyzer& analyzer, const SegmentReader& segment) {
    switch (filter.kind) {
        case Filter::Kind::kNot: return Bitmap(segment.doc_count, true);
        case Filter::Kind::kAnd: {
            Bitmap out(segment.doc_count, true);
            for (const Filter& child : filter.children) {
                out.intersect(possible(child, analyzer, segment));
            }
            return out;
        }
        case Filter::Kind::kOr: {
            Bitmap out(segment.doc_count);
            for (const Filter& child : filter.children) {
                out.unite(possible(child, analyzer, segment));
            }
            return out;
        }
        default: return evaluate(filter, analyzer, segment);
    }
}

std::optional<std::int64_t> code_of(JsonValue value, ValueType type) {
    if (type == ValueType::kBool) {
        return value.is_bool() ? std::optional<std::int64_t>(value.as_bool() ? 1 : 0)
                               : std::nullopt;
    }
    if (type == ValueType::kFloat) {
        return value.is_number() ? std::optional(code_of_double(value.as_double())) : std::nullopt;
    }
    return value.type() == wire::JsonType::kInt64 ? std::optional(value.as_int64()) : std::nullopt;
}

/// One filter over single objects. Stateless but for scratch space.
class ElementMatcher {
public:
    explicit ElementMatcher(const SchemaAnalyzer& analyzer) : analyzer_(analyzer) {}

    bool passes(const Filter& filter, JsonValue object) {
        const auto child_passes = [&](const Filter& child) {
            return passes(child, object);
        };
        const auto& children = filter.children;
        switch (filter.kind) {
            case Filter::Kind::kAll: return true;
            case Filter::Kind::kAnd:
                return std::all_of(children.begin(), children.end(), child_passes);
            case Filter::Kind::kOr:
                return std::any_of(children.begin(), children.end(), child_passes);
            case Filter::Kind::kNot: return !passes(children.front(), object);
            case Filter::Kind::kJoin:
            case Filter::Kind::kDocs:
            case Filter::Kind::kIds:
            case Filter::Kind::kInRegion:
            case Filter::Kind::kHasPoint:
            case Filter::Kind::kElement: return false;
            case Filter::Kind::kRange:
            case Filter::Kind::kWords:
            case Filter::Kind::kExact:
            case Filter::Kind::kStartsWith:
            case Filter::Kind::kWordsPrefix: return has_value(filter, object);
        }
        return false;
    }

private:
    bool has_value(const Filter& filter, JsonValue object) {
        for (const JsonValue value : values_at(object, filter.path, true).values) {
            if (!value.is_array()) {
                if (fits(filter, value)) {
                    return true;
                }
                continue;
            }
            for (const JsonValue element : value.as_array()) {
                if (fits(filter, element)) {
                    return true;
                }
            }
        }
        return false;
    }

    bool fits(const Filter& filter, JsonValue value) {
        if (filter.kind == Filter::Kind::kRange) {
            const auto code = code_of(value, filter.type);
            return code && std::any_of(filter.ranges.begin(), filter.ranges.end(), [&](auto range) {
                       return range.first <= *code && *code <= range.second;
                   });
        }
        return value.is_string() && fits_text(filter, value.as_string());
    }

    bool fits_text(const Filter& filter, std::string_view text) {
        const std::vector<std::string> wanted = words_of(filter, filter.text);
        const std::vector<std::string> words = words_of(filter, text);
        const bool prefix =
            filter.kind == Filter::Kind::kStartsWith || filter.kind == Filter::Kind::kWordsPrefix;
        const auto same = [&](std::size_t i, const std::string& word) {
            return prefix && i + 1 == wanted.size() ? word.starts_with(wanted[i])
                                                    : word == wanted[i];
        };
        if (filter.kind == Filter::Kind::kWords || filter.kind == Filter::Kind::kWordsPrefix) {
            for (std::size_t i = 0; i < wanted.size(); ++i) {
                if (std::none_of(words.begin(), words.end(), [&](const std::string& word) {
                        return same(i, word);
                    })) {
                    return false;
                }
            }
            return !wanted.empty();
        }
        const bool whole = filter.kind == Filter::Kind::kExact;
        if (wanted.empty()
            || (whole ? words.size() != wanted.size() : words.size() < wanted.size())) {
            return false;
        }
        for (std::size_t i = 0; i < wanted.size(); ++i) {
            if (!same(i, words[i])) {
                return false;
            }
        }
        return true;
    }

    std::vector<std::string> words_of(const Filter& filter, std::string_view text) {
        buffer_.clear();
        analyzer_.of(filter.field).analyze(text, buffer_);
        std::vector<std::string> words;
        for (const AnalyzedToken& token : buffer_.tokens) {
            words.emplace_back(buffer_.term(token));
        }
        return words;
    }

    const SchemaAnalyzer& analyzer_;
    TokenBuffer buffer_;
};

/// Whether an object, or one in an array of them, passes.
bool any_passes(ElementMatcher& matcher, const Filter& filter, JsonValue value) {
    if (value.is_object()) {
        return matcher.passes(filter, value);
    }
    if (!value.is_array()) {
        return false;
    }
    for (const JsonValue element : value.as_array()) {
        if (any_passes(matcher, filter, element)) {
            return true;
        }
    }
    return false;
}

bool document_passes(ElementMatcher& matcher, const Filter& filter, JsonValue root) {
    const std::vector<JsonValue> values = values_at(root, filter.path, true).values;
    return std::any_of(values.begin(), values.end(), [&](JsonValue value) {
        return any_passes(matcher, filter.children.front(), value);
    });
}

}  // namespace

Bitmap evaluate_elements(
    const Filter& filter,
    const SchemaAnalyzer& analyzer,
    const SegmentReader& segment
) {
    const Bitmap candidates = possible(filter.children.front(), analyzer, segment);
    Bitmap out(segment.doc_count);
    ElementMatcher matcher(analyzer);
    std::string json;
    candidates.for_each([&](std::size_t doc) {
        json.clear();
        if (!segment.stored->append(static_cast<DocId>(doc), json).ok()) {
            return;  // Whoever fetches the document says so.
        }
        const auto parsed = wire::JsonDocument::parse(json);
        if (parsed.ok() && document_passes(matcher, filter, parsed.value().root())) {
            out.set(doc);
        }
    });
    return out;
}

}  // namespace kumo::search
