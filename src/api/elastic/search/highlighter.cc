#include "api/elastic/search/highlighter.h"

#include "api/elastic/fault.h"
#include "api/elastic/wildcard.h"
#include "search/analysis/chain.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace kumo::api_elastic {

namespace {

/// Queries inside queries.
constexpr int kDepthMax = 50;

/// What a query looks for in one field.
struct Words {
    std::set<std::string> terms;
    std::vector<std::string> patterns;  ///< With wildcards.

    bool has(const std::string& term) const {
        return terms.count(term) > 0
               || std::any_of(
                   patterns.begin(),
                   patterns.end(),
                   [&term](const std::string& pattern) { return matches_wildcard(pattern, term); }
               );
    }
};

/// Collects the words of a query that are looked for in fields which fit `field`, or (without
/// `require_field_match`) in any.
class WordFinder {
public:
    WordFinder(const QueryContext& context, const MappedField& field, bool any_field)
        : context_(context), field_(field), any_field_(any_field) {}

    Words take() { return std::move(words_); }

    void read(const Json& query, int depth = 0);

private:
    void read_clauses(const Json& clauses, int depth);
    bool fits(std::string_view name) const;
    void add_text(const std::string& text);
    void add_term(const std::string& text);
    void read_leaf(const std::string& type, const std::string& field, const Json& value);
    void read_multi(const Json& options);

    const QueryContext& context_;
    const MappedField& field_;
    bool any_field_;
    Words words_;
};

bool WordFinder::fits(std::string_view name) const {
    if (any_field_) {
        return true;
    }
    name = name.substr(0, name.find('^'));
    if (name.find('*') != std::string_view::npos) {
        return matches_wildcard(name, field_.path);
    }
    const MappedField* const field = context_.mapping.find(name);
    return field != nullptr && field->path == field_.path;
}

void WordFinder::add_text(const std::string& text) {
    if (!field_.is_text()) {
        words_.terms.insert(text);
        return;
    }
    for (const search::ChainToken& token :
         search::AnalysisChain::of(field_.search_analyzer)->tokens(text)) {
        words_.terms.insert(token.text);
    }
}

void WordFinder::add_term(const std::string& text) {
    words_.terms.insert(text);
}

std::string text_in(const Json& value, std::initializer_list<std::string_view> names) {
    if (!value.is_object()) {
        return value.is_array() ? std::string() : value.text();
    }
    for (const std::string_view name : names) {
        if (const Json* const found = value.find(name)) {
            return found->text();
        }
    }
    return {};
}

void WordFinder::read_leaf(const std::string& type, const std::string& field, const Json& value) {
    if (!fits(field)) {
        return;
    }
    const std::string text = text_in(value, {"query", "value", "wildcard", type});
    if (type == "match" || type == "match_phrase" || type == "common" || type == "match_bool_prefix"
        || type == "match_phrase_prefix") {
        add_text(text);
        if (type.ends_with("prefix") && !words_.terms.empty()) {
            const std::size_t space = text.rfind(' ');
            Words last;
            std::swap(last, words_);
            add_text(text.substr(space == std::string::npos ? 0 : space + 1));
            for (const std::string& term : words_.terms) {
                last.patterns.push_back(term + "*");
            }
            std::swap(last, words_);
        }
    } else if (type == "term" || type == "fuzzy") {
        add_term(text);
    } else if (type == "terms") {
        for (const Json& one : value.is_array() ? value.items() : Json::Array()) {
            add_term(one.text());
        }
    } else if (type == "prefix") {
        words_.patterns.push_back(text + "*");
    } else if (type == "wildcard") {
        words_.patterns.push_back(text);
    }
}

void WordFinder::read_multi(const Json& options) {
    const Json* const text = options.find("query");
    const Json* const fields = options.find("fields");
    const Json* const usual = options.find("default_field");
    bool wanted = fields == nullptr && usual == nullptr;
    if (usual != nullptr) {
        wanted = fits(usual->text());
    }
    for (const Json& one : fields == nullptr    ? Json::Array()
                           : fields->is_array() ? fields->items()
                                                : Json::Array{*fields}) {
        wanted = wanted || fits(one.text());
    }
    if (text == nullptr) {
        return;
    }
    // Words behind "field:" are of that field; operators are no words.
    std::string plain;
    std::string rest = text->text();
    for (std::size_t at = 0; at < rest.size();) {
        const std::size_t end = std::min(rest.find_first_of(" ()\"", at), rest.size());
        std::string word = rest.substr(at, end - at);
        at = end + 1;
        bool of_field = wanted;
        if (const std::size_t colon = word.find(':'); colon != std::string::npos && colon > 0) {
            of_field = fits(word.substr(0, colon));
            word.erase(0, colon + 1);
        }
        word = word.substr(0, word.find_first_of("^~"));
        if (word == "AND" || word == "OR" || word == "NOT" || word.empty() || !of_field) {
            continue;
        }
        if (word.find('*') != std::string::npos) {
            words_.patterns.push_back(word);
        } else {
            add_text(word);
        }
    }
}

void WordFinder::read_clauses(const Json& clauses, int depth) {
    for (const Json& clause : clauses.is_array() ? clauses.items() : Json::Array{clauses}) {
        read(clause, depth);
    }
}

void WordFinder::read(const Json& query, int depth) {
    if (depth > kDepthMax || !query.is_object()) {
        return;
    }
    for (const auto& [type, options] : query.members()) {
        if (type == "bool") {
            for (const auto& [name, clauses] :
                 options.is_object() ? options.members() : Json::Object()) {
                if (name == "must" || name == "should" || name == "filter") {
                    read_clauses(clauses, depth + 1);
                }
            }
        } else if (type == "multi_match" || type == "query_string" || type == "simple_query_string" || type == "combined_fields") {
            read_multi(options);
        } else if (type == "dis_max" || type == "constant_score" || type == "function_score" || type == "nested"
                   || type == "boosting" || type == "script_score" || type == "hybrid") {
            for (const char* const name : {"queries", "filter", "query", "positive"}) {
                if (const Json* const inside = options.find(name)) {
                    read_clauses(*inside, depth + 1);
                }
            }
        } else if (options.is_object()) {
            for (const auto& [field, value] : options.members()) {
                if (field != "boost" && field != "_name") {
                    read_leaf(type, field, value);
                }
            }
        }
    }
}

/// The options of one field, over those of all.
class Options {
public:
    Options(const Json& all, const Json& field) : all_(all), field_(field) {}

