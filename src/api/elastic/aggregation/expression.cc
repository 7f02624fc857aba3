#include "api/elastic/aggregation/internal/expression.h"

#include "api/elastic/fault.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <utility>
#include <vector>

namespace kumo::api_elastic {

struct Expression::Node {
    enum class Kind : std::uint8_t {
        kNumber,
        kName,
        kCall,
        kOperator
    };

    Kind kind = Kind::kNumber;
    double number = 0;
    std::string name;  ///< Of a name or a function, or the operator.
    std::vector<std::shared_ptr<const Node>> children;

    Result<double> evaluate(const Lookup& lookup) const;
};

namespace {

using NodePtr = std::shared_ptr<const Expression::Node>;
using Node = Expression::Node;

constexpr std::size_t kSourceBytesMax = 65535;
constexpr int kDepthMax = 100;

Error compile_error(const std::string& why) {
    return fault("script_exception", "compile error: " + why);
}

using Function = double (*)(const std::vector<double>&);

struct Known {
    std::size_t arguments;
    Function function;
};

const std::map<std::string, Known, std::less<>>& functions() {
    using Args = const std::vector<double>&;
    static const std::map<std::string, Known, std::less<>> kFunctions{
        {"Math.abs",
         {1,
          [](Args a) {
              return std::fabs(a[0]);
          }}},
        {"Math.sqrt",
         {1,
          [](Args a) {
              return std::sqrt(a[0]);
          }}},
        {"Math.log",
         {1,
          [](Args a) {
              return std::log(a[0]);
          }}},
        {"Math.log10",
         {1,
          [](Args a) {
              return std::log10(a[0]);
          }}},
        {"Math.exp",
         {1,
          [](Args a) {
              return std::exp(a[0]);
          }}},
        {"Math.floor",
         {1,
          [](Args a) {
              return std::floor(a[0]);
          }}},
        {"Math.ceil",
         {1,
          [](Args a) {
              return std::ceil(a[0]);
          }}},
        {"Math.round",
         {1,
          [](Args a) {
              return std::floor(a[0] + 0.5);
          }}},
        {"Math.pow",
         {2,
          [](Args a) {
              return std::pow(a[0], a[1]);
          }}},
        {"Math.min",
         {2,
          [](Args a) {
              return std::min(a[0], a[1]);
          }}},
        {"Math.max",
         {2,
          [](Args a) {
              return std::max(a[0], a[1]);
          }}},
    };
    return kFunctions;
}

/// Recursive descent by precedence.
class Parser {
public:
    explicit Parser(std::string_view source) : in_(source) {}

    Result<NodePtr> run() {
        skip();
        if (in_.substr(at_).starts_with("return ")) {
            at_ += 7;
        }
        KUMO_TRY_ASSIGN(NodePtr node, choice());
        skip();
        if (at_ < in_.size() && in_[at_] == ';') {
            ++at_;
            skip();
        }
        if (at_ < in_.size()) {
            return compile_error("unexpected [" + std::string(in_.substr(at_, 20)) + "]");
        }
        return node;
    }

private:
    void skip() {
        while (at_ < in_.size() && std::isspace(static_cast<unsigned char>(in_[at_])) != 0) {
            ++at_;
        }
    }

    bool take(std::string_view sign) {
        skip();
        if (!in_.substr(at_).starts_with(sign)) {
            return false;
        }
        at_ += sign.size();
        return true;
    }

    static NodePtr made(std::string name, std::vector<NodePtr> children) {
        auto out = std::make_shared<Node>();
        out->kind = Node::Kind::kOperator;
        out->name = std::move(name);
        out->children = std::move(children);
        return out;
    }

    Result<NodePtr> choice() {
        if (++depth_ > kDepthMax) {
            return compile_error("too deep");
        }
        KUMO_TRY_ASSIGN(NodePtr condition, binary(0));
        if (take("?")) {
            KUMO_TRY_ASSIGN(NodePtr yes, choice());
            if (!take(":")) {
                return compile_error("[:] expected");
            }
            KUMO_TRY_ASSIGN(NodePtr no, choice());
            condition = made("?", {condition, yes, no});
        }
        --depth_;
        return condition;
    }

    static const std::vector<std::vector<std::string_view>>& levels() {
        static const std::vector<std::vector<std::string_view>> kLevels{
            {"||"},
            {"&&"},
            {"==", "!="},
            {"<=", ">=", "<", ">"},
            {"+", "-"},
            {"*", "/", "%"},
        };
        return kLevels;
    }

    Result<NodePtr> binary(std::size_t level) {
        if (level == levels().size()) {
            return unary();
        }
        KUMO_TRY_ASSIGN(NodePtr left, binary(level + 1));
        while (true) {
            const auto& signs = levels()[level];
            const auto sign =
                std::find_if(signs.begin(), signs.end(), [this](std::string_view one) {
                    return take(one);
                });
            if (sign == signs.end()) {
                return left;
            }
            KUMO_TRY_ASSIGN(NodePtr right, binary(level + 1));
            left = made(std::string(*sign), {left, right});
        }
    }

    Result<NodePtr> unary() {
        if (take("-")) {
            KUMO_TRY_ASSIGN(NodePtr child, unary_deeper());
            return made("neg", {child});
        }
        if (take("!")) {
            KUMO_TRY_ASSIGN(NodePtr child, unary_deeper());
            return made("not", {child});
        }
        if (take("(")) {
            KUMO_TRY_ASSIGN(NodePtr child, choice());
            if (!take(")")) {
                return compile_error("[)] expected");
            }
            return child;
        }
        skip();
        if (at_ < in_.size() && std::isdigit(static_cast<unsigned char>(in_[at_])) != 0) {
            return number();
        }
        return name();
    }

