#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "search/schema/schema.h"
#include "wire/byte_reader.h"

#include <string>
#include <vector>

namespace kumo::search {

/// A change of a schema's fields. A name in both lists changes its type or its properties.
struct FieldChange {
    std::vector<std::string> drops;
    std::vector<Field> adds;
};

/// The schema after the change. Fields that stay keep their order; added ones come last, and take
/// the place of one of the same name that is dropped. A default sorting field that is dropped, or
/// that cannot be one any more, is none afterwards. kInvalidArgument, in the words clients know.
Result<Schema> change_fields(const Schema& before, const FieldChange& change);

// Bytes: docs/formats/operation.md.

void append_field_change(std::string& out, const FieldChange& change);
FieldChange read_field_change(wire::ByteReader& in);

}  // namespace kumo::search
