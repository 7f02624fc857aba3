// Reading JSON in two passes. The first is simdjson's structural index, chosen for the CPU at run
// time: it validates UTF-8 and lists where every token begins, at several bytes a cycle. The
// second is one walk over that list which builds the tree. We take the index itself rather than
// simdjson's on-demand values on top of it: those are compiled for the baseline CPU, read numbers
// beyond 64 bits as errors and let half surrogate pairs through.
#include "wire/internal/json_scalar.h"
#include "wire/internal/json_tree.h"
#include "wire/json.h"
#include "wire/utf8.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <new>
#include <string>

#include <simdjson.h>

namespace kumo::wire {

namespace {

using internal::JsonNode;
using internal::JsonTree;
using internal::kTextPaddingBytes;

using Indexer = simdjson::internal::dom_parser_implementation;

/// An index buffer up to this size is kept by the thread for the next document.
constexpr std::size_t kScratchKeptBytes = 1U << 20;
constexpr std::size_t kScratchMinBytes = 16U << 10;

Error error_at(std::size_t offset, std::string_view what) {
    std::string message = "invalid JSON at byte ";
    message.append(std::to_string(offset)).append(": ").append(what);
    return invalid_argument(std::move(message));
}

/// Where the string that breaks the rule is. Slow; runs once a bad document.
std::size_t locate_string_fault(ByteView text, bool control_character) {
    bool inside = false;
    std::size_t opened = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (inside && control_character && static_cast<unsigned char>(c) < 0x20) {
            return i;
        }
        if (c == '"') {
            inside = !inside;
            opened = i;
        } else if (inside && c == '\\') {
            ++i;
        }
    }
    return opened;
}

Error index_error(simdjson::error_code code, ByteView text) {
    switch (code) {
        case simdjson::EMPTY: return error_at(text.size(), "no value");
        case simdjson::UTF8_ERROR: return error_at(utf8_valid_prefix(text), "not UTF-8");
        case simdjson::UNCLOSED_STRING:
            return error_at(locate_string_fault(text, false), "the string is not closed");
        case simdjson::UNESCAPED_CHARS:
            return error_at(locate_string_fault(text, true), "control character in a string");
        default: return error_at(0, simdjson::error_message(code));
    }
}

/// The thread's structural indexer, big enough for `bytes`.
Result<Indexer*> indexer_for(std::size_t bytes, std::unique_ptr<Indexer>& kept) {
    const std::size_t wanted = std::max(bytes, kScratchMinBytes);
    if (kept == nullptr || kept->capacity() < wanted) {
        kept.reset();
        const auto code = simdjson::get_active_implementation()
                              ->create_dom_parser_implementation(wanted, kJsonDepthMax, kept);
        if (code != simdjson::SUCCESS) {
            kept.reset();
            return Error{ErrorCode::kResourceExhausted, "no memory to parse JSON"};
        }
    }
    return kept.get();
}

/// Lays out the block; `tokens` bounds the nodes.
JsonTree* make_tree(ByteView text, std::size_t tokens) {
    const bool escapes = text.find('\\') != ByteView::npos;
    const std::size_t nodes_at = sizeof(JsonTree);
    const std::size_t text_at = nodes_at + tokens * sizeof(JsonNode);
    const std::size_t strings_at = text_at + text.size() + kTextPaddingBytes;
    const std::size_t total = strings_at + (escapes ? text.size() : 0);
    auto* block = static_cast<char*>(::operator new(total, std::nothrow));
    if (block == nullptr) {
        return nullptr;
    }
    auto* tree = new (block) JsonTree;
    tree->block_bytes = total;
    tree->text_bytes = static_cast<std::uint32_t>(text.size());
    tree->nodes = reinterpret_cast<JsonNode*>(block + nodes_at);
    tree->text = block + text_at;
    tree->strings = block + strings_at;
    std::memcpy(tree->text, text.data(), text.size());
    // A zero ends the last number; quotes stop every search, even one that should never get here.
    std::memset(tree->text + text.size(), '"', kTextPaddingBytes);
    tree->text[text.size()] = '\0';
    return tree;
}

/// True if a token may end before `c`: white space or structure.
bool ends_token(char c) {
    switch (c) {
        case ' ':
        case '\t':
        case '\n':
        case '\r':
        case ',':
        case ':':
        case '[':
        case ']':
        case '{':
        case '}': return true;
        default: return false;
    }
}

/// The second pass. Recurses once a level, at most limits.depth_max deep.
class Walk {
public:
    Walk(JsonTree& tree, const Indexer& indexer, const JsonLimits& limits)
        : tree_(tree),
          index_(indexer.structural_indexes.get()),
          tokens_(indexer.n_structural_indexes),
          depth_max_(std::min(limits.depth_max, kJsonDepthMax)),
          keys_max_(limits.keys_max) {}

