#include "api/elastic/response.h"

#include "api/elastic/wildcard.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace kumo::api_elastic {

namespace {

using Path = std::vector<std::string>;

Path path_of(std::string_view pattern) {
    Path out;
    std::string name;
    for (std::size_t i = 0; i < pattern.size(); ++i) {
        if (pattern[i] == '\\' && i + 1 < pattern.size() && pattern[i + 1] == '.') {
            name += '.';
            ++i;
        } else if (pattern[i] == '.') {
            out.push_back(std::move(name));
            name.clear();
        } else {
            name += pattern[i];
        }
    }
    out.push_back(std::move(name));
    return out;
}

/// Where in each pattern a member is.
struct Progress {
    const Path* path;
    std::size_t at;
};

/// What of the patterns goes on behind a name. `whole`: one of them ends there.
std::vector<Progress>
step(const std::vector<Progress>& before, std::string_view name, bool& whole) {
    std::vector<Progress> out;
    for (const Progress& one : before) {
        const std::string& pattern = (*one.path)[one.at];
        if (pattern == "**") {
            out.push_back(one);
            if (one.at + 1 < one.path->size() && matches_wildcard((*one.path)[one.at + 1], name)) {
                whole = whole || one.at + 2 == one.path->size();
                if (one.at + 2 < one.path->size()) {
                    out.push_back({one.path, one.at + 2});
                }
            }
            whole = whole || one.at + 1 == one.path->size();
        } else if (matches_wildcard(pattern, name)) {
            if (one.at + 1 == one.path->size()) {
                whole = true;
            } else {
                out.push_back({one.path, one.at + 1});
            }
        }
    }
    return out;
}

bool include(const Json& value, const std::vector<Progress>& paths, Json& out);

bool include_members(const Json& value, const std::vector<Progress>& paths, Json& out) {
    bool any = false;
    for (const auto& [name, member] : value.members()) {
        bool whole = false;
        const std::vector<Progress> next = step(paths, name, whole);
        Json kept;
        if (whole) {
            out[name] = member;
            any = true;
        } else if (!next.empty() && include(member, next, kept)) {
            out[name] = std::move(kept);
            any = true;
        }
    }
    return any;
}

bool include(const Json& value, const std::vector<Progress>& paths, Json& out) {
    if (value.is_object()) {
        out = Json::object();
        return include_members(value, paths, out);
    }
    if (!value.is_array()) {
        return false;
    }
    out = Json::array();
    for (const Json& item : value.items()) {
        Json kept;
        if (include(item, paths, kept)) {
            out.push(std::move(kept));
        }
    }
    return !out.empty();
}

/// Whether anything is left.
bool exclude(Json& value, const std::vector<Progress>& paths) {
    if (value.is_array()) {
        Json::Array kept;
        for (Json& item : value.items()) {
            const bool container = item.is_object() || item.is_array();
            if (!container || item.empty() || exclude(item, paths)) {
                kept.push_back(std::move(item));
            }
        }
        value.items() = std::move(kept);
        return !value.empty();
    }
    if (!value.is_object()) {
        return true;
    }
    Json::Object kept;
    for (auto& [name, member] : value.members()) {
        bool whole = false;
        const std::vector<Progress> next = step(paths, name, whole);
        const bool container = member.is_object() || member.is_array();
        if (whole || (!next.empty() && container && !member.empty() && !exclude(member, next))) {
            continue;
        }
        kept.emplace_back(name, std::move(member));
    }
    value.members() = std::move(kept);
    return !value.empty();
}

std::vector<Progress> at_start(const std::vector<Path>& paths) {
    std::vector<Progress> out;
    for (const Path& path : paths) {
        out.push_back({&path, 0});
        // ** may stand for nothing.
    }
    return out;
}

std::string media_type(const Request& request) {
    for (const std::string* const header : {&request.accept, &request.content_type}) {
        const std::size_t at = header->find("application/vnd.elasticsearch+json");
        if (at != std::string::npos) {
            const std::size_t with = header->find("compatible-with=", at);
            const std::string version =
                with == std::string::npos ? "8" : header->substr(with + 16, 1);
            return "application/vnd.elasticsearch+json;compatible-with=" + version;
        }
        if (header->find("application/vnd.elasticsearch+x-ndjson") != std::string::npos) {
            const std::size_t with = header->find("compatible-with=");
            const std::string version =
                with == std::string::npos ? "8" : header->substr(with + 16, 1);
            return "application/vnd.elasticsearch+json;compatible-with=" + version;
        }
    }
    return "application/json; charset=UTF-8";
}

bool wants_yaml(const Request& request) {
    const std::string format = request.parameters.text("format");
    return format == "yaml" || (format.empty() && request.accept.find("yaml") != std::string::npos);
}

void write_body(const Request& request, const Json& body, HttpAnswer& out) {
    const std::string* const pretty = request.parameters.find("pretty");
    if (wants_yaml(request)) {
        out.body = body.yaml();
        out.headers.push_back({"content-type", "application/yaml"});
        return;
    }
    out.headers.push_back({"content-type", media_type(request)});
    out.body = pretty != nullptr && *pretty != "false" ? body.pretty() : body.dump();
}

}  // namespace

Json filter_paths(const Json& answer, std::string_view patterns) {
    std::vector<Path> includes;
    std::vector<Path> excludes;
    for (const std::string& pattern : split_list(patterns)) {
        if (pattern.starts_with('-')) {
            excludes.push_back(path_of(std::string_view(pattern).substr(1)));
        } else {
            includes.push_back(path_of(pattern));
        }
    }
    Json out = answer;
    if (!includes.empty()) {
        Json kept;
        if (!include(answer, at_start(includes), kept)) {
            kept = answer.is_array() ? Json::array() : Json::object();
        }
        out = std::move(kept);
    }
    if (!excludes.empty()) {
        (void)exclude(out, at_start(excludes));
    }
    return out;
}

HttpAnswer http_answer(const Request& request, const Result<Answer>& answer) {
    HttpAnswer out;
    out.headers.push_back({"X-elastic-product", "Elasticsearch"});
    Json body;
    if (!answer.ok()) {
        const Fault fault = fault_of(answer.error());
        out.status = fault.status;
        body = error_body(fault);
    } else {
        out.status = answer.value().status;
        if (!answer.value().warning.empty()) {
            out.headers.push_back(
                {"Warning", "299 OpenSearch-2.19.0-kumosearch \"" + answer.value().warning + "\""}
            );
        }
        if (answer.value().text) {
            out.headers.push_back({"content-type", "text/plain; charset=UTF-8"});
            out.body = *answer.value().text;
            return out;
        }
        body = answer.value().body;
    }
    const std::string* const filter = request.parameters.find("filter_path");
    if (filter != nullptr && !filter->empty() && answer.ok()) {
        body = filter_paths(body, *filter);
    }
    write_body(request, body, out);
    return out;
}

}  // namespace kumo::api_elastic
