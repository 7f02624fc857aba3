#include "api/elastic/query/internal/query_string.h"

#include "api/elastic/query/internal/common.h"
#include "api/elastic/query/internal/query_parser.h"

#include <algorithm>
#include <utility>

/// The grammar of Lucene's classic query parser: words, "phrases"~slop, field:, (groups), AND OR
/// NOT && || ! + -, ranges in brackets or after a comparison, /expressions/, wildcards, fuzzy~,
/// ^boost, a backslash before what is meant as it is.
namespace kumo::api_elastic {

namespace {

enum class Conjunction : std::uint8_t {
    kNone,
    kAnd,
    kOr
};
enum class Modifier : std::uint8_t {
    kNone,
    kRequired,
    kNot
};
enum class Occur : std::uint8_t {
    kShould,
    kMust,
    kMustNot
};

struct Clause {
    tree::NodePtr node;
    Occur occur = Occur::kShould;
};

class QueryStringReader {
public:
    QueryStringReader(
        const QueryContext& context,
        const StringOptions& options,
        std::string_view text
    )
        : context_(context), options_(options), terms_(context, options), in_(text) {}

    NodeResult run() {
        KUMO_TRY_ASSIGN(tree::NodePtr node, group(options_.fields, true));
        skip_space();
        if (at_ < in_.size()) {
            return cannot_parse("Encountered \" \"" + std::string(in_.substr(at_, 1)) + "\"");
        }
        return node;
    }

private:
    using Fields = StringTerms::Fields;

    Error cannot_parse(const std::string& why) const {
        return fault(
            "query_shard_exception",
            "Failed to parse query [" + std::string(in_) + "]: Cannot parse '" + std::string(in_)
                + "': " + why
        );
    }

    void skip_space() {
        while (at_ < in_.size() && is_space(in_[at_])) {
            ++at_;
        }
        // The ideographic space is one too.
        if (in_.substr(at_).starts_with("\xE3\x80\x80")) {
            at_ += 3;
            skip_space();
        }
    }

    static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

    /// `word` as a token of its own.
    bool take_word(std::string_view word) {
        if (!in_.substr(at_).starts_with(word)) {
            return false;
        }
        const std::size_t end = at_ + word.size();
        const bool letters = word.front() >= 'A' && word.front() <= 'Z';
        if (letters && end < in_.size() && !is_space(in_[end]) && in_[end] != '('
            && in_[end] != ')') {
            return false;
        }
        at_ = end;
        return true;
    }

    NodeResult group(const Fields& fields, bool outermost) {
        if (++depth_ > kStringDepthMax) {
            return cannot_parse("too many brackets");
        }
        std::vector<Clause> clauses;
        while (true) {
            skip_space();
            if (at_ >= in_.size() || (in_[at_] == ')' && !outermost)) {
                break;
            }
            Conjunction conjunction = Conjunction::kNone;
            if (!clauses.empty()) {
                if (take_word("AND") || take_word("&&")) {
                    conjunction = Conjunction::kAnd;
                } else if (take_word("OR") || take_word("||")) {
                    conjunction = Conjunction::kOr;
                }
                skip_space();
            }
            const Modifier modifier = take_modifier();
            skip_space();
            if (at_ >= in_.size() || (in_[at_] == ')' && !outermost)) {
                return cannot_parse("Encountered \"<EOF>\"");
            }
            KUMO_TRY_ASSIGN(tree::NodePtr node, clause(fields, modifier));
            add(std::move(node), conjunction, modifier, clauses);
        }
        --depth_;
        return finish(std::move(clauses));
    }

    Modifier take_modifier() {
        if (take_word("NOT") || take_word("!") || take_word("-")) {
            return Modifier::kNot;
        }
        return take_word("+") ? Modifier::kRequired : Modifier::kNone;
    }

