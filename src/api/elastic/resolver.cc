#include "api/elastic/resolver.h"

#include "api/elastic/fault.h"
#include "api/elastic/mapping/date_math.h"
#include "api/elastic/wildcard.h"

#include <algorithm>
#include <map>
#include <utility>

namespace kumo::api_elastic {

namespace {

constexpr std::size_t kIndexNameBytesMax = 255;

/// What is being put together.
class Resolution {
public:
    Resolution(const Context& context, const IndicesOptions& options)
        : options_(options),
          all_(context.indices.all()),
          streams_(context.cluster.list("data_stream/")) {}

    Status add(const std::string& name);
    Status exclude(const std::string& pattern);
    void add_all();
    std::vector<ResolvedIndex> take();

    bool empty() const { return found_.empty(); }

private:
    ResolvedIndex& entry(const IndexPtr& index);
    bool expands(const Index& index, bool dotted) const;
    void add_matching(std::string_view pattern);
    Status add_named(const IndexPtr& index, bool by_name, const std::string& alias);

    IndicesOptions options_;
    std::vector<IndexPtr> all_;
    std::vector<std::pair<std::string, Json>> streams_;
    std::map<std::string, ResolvedIndex> found_;
};

ResolvedIndex& Resolution::entry(const IndexPtr& index) {
    ResolvedIndex& out = found_[index->name];
    out.index = index;
    return out;
}

bool Resolution::expands(const Index& index, bool dotted) const {
    const bool state = index.closed ? options_.expand_closed : options_.expand_open;
    const bool visible =
        !index.hidden() || options_.expand_hidden || (dotted && index.name.starts_with('.'));
    return state && visible;
}

void Resolution::add_all() {
    add_matching("*");
}

void Resolution::add_matching(std::string_view pattern) {
    const bool dotted = pattern.starts_with('.');
    for (const IndexPtr& index : all_) {
        if (matches_wildcard(pattern, index->name) && expands(*index, dotted)) {
            entry(index).by_name = true;
        }
        if (options_.forbid_aliases) {
            continue;
        }
        for (const auto& [alias, value] : index->aliases.members()) {
            const Json* const hidden = value.find("is_hidden");
            const bool alias_hidden = hidden != nullptr && hidden->to_bool().value_or(false);
            const bool fits = matches_wildcard(pattern, alias) && pattern != "*"
                              && (!alias_hidden || options_.expand_hidden || dotted);
            const bool open = index->closed ? options_.expand_closed : options_.expand_open;
            if (fits && open) {
                entry(index).aliases.push_back(alias);
            }
        }
    }
    for (const auto& [name, stream] : streams_) {
        const Json* const indices = stream.find("indices");
        if (!matches_wildcard(pattern, name) || indices == nullptr) {
            continue;
        }
        for (const Json& one : indices->items()) {
            for (const IndexPtr& index : all_) {
                if (index->name == one.text()) {
                    entry(index).by_name = true;
                }
            }
        }
    }
}

Status Resolution::add_named(const IndexPtr& index, bool by_name, const std::string& alias) {
    if (index->closed && options_.forbid_closed) {
        if (options_.ignore_unavailable) {
            return {};
        }
        return fault("index_closed_exception", "closed");
    }
    ResolvedIndex& out = entry(index);
    out.by_name = out.by_name || by_name;
    if (!alias.empty()) {
        out.aliases.push_back(alias);
    }
    return {};
}

Status Resolution::add(const std::string& name) {
    if (name.find('*') != std::string::npos) {
        const std::size_t before = found_.size();
        add_matching(name);
        if (found_.size() == before && !options_.allow_no_indices) {
            return no_such_index(name);
        }
        return {};
    }
    bool found = false;
    for (const IndexPtr& index : all_) {
        const bool by_name = index->name == name;
        const bool by_alias = index->aliases.find(name) != nullptr && !options_.forbid_aliases;
        if (by_name || by_alias) {
            found = true;
            KUMO_TRY(add_named(index, by_name, by_alias ? name : ""));
        }
    }
    for (const auto& [stream, value] : streams_) {
        const Json* const indices = value.find("indices");
        if (stream != name || indices == nullptr) {
            continue;
        }
        found = true;
        for (const Json& one : indices->items()) {
            KUMO_TRY(add(one.text()));
        }
    }
    if (!found && !options_.ignore_unavailable) {
        return no_such_index(name);
    }
    return {};
}

Status Resolution::exclude(const std::string& pattern) {
    for (auto at = found_.begin(); at != found_.end();) {
        std::vector<std::string>& aliases = at->second.aliases;
        const bool index = matches_wildcard(pattern, at->first);
        const bool alias =
            std::any_of(aliases.begin(), aliases.end(), [&](const std::string& name) {
                return matches_wildcard(pattern, name);
            });
        at = index || (alias && !at->second.by_name) ? found_.erase(at) : std::next(at);
    }
    return {};
}

std::vector<ResolvedIndex> Resolution::take() {
    std::vector<ResolvedIndex> out;
    out.reserve(found_.size());
    for (auto& [name, resolved] : found_) {
        out.push_back(std::move(resolved));
    }
    return out;
}

Status expand_wildcards(const std::string& text, IndicesOptions& out) {
    out.expand_open = out.expand_closed = out.expand_hidden = false;
    for (const std::string& one : split_list(text)) {
        if (one == "all") {
            out.expand_open = out.expand_closed = out.expand_hidden = true;
        } else if (one == "open") {
            out.expand_open = true;
        } else if (one == "closed") {
            out.expand_closed = true;
        } else if (one == "hidden") {
            out.expand_hidden = true;
        } else if (one != "none") {
            return illegal_argument("No valid expand wildcard value [" + one + "]");
        }
    }
    return {};
}

}  // namespace

Result<IndicesOptions> IndicesOptions::with(const Parameters& parameters) const {
    IndicesOptions out = *this;
    KUMO_TRY_ASSIGN(
        out.ignore_unavailable,
        parameters.flag("ignore_unavailable", ignore_unavailable)
    );
    KUMO_TRY_ASSIGN(out.allow_no_indices, parameters.flag("allow_no_indices", allow_no_indices));
    if (const std::string* const wildcards = parameters.find("expand_wildcards")) {
        KUMO_TRY(expand_wildcards(*wildcards, out));
    }
    if (out.ignore_unavailable) {
        out.forbid_closed = forbid_closed;
    }
    return out;
}

Result<std::vector<ResolvedIndex>>
resolve(const Context& context, std::string_view expression, const IndicesOptions& options) {
    Resolution resolution(context, options);
    if (expression.empty() || expression == "_all" || expression == "*") {
        resolution.add_all();
        if (resolution.empty() && !options.allow_no_indices) {
            return no_such_index(expression.empty() ? "_all" : expression);
        }
        return resolution.take();
    }
    bool wildcards = false;
    for (const std::string& one : split_list(expression)) {
        if (one.starts_with('-') && wildcards) {
            KUMO_TRY(resolution.exclude(one.substr(1)));
            continue;
        }
        if (one.starts_with('_') && one != "_all") {
            return fault(
                "invalid_index_name_exception",
                "Invalid index name [" + one + "], must not start with '_'."
            );
        }
        wildcards = wildcards || one.find('*') != std::string::npos;
        KUMO_TRY_ASSIGN(const std::string name, resolve_date_math(context, one));
        KUMO_TRY(resolution.add(name == "_all" ? "*" : name));
    }
    if (resolution.empty() && !options.allow_no_indices) {
        return no_such_index(expression);
    }
    return resolution.take();
}

Result<std::string> resolve_date_math(const Context& context, std::string_view name) {
    if (!name.starts_with('<') || !name.ends_with('>')) {
        return std::string(name);
    }
    const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(
        context.clock.wall_now().time_since_epoch()
    );
    std::string out;
    std::string_view rest = name.substr(1, name.size() - 2);
    while (!rest.empty()) {
        const std::size_t open = std::min(rest.find('{'), rest.size());
        out += rest.substr(0, open);
        rest.remove_prefix(open);
        if (rest.empty()) {
            break;
        }
        // {expression{format|zone}}
        std::size_t depth = 0;
        std::size_t end = 0;
        for (; end < rest.size(); ++end) {
            depth += rest[end] == '{' ? 1 : 0;
            depth -= rest[end] == '}' ? 1 : 0;
            if (depth == 0) {
                break;
            }
        }
        if (depth != 0) {
            return fault(
                "parse_exception",
                "invalid dynamic name expression [" + std::string(name) + "]"
            );
        }
        std::string_view inside = rest.substr(1, end - 1);
        rest.remove_prefix(end + 1);
        std::string format = "uuuu.MM.dd";
        TimeZone zone;
        if (const std::size_t brace = inside.find('{'); brace != std::string_view::npos) {
            std::string_view given = inside.substr(brace + 1, inside.size() - brace - 2);
            inside = inside.substr(0, brace);
            if (const std::size_t bar = given.find('|'); bar != std::string_view::npos) {
                KUMO_TRY_ASSIGN(zone, TimeZone::parse(given.substr(bar + 1)));
                given = given.substr(0, bar);
            }
            format = given;
        }
        KUMO_TRY_ASSIGN(const DateFormat by, DateFormat::make(format));
        KUMO_TRY_ASSIGN(
            const Instant at,
            parse_date_math(inside, default_date_format(), now.count(), MissingParts::kLowest, zone)
        );
        out += by.format(at, zone);
    }
    return out;
}

Result<IndexPtr> resolve_for_write(const Context& context, const std::string& given) {
    KUMO_TRY_ASSIGN(const std::string name, resolve_date_math(context, given));
    if (IndexPtr index = context.indices.find(name)) {
        return index;
    }
    const Json stream = context.cluster.find("data_stream/" + name);
    if (const Json* const indices = stream.find("indices");
        indices != nullptr && !indices->empty()) {
        return context.indices.find(indices->items().back().text());
    }
    std::vector<IndexPtr> behind;
    IndexPtr writes;
    bool said = false;
    for (const IndexPtr& index : context.indices.all()) {
        const Json* const alias = index->aliases.find(name);
        if (alias == nullptr) {
            continue;
        }
        behind.push_back(index);
        const Json* const is_write = alias->find("is_write_index");
        said = said || is_write != nullptr;
        if (is_write != nullptr && is_write->to_bool().value_or(false)) {
            writes = index;
        }
    }
    if (behind.empty()) {
        return IndexPtr();
    }
    if (writes == nullptr && behind.size() == 1 && !said) {
        writes = behind.front();
    }
    if (writes == nullptr) {
        return illegal_argument(
            "no write index is defined for alias [" + name
            + "]. The write index may be explicitly disabled using is_write_index=false or the alias "
              "points to multiple indices without one being designated as a write index"
        );
    }
    return writes;
}

Json alias_filter(const ResolvedIndex& resolved) {
    if (resolved.by_name || resolved.aliases.empty()) {
        return {};
    }
    Json should = Json::array();
    for (const std::string& name : resolved.aliases) {
        const Json* const alias = resolved.index->aliases.find(name);
        const Json* const filter = alias == nullptr ? nullptr : alias->find("filter");
        if (filter == nullptr) {
            return {};  // One of them shows all.
        }
        should.push(*filter);
    }
    return Json::object({{"bool", Json::object({{"should", should}, {"minimum_should_match", 1}})}}
    );
}

Status check_index_name(const std::string& name) {
    const auto invalid = [&name](const std::string& why) {
        return fault("invalid_index_name_exception", "Invalid index name [" + name + "], " + why);
    };
    if (name.empty()) {
        return invalid("must not be empty");
    }
    if (name.find_first_of("\\/*?\"<>| ,") != std::string::npos) {
        return invalid("must not contain the following characters [ , \", *, \\, <, |, ,, >, /, ?]"
        );
    }
    if (name.find('#') != std::string::npos) {
        return invalid("must not contain '#'");
    }
    if (name.find(':') != std::string::npos) {
        return invalid("must not contain ':'");
    }
    if (name[0] == '_' || name[0] == '-' || name[0] == '+') {
        return invalid("must not start with '_', '-', or '+'");
    }
    if (std::any_of(name.begin(), name.end(), [](char c) { return c >= 'A' && c <= 'Z'; })) {
        return invalid("must be lowercase");
    }
    if (name == "." || name == "..") {
        return invalid("must not be '.' or '..'");
    }
    if (name.size() > kIndexNameBytesMax) {
        return invalid("index name is too long, (" + std::to_string(name.size()) + " > 255)");
    }
    return {};
}

}  // namespace kumo::api_elastic
