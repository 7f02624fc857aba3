#pragma once

#include "search/schema/schema.h"
#include "wire/byte_reader.h"

#include <string>
#include <vector>

namespace kumo::search {

// Schemas as bytes, wherever one is stored: docs/formats/state.md, manifest.md, operation.md.
// Reading never fails by itself: the reader's ok() tells. Stateless.

void append_fields(std::string& out, const std::vector<Field>& fields);
std::vector<Field> read_fields(wire::ByteReader& in);

void append_schema(std::string& out, const Schema& schema);
Schema read_schema(wire::ByteReader& in);

void append_strings(std::string& out, const std::vector<std::string>& strings);
std::vector<std::string> read_strings(wire::ByteReader& in);

}  // namespace kumo::search
