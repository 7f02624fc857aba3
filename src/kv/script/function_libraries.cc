#include "kv/script/function_libraries.h"

#include "kv/rdb/dump.h"
#include "kv/rdb/rdb_format.h"
#include "kv/rdb/rdb_input.h"
#include "kv/rdb/rdb_output.h"
#include "wire/resp.h"

#include <algorithm>
#include <utility>

namespace kumo::kv {
namespace {

constexpr std::size_t kFooterBytes = 10;  ///< Version and checksum of a dump.

std::string lower(ByteView text) {
    std::string out(text);
    for (char& c : out) {
        c = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
    }
    return out;
}

bool is_name(ByteView name) {
    return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
        const char small = static_cast<char>(c | 0x20);
        return (c >= '0' && c <= '9') || (small >= 'a' && small <= 'z') || c == '_';
    });
}

struct FirstLine {
    std::string engine;
    std::string name;
    ByteView code;  ///< After it, with its line break.
};

Result<FirstLine> read_first_line(ByteView code) {
    const std::size_t end = code.find('\n');
    if (code.substr(0, 2) != "#!") {
        return invalid_argument("Missing library metadata");
    }
    if (end == ByteView::npos) {
        return invalid_argument("Invalid library metadata");
    }
    std::vector<std::string> words;
    if (!wire::split_quoted(code.substr(0, end), &words) || words.empty()) {
        return invalid_argument("Invalid library metadata");
    }
    FirstLine line{words[0].substr(2), {}, code.substr(end)};
    bool named = false;
    for (std::size_t i = 1; i < words.size(); ++i) {
        if (lower(ByteView(words[i]).substr(0, 5)) != "name=") {
            return invalid_argument("Invalid metadata value given: " + words[i]);
        }
        if (std::exchange(named, true)) {
            return invalid_argument("Invalid metadata value, name argument was given multiple times"
            );
        }
        line.name = words[i].substr(5);
    }
    if (!named) {
        return invalid_argument("Library name was not given");
    }
    return line;
}

}  // namespace

FunctionLibraries::FunctionLibraries(const ScriptLimits& limits)
    : limits_(limits),
      interpreter_(std::make_unique<Interpreter>(Interpreter::Kind::kFunctions, limits)) {}

Result<FunctionLibraries::Library> FunctionLibraries::compile(ByteView code, ScriptHost& host) {
    KUMO_TRY_ASSIGN(const FirstLine line, read_first_line(code));
    if (!is_name(line.name)) {
        return invalid_argument(
            "Library names can only contain letters, numbers, or underscores(_) "
            "and must be at least one character long"
        );
    }
    if (lower(line.engine) != "lua") {
        return invalid_argument("Engine '" + line.engine + "' not found");
    }
    KUMO_TRY_ASSIGN(
        std::vector<RegisteredFunction> functions,
        interpreter_->load_library(line.code, host)
    );
    if (functions.empty()) {
        return invalid_argument("No functions registered");
    }
    return Library{line.name, std::string(code), std::move(functions)};
}

Status FunctionLibraries::check_names(
    const Library& library,
    const std::vector<Library>& others,
    bool replace
) const {
    if (!replace && libraries_.find(library.name) != libraries_.end()) {
        return invalid_argument("Library '" + library.name + "' already exists");
    }
    for (const RegisteredFunction& function : library.functions) {
        const auto owner = owners_.find(lower(function.name));
        const auto replaced = [&](const std::string& name) {
            return replace
                   && (name == library.name
                       || std::any_of(others.begin(), others.end(), [&](const Library& other) {
                              return other.name == name;
                          }));
        };
        if (owner != owners_.end() && !replaced(owner->second)) {
            return invalid_argument("Function " + function.name + " already exists");
        }
    }
    return {};
}

void FunctionLibraries::add(Library library) {
    remove(library.name);
    const std::string name = library.name;
    const Library& kept = libraries_.emplace(name, std::move(library)).first->second;
    for (const RegisteredFunction& function : kept.functions) {
        functions_[lower(function.name)] = &function;
        owners_[lower(function.name)] = name;
    }
}

void FunctionLibraries::discard(const Library& library) {
    for (const RegisteredFunction& function : library.functions) {
        interpreter_->forget(function.reference);
    }
}

Result<std::string> FunctionLibraries::load(ByteView code, bool replace, ScriptHost& host) {
    KUMO_TRY_ASSIGN(const FirstLine line, read_first_line(code));
    if (!replace && is_name(line.name) && lower(line.engine) == "lua"
        && libraries_.find(line.name) != libraries_.end()) {
        return invalid_argument("Library '" + line.name + "' already exists");
    }
    KUMO_TRY_ASSIGN(Library library, compile(code, host));
    if (Status fits = check_names(library, {}, replace); !fits.ok()) {
        discard(library);
        return std::move(fits).error();
    }
    std::string name = library.name;
    add(std::move(library));
    return name;
}

bool FunctionLibraries::remove(ByteView name) {
    const auto at = libraries_.find(name);
    if (at == libraries_.end()) {
        return false;
    }
    for (const RegisteredFunction& function : at->second.functions) {
        functions_.erase(lower(function.name));
        owners_.erase(lower(function.name));
    }
    discard(at->second);
    libraries_.erase(at);
    return true;
}

void FunctionLibraries::flush() {
    libraries_.clear();
    functions_.clear();
    owners_.clear();
    interpreter_ = std::make_unique<Interpreter>(Interpreter::Kind::kFunctions, limits_);
}

const RegisteredFunction* FunctionLibraries::find(ByteView name) const {
    const auto at = functions_.find(lower(name));
    return at == functions_.end() ? nullptr : at->second;
}

std::string FunctionLibraries::dump() const {
    RdbOutput out;
    for (const auto& [name, library] : libraries_) {
        out.byte(static_cast<std::uint8_t>(RdbOpcode::kFunction));
        out.string(library.code);
    }
    std::string payload = std::move(out.buffer());
    seal_dump(&payload);
    return payload;
}

Status FunctionLibraries::restore(ByteView payload, Policy policy, ScriptHost& host) {
    if (!dump_is_sound(payload)) {
        return invalid_argument("DUMP payload version or checksum are wrong");
    }
    RdbInput input(payload.substr(0, payload.size() - kFooterBytes));
    std::vector<Library> restored;
    Status problem;
    while (problem.ok() && !input.at_end()) {
        std::string scratch;
        if (input.byte() != static_cast<std::uint8_t>(RdbOpcode::kFunction)) {
            problem = invalid_argument("given type is not a function");
            break;
        }
        const std::string code(input.string(&scratch));
        if (!input.ok()) {
            problem = invalid_argument("Failed loading library data");
            break;
        }
        auto library = compile(code, host);
        if (!library.ok()) {
            problem = std::move(library).error();
            break;
        }
        restored.push_back(std::move(library).value());
        const Library& latest = restored.back();
        if (policy == Policy::kAppend && libraries_.find(latest.name) != libraries_.end()) {
            problem = invalid_argument("Library " + latest.name + " already exists");
        } else if (policy != Policy::kFlush) {
            problem = check_names(latest, restored, policy == Policy::kReplace);
        }
    }
    if (!problem.ok()) {
        for (const Library& library : restored) {
            discard(library);
        }
        return problem;
    }
    while (policy == Policy::kFlush && !libraries_.empty()) {
        remove(std::string(libraries_.begin()->first));
    }
    for (Library& library : restored) {
        add(std::move(library));
    }
    return {};
}

}  // namespace kumo::kv
