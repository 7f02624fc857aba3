#include "api/elastic/json.h"

#include "wire/json_writer.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace kumo::api_elastic {

namespace {

void indent(std::string& out, std::size_t depth) {
    out += '\n';
    out.append(depth * 2, ' ');
}

void append_pretty(const Json& value, std::size_t depth, std::string& out) {
    if (value.is_object() && !value.empty()) {
        out += '{';
        const char* separator = "";
        for (const auto& [name, member] : value.members()) {
            out += separator;
            separator = ",";
            indent(out, depth + 1);
            wire::append_json_string(out, name);
            out += " : ";
            append_pretty(member, depth + 1, out);
        }
        indent(out, depth);
        out += '}';
    } else if (value.is_array() && !value.empty()) {
        out += '[';
        const char* separator = "";
        for (const Json& item : value.items()) {
            out += separator;
            separator = ",";
            indent(out, depth + 1);
            append_pretty(item, depth + 1, out);
        }
        indent(out, depth);
        out += ']';
    } else if (value.is_object() || value.is_array()) {
        out += value.is_object() ? "{ }" : "[ ]";
    } else {
        value.append_to(out);
    }
}

void append_yaml(const Json& value, std::size_t depth, std::string& out) {
    const auto child = [&](const Json& item) {
        const bool nested = (item.is_object() || item.is_array()) && !item.empty();
        out += nested ? "\n" : " ";
        append_yaml(item, nested ? depth + 1 : 0, out);
    };
    if (value.is_object() && !value.empty()) {
        for (const auto& [name, member] : value.members()) {
            out.append(depth * 2, ' ');
            wire::append_json_string(out, name);
            out += ':';
            child(member);
        }
    } else if (value.is_array() && !value.empty()) {
        for (const Json& item : value.items()) {
            out.append(depth * 2, ' ');
            out += '-';
            child(item);
        }
    } else {
        value.append_to(out);
        out += '\n';
    }
}

}  // namespace

Json::Value Json::from_unsigned(std::uint64_t value) {
    return value <= static_cast<std::uint64_t>(INT64_MAX) ? Value(static_cast<std::int64_t>(value))
                                                          : Value(value);
}

Json Json::number_float(float value) {
    std::string text;
    wire::JsonWriter(text).number_float(value);
    double out = 0;
    const auto end = std::from_chars(text.data(), text.data() + text.size(), out);
    return end.ec == std::errc() ? Json(out) : Json();
}

Result<Json> Json::parse(ByteView text, const wire::JsonLimits& limits) {
    KUMO_TRY_ASSIGN(const auto parsed, wire::JsonDocument::parse(text, limits));
    return from(parsed.root());
}

Json Json::from(wire::JsonValue value) {
    switch (value.type()) {
        case wire::JsonType::kNull: return {};
        case wire::JsonType::kBool: return value.as_bool();
        case wire::JsonType::kInt64: return value.as_int64();
        case wire::JsonType::kUint64: return value.as_uint64();
        case wire::JsonType::kDouble: return value.as_double();
        case wire::JsonType::kString: return value.as_string();
        case wire::JsonType::kArray: break;
        case wire::JsonType::kObject: {
            Json out = object();
            for (const wire::JsonMember member : value.as_object()) {
                out[member.key] = from(member.value);
            }
            return out;
        }
    }
    Array items;
    for (const wire::JsonValue item : value.as_array()) {
        items.push_back(from(item));
    }
    return items;
}

double Json::as_double() const {
    if (is_int64()) {
        return static_cast<double>(as_int64());
    }
    return is_uint64() ? static_cast<double>(as_uint64()) : value_or(0.0);
}

const Json* Json::find(std::string_view name) const {
    if (!is_object()) {
        return nullptr;
    }
    const auto found = std::find_if(members().begin(), members().end(), [name](const Member& m) {
        return m.first == name;
    });
    return found == members().end() ? nullptr : &found->second;
}

Json* Json::find(std::string_view name) {
    return const_cast<Json*>(std::as_const(*this).find(name));
}

const Json* Json::at_path(std::string_view path) const {
    if (const Json* whole = find(path)) {
        return whole;
    }
    for (std::size_t dot = path.find('.'); dot != std::string_view::npos;
         dot = path.find('.', dot + 1)) {
        const Json* const child = find(path.substr(0, dot));
        const Json* const found = child == nullptr ? nullptr : child->at_path(path.substr(dot + 1));
        if (found != nullptr) {
            return found;
        }
    }
    return nullptr;
}

