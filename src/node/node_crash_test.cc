#include "node/internal/machine_test.h"
#include "node/node.h"
#include "search/query/search.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

// Crash-point enumeration over a whole node: a scenario (collections made and dropped, their fields
// changed, imports, updates, deletes, seals, merges, truncation) runs once to count its file
// operations; then it runs again for every operation and every way to crash there. What the
// restarted node holds must be, per collection, the state after some of the operations that were
// submitted, in order, and after no fewer than were acknowledged.

namespace kumo::node {
namespace {

using search::WriteAction;
using Documents = std::map<std::string, std::string>;
using Answers = std::vector<Result<search::Written>>;

/// What the outside world knows of one collection.
struct Ledger {
    std::vector<Documents> versions = {{}};  ///< After each operation that was submitted.
    std::vector<bool> by_number = {true};    ///< The same: whether `n` is a field.
    std::size_t acknowledged = 0;            ///< How many of them were.
    int generation = 0;                      ///< Counts how often it was made.
};

class Scenario {
public:
    explicit Scenario(std::uint64_t seed) : machine_(seed), script_(seed) {}

    Machine& machine() { return machine_; }

    /// Power on; everything promised is checked. False if the machine crashed on the way.
    bool start() {
        const Status started = machine_.start();
        if (!started.ok()) {
            EXPECT_TRUE(machine_.fs().crashed()) << started.error().message;
            return false;
        }
        check();
        return true;
    }

    void run(int steps) {
        if (!start()) {
            return;
        }
        for (int i = 0; i < steps && machine_.running(); ++i) {
            step();
        }
    }

    /// All that was submitted is answered.
    void settle() {
        machine_.world().run_for(std::chrono::seconds(5));
        for (const auto& [name, ledger] : ledgers_) {
            EXPECT_EQ(ledger.acknowledged + 1, ledger.versions.size()) << name;
        }
    }

private:
    void step() {
        const std::uint64_t choice = script_.below(20);
        const std::string name = script_.chance(2, 3) ? "a" : "b";
        if (!ledgers_.contains(name)) {
            create(name);
        } else if (choice < 13) {
            write(name);
        } else if (choice < 16) {
            erase(name);
        } else if (choice == 16) {
            truncate_or_drop(name);
        } else if (choice == 17) {
            update_matching(name);
        } else if (choice == 18) {
            change_fields(name);
        } else {
            machine_.world().run_for(std::chrono::milliseconds(script_.below(300)));
        }
        machine_.world().run_for(std::chrono::microseconds(script_.below(4000)));
    }

    std::string some_id() { return "d" + std::to_string(script_.below(30)); }

    void create(const std::string& name) {
        maybe_created_ = name;
        const auto created = machine_.try_await<CollectionInfo>([&](auto reply) {
            machine_.node().create_collection(numbered(name), machine_.loop(), reply);
        });
        if (created) {
            EXPECT_TRUE(created->ok()) << created->error().message;
            ledgers_[name].generation = ++generations_;
            maybe_created_.clear();
        }
    }

    void truncate_or_drop(const std::string& name) {
        if (script_.chance(1, 2)) {
            const std::size_t version = submit(name, {});
            machine_.node()
                .truncate(name, machine_.loop(), acknowledge<std::uint64_t>(name, version));
            return;
        }
        maybe_dropped_ = name;
        const auto dropped = machine_.try_await<CollectionInfo>([&](auto reply) {
            machine_.node().drop_collection(name, machine_.loop(), reply);
        });
        if (dropped) {
            EXPECT_TRUE(dropped->ok()) << dropped->error().message;
            ledgers_.erase(name);
            maybe_dropped_.clear();
        }
    }

    void write(const std::string& name) {
        const auto action = static_cast<WriteAction>(script_.below(4));
        Documents documents = ledgers_[name].versions.back();
        std::vector<std::string> lines;
        std::vector<bool> good;
        const std::uint64_t count = 1 + script_.below(5);
        for (std::uint64_t i = 0; i < count; ++i) {
            const std::string id = some_id();
            const std::string line = document(id, ++counter_);
            const bool there = documents.contains(id);
            good.push_back(
                !((action == WriteAction::kCreate && there)
                  || (action == WriteAction::kUpdate && !there))
            );
            if (good.back()) {
                documents[id] = line;
            }
            lines.push_back(line);
        }
        const std::size_t version = submit(name, std::move(documents));
        auto done = acknowledge<Answers>(name, version);
        machine_.node().write(
            name,
            batch(action, std::move(lines)),
            machine_.loop(),
            [good, done](Result<Answers> answers) {
                for (std::size_t i = 0; answers.ok() && i < good.size(); ++i) {
                    EXPECT_EQ(answers.value()[i].ok(), good[i]);
                }
                done(std::move(answers));
            }
        );
    }

