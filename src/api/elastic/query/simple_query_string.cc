#include "api/elastic/query/internal/query_parser.h"
#include "api/elastic/query/internal/query_string.h"

#include <algorithm>
#include <map>
#include <utility>

/// The simple grammar, which no text breaks: + is and, | or, - not; "phrases", prefixes*, (groups),
/// word~N and "phrase"~N.
namespace kumo::api_elastic {

namespace {

struct Flags {
    bool and_ = true;
    bool or_ = true;
    bool not_ = true;
    bool prefix = true;
    bool phrase = true;
    bool precedence = true;
    bool escape = true;
    bool whitespace = true;
    bool fuzzy = true;
    bool near = true;
};

class SimpleReader {
public:
    SimpleReader(
        const QueryContext& context,
        const StringOptions& options,
        Flags flags,
        std::string_view text
    )
        : options_(options), terms_(context, options), flags_(flags), in_(text) {}

    NodeResult run() { return group(in_.size()); }

private:
    static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

    NodeResult group(std::size_t end) {
        std::vector<tree::NodePtr> clauses;
        bool all = options_.all;
        tree::NodePtr top;
        int operation = 0;
        int negations = 0;
        // Clauses of one operator are one query; another operator puts them in brackets.
        const auto close = [&]() -> Status {
            KUMO_TRY_ASSIGN(top, together(std::move(clauses), all));
            clauses.clear();
            if (top != nullptr) {
                clauses.push_back(top);
            }
            return {};
        };
        bool decided = false;
        while (at_ < end) {
            const char c = in_[at_];
            if (is_space(c)) {
                ++at_;
            } else if (c == '+' && flags_.and_) {
                operation = clauses.empty() ? 0 : 1;
                ++at_;
            } else if (c == '|' && flags_.or_) {
                operation = clauses.empty() ? 0 : 2;
                ++at_;
            } else if (c == '-' && flags_.not_) {
                ++negations;
                ++at_;
            } else if (c == ')' && flags_.precedence) {
                ++at_;
            } else {
                KUMO_TRY_ASSIGN(tree::NodePtr node, clause(end));
                if (node == nullptr) {
                    continue;
                }
                if (negations % 2 == 1) {
                    tree::Boolean no;
                    no.must_not.push_back(std::move(node));
                    no.should.push_back(tree::match_all());
                    node = tree::boolean(std::move(no));
                }
                negations = 0;
                const bool wants_all = operation == 0 ? options_.all : operation == 1;
                if (!clauses.empty() && decided && wants_all != all) {
                    KUMO_TRY(close());
                }
                if (!clauses.empty()) {
                    all = wants_all;
                    decided = true;
                }
                operation = 0;
                clauses.push_back(std::move(node));
            }
        }
        return together(std::move(clauses), all);
    }

    NodeResult together(std::vector<tree::NodePtr> clauses, bool all) const {
        if (clauses.empty()) {
            return tree::NodePtr();
        }
        if (clauses.size() == 1) {
            return clauses.front();
        }
        tree::Boolean out;
        if (all) {
            out.must = std::move(clauses);
            return tree::boolean(std::move(out));
        }
        if (!options_.minimum_should_match.empty()) {
            KUMO_TRY_ASSIGN(
                const std::int64_t least,
                minimum_should_match(
                    static_cast<std::int64_t>(clauses.size()),
                    options_.minimum_should_match
                )
            );
            if (least > 0) {
                out.should_min = static_cast<std::uint32_t>(least);
            }
        }
        out.should = std::move(clauses);
        return tree::boolean(std::move(out));
    }

