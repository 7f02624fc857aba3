#pragma once

#include "base/assert.h"
#include "base/bytes.h"
#include "base/random.h"
#include "kv/command/effects.h"
#include "kv/command/spec.h"
#include "kv/keyspace/keyspace.h"
#include "wire/resp.h"

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace kumo::kv {

// The errors that many commands share, in Redis's words.
inline constexpr ByteView kWrongType =
    "WRONGTYPE Operation against a key holding the wrong kind of value";
inline constexpr ByteView kSyntaxError = "ERR syntax error";
inline constexpr ByteView kNotInteger = "ERR value is not an integer or out of range";
inline constexpr ByteView kNotFloat = "ERR value is not a valid float";
inline constexpr ByteView kNoSuchKey = "ERR no such key";
inline constexpr ByteView kOutOfRange = "ERR index out of range";

/// What does not follow from the keyspace and the arguments: resolved before a command is logged,
/// the same on every copy and at every replay.
struct Moment {
    std::int64_t now_us = 0;  ///< Since the Unix epoch.
    std::uint64_t seed = 0;   ///< Of the command's random numbers.
};

/// One run of one command: its arguments, the keys, where the reply goes, and what it did. A
/// command's handler is a function of this and nothing else.
///
/// A handler writes exactly one reply (or blocks), and says of each key it changed that it did:
///
///     void do_append(Context& ctx) {
///         ...
///         ctx.changed(ctx.arg(1), EventClass::kString, "append");
///         ctx.reply.integer(length);
///     }
///
/// What reaches the log and replicas: by default the command as it was given if it changed anything
/// (dirty() > 0); a command whose effect depends on time, chance or other keys says with
/// propagate() what to run instead.
///
/// Thread rule: lives on the loop's stack.
class Context {
public:
    struct Environment {
        Keyspace& keyspace;
        Effects& effects;
        Random& random;
        int db = 0;
        std::int64_t now_us = 0;
        bool reads_every_key = true;  ///< The user may: SORT's patterns lead to any key.
        bool followed = true;         ///< Somebody wants what is propagated.
        bool may_block = false;       ///< Not in MULTI, in a script or when replaying.
        bool resumed = false;         ///< It was blocked and runs again.
        /// From a log or a master: no limits, no hits and misses, and keys are there until a DEL
        /// says otherwise, whatever their expiry.
        bool replaying = false;
        bool removes_expired = true;  ///< False on a replica: an expired key is only absent.
    };

    Context(
        const Environment& environment,
        const CommandSpec& spec,
        std::span<const ByteView> arguments,
        wire::RespWriter& writer
    );

    // The request.
    const CommandSpec& spec() const { return spec_; }

    std::size_t argc() const { return arguments_.size(); }

    ByteView arg(std::size_t index) const { return arguments_[index]; }

    std::span<const ByteView> arguments() const { return arguments_; }

    /// Whether the argument is that word, in any case.
    bool arg_is(std::size_t index, ByteView word) const;

    // The environment.
    Keyspace& keyspace() { return env_.keyspace; }

    const EncodingLimits& limits() const { return env_.keyspace.limits; }

    int db_index() const { return env_.db; }

    Database& db() { return env_.keyspace.database(env_.db); }

    std::int64_t now_us() const { return env_.now_us; }

    std::int64_t now_ms() const { return env_.now_us / 1000; }

    Random& random() { return env_.random; }

    bool reads_every_key() const { return env_.reads_every_key; }

    bool may_block() const { return env_.may_block; }

    bool resumed() const { return env_.resumed; }

    bool replaying() const { return env_.replaying; }

    Effects& effects() { return env_.effects; }

    /// Where the reply goes.
    wire::RespWriter& reply;

    // Errors: each writes the reply.
    void error(ByteView text) { reply.error(text); }

    void wrong_type() { reply.error(kWrongType); }

    void syntax_error() { reply.error(kSyntaxError); }

    /// "ERR wrong number of arguments for 'x' command".
    void wrong_arguments();

    // Arguments as values; false: the error has been written.
    bool integer(std::size_t index, std::int64_t* out, ByteView error_text = kNotInteger);
    /// In [low, high], else kNotInteger's or `error_text`.
    bool integer_in(
        std::size_t index,
        std::int64_t low,
        std::int64_t high,
        std::int64_t* out,
        ByteView error_text = {}
    );
    bool real(std::size_t index, double* out, ByteView error_text = kNotFloat);
    /// A timeout in seconds, to milliseconds; Redis's texts.
    bool timeout(std::size_t index, std::int64_t* milliseconds);

    // Keys. nullptr: absent or expired. Pointers are valid until the key's entry changes.
    /// For a command that reads: counts a hit or a miss, touches the key's access clock.
    Entry* lookup_read(ByteView key);
    /// For one that changes: as lookup_read() without the counting.
    Entry* lookup_write(ByteView key);
    /// Counts, does not touch (TTL, TYPE, EXISTS).
    Entry* lookup_untouched(ByteView key);
    /// Neither counts nor touches (OBJECT, SCAN).
    Entry* lookup_quiet(ByteView key);

    /// Whether the entry is expired; removes it if this node may. For commands that walk over keys.
    bool drop_if_expired(Entry* entry) { return drop_if_expired(env_.db, entry); }

    bool drop_if_expired(int db, Entry* entry);

    /// The key's value as V, nullptr if the key is absent; false: another type, the error has been
    /// written. V has `static constexpr Type kType`.
    template <typename V>
    bool find_read(ByteView key, V** out) {
        return typed<V>(lookup_read(key), out);
    }

    template <typename V>
    bool find_write(ByteView key, V** out) {
        return typed<V>(lookup_write(key), out);
    }

    /// As find_write(), and makes an empty one if there is none (the caller fills it at once).
    template <typename V>
    bool find_or_make(ByteView key, V** out) {
        if (!find_write<V>(key, out)) {
            return false;
        }
        if (*out == nullptr) {
            *out = &static_cast<V&>(db().set_value(key, std::make_unique<V>(), false)->value());
            notify_new(key);
        }
        KUMO_ASSERT(*out != nullptr);
        return true;
    }

    /// Puts a value where nothing, or something else, was; an older expiry goes.
    template <typename V>
    V& put(ByteView key, std::unique_ptr<V> value) {
        return static_cast<V&>(db().set_value(key, std::move(value), false)->value());
    }

    /// Removes the key if its value has become empty: with the event "del". True: it was removed.
    bool drop_if_empty(ByteView key, const Value& value);
    /// Removes the entry. Says nothing to anybody: call changed() or notify().
    void erase(Entry* entry);
    /// The key is new in the keyspace: event class 'n'.
    void notify_new(ByteView key);

    // What was done.
    /// The key has another value: watchers and caches hear of it, event `event` of class
    /// `event_class` is published, and `dirty` changes are counted.
    void changed(ByteView key, EventClass event_class, ByteView event, std::int64_t dirty = 1);

    /// The parts of changed(), for commands that order them otherwise.
    void mark_changed(ByteView key) { env_.effects.on_changed(env_.db, key); }

    void notify(EventClass event_class, ByteView event, ByteView key) {
        env_.effects.on_event(event_class, event, env_.db, key);
    }

    void add_dirty(std::int64_t count) { dirty_ += count; }

    /// Clients blocked on the key may go on once this command (or its transaction) is over.
    void mark_ready(ByteView key) { env_.effects.on_ready(env_.db, key); }

    /// What replicas and the log get instead of the command as given; several calls, several
    /// commands.
    void propagate(std::vector<std::string> command);
    void propagate(std::initializer_list<ByteView> command);

    void propagate_nothing() { rewritten_ = true; }

    /// Requires: may_block(). No reply must have been written.
    void block(BlockRequest request);

    // The result, for the caller of the handler.
    std::int64_t dirty() const { return dirty_; }

    bool rewritten() const { return rewritten_; }

    std::vector<std::vector<std::string>>& propagated() { return propagated_; }

    std::optional<BlockRequest>& block_request() { return block_request_; }

private:
    template <typename V>
    bool typed(Entry* entry, V** out) {
        *out = nullptr;
        if (entry == nullptr) {
            return true;
        }
        if (entry->type() != V::kType) {
            wrong_type();
            return false;
        }
        *out = &static_cast<V&>(entry->value());
        return true;
    }

    Entry* lookup(ByteView key);
    void touch(Entry* entry);

    Environment env_;
    const CommandSpec& spec_;
    std::span<const ByteView> arguments_;
    std::int64_t dirty_ = 0;
    bool rewritten_ = false;
    std::vector<std::vector<std::string>> propagated_;
    std::optional<BlockRequest> block_request_;
};

/// Removes an expired entry of a database and tells of it.
void remove_expired(Keyspace& keyspace, int db, Entry* entry, Effects& effects);

}  // namespace kumo::kv
