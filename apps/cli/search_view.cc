#include "cli/search_view.h"

#include "cli/text.h"
#include "wire/url.h"

#include <algorithm>
#include <vector>

namespace kumo::cli {
namespace {

/// Values up to this many columns share a line.
constexpr std::size_t kShortValue = 32;
constexpr std::size_t kIndent = 4;
constexpr std::size_t kFacetBarMax = 30;

std::uint64_t number_or_zero(wire::JsonValue value) {
    if (!value || !value.is_number()) {
        return 0;
    }
    return static_cast<std::uint64_t>(std::max(0.0, value.as_double()));
}

/// A value in one line: strings as they are, elements with commas, the rest as JSON.
std::string plain(wire::JsonValue value) {
    if (value.is_string()) {
        return printable(value.as_string());
    }
    if (!value.is_array()) {
        return printable(value.raw());
    }
    std::string out;
    for (const wire::JsonValue element : value.as_array()) {
        out += (out.empty() ? "" : ", ") + (element.is_array() ? "[...]" : plain(element));
    }
    return out;
}

/// The marked text of a field, or "" if nothing in it matched.
std::string marked(wire::JsonValue hit, ByteView field) {
    const wire::JsonValue highlights = hit.find("highlights");
    if (!highlights || !highlights.is_array()) {
        return "";
    }
    for (const wire::JsonValue one : highlights.as_array()) {
        const wire::JsonValue name = one.find("field");
        if (!name || !name.is_string() || name.as_string() != field) {
            continue;
        }
        for (const ByteView key : {"value", "values", "snippet", "snippets"}) {
            if (const wire::JsonValue text = one.find(key); text && !text.is_null()) {
                return plain(text);
            }
        }
    }
    return "";
}

class HitText {
public:
    HitText(wire::JsonValue hit, const SearchView& view) : hit_(hit), view_(view) {}

    std::string make(std::size_t number) {
        const wire::JsonValue document = hit_.find("document");
        if (!document || !document.is_object()) {
            return "";
        }
        const std::string title_field = document.find(view_.title_field) ? view_.title_field : "id";
        std::string head = std::to_string(number);
        head = std::string(head.size() < 3 ? 3 - head.size() : 0, ' ') + head + " ";
        head += title(document, title_field);
        for (const auto [key, value] : document.as_object()) {
            if (key != title_field && key != "id") {
                add(key, value);
            }
        }
        return head + "\n" + wrapped(short_) + long_;
    }

private:
    std::string title(wire::JsonValue document, const std::string& field) const {
        std::string text = marked(hit_, field);
        if (const wire::JsonValue value = document.find(field); text.empty() && value) {
            return styled(clip(plain(value), view_.width - kIndent), kBold, view_.colour);
        }
        text = clip(text, view_.width - kIndent);
        return render_marks(text, view_.colour);
    }

    void add(ByteView key, wire::JsonValue value) {
        std::string text = marked(hit_, key);
        if (text.empty()) {
            text = plain(value);
        }
        if (text.empty()) {
            return;
        }
        const std::string name = printable(key);
        if (display_width(text) <= kShortValue) {
            short_.push_back(name + " " + text);
            return;
        }
        const std::size_t used = kIndent + display_width(name) + 2;
        const std::size_t room =
            std::max<std::size_t>(20, view_.width - std::min(used, view_.width));
        long_ += std::string(kIndent, ' ') + styled(name + ":", kDim, view_.colour) + " "
                 + render_marks(clip(text, room), view_.colour) + "\n";
    }

    /// Short values side by side, on as many lines as they need.
    std::string wrapped(const std::vector<std::string>& pieces) const {
        std::string out;
        std::size_t column = 0;
        for (const std::string& piece : pieces) {
            const std::size_t width = display_width(piece);
            if (column != 0 && column + 3 + width <= view_.width) {
                out += " · ";
                column += 3;
            } else {
                out += (column == 0 ? "" : "\n") + std::string(kIndent, ' ');
                column = kIndent;
            }
            out += render_marks(piece, view_.colour);
            column += width;
        }
        return out.empty() ? out : out + "\n";
    }