    NodeResult clause(std::size_t end) {
        if (in_[at_] == '"' && flags_.phrase) {
            const std::size_t close = find_unescaped('"', at_ + 1, end);
            if (close < end) {
                const std::string text = unescaped(in_.substr(at_ + 1, close - at_ - 1));
                at_ = close + 1;
                std::optional<std::uint32_t> slop;
                if (flags_.near) {
                    slop = tilde(end);
                }
                return terms_.phrase(options_.fields, text, slop);
            }
            ++at_;
            return tree::NodePtr();
        }
        if (in_[at_] == '(' && flags_.precedence) {
            const std::size_t close = closing(at_ + 1, end);
            ++at_;
            if (close < end && ++depth_ <= kStringDepthMax) {
                KUMO_TRY_ASSIGN(tree::NodePtr node, group(close));
                --depth_;
                at_ = close + 1;
                return node;
            }
            return tree::NodePtr();
        }
        return word(end);
    }

    std::size_t find_unescaped(char wanted, std::size_t from, std::size_t end) const {
        while (from < end && in_[from] != wanted) {
            from += in_[from] == '\\' && flags_.escape ? 2 : 1;
        }
        return std::min(from, end);
    }

    std::size_t closing(std::size_t from, std::size_t end) const {
        std::size_t depth = 1;
        while (from < end) {
            if (in_[from] == '\\' && flags_.escape) {
                ++from;
            } else if (in_[from] == '(') {
                ++depth;
            } else if (in_[from] == ')' && --depth == 0) {
                return from;
            }
            ++from;
        }
        return end;
    }

    /// ~N behind what was read.
    std::optional<std::uint32_t> tilde(std::size_t end) {
        if (at_ >= end || in_[at_] != '~') {
            return std::nullopt;
        }
        std::size_t at = at_ + 1;
        std::uint32_t number = 0;
        constexpr std::uint32_t kMost = 1'000'000;
        while (at < end && in_[at] >= '0' && in_[at] <= '9') {
            number = std::min(kMost, number * 10 + static_cast<std::uint32_t>(in_[at] - '0'));
            ++at;
        }
        if (at == at_ + 1) {
            return std::nullopt;
        }
        at_ = at;
        return number;
    }

    std::string unescaped(std::string_view text) const {
        std::string out;
        for (std::size_t i = 0; i < text.size(); ++i) {
            i += flags_.escape && text[i] == '\\' && i + 1 < text.size() ? 1 : 0;
            out += text[i];
        }
        return out;
    }

    bool ends_word(char c) const {
        return (is_space(c) && flags_.whitespace) || (c == '"' && flags_.phrase)
               || (c == '|' && flags_.or_) || (c == '+' && flags_.and_)
               || ((c == '(' || c == ')') && flags_.precedence);
    }

    NodeResult word(std::size_t end) {
        const std::size_t start = at_;
        std::string text;
        bool prefix = false;
        std::optional<std::uint32_t> edits;
        while (at_ < end && !ends_word(in_[at_])) {
            if (in_[at_] == '\\' && flags_.escape && at_ + 1 < end) {
                text += in_[at_ + 1];
                at_ += 2;
                continue;
            }
            const bool last = at_ + 1 >= end || ends_word(in_[at_ + 1]);
            if (in_[at_] == '*' && flags_.prefix && last && !text.empty()) {
                prefix = true;
                ++at_;
                break;
            }
            if (in_[at_] == '~' && flags_.fuzzy && !text.empty()) {
                edits = tilde(end);
                if (edits) {
                    break;
                }
            }
            text += in_[at_++];
        }
        if (at_ == start) {
            ++at_;
            return tree::NodePtr();
        }
        if (prefix) {
            return terms_.prefix(options_.fields, text);
        }
        if (edits) {
            Fuzziness fuzziness;
            fuzziness.edits = std::min<std::uint32_t>(2, *edits);
            return terms_.fuzzy(options_.fields, text, fuzziness);
        }
        return terms_.words(options_.fields, text);
    }

