#include "api/elastic/script/script.h"

#include "api/elastic/script/internal/ast.h"
#include "api/elastic/script/internal/value.h"

#include <cmath>
#include <map>
#include <utility>

namespace kumo::api_elastic {

namespace script {

namespace {

enum class Flow : std::uint8_t {
    kNext,
    kReturn,
    kBreak,
    kContinue,
};

/// One run. One thread.
class Interpreter {
public:
    explicit Interpreter(const ScriptScope& scope) : scope_(scope) {}

    Result<Json> run(const Node& root);

private:
    Result<Flow> execute(const Node& node);
    Result<Flow> loop(const Node& node);
    Result<Flow> each(const Node& node);
    Result<bool> truth(const Node& node);
    Result<Value> evaluate(const Node& node);
    Result<Value> name(const Node& node);
    Result<Value> member(const Node& node);
    Result<Value> index(const Node& node);
    Result<Value> call(const Node& node);
    Result<Value> binary(const Node& node);
    Result<Value> arithmetic(const std::string& sign, const Value& a, const Value& b);
    Result<Value> compared(const std::string& sign, const Value& a, const Value& b);
    Result<Value> assign(const Node& node);
    Result<Value> increment(const Node& node);
    Result<Value> cast(const Node& node);
    Result<Value> container(const Node& node);
    Result<Value> document(const std::string& field);
    Status store(const Node& place, Value value);
    Status step();

