#include "kv/rdb/rdb_reader.h"

#include "kv/rdb/object_reader.h"
#include "kv/rdb/rdb_format.h"
#include "wire/crc64.h"

#include <limits>

namespace kumo::kv {

namespace {

constexpr std::size_t kHeaderBytes = 9;
/// From this version on there are eight bytes of checksum behind the end.
constexpr int kVersionWithChecksum = 5;

/// For the values of keys that nobody wants.
class IgnoringVisitor final : public ObjectVisitor {
public:
    Status on_string(ByteView /*value*/) override { return {}; }

    Status begin(Type /*type*/, std::uint64_t /*count*/) override { return {}; }

    Status on_element(ByteView /*element*/) override { return {}; }

    Status on_field(
        ByteView /*field*/,
        ByteView /*value*/,
        std::optional<std::int64_t> /*expire_at_ms*/
    ) override {
        return {};
    }

    Status on_scored(ByteView /*member*/, double /*score*/) override { return {}; }

    Status on_stream_entry(
        StreamId /*id*/,
        std::span<const ByteView> /*fields_and_values*/
    ) override {
        return {};
    }

    Status on_stream_tail(RdbStreamTail /*tail*/) override { return {}; }
};

/// The digits as a number; 0: something else.
int version_of(ByteView digits) {
    int version = 0;
    for (const char c : digits) {
        if (c < '0' || c > '9') {
            return 0;
        }
        version = version * 10 + (c - '0');
    }
    return version;
}

}  // namespace

Status RdbSink::on_foreign(const RdbKey& key, ByteView what) {
    return Error{
        ErrorCode::kUnsupported,
        "the key '" + std::string(key.key.substr(0, 100)) + "' holds " + std::string(what)};
}

bool looks_like_rdb(ByteView bytes) {
    return bytes.substr(0, 5) == "REDIS" || bytes.substr(0, 6) == "VALKEY";
}

RdbReader::RdbReader(ByteView bytes, RdbSink& sink, RdbReadOptions options)
    : bytes_(bytes), input_(bytes), sink_(sink), options_(options) {}

Status RdbReader::read_all() {
    while (true) {
        KUMO_TRY_ASSIGN(const bool more, read_some());
        if (!more) {
            return {};
        }
    }
}

Result<bool> RdbReader::read_some() {
    if (version_ == 0) {
        KUMO_TRY(read_header());
    }
    while (!ended_) {
        const std::uint8_t opcode = input_.byte();
        if (!input_.ok()) {
            return damage("the file is cut off");
        }
        const bool is_key = opcode < static_cast<std::uint8_t>(RdbOpcode::kSlotImport);
        KUMO_TRY(is_key ? read_key(opcode) : read_opcode(opcode));
        if (!input_.ok()) {
            return damage("the file is cut off or damaged");
        }
        sum_up();
        if (is_key) {
            return true;
        }
    }
    return false;
}

Status RdbReader::read_header() {
    const ByteView header = input_.raw(kHeaderBytes);
    const bool is_valkey = header.substr(0, 6) == "VALKEY";
    if (!input_.ok() || !looks_like_rdb(header)) {
        return damage("this is no RDB file");
    }
    const int version = version_of(header.substr(is_valkey ? 6 : 5));
    const bool known =
        is_valkey ? version == kRdbVersionValkey : version >= 1 && version <= kRdbVersionMax;
    if (!known) {
        return Error{ErrorCode::kUnsupported, "RDB files of version '" + std::string(header) + "'"};
    }
    version_ = version;
    return {};
}

void RdbReader::sum_up() {
    if (options_.verify_checksum && !ended_) {
        const ByteView bytes = bytes_.substr(summed_, input_.position() - summed_);
        checksum_ = wire::crc64(bytes, checksum_);
        summed_ = input_.position();
    }
}

Status RdbReader::read_opcode(std::uint8_t opcode) {
    switch (static_cast<RdbOpcode>(opcode)) {
        case RdbOpcode::kSlotImport: return read_slot_import();
        case RdbOpcode::kSlotInfo:
            input_.length();
            input_.length();
            input_.length();
            return {};
        case RdbOpcode::kFunction: return read_function();
        case RdbOpcode::kFunctionPreview:
            return Error{
                ErrorCode::kUnsupported,
                "functions as a release candidate of 7.0 saved them"};
        case RdbOpcode::kModuleAux:
            input_.length();  // Which module; then when it wants them, with its own opcode.
            input_.length();
            input_.length();
            skip_module_parts(input_);
            return {};
        case RdbOpcode::kIdle: key_.idle_seconds = input_.length(); return {};
        case RdbOpcode::kFrequency: key_.frequency = input_.byte(); return {};
        case RdbOpcode::kAux: return read_aux();
        case RdbOpcode::kResize: return read_resize();
        case RdbOpcode::kExpiryMs: key_.expire_at_ms = input_.signed64(); return {};
        case RdbOpcode::kExpirySeconds:
            if (const ByteView seconds = input_.raw(sizeof(std::int32_t)); input_.ok()) {
                key_.expire_at_ms =
                    std::int64_t{load_unaligned<std::int32_t>(seconds.data())} * 1000;
            }
            return {};
        case RdbOpcode::kDatabase: return read_database();
        case RdbOpcode::kEnd: return read_end();
    }
    return damage("an unknown opcode");
}

Status RdbReader::read_aux() {
    std::string name_scratch;
    std::string value_scratch;
    const ByteView name = input_.string(&name_scratch);
    const ByteView value = input_.string(&value_scratch);
    // KeyDB writes this before each key.
    if (!input_.ok() || name == "mvcc-tstamp") {
        return {};
    }
    return sink_.on_aux(name, value);
}

Status RdbReader::read_function() {
    std::string scratch;
    const ByteView code = input_.string(&scratch);
    if (!input_.ok()) {
        return {};
    }
    return sink_.on_function(code);
}

Status RdbReader::read_database() {
    const std::uint64_t db = input_.length();
    if (db > std::uint64_t{std::numeric_limits<std::int32_t>::max()}) {
        return damage("a database's number is out of range");
    }
    key_.db = static_cast<int>(db);
    return {};
}

Status RdbReader::read_resize() {
    const std::uint64_t keys = input_.count();
    const std::uint64_t volatile_keys = input_.count();
    if (!input_.ok()) {
        return {};
    }
    return sink_.on_database(key_.db, keys, volatile_keys);
}

/// Valkey 9: a slot that was on its way here. Its keys are among the others.
Status RdbReader::read_slot_import() {
    input_.skip_string();
    const std::uint64_t ranges = input_.count(2);
    for (std::uint64_t i = 0; i < ranges; ++i) {
        input_.length();
        input_.length();
    }
    return {};
}

Status RdbReader::read_key(std::uint8_t type) {
    key_.key = input_.string(&key_scratch_);
    if (!input_.ok()) {
        return {};
    }
    KUMO_TRY(read_value(type));
    key_ =
        RdbKey{.db = key_.db, .key = {}, .expire_at_ms = {}, .idle_seconds = {}, .frequency = {}};
    return {};
}

Status RdbReader::read_value(std::uint8_t type) {
    if (skip_object(input_, type)) {
        const bool is_cron = type == static_cast<std::uint8_t>(RdbType::kCron);
        return sink_.on_foreign(key_, is_cron ? "a cron job of KeyDB" : "a value of a module");
    }
    IgnoringVisitor ignoring;
    ObjectVisitor* const taker = sink_.begin_key(key_);
    auto count = read_object(input_, type, taker == nullptr ? ignoring : *taker);
    if (!count.ok()) {
        Error error = std::move(count).error();
        error.message = "the key '" + std::string(key_.key.substr(0, 100)) + "': " + error.message;
        return error;
    }
    if (taker == nullptr) {
        return {};
    }
    if (count.value() == 0) {
        ++empty_keys_;
        return {};
    }
    ++keys_;
    return sink_.end_key(key_);
}

Status RdbReader::read_end() {
    sum_up();
    ended_ = true;
    if (version_ < kVersionWithChecksum) {
        return {};
    }
    const auto written = static_cast<std::uint64_t>(input_.signed64());
    if (input_.ok() && options_.verify_checksum && written != 0 && written != checksum_) {
        return damage("the checksum is wrong");
    }
    return {};
}

}  // namespace kumo::kv
