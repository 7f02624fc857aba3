#include "api/elastic/script/internal/ast.h"
#include "api/elastic/script/internal/value.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace kumo::api_elastic::script {

namespace {

using Arguments = std::vector<Value>;

Error no_method(const Value& on, const std::string& name, std::size_t count) {
    return runtime_error(
        std::string("member method [") + type_of(on) + ", " + name + "/" + std::to_string(count)
        + "] not found"
    );
}

std::string text_at(const Arguments& arguments, std::size_t i) {
    const auto* const text = std::get_if<std::string>(&arguments[i]);
    return text == nullptr ? text_of(arguments[i]).ok() ? text_of(arguments[i]).value() : ""
                           : *text;
}

/// A place in something of `size`. runtime error outside of it; `end`: that is one, too.
Result<std::size_t>
place_at(const Arguments& arguments, std::size_t i, std::size_t size, bool end) {
    const auto* const whole = std::get_if<std::int64_t>(&arguments[i]);
    if (whole == nullptr || *whole < 0
        || static_cast<std::uint64_t>(*whole) >= size + (end ? 1 : 0)) {
        return runtime_error("index_out_of_bounds_exception: Index out of bounds");
    }
    return static_cast<std::size_t>(*whole);
}

std::string cased(std::string text, bool up) {
    std::transform(text.begin(), text.end(), text.begin(), [up](char c) {
        const bool letter = up ? c >= 'a' && c <= 'z' : c >= 'A' && c <= 'Z';
        return letter ? static_cast<char>(c ^ 32) : c;
    });
    return text;
}

std::int64_t position(std::size_t found) {
    return found == std::string::npos ? -1 : static_cast<std::int64_t>(found);
}

Result<Value> replaced(Heap& heap, const std::string& text, const Arguments& arguments) {
    const std::string what = text_at(arguments, 0);
    const std::string with = text_at(arguments, 1);
    std::string out;
    std::size_t at = 0;
    while (!what.empty()) {
        const std::size_t found = text.find(what, at);
        if (found == std::string::npos) {
            break;
        }
        KUMO_TRY(heap.take(found - at + with.size()));
        out += text.substr(at, found - at) + with;
        at = found + what.size();
    }
    return Value(out + text.substr(at));
}

Result<Value>
text_method(Heap& heap, const std::string& text, const std::string& name, const Arguments& given) {
    KUMO_TRY(heap.take(text.size()));
    if (given.empty()) {
        if (name == "length") {
            return Value(static_cast<std::int64_t>(text.size()));
        }
        if (name == "isEmpty") {
            return Value(text.empty());
        }
        if (name == "toLowerCase" || name == "toUpperCase") {
            return Value(cased(text, name == "toUpperCase"));
        }
        if (name == "toString") {
            return Value(text);
        }
        if (name == "trim") {
            const std::size_t begin = std::min(text.find_first_not_of(" \t\r\n"), text.size());
            return Value(text.substr(begin, text.find_last_not_of(" \t\r\n") + 1 - begin));
        }
    }
    if (given.size() == 1) {
        if (name == "contains") {
            return Value(text.find(text_at(given, 0)) != std::string::npos);
        }
        if (name == "startsWith") {
            return Value(text.starts_with(text_at(given, 0)));
        }
        if (name == "endsWith") {
            return Value(text.ends_with(text_at(given, 0)));
        }
        if (name == "equals") {
            return Value(given[0] == Value(text));
        }
        if (name == "equalsIgnoreCase") {
            return Value(cased(text, false) == cased(text_at(given, 0), false));
        }
        if (name == "indexOf") {
            return Value(position(text.find(text_at(given, 0))));
        }
        if (name == "lastIndexOf") {
            return Value(position(text.rfind(text_at(given, 0))));
        }
        if (name == "concat") {
            return Value(text + text_at(given, 0));
        }
        if (name == "compareTo") {
            return Value(std::int64_t{text.compare(text_at(given, 0))});
        }
        if (name == "substring") {
            KUMO_TRY_ASSIGN(const std::size_t begin, place_at(given, 0, text.size(), true));
            return Value(text.substr(begin));
        }
        if (name == "charAt") {
            KUMO_TRY_ASSIGN(const std::size_t at, place_at(given, 0, text.size(), false));
            return Value(text.substr(at, 1));
        }
        if (name == "splitOnToken") {
            const std::string token = text_at(given, 0);
            KUMO_TRY_ASSIGN(List* const out, heap.list());
            std::size_t at = 0;
            for (std::size_t found = token.empty() ? std::string::npos : text.find(token);
                 found != std::string::npos;
                 found = text.find(token, at)) {
                KUMO_TRY(heap.take(sizeof(Value)));
                out->items.emplace_back(text.substr(at, found - at));
                at = found + token.size();
            }
            out->items.emplace_back(text.substr(at));
            return Value(out);
        }
    }
    if (given.size() == 2 && name == "substring") {
        KUMO_TRY_ASSIGN(const std::size_t end, place_at(given, 1, text.size(), true));
        KUMO_TRY_ASSIGN(const std::size_t begin, place_at(given, 0, end, true));
        return Value(text.substr(begin, end - begin));
    }
    if (given.size() == 2 && name == "replace") {
        return replaced(heap, text, given);
    }
    return no_method(Value(text), name, given.size());
}

Result<Value> list_method(Heap& heap, List& list, const std::string& name, const Arguments& given) {
    const auto index_of = [&list](const Value& wanted) {
        const auto found =
            std::find_if(list.items.begin(), list.items.end(), [&](const Value& one) {
                return equal(one, wanted);
            });
        return found == list.items.end() ? -1
                                         : static_cast<std::int64_t>(found - list.items.begin());
    };
    if (given.empty()) {
        if (name == "size" || name == "length" || name == "getLength") {
            return Value(static_cast<std::int64_t>(list.items.size()));
        }
        if (name == "isEmpty") {
            return Value(list.items.empty());
        }
        if (name == "clear" && !list.of_document) {
            list.items.clear();
            return Value();
        }
        if (name == "getValue" && list.of_document && !list.items.empty()) {
            return list.items.front();
        }
    }
    if (given.size() == 1) {
        if (name == "contains") {
            return Value(index_of(given[0]) >= 0);
        }
        if (name == "indexOf") {
            return Value(index_of(given[0]));
        }
        if (name == "get") {
            KUMO_TRY_ASSIGN(const std::size_t at, place_at(given, 0, list.items.size(), false));
            return list.items[at];
        }
        if (name == "add" && !list.of_document) {
            KUMO_TRY(heap.take(sizeof(Value)));
            list.items.push_back(given[0]);
            return Value(true);
        }
        if (name == "addAll" && std::holds_alternative<List*>(given[0]) && !list.of_document) {
            const std::vector<Value> more = std::get<List*>(given[0])->items;
            KUMO_TRY(heap.take(sizeof(Value) * more.size()));
            list.items.insert(list.items.end(), more.begin(), more.end());
            return Value(!more.empty());
        }
        if (name == "remove" && !list.of_document) {
            KUMO_TRY_ASSIGN(const std::size_t at, place_at(given, 0, list.items.size(), false));
            const Value out = list.items[at];
            list.items.erase(list.items.begin() + static_cast<std::ptrdiff_t>(at));
            return out;
        }
    }
    if (given.size() == 2 && name == "add" && !list.of_document) {
        KUMO_TRY(heap.take(sizeof(Value)));
        KUMO_TRY_ASSIGN(const std::size_t at, place_at(given, 0, list.items.size(), true));
        list.items.insert(list.items.begin() + static_cast<std::ptrdiff_t>(at), given[1]);
        return Value();
    }
    return no_method(Value(&list), name, given.size());
}

Result<Value> map_method(Heap& heap, Map& map, const std::string& name, const Arguments& given) {
    if (given.empty()) {
        if (name == "size") {
            return Value(static_cast<std::int64_t>(map.members.size()));
        }
        if (name == "isEmpty") {
            return Value(map.members.empty());
        }
        if (name == "keySet" || name == "values") {
            KUMO_TRY_ASSIGN(List* const out, heap.list());
            KUMO_TRY(heap.take(sizeof(Value) * map.members.size()));
            for (const auto& [key, value] : map.members) {
                out->items.push_back(name == "keySet" ? Value(key) : value);
            }
            return Value(out);
        }
        if (name == "clear") {
            map.members.clear();
            return Value();
        }
    }
    if (given.size() == 1) {
        const std::string key = text_at(given, 0);
        if (name == "containsKey") {
            return Value(map.find(key) != nullptr);
        }
        if (name == "get") {
            const Value* const found = map.find(key);
            return found == nullptr ? Value() : *found;
        }
        if (name == "remove") {
            const Value* const found = map.find(key);
            const Value out = found == nullptr ? Value() : *found;
            (void)map.erase(key);
            return out;
        }
    }
    if (given.size() == 2) {
        const std::string key = text_at(given, 0);
        if (name == "put") {
            KUMO_TRY(heap.take(sizeof(Value) + key.size()));
            return std::exchange(map.at(key), given[1]);
        }
        if (name == "getOrDefault") {
            const Value* const found = map.find(key);
            return found == nullptr ? given[1] : *found;
        }
        if (name == "putIfAbsent") {
            KUMO_TRY(heap.take(sizeof(Value) + key.size()));
            Value& place = map.at(key);
            const Value before = place;
            place = std::holds_alternative<std::monostate>(place) ? given[1] : place;
            return before;
        }
    }
    return no_method(Value(&map), name, given.size());
}

Result<Value> rounded(double number) {
    constexpr double kLongMax = 9.2e18;
    if (std::isnan(number)) {
        return Value(std::int64_t{0});
    }
    return Value(static_cast<std::int64_t>(std::floor(std::clamp(number, -kLongMax, kLongMax) + 0.5)
    ));
}

Result<Value> math(const std::string& name, const Arguments& given) {
    if (name == "Math.PI!" || name == "Math.E!") {
        return Value(name == "Math.PI!" ? std::acos(-1.0) : std::exp(1.0));
    }
    if (given.empty() || !is_number(given[0]) || (given.size() > 1 && !is_number(given[1]))) {
        return runtime_error("[" + name + "] needs numbers");
    }
    const double x = number_of(given[0]);
    if (given.size() == 2) {
        const double y = number_of(given[1]);
        const bool whole = given[0].index() == 2 && given[1].index() == 2;
        if (name == "Math.max" || name == "Math.min") {
            const bool first = name == "Math.max" ? x >= y : x <= y;
            const Value& out = first ? given[0] : given[1];
            return whole ? out : Value(number_of(out));
        }
        if (name == "Math.pow") {
            return Value(std::pow(x, y));
        }
        return runtime_error("static method [" + name + "/2] not found");
    }
    if (name == "Math.abs" && given[0].index() == 2) {
        const std::int64_t whole = std::get<std::int64_t>(given[0]);
        return Value(whole < 0 && whole != INT64_MIN ? -whole : whole);
    }
    if (name == "Math.round") {
        return rounded(x);
    }

    struct Known {
        const char* name;
        double (*of)(double);
    };

    static constexpr Known kKnown[] = {
        {"Math.abs",
         [](double v) {
             return std::fabs(v);
         }},
        {"Math.sqrt",
         [](double v) {
             return std::sqrt(v);
         }},
        {"Math.log",
         [](double v) {
             return std::log(v);
         }},
        {"Math.log10",
         [](double v) {
             return std::log10(v);
         }},
        {"Math.exp",
         [](double v) {
             return std::exp(v);
         }},
        {"Math.floor",
         [](double v) {
             return std::floor(v);
         }},
        {"Math.ceil",
         [](double v) {
             return std::ceil(v);
         }},
        {"Math.sin",
         [](double v) {
             return std::sin(v);
         }},
        {"Math.cos",
         [](double v) {
             return std::cos(v);
         }},
        {"Math.tan", [](double v) {
             return std::tan(v);
         }}};
    for (const Known& known : kKnown) {
        if (name == known.name) {
            return Value(known.of(x));
        }
    }
    return runtime_error("static method [" + name + "/1] not found");
}

}  // namespace

