#pragma once

#include "kv/script/interpreter.h"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace kumo::kv {

/// The libraries of FUNCTION LOAD, with the interpreter that runs their functions. Functions are
/// found in any case, libraries are not. All errors are Redis's words, without "ERR". Thread rule:
/// loop-owned.
class FunctionLibraries {
public:
    struct Library {
        std::string name;
        std::string code;
        std::vector<RegisteredFunction> functions;
    };

    enum class Policy : std::uint8_t {
        kAppend,   ///< A library that is there is an error.
        kReplace,  ///< It is replaced.
        kFlush,    ///< All others go.
    };

    explicit FunctionLibraries(const ScriptLimits& limits);

    /// The library's name. If it fails nothing has changed. `host` as Interpreter::load_library().
    Result<std::string> load(ByteView code, bool replace, ScriptHost& host);
    /// False: there is none of that name.
    bool remove(ByteView name);
    void flush();

    /// nullptr: there is none.
    const RegisteredFunction* find(ByteView name) const;

    const std::map<std::string, Library, std::less<>>& libraries() const { return libraries_; }

    std::size_t function_count() const { return functions_.size(); }

    /// The texts of the libraries, in RDB's form, with version and checksum.
    std::string dump() const;
    /// All or nothing.
    Status restore(ByteView payload, Policy policy, ScriptHost& host);

    Interpreter& interpreter() { return *interpreter_; }

    const Interpreter& interpreter() const { return *interpreter_; }

private:
    Result<Library> compile(ByteView code, ScriptHost& host);
    Status check_names(const Library& library, const std::vector<Library>& others, bool replace)
        const;
    void add(Library library);
    void discard(const Library& library);

    ScriptLimits limits_;
    std::unique_ptr<Interpreter> interpreter_;
    std::map<std::string, Library, std::less<>> libraries_;
    std::map<std::string, const RegisteredFunction*, std::less<>>
        functions_;                                           ///< By names in small letters.
    std::map<std::string, std::string, std::less<>> owners_;  ///< Function to library.
};

}  // namespace kumo::kv