    /// As Lucene's parser adds a clause: an AND makes what stands before it required.
    void
    add(tree::NodePtr node, Conjunction conjunction, Modifier modifier, std::vector<Clause>& clauses
    ) const {
        if (!clauses.empty() && clauses.back().occur != Occur::kMustNot) {
            if (conjunction == Conjunction::kAnd) {
                clauses.back().occur = Occur::kMust;
            } else if (options_.all && conjunction == Conjunction::kOr) {
                clauses.back().occur = Occur::kShould;
            }
        }
        if (node == nullptr) {
            return;
        }
        Occur occur = Occur::kShould;
        if (modifier == Modifier::kNot) {
            occur = Occur::kMustNot;
        } else if (options_.all) {
            occur = conjunction == Conjunction::kOr ? Occur::kShould : Occur::kMust;
        } else if (modifier == Modifier::kRequired || conjunction == Conjunction::kAnd) {
            occur = Occur::kMust;
        }
        clauses.push_back({std::move(node), occur});
    }

    NodeResult finish(std::vector<Clause> clauses) const {
        if (clauses.empty()) {
            return tree::NodePtr();
        }
        if (clauses.size() == 1 && clauses.front().occur != Occur::kMustNot) {
            return clauses.front().node;
        }
        tree::Boolean out;
        for (Clause& clause : clauses) {
            auto& into = clause.occur == Occur::kMust     ? out.must
                         : clause.occur == Occur::kShould ? out.should
                                                          : out.must_not;
            into.push_back(std::move(clause.node));
        }
        if (!options_.minimum_should_match.empty() && !out.should.empty()) {
            KUMO_TRY_ASSIGN(
                const std::int64_t least,
                minimum_should_match(
                    static_cast<std::int64_t>(out.should.size()),
                    options_.minimum_should_match
                )
            );
            if (least > 0) {
                out.should_min = static_cast<std::uint32_t>(least);
            }
        }
        return tree::boolean(std::move(out));
    }

    /// The end of a word from `from` on: white space or a sign that is not escaped.
    std::size_t word_end(std::size_t from) const {
        constexpr std::string_view kSigns = "()[]{}\":^~";
        std::size_t at = from;
        while (at < in_.size() && !is_space(in_[at])
               && kSigns.find(in_[at]) == std::string_view::npos
               && !in_.substr(at).starts_with("\xE3\x80\x80")) {
            at += in_[at] == '\\' && at + 1 < in_.size() ? 2 : 1;
        }
        return std::min(at, in_.size());
    }

    static std::string unescaped(std::string_view text) {
        std::string out;
        for (std::size_t i = 0; i < text.size(); ++i) {
            i += text[i] == '\\' && i + 1 < text.size() ? 1 : 0;
            out += text[i];
        }
        return out;
    }

    NodeResult clause(const Fields& fields, Modifier modifier) {
        const std::size_t start = at_;
        const std::size_t end = word_end(at_);
        if (end > start && end < in_.size() && in_[end] == ':') {
            const std::string name = unescaped(in_.substr(start, end - start));
            at_ = end + 1;
            return of_field(name);
        }
        if (in_.substr(at_).starts_with("*:")) {
            at_ += 2;
            return of_field("*");
        }
        return boosted(primary(fields, modifier));
    }

    NodeResult of_field(const std::string& name) {
        skip_space();
        if (name == "_exists_") {
            const std::size_t end = word_end(at_);
            const std::string field = unescaped(in_.substr(at_, end - at_));
            at_ = end;
            return boosted(terms_.exists({{field, 1}}));
        }
        if (in_.substr(at_, 1) == "*" && word_end(at_) == at_ + 1) {
            ++at_;
            if (name == "*") {
                return boosted(tree::match_all());
            }
            KUMO_TRY_ASSIGN(const FieldList list, expand_fields(context_, {name}));
            return boosted(terms_.exists(list.fields));
        }
        KUMO_TRY_ASSIGN(const FieldList list, expand_fields(context_, {name}));
        if (at_ >= in_.size()) {
            return cannot_parse("Encountered \"<EOF>\" at the end of field [" + name + "]");
        }
        if (in_[at_] == '(') {
            return boosted(bracketed(list.fields));
        }
        return boosted(primary(list.fields, Modifier::kRequired));
    }

