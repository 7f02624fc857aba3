#include "kv/command/internal/argument_tree.h"

#include "base/assert.h"

#include <cstddef>

namespace kumo::kv::internal {
namespace {

class Reader {
public:
    explicit Reader(std::string_view text) : text_(text) {}

    bool done() const { return at_ == text_.size(); }

    /// Up to the closing bracket, or the end.
    std::vector<Argument> list(char close) {
        std::vector<Argument> out;
        while (!done() && text_[at_] != close) {
            out.push_back(argument());
            skip(' ');
        }
        KUMO_ASSERT(close == '\0' || skip(close));
        return out;
    }

private:
    Argument argument() {
        Argument out;
        out.name = word();
        KUMO_ASSERT(!out.name.empty());
        if (skip('.')) {
            type(&out);
        }
        if (skip('!')) {
            out.type = "pure-token";
            out.has_token = true;
            out.name_is_token = text_.substr(at_, 1) != "'";
        }
        if (skip('\'')) {
            const std::size_t end = text_.find('\'', at_);
            out.token = text_.substr(at_, end - at_);
            out.has_token = true;
            at_ = end + 1;
        }
        out.optional = skip('?');
        out.multiple = skip('*');
        out.multiple_token = skip('+');
        if (skip('@')) {
            out.since = word();
        }
        if (skip('~')) {
            out.deprecated_since = word();
        }
        if (skip('(')) {
            out.type = "block";
            out.parts = list(')');
        } else if (skip('[')) {
            out.type = "oneof";
            out.parts = list(']');
        }
        return out;
    }

    void type(Argument* out) {
        switch (text_[at_++]) {
            case 'i': out->type = "integer"; break;
            case 'd': out->type = "double"; break;
            case 'u': out->type = "unix-time"; break;
            case 'p': out->type = "pattern"; break;
            case 'k': out->type = "key"; break;
            default: KUMO_ASSERT(false);
        }
        if (!done() && text_[at_] >= '0' && text_[at_] <= '9') {
            out->key_spec = text_[at_++] - '0';
        }
    }

    /// A name, or a version: after '@' and '~' dots belong to it.
    std::string_view word() {
        const bool version = at_ > 0 && (text_[at_ - 1] == '@' || text_[at_ - 1] == '~');
        const std::string_view ends = version ? " !'?*+@~()[]" : " .!'?*+@~()[]";
        const std::size_t begin = at_;
        at_ = text_.find_first_of(ends, at_);
        at_ = at_ == std::string_view::npos ? text_.size() : at_;
        return text_.substr(begin, at_ - begin);
    }

    bool skip(char c) {
        if (done() || text_[at_] != c) {
            return false;
        }
        ++at_;
        return true;
    }

    std::string_view text_;
    std::size_t at_ = 0;
};

}  // namespace

std::vector<Argument> read_arguments(std::string_view text) {
    return Reader(text).list('\0');
}

}  // namespace kumo::kv::internal
