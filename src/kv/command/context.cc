#include "kv/command/context.h"

#include "base/assert.h"
#include "kv/command/words.h"
#include "kv/keyspace/access.h"
#include "kv/keyspace/number.h"

#include <cmath>
#include <utility>

namespace kumo::kv {

void remove_expired(Keyspace& keyspace, int db, Entry* entry, Effects& effects) {
    const std::string key(entry->key());
    effects.on_expired(db, key);
    keyspace.database(db).erase(entry);
    ++keyspace.stats.expired;
    effects.on_event(EventClass::kExpired, "expired", db, key);
    effects.on_changed(db, key);
}

Context::Context(
    const Environment& environment,
    const CommandSpec& spec,
    std::span<const ByteView> arguments,
    wire::RespWriter& writer
)
    : reply(writer), env_(environment), spec_(spec), arguments_(arguments) {}

bool Context::arg_is(std::size_t index, ByteView word) const {
    return same_word(arguments_[index], word);
}

void Context::wrong_arguments() {
    error("ERR wrong number of arguments for '" + spec_.full_name() + "' command");
}

bool Context::integer(std::size_t index, std::int64_t* out, ByteView error_text) {
    const std::optional<std::int64_t> value = parse_integer(arguments_[index]);
    if (!value.has_value()) {
        error(error_text);
        return false;
    }
    *out = *value;
    return true;
}

bool Context::integer_in(
    std::size_t index,
    std::int64_t low,
    std::int64_t high,
    std::int64_t* out,
    ByteView error_text
) {
    const std::optional<std::int64_t> value = parse_integer(arguments_[index]);
    if (!value.has_value() || *value < low || *value > high) {
        error(error_text.empty() ? kNotInteger : error_text);
        return false;
    }
    *out = *value;
    return true;
}

bool Context::real(std::size_t index, double* out, ByteView error_text) {
    const std::optional<double> value = parse_double(arguments_[index]);
    if (!value.has_value()) {
        error(error_text);
        return false;
    }
    *out = *value;
    return true;
}

bool Context::timeout(std::size_t index, std::int64_t* milliseconds) {
    const std::optional<long double> seconds = parse_long_double(arguments_[index]);
    if (!seconds.has_value()) {
        error("ERR timeout is not a float or out of range");
        return false;
    }
    const long double exact = std::ceil(*seconds * 1000);
    if (exact < 0) {
        error("ERR timeout is negative");
        return false;
    }
    const auto room = static_cast<long double>(INT64_MAX - now_ms());
    if (exact > room) {
        error("ERR timeout is out of range");
        return false;
    }
    *milliseconds = static_cast<std::int64_t>(exact);
    return true;
}

bool Context::drop_if_expired(int db, Entry* entry) {
    // What is replayed was not expired where, and when, it was run first.
    if (env_.replaying || !entry->expired(now_ms())) {
        return false;
    }
    if (env_.removes_expired) {
        remove_expired(env_.keyspace, db, entry, env_.effects);
    }
    return true;
}

Entry* Context::lookup(ByteView key) {
    Entry* entry = db().find(key);
    if (entry == nullptr || drop_if_expired(entry)) {
        return nullptr;
    }
    return entry;
}

void Context::touch(Entry* entry) {
    if (!env_.replaying) {
        entry->set_access(
            touched_access(env_.keyspace.settings, entry->access(), now_ms(), env_.random)
        );
    }
}

Entry* Context::lookup_quiet(ByteView key) {
    return lookup(key);
}

Entry* Context::lookup_untouched(ByteView key) {
    Entry* entry = lookup(key);
    if (entry == nullptr) {
        ++env_.keyspace.stats.misses;
        notify(EventClass::kMissed, "keymiss", key);
        return nullptr;
    }
    ++env_.keyspace.stats.hits;
    return entry;
}

Entry* Context::lookup_read(ByteView key) {
    Entry* entry = lookup_untouched(key);
    if (entry != nullptr) {
        touch(entry);
    }
    return entry;
}

Entry* Context::lookup_write(ByteView key) {
    Entry* entry = lookup(key);
    if (entry != nullptr) {
        db().will_change(*entry);
        touch(entry);
    }
    return entry;
}

bool Context::drop_if_empty(ByteView key, const Value& value) {
    if (value.size() != 0) {
        return false;
    }
    erase(db().find(key));
    notify(EventClass::kGeneric, "del", key);
    return true;
}

void Context::erase(Entry* entry) {
    db().erase(entry);
}

void Context::notify_new(ByteView key) {
    Entry* entry = db().find(key);
    entry->set_access(initial_access(env_.keyspace.settings, now_ms()));
    notify(EventClass::kNew, "new", key);
}

void Context::changed(ByteView key, EventClass event_class, ByteView event, std::int64_t dirty) {
    mark_changed(key);
    notify(event_class, event, key);
    dirty_ += dirty;
}

void Context::propagate(std::vector<std::string> command) {
    rewritten_ = true;
    if (env_.followed) {
        propagated_.push_back(std::move(command));
    }
}

void Context::propagate(std::initializer_list<ByteView> command) {
    rewritten_ = true;
    if (env_.followed) {
        propagated_.emplace_back(command.begin(), command.end());
    }
}

void Context::block(BlockRequest request) {
    KUMO_ASSERT(env_.may_block);
    block_request_ = std::move(request);
}

}  // namespace kumo::kv
