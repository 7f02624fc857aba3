#include "base/assert.h"
#include "search/index/index.h"

#include <utility>

namespace kumo::search {

namespace {

Error conflict(const MappedWrite& write, const std::string& why) {
    return Error{ErrorCode::kConflict, "[" + write.id + "]: version conflict, " + why};
}

std::string number(std::uint64_t value) {
    return "[" + std::to_string(value) + "]";
}

Status check_numbers(const MappedWrite& write, const std::optional<DocumentMeta>& before) {
    if (!write.if_seq && !write.if_term) {
        return {};
    }
    const std::string required = "required seqNo " + number(write.if_seq.value_or(0))
                                 + ", primary term " + number(write.if_term.value_or(0));
    if (!before) {
        return conflict(write, required + ". but no document was found");
    }
    if (write.if_seq.value_or(before->seq) != before->seq
        || write.if_term.value_or(before->term) != before->term) {
        return conflict(
            write,
            required + ". current document has seqNo " + number(before->seq) + " and primary term "
                + number(before->term)
        );
    }
    return {};
}

Status check_version(const MappedWrite& write, const std::optional<DocumentMeta>& before) {
    if (write.rule == VersionRule::kInternal || !before) {
        return {};
    }
    const bool gte = write.rule == VersionRule::kExternalGte;
    if (write.version < before->version || (!gte && write.version == before->version)) {
        return conflict(
            write,
            "current version " + number(before->version) + " is higher "
                + (gte ? "than" : "or equal to") + " the one provided " + number(write.version)
        );
    }
    return {};
}

Status check(const MappedWrite& write, const std::optional<DocumentMeta>& before) {
    if (write.create_only && before) {
        return conflict(
            write,
            "document already exists (current version " + number(before->version) + ")"
        );
    }
    KUMO_TRY(check_numbers(write, before));
    return check_version(write, before);
}

bool is_same_kind(const Field& a, const Field& b) {
    return a.type == b.type && a.exact == b.exact && a.analysis == b.analysis && a.index == b.index
           && a.vector == b.vector;
}

TypedDocument typed(const Schema& schema, const MappedWrite& write) {
    TypedDocument document;
    document.fields.resize(schema.fields.size());
    for (const MappedValues& values : write.values) {
        const auto at = schema.find(values.field);
        if (!at) {
            continue;
        }
        FieldValues& field = document.fields[*at];
        field.codes = values.codes;
        field.vector = values.vector;
        field.strings.assign(values.strings.begin(), values.strings.end());
    }
    return document;
}

}  // namespace

Status Index::add_fields(const std::vector<Field>& fields) {
    std::vector<Field> lacking;
    for (const Field& field : fields) {
        const auto at = schema_->find_declared(field.name);
        if (!at) {
            lacking.push_back(field);
        } else if (!is_same_kind(schema_->fields[*at], field)) {
            return invalid_argument("field [" + field.name + "] is there as one of another type");
        }
    }
    if (lacking.empty()) {
        return {};
    }
    KUMO_TRY_ASSIGN(auto schema, with_found(*schema_, lacking));
    grow(std::move(schema));
    return {};
}

Result<std::vector<Result<Written>>> Index::write_mapped(const MappedBatch& batch) {
    KUMO_TRY(add_fields(batch.fields));
    std::vector<Result<Written>> answers;
    answers.reserve(batch.writes.size());
    for (const MappedWrite& write : batch.writes) {
        answers.push_back(write_one(write));
    }
    return answers;
}

Result<Written> Index::write_one(const MappedWrite& write) {
    if (write.id.empty() || write.id.size() > kIdBytesMax) {
        return invalid_argument("an id has 1 to 512 bytes");
    }
    const auto old = find(write.id);
    std::optional<DocumentMeta> before;
    if (old) {
        KUMO_TRY_ASSIGN(const std::string bytes, stored(*old));
        KUMO_TRY_ASSIGN(StoredDocument document, parse_stored(bytes));
        before = std::move(document.meta);
    }
    KUMO_TRY(check(write, before));
    MappedOutcome outcome;
    outcome.found = old.has_value();
    outcome.meta.seq = next_auto_id_++;
    outcome.meta.version = before ? before->version + 1 : 1;
    if (write.rule != VersionRule::kInternal) {
        outcome.meta.version = write.version;
    }
    outcome.meta.routing = write.routing;
    const std::uint64_t order = old ? order_of(*old) : next_order_;
    if (old) {
        remove(*old);
    }
    if (!write.erase) {
        TypedDocument document = typed(*schema_, write);
        document.source = stored_form(write.id, outcome.meta, write.source);
        next_order_ += old ? 0 : 1;
        live_->add(write.id, document, order);
        ++doc_count_;
    }
    return Written{write.id, mapped_outcome(outcome), !old.has_value()};
}

}  // namespace kumo::search