    const Json* find(std::string_view name) const {
        const Json* const own = field_.find(name);
        return own != nullptr ? own : all_.find(name);
    }

    std::string text(std::string_view name, std::string_view otherwise) const {
        const Json* const value = find(name);
        return value == nullptr ? std::string(otherwise) : value->text();
    }

    std::int64_t number(std::string_view name, std::int64_t otherwise) const {
        const Json* const value = find(name);
        return value == nullptr ? otherwise : value->to_int64().value_or(otherwise);
    }

    bool flag(std::string_view name, bool otherwise) const {
        const Json* const value = find(name);
        return value == nullptr ? otherwise : value->to_bool().value_or(otherwise);
    }

    std::string tag(std::string_view name, std::string_view otherwise) const {
        const Json* const value = find(name);
        if (value != nullptr && value->is_array() && !value->empty()) {
            return value->items().front().text();
        }
        return value == nullptr || value->is_array() ? std::string(otherwise) : value->text();
    }

private:
    const Json& all_;
    const Json& field_;
};

struct Mark {
    std::size_t begin;
    std::size_t end;
};

std::vector<Mark> marks_in(const MappedField& field, const std::string& text, const Words& words) {
    std::vector<Mark> out;
    if (!field.is_text()) {
        if (words.has(text)) {
            out.push_back({0, text.size()});
        }
        return out;
    }
    for (const search::ChainToken& token :
         search::AnalysisChain::of(field.analyzer)->tokens(text)) {
        if (words.has(token.text) && (out.empty() || token.begin >= out.back().end)) {
            out.push_back({token.begin, token.end});
        }
    }
    return out;
}

std::string escaped(std::string_view text, bool html) {
    if (!html) {
        return std::string(text);
    }
    std::string out;
    for (const char c : text) {
        out += c == '<'    ? "&lt;"
               : c == '>'  ? "&gt;"
               : c == '&'  ? "&amp;"
               : c == '"'  ? "&quot;"
               : c == '\'' ? "&#x27;"
               : c == '/'  ? "&#x2F;"
                           : std::string(1, c);
    }
    return out;
}

struct Tags {
    std::string before;
    std::string after;
    bool html = false;
};

std::string marked(
    const std::string& text,
    std::size_t begin,
    std::size_t end,
    const std::vector<Mark>& marks,
    const Tags& tags
) {
    std::string out;
    std::size_t at = begin;
    for (const Mark& mark : marks) {
        if (mark.begin < begin || mark.end > end) {
            continue;
        }
        out += escaped(std::string_view(text).substr(at, mark.begin - at), tags.html);
        out +=
            tags.before
            + escaped(std::string_view(text).substr(mark.begin, mark.end - mark.begin), tags.html)
            + tags.after;
        at = mark.end;
    }
    return out + escaped(std::string_view(text).substr(at, end - at), tags.html);
}

struct Fragment {
    std::size_t begin;
    std::size_t end;
    std::size_t marks;
};

bool is_start(char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
}

/// Pieces of about `size` bytes that end between words.
std::vector<Fragment>
fragments_of(const std::string& text, std::size_t size, const std::vector<Mark>& marks) {
    std::vector<Fragment> out;
    for (std::size_t begin = 0; begin < text.size();) {
        std::size_t end = std::min(begin + size, text.size());
        if (end < text.size()) {
            // A sentence that ends near enough ends the piece; else the word does.
            const std::size_t sentence = text.find_last_of(".!?", end - 1);
            if (sentence != std::string::npos && sentence > begin && sentence + 1 < text.size()
                && text[sentence + 1] == ' ') {
                end = sentence + 2;
            } else {
                const std::size_t next = text.find_first_of(".!?", end);
                end = next == std::string::npos ? text.size() : next + 1;
                if (end - begin > 2 * size) {
                    const std::size_t space = text.find(' ', begin + size);
                    end = space == std::string::npos ? text.size() : space + 1;
                } else if (end < text.size() && text[end] == ' ') {
                    ++end;
                }
            }
            while (end < text.size() && !is_start(text[end])) {
                ++end;
            }
        }
        const auto inside = std::count_if(marks.begin(), marks.end(), [&](const Mark& mark) {
            return mark.begin >= begin && mark.end <= end;
        });
        out.push_back({begin, end, static_cast<std::size_t>(inside)});
        begin = end;
    }
    return out;
}

void add_strings(const Json& value, std::vector<std::string>& out) {
    if (value.is_array()) {
        for (const Json& one : value.items()) {
            add_strings(one, out);
        }
    } else if (!value.is_object() && !value.is_null()) {
        out.push_back(value.text());
    }
}

void collect(const Json& source, std::string_view path, std::vector<std::string>& out) {
    if (source.is_array()) {
        for (const Json& one : source.items()) {
            collect(one, path, out);
        }
        return;
    }
    if (const Json* const whole = source.find(path)) {
        add_strings(*whole, out);
        return;
    }
    for (std::size_t dot = path.find('.'); dot != std::string_view::npos;
         dot = path.find('.', dot + 1)) {
        if (const Json* const child = source.find(path.substr(0, dot))) {
            collect(*child, path.substr(dot + 1), out);
        }
    }
}

std::string trimmed(std::string text) {
    text.resize(text.find_last_not_of(" \n\t") + 1);
    return text;
}

Json field_fragments(
    const MappedField& field,
    const std::vector<std::string>& values,
    const Words& words,
    const Options& options
) {
    const Tags tags{
        options.tag("pre_tags", "<em>"),
        options.tag("post_tags", "</em>"),
        options.text("encoder", "default") == "html"};
    const std::int64_t count = options.number("number_of_fragments", 5);
    const auto size =
        static_cast<std::size_t>(std::max<std::int64_t>(options.number("fragment_size", 100), 1));

    struct Scored {
        std::string text;
        std::size_t marks;
    };

    std::vector<Scored> found;
    std::string whole;
    bool any = false;
    for (const std::string& value : values) {
        const std::vector<Mark> marks = marks_in(field, value, words);
        any = any || !marks.empty();
        if (count == 0) {
            whole = marked(value, 0, value.size(), marks, tags);
            if (!marks.empty()) {
                found.push_back({whole, marks.size()});
            }
            continue;
        }
        for (const Fragment& one : fragments_of(value, size, marks)) {
            if (one.marks > 0) {
                found.push_back({trimmed(marked(value, one.begin, one.end, marks, tags)), one.marks}
                );
            }
        }
    }
    Json out = Json::array();
    if (options.text("order", "none") == "score") {
        std::stable_sort(found.begin(), found.end(), [](const Scored& a, const Scored& b) {
            return a.marks > b.marks;
        });
    }
    for (const Scored& one : found) {
        if (count == 0 || static_cast<std::int64_t>(out.size()) < count) {
            out.push(one.text);
        }
    }
    const std::int64_t without = options.number("no_match_size", 0);
    if (out.empty() && !any && without > 0 && !values.empty()) {
        std::size_t end =
            std::min<std::size_t>(static_cast<std::size_t>(without), values.front().size());
        if (end < values.front().size()) {
            const std::size_t space = values.front().find(' ', end);
            end = space == std::string::npos ? values.front().size() : space;
        }
        out.push(escaped(values.front().substr(0, end), tags.html));
    }
    return out;
}

}  // namespace

