#include "api/redis/replication/replication.h"

#include "api/redis/replication/migrations.h"
#include "io/sim/sim_fs.h"
#include "io/sim/sim_loop.h"
#include "io/sim/sim_network.h"
#include "io/sim/sim_world.h"
#include "kv/rdb/value_codec.h"

#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <utility>

namespace kumo::api_redis {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// One server of a simulated network.
class Server {
public:
    Server(io::SimWorld& world, io::SimNetwork& network, int number)
        : address_(io::Address::parse("10.0.0." + std::to_string(number), 6379).value()),
          loop_(world.make_loop()),
          fs_(world),
          resolver_(world) {
        network.set_host(*loop_, address_);
        EXPECT_TRUE(fs_.mkdir("/data").ok());
        Settings settings;
        EXPECT_TRUE(settings.set("dir", "/data").ok());
        EXPECT_TRUE(settings.set("repl-diskless-sync-delay", "0").ok());
        EXPECT_TRUE(settings.set("protected-mode", "no").ok());
        EXPECT_TRUE(settings.set("repl-timeout", "5").ok());
        EXPECT_TRUE(settings.set("repl-ping-replica-period", "1").ok());
        service = std::make_unique<Service>(
            ServiceEnvironment{
                .loop = *loop_,
                .shutdown = {},
                .used_memory = {},
                .rewrite_config = {},
                .port = 6379,
                .network = &network,
                .resolver = &resolver_,
                .fs = &fs_},
            settings
        );
        listener_ = std::move(network.listen(
                                  *loop_,
                                  address_,
                                  [this](io::Loop&, std::unique_ptr<io::Stream> stream) {
                                      service->accept(std::move(stream));
                                  },
                                  {}
                              ))
                        .value();
    }

    ~Server() {
        listener_.reset();
        service.reset();
    }

    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    const io::Address& address() const { return address_; }

    void set(const std::string& name, const std::string& value) {
        EXPECT_TRUE(service->settings.set(name, value).ok());
        service->apply_settings();
    }

    bool link_up() const { return service->replication().in_step(); }

    std::unique_ptr<Service> service;

private:
    io::Address address_;
    std::unique_ptr<io::SimLoop> loop_;
    io::SimFs fs_;
    io::SimResolver resolver_;
    std::unique_ptr<io::Listener> listener_;
};

/// A client's connection; what it is answered.
class Client final : public io::StreamHandler {
public:
    Client(io::SimWorld& world, io::SimNetwork& network, Server& server)
        : world_(world), loop_(world.make_loop()) {
        network.connect(*loop_, server.address(), seconds(5), [this](auto made) {
            ASSERT_TRUE(made.ok());
            stream_ = std::move(made).value();
            stream_->start(*this);
        });
        world.run_for(milliseconds(50));
    }

    void send(const std::string& line) { (void)stream_->write(line + "\r\n"); }

    std::string ask(const std::string& line, Duration time = milliseconds(50)) {
        answers.clear();
        send(line);
        world_.run_for(time);
        return answers;
    }

    void on_data(ByteView bytes) override { answers.append(bytes); }

    void on_eof() override {}

    void on_closed(Status /*why*/) override {}

    std::string answers;

private:
    io::SimWorld& world_;
    std::unique_ptr<io::SimLoop> loop_;
    std::unique_ptr<io::Stream> stream_;
};

std::map<std::string, std::string> content(Server& server) {
    std::map<std::string, std::string> out;
    kv::Keyspace& keyspace = server.service->keyspace;
    for (int db = 0; db < keyspace.database_count(); ++db) {
        kv::ScanCursor cursor = 0;
        do {
            cursor = keyspace.database(db).scan(cursor, [&](kv::Entry* entry) {
                std::string name = std::to_string(db) + "/";
                name.append(entry->key()).append("/");
                name += std::to_string(entry->has_expiry() ? entry->expire_at_ms() : 0);
                out[name] = entry->is_string() ? std::string(entry->string())
                                               : kv::dump_payload(entry->value());
            });
        } while (cursor != 0);
    }
    return out;
}

class ReplicationTest : public testing::Test {
protected:
    void follow(Server& replica, Server& master) {
        replica.service->replication().follow({master.address().host_string(), 6379});
    }

    void run_until_up(Server& replica) {
        for (int i = 0; i < 600 && !replica.link_up(); ++i) {
            world.run_for(milliseconds(100));
        }
        ASSERT_TRUE(replica.link_up());
    }

