#include "api/elastic/script/internal/ast.h"

#include <algorithm>
#include <array>

namespace kumo::api_elastic::script {

namespace {

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool is_name(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || is_digit(c);
}

/// Longer ones first.
constexpr std::array<std::string_view, 41> kSigns = {
    "===", "!==", "<<=", ">>=", "==", "!=", "<=", ">=", "&&", "||", "++", "--", "+=", "-=",
    "*=",  "/=",  "%=",  "?.",  "?:", "->", "<<", ">>", "(",  ")",  "{",  "}",  "[",  "]",
    ";",   ",",   ".",   "?",   ":",  "=",  "<",  ">",  "+",  "-",  "*",  "/",  "%"};

class Lexer {
public:
    explicit Lexer(std::string_view source) : source_(source) {}

    Result<std::vector<Token>> run();

private:
    Status skip();
    Result<Token> next();
    Token number();
    Result<Token> text(char quote);

    std::string_view source_;
    std::size_t at_ = 0;
};

Status Lexer::skip() {
    while (at_ < source_.size()) {
        const std::string_view rest = source_.substr(at_);
        if (rest.front() == ' ' || rest.front() == '\n' || rest.front() == '\t'
            || rest.front() == '\r') {
            ++at_;
        } else if (rest.starts_with("//")) {
            at_ = std::min(source_.find('\n', at_), source_.size());
        } else if (rest.starts_with("/*")) {
            const std::size_t end = source_.find("*/", at_ + 2);
            if (end == std::string_view::npos) {
                return compile_error(at_, "a comment is not closed");
            }
            at_ = end + 2;
        } else {
            break;
        }
    }
    return {};
}

Token Lexer::number() {
    Token out{TokenKind::kInteger, {}, at_};
    const auto digits = [&] {
        while (at_ < source_.size() && is_digit(source_[at_])) {
            out.text += source_[at_++];
        }
    };
    digits();
    if (at_ + 1 < source_.size() && source_[at_] == '.' && is_digit(source_[at_ + 1])) {
        out.kind = TokenKind::kReal;
        out.text += source_[at_++];
        digits();
    }
    if (at_ + 1 < source_.size() && (source_[at_] == 'e' || source_[at_] == 'E')
        && (is_digit(source_[at_ + 1])
            || (at_ + 2 < source_.size() && source_[at_ + 1] == '-' && is_digit(source_[at_ + 2]))
        )) {
        out.kind = TokenKind::kReal;
        out.text += source_[at_++];
        out.text += source_[at_++];
        digits();
    }
    if (at_ < source_.size()
        && std::string_view("lLfFdD").find(source_[at_]) != std::string_view::npos) {
        const bool whole = source_[at_] == 'l' || source_[at_] == 'L';
        out.kind = whole ? out.kind : TokenKind::kReal;
        ++at_;
    }
    return out;
}

Result<Token> Lexer::text(char quote) {
    Token out{TokenKind::kText, {}, at_};
    for (++at_; at_ < source_.size() && source_[at_] != quote; ++at_) {
        if (source_[at_] != '\\') {
            out.text += source_[at_];
            continue;
        }
        if (++at_ == source_.size()) {
            break;
        }
        switch (source_[at_]) {
            case 'n': out.text += '\n'; break;
            case 't': out.text += '\t'; break;
            case 'r': out.text += '\r'; break;
            case '\\':
            case '\'':
            case '"': out.text += source_[at_]; break;
            default: return compile_error(at_, "unknown escape in a text");
        }
    }
    if (at_ >= source_.size()) {
        return compile_error(out.at, "a text is not closed");
    }
    ++at_;
    return out;
}

Result<Token> Lexer::next() {
    const char c = source_[at_];
    if (is_digit(c)) {
        return number();
    }
    if (is_name(c)) {
        Token out{TokenKind::kName, {}, at_};
        while (at_ < source_.size() && is_name(source_[at_])) {
            out.text += source_[at_++];
        }
        return out;
    }
    if (c == '\'' || c == '"') {
        return text(c);
    }
    if (c == '!' && !source_.substr(at_).starts_with("!=")) {
        return Token{TokenKind::kSign, "!", at_++};
    }
    for (const std::string_view sign : kSigns) {
        if (source_.substr(at_).starts_with(sign)) {
            Token out{TokenKind::kSign, std::string(sign), at_};
            at_ += sign.size();
            return out;
        }
    }
    return compile_error(at_, std::string("unexpected character [") + c + "]");
}

Result<std::vector<Token>> Lexer::run() {
    std::vector<Token> out;
    while (true) {
        KUMO_TRY(skip());
        if (at_ >= source_.size()) {
            out.push_back({TokenKind::kEnd, "", source_.size()});
            return out;
        }
        KUMO_TRY_ASSIGN(Token token, next());
        out.push_back(std::move(token));
    }
}

}  // namespace

Result<std::vector<Token>> tokens_of(std::string_view source) {
    return Lexer(source).run();
}

}  // namespace kumo::api_elastic::script
