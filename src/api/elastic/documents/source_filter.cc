#include "api/elastic/documents/source_filter.h"

#include "api/elastic/fault.h"
#include "api/elastic/wildcard.h"

#include <algorithm>
#include <utility>

namespace kumo::api_elastic {

namespace {

/// Whether a pattern may fit something below `path`.
bool may_fit_below(std::string_view pattern, std::string_view path) {
    // The pattern's first parts, as many as the path has, fit it.
    std::size_t p = 0;
    for (std::size_t at = 0; at <= path.size();) {
        const std::size_t end = std::min(path.find('.', at), path.size());
        if (p > pattern.size()) {
            return false;
        }
        const std::size_t dot = std::min(pattern.find('.', p), pattern.size());
        const std::string_view part = pattern.substr(p, dot - p);
        if (!matches_wildcard(part, path.substr(at, end - at))) {
            return pattern.substr(0, dot).find('*') != std::string_view::npos
                   && matches_wildcard(pattern.substr(0, pattern.find('*', p) + 1), path);
        }
        if (part.ends_with('*') && dot == pattern.size()) {
            return true;
        }
        p = dot + 1;
        at = end + 1;
    }
    return p <= pattern.size();
}

bool fits(std::string_view pattern, std::string_view path) {
    return matches_wildcard(pattern, path);
}

bool fits_any(const std::vector<std::string>& patterns, std::string_view path) {
    return std::any_of(patterns.begin(), patterns.end(), [path](const std::string& pattern) {
        return fits(pattern, path);
    });
}

bool filter(
    const Json& value,
    const SourceFilter& by,
    const std::string& prefix,
    bool inside,
    Json& out
);

bool filter_list(
    const Json& list,
    const SourceFilter& by,
    const std::string& path,
    bool inside,
    Json& out
) {
    out = Json::array();
    for (const Json& item : list.items()) {
        Json kept;
        if (item.is_object()) {
            if (filter(item, by, path + ".", inside, kept)) {
                out.push(std::move(kept));
            }
        } else if (item.is_array()) {
            if (filter_list(item, by, path, inside, kept)) {
                out.push(std::move(kept));
            }
        } else if (inside) {
            out.push(item);
        }
    }
    return inside || !out.empty();
}

/// Whether anything of the object is shown. `inside`: an include fits what it is in.
bool filter(
    const Json& value,
    const SourceFilter& by,
    const std::string& prefix,
    bool inside,
    Json& out
) {
    out = Json::object();
    for (const auto& [name, member] : value.members()) {
        const std::string path = prefix + name;
        if (fits_any(by.excludes, path)) {
            continue;
        }
        const bool in = inside || by.includes.empty() || fits_any(by.includes, path);
        const bool below =
            in
            || std::any_of(by.includes.begin(), by.includes.end(), [&](const std::string& pattern) {
                   return may_fit_below(pattern, path);
               });
        Json kept;
        if (member.is_object()) {
            if (below && (filter(member, by, path + ".", in, kept) || in)) {
                out[name] = std::move(kept);
            }
        } else if (member.is_array()) {
            if (below && filter_list(member, by, path, in, kept)) {
                out[name] = std::move(kept);
            }
        } else if (in) {
            out[name] = member;
        }
    }
    return !out.empty();
}

std::vector<std::string> patterns(const Json* value) {
    std::vector<std::string> out;
    if (value != nullptr && value->is_array()) {
        for (const Json& item : value->items()) {
            out.push_back(item.text());
        }
    } else if (value != nullptr && !value->is_null()) {
        out.push_back(value->text());
    }
    return out;
}

}  // namespace

SourceFilter SourceFilter::of(const Parameters& parameters) {
    SourceFilter out;
    if (const std::string* const source = parameters.find("_source")) {
        if (*source == "false") {
            out.show = false;
        } else if (*source != "true" && !source->empty()) {
            out.includes = split_list(*source);
        }
    }
    for (const char* const name : {"_source_includes", "_source_include"}) {
        if (parameters.has(name)) {
            out.includes = parameters.list(name);
            out.show = true;
        }
    }
    for (const char* const name : {"_source_excludes", "_source_exclude"}) {
        if (parameters.has(name)) {
            out.excludes = parameters.list(name);
            out.show = true;
        }
    }
    return out;
}

Result<SourceFilter> SourceFilter::of(const Json& json) {
    SourceFilter out;
    if (const auto flag = json.is_string() ? std::nullopt : json.to_bool()) {
        out.show = *flag;
    } else if (json.is_string() || json.is_array()) {
        out.includes = patterns(&json);
        if (json.is_string() && (json.as_string() == "false" || json.as_string() == "true")) {
            out.show = json.as_string() == "true";
            out.includes.clear();
        }
    } else if (json.is_object()) {
        for (const auto& [name, value] : json.members()) {
            if (name == "includes" || name == "include") {
                out.includes = patterns(&value);
            } else if (name == "excludes" || name == "exclude") {
                out.excludes = patterns(&value);
            } else {
                return parsing_error("Unknown key for a VALUE_STRING in [" + name + "].");
            }
        }
    } else {
        return parsing_error(
            "Expected one of [VALUE_BOOLEAN, VALUE_STRING, START_OBJECT, START_ARRAY]"
        );
    }
    return out;
}

Json SourceFilter::apply(const Json& source) const {
    if (is_plain() || !source.is_object()) {
        return source;
    }
    Json out;
    (void)filter(source, *this, "", false, out);
    return out;
}

Json source_json(const Parameters& parameters) {
    const SourceFilter filter = SourceFilter::of(parameters);
    if (!parameters.has("_source") && filter.is_plain()) {
        return {};
    }
    if (!filter.show) {
        return false;
    }
    Json out = Json::object();
    for (const std::string& one : filter.includes) {
        out["includes"].push(one);
    }
    for (const std::string& one : filter.excludes) {
        out["excludes"].push(one);
    }
    return out;
}

}  // namespace kumo::api_elastic
