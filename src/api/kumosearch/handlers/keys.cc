#include "api/kumosearch/auth/secrets.h"
#include "api/kumosearch/handlers/handlers.h"
#include "wire/json.h"
#include "wire/json_writer.h"

#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace kumo::api_kumosearch {

namespace {

using wire::JsonValue;

/// Far enough away to mean never.
constexpr std::int64_t kNeverExpires = 64723363199;
constexpr std::size_t kValueBytesMin = 4;
constexpr std::size_t kValueBytesMax = 1024;
constexpr std::size_t kDescriptionBytesMax = 4096;
constexpr std::size_t kListItemsMax = 1000;
constexpr std::size_t kPrefixBytes = 4;

/// A key to be made, and the value that only its creator ever sees.
struct NewKey {
    node::KeyRecord record;
    std::string value;
};

Result<std::vector<std::string>> read_list(JsonValue root, std::string_view name) {
    const JsonValue value = root.find(name);
    if (!value) {
        return invalid_argument("Missing `" + std::string(name) + "`.");
    }
    const Error wrong = invalid_argument(
        "Wrong format for `" + std::string(name) + "`. It should be an array of string."
    );
    if (!value.is_array() || value.as_array().size() == 0
        || value.as_array().size() > kListItemsMax) {
        return wrong;
    }
    std::vector<std::string> out;
    for (const JsonValue element : value.as_array()) {
        if (!element.is_string() || element.as_string().empty()) {
            return wrong;
        }
        out.emplace_back(element.as_string());
    }
    return out;
}

Result<std::string>
read_text(JsonValue root, std::string_view name, std::size_t bytes_min, std::size_t bytes_max) {
    const JsonValue value = root.find(name);
    if (!value.is_string() || value.as_string().size() < bytes_min
        || value.as_string().size() > bytes_max) {
        return invalid_argument(
            "Wrong format for `" + std::string(name) + "`. It should be a string of "
            + std::to_string(bytes_min) + " to " + std::to_string(bytes_max) + " bytes."
        );
    }
    return std::string(value.as_string());
}

Status read_expiry(JsonValue root, node::KeyRecord& record) {
    record.expires_at = kNeverExpires;
    if (const JsonValue expires = root.find("expires_at")) {
        if (expires.type() != wire::JsonType::kInt64 || expires.as_int64() < 0) {
            return invalid_argument(
                "Wrong format for `expires_at`. It should be an unsigned integer."
            );
        }
        record.expires_at = expires.as_int64();
    }
    if (const JsonValue autodelete = root.find("autodelete")) {
        if (!autodelete.is_bool()) {
            return invalid_argument("Wrong format for `autodelete`. It should be a boolean.");
        }
        record.autodelete = autodelete.as_bool();
    }
    return {};
}

/// What is kept of the value.
void derive(NewKey& key) {
    node::KeyRecord& record = key.record;
    record.digest = sha256(key.value);
    record.value_prefix = key.value.substr(0, kPrefixBytes);
    if (record.actions.size() == 1 && record.actions.front() == kSearchAction) {
        record.hmac_state = hmac_midstates(key.value);
    }
}

Result<NewKey> parse_key(const std::string& body) {
    auto parsed = wire::JsonDocument::parse(body, {.depth_max = 8});
    if (!parsed.ok() || !parsed.value().root().is_object()) {
        return invalid_argument("Bad JSON.");
    }
    const JsonValue root = parsed.value().root();
    NewKey key;
    KUMO_TRY_ASSIGN(key.record.actions, read_list(root, "actions"));
    KUMO_TRY_ASSIGN(key.record.collections, read_list(root, "collections"));
    for (const std::string& pattern : key.record.collections) {
        KUMO_TRY(check_collection_pattern(pattern));
    }
    if (root.find("description")) {
        KUMO_TRY_ASSIGN(
            key.record.description,
            read_text(root, "description", 0, kDescriptionBytesMax)
        );
    }
    KUMO_TRY(read_expiry(root, key.record));
    if (root.find("value")) {
        KUMO_TRY_ASSIGN(key.value, read_text(root, "value", kValueBytesMin, kValueBytesMax));
    } else {
        key.value = random_key();
    }
    derive(key);
    return key;
}

void write_list(
    wire::JsonWriter& writer,
    std::string_view name,
    const std::vector<std::string>& list
) {
    writer.key(name).begin_array();
    for (const std::string& text : list) {
        writer.string(text);
    }
    writer.end_array();
}

/// Without a value, shows its prefix instead.
void write_key(
    wire::JsonWriter& writer,
    const node::KeyRecord& key,
    const std::optional<std::string>& value = std::nullopt
) {
    writer.begin_object();
    write_list(writer, "actions", key.actions);
    writer.key("autodelete").boolean(key.autodelete);
    write_list(writer, "collections", key.collections);
    writer.key("description").string(key.description);
    writer.key("expires_at").integer(key.expires_at);
    writer.key("id").unsigned_integer(key.id);
    if (value) {
        writer.key("value").string(*value);
    } else {
        writer.key("value_prefix").string(key.value_prefix);
    }
    writer.end_object();
}

Error no_such_key() {
    return not_found("Not found.");
}

}  // namespace

void list_keys(const CallPtr& call) {
    std::string json;
    wire::JsonWriter writer(json);
    writer.begin_object().key("keys").begin_array();
    const auto keys = call->context.node.keys();
    for (const node::KeyRecord& key : *keys) {
        write_key(writer, key);
    }
    writer.end_array().end_object();
    answer(*call, 200, std::move(json));
}

void create_key(const CallPtr& call, std::string body) {
    auto key = parse_key(body);
    if (!key.ok()) {
        answer_error(*call, key.error());
        return;
    }
    if (call->context.authenticator.is_bootstrap_key(key.value().value)) {
        answer_error(*call, {ErrorCode::kAlreadyExists, "API key generation conflict."});
        return;
    }
    call->context.node.create_key(
        std::move(key.value().record),
        call->loop(),
        [call, value = std::move(key.value().value)](Result<node::KeyRecord> made) {
            if (!made.ok()) {
                answer_error(*call, made.error());
                return;
            }
            std::string json;
            wire::JsonWriter writer(json);
            write_key(writer, made.value(), value);
            answer(*call, 201, std::move(json));
        }
    );
}

void get_key(const CallPtr& call) {
    const auto id = parse_unsigned(call->path.front());
    const auto keys = call->context.node.keys();
    for (const node::KeyRecord& key : *keys) {
        if (id && key.id == *id) {
            std::string json;
            wire::JsonWriter writer(json);
            write_key(writer, key);
            answer(*call, 200, std::move(json));
            return;
        }
    }
    answer_error(*call, no_such_key());
}

void delete_key(const CallPtr& call) {
    const auto id = parse_unsigned(call->path.front());
    if (!id) {
        answer_error(*call, no_such_key());
        return;
    }
    call->context.node.delete_key(*id, call->loop(), [call](Result<node::KeyRecord> gone) {
        if (!gone.ok()) {
            answer_error(*call, gone.error());
            return;
        }
        std::string json;
        wire::JsonWriter(json)
            .begin_object()
            .key("id")
            .unsigned_integer(gone.value().id)
            .end_object();
        answer(*call, 200, std::move(json));
    });
}

}  // namespace kumo::api_kumosearch
