#include "cli/status_view.h"

#include "cli/text.h"

#include <algorithm>
#include <charconv>
#include <vector>

namespace kumo::cli {
namespace {

constexpr std::size_t kLabelWidth = 14;

std::string word(wire::JsonValue object, ByteView key) {
    const wire::JsonValue value = object ? object.find(key) : wire::JsonValue();
    return value && value.is_string() ? printable(value.as_string()) : "";
}

/// A count that is a number, or a number in a string.
std::uint64_t count(wire::JsonValue value) {
    std::uint64_t number = 0;
    if (value && (value.is_string() || value.is_integer())) {
        const ByteView text = value.is_string() ? value.as_string() : value.raw();
        (void)std::from_chars(text.data(), text.data() + text.size(), number);
    }
    return number;
}

std::string labelled(const std::string& label, const std::string& value) {
    return label + std::string(kLabelWidth - std::min(kLabelWidth, label.size()), ' ') + value
           + "\n";
}

std::string health_text(wire::JsonValue health, bool colour) {
    const wire::JsonValue ok = health ? health.find("ok") : wire::JsonValue();
    if (ok && ok.is_bool() && ok.as_bool()) {
        return styled("healthy", kGreen, colour);
    }
    const std::string why = word(health, "resource_error");
    return styled("not healthy", kRed, colour) + (why.empty() ? "" : ": " + why);
}

std::string version_text(wire::JsonValue debug) {
    const std::string ours = word(debug, "kumosearch_version");
    const std::string api = word(debug, "version");
    return ours.empty() ? "speaks API " + api : ours + ", speaks API " + api;
}

std::string collections_text(wire::JsonValue collections) {
    std::vector<std::pair<std::string, std::string>> rows;
    std::size_t name_width = 0;
    std::size_t count_width = 0;
    for (const wire::JsonValue one : collections.as_array()) {
        rows.emplace_back(word(one, "name"), with_thousands(count(one.find("num_documents"))));
        name_width = std::max(name_width, display_width(rows.back().first));
        count_width = std::max(count_width, rows.back().second.size());
    }
    if (rows.empty()) {
        return labelled("collections", "none");
    }
    std::string out;
    for (const auto& [name, documents] : rows) {
        std::string row = name;
        row.append(name_width - display_width(name) + 2, ' ');
        row.append(count_width - documents.size(), ' ').append(documents).append(" documents");
        out += labelled(out.empty() ? "collections" : "", row);
    }
    return out;
}

}  // namespace

std::string status_text(const StatusAnswers& answers, bool colour) {
    std::string out = labelled("health", health_text(answers.health, colour));
    if (answers.debug) {
        out += labelled("version", version_text(answers.debug));
    }
    if (answers.metrics) {
        if (const auto bytes = count(answers.metrics.find("typesense_memory_resident_bytes"))) {
            out += labelled("memory", human_bytes(bytes) + " resident");
        }
        if (const auto bytes = count(answers.metrics.find("system_disk_used_bytes"))) {
            const auto total = count(answers.metrics.find("system_disk_total_bytes"));
            out += labelled("disk", human_bytes(bytes) + " used of " + human_bytes(total));
        }
    }
    if (answers.collections && answers.collections.is_array()) {
        out += collections_text(answers.collections);
    }
    return out;
}

}  // namespace kumo::cli
