#include "api/elastic/script/internal/ast.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <set>
#include <utility>

namespace kumo::api_elastic::script {

namespace {

bool is_type(std::string_view name) {
    static const std::set<std::string_view> kTypes = {
        "def",    "int",     "long",   "float",     "double",  "boolean", "byte",
        "short",  "char",    "String", "List",      "Map",     "Integer", "Long",
        "Double", "Boolean", "Object", "ArrayList", "HashMap", "Set",     "Number"};
    return kTypes.count(name) > 0;
}

/// Binary operators, the loosest first.
constexpr std::array<std::array<std::string_view, 4>, 7> kLevels = {
    {{"?:"},
     {"||"},
     {"&&"},
     {"==", "!=", "===", "!=="},
     {"<", "<=", ">", ">="},
     {"+", "-"},
     {"*", "/", "%"}}};

class Parser {
public:
    explicit Parser(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

    Result<NodePtr> run();

private:
    const Token& now() const { return ahead(0); }

    const Token& ahead(std::size_t n) const {
        return tokens_[std::min(at_ + n, tokens_.size() - 1)];
    }

    bool is(std::string_view sign) const {
        return now().kind == TokenKind::kSign && now().text == sign;
    }

    bool is_word(std::string_view word) const {
        return now().kind == TokenKind::kName && now().text == word;
    }

    Error unexpected() const {
        return compile_error(
            now().at,
            now().kind == TokenKind::kEnd ? "unexpected end of script"
                                          : "unexpected token [" + now().text + "]"
        );
    }

    Status expect(std::string_view sign);
    Status check_place(const Node& node) const;
    Result<NodePtr> make(Node node);

    Result<NodePtr> statement();
    Result<NodePtr> block();
    Result<NodePtr> body();
    Result<NodePtr> if_statement();
    Result<NodePtr> for_statement();
    Result<NodePtr> declaration();
    bool at_declaration() const;
    Result<NodePtr> expression();
    Result<NodePtr> ternary();
    Result<NodePtr> binary(std::size_t level);
    Result<NodePtr> unary();
    Result<NodePtr> postfix();
    Result<NodePtr> primary();
    Result<NodePtr> brackets();
    Result<NodePtr> name();
    Result<std::vector<NodePtr>> arguments();

    /// One level deeper, for as long as it lives.
    class Deeper {
    public:
        explicit Deeper(Parser& of) : of_(of) { ++of_.depth_; }

        Deeper(const Deeper&) = delete;
        Deeper& operator=(const Deeper&) = delete;

        ~Deeper() { --of_.depth_; }

        Status check() const {
            return of_.depth_ > kDepthMax
                       ? Status(compile_error(of_.now().at, "a script is nested too deeply"))
                       : Status();
        }

    private:
        Parser& of_;
    };

    std::vector<Token> tokens_;
    std::size_t at_ = 0;
    std::size_t depth_ = 0;
    std::size_t nodes_ = 0;
};

Status Parser::expect(std::string_view sign) {
    if (!is(sign)) {
        return compile_error(
            now().at,
            "expected [" + std::string(sign) + "] but found [" + now().text + "]"
        );
    }
    ++at_;
    return {};
}

/// Something that a value can be put in.
Status Parser::check_place(const Node& node) const {
    return node.kind == NodeKind::kName || node.kind == NodeKind::kMember
                   || node.kind == NodeKind::kIndex
               ? Status()
               : Status(compile_error(now().at, "cannot assign to this"));
}

Result<NodePtr> Parser::make(Node node) {
    if (++nodes_ > kNodesMax) {
        return compile_error(now().at, "a script is too long");
    }
    for (const NodePtr& child : node.children) {
        node.height = std::max(node.height, child->height + 1);
    }
    if (node.height > kHeightMax) {
        return compile_error(now().at, "an expression is too long");
    }
    return NodePtr(std::make_shared<const Node>(std::move(node)));
}

Result<NodePtr> Parser::run() {
    Node out{NodeKind::kBlock};
    while (now().kind != TokenKind::kEnd) {
        KUMO_TRY_ASSIGN(NodePtr one, statement());
        out.children.push_back(std::move(one));
    }
    return make(std::move(out));
}

bool Parser::at_declaration() const {
    if (now().kind != TokenKind::kName || !is_type(now().text)) {
        return false;
    }
    if (ahead(1).kind == TokenKind::kName) {
        return true;
    }
    // List<String> x
    if (ahead(1).text != "<") {
        return false;
    }
    std::size_t n = 2;
    while (ahead(n).kind == TokenKind::kName || ahead(n).text == ",") {
        ++n;
    }
    return ahead(n).text == ">" && ahead(n + 1).kind == TokenKind::kName;
}

Result<NodePtr> Parser::declaration() {
    while (now().kind != TokenKind::kName || ahead(1).kind == TokenKind::kName
           || ahead(1).text == "<" || ahead(1).text == ">" || ahead(1).text == ",") {
        ++at_;
        if (now().kind == TokenKind::kEnd) {
            return unexpected();
        }
    }
    Node out{NodeKind::kDeclare, now().text};
    ++at_;
    if (is("=")) {
        ++at_;
        KUMO_TRY_ASSIGN(NodePtr value, expression());
        out.children.push_back(std::move(value));
    }
    return make(std::move(out));
}

Result<NodePtr> Parser::block() {
    KUMO_TRY(expect("{"));
    Node out{NodeKind::kBlock};
    while (!is("}")) {
        if (now().kind == TokenKind::kEnd) {
            return unexpected();
        }
        KUMO_TRY_ASSIGN(NodePtr one, statement());
        out.children.push_back(std::move(one));
    }
    ++at_;
    return make(std::move(out));
}

Result<NodePtr> Parser::body() {
    return is("{") ? block() : statement();
}

Result<NodePtr> Parser::if_statement() {
    Node out{NodeKind::kIf};
    ++at_;
    KUMO_TRY(expect("("));
    KUMO_TRY_ASSIGN(NodePtr condition, expression());
    KUMO_TRY(expect(")"));
    KUMO_TRY_ASSIGN(NodePtr then, body());
    out.children = {std::move(condition), std::move(then)};
    if (is_word("else")) {
        ++at_;
        KUMO_TRY_ASSIGN(NodePtr otherwise, body());
        out.children.push_back(std::move(otherwise));
    }
    return make(std::move(out));
}

Result<NodePtr> Parser::for_statement() {
    ++at_;
    KUMO_TRY(expect("("));
    const bool typed = now().kind == TokenKind::kName && is_type(now().text);
    const std::size_t at_name = typed ? 1 : 0;
    if (ahead(at_name).kind == TokenKind::kName
        && (ahead(at_name + 1).text == ":" || ahead(at_name + 1).text == "in")) {
        Node out{NodeKind::kForEach, ahead(at_name).text};
        at_ += at_name + 2;
        KUMO_TRY_ASSIGN(NodePtr list, expression());
        KUMO_TRY(expect(")"));
        KUMO_TRY_ASSIGN(NodePtr inside, body());
        out.children = {std::move(list), std::move(inside)};
        return make(std::move(out));
    }
    Node out{NodeKind::kFor};
    for (const std::string_view end : {";", ";", ")"}) {
        if (is(end)) {
            KUMO_TRY_ASSIGN(NodePtr nothing, make({NodeKind::kBlock}));
            out.children.push_back(std::move(nothing));
        } else {
            KUMO_TRY_ASSIGN(NodePtr part, at_declaration() ? declaration() : expression());
            out.children.push_back(std::move(part));
        }
        KUMO_TRY(expect(end));
    }
    KUMO_TRY_ASSIGN(NodePtr inside, body());
    out.children.push_back(std::move(inside));
    return make(std::move(out));
}

Result<NodePtr> Parser::statement() {
    const Deeper deeper(*this);
    KUMO_TRY(deeper.check());
    if (is("{")) {
        return block();
    }
    if (is(";")) {
        ++at_;
        return make({NodeKind::kBlock});
    }
    if (is_word("if")) {
        return if_statement();
    }
    if (is_word("for")) {
        return for_statement();
    }
    if (is_word("while")) {
        ++at_;
        Node out{NodeKind::kWhile};
        KUMO_TRY(expect("("));
        KUMO_TRY_ASSIGN(NodePtr condition, expression());
        KUMO_TRY(expect(")"));
        KUMO_TRY_ASSIGN(NodePtr inside, body());
        out.children = {std::move(condition), std::move(inside)};
        return make(std::move(out));
    }
    for (const std::string_view word : {"do", "try", "throw", "switch", "import", "class"}) {
        if (is_word(word)) {
            return compile_error(now().at, "[" + std::string(word) + "] is not supported");
        }
    }
    Node out{NodeKind::kBlock};
    if (is_word("return")) {
        ++at_;
        out.kind = NodeKind::kReturn;
        if (!is(";") && !is("}") && now().kind != TokenKind::kEnd) {
            KUMO_TRY_ASSIGN(NodePtr value, expression());
            out.children.push_back(std::move(value));
        }
    } else if (is_word("break") || is_word("continue")) {
        out.kind = is_word("break") ? NodeKind::kBreak : NodeKind::kContinue;
        ++at_;
    } else {
        KUMO_TRY_ASSIGN(NodePtr one, at_declaration() ? declaration() : expression());
        if (!is(";") && !is("}") && now().kind != TokenKind::kEnd) {
            return unexpected();
        }
        at_ += is(";") ? 1 : 0;
        return one;
    }
    if (!is(";") && !is("}") && now().kind != TokenKind::kEnd) {
        return unexpected();
    }
    at_ += is(";") ? 1 : 0;
    return make(std::move(out));
}

Result<NodePtr> Parser::expression() {
    const Deeper deeper(*this);
    KUMO_TRY(deeper.check());
    KUMO_TRY_ASSIGN(NodePtr left, ternary());
    for (const std::string_view sign : {"=", "+=", "-=", "*=", "/=", "%="}) {
        if (!is(sign)) {
            continue;
        }
        KUMO_TRY(check_place(*left));
        ++at_;
        KUMO_TRY_ASSIGN(NodePtr right, expression());
        return make({NodeKind::kAssign, std::string(sign), {}, {std::move(left), std::move(right)}}
        );
    }
    return left;
}

Result<NodePtr> Parser::ternary() {
    KUMO_TRY_ASSIGN(NodePtr condition, binary(0));
    if (!is("?")) {
        return condition;
    }
    ++at_;
    KUMO_TRY_ASSIGN(NodePtr then, expression());
    KUMO_TRY(expect(":"));
    KUMO_TRY_ASSIGN(NodePtr otherwise, expression());
    return make(
        {NodeKind::kTernary, "", {}, {std::move(condition), std::move(then), std::move(otherwise)}}
    );
}

Result<NodePtr> Parser::binary(std::size_t level) {
    if (level == kLevels.size()) {
        return unary();
    }
    KUMO_TRY_ASSIGN(NodePtr left, binary(level + 1));
    while (now().kind == TokenKind::kSign && !now().text.empty()
           && std::find(kLevels[level].begin(), kLevels[level].end(), now().text)
                  != kLevels[level].end()) {
        std::string sign = now().text;
        ++at_;
        KUMO_TRY_ASSIGN(NodePtr right, binary(level + 1));
        KUMO_TRY_ASSIGN(
            left,
            make({NodeKind::kBinary, std::move(sign), {}, {std::move(left), std::move(right)}})
        );
    }
    return left;
}

Result<NodePtr> Parser::unary() {
    const Deeper deeper(*this);
    KUMO_TRY(deeper.check());
    for (const std::string_view sign : {"-", "!", "+", "++", "--"}) {
        if (!is(sign)) {
            continue;
        }
        ++at_;
        KUMO_TRY_ASSIGN(NodePtr of, unary());
        const bool steps = sign.size() == 2;
        if (steps) {
            KUMO_TRY(check_place(*of));
        }
        return make(
            {steps ? NodeKind::kIncrement : NodeKind::kUnary,
             std::string(sign) + (steps ? "x" : ""),
             {},
             {std::move(of)}}
        );
    }
    if (is("(") && ahead(1).kind == TokenKind::kName && is_type(ahead(1).text)
        && ahead(2).text == ")") {
        std::string type = ahead(1).text;
        at_ += 3;
        KUMO_TRY_ASSIGN(NodePtr of, unary());
        return make({NodeKind::kCast, std::move(type), {}, {std::move(of)}});
    }
    return postfix();
}

Result<std::vector<NodePtr>> Parser::arguments() {
    std::vector<NodePtr> out;
    KUMO_TRY(expect("("));
    while (!is(")")) {
        if (!out.empty()) {
            KUMO_TRY(expect(","));
        }
        if (ahead(1).text == "->") {
            return compile_error(now().at, "functions as values are not supported");
        }
        KUMO_TRY_ASSIGN(NodePtr one, expression());
        out.push_back(std::move(one));
    }
    ++at_;
    return out;
}

Result<NodePtr> Parser::postfix() {
    KUMO_TRY_ASSIGN(NodePtr out, primary());
    std::size_t links = 0;
    while (true) {
        if (++links > kDepthMax) {
            return compile_error(now().at, "a script is nested too deeply");
        }
        if (is(".") || is("?.")) {
            Node next{NodeKind::kMember};
            next.safe = is("?.");
            ++at_;
            if (now().kind != TokenKind::kName && now().kind != TokenKind::kInteger) {
                return unexpected();
            }
            next.text = now().text;
            ++at_;
            next.children.push_back(std::move(out));
            if (is("(")) {
                next.kind = NodeKind::kCall;
                KUMO_TRY_ASSIGN(std::vector<NodePtr> given, arguments());
                next.children.insert(next.children.end(), given.begin(), given.end());
            }
            KUMO_TRY_ASSIGN(out, make(std::move(next)));
        } else if (is("[")) {
            ++at_;
            KUMO_TRY_ASSIGN(NodePtr index, expression());
            KUMO_TRY(expect("]"));
            KUMO_TRY_ASSIGN(
                out,
                make({NodeKind::kIndex, "", {}, {std::move(out), std::move(index)}})
            );
        } else if (is("++") || is("--")) {
            KUMO_TRY(check_place(*out));
            std::string sign = "x" + now().text;
            ++at_;
            KUMO_TRY_ASSIGN(
                out,
                make({NodeKind::kIncrement, std::move(sign), {}, {std::move(out)}})
            );
        } else {
            return out;
        }
    }
}

Result<NodePtr> Parser::brackets() {
    ++at_;
    Node out{NodeKind::kList};
    if (is(":") && ahead(1).text == "]") {
        at_ += 2;
        return make({NodeKind::kMap});
    }
    while (!is("]")) {
        if (!out.children.empty()) {
            KUMO_TRY(expect(","));
        }
        NodePtr first;
        if (now().kind == TokenKind::kName && ahead(1).text == ":") {
            KUMO_TRY_ASSIGN(first, make({NodeKind::kLiteral, "", Json(now().text)}));
            ++at_;
        } else {
            KUMO_TRY_ASSIGN(first, expression());
        }
        const bool pair = is(":");
        if (!out.children.empty() && pair != (out.kind == NodeKind::kMap)) {
            return unexpected();
        }
        out.children.push_back(std::move(first));
        if (pair) {
            out.kind = NodeKind::kMap;
            ++at_;
            KUMO_TRY_ASSIGN(NodePtr value, expression());
            out.children.push_back(std::move(value));
        }
    }
    ++at_;
    return make(std::move(out));
}

Result<NodePtr> Parser::name() {
    const Token token = now();
    ++at_;
    if (token.text == "true" || token.text == "false") {
        return make({NodeKind::kLiteral, "", Json(token.text == "true")});
    }
    if (token.text == "null") {
        return make({NodeKind::kLiteral});
    }
    if (token.text == "new") {
        Node out{NodeKind::kNew, now().text};
        ++at_;
        if (is("<")) {
            while (!is(">") && now().kind != TokenKind::kEnd) {
                ++at_;
            }
            KUMO_TRY(expect(">"));
        }
        if (out.text != "ArrayList" && out.text != "HashMap" && out.text != "LinkedHashMap"
            && out.text != "HashSet") {
            return compile_error(token.at, "unknown class [" + out.text + "]");
        }
        KUMO_TRY_ASSIGN(out.children, arguments());
        return make(std::move(out));
    }
    static const std::set<std::string_view> kClasses =
        {"Math", "Integer", "Long", "Double", "Float", "Boolean", "String", "Objects"};
    if (kClasses.count(token.text) > 0 && is(".")) {
        ++at_;
        Node out{NodeKind::kStatic, token.text + "." + now().text};
        ++at_;
        if (is("(")) {
            KUMO_TRY_ASSIGN(out.children, arguments());
        } else {
            out.text += "!";  // A constant.
        }
        return make(std::move(out));
    }
    if (is("(")) {
        return compile_error(token.at, "unknown call [" + token.text + "]");
    }
    return make({NodeKind::kName, token.text});
}

Result<NodePtr> Parser::primary() {
    switch (now().kind) {
        case TokenKind::kInteger: {
            std::int64_t whole = 0;
            const std::string& text = now().text;
            const auto read = std::from_chars(text.data(), text.data() + text.size(), whole);
            if (read.ec != std::errc()) {
                return compile_error(now().at, "invalid int constant [" + text + "]");
            }
            ++at_;
            return make({NodeKind::kLiteral, "", Json(whole)});
        }
        case TokenKind::kReal: {
            const auto number = Json(now().text).to_double();
            if (!number) {
                return compile_error(now().at, "invalid double constant [" + now().text + "]");
            }
            ++at_;
            return make({NodeKind::kLiteral, "", Json(*number)});
        }
        case TokenKind::kText: {
            Json text(now().text);
            ++at_;
            return make({NodeKind::kLiteral, "", std::move(text)});
        }
        case TokenKind::kName: return name();
        case TokenKind::kSign: break;
        case TokenKind::kEnd: return unexpected();
    }
    if (is("(")) {
        ++at_;
        KUMO_TRY_ASSIGN(NodePtr inside, expression());
        KUMO_TRY(expect(")"));
        return inside;
    }
    return is("[") ? brackets() : unexpected();
}

}  // namespace

Result<NodePtr> parse(std::string_view source) {
    KUMO_TRY_ASSIGN(std::vector<Token> tokens, tokens_of(source));
    return Parser(std::move(tokens)).run();
}

}  // namespace kumo::api_elastic::script
