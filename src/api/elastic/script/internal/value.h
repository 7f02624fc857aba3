#pragma once

#include "api/elastic/json.h"
#include "base/result.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace kumo::api_elastic::script {

struct List;
struct Map;

/// A value while a script runs. Lists and maps are shared by whoever names them; the heap owns
/// them.
using Value = std::variant<std::monostate, bool, std::int64_t, double, std::string, List*, Map*>;

struct List {
    std::vector<Value> items;
    bool of_document = false;  ///< doc['field']: its values.
};

struct Map {
    std::vector<std::pair<std::string, Value>> members;

    Value* find(const std::string& name);
    Value& at(const std::string& name);  ///< Made null if it is not there.
    bool erase(const std::string& name);
};

/// What one run makes, until it ends.
class Heap {
public:
    Result<List*> list();
    Result<Map*> map();
    /// Counts bytes that a value takes. script_exception above the limit.
    Status take(std::size_t bytes);

    Result<Value> from(const Json& json, std::size_t depth = 0);
    /// script_exception for what contains itself.
    Result<Json> json(const Value& value, std::size_t depth = 0);

private:
    std::deque<List> lists_;
    std::deque<Map> maps_;
    std::size_t bytes_ = 0;
};

bool is_number(const Value& value);
double number_of(const Value& value);
/// As "" + value writes it.
Result<std::string> text_of(const Value& value, std::size_t depth = 0);
const char* type_of(const Value& value);
bool equal(const Value& a, const Value& b, std::size_t depth = 0);

/// A method of a text, a list or a map. `host` may be null only for numbers.
Result<Value>
call_method(Heap& heap, Value& on, const std::string& name, const std::vector<Value>& arguments);
/// Math.max(...), Integer.parseInt(...), ...; constants end in "!".
Result<Value> call_static(Heap& heap, const std::string& name, const std::vector<Value>& arguments);

}  // namespace kumo::api_elastic::script