    Status run() {
        if (!value(0)) {
            return error_at(fault_at_, fault_);
        }
        if (token_ != tokens_) {
            return error_at(index_[token_], "something follows the value");
        }
        return {};
    }

private:
    bool fail(std::size_t at, const char* what) {
        fault_at_ = at;
        fault_ = what;
        return false;
    }

    /// The first character of the next token; 0 at the end.
    char peek() const { return token_ < tokens_ ? tree_.text[index_[token_]] : '\0'; }

    std::uint32_t here() const { return token_ < tokens_ ? index_[token_] : tree_.text_bytes; }

    JsonNode& add(JsonType type) {
        JsonNode& node = tree_.nodes[nodes_++];
        node.begin = here();
        node.end = node.begin;
        node.skip = 1;
        node.type = type;
        node.unescaped = false;
        node.uint64 = 0;
        return node;
    }

    bool close(JsonNode& node, std::uint32_t count) {
        node.end = here() + 1;
        node.skip = static_cast<std::uint32_t>(tree_.nodes + nodes_ - &node);
        node.count = count;
        ++token_;
        return true;
    }

    bool value(std::uint32_t depth) {
        switch (peek()) {
            case '{': return object(depth + 1);
            case '[': return array(depth + 1);
            case '"': return string();
            case 't': return literal("true", JsonType::kBool, true);
            case 'f': return literal("false", JsonType::kBool, false);
            case 'n': return literal("null", JsonType::kNull, false);
            case '-':
            case '0':
            case '1':
            case '2':
            case '3':
            case '4':
            case '5':
            case '6':
            case '7':
            case '8':
            case '9': return number();
            default: return fail(here(), "a value was expected");
        }
    }

    bool object(std::uint32_t depth) {
        if (depth > depth_max_) {
            return fail(here(), "nested too deep");
        }
        JsonNode& node = add(JsonType::kObject);
        ++token_;
        if (peek() == '}') {
            return close(node, 0);
        }
        for (std::uint32_t count = 1;; ++count) {
            if (count > keys_max_) {
                return fail(here(), "too many members in one object");
            }
            if (peek() != '"') {
                return fail(here(), "a member name was expected");
            }
            if (!string()) {
                return false;
            }
            if (peek() != ':') {
                return fail(here(), "':' was expected");
            }
            ++token_;
            if (!value(depth)) {
                return false;
            }
            if (peek() == '}') {
                return close(node, count);
            }
            if (peek() != ',') {
                return fail(here(), "',' or '}' was expected");
            }
            ++token_;
        }
    }

    bool array(std::uint32_t depth) {
        if (depth > depth_max_) {
            return fail(here(), "nested too deep");
        }
        JsonNode& node = add(JsonType::kArray);
        ++token_;
        if (peek() == ']') {
            return close(node, 0);
        }
        for (std::uint32_t count = 1;; ++count) {
            if (!value(depth)) {
                return false;
            }
            if (peek() == ']') {
                return close(node, count);
            }
            if (peek() != ',') {
                return fail(here(), "',' or ']' was expected");
            }
            ++token_;
        }
    }

