#include "api/elastic/script/mustache.h"

#include "api/elastic/fault.h"

#include <utility>
#include <vector>

namespace kumo::api_elastic {

namespace {

constexpr std::size_t kDepthMax = 32;
/// Tags that are looked at while a template is filled in: sections are gone through again and
/// again.
constexpr std::size_t kTagsMax = 200'000;

Error bad_template(const std::string& why) {
    return fault("script_exception", "compile error: Improperly closed variable: " + why);
}

std::string_view trimmed(std::string_view text) {
    const std::size_t begin = text.find_first_not_of(" \t\r\n");
    if (begin == std::string_view::npos) {
        return {};
    }
    return text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

/// As it stands between the quotes of a JSON string.
std::string json_escaped(const std::string& text) {
    const std::string quoted = Json(text).dump();
    return quoted.substr(1, quoted.size() - 2);
}

std::string url_escaped(std::string_view text) {
    constexpr std::string_view kHex = "0123456789ABCDEF";
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
                           || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.'
                           || c == '*';
        if (plain) {
            out += c;
        } else {
            out += '%';
            out += kHex[byte >> 4U];
            out += kHex[byte & 15U];
        }
    }
    return out;
}

struct Tag {
    char kind = 0;  ///< '#', '^', '/', '!', '{', '&', or 0: a variable.
    std::string_view name;
    std::size_t begin = 0;
    std::size_t end = 0;
};

class Renderer {
public:
    explicit Renderer(const Json& params) { scopes_.push_back(&params); }

    Status render(std::string_view text, std::size_t depth);

    std::string take() { return std::move(out_); }

private:
    static Result<Tag> next_tag(std::string_view text, std::size_t from);
    static Result<Tag> closing(std::string_view text, const Tag& open);
    const Json* find(std::string_view name) const;
    Status section(std::string_view inside, const Tag& open, std::size_t depth);
    Status function(std::string_view inside, std::string_view name, std::size_t depth, bool& done);
    Status add(std::string_view text);