    wire::JsonValue hit_;
    const SearchView& view_;
    std::vector<std::string> short_;
    std::string long_;
};

std::string facet_text(wire::JsonValue facet, const SearchView& view) {
    const wire::JsonValue name = facet.find("field_name");
    const wire::JsonValue counts = facet.find("counts");
    if (!name || !name.is_string() || !counts || !counts.is_array()) {
        return "";
    }
    std::uint64_t largest = 1;
    for (const wire::JsonValue one : counts.as_array()) {
        largest = std::max(largest, number_or_zero(one.find("count")));
    }
    std::string out = "\n" + styled(printable(name.as_string()), kBold, view.colour) + "\n";
    for (const wire::JsonValue one : counts.as_array()) {
        const std::uint64_t count = number_or_zero(one.find("count"));
        const wire::JsonValue value = one.find("value");
        const std::string number = with_thousands(count);
        const std::string label = value ? clip(plain(value), kShortValue) : "";
        const std::size_t bar = std::max<std::uint64_t>(1, count * kFacetBarMax / largest);
        out.append(number.size() < 10 ? 10 - number.size() : 0, ' ').append(number).append(2, ' ');
        out.append(label).append(
            kShortValue + 1 - std::min(kShortValue, display_width(label)),
            ' '
        );
        out.append(styled(std::string(bar, '#'), kDim, view.colour)).append("\n");
    }
    return out;
}

std::string heading(wire::JsonValue answer) {
    const std::uint64_t found = number_or_zero(answer.find("found"));
    std::string out = found == 0 ? "Nothing found" : "Found " + with_thousands(found);
    if (const wire::JsonValue out_of = answer.find("out_of")) {
        out += (found == 0 ? " in " : " of ") + with_thousands(number_or_zero(out_of));
    }
    if (const wire::JsonValue took = answer.find("search_time_ms")) {
        out += " (" + with_thousands(number_or_zero(took)) + " ms)";
    }
    return out + "\n";
}

}  // namespace

std::string search_target(const SearchOptions& options, const std::string& title_field) {
    std::string target =
        "/collections/" + wire::percent_encode(options.collection) + "/documents/search";
    char separator = '?';
    const auto add = [&](ByteView key, ByteView value) {
        if (!value.empty()) {
            target += separator + std::string(key) + "=" + wire::percent_encode(value);
            separator = '&';
        }
    };
    add("q", options.query);
    add("query_by", options.query_by);
    add("filter_by", options.filter_by);
    add("sort_by", options.sort_by);
    add("facet_by", options.facet_by);
    add("include_fields", options.fields);
    add("page", std::to_string(options.page));
    add("per_page", std::to_string(options.per_page));
    if (!options.json) {
        add("highlight_full_fields", title_field);
        add("highlight_start_tag", ByteView(&kMarkBegin, 1));
        add("highlight_end_tag", ByteView(&kMarkEnd, 1));
    }
    return target;
}

std::string text_fields(wire::JsonValue collection) {
    std::string names;
    const wire::JsonValue fields = collection.find("fields");
    if (!fields || !fields.is_array()) {
        return names;
    }
    for (const wire::JsonValue field : fields.as_array()) {
        const wire::JsonValue name = field.find("name");
        const wire::JsonValue type = field.find("type");
        const wire::JsonValue index = field.find("index");
        const bool searchable = !index || !index.is_bool() || index.as_bool();
        if (searchable && name && name.is_string() && type && type.is_string()
            && (type.as_string() == "string" || type.as_string() == "string[]")) {
            names += (names.empty() ? "" : ",") + std::string(name.as_string());
        }
    }
    return names;
}

std::string search_text(wire::JsonValue answer, const SearchView& view) {
    std::string out = heading(answer);
    std::uint64_t number = 1;
    const wire::JsonValue parameters = answer.find("request_params");
    if (const wire::JsonValue page = answer.find("page"); page && parameters) {
        const std::uint64_t before = std::max<std::uint64_t>(1, number_or_zero(page)) - 1;
        number += before * number_or_zero(parameters.find("per_page"));
    }
    if (const wire::JsonValue hits = answer.find("hits"); hits && hits.is_array()) {
        for (const wire::JsonValue hit : hits.as_array()) {
            out += "\n" + HitText(hit, view).make(number++);
        }
    }
    if (const wire::JsonValue facets = answer.find("facet_counts"); facets && facets.is_array()) {
        for (const wire::JsonValue facet : facets.as_array()) {
            out += facet_text(facet, view);
        }
    }
    return out;
}

}  // namespace kumo::cli
