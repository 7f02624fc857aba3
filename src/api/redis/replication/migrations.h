#pragma once

#include "api/redis/replication/migration_link.h"
#include "api/redis/state/channels.h"
#include "base/bytes.h"
#include "io/loop.h"
#include "kv/command/spec.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace kumo::api_redis {

struct Call;
class Service;
class Session;

/// MIGRATE: keys go to another server and are removed here once that server has said, key by key,
/// that it has them. The client waits, the loop does not. Meanwhile the keys can be read; a command
/// that would change one waits until they are gone or stay.
///
/// Thread rule: loop-owned.
class Migrations final {
public:
    explicit Migrations(Service& service);
    ~Migrations();
    Migrations(const Migrations&) = delete;
    Migrations& operator=(const Migrations&) = delete;

    void do_migrate(Call& call);

    /// Whether a command must wait for keys that are on their way: then the session is remembered,
    /// and executes what it was kept with when they are free.
    bool must_wait(
        const Session& session,
        const kv::CommandSpec& spec,
        std::span<const ByteView> arguments
    );

    void on_changed(int db, ByteView key) {
        if (!moving_.empty()) {
            note_changed(db, key);
        }
    }

    /// Databases changed places: nothing that is under way is removed here any more.
    void on_swapped();

    /// Keys are restored as into a slot that a cluster's node imports. Follows `cluster-enabled`.
    void use_asking(bool wanted) { asking_ = wanted; }

    std::size_t cached_links() const { return idle_.size(); }

    // For MigrationLink: what one migration asks for and hears.
    /// The next piece to be sent; empty: everything has been.
    std::string next_restore(Migration& migration);
    void on_restored(Migration& migration, ByteView answer);
    /// All keys have been answered, or there is nothing more to hope for (`error`).
    void finish(Migration& migration, ByteView error);
    /// A connection that was kept turned out to be closed, and nothing has been done yet.
    void retry(Migration& migration);

private:
    using Key = std::pair<int, std::string>;

    bool read(Call& call, Migration* out);
    bool read_options(Call& call, Migration* out);
    void take_existing(Call& call, Migration* migration);
    void start(Migration& migration);
    void note_changed(int db, ByteView key);
    bool any_moving(int db, const kv::CommandSpec& spec, std::span<const ByteView> arguments) const;
    void remove_moved(Migration& migration, const std::string& key);
    void let_go(Migration& migration);
    void close_idle();

    Service& service_;
    bool asking_;
    std::map<std::uint64_t, std::unique_ptr<Migration>> running_;
    std::uint64_t next_id_ = 1;
    std::map<Key, Migration*> moving_;
    std::vector<SessionId> waiting_;
    std::vector<std::unique_ptr<MigrationLink>> idle_;
};

}  // namespace kumo::api_redis