    NodeResult bracketed(const Fields& fields) {
        ++at_;
        KUMO_TRY_ASSIGN(tree::NodePtr node, group(fields, false));
        if (at_ >= in_.size() || in_[at_] != ')') {
            return cannot_parse("Encountered \"<EOF>\" while a ) was expected");
        }
        ++at_;
        return node;
    }

    NodeResult boosted(NodeResult made) {
        if (!made.ok() || at_ >= in_.size() || in_[at_] != '^') {
            return made;
        }
        ++at_;
        const std::size_t end = number_end(at_);
        const auto boost = Json(std::string(in_.substr(at_, end - at_))).to_double();
        if (!boost) {
            return cannot_parse("a number was expected after ^");
        }
        at_ = end;
        if (made.value() == nullptr) {
            return made;
        }
        return tree::boosted(std::move(made).value(), static_cast<float>(*boost));
    }

    std::size_t number_end(std::size_t from) const {
        while (from < in_.size() && ((in_[from] >= '0' && in_[from] <= '9') || in_[from] == '.')) {
            ++from;
        }
        return from;
    }

    NodeResult primary(const Fields& fields, Modifier modifier) {
        const char c = in_[at_];
        if (c == '(') {
            return bracketed(fields);
        }
        if (c == '"') {
            return quoted(fields);
        }
        if (c == '[' || c == '{') {
            return range(fields);
        }
        if (c == '<' || c == '>') {
            return comparison(fields);
        }
        if (c == '/') {
            return expression(fields);
        }
        if (word_end(at_) == at_) {
            return cannot_parse(std::string("Encountered \" \"") + c + "\"");
        }
        return word(fields, modifier);
    }

    /// The text up to a closing sign, which is passed; nothing if there is none.
    std::optional<std::string> until(char closing, bool keep_escapes) {
        std::string out;
        for (std::size_t i = at_ + 1; i < in_.size(); ++i) {
            if (in_[i] == closing) {
                at_ = i + 1;
                return out;
            }
            if (in_[i] == '\\' && i + 1 < in_.size()) {
                out += keep_escapes && in_[i + 1] != closing ? "\\" : "";
                ++i;
            }
            out += in_[i];
        }
        return std::nullopt;
    }

    NodeResult quoted(const Fields& fields) {
        const auto text = until('"', false);
        if (!text) {
            return cannot_parse("Lexical error: a \" was expected");
        }
        std::optional<std::uint32_t> slop;
        if (at_ < in_.size() && in_[at_] == '~') {
            const std::size_t end = number_end(at_ + 1);
            slop = static_cast<std::uint32_t>(
                Json(std::string(in_.substr(at_ + 1, end - at_ - 1))).to_double().value_or(0)
            );
            at_ = end;
        }
        return terms_.phrase(fields, *text, slop);
    }

    NodeResult expression(const Fields& fields) {
        const auto text = until('/', true);
        if (!text) {
            return cannot_parse("Lexical error: a / was expected");
        }
        return terms_.regexp(fields, *text);
    }

    NodeResult range(const Fields& fields) {
        RangeBounds bounds;
        bounds.low_included = in_[at_] == '[';
        ++at_;
        const auto low = range_end();
        skip_space();
        const bool to = take_word("TO") || take_word("to");
        const auto high = range_end();
        skip_space();
        if (!low || !high || !to || at_ >= in_.size() || (in_[at_] != ']' && in_[at_] != '}')) {
            return cannot_parse("a range is [low TO high]");
        }
        bounds.high_included = in_[at_] == ']';
        ++at_;
        bounds.low = *low == "*" ? std::nullopt : std::optional<Json>(*low);
        bounds.high = *high == "*" ? std::nullopt : std::optional<Json>(*high);
        return terms_.range(fields, bounds);
    }

    std::optional<std::string> range_end() {
        skip_space();
        if (at_ < in_.size() && in_[at_] == '"') {
            return until('"', false);
        }
        const std::size_t start = at_;
        while (at_ < in_.size() && !is_space(in_[at_]) && in_[at_] != ']' && in_[at_] != '}') {
            at_ += in_[at_] == '\\' && at_ + 1 < in_.size() ? 2 : 1;
        }
        if (at_ == start) {
            return std::nullopt;
        }
        return unescaped(in_.substr(start, at_ - start));
    }

