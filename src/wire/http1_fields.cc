#include "wire/http1_fields.h"

#include "base/assert.h"

namespace kumo::wire {

namespace {

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

ByteView trim(ByteView text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) {
        text.remove_prefix(1);
    }
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) {
        text.remove_suffix(1);
    }
    return text;
}

}  // namespace

bool equals_ignore_case(ByteView a, ByteView b) noexcept {
    if (a.size() != b.size()) {
        return false;
    }
    for (std::size_t i = 0; i < a.size(); ++i) {
        if (lower(a[i]) != lower(b[i])) {
            return false;
        }
    }
    return true;
}

bool list_contains(ByteView value, ByteView token) noexcept {
    while (!value.empty()) {
        const std::size_t comma = value.find(',');
        if (equals_ignore_case(trim(value.substr(0, comma)), token)) {
            return true;
        }
        value = comma == ByteView::npos ? ByteView() : value.substr(comma + 1);
    }
    return false;
}

HttpField HttpHead::field(std::size_t i) const noexcept {
    KUMO_ASSERT(i < fields_.size());
    return {view(fields_[i].name), view(fields_[i].value)};
}

std::optional<ByteView> HttpHead::find(ByteView name) const noexcept {
    for (const HttpFieldSlices& slices : fields_) {
        if (slices.name.size == name.size() && equals_ignore_case(view(slices.name), name)) {
            return view(slices.value);
        }
    }
    return std::nullopt;
}

std::string_view http_method_name(HttpMethod method) noexcept {
    switch (method) {
        case HttpMethod::kGet: return "GET";
        case HttpMethod::kHead: return "HEAD";
        case HttpMethod::kPost: return "POST";
        case HttpMethod::kPut: return "PUT";
        case HttpMethod::kPatch: return "PATCH";
        case HttpMethod::kDelete: return "DELETE";
        case HttpMethod::kOptions: return "OPTIONS";
    }
    return "";
}

}  // namespace kumo::wire