    Result<NodePtr> unary_deeper() {
        if (++depth_ > kDepthMax) {
            return compile_error("too deep");
        }
        Result<NodePtr> out = unary();
        --depth_;
        return out;
    }

    Result<NodePtr> number() {
        auto out = std::make_shared<Node>();
        const auto [end, error] =
            std::from_chars(in_.data() + at_, in_.data() + in_.size(), out->number);
        if (error != std::errc()) {
            return compile_error("a number was expected");
        }
        at_ = static_cast<std::size_t>(end - in_.data());
        if (at_ < in_.size()
            && std::string_view("LlfFdD").find(in_[at_]) != std::string_view::npos) {
            ++at_;
        }
        return NodePtr(std::move(out));
    }

    static bool is_letter(char c) {
        return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.' || c == '$';
    }

    Result<NodePtr> name() {
        std::string text;
        while (at_ < in_.size()) {
            if (is_letter(in_[at_])) {
                text += in_[at_++];
            } else if (in_[at_] == '[' && !text.empty()) {
                const std::size_t end = in_.find(']', at_);
                if (end == std::string_view::npos) {
                    return compile_error("[]] expected");
                }
                std::string inside(in_.substr(at_ + 1, end - at_ - 1));
                std::replace(inside.begin(), inside.end(), '"', '\'');
                text += "[" + inside + "]";
                at_ = end + 1;
            } else {
                break;
            }
        }
        if (text.empty()) {
            return compile_error("a value was expected");
        }
        auto out = std::make_shared<Node>();
        out->name = text;
        out->kind = Node::Kind::kName;
        if (text == "true" || text == "false") {
            out->kind = Node::Kind::kNumber;
            out->number = text == "true" ? 1 : 0;
        } else if (in_.substr(at_, 1) == "(") {
            KUMO_TRY(arguments(*out));
        }
        return NodePtr(std::move(out));
    }

    Status arguments(Node& call) {
        ++at_;
        call.kind = Node::Kind::kCall;
        if (!take(")")) {
            do {
                KUMO_TRY_ASSIGN(NodePtr argument, choice());
                call.children.push_back(std::move(argument));
            } while (take(","));
            if (!take(")")) {
                return compile_error("[)] expected");
            }
        }
        const auto known = functions().find(call.name);
        if (known == functions().end()) {
            // A method without arguments is a value as any other: doc['x'].empty().
            if (call.children.empty()) {
                call.kind = Node::Kind::kName;
                return {};
            }
            return compile_error("unknown function [" + call.name + "]");
        }
        if (known->second.arguments != call.children.size()) {
            return compile_error("wrong number of arguments of [" + call.name + "]");
        }
        return {};
    }

    std::string_view in_;
    std::size_t at_ = 0;
    int depth_ = 0;
};

double applied(const std::string& sign, double a, double b) {
    if (sign == "+") {
        return a + b;
    }
    if (sign == "-") {
        return a - b;
    }
    if (sign == "*") {
        return a * b;
    }
    if (sign == "/") {
        return a / b;
    }
    if (sign == "%") {
        return std::fmod(a, b);
    }
    if (sign == "<") {
        return a < b ? 1 : 0;
    }
    if (sign == "<=") {
        return a <= b ? 1 : 0;
    }
    if (sign == ">") {
        return a > b ? 1 : 0;
    }
    if (sign == ">=") {
        return a >= b ? 1 : 0;
    }
    if (sign == "==") {
        return a == b ? 1 : 0;
    }
    return a != b ? 1 : 0;
}

}  // namespace

Result<double> Expression::Node::evaluate(const Lookup& lookup) const {
    switch (kind) {
        case Kind::kNumber: return number;
        case Kind::kName: return lookup(name);
        case Kind::kCall: {
            std::vector<double> values;
            for (const auto& child : children) {
                KUMO_TRY_ASSIGN(const double value, child->evaluate(lookup));
                values.push_back(value);
            }
            return functions().find(name)->second.function(values);
        }
        case Kind::kOperator: break;
    }
    KUMO_TRY_ASSIGN(const double first, children[0]->evaluate(lookup));
    if (name == "neg") {
        return -first;
    }
    if (name == "not") {
        return first == 0 ? 1 : 0;
    }
    if (name == "?") {
        return children[first != 0 ? 1 : 2]->evaluate(lookup);
    }
    if ((name == "&&" && first == 0) || (name == "||" && first != 0)) {
        return name == "&&" ? 0 : 1;
    }
    KUMO_TRY_ASSIGN(const double second, children[1]->evaluate(lookup));
    if (name == "&&" || name == "||") {
        return second != 0 ? 1 : 0;
    }
    return applied(name, first, second);
}

Result<Expression> Expression::parse(std::string_view source) {
    if (source.size() > kSourceBytesMax) {
        return compile_error("the script is too long");
    }
    KUMO_TRY_ASSIGN(std::shared_ptr<const Node> root, Parser(source).run());
    return Expression(std::move(root));
}

Result<double> Expression::evaluate(const Lookup& lookup) const {
    return root_->evaluate(lookup);
}

}  // namespace kumo::api_elastic
