#include "wire/url.h"

namespace kumo::wire {

namespace {

int hex_value(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    if (c >= 'A' && c <= 'F') {
        return c - 'A' + 10;
    }
    return -1;
}

Result<std::string> decode(ByteView text, bool plus_is_space) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (c == '+' && plus_is_space) {
            out.push_back(' ');
        } else if (c != '%') {
            out.push_back(c);
        } else {
            const int high = i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
            const int low = high >= 0 ? hex_value(text[i + 2]) : -1;
            if (low < 0) {
                return invalid_argument("bad percent escape at byte " + std::to_string(i));
            }
            out.push_back(static_cast<char>(high * 16 + low));
            i += 2;
        }
    }
    return out;
}

bool unreserved(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-'
           || c == '.' || c == '_' || c == '~';
}

}  // namespace

Result<std::string> percent_decode(ByteView text) {
    return decode(text, false);
}

std::string percent_encode(ByteView text) {
    constexpr const char* kHex = "0123456789ABCDEF";
    std::string out;
    out.reserve(text.size());
    for (const char c : text) {
        if (unreserved(c)) {
            out.push_back(c);
        } else {
            const auto byte = static_cast<unsigned char>(c);
            out.push_back('%');
            out.push_back(kHex[byte >> 4]);
            out.push_back(kHex[byte & 0xF]);
        }
    }
    return out;
}

Result<std::vector<QueryParameter>> parse_query(ByteView query) {
    std::vector<QueryParameter> parameters;
    while (!query.empty()) {
        const std::size_t end = query.find('&');
        const ByteView pair = query.substr(0, end);
        query = end == ByteView::npos ? ByteView() : query.substr(end + 1);
        if (pair.empty()) {
            continue;
        }
        if (parameters.size() == kQueryParametersMax) {
            return Error{ErrorCode::kLimitExceeded, "too many query parameters"};
        }
        const std::size_t equals = pair.find('=');
        const bool has_value = equals != ByteView::npos;
        KUMO_TRY_ASSIGN(std::string key, decode(pair.substr(0, equals), true));
        KUMO_TRY_ASSIGN(
            std::string value,
            decode(has_value ? pair.substr(equals + 1) : ByteView(), true)
        );
        parameters.push_back({std::move(key), std::move(value)});
    }
    return parameters;
}

}  // namespace kumo::wire
