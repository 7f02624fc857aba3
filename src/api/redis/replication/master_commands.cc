// The commands that a master sends: whole transactions are run or nothing of them, and what was run
// is what our own replicas are passed on.
#include "api/redis/replication/master_link.h"
#include "api/redis/replication/replication.h"
#include "api/redis/service.h"
#include "base/log.h"
#include "kv/command/words.h"

#include <utility>

namespace kumo::api_redis {

namespace {

constexpr std::uint64_t kErrorsLogged = 20;

std::vector<std::string> copy(std::span<const ByteView> arguments) {
    return {arguments.begin(), arguments.end()};
}

}  // namespace

void MasterLink::on_data(ByteView bytes) {
    read_bytes_ += bytes.size();
    last_heard_ms_ = service_.now_ms();
    input_->feed(bytes);
    process();
}

void MasterLink::process() {
    const std::uint64_t attempt = attempt_;
    while (attempt == attempt_ && state_ != State::kLoading) {
        switch (input_->next()) {
            case MasterStream::Event::kNeedMore: return;
            case MasterStream::Event::kLine: on_line(input_->text()); break;
            case MasterStream::Event::kRdb: on_rdb(input_->text()); break;
            case MasterStream::Event::kRdbEnd: on_rdb_end(); break;
            case MasterStream::Event::kCommand: on_command(); break;
            case MasterStream::Event::kError: fail(input_->error()); return;
        }
    }
}

void MasterLink::on_command() {
    const std::span<const ByteView> arguments = input_->arguments();
    unit_bytes_.append(input_->text());
    if (!arguments.empty() && kv::same_word(arguments[0], "multi")) {
        in_transaction_ = true;
        return;
    }
    if (in_transaction_ && !arguments.empty() && !kv::same_word(arguments[0], "exec")) {
        unit_.push_back(copy(arguments));
        return;
    }
    if (in_transaction_) {
        in_transaction_ = false;
        for (const std::vector<std::string>& command : std::exchange(unit_, {})) {
            const std::vector<ByteView> views(command.begin(), command.end());
            run(views);
        }
    } else if (!arguments.empty()) {
        run(arguments);
    }
    service_.end_of_unit();
    replication_.pass_on(std::exchange(unit_bytes_, {}));
    if (!arguments.empty() && kv::same_word(arguments[0], "replconf") && arguments.size() > 1
        && kv::same_word(arguments[1], "getack")) {
        acknowledge();
    }
}

void MasterLink::run(std::span<const ByteView> arguments) {
    const Status done = service_.run_of_master(&db_, arguments);
    if (!done.ok() && errors_++ < kErrorsLogged) {
        log_error(
            "a command of the master failed: " + std::string(arguments[0].substr(0, 64)) + ": "
            + done.error().message
        );
    }
}

}  // namespace kumo::api_redis