    void erase(const std::string& name) {
        Documents documents = ledgers_[name].versions.back();
        const std::string id = some_id();
        const bool there = documents.erase(id) > 0;
        const std::size_t version = submit(name, std::move(documents));
        machine_.node().erase(
            name,
            id,
            machine_.loop(),
            [there, done = acknowledge<std::string>(name, version)](Result<std::string> erased) {
                // The collection may be gone, too.
                const bool not_found =
                    !erased.ok() && erased.error().message.find("document") != std::string::npos;
                const bool answered = erased.ok() || not_found;
                EXPECT_TRUE(!answered || erased.ok() == there);
                done(answered ? Result<std::string>(std::string()) : std::move(erased));
            }
        );
    }

    /// Nothing is under way any more; false if that cannot be.
    bool wait_for_answers(const std::string& name) {
        while (ledgers_[name].acknowledged + 1 < ledgers_[name].versions.size()) {
            if (!machine_.running() || !machine_.world().step()) {
                return false;
            }
        }
        return true;
    }

    /// Takes the field `n` out of the schema, or puts it back. Documents keep it.
    void change_fields(const std::string& name) {
        if (!wait_for_answers(name)) {
            return;
        }
        const bool by_number = !ledgers_[name].by_number.back();
        search::FieldChange change;
        if (by_number) {
            change.adds.push_back({.name = "n", .type = search::ValueType::kInt64, .sort = true});
        } else {
            change.drops = {"n"};
        }
        const std::size_t version = submit(name, ledgers_[name].versions.back());
        ledgers_[name].by_number.back() = by_number;
        const auto done = acknowledge<CollectionInfo>(name, version);
        machine_.node().change_fields(name, change, machine_.loop(), done);
        if (script_.chance(1, 2)) {
            write(name);  // It waits for the change.
        }
    }

    /// Looks up what is there at once, so nothing may be under way.
    void update_matching(const std::string& name) {
        if (!wait_for_answers(name)) {
            return;
        }
        Documents documents = ledgers_[name].versions.back();
        const std::vector<std::string> ids = {some_id(), some_id(), some_id()};
        ++counter_;
        for (const std::string& id : ids) {
            if (documents.contains(id)) {
                documents[id] = document(id, counter_);
            }
        }
        const std::size_t version = submit(name, std::move(documents));
        const auto done = acknowledge<std::uint64_t>(name, version);
        const auto updated = machine_.try_await<std::uint64_t>([&](auto reply) {
            machine_.node().update_matching(
                name,
                search::Filter::of_ids(ids),
                R"({"n":)" + std::to_string(counter_) + "}",
                search::DirtyValues::kReject,
                machine_.loop(),
                reply
            );
        });
        if (updated) {
            done(*updated);
        }
    }

    std::size_t submit(const std::string& name, Documents documents) {
        ledgers_[name].versions.push_back(std::move(documents));
        ledgers_[name].by_number.push_back(ledgers_[name].by_number.back());
        return ledgers_[name].versions.size() - 1;
    }

    template <typename T>
    Reply<T> acknowledge(const std::string& name, std::size_t version) {
        const int generation = ledgers_[name].generation;
        return [this, name, version, generation](Result<T> result) {
            const auto ledger = ledgers_.find(name);
            if (ledger == ledgers_.end() || ledger->second.generation != generation) {
                return;  // Dropped meanwhile.
            }
            if (!result.ok()) {
                const bool going = maybe_dropped_ == name || machine_.fs().crashed();
                EXPECT_TRUE(going) << result.error().message;
                return;
            }
            EXPECT_EQ(version, ledger->second.acknowledged + 1) << "answered in order";
            ledger->second.acknowledged = version;
        };
    }

    void check() {
        std::set<std::string> names;
        for (const CollectionInfo& info : machine_.node().collections()) {
            names.insert(info.spec.name);
        }
        if (!maybe_created_.empty() && names.contains(maybe_created_)) {
            ledgers_[maybe_created_].generation = ++generations_;
        }
        if (!maybe_dropped_.empty() && !names.contains(maybe_dropped_)) {
            ledgers_.erase(maybe_dropped_);
        }
        maybe_created_.clear();
        maybe_dropped_.clear();
        EXPECT_EQ(names.size(), ledgers_.size());
        for (auto& [name, ledger] : ledgers_) {
            ASSERT_TRUE(names.contains(name)) << "collection " << name << " is lost";
            check(name, ledger);
        }
    }