    std::vector<const Json*> scopes_;
    std::string out_;
    std::size_t tags_ = 0;
};

/// Without a tag, one that begins at the text's end.
Result<Tag> Renderer::next_tag(std::string_view text, std::size_t from) {
    Tag out;
    out.begin = text.find("{{", from);
    if (out.begin == std::string_view::npos) {
        out.begin = out.end = text.size();
        return out;
    }
    const bool triple = text.substr(out.begin).starts_with("{{{");
    const std::string_view close = triple ? "}}}" : "}}";
    const std::size_t inside = out.begin + (triple ? 3 : 2);
    const std::size_t end = text.find(close, inside);
    if (end == std::string_view::npos) {
        return bad_template("a tag is not closed");
    }
    out.end = end + close.size();
    out.name = trimmed(text.substr(inside, end - inside));
    out.kind = triple ? '{' : '\0';
    if (!triple && !out.name.empty()
        && std::string_view("#^/!&").find(out.name.front()) != std::string_view::npos) {
        out.kind = out.name.front();
        out.name = trimmed(out.name.substr(1));
    }
    return out;
}

Result<Tag> Renderer::closing(std::string_view text, const Tag& open) {
    std::size_t depth = 1;
    for (std::size_t at = open.end;;) {
        KUMO_TRY_ASSIGN(const Tag tag, next_tag(text, at));
        if (tag.begin == text.size()) {
            return bad_template("section [" + std::string(open.name) + "] is not closed");
        }
        at = tag.end;
        if ((tag.kind == '#' || tag.kind == '^') && tag.name == open.name) {
            ++depth;
        } else if (tag.kind == '/' && tag.name == open.name && --depth == 0) {
            return tag;
        }
    }
}

const Json* Renderer::find(std::string_view name) const {
    if (name == ".") {
        return scopes_.back();
    }
    for (auto scope = scopes_.rbegin(); scope != scopes_.rend(); ++scope) {
        if (const Json* const found = (*scope)->at_path(name)) {
            return found;
        }
    }
    return nullptr;
}

Status Renderer::add(std::string_view text) {
    if (out_.size() + text.size() > kRenderedBytesMax) {
        return fault("script_exception", "runtime error: a template makes more than 8 MiB");
    }
    out_ += text;
    return {};
}

Status
Renderer::function(std::string_view inside, std::string_view name, std::size_t depth, bool& done) {
    done = true;
    if (name == "toJson") {
        const Json* const value = find(trimmed(inside));
        return add(value == nullptr ? "null" : value->dump());
    }
    if (name == "join" || name.starts_with("join ")) {
        std::string_view delimiter = ",";
        if (const std::size_t quote = name.find('\''); quote != std::string_view::npos) {
            delimiter = name.substr(quote + 1, name.rfind('\'') - quote - 1);
        }
        const Json* const list = find(trimmed(inside));
        bool first = true;
        for (const Json& one : list == nullptr ? Json::Array() : list->items()) {
            KUMO_TRY(add(first ? std::string_view() : delimiter));
            KUMO_TRY(add(json_escaped(one.text())));
            first = false;
        }
        return {};
    }
    if (name == "url") {
        std::string before = std::exchange(out_, {});
        KUMO_TRY(render(inside, depth + 1));
        std::string made = std::exchange(out_, std::move(before));
        return add(url_escaped(made));
    }
    done = false;
    return {};
}

Status Renderer::section(std::string_view inside, const Tag& open, std::size_t depth) {
    if (open.kind == '#') {
        bool done = false;
        KUMO_TRY(function(inside, open.name, depth, done));
        if (done) {
            return {};
        }
    }
    const Json* const value = find(open.name);
    const bool nothing = value == nullptr || value->is_null() || *value == Json(false)
                         || (value->is_array() && value->empty());
    if (open.kind == '^') {
        return nothing ? render(inside, depth + 1) : Status();
    }
    if (nothing) {
        return {};
    }
    if (!value->is_array()) {
        scopes_.push_back(value);
        KUMO_TRY(render(inside, depth + 1));
        scopes_.pop_back();
        return {};
    }
    for (const Json& one : value->items()) {
        scopes_.push_back(&one);
        KUMO_TRY(render(inside, depth + 1));
        scopes_.pop_back();
    }
    return {};
}

Status Renderer::render(std::string_view text, std::size_t depth) {
    if (depth > kDepthMax) {
        return fault("script_exception", "compile error: sections are nested too deeply");
    }
    for (std::size_t at = 0;;) {
        if (++tags_ > kTagsMax) {
            return fault("script_exception", "runtime error: a template has too many tags");
        }
        KUMO_TRY_ASSIGN(const Tag tag, next_tag(text, at));
        KUMO_TRY(add(text.substr(at, tag.begin - at)));
        if (tag.begin == text.size()) {
            return {};
        }
        at = tag.end;
        if (tag.kind == '!') {
            continue;
        }
        if (tag.kind == '/') {
            return bad_template("section [" + std::string(tag.name) + "] is not open");
        }
        if (tag.kind == '#' || tag.kind == '^') {
            KUMO_TRY_ASSIGN(const Tag end, closing(text, tag));
            KUMO_TRY(section(text.substr(tag.end, end.begin - tag.end), tag, depth));
            at = end.end;
            continue;
        }
        const Json* const value = find(tag.name);
        if (value != nullptr && !value->is_null()) {
            const bool container = value->is_object() || value->is_array();
            const std::string made = container ? value->dump() : value->text();
            KUMO_TRY(add(tag.kind == 0 && !container ? json_escaped(made) : made));
        }
    }
}

}  // namespace

Result<std::string> render_mustache(std::string_view text, const Json& params) {
    if (text.size() > kTemplateBytesMax) {
        return illegal_argument("a template has at most 1 MiB");
    }
    Renderer renderer(params);
    KUMO_TRY(renderer.render(text, 0));
    return renderer.take();
}

}  // namespace kumo::api_elastic
