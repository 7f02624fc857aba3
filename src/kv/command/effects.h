#pragma once

#include "base/bytes.h"
#include "kv/types/value.h"

#include <string>
#include <string_view>
#include <vector>

namespace kumo::kv {

/// The classes of keyspace events, as `notify-keyspace-events` names them.
enum class EventClass : char {
    kGeneric = 'g',
    kString = '$',
    kList = 'l',
    kSet = 's',
    kHash = 'h',
    kZset = 'z',
    kExpired = 'x',
    kEvicted = 'e',
    kStream = 't',
    kMissed = 'm',
    kNew = 'n',
};

/// What a command did, told to whoever tells clients, logs and replicas. Called while the command
/// runs, on its loop; must not change the keyspace.
class Effects {
public:
    virtual ~Effects() = default;
    Effects(const Effects&) = delete;
    Effects& operator=(const Effects&) = delete;

    /// The key has another value, or is gone: for WATCH and client-side caching.
    virtual void on_changed(int db, ByteView key) = 0;
    virtual void on_event(EventClass event_class, ByteView event, int db, ByteView key) = 0;
    /// The key has something that a blocked client may wait for.
    virtual void on_ready(int db, ByteView key) = 0;
    /// Before a database (-1: all) is emptied, while its keys can still be looked at.
    virtual void on_flush(int db) = 0;
    /// After two databases changed places.
    virtual void on_swapped(int first, int second) = 0;
    /// An expired key was met and is being removed; on_changed and on_event follow.
    virtual void on_expired(int db, ByteView key) = 0;

protected:
    Effects() = default;
};

/// A command that must wait: until one of its keys is ready, then it is run again.
struct BlockRequest {
    std::vector<std::string> keys;
    std::int64_t timeout_ms = 0;  ///< 0: for ever.
    /// What to run then, if not the command as it was given (XREAD's `$` has been resolved).
    std::vector<std::string> arguments = {};
    /// What a timeout answers: a null array, or a null.
    bool timeout_null_array = true;
};

}  // namespace kumo::kv
