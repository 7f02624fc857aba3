#include "base/random.h"
#include "cli/command.h"
#include "cli/consistency/book.h"
#include "cli/consistency/fleet.h"
#include "cli/consistency/node_scan.h"
#include "cli/consistency/report.h"
#include "cli/consistency/workload.h"
#include "cli/explain.h"
#include "wire/json.h"
#include "wire/lines.h"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <optional>

#include <pthread.h>

namespace kumo::cli {
namespace {

constexpr Duration kEverySecond = std::chrono::seconds(1);
constexpr Duration kLookForSignals = std::chrono::milliseconds(50);
constexpr Duration kPatience =
    std::chrono::seconds(10);  ///< For a collection to come, nodes to agree.
constexpr Duration kAskAgain = std::chrono::milliseconds(200);
constexpr std::size_t kLineBytesMax = 65536;

/// SIGINT and SIGTERM, looked for instead of suffered. The second one ends the process.
class EndSignals {
public:
    EndSignals() {
        sigemptyset(&set_);
        sigaddset(&set_, SIGINT);
        sigaddset(&set_, SIGTERM);
        (void)pthread_sigmask(SIG_BLOCK, &set_, nullptr);
    }

    bool came() {
        const timespec now{};
        if (!came_ && sigtimedwait(&set_, nullptr, &now) > 0) {
            came_ = true;
            (void)pthread_sigmask(SIG_UNBLOCK, &set_, nullptr);
        }
        return came_;
    }

private:
    sigset_t set_{};
    bool came_ = false;
};

class ConsistencyCheck {
public:
    ConsistencyCheck(Fleet& fleet, const CheckConsistencyOptions& options, EndSignals& signals)
        : fleet_(fleet),
          options_(options),
          signals_(signals),
          collection_("check-consistency-" + std::to_string(random_seed())),
          work_(fleet, book_, collection_, options.writers) {}

    int run() {
        if (const int code = create_collection(); code != kExitOk) {
            return code;
        }
        work();
        const auto nodes = scan_nodes();
        remove_collection();
        (void
        )std::printf("%s%s\n", nodes_text(nodes).c_str(), verdict(book_.totals(), nodes).c_str());
        return exit_code(nodes);
    }

private:
    /// Asks one server after the other until one says yes; false: time is over.
    bool ask_any(const Ask& what, int also_good, Result<Answer>& last) {
        const MonotonicTime end = fleet_.now() + kPatience;
        for (std::size_t server = 0; fleet_.now() < end; server = (server + 1) % fleet_.size()) {
            last = fleet_.ask(server, what);
            if (last.ok()) {
                const int status = last.value().status;
                if (status / 100 == 2 || status == also_good) {
                    return true;
                }
                if (status / 100 == 4) {
                    return false;
                }
            }
            wait(kAskAgain);
        }
        return false;
    }

    int create_collection() {
        const std::string schema =
            R"({"name":")" + collection_ + R"(","fields":[{"name":"n","type":"int64"}]})";
        Result<Answer> answer = Answer{};
        // 409: an attempt whose answer did not come had made it.
        if (!ask_any({wire::HttpMethod::kPost, "/collections", schema}, 409, answer)) {
            return answer.ok() ? fail_refused(answer.value())
                               : fail_unreachable(fleet_.url(0), answer.error());
        }
        for (std::size_t server = 0; server < fleet_.size(); ++server) {
            wait_for_collection(server);
        }
        return kExitOk;
    }

    /// A server that does not answer is not waited for.
    void wait_for_collection(std::size_t server) {
        const MonotonicTime end = fleet_.now() + kPatience;
        for (;;) {
            const auto answer =
                fleet_.ask(server, {wire::HttpMethod::kGet, "/collections/" + collection_, ""});
            if (!answer.ok() || answer.value().status == 200 || fleet_.now() > end) {
                return;
            }
            wait(kAskAgain);
        }
    }

    void work() {
        (void)std::printf("collection %s\n%s\n", collection_.c_str(), second_head().c_str());
        work_.start();
        tick();
        look_for_signals();
        fleet_.loop().run();
    }

    void tick() {
        fleet_.loop().add_timer(kEverySecond, [this] {
            if (stopping_) {
                return;
            }
            print_second();
            if (++second_ > options_.seconds) {
                stop();
            } else {
                tick();
            }
        });
    }

    void look_for_signals() {
        if (signals_.came()) {
            stop();
        } else if (!stopping_) {
            fleet_.loop().add_timer(kLookForSignals, [this] { look_for_signals(); });
        }
    }

    void stop() {
        if (!stopping_) {
            stopping_ = true;
            work_.stop([this] { fleet_.loop().stop(); });
        }
    }