Json& Json::operator[](std::string_view name) {
    if (!is_object()) {
        value_ = Object();
    }
    if (Json* const found = find(name)) {
        return *found;
    }
    return members().emplace_back(std::string(name), Json()).second;
}

void Json::erase(std::string_view name) {
    if (is_object()) {
        Object& all = members();
        all.erase(
            std::remove_if(
                all.begin(),
                all.end(),
                [name](const Member& m) { return m.first == name; }
            ),
            all.end()
        );
    }
}

Json& Json::push(Json value) {
    if (!is_array()) {
        value_ = Array();
    }
    return items().emplace_back(std::move(value));
}

std::size_t Json::size() const {
    if (is_array()) {
        return items().size();
    }
    if (is_object()) {
        return members().size();
    }
    return is_string() ? as_string().size() : 0;
}

std::string Json::text() const {
    return is_string() ? as_string() : dump();
}

std::optional<bool> Json::to_bool() const {
    if (is_bool()) {
        return as_bool();
    }
    if (is_string() && (as_string() == "true" || as_string() == "false")) {
        return as_string() == "true";
    }
    return std::nullopt;
}

std::optional<std::int64_t> Json::to_int64() const {
    if (is_int64()) {
        return as_int64();
    }
    const auto number = to_double();
    if (!is_string() && number && *number == std::floor(*number) && std::abs(*number) < 9.2e18) {
        return static_cast<std::int64_t>(*number);
    }
    std::int64_t out = 0;
    if (is_string()) {
        const std::string& s = as_string();
        const auto end = std::from_chars(s.data(), s.data() + s.size(), out);
        if (end.ec == std::errc() && end.ptr == s.data() + s.size() && !s.empty()) {
            return out;
        }
    }
    return std::nullopt;
}

std::optional<double> Json::to_double() const {
    if (is_number()) {
        return as_double();
    }
    if (is_string()) {
        const std::string& s = as_string();
        double out = 0;
        const auto end = std::from_chars(s.data(), s.data() + s.size(), out);
        if (end.ec == std::errc() && end.ptr == s.data() + s.size() && !s.empty()) {
            return out;
        }
    }
    return std::nullopt;
}

void Json::append_to(std::string& out) const {
    if (is_array()) {
        out += '[';
        const char* separator = "";
        for (const Json& item : items()) {
            out += separator;
            separator = ",";
            item.append_to(out);
        }
        out += ']';
    } else if (is_object()) {
        out += '{';
        const char* separator = "";
        for (const auto& [name, member] : members()) {
            out += separator;
            separator = ",";
            wire::append_json_string(out, name);
            out += ':';
            member.append_to(out);
        }
        out += '}';
    } else if (is_string()) {
        wire::append_json_string(out, as_string());
    } else if (is_double()) {
        std::isfinite(as_double()) ? wire::append_json_double(out, as_double())
                                   : void(out += "null");
    } else if (is_bool()) {
        out += as_bool() ? "true" : "false";
    } else if (is_int64()) {
        out += std::to_string(as_int64());
    } else {
        out += is_uint64() ? std::to_string(as_uint64()) : "null";
    }
}

std::string Json::dump() const {
    std::string out;
    append_to(out);
    return out;
}

std::string Json::pretty() const {
    std::string out;
    append_pretty(*this, 0, out);
    out += '\n';
    return out;
}

std::string Json::yaml() const {
    std::string out = "---\n";
    append_yaml(*this, 0, out);
    return out;
}

void Json::merge(const Json& patch) {
    if (!is_object() || !patch.is_object()) {
        *this = patch;
        return;
    }
    for (const auto& [name, value] : patch.members()) {
        (*this)[name].merge(value);
    }
}

bool Json::operator==(const Json& other) const {
    if (is_number() && other.is_number() && value_.index() != other.value_.index()) {
        return as_double() == other.as_double();
    }
    if (!is_object() || !other.is_object()) {
        return value_ == other.value_;
    }
    return size() == other.size()
           && std::all_of(members().begin(), members().end(), [&](const Member& m) {
                  const Json* const same = other.find(m.first);
                  return same != nullptr && *same == m.second;
              });
}

}  // namespace kumo::api_elastic
