#pragma once

#include "api/elastic/fault.h"
#include "api/elastic/json.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace kumo::api_elastic::script {

/// How deep a script's parts may lie in each other.
inline constexpr std::size_t kDepthMax = 64;
inline constexpr std::size_t kHeightMax = 500;
inline constexpr std::size_t kNodesMax = 20'000;

enum class NodeKind : std::uint8_t {
    kLiteral,    ///< literal
    kName,       ///< text
    kMember,     ///< child.text; `safe`: child?.text
    kIndex,      ///< child[child]
    kCall,       ///< child.text(children...)
    kStatic,     ///< text(children...): "Math.max"
    kNew,        ///< text: the class
    kList,       ///< [children...]
    kMap,        ///< [child: child, ...]
    kUnary,      ///< text: "-", "!", "+"
    kBinary,     ///< text: the operator
    kTernary,    ///< child ? child : child
    kAssign,     ///< child text child: "=", "+=", ...
    kIncrement,  ///< text: "++x", "x++", "--x", "x--"
    kCast,       ///< text: the type
    kDeclare,    ///< text: the name; perhaps a child
    kBlock,
    kIf,       ///< condition, then, perhaps else
    kFor,      ///< initial, condition, step, body; each but the body may be an empty block
    kForEach,  ///< text: the name; list, body
    kWhile,    ///< condition, body
    kReturn,
    kBreak,
    kContinue,
};

struct Node {
    NodeKind kind = NodeKind::kBlock;
    std::string text{};
    Json literal{};
    std::vector<std::shared_ptr<const Node>> children{};
    bool safe = false;
    std::size_t height = 1;  ///< Of the tree below, with itself.
};

using NodePtr = std::shared_ptr<const Node>;

enum class TokenKind : std::uint8_t {
    kName,
    kInteger,
    kReal,
    kText,
    kSign,
    kEnd,
};

struct Token {
    TokenKind kind = TokenKind::kEnd;
    std::string text;
    std::size_t at = 0;
};

Result<std::vector<Token>> tokens_of(std::string_view source);

Result<NodePtr> parse(std::string_view source);

inline Error compile_error(std::size_t at, const std::string& why) {
    return fault("script_exception", "compile error: " + why + " at [" + std::to_string(at) + "]");
}

inline Error runtime_error(const std::string& why) {
    return fault("script_exception", "runtime error: " + why);
}

}  // namespace kumo::api_elastic::script