    /// Commands of several types, in several databases, alone and together.
    void write_some(Client& client, int count) {
        for (int i = 0; i < count; ++i) {
            const std::string n = std::to_string(random.below(40));
            switch (random.below(8)) {
                case 0: client.send("SET s" + n + " " + std::to_string(random.next())); break;
                case 1: client.send("RPUSH l" + n + " a b c"); break;
                case 2: client.send("SADD t" + n + " " + n + " x y"); break;
                case 3: client.send("SPOP t" + n); break;
                case 4: client.send("SET e" + n + " v PX 500"); break;
                case 5: client.send("SELECT " + std::to_string(random.below(3))); break;
                case 6: client.send("DEL s" + n); break;
                default:
                    client.send("MULTI");
                    client.send("INCR c" + n);
                    client.send("LPOP l" + n);
                    client.send("EXEC");
            }
            if (random.chance(1, 10)) {
                world.run_for(milliseconds(20));
            }
        }
        world.run_for(milliseconds(200));
    }

    io::SimWorld world{20};
    io::SimNetwork network{world};
    SeededRandom random{4};
};

TEST_F(ReplicationTest, AReplicaTakesAllKeysAndEveryCommandAfterThem) {
    for (const char* through_memory : {"yes", "no"}) {
        Server master(world, network, 1);
        Server replica(world, network, 2);
        master.set("repl-diskless-sync", through_memory);
        Client client(world, network, master);
        write_some(client, 2000);
        follow(replica, master);
        write_some(client, 2000);
        run_until_up(replica);
        write_some(client, 500);
        world.run_for(seconds(3));
        EXPECT_TRUE(content(replica) == content(master));
        EXPECT_GT(content(master).size(), 100U);
        EXPECT_EQ(replica.service->replication().offset(), master.service->replication().offset());
    }
}

TEST_F(ReplicationTest, CutConnectionsGoOnFromTheirPlace) {
    Server master(world, network, 1);
    Server middle(world, network, 2);
    Server last(world, network, 3);
    follow(middle, master);
    run_until_up(middle);
    follow(last, middle);
    run_until_up(last);
    Client client(world, network, master);
    for (int i = 0; i < 20; ++i) {
        write_some(client, 100);
        network.reset_between(master.address(), middle.address());
        network.reset_between(middle.address(), last.address());
        write_some(client, 100);
    }
    world.run_for(seconds(30));
    EXPECT_TRUE(content(middle) == content(master));
    EXPECT_TRUE(content(last) == content(master));
    EXPECT_GE(master.service->replication().replicas().counters.partial, 10U);
    EXPECT_EQ(master.service->replication().replicas().counters.full, 1U);
    EXPECT_EQ(middle.service->replication().replicas().counters.full, 1U);
}

TEST_F(ReplicationTest, ReplicasOfAPromotedReplicaGoOn) {
    Server master(world, network, 1);
    Server middle(world, network, 2);
    Server last(world, network, 3);
    follow(middle, master);
    run_until_up(middle);
    follow(last, middle);
    run_until_up(last);
    Client to_master(world, network, master);
    write_some(to_master, 300);
    world.run_for(seconds(5));
    middle.service->replication().lead();
    Client to_middle(world, network, middle);
    write_some(to_middle, 300);
    // The former master had nothing that the new one has not: it goes on too.
    follow(master, middle);
    world.run_for(seconds(10));
    EXPECT_TRUE(content(last) == content(middle));
    EXPECT_TRUE(content(master) == content(middle));
    EXPECT_EQ(middle.service->replication().replicas().counters.full, 1U);
    EXPECT_EQ(middle.service->replication().replicas().counters.partial, 2U);
}

TEST_F(ReplicationTest, AMasterThatWentItsOwnWayTakesEverythingAnew) {
    Server one(world, network, 1);
    Server two(world, network, 2);
    follow(two, one);
    run_until_up(two);
    Client to_one(world, network, one);
    Client to_two(world, network, two);
    two.service->replication().lead();
    to_one.ask("SET a one");
    to_two.ask("SET a two");
    to_two.ask("SET b two");
    follow(one, two);
    run_until_up(one);
    world.run_for(seconds(1));
    EXPECT_TRUE(content(one) == content(two));
    EXPECT_EQ(to_one.ask("GET a"), "$3\r\ntwo\r\n");
    EXPECT_EQ(two.service->replication().replicas().counters.full, 1U);
}

TEST_F(ReplicationTest, AReplicaIsReadOnlyAndLeavesExpiryToItsMaster) {
    Server master(world, network, 1);
    Server replica(world, network, 2);
    follow(replica, master);
    run_until_up(replica);
    Client to_master(world, network, master);
    Client to_replica(world, network, replica);
    master.service->active_expire = false;
    to_master.ask("SET k v PX 200");
    EXPECT_EQ(to_replica.ask("GET k"), "$1\r\nv\r\n");
    world.run_for(seconds(1));
    EXPECT_EQ(to_replica.ask("GET k"), "$-1\r\n");
    EXPECT_EQ(replica.service->keyspace.size(), 1U);
    EXPECT_EQ(to_master.ask("GET k"), "$-1\r\n");
    world.run_for(seconds(1));
    EXPECT_EQ(replica.service->keyspace.size(), 0U);
    EXPECT_TRUE(to_replica.ask("SET a b").starts_with("-READONLY "));
    EXPECT_TRUE(to_replica.ask("WAIT 1 0").starts_with("-ERR WAIT cannot"));
    replica.set("replica-serve-stale-data", "no");
    network.cut(master.address(), replica.address());
    network.reset_between(master.address(), replica.address());
    world.run_for(seconds(1));
    EXPECT_TRUE(to_replica.ask("GET a").starts_with("-MASTERDOWN "));
}

TEST_F(ReplicationTest, WaitCountsThoseThatHaveTheWrite) {
    Server master(world, network, 1);
    Server replica(world, network, 2);
    follow(replica, master);
    run_until_up(replica);
    Client client(world, network, master);
    client.ask("SET a b");
    EXPECT_EQ(client.ask("WAIT 1 5000"), ":1\r\n");
    network.cut(master.address(), replica.address());
    client.ask("SET a c");
    EXPECT_EQ(client.ask("WAIT 1 300"), "");
    world.run_for(seconds(1));
    EXPECT_EQ(client.answers, ":0\r\n");
    master.set("min-replicas-to-write", "1");
    master.set("min-replicas-max-lag", "3");
    world.run_for(seconds(5));
    EXPECT_TRUE(client.ask("SET a d").starts_with("-NOREPLICAS "));
    network.mend(master.address(), replica.address());
    world.run_for(seconds(15));
    EXPECT_EQ(client.ask("SET a d"), "+OK\r\n");
}

TEST_F(ReplicationTest, TheBacklogIsBoundedAndItsEndIsAFullSynchronization) {
    Server master(world, network, 1);
    Server replica(world, network, 2);
    master.set("repl-backlog-size", "20000");
    follow(replica, master);
    run_until_up(replica);
    network.cut(master.address(), replica.address());
    network.cut(replica.address(), master.address());
    network.reset_between(master.address(), replica.address());
    Client client(world, network, master);
    for (int i = 0; i < 100; ++i) {
        client.ask("SET k" + std::to_string(i) + " " + std::string(1000, 'v'), milliseconds(5));
    }
    const StreamBuffer& stream = master.service->replication().stream();
    EXPECT_LE(stream.end() - stream.begin(), 20'000 + 3 * StreamBuffer::kBlockBytes);
    network.mend(master.address(), replica.address());
    network.mend(replica.address(), master.address());
    world.run_for(seconds(10));
    EXPECT_TRUE(content(replica) == content(master));
    EXPECT_EQ(master.service->replication().replicas().counters.full, 2U);
    EXPECT_EQ(master.service->replication().replicas().counters.partial_refused, 1U);
}

TEST_F(ReplicationTest, AReplicaThatDoesNotKeepUpIsLeftBehind) {
    Server master(world, network, 1);
    Server replica(world, network, 2);
    master.set("client-output-buffer-limit", "replica 300000 0 0");
    follow(replica, master);
    run_until_up(replica);
    network.cut(master.address(), replica.address());
    Client client(world, network, master);
    for (int i = 0; i < 30; ++i) {
        client.ask("SET k" + std::to_string(i) + " " + std::string(60'000, 'v'), milliseconds(20));
    }
    EXPECT_EQ(master.service->replication().replicas().count(), 0U);
    network.mend(master.address(), replica.address());
    world.run_for(seconds(20));
    EXPECT_TRUE(content(replica) == content(master));
}

TEST_F(ReplicationTest, AFlushWhileASnapshotIsSentIsNoDamage) {
    Server master(world, network, 1);
    Server replica(world, network, 2);
    Client client(world, network, master);
    write_some(client, 1000);
    for (int i = 0; i < 60; ++i) {
        client.ask("SET big" + std::to_string(i) + " " + std::string(50'000, 'v'), milliseconds(5));
    }
    follow(replica, master);
    for (int i = 0; i < 20; ++i) {
        world.run_for(milliseconds(7));
        client.ask("FLUSHALL", milliseconds(3));
        client.ask("SET after " + std::to_string(i), milliseconds(3));
        client.ask("SET big " + std::string(60'000, 'v'), milliseconds(3));
    }
    run_until_up(replica);
    world.run_for(seconds(2));
    EXPECT_TRUE(content(replica) == content(master));
}

TEST_F(ReplicationTest, FailoverHandsOverWithoutALoss) {
    Server one(world, network, 1);
    Server two(world, network, 2);
    follow(two, one);
    run_until_up(two);
    Client client(world, network, one);
    write_some(client, 200);
    EXPECT_EQ(client.ask("FAILOVER TO 10.0.0.2 6379 TIMEOUT 5000"), "+OK\r\n");
    // Writes wait until it is over, and are refused then.
    Client writer(world, network, one);
    EXPECT_EQ(writer.ask("SET late 1"), "");
    world.run_for(seconds(5));
    EXPECT_TRUE(writer.answers.starts_with("-READONLY "));
    EXPECT_FALSE(two.service->replication().is_replica());
    EXPECT_TRUE(one.link_up());
    EXPECT_TRUE(content(one) == content(two));
    EXPECT_EQ(two.service->replication().replicas().counters.full, 0U);
}

TEST_F(ReplicationTest, AFailoverThatNobodyTakesEndsInTime) {
    Server one(world, network, 1);
    Server two(world, network, 2);
    follow(two, one);
    run_until_up(two);
    Client client(world, network, one);
    network.cut(two.address(), one.address());
    client.ask("SET a 1");
    EXPECT_EQ(client.ask("FAILOVER TIMEOUT 2000"), "+OK\r\n");
    EXPECT_TRUE(client.ask("FAILOVER").starts_with("-ERR FAILOVER already"));
    Client writer(world, network, one);
    EXPECT_EQ(writer.ask("SET late 1"), "");
    world.run_for(seconds(3));
    EXPECT_EQ(writer.answers, "+OK\r\n");
    EXPECT_FALSE(one.service->replication().is_replica());
}

TEST_F(ReplicationTest, MigrateMovesKeysAndReplicatesTheirRemoval) {
    Server from(world, network, 1);
    Server to(world, network, 2);
    Server replica(world, network, 3);
    follow(replica, from);
    run_until_up(replica);
    Client client(world, network, from);
    write_some(client, 500);
    client.ask("SELECT 0");
    client.ask("SET moving 1");
    const auto before = content(from);
    EXPECT_EQ(client.ask("MIGRATE 10.0.0.2 6379 moving 0 1000"), "+OK\r\n");
    EXPECT_EQ(client.ask("MIGRATE 10.0.0.2 6379 moving 0 1000"), "+NOKEY\r\n");
    EXPECT_EQ(client.ask("EXISTS moving"), ":0\r\n");
    EXPECT_TRUE(content(to).contains("0/moving/0"));
    world.run_for(seconds(2));
    EXPECT_TRUE(content(replica) == content(from));
    client.ask("SET moving 2");
    EXPECT_EQ(
        client.ask("MIGRATE 10.0.0.2 6379 moving 0 1000"),
        "-ERR Target instance replied with error: BUSYKEY Target key name already exists.\r\n"
    );
    EXPECT_EQ(client.ask("MIGRATE 10.0.0.2 6379 moving 0 1000 REPLACE"), "+OK\r\n");
    EXPECT_EQ(from.service->migrations().cached_links(), 1U);
    world.run_for(seconds(20));
    EXPECT_EQ(from.service->migrations().cached_links(), 0U);
}

TEST_F(ReplicationTest, AKeyOnItsWayCanBeReadAndItsWritesWait) {
    Server from(world, network, 1);
    Server to(world, network, 2);
    Client client(world, network, from);
    Client other(world, network, from);
    client.ask("SET moving 1");
    network.cut(to.address(), from.address());
    EXPECT_EQ(client.ask("MIGRATE 10.0.0.2 6379 moving 0 2000"), "");
    EXPECT_EQ(other.ask("GET moving"), "$1\r\n1\r\n");
    EXPECT_EQ(other.ask("SET moving 2"), "");
    world.run_for(seconds(5));
    EXPECT_TRUE(client.answers.starts_with("-IOERR error or timeout "));
    EXPECT_EQ(other.answers, "+OK\r\n");
    EXPECT_EQ(client.ask("GET moving"), "$1\r\n2\r\n");
}

}  // namespace
}  // namespace kumo::api_redis