    bool string() {
        JsonNode& node = add(JsonType::kString);
        const char* first = tree_.text + node.begin + 1;
        const char* end = internal::find_quote_or_backslash(first);
        if (*end == '"') {
            node.string = {node.begin + 1, static_cast<std::uint32_t>(end - first)};
        } else {
            char* out = tree_.strings + strings_used_;
            const internal::Unescaped done = internal::unescape(first, out);
            if (done.out_end == nullptr) {
                return fail(offset_of(done.text_end), "bad escape in a string");
            }
            end = done.text_end;
            node.unescaped = true;
            node.string = {strings_used_, static_cast<std::uint32_t>(done.out_end - out)};
            strings_used_ += node.string.size;
        }
        return end_token(node, end + 1);
    }

    bool number() {
        JsonNode& node = add(JsonType::kInt64);
        const char* why = nullptr;
        const char* end = internal::read_number(
            tree_.text + node.begin,
            tree_.text + tree_.text_bytes,
            node,
            why
        );
        return end == nullptr ? fail(node.begin, why) : end_token(node, end);
    }

    bool literal(std::string_view word, JsonType type, bool truth) {
        JsonNode& node = add(type);
        node.boolean = truth;
        const char* at = tree_.text + node.begin;
        if (std::memcmp(at, word.data(), word.size()) != 0) {
            return fail(node.begin, "a value was expected");
        }
        return end_token(node, at + word.size());
    }

    /// A token may touch nothing but white space and structure: 1x and true"a" are one token each
    /// for the index.
    bool end_token(JsonNode& node, const char* end) {
        const std::uint32_t offset = offset_of(end);
        if (offset != tree_.text_bytes && !ends_token(*end)) {
            return fail(offset, "unexpected character");
        }
        node.end = offset;
        ++token_;
        return true;
    }

    std::uint32_t offset_of(const char* at) const {
        return static_cast<std::uint32_t>(at - tree_.text);
    }

    JsonTree& tree_;
    const std::uint32_t* index_;
    std::uint32_t tokens_;
    std::uint32_t depth_max_;
    std::uint32_t keys_max_;
    std::uint32_t token_ = 0;
    std::uint32_t nodes_ = 0;
    std::uint32_t strings_used_ = 0;
    std::size_t fault_at_ = 0;
    const char* fault_ = "";
};

struct FreeTree {
    void operator()(JsonTree* tree) const noexcept { ::operator delete(tree); }
};

using OwnedTree = std::unique_ptr<JsonTree, FreeTree>;

Result<OwnedTree> parse_with(Indexer& indexer, ByteView text, const JsonLimits& limits) {
    const auto code = indexer.stage1(
        reinterpret_cast<const std::uint8_t*>(text.data()),
        text.size(),
        simdjson::stage1_mode::regular
    );
    if (code != simdjson::SUCCESS) {
        return index_error(code, text);
    }
    if (indexer.n_structural_indexes > limits.tokens_max) {
        return invalid_argument(
            "JSON text has more than " + std::to_string(limits.tokens_max) + " tokens"
        );
    }
    OwnedTree tree(make_tree(text, indexer.n_structural_indexes));
    if (tree == nullptr) {
        return Error{ErrorCode::kResourceExhausted, "no memory to parse JSON"};
    }
    KUMO_TRY(Walk(*tree, indexer, limits).run());
    return tree;
}

}  // namespace

Result<JsonDocument> JsonDocument::parse(ByteView text, const JsonLimits& limits) {
    static thread_local std::unique_ptr<Indexer> kept;
    const std::size_t bytes_max = std::min(limits.bytes_max, kJsonBytesMax);
    if (text.size() > bytes_max) {
        return invalid_argument(
            "JSON text of " + std::to_string(text.size()) + " bytes is larger than the limit of "
            + std::to_string(bytes_max)
        );
    }
    KUMO_TRY_ASSIGN(Indexer * indexer, indexer_for(text.size(), kept));
    Result<OwnedTree> tree = parse_with(*indexer, text, limits);
    if (indexer->capacity() > kScratchKeptBytes) {
        kept.reset();
    }
    if (!tree.ok()) {
        return std::move(tree).error();
    }
    return JsonDocument(Tree(std::move(tree).value().release()));
}

}  // namespace kumo::wire