    void check(const std::string& name, Ledger& ledger) {
        const Documents found = machine_.documents(name);
        const auto& schema = machine_.node().collection(name).value().schema;
        const bool by_number = schema->find("n").has_value();
        bool known = false;
        for (std::size_t i = ledger.acknowledged; i < ledger.versions.size() && !known; ++i) {
            known = ledger.versions[i] == found && ledger.by_number[i] == by_number;
        }
        EXPECT_TRUE(known) << "collection " << name << " holds " << found.size()
                           << " documents, not those of any version from " << ledger.acknowledged
                           << " to " << ledger.versions.size() - 1;
        for (const auto& [id, json] : found) {
            EXPECT_EQ(machine_.get(name, id).value(), json);
        }
        ledger.versions = {found};
        ledger.by_number = {by_number};
        ledger.acknowledged = 0;
        ledger.generation = ++generations_;
    }

    Machine machine_;
    SeededRandom script_;
    std::map<std::string, Ledger> ledgers_;
    std::string maybe_created_;
    std::string maybe_dropped_;
    int counter_ = 0;
    int generations_ = 0;
};

constexpr int kSteps = 45;

// Sanitizers see the same code at every crash, and need minutes for all of them.
#if defined(__SANITIZE_THREAD__)
constexpr std::uint64_t kStride = 19;
#elif defined(__SANITIZE_ADDRESS__)
constexpr std::uint64_t kStride = 5;
#else
constexpr std::uint64_t kStride = 1;
#endif
/// The enumeration is cut into that many tests.
constexpr int kSlices = 3;

/// The machine comes up again, works, and is stopped in both ways; nothing may be missing.
void recover_and_go_on(Scenario& scenario) {
    scenario.machine().stop();
    scenario.run(6);
    ASSERT_TRUE(scenario.machine().running());
    scenario.settle();
    scenario.machine().stop_cleanly();
    ASSERT_TRUE(scenario.start());
}

class NodeCrash : public testing::TestWithParam<std::tuple<int, int>> {};

TEST_P(NodeCrash, EveryOperationBeforeTornAndAfter) {
    constexpr std::uint64_t kSeed = 7;
    std::uint64_t operations = 0;
    {
        Scenario scenario(kSeed);
        scenario.run(kSteps);
        operations = scenario.machine().fs().operations();
    }
    ASSERT_GT(operations, 200U);
    const auto point = static_cast<io::CrashPoint>(std::get<0>(GetParam()));
    const auto first = 1 + static_cast<std::uint64_t>(std::get<1>(GetParam())) * kStride;
    for (std::uint64_t operation = first; operation <= operations; operation += kSlices * kStride) {
        SCOPED_TRACE("operation " + std::to_string(operation));
        Scenario scenario(kSeed);
        scenario.machine().fs().crash_at(operation, point);
        scenario.run(kSteps);
        EXPECT_TRUE(scenario.machine().fs().crashed());
        recover_and_go_on(scenario);
        if (HasFailure()) {
            return;
        }
    }
}

INSTANTIATE_TEST_SUITE_P(
    Points,
    NodeCrash,
    testing::Combine(testing::Range(0, 3), testing::Range(0, kSlices))
);

/// A document in a manifest, then one in each of two files of the log.
void make_in_three_lives(Machine& machine) {
    for (const int n : {1, 2, 3}) {
        ASSERT_TRUE(machine.start().ok());
        if (n == 1) {
            ASSERT_TRUE(machine.create(numbered("a")).ok());
        }
        ASSERT_TRUE(machine.put("a", document("d", n)).ok());
        if (n == 1) {
            machine.stop_cleanly();
        } else if (n == 2) {
            machine.stop();
        }
    }
}

TEST(NodeCrashes, AProcessIsKilledWhileADroppedCollectionGoes) {
    NodeOptions options = small_options();
    options.idle_seal_after = std::chrono::hours(1);
    for (std::int64_t after = 0; after < 100; ++after) {
        SCOPED_TRACE("after " + std::to_string(after));
        Machine machine(7, options);
        make_in_three_lives(machine);
        machine.node().drop_collection("a", machine.loop(), [](const Result<CollectionInfo>&) {});
        machine.world().run_for(std::chrono::microseconds(100 * after));
        machine.stop();
        const Status started = machine.start();
        ASSERT_TRUE(started.ok()) << started.error().message;
    }
}

TEST(NodeCrashes, ManyInARowAlsoDuringRecovery) {
    for (std::uint64_t seed = 102; seed < 132; seed += kStride) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        Scenario scenario(seed);
        SeededRandom chaos(seed);
        for (int life = 0; life < 8; ++life) {
            io::SimFs& fs = scenario.machine().fs();
            const std::uint64_t span = chaos.chance(1, 2) ? 20 : 300;
            fs.crash_at(
                fs.operations() + 1 + chaos.below(span),
                static_cast<io::CrashPoint>(chaos.below(3))
            );
            scenario.run(static_cast<int>(chaos.below(kSteps)));
            scenario.machine().stop();
        }
        recover_and_go_on(scenario);
        if (testing::Test::HasFailure()) {
            return;
        }
    }
}

}  // namespace
}  // namespace kumo::node