Result<Value>
call_method(Heap& heap, Value& on, const std::string& name, const std::vector<Value>& arguments) {
    if (auto* const list = std::get_if<List*>(&on)) {
        return list_method(heap, **list, name, arguments);
    }
    if (auto* const map = std::get_if<Map*>(&on)) {
        return map_method(heap, **map, name, arguments);
    }
    if (const auto* const text = std::get_if<std::string>(&on)) {
        return text_method(heap, *text, name, arguments);
    }
    if (std::holds_alternative<std::monostate>(on)) {
        return runtime_error("null_pointer_exception: cannot call [" + name + "] of null");
    }
    if (arguments.empty() && name == "toString") {
        KUMO_TRY_ASSIGN(std::string text, text_of(on));
        return Value(std::move(text));
    }
    if (arguments.size() == 1 && name == "equals") {
        return Value(equal(on, arguments[0]));
    }
    if (arguments.empty() && is_number(on)) {
        if (name == "intValue" || name == "longValue") {
            return std::holds_alternative<double>(on) ? rounded(std::trunc(number_of(on)))
                                                      : Result<Value>(on);
        }
        if (name == "doubleValue" || name == "floatValue") {
            return Value(number_of(on));
        }
    }
    return no_method(on, name, arguments.size());
}

Result<Value>
call_static(Heap& heap, const std::string& name, const std::vector<Value>& arguments) {
    if (name.starts_with("Math.")) {
        return math(name, arguments);
    }
    if (name == "Integer.MAX_VALUE!") {
        return Value(std::int64_t{INT32_MAX});
    }
    if (name == "Long.MAX_VALUE!") {
        return Value(std::int64_t{INT64_MAX});
    }
    if (arguments.size() == 1 && name == "String.valueOf") {
        KUMO_TRY_ASSIGN(std::string text, text_of(arguments[0]));
        KUMO_TRY(heap.take(text.size()));
        return Value(std::move(text));
    }
    if (arguments.size() == 1
        && (name == "Integer.parseInt" || name == "Long.parseLong" || name == "Integer.valueOf"
            || name == "Long.valueOf")) {
        const auto whole = Json(text_at(arguments, 0)).to_int64();
        return whole ? Result<Value>(Value(*whole))
                     : Result<Value>(runtime_error(
                         "number_format_exception: For input string: \"" + text_at(arguments, 0)
                         + "\""
                     ));
    }
    if (arguments.size() == 1 && (name == "Double.parseDouble" || name == "Float.parseFloat")) {
        const auto number = Json(text_at(arguments, 0)).to_double();
        return number ? Result<Value>(Value(*number))
                      : Result<Value>(runtime_error("number_format_exception: no number"));
    }
    if (arguments.size() == 2 && name == "Objects.equals") {
        return Value(equal(arguments[0], arguments[1]));
    }
    return runtime_error(
        "static method [" + name + "/" + std::to_string(arguments.size()) + "] not found"
    );
}

}  // namespace kumo::api_elastic::script