    void print_second() {
        const Workload::Counts& counts = work_.counts();
        const SecondSummary second{
            second_,
            counts.writes - shown_.writes,
            counts.reads - shown_.reads,
            counts.errors,
            work_.longest_pause(),
            book_.totals()};
        shown_ = counts;
        (void)std::printf("%s\n", second_line(second).c_str());
        for (const std::string& finding : work_.take_findings()) {
            (void)std::printf("  %s\n", finding.c_str());
        }
        (void)std::fflush(stdout);
    }

    /// Scans every node; again, for a while, as long as something is missing: a node may have to
    /// catch up.
    std::vector<NodeSummary> scan_nodes() {
        const MonotonicTime end = fleet_.now() + kPatience;
        for (;;) {
            std::vector<NodeSummary> nodes;
            std::vector<NodeScan> scans;
            bool good = true;
            for (std::size_t server = 0; server < fleet_.size(); ++server) {
                nodes.push_back(scan_node(server, scans));
                good = good && nodes.back().problem.empty() && nodes.back().clean();
            }
            if (good || fleet_.now() > end) {
                forgive(scans);
                return nodes;
            }
            wait(kAskAgain);
        }
    }

    NodeSummary scan_node(std::size_t server, std::vector<NodeScan>& scans) {
        NodeSummary summary;
        summary.url = fleet_.url(server).to_string();
        NodeScan scan(book_);
        wire::LineSplitter splitter(kLineBytesMax);
        const auto answer = fleet_.ask(
            server,
            {wire::HttpMethod::kGet, "/collections/" + collection_ + "/documents/export", ""},
            [&](ByteView piece) {
                while (const auto line = splitter.next(piece)) {
                    add_line(scan, line->text);
                }
            }
        );
        if (!answer.ok()) {
            summary.problem = answer.error().message;
            return summary;
        }
        if (answer.value().status != 200) {
            summary.problem = explain_answer(answer.value());
            return summary;
        }
        if (const auto line = splitter.finish()) {
            add_line(scan, line->text);
        }
        summary.documents = scan.documents();
        summary.lost = scan.lost();
        summary.invented = scan.invented();
        summary.differing = scans.empty() ? 0 : NodeScan::differing(scans.front(), scan);
        scans.push_back(std::move(scan));
        return summary;
    }

    static void add_line(NodeScan& scan, ByteView line) {
        if (line.empty()) {
            return;
        }
        const auto document = wire::JsonDocument::parse(line);
        const wire::JsonValue root = document.ok() ? document.value().root() : wire::JsonValue();
        const wire::JsonValue id = root.find("id");
        const wire::JsonValue value = root.find("n");
        scan.add(
            id && id.is_string() ? id.as_string() : ByteView(),
            value && value.is_integer() ? std::optional(value.as_int64()) : std::nullopt
        );
    }

    /// What was missing while it ran and is on every node now was late, not lost.
    void forgive(const std::vector<NodeScan>& scans) {
        for (const Subject& subject : book_.missing()) {
            const auto holds = [&](const NodeScan& scan) {
                return scan.holds(subject);
            };
            if (!scans.empty() && std::all_of(scans.begin(), scans.end(), holds)) {
                book_.found_after_all(subject);
            }
        }
    }

    void remove_collection() {
        Result<Answer> answer = Answer{};
        if (!ask_any({wire::HttpMethod::kDelete, "/collections/" + collection_, ""}, 404, answer)) {
            (void)fail(kExitFailed, "the collection " + collection_ + " could not be removed");
        }
    }

    int exit_code(const std::vector<NodeSummary>& nodes) const {
        bool any = false;
        bool clean = book_.totals().clean();
        for (const NodeSummary& node : nodes) {
            any = any || node.problem.empty();
            clean = clean && node.clean();
        }
        if (!clean) {
            return kExitFailed;
        }
        return any ? kExitOk : kExitUnreachable;
    }

    void wait(Duration duration) {
        fleet_.loop().add_timer(duration, [this] { fleet_.loop().stop(); });
        fleet_.loop().run();
    }

    Fleet& fleet_;
    const CheckConsistencyOptions& options_;
    EndSignals& signals_;
    std::string collection_;
    ConsistencyBook book_;
    Workload work_;
    Workload::Counts shown_;
    std::uint64_t second_ = 1;
    bool stopping_ = false;
};

}  // namespace

int run_check_consistency(const CheckConsistencyOptions& options) {
    EndSignals signals;
    const auto fleet = Fleet::open(options.servers);
    if (!fleet.ok()) {
        return fleet.error().code == ErrorCode::kUnavailable
                   ? fail_unreachable(options.servers.front().url, fleet.error())
                   : fail(kExitUsage, fleet.error().message);
    }
    return ConsistencyCheck(*fleet.value(), options, signals).run();
}

}  // namespace kumo::cli
