#include "search/analysis/chain.h"
#include "search/analysis/chain_options.h"
#include "search/analysis/internal/chain_text.h"

#include <unicode/uchar.h>

#include <algorithm>
#include <utility>

namespace kumo::search {

void trim(std::string& text) {
    constexpr std::string_view kSpace = " \t\n\r\f\v";
    const std::size_t begin = std::min(text.find_first_not_of(kSpace), text.size());
    text.erase(0, begin);
    text.resize(text.find_last_not_of(kSpace) + 1);
}

Result<std::shared_ptr<const RE2>> compile(const std::string& pattern) {
    RE2::Options options;
    options.set_log_errors(false);
    auto compiled = std::make_shared<const RE2>(pattern, options);
    if (!compiled->ok()) {
        return invalid_argument("pattern [" + pattern + "]: " + compiled->error());
    }
    return std::shared_ptr<const RE2>(std::move(compiled));
}

/// $1 as \1.
std::string rewrite_of(std::string_view replacement) {
    std::string out;
    for (std::size_t i = 0; i < replacement.size(); ++i) {
        const bool group = replacement[i] == '$' && i + 1 < replacement.size()
                           && replacement[i + 1] >= '0' && replacement[i + 1] <= '9';
        if (replacement[i] == '\\') {
            out += "\\\\";
        } else {
            out += group ? '\\' : replacement[i];
        }
    }
    return out;
}

namespace {

/// ASCII only: of names of tags.
std::string lower(std::string_view text) {
    std::string out;
    for (const char c : text) {
        out += static_cast<char>(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
    }
    return out;
}

/// Replaces bytes [begin, end) of a text that is being filtered; what is inserted is at its place.
void replace(
    std::string& out,
    std::vector<std::uint32_t>& out_offsets,
    std::string_view with,
    std::uint32_t source
) {
    out += with;
    out_offsets.insert(out_offsets.end(), with.size(), source);
}

AnalysisChain::CharFilter map_filter(std::vector<std::pair<std::string, std::string>> rules) {
    // The longest one that fits counts.
    std::stable_sort(rules.begin(), rules.end(), [](const auto& a, const auto& b) {
        return a.first.size() > b.first.size();
    });
    return [rules = std::move(rules)](std::string& text, std::vector<std::uint32_t>& offsets) {
        std::string out;
        std::vector<std::uint32_t> out_offsets;
        for (std::size_t at = 0; at < text.size();) {
            const auto rule = std::find_if(rules.begin(), rules.end(), [&](const auto& r) {
                return text.compare(at, r.first.size(), r.first) == 0;
            });
            if (rule == rules.end()) {
                replace(out, out_offsets, std::string_view(text).substr(at, 1), offsets[at]);
                ++at;
            } else {
                replace(out, out_offsets, rule->second, offsets[at]);
                at += rule->first.size();
            }
        }
        out_offsets.push_back(offsets[text.size()]);
        text = std::move(out);
        offsets = std::move(out_offsets);
    };
}

Result<AnalysisChain::CharFilter> make_mapping(wire::JsonValue options) {
    const wire::JsonValue list = options.find("mappings");
    if (!list || !list.is_array()) {
        return invalid_argument(
            "mapping requires either `mappings` or `mappings_path` to be configured"
        );
    }
    std::vector<std::pair<std::string, std::string>> rules;
    for (const wire::JsonValue rule : list.as_array()) {
        const std::string text(rule.is_string() ? rule.as_string() : "");
        const std::size_t arrow = text.find("=>");
        if (arrow == std::string::npos) {
            return invalid_argument("Invalid Mapping Rule : [" + text + "]");
        }
        std::string from = text.substr(0, arrow);
        std::string to = text.substr(arrow + 2);
        trim(from);
        trim(to);
        if (from.empty()) {
            return invalid_argument("Invalid Mapping Rule : [" + text + "]");
        }
        rules.emplace_back(std::move(from), std::move(to));
    }
    return map_filter(std::move(rules));
}

void strip_html(std::string& text, std::vector<std::uint32_t>& offsets) {
    static const std::vector<std::pair<std::string_view, std::string_view>> kEntities = {
        {"&amp;", "&"},
        {"&lt;", "<"},
        {"&gt;", ">"},
        {"&quot;", "\""},
        {"&apos;", "'"},
        {"&nbsp;", " "},
        {"&#39;", "'"}};
    std::string out;
    std::vector<std::uint32_t> out_offsets;
    for (std::size_t at = 0; at < text.size();) {
        const std::string_view rest = std::string_view(text).substr(at);
        const bool tag = rest.size() > 1 && rest[0] == '<'
                         && (rest[1] == '/' || rest[1] == '!' || u_isalpha(rest[1]) != 0);
        const std::size_t end = tag ? rest.find('>') : std::string_view::npos;
        const auto entity = std::find_if(kEntities.begin(), kEntities.end(), [&](const auto& e) {
            return rest.starts_with(e.first);
        });
        if (end != std::string_view::npos) {
            // Tags of blocks end a line, those inside of one leave nothing.
            const std::string name = lower(rest.substr(rest[1] == '/' ? 2 : 1, 2));
            const bool block = name == "p>" || name == "p " || name == "br" || name == "di"
                               || name == "li" || name == "ul" || name == "h1" || name == "h2"
                               || name == "td" || name == "tr";
            replace(out, out_offsets, block ? "\n" : "", offsets[at]);
            at += end + 1;
        } else if (entity != kEntities.end()) {
            replace(out, out_offsets, entity->second, offsets[at]);
            at += entity->first.size();
        } else {
            replace(out, out_offsets, rest.substr(0, 1), offsets[at]);
            ++at;
        }
    }
    out_offsets.push_back(offsets[text.size()]);
    text = std::move(out);
    offsets = std::move(out_offsets);
}

Result<AnalysisChain::CharFilter> make_pattern_char_filter(wire::JsonValue options) {
    KUMO_TRY_ASSIGN(const auto pattern, compile(text_option(options, "pattern", "")));
    const std::string rewrite = rewrite_of(text_option(options, "replacement", ""));
    return AnalysisChain::CharFilter(
        [pattern, rewrite](std::string& text, std::vector<std::uint32_t>& offsets) {
            std::string out = text;
            RE2::GlobalReplace(&out, *pattern, rewrite);
            // Where lengths differ, places are those of the text from before, as far as it goes.
            std::vector<std::uint32_t> out_offsets(out.size() + 1, offsets[text.size()]);
            std::copy_n(offsets.begin(), std::min(out.size(), text.size()), out_offsets.begin());
            text = std::move(out);
            offsets = std::move(out_offsets);
        }
    );
}

}  // namespace

Result<AnalysisChain::CharFilter> make_char_filter(wire::JsonValue options) {
    const std::string type = text_option(options, "type", "");
    if (type == "html_strip") {
        return AnalysisChain::CharFilter(strip_html);
    }
    if (type == "mapping") {
        return make_mapping(options);
    }
    if (type == "pattern_replace") {
        return make_pattern_char_filter(options);
    }
    return Error{ErrorCode::kUnsupported, "character filter [" + type + "] is not supported"};
}

}  // namespace kumo::search