    const StringOptions& options_;
    StringTerms terms_;
    Flags flags_;
    std::string_view in_;
    std::size_t at_ = 0;
    std::uint32_t depth_ = 0;
};

Result<Flags> read_flags(const std::string& text) {
    Flags out{false, false, false, false, false, false, false, false, false, false};
    const std::map<std::string_view, bool Flags::*> names{
        {"AND", &Flags::and_},
        {"OR", &Flags::or_},
        {"NOT", &Flags::not_},
        {"PREFIX", &Flags::prefix},
        {"PHRASE", &Flags::phrase},
        {"PRECEDENCE", &Flags::precedence},
        {"ESCAPE", &Flags::escape},
        {"WHITESPACE", &Flags::whitespace},
        {"FUZZY", &Flags::fuzzy},
        {"NEAR", &Flags::near},
        {"SLOP", &Flags::near},
    };
    for (std::size_t at = 0; at <= text.size();) {
        std::size_t end = text.find('|', at);
        end = end == std::string::npos ? text.size() : end;
        const std::string_view one = std::string_view(text).substr(at, end - at);
        at = end + 1;
        if (one == "ALL") {
            return Flags{};
        }
        const auto found = names.find(one);
        if (found != names.end()) {
            out.*(found->second) = true;
        } else if (one != "NONE" && !one.empty()) {
            return illegal_argument("Unknown simple_query_string flag [" + std::string(one) + "]");
        }
    }
    return out;
}

}  // namespace

NodeResult read_simple_query_string(QueryParser& parser, const Json& body) {
    StringOptions options;
    options.lenient = parser.context().lenient;
    std::vector<std::string> patterns;
    Flags flags;
    const Json* text = nullptr;
    bool lenient_said = false;
    for (const auto& [key, value] : body.members()) {
        if (key == "query") {
            text = &value;
        } else if (key == "fields") {
            for (const Json& item : value.is_array() ? value.items() : Json::Array{value}) {
                if (item.is_null()) {
                    return parsing_error(
                        "[simple_query_string] field name in [fields] cannot be null"
                    );
                }
                patterns.push_back(item.text());
            }
        } else if (key == "default_operator") {
            options.all = value.text() == "and" || value.text() == "AND";
        } else if (key == "flags") {
            if (value.is_string()) {
                KUMO_TRY_ASSIGN(flags, read_flags(value.as_string()));
            }
        } else if (key == "analyzer") {
            options.multi.match.analyzer = value.text();
        } else if (key == "lenient") {
            options.lenient = value.to_bool().value_or(false);
            lenient_said = true;
        } else if (key == "minimum_should_match") {
            options.minimum_should_match = value.text();
        } else if (key == "quote_field_suffix") {
            options.quote_field_suffix = value.text();
        } else if (key == "fuzzy_prefix_length") {
            options.fuzzy.prefix_length = static_cast<std::uint32_t>(value.to_int64().value_or(0));
        } else if (key == "fuzzy_max_expansions") {
            options.fuzzy.expansions_max =
                static_cast<std::uint32_t>(value.to_int64().value_or(50));
        } else if (key == "fuzzy_transpositions") {
            options.fuzzy.transpositions = value.to_bool().value_or(true);
        } else if (key != "boost" && key != "_name" && key != "analyze_wildcard"
                   && key != "auto_generate_synonyms_phrase_query" && key != "locale"
                   && key != "lowercase_expanded_terms" && key != "all_fields") {
            return parsing_error("[simple_query_string] unsupported field [" + key + "]");
        }
    }
    if (text == nullptr || text->is_null()) {
        return parsing_error("[simple_query_string] query text missing");
    }
    KUMO_TRY_ASSIGN(const FieldList fields, expand_fields(parser.context(), patterns));
    options.fields = fields.fields;
    options.lenient = options.lenient || (!lenient_said && fields.any);
    const std::string in = text->text();
    if (in.size() > kStringBytesMax) {
        return illegal_argument("the query string is too long");
    }
    // A lone star is everything.
    if (in == "*") {
        return parser.finish(tree::match_all(), body);
    }
    KUMO_TRY_ASSIGN(tree::NodePtr node, SimpleReader(parser.context(), options, flags, in).run());
    return parser.finish(node != nullptr ? std::move(node) : tree::match_none(), body);
}

}  // namespace kumo::api_elastic