Result<Json> highlight(
    const Json& options,
    const Json& query,
    const QueryContext& context,
    std::string_view source_text
) {
    const Json* const fields = options.find("fields");
    if (fields == nullptr) {
        return Json::object();
    }
    Json by_name = Json::object();
    for (const Json& one : fields->is_array() ? fields->items() : Json::Array{*fields}) {
        for (const auto& [name, of] : one.is_object() ? one.members() : Json::Object()) {
            by_name[name] = of;
        }
    }
    KUMO_TRY_ASSIGN(const Json source, Json::parse(source_text));
    Json out = Json::object();
    for (const auto& [pattern, of] : by_name.members()) {
        const Options field_options(options, of);
        const std::string type = field_options.text("type", "unified");
        if (type != "unified" && type != "plain" && type != "fvh" && type != "postings") {
            return illegal_argument(
                "unknown highlighter type [" + type + "] for the field [" + pattern + "]"
            );
        }
        const bool wildcard = pattern.find('*') != std::string::npos;
        for (const MappedField* const field : context.mapping.matching(pattern)) {
            if (!field->is_text()
                && (!field->is_exact() || (wildcard && field->kind != FieldKind::kKeyword))) {
                continue;
            }
            const Json* const own = field_options.find("highlight_query");
            WordFinder finder(context, *field, !field_options.flag("require_field_match", true));
            finder.read(own == nullptr ? query : *own);
            std::vector<std::string> values;
            collect(source, field->parent.empty() ? field->path : field->parent, values);
            const auto too_long = [field](const std::string& value) {
                return field->is_exact() && value.size() > field->ignore_above;
            };
            values.erase(std::remove_if(values.begin(), values.end(), too_long), values.end());
            for (const std::string& value : values) {
                const std::int64_t limit = 1'000'000;
                if (static_cast<std::int64_t>(value.size()) > limit) {
                    return illegal_argument(
                        "The length of [" + field->path + "] field of a doc has exceeded ["
                        + std::to_string(limit)
                        + "] - maximum allowed to be analyzed for highlighting."
                    );
                }
            }
            Json fragments = field_fragments(*field, values, finder.take(), field_options);
            if (!fragments.empty()) {
                out[wildcard ? field->path : pattern] = std::move(fragments);
            }
        }
    }
    return out;
}

}  // namespace kumo::api_elastic