    const ScriptScope& scope_;
    Heap heap_;
    std::map<std::string, Value> variables_;
    Value result_;
    std::uint64_t steps_ = 0;
};

Status Interpreter::step() {
    return ++steps_ > kScriptStepsMax
               ? Status(runtime_error("The maximum number of statements that can be executed in a "
                                      "loop has been reached."))
               : Status();
}

Result<Json> Interpreter::run(const Node& root) {
    static const Json kNone = Json::object();
    KUMO_TRY_ASSIGN(
        variables_["params"],
        heap_.from(scope_.params == nullptr ? kNone : *scope_.params)
    );
    if (scope_.ctx != nullptr) {
        KUMO_TRY_ASSIGN(variables_["ctx"], heap_.from(*scope_.ctx));
    }
    if (scope_.score) {
        variables_["_score"] = Value(*scope_.score);
    }
    KUMO_TRY_ASSIGN(const Flow flow, execute(root));
    (void)flow;
    if (scope_.ctx != nullptr) {
        KUMO_TRY_ASSIGN(*scope_.ctx, heap_.json(variables_["ctx"]));
    }
    return heap_.json(result_);
}

Result<bool> Interpreter::truth(const Node& node) {
    KUMO_TRY_ASSIGN(const Value value, evaluate(node));
    const auto* const truth = std::get_if<bool>(&value);
    if (truth == nullptr) {
        return runtime_error(
            std::string("class_cast_exception: Cannot cast from [") + type_of(value)
            + "] to [boolean]."
        );
    }
    return *truth;
}

Result<Flow> Interpreter::loop(const Node& node) {
    const bool counts = node.kind == NodeKind::kFor;
    if (counts) {
        KUMO_TRY_ASSIGN(const Flow first, execute(*node.children[0]));
        (void)first;
    }
    const Node& condition = *node.children[counts ? 1 : 0];
    const bool endless = condition.kind == NodeKind::kBlock;
    while (true) {
        KUMO_TRY(step());
        if (!endless) {
            KUMO_TRY_ASSIGN(const bool goes_on, truth(condition));
            if (!goes_on) {
                return Flow::kNext;
            }
        }
        KUMO_TRY_ASSIGN(const Flow flow, execute(*node.children.back()));
        if (flow == Flow::kReturn) {
            return flow;
        }
        if (flow == Flow::kBreak) {
            return Flow::kNext;
        }
        if (counts) {
            KUMO_TRY_ASSIGN(const Flow stepped, execute(*node.children[2]));
            (void)stepped;
        }
    }
}

Result<Flow> Interpreter::each(const Node& node) {
    KUMO_TRY_ASSIGN(Value of, evaluate(*node.children[0]));
    if (auto* const map = std::get_if<Map*>(&of)) {
        KUMO_TRY_ASSIGN(of, call_method(heap_, of, "keySet", {}));
        (void)map;
    }
    const auto* const list = std::get_if<List*>(&of);
    if (list == nullptr) {
        return runtime_error(std::string("Illegal argument: cannot iterate over ") + type_of(of));
    }
    // The list may be changed meanwhile.
    for (std::size_t i = 0; i < (*list)->items.size(); ++i) {
        KUMO_TRY(step());
        variables_[node.text] = (*list)->items[i];
        KUMO_TRY_ASSIGN(const Flow flow, execute(*node.children[1]));
        if (flow == Flow::kReturn) {
            return flow;
        }
        if (flow == Flow::kBreak) {
            break;
        }
    }
    return Flow::kNext;
}

Result<Flow> Interpreter::execute(const Node& node) {
    KUMO_TRY(step());
    switch (node.kind) {
        case NodeKind::kBlock:
            for (const NodePtr& one : node.children) {
                KUMO_TRY_ASSIGN(const Flow flow, execute(*one));
                if (flow != Flow::kNext) {
                    return flow;
                }
            }
            return Flow::kNext;
        case NodeKind::kIf: {
            KUMO_TRY_ASSIGN(const bool then, truth(*node.children[0]));
            if (then) {
                return execute(*node.children[1]);
            }
            return node.children.size() > 2 ? execute(*node.children[2]) : Flow::kNext;
        }
        case NodeKind::kFor:
        case NodeKind::kWhile: return loop(node);
        case NodeKind::kForEach: return each(node);
        case NodeKind::kBreak: return Flow::kBreak;
        case NodeKind::kContinue: return Flow::kContinue;
        case NodeKind::kReturn:
            result_ = Value();
            if (!node.children.empty()) {
                KUMO_TRY_ASSIGN(result_, evaluate(*node.children[0]));
            }
            return Flow::kReturn;
        case NodeKind::kDeclare: {
            Value value;
            if (!node.children.empty()) {
                KUMO_TRY_ASSIGN(value, evaluate(*node.children[0]));
            }
            variables_[node.text] = std::move(value);
            return Flow::kNext;
        }
        default: break;
    }
    KUMO_TRY_ASSIGN(result_, evaluate(node));
    return Flow::kNext;
}

Result<Value> Interpreter::name(const Node& node) {
    const auto found = variables_.find(node.text);
    if (found != variables_.end()) {
        if (const auto* const text = std::get_if<std::string>(&found->second)) {
            KUMO_TRY(heap_.take(text->size()));
        }
        return found->second;
    }
    return fault("script_exception", "compile error: cannot resolve symbol [" + node.text + "]");
}

Result<Value> Interpreter::document(const std::string& field) {
    if (!scope_.doc) {
        return runtime_error("there is no document here: [doc] has no values");
    }
    KUMO_TRY_ASSIGN(const Json values, scope_.doc(field));
    KUMO_TRY_ASSIGN(const Value out, heap_.from(values));
    if (const auto* const list = std::get_if<List*>(&out)) {
        (*list)->of_document = true;
    }
    return out;
}

Result<Value> Interpreter::member(const Node& node) {
    const Node& owner = *node.children[0];
    if (owner.kind == NodeKind::kName && owner.text == "doc") {
        return document(node.text);
    }
    KUMO_TRY_ASSIGN(Value on, evaluate(owner));
    if (std::holds_alternative<std::monostate>(on)) {
        return node.safe ? Result<Value>(Value())
                         : Result<Value>(runtime_error(
                             "null_pointer_exception: cannot access [" + node.text + "] of null"
                         ));
    }
    if (auto* const map = std::get_if<Map*>(&on)) {
        const Value* const found = (*map)->find(node.text);
        return found == nullptr ? Value() : *found;
    }
    if (auto* const list = std::get_if<List*>(&on)) {
        const std::vector<Value>& items = (*list)->items;
        if (node.text == "length") {
            return Value(static_cast<std::int64_t>(items.size()));
        }
        if (node.text == "empty") {
            return Value(items.empty());
        }
        if ((*list)->of_document && node.text == "values") {
            return on;
        }
        if ((*list)->of_document && node.text == "value") {
            return items.empty() ? Result<Value>(runtime_error(
                       "A document doesn't have a value for a field! Use doc[<field>].size()==0 "
                       "to check if a document is missing a field!"
                   ))
                                 : Result<Value>(items.front());
        }
    }
    return runtime_error(
        "member field [" + std::string(type_of(on)) + ", " + node.text + "] not found"
    );
}

Result<Value> Interpreter::index(const Node& node) {
    const Node& owner = *node.children[0];
    KUMO_TRY_ASSIGN(const Value at, evaluate(*node.children[1]));
    if (owner.kind == NodeKind::kName && owner.text == "doc") {
        KUMO_TRY_ASSIGN(const std::string field, text_of(at));
        return document(field);
    }
    KUMO_TRY_ASSIGN(Value on, evaluate(owner));
    if (auto* const map = std::get_if<Map*>(&on)) {
        KUMO_TRY_ASSIGN(const std::string key, text_of(at));
        const Value* const found = (*map)->find(key);
        return found == nullptr ? Value() : *found;
    }
    return call_method(heap_, on, "get", {at});
}

Result<Value> Interpreter::call(const Node& node) {
    std::vector<Value> arguments;
    for (std::size_t i = 1; i < node.children.size(); ++i) {
        KUMO_TRY_ASSIGN(Value one, evaluate(*node.children[i]));
        arguments.push_back(std::move(one));
    }
    const Node& owner = *node.children[0];
    if (owner.kind == NodeKind::kName && owner.text == "doc") {
        if (node.text == "containsKey" && arguments.size() == 1 && scope_.doc) {
            KUMO_TRY_ASSIGN(const std::string field, text_of(arguments[0]));
            return Value(scope_.doc(field).ok());
        }
        return runtime_error("member method [doc, " + node.text + "] not found");
    }
    KUMO_TRY_ASSIGN(Value on, evaluate(owner));
    if (node.safe && std::holds_alternative<std::monostate>(on)) {
        return Value();
    }
    // What goes through all of a list costs as much.
    if (const auto* const list = std::get_if<List*>(&on)) {
        steps_ += (*list)->items.size() / 8;
    }
    if (const auto* const map = std::get_if<Map*>(&on)) {
        steps_ += (*map)->members.size() / 8;
    }
    return call_method(heap_, on, node.text, arguments);
}

Result<Value> Interpreter::arithmetic(const std::string& sign, const Value& a, const Value& b) {
    const bool texts =
        std::holds_alternative<std::string>(a) || std::holds_alternative<std::string>(b);
    if (sign == "+" && texts) {
        KUMO_TRY_ASSIGN(std::string out, text_of(a));
        KUMO_TRY_ASSIGN(const std::string end, text_of(b));
        KUMO_TRY(heap_.take(out.size() + end.size()));
        out += end;
        return Value(std::move(out));
    }
    if (!is_number(a) || !is_number(b)) {
        return runtime_error(
            std::string("class_cast_exception: Cannot apply [") + sign + "] operation to types ["
            + type_of(a) + "] and [" + type_of(b) + "]."
        );
    }
    const auto* const x = std::get_if<std::int64_t>(&a);
    const auto* const y = std::get_if<std::int64_t>(&b);
    if (x != nullptr && y != nullptr) {
        if ((sign == "/" || sign == "%") && *y == 0) {
            return runtime_error("arithmetic_exception: / by zero");
        }
        if (sign == "/" || sign == "%") {
            if (*y == -1) {
                const auto negated = static_cast<std::int64_t>(0 - static_cast<std::uint64_t>(*x));
                return sign == "/" ? Value(negated) : Value(std::int64_t{0});
            }
            return Value(sign == "/" ? *x / *y : *x % *y);
        }
        // Overflows go round, as they do there.
        const auto ux = static_cast<std::uint64_t>(*x);
        const auto uy = static_cast<std::uint64_t>(*y);
        const std::uint64_t out = sign == "+" ? ux + uy : sign == "-" ? ux - uy : ux * uy;
        return Value(static_cast<std::int64_t>(out));
    }
    const double p = number_of(a);
    const double q = number_of(b);
    return Value(
        sign == "+"   ? p + q
        : sign == "-" ? p - q
        : sign == "*" ? p * q
        : sign == "/" ? p / q
                      : std::fmod(p, q)
    );
}

Result<Value> Interpreter::compared(const std::string& sign, const Value& a, const Value& b) {
    if (sign.size() >= 2 && sign[1] == '=' && (sign[0] == '=' || sign[0] == '!')) {
        return Value(equal(a, b) == (sign[0] == '='));
    }
    double order = 0;
    if (is_number(a) && is_number(b)) {
        const bool whole = a.index() == 2 && b.index() == 2;
        order = whole
                    ? (std::get<std::int64_t>(a) < std::get<std::int64_t>(b)   ? -1.0
                       : std::get<std::int64_t>(a) > std::get<std::int64_t>(b) ? 1.0
                                                                               : 0.0)
                    : number_of(a) - number_of(b);
    } else if (a.index() == 4 && b.index() == 4) {
        order = std::get<std::string>(a).compare(std::get<std::string>(b));
    } else {
        return runtime_error(
            std::string("class_cast_exception: Cannot apply [") + sign + "] operation to types ["
            + type_of(a) + "] and [" + type_of(b) + "]."
        );
    }
    return Value(
        sign == "<"    ? order < 0
        : sign == "<=" ? order <= 0
        : sign == ">"  ? order > 0
                       : order >= 0
    );
}

Result<Value> Interpreter::binary(const Node& node) {
    if (node.text == "&&" || node.text == "||") {
        KUMO_TRY_ASSIGN(const bool first, truth(*node.children[0]));
        if (first == (node.text == "||")) {
            return Value(first);
        }
        KUMO_TRY_ASSIGN(const bool second, truth(*node.children[1]));
        return Value(second);
    }
    KUMO_TRY_ASSIGN(Value left, evaluate(*node.children[0]));
    if (node.text == "?:") {
        return std::holds_alternative<std::monostate>(left) ? evaluate(*node.children[1])
                                                            : Result<Value>(std::move(left));
    }
    KUMO_TRY_ASSIGN(const Value right, evaluate(*node.children[1]));
    const bool counts = node.text.size() == 1 && node.text != "<" && node.text != ">";
    return counts ? arithmetic(node.text, left, right) : compared(node.text, left, right);
}

Status Interpreter::store(const Node& place, Value value) {
    if (place.kind == NodeKind::kName) {
        if (place.text == "params" || place.text == "ctx" || place.text == "_score"
            || variables_.find(place.text) == variables_.end()) {
            return fault(
                "script_exception",
                "compile error: cannot assign to [" + place.text + "]"
            );
        }
        variables_[place.text] = std::move(value);
        return {};
    }
    KUMO_TRY_ASSIGN(Value on, evaluate(*place.children[0]));
    std::string key = place.text;
    if (place.kind == NodeKind::kIndex) {
        KUMO_TRY_ASSIGN(const Value at, evaluate(*place.children[1]));
        if (auto* const list = std::get_if<List*>(&on)) {
            const auto* const whole = std::get_if<std::int64_t>(&at);
            if (whole == nullptr || *whole < 0 || (*list)->of_document
                || static_cast<std::uint64_t>(*whole) >= (*list)->items.size()) {
                return runtime_error("index_out_of_bounds_exception: Index out of bounds");
            }
            (*list)->items[static_cast<std::size_t>(*whole)] = std::move(value);
            return {};
        }
        KUMO_TRY_ASSIGN(key, text_of(at));
    }
    auto* const map = std::get_if<Map*>(&on);
    if (map == nullptr) {
        return runtime_error("null_pointer_exception: cannot set [" + key + "] of " + type_of(on));
    }
    KUMO_TRY(heap_.take(sizeof(Value) + key.size()));
    (*map)->at(key) = std::move(value);
    return {};
}

Result<Value> Interpreter::assign(const Node& node) {
    KUMO_TRY_ASSIGN(Value value, evaluate(*node.children[1]));
    if (node.text != "=") {
        KUMO_TRY_ASSIGN(const Value before, evaluate(*node.children[0]));
        KUMO_TRY_ASSIGN(value, arithmetic(node.text.substr(0, 1), before, value));
    }
    KUMO_TRY(store(*node.children[0], value));
    return value;
}

Result<Value> Interpreter::increment(const Node& node) {
    KUMO_TRY_ASSIGN(const Value before, evaluate(*node.children[0]));
    const bool first = node.text.back() == 'x';
    const std::string sign = node.text.substr(first ? 0 : 1, 1);
    KUMO_TRY_ASSIGN(const Value after, arithmetic(sign, before, Value(std::int64_t{1})));
    KUMO_TRY(store(*node.children[0], after));
    return first ? after : before;
}

Result<Value> Interpreter::cast(const Node& node) {
    KUMO_TRY_ASSIGN(Value value, evaluate(*node.children[0]));
    const std::string& type = node.text;
    const bool whole = type == "int" || type == "long" || type == "short" || type == "byte"
                       || type == "Integer" || type == "Long";
    const bool real = type == "double" || type == "float" || type == "Double" || type == "Number";
    if (whole && is_number(value)) {
        return call_method(heap_, value, "longValue", {});
    }
    if (real && is_number(value)) {
        return Value(number_of(value));
    }
    const bool fits = type == "def" || type == "Object" || (type == "String" && value.index() == 4)
                      || (type == "boolean" && value.index() == 1)
                      || ((type == "List" || type == "ArrayList") && value.index() == 5)
                      || ((type == "Map" || type == "HashMap") && value.index() == 6)
                      || (value.index() == 0 && !whole && !real);
    if (!fits) {
        return runtime_error(
            std::string("class_cast_exception: Cannot cast from [") + type_of(value) + "] to ["
            + type + "]."
        );
    }
    return value;
}

Result<Value> Interpreter::container(const Node& node) {
    if (node.kind == NodeKind::kMap
        || (node.kind == NodeKind::kNew && node.text.ends_with("Map"))) {
        KUMO_TRY_ASSIGN(Map* const out, heap_.map());
        for (std::size_t i = 0; node.kind == NodeKind::kMap && i + 1 < node.children.size();
             i += 2) {
            KUMO_TRY_ASSIGN(const Value key, evaluate(*node.children[i]));
            KUMO_TRY_ASSIGN(const std::string name, text_of(key));
            KUMO_TRY_ASSIGN(Value value, evaluate(*node.children[i + 1]));
            KUMO_TRY(heap_.take(sizeof(Value) + name.size()));
            out->at(name) = std::move(value);
        }
        return Value(out);
    }
    KUMO_TRY_ASSIGN(List* const out, heap_.list());
    for (const NodePtr& child : node.children) {
        KUMO_TRY_ASSIGN(Value one, evaluate(*child));
        KUMO_TRY(heap_.take(sizeof(Value)));
        if (node.kind == NodeKind::kNew) {
            const auto* const other = std::get_if<List*>(&one);
            if (other != nullptr) {
                KUMO_TRY(heap_.take(sizeof(Value) * (*other)->items.size()));
                out->items = (*other)->items;
            }
        } else {
            out->items.push_back(std::move(one));
        }
    }
    return Value(out);
}

Result<Value> Interpreter::evaluate(const Node& node) {
    KUMO_TRY(step());
    switch (node.kind) {
        case NodeKind::kLiteral: return heap_.from(node.literal);
        case NodeKind::kName: return name(node);
        case NodeKind::kMember: return member(node);
        case NodeKind::kIndex: return index(node);
        case NodeKind::kCall: return call(node);
        case NodeKind::kStatic: {
            std::vector<Value> arguments;
            for (const NodePtr& child : node.children) {
                KUMO_TRY_ASSIGN(Value one, evaluate(*child));
                arguments.push_back(std::move(one));
            }
            return call_static(heap_, node.text, arguments);
        }
        case NodeKind::kNew:
        case NodeKind::kList:
        case NodeKind::kMap: return container(node);
        case NodeKind::kUnary: {
            if (node.text == "!") {
                KUMO_TRY_ASSIGN(const bool value, truth(*node.children[0]));
                return Value(!value);
            }
            KUMO_TRY_ASSIGN(const Value value, evaluate(*node.children[0]));
            if (node.text == "-" && std::holds_alternative<double>(value)) {
                return Value(-std::get<double>(value));
            }
            return arithmetic(node.text, Value(std::int64_t{0}), value);
        }
        case NodeKind::kBinary: return binary(node);
        case NodeKind::kTernary: {
            KUMO_TRY_ASSIGN(const bool first, truth(*node.children[0]));
            return evaluate(*node.children[first ? 1 : 2]);
        }
        case NodeKind::kAssign: return assign(node);
        case NodeKind::kIncrement: return increment(node);
        case NodeKind::kCast: return cast(node);
        default: break;
    }
    return runtime_error("a statement is no value");
}

}  // namespace

}  // namespace script

Result<std::shared_ptr<const Script>> Script::compile(std::string_view source) {
    if (source.size() > kScriptSourceBytesMax) {
        return fault(
            "script_exception",
            "compile error: Scripts may be no longer than 65535 bytes."
        );
    }
    KUMO_TRY_ASSIGN(script::NodePtr root, script::parse(source));
    return std::shared_ptr<const Script>(new Script(std::move(root)));
}

Result<Json> Script::run(const ScriptScope& scope) const {
    return script::Interpreter(scope).run(*root_);
}

}  // namespace kumo::api_elastic
