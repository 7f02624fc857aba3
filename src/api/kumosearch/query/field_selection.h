#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "wire/json.h"
#include "wire/json_writer.h"

#include <string>
#include <string_view>
#include <vector>

namespace kumo::api_kumosearch {

/// include_fields and exclude_fields: which members of a document are shown. Names reach into
/// objects by dots ("a.b") and may end in '*'. What is shown keeps its exact bytes. A value.
class FieldSelection {
public:
    FieldSelection() = default;

    FieldSelection(std::vector<std::string> include, std::vector<std::string> exclude)
        : include_(std::move(include)), exclude_(std::move(exclude)) {}

    bool all() const { return include_.empty() && exclude_.empty(); }

    /// Whether a top-level field is shown whole.
    bool shows(std::string_view name) const;

    /// Appends what is shown of a stored document (an object). kCorruption if it is not JSON.
    Status append(ByteView document, std::string& out) const;

private:
    void write_object(wire::JsonValue object, const std::string& prefix, wire::JsonWriter& writer)
        const;
    void write_inside(wire::JsonValue value, const std::string& prefix, wire::JsonWriter& writer)
        const;
    bool included(std::string_view path) const;
    bool excluded(std::string_view path) const;
    bool reaches_into(std::string_view path) const;

    std::vector<std::string> include_;
    std::vector<std::string> exclude_;
};

}  // namespace kumo::api_kumosearch
