#pragma once

namespace kumo::kv {

class Database;
class Entry;

/// Told of a key before it is changed, made or removed: how a snapshot that is being written gets
/// to see the values as they were when it began. Calls come on the database's loop.
class ChangeObserver {
public:
    virtual ~ChangeObserver() = default;
    ChangeObserver(const ChangeObserver&) = delete;
    ChangeObserver& operator=(const ChangeObserver&) = delete;

    /// `entry` is still what it was. It must not be changed here.
    virtual void before_change(const Database& database, const Entry& entry) = 0;
    /// A key is about to be put in.
    virtual void before_insert(const Database& database, const Entry& entry) = 0;
    /// All keys of the database are about to go, or the database to change its number.
    virtual void before_clear(const Database& database) = 0;
    /// All keys of a slot are about to be exchanged for others.
    virtual void before_exchange(const Database& database, int slot) = 0;

protected:
    ChangeObserver() = default;
};

}  // namespace kumo::kv