    NodeResult comparison(const Fields& fields) {
        const bool less = in_[at_] == '<';
        ++at_;
        const bool included = at_ < in_.size() && in_[at_] == '=';
        at_ += included ? 1 : 0;
        const auto value = range_end();
        if (!value) {
            return cannot_parse("a value was expected after a comparison");
        }
        RangeBounds bounds;
        (less ? bounds.high : bounds.low) = Json(*value);
        (less ? bounds.high_included : bounds.low_included) = included;
        return terms_.range(fields, bounds);
    }

    NodeResult word(const Fields& fields, Modifier modifier) {
        const std::size_t start = at_;
        at_ = word_end(at_);
        std::string_view text = in_.substr(start, at_ - start);
        if (at_ < in_.size() && in_[at_] == '~') {
            const std::size_t end = number_end(at_ + 1);
            std::optional<Fuzziness> fuzziness;
            if (end > at_ + 1) {
                const auto number =
                    Json(std::string(in_.substr(at_ + 1, end - at_ - 1))).to_double().value_or(2);
                fuzziness = Fuzziness{};
                fuzziness->edits = static_cast<std::uint32_t>(std::clamp(number, 0.0, 2.0));
                if (number > 0 && number < 1) {
                    // The old form: how alike the words have to be.
                    const auto points = static_cast<double>(tree::code_points_of(text).size());
                    fuzziness->edits =
                        static_cast<std::uint32_t>(std::min(2.0, (1 - number) * points));
                }
            }
            at_ = end;
            return terms_.fuzzy(fields, unescaped(text), fuzziness);
        }
        bool star = false;
        bool other = false;
        for (std::size_t i = 0; i < text.size(); ++i) {
            if (text[i] == '\\') {
                ++i;
            } else if (text[i] == '*' && i + 1 == text.size()) {
                star = true;
            } else if (text[i] == '*' || text[i] == '?') {
                other = true;
            }
        }
        if (text == "*") {
            return terms_.exists(fields);
        }
        if (other) {
            return terms_.wildcard(fields, std::string(text));
        }
        if (star) {
            return terms_.prefix(fields, unescaped(text.substr(0, text.size() - 1)));
        }
        std::string words = unescaped(text);
        if (modifier == Modifier::kNone) {
            more_words(words);
        }
        return terms_.words(fields, words);
    }

    /// Words that follow without anything between them are one text to analysis.
    void more_words(std::string& words) {
        while (true) {
            const std::size_t before = at_;
            skip_space();
            const std::size_t end = word_end(at_);
            const std::string_view next = in_.substr(at_, end - at_);
            const bool sign =
                next.empty() || next == "AND" || next == "OR" || next == "NOT" || next == "&&"
                || next == "||"
                || std::string_view("+-!/<>").find(next.front()) != std::string_view::npos
                || next.find_first_of("*?") != std::string_view::npos
                || (end < in_.size()
                    && std::string_view(":~^").find(in_[end]) != std::string_view::npos);
            // What comes after it may make it required.
            const bool joins = !sign && !next_is_and(end);
            if (!joins) {
                at_ = before;
                return;
            }
            words += ' ';
            words += unescaped(next);
            at_ = end;
        }
    }

    bool next_is_and(std::size_t from) const {
        while (from < in_.size() && is_space(in_[from])) {
            ++from;
        }
        const std::string_view rest = in_.substr(from);
        return rest.starts_with("AND ") || rest.starts_with("OR ") || rest.starts_with("&&")
               || rest.starts_with("||");
    }

