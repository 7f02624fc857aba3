#include "http/server.h"

#include "base/log.h"
#include "http/internal/connection.h"
#include "http/internal/server_core.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>
#include <vector>

namespace kumo::http {

namespace {

/// Over connections_max this many more are told so; beyond it connections are just dropped.
constexpr std::size_t kRefusingMax = 64;

constexpr Duration kSweepIntervalMax = std::chrono::seconds(1);
constexpr Duration kSweepIntervalMin = std::chrono::milliseconds(10);
constexpr int kSweepsPerTimeout = 4;

Duration sweep_interval(const ServerOptions& options) {
    const Duration shortest = std::min(
        {options.head_timeout, options.idle_timeout, options.body_timeout, options.write_timeout}
    );
    return std::clamp(shortest / kSweepsPerTimeout, kSweepIntervalMin, kSweepIntervalMax);
}

void append_padded(std::string& out, unsigned value) {
    out.push_back(static_cast<char>('0' + value / 10 % 10));
    out.push_back(static_cast<char>('0' + value % 10));
}

}  // namespace

std::string http_date(WallTime time) {
    constexpr std::array<std::string_view, 7> kDays =
        {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    constexpr std::array<std::string_view, 12> kMonths =
        {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const auto day = std::chrono::floor<std::chrono::days>(time);
    const std::chrono::year_month_day date(day);
    const auto second = std::chrono::floor<std::chrono::seconds>(time - day).count();
    const auto of_day = static_cast<unsigned>(second);
    std::string out(kDays[std::chrono::weekday(day).c_encoding()]);
    out.append(", ");
    append_padded(out, static_cast<unsigned>(date.day()));
    out.append(" ").append(kMonths[static_cast<unsigned>(date.month()) - 1]).append(" ");
    out.append(std::to_string(static_cast<int>(date.year()))).append(" ");
    append_padded(out, of_day / 3600);
    out.push_back(':');
    append_padded(out, of_day / 60 % 60);
    out.push_back(':');
    append_padded(out, of_day % 60);
    return out.append(" GMT");
}

ServerCore::ServerCore(
    io::Loop& loop,
    io::TlsContext* tls,
    RequestHandler& handler,
    const ServerOptions& options
)
    : loop_(loop), tls_(tls), handler_(handler), options_(options) {}

ServerCore::~ServerCore() {
    loop_.cancel_timer(sweep_timer_);
}

void ServerCore::set_listener(std::unique_ptr<io::Listener> listener) {
    listener_ = std::move(listener);
    address_ = listener_->address();
}

void ServerCore::accept(std::unique_ptr<io::Stream> stream) {
    if (draining_ || connections_.size() >= options_.connections_max + kRefusingMax) {
        ++stats_.connections_refused;
        return;
    }
    const bool refused = connections_.size() >= options_.connections_max;
    if (tls_ != nullptr) {
        stream = tls_->wrap_server(std::move(stream));
    }
    const auto connection = std::make_shared<Connection>(*this, std::move(stream));
    connections_.emplace(connection.get(), connection);
    stats_.connections = connections_.size();
    if (connections_.size() == 1) {
        schedule_sweep();
    }
    if (refused) {
        ++stats_.connections_refused;
        connection->start_refusing();
    } else {
        ++stats_.connections_accepted;
        connection->start();
    }
}

void ServerCore::remove(const Connection& connection) {
    connections_.erase(&connection);
    stats_.connections = connections_.size();
    finish_drain();
}

void ServerCore::drain(std::function<void()> done) {
    draining_ = true;
    drained_ = std::move(done);
    listener_.reset();
    for (const auto& [key, connection] : connections_) {
        connection->drain();
    }
    finish_drain();
}

void ServerCore::finish_drain() {
    if (draining_ && connections_.empty() && drained_) {
        loop_.defer(std::exchange(drained_, nullptr));
    }
}

void ServerCore::cut_all() {
    drained_ = nullptr;
    listener_.reset();
    const auto connections = std::exchange(connections_, {});
    for (const auto& [key, connection] : connections) {
        connection->cut();
    }
}

void ServerCore::schedule_sweep() {
    loop_.cancel_timer(sweep_timer_);
    sweep_timer_ = loop_.add_timer(sweep_interval(options_), [this] { sweep(); });
}

void ServerCore::sweep() {
    std::vector<std::shared_ptr<Connection>> all;  // A handler told of an end may start another.
    all.reserve(connections_.size());
    for (const auto& [key, connection] : connections_) {
        all.push_back(connection);
    }
    const MonotonicTime time = now();
    for (const auto& connection : all) {
        connection->sweep(time);
    }
    if (!connections_.empty()) {
        schedule_sweep();
    }
}

const std::string& ServerCore::date() {
    const WallTime time = loop_.clock().wall_now();
    const auto second = std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()).count();
    if (second != date_second_) {
        date_second_ = second;
        date_ = http_date(time);
    }
    return date_;
}

Server::Server(std::unique_ptr<ServerCore> core) : core_(std::move(core)) {}

Server::~Server() {
    core_->cut_all();
}

Result<std::unique_ptr<Server>> Server::start(
    io::Loop& loop,
    io::Network& network,
    const io::Address& address,
    io::TlsContext* tls,
    RequestHandler& handler,
    const ServerOptions& options
) {
    auto core = std::make_unique<ServerCore>(loop, tls, handler, options);
    ServerCore* to = core.get();
    // The listener belongs to the core, so nothing is accepted after it is gone.
    const auto accept = [to](io::Loop&, std::unique_ptr<io::Stream> stream) {
        to->accept(std::move(stream));
    };
    KUMO_TRY_ASSIGN(auto listener, network.listen(loop, address, accept, {}));
    core->set_listener(std::move(listener));
    return std::unique_ptr<Server>(new Server(std::move(core)));
}

std::unique_ptr<Server> Server::create(
    io::Loop& loop,
    io::TlsContext* tls,
    RequestHandler& handler,
    const ServerOptions& options
) {
    return std::unique_ptr<Server>(
        new Server(std::make_unique<ServerCore>(loop, tls, handler, options))
    );
}

void Server::adopt(std::unique_ptr<io::Stream> stream) {
    core_->accept(std::move(stream));
}

const io::Address& Server::address() const {
    return core_->address();
}

void Server::drain(std::function<void()> done) {
    core_->drain(std::move(done));
}

const ServerStats& Server::stats() const {
    return core_->stats();
}

}  // namespace kumo::http
