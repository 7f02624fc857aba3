#include "kv/script/internal/json_config.h"

#include <cstdlib>
#include <optional>
#include <string>

namespace kumo::kv::internal {
namespace {

enum class Token {
    kObjectBegin,
    kObjectEnd,
    kArrayBegin,
    kArrayEnd,
    kString,
    kNumber,
    kBoolean,
    kNull,
    kColon,
    kComma,
    kEnd,
    kError,
};

/// As errors name them.
const char* token_name(Token token) {
    static constexpr const char* kNames[] = {
        "T_OBJ_BEGIN",
        "T_OBJ_END",
        "T_ARR_BEGIN",
        "T_ARR_END",
        "T_STRING",
        "T_NUMBER",
        "T_BOOLEAN",
        "T_NULL",
        "T_COLON",
        "T_COMMA",
        "T_END",
        "T_ERROR"};
    return kNames[static_cast<std::size_t>(token)];
}

int hex_digit(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    const char lower = static_cast<char>(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/// The text ends with a zero byte that does not belong to it (Lua's strings do).
class Scanner {
public:
    Scanner(ByteView text, const JsonConfig& config) : text_(text), config_(config) {}

    Token token = Token::kEnd;
    std::size_t begin = 0;  ///< Of the token.
    std::string string;
    double number = 0;
    bool boolean = false;
    const char* error = nullptr;

    void next() {
        while (at_ < text_.size() && is_space(text_[at_])) {
            ++at_;
        }
        begin = at_;
        if (at_ >= text_.size()) {
            token = Token::kEnd;
            return;
        }
        switch (text_[at_]) {
            case '{': single(Token::kObjectBegin); return;
            case '}': single(Token::kObjectEnd); return;
            case '[': single(Token::kArrayBegin); return;
            case ']': single(Token::kArrayEnd); return;
            case ',': single(Token::kComma); return;
            case ':': single(Token::kColon); return;
            case '"': read_string(); return;
            default: read_word();
        }
    }

private:
    static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

    char peek(std::size_t ahead = 0) const {
        return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
    }

    void single(Token found) {
        token = found;
        ++at_;
    }

    void fail(const char* what) {
        token = Token::kError;
        error = what;
    }

    bool word(ByteView expected) {
        if (text_.substr(at_, expected.size()) != expected) {
            return false;
        }
        at_ += expected.size();
        return true;
    }

    void read_word() {
        const char c = text_[at_];
        if (c == '-' || (c >= '0' && c <= '9') || (c == '+' && config_.decode_invalid != 0)) {
            read_number();
        } else if (word("true")) {
            token = Token::kBoolean;
            boolean = true;
        } else if (word("false")) {
            token = Token::kBoolean;
            boolean = false;
        } else if (word("null")) {
            token = Token::kNull;
        } else if (config_.decode_invalid != 0 && (c == 'n' || c == 'N' || c == 'i' || c == 'I')) {
            read_number();
        } else {
            fail("invalid token");
        }
    }

    /// What JSON does not allow, but strtod() reads: hexadecimal, a zero before digits, words.
    bool lenient_number() const {
        const std::size_t sign = peek() == '-' || peek() == '+' ? 1 : 0;
        const char first = peek(sign);
        const char second = peek(sign + 1);
        if (first == '0') {
            return (second | 0x20) == 'x' || (second >= '0' && second <= '9');
        }
        return peek() == '+' || first < '0' || first > '9';
    }

    void read_number() {
        if (config_.decode_invalid == 0 && lenient_number()) {
            fail("invalid number");
            return;
        }
        char* end = nullptr;
        number = std::strtod(text_.data() + at_, &end);
        const auto length = static_cast<std::size_t>(end - (text_.data() + at_));
        if (length == 0) {
            fail("invalid number");
            return;
        }
        token = Token::kNumber;
        at_ += length;
    }

    void read_string() {
        ++at_;
        string.clear();
        while (peek() != '"') {
            const char c = peek();
            if (c == '\0') {
                fail("unexpected end of string");
                return;
            }
            if (c != '\\') {
                string.push_back(c);
                ++at_;
            } else if (!read_escape()) {
                return;
            }
        }
        ++at_;
        token = Token::kString;
    }

    bool read_escape() {
        const char code = peek(1);
        if (code == 'u') {
            if (!read_unicode()) {
                fail("invalid unicode escape code");
                return false;
            }
            return true;
        }
        static constexpr ByteView kCodes = "\"\\/bfnrt";
        static constexpr ByteView kMeanings = "\"\\/\b\f\n\r\t";
        const std::size_t which = code == '\0' ? ByteView::npos : kCodes.find(code);
        if (which == ByteView::npos) {
            fail("invalid escape code");
            return false;
        }
        string.push_back(kMeanings[which]);
        at_ += 2;
        return true;
    }

    /// The four digits after "\u" at `ahead`.
    std::optional<std::uint32_t> unit(std::size_t ahead) const {
        if (peek(ahead) != '\\' || peek(ahead + 1) != 'u') {
            return std::nullopt;
        }
        std::uint32_t value = 0;
        for (std::size_t i = 2; i < 6; ++i) {
            const int digit = hex_digit(peek(ahead + i));
            if (digit < 0) {
                return std::nullopt;
            }
            value = value * 16 + static_cast<std::uint32_t>(digit);
        }
        return value;
    }

    bool read_unicode() {
        const auto first = unit(0);
        if (!first) {
            return false;
        }
        std::uint32_t code = *first;
        std::size_t length = 6;
        if ((code & 0xF800U) == 0xD800U) {
            const auto second = unit(6);
            if ((code & 0x400U) != 0 || !second || (*second & 0xFC00U) != 0xDC00U) {
                return false;
            }
            code = (((code & 0x3FFU) << 10U) | (*second & 0x3FFU)) + 0x10000U;
            length = 12;
        }
        append_utf8(code);
        at_ += length;
        return true;
    }

    void append_utf8(std::uint32_t code) {
        const auto add = [this](std::uint32_t byte) {
            string.push_back(static_cast<char>(byte));
        };
        if (code < 0x80) {
            add(code);
            return;
        }
        if (code < 0x800) {
            add(0xC0U | (code >> 6U));
        } else {
            if (code < 0x10000) {
                add(0xE0U | (code >> 12U));
            } else {
                add(0xF0U | (code >> 18U));
                add(0x80U | ((code >> 12U) & 0x3FU));
            }
            add(0x80U | ((code >> 6U) & 0x3FU));
        }
        add(0x80U | (code & 0x3FU));
    }

    ByteView text_;
    const JsonConfig& config_;
    std::size_t at_ = 0;
};

class Reader {
public:
    Reader(lua_State* lua, ByteView text, const JsonConfig& config)
        : lua_(lua), config_(config), scanner_(text, config) {}

    void document() {
        scanner_.next();
        value();
        scanner_.next();
        if (scanner_.token != Token::kEnd) {
            expected("the end");
        }
    }

private:
    void expected(const char* what) {
        const char* found =
            scanner_.token == Token::kError ? scanner_.error : token_name(scanner_.token);
        luaL_error(
            lua_,
            "Expected %s but found %s at character %d",
            what,
            found,
            static_cast<int>(scanner_.begin + 1)
        );
    }

    /// Pushes the value whose first token has been read.
    void value() {
        switch (scanner_.token) {
            case Token::kString: push(lua_, scanner_.string); break;
            case Token::kNumber: lua_pushnumber(lua_, scanner_.number); break;
            case Token::kBoolean: lua_pushboolean(lua_, scanner_.boolean ? 1 : 0); break;
            case Token::kNull: lua_pushlightuserdata(lua_, nullptr); break;
            case Token::kObjectBegin: object(); break;
            case Token::kArrayBegin: array(); break;
            default: expected("value");
        }
    }

    void descend() {
        ++depth_;
        if (depth_ > config_.decode_depth_max || lua_checkstack(lua_, 3) == 0) {
            luaL_error(lua_, "Found too many nested data structures (%d)", depth_);
        }
    }

    void object() {
        descend();
        lua_newtable(lua_);
        scanner_.next();
        while (scanner_.token != Token::kObjectEnd) {
            if (scanner_.token != Token::kString) {
                expected("object key string");
            }
            push(lua_, scanner_.string);
            scanner_.next();
            if (scanner_.token != Token::kColon) {
                expected("colon");
            }
            scanner_.next();
            value();
            lua_rawset(lua_, -3);
            scanner_.next();
            if (scanner_.token == Token::kObjectEnd) {
                break;
            }
            if (scanner_.token != Token::kComma) {
                expected("comma or object end");
            }
            scanner_.next();
            if (scanner_.token == Token::kObjectEnd) {
                expected("object key string");
            }
        }
        --depth_;
    }

    void array() {
        descend();
        lua_newtable(lua_);
        scanner_.next();
        for (int i = 1; scanner_.token != Token::kArrayEnd; ++i) {
            value();
            lua_rawseti(lua_, -2, i);
            scanner_.next();
            if (scanner_.token == Token::kArrayEnd) {
                break;
            }
            if (scanner_.token != Token::kComma) {
                expected("comma or array end");
            }
            scanner_.next();
            if (scanner_.token == Token::kArrayEnd) {
                expected("value");
            }
        }
        --depth_;
    }

    lua_State* lua_;
    const JsonConfig& config_;
    Scanner scanner_;
    int depth_ = 0;
};

}  // namespace

int json_decode(lua_State* lua) {
    luaL_argcheck(lua, lua_gettop(lua) == 1, 1, "expected 1 argument");
    std::size_t size = 0;
    const char* bytes = luaL_checklstring(lua, 1, &size);
    if (size >= 2 && (bytes[0] == '\0' || bytes[1] == '\0')) {
        return luaL_error(lua, "JSON parser does not support UTF-16 or UTF-32");
    }
    Reader reader(lua, {bytes, size}, json_config(lua));
    reader.document();
    return 1;
}

}  // namespace kumo::kv::internal