    const QueryContext& context_;
    const StringOptions& options_;
    StringTerms terms_;
    std::string_view in_;
    std::size_t at_ = 0;
    std::uint32_t depth_ = 0;
};

std::string escaped(const std::string& text) {
    std::string out;
    for (const char c : text) {
        if (std::string_view("\\+-!():^[]\"{}~*?|&/").find(c) != std::string_view::npos) {
            out += '\\';
        }
        out += c;
    }
    return out;
}

bool is_ignored(const std::string& key) {
    return key == "boost" || key == "_name" || key == "enable_position_increments"
           || key == "max_determinized_states" || key == "auto_generate_phrase_queries"
           || key == "rewrite" || key == "fuzzy_rewrite" || key == "escape"
           || key == "auto_generate_synonyms_phrase_query" || key == "split_on_whitespace"
           || key == "locale" || key == "lowercase_expanded_terms" || key == "use_dis_max"
           || key == "all_fields";
}

Status read_option(const std::string& key, const Json& value, StringOptions& out) {
    if (key == "default_operator") {
        out.all = lower_case(value.text()) == "and";
    } else if (key == "analyzer") {
        out.multi.match.analyzer = value.text();
    } else if (key == "quote_analyzer") {
        out.quote_analyzer = value.text();
    } else if (key == "quote_field_suffix") {
        out.quote_field_suffix = value.text();
    } else if (key == "lenient") {
        out.lenient = value.to_bool().value_or(false);
    } else if (key == "minimum_should_match") {
        out.minimum_should_match = value.text();
    } else if (key == "tie_breaker") {
        out.multi.tie_breaker = static_cast<float>(value.to_double().value_or(0));
    } else if (key == "time_zone") {
        out.time_zone = value.text();
    } else if (key == "phrase_slop") {
        out.phrase_slop = static_cast<std::uint32_t>(value.to_int64().value_or(0));
    } else if (key == "fuzziness") {
        KUMO_TRY_ASSIGN(out.fuzzy.fuzziness, Fuzziness::parse(value));
    } else if (key == "fuzzy_prefix_length") {
        out.fuzzy.prefix_length = static_cast<std::uint32_t>(value.to_int64().value_or(0));
    } else if (key == "fuzzy_max_expansions") {
        out.fuzzy.expansions_max = static_cast<std::uint32_t>(value.to_int64().value_or(50));
    } else if (key == "fuzzy_transpositions") {
        out.fuzzy.transpositions = value.to_bool().value_or(true);
    } else if (key == "allow_leading_wildcard") {
        out.leading_wildcard = value.to_bool().value_or(true);
    } else if (key == "analyze_wildcard") {
        out.analyze_wildcard = value.to_bool().value_or(false);
    } else if (key == "type") {
        KUMO_TRY_ASSIGN(out.multi.type, multi_type(lower_case(value.text())));
    } else if (!is_ignored(key)) {
        return parsing_error("[query_string] query does not support [" + key + "]");
    }
    return {};
}

}  // namespace

NodeResult read_query_string(QueryParser& parser, const Json& body) {
    StringOptions options;
    options.lenient = parser.context().lenient;
    std::vector<std::string> patterns;
    const Json* text = nullptr;
    for (const auto& [key, value] : body.members()) {
        if (key == "query") {
            text = &value;
        } else if (key == "fields") {
            for (const Json& item : value.is_array() ? value.items() : Json::Array{value}) {
                if (item.is_null()) {
                    return parsing_error("[query_string] field name in [fields] cannot be null");
                }
                patterns.push_back(item.text());
            }
        } else if (key == "default_field") {
            if (value.is_string()) {
                patterns = {value.as_string()};
            }
        } else {
            KUMO_TRY(read_option(key, value, options));
        }
    }
    if (text == nullptr || !(text->is_string() || text->is_number() || text->is_bool())) {
        return parsing_error("[query_string] must be provided with a [query]");
    }
    if (text->size() > kStringBytesMax) {
        return illegal_argument("the query string is too long");
    }
    KUMO_TRY_ASSIGN(const FieldList fields, expand_fields(parser.context(), patterns));
    options.fields = fields.fields;
    if (body.find("lenient") == nullptr) {
        options.lenient = options.lenient || fields.any;
    }
    const Json* escape = body.find("escape");
    const std::string in = escape != nullptr && escape->to_bool().value_or(false)
                               ? escaped(text->text())
                               : text->text();
    KUMO_TRY_ASSIGN(tree::NodePtr node, QueryStringReader(parser.context(), options, in).run());
    return parser.finish(node != nullptr ? std::move(node) : tree::match_none(), body);
}

}  // namespace kumo::api_elastic
