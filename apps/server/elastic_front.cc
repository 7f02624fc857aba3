#include "elastic_front.h"

#include "base/clock.h"
#include "base/log.h"
#include "io/system.h"
#include "server.h"

#include <future>
#include <utility>

namespace kumo::server {

namespace {

/// Handlers wait for the node on these: as many requests are worked on at once.
constexpr unsigned kThreads = 32;
constexpr std::size_t kQueueMax = 10'000;

void run_on(io::Loop& loop, const std::function<void()>& task) {
    std::promise<void> done;
    loop.post([&] {
        task();
        done.set_value();
    });
    done.get_future().wait();
}

api_elastic::Options options_of(const Config& config, const io::Address& address) {
    api_elastic::Options out;
    out.compat = config.elastic.es7 ? api_elastic::Compat::kEs7 : api_elastic::Compat::kOpenSearch;
    out.cluster_name = config.elastic.cluster_name;
    out.node_name =
        config.cluster.name.empty() ? "node-" + std::to_string(address.port) : config.cluster.name;
    out.http_address = address.to_string();
    out.transport_address = address.host_string() + ":" + std::to_string(address.port + 100);
    out.attributes = config.elastic.attributes;
    out.data_dir = config.data_dir;
    out.repositories = config.elastic.repositories;
    out.version = version();
    return out;
}

}  // namespace

Result<std::unique_ptr<ElasticFront>>
ElasticFront::start(const Config& config, node::Node& node, io::Network& network, io::Fs& fs) {
    std::unique_ptr<ElasticFront> out(new ElasticFront());
    out->loop_ = io::make_system_loop();
    out->answers_ = io::make_system_loop();
    out->pool_ = io::make_system_worker_pool(
        {.name = "elastic", .threads = kThreads, .queue_jobs_max = kQueueMax}
    );
    KUMO_TRY(out->listen(config, network));
    out->dialect_ = std::make_unique<api_elastic::Dialect>(
        node,
        *out->pool_,
        fs,
        *out->answers_,
        system_clock(),
        options_of(config, out->address())
    );
    http::ServerOptions options;
    options.limits.body_bytes_max = api_elastic::kBodyBytesMax;
    out->server_ = http::Server::create(*out->loop_, nullptr, *out->dialect_, options);
    io::Loop& loop = *out->loop_;
    io::Loop& answers = *out->answers_;
    out->thread_ = std::make_unique<io::Thread>("elastic", [&loop] { loop.run(); });
    out->answers_thread_ =
        std::make_unique<io::Thread>("elastic-node", [&answers] { answers.run(); });
    log_info("the Elasticsearch API listens on " + out->address().to_string());
    return out;
}

Status ElasticFront::listen(const Config& config, io::Network& network) {
    const auto accept = [this](io::Loop& /*loop*/, std::unique_ptr<io::Stream> stream) {
        server_->adopt(std::move(stream));
    };
    Status last;
    for (std::uint32_t port = config.elastic.address.port; port <= config.elastic.last_port;
         ++port) {
        auto address = io::Address::parse(
            config.elastic.address.host_string(),
            static_cast<std::uint16_t>(port)
        );
        if (!address.ok()) {
            return address.error();
        }
        auto listener = network.listen(*loop_, address.value(), accept, {});
        if (listener.ok()) {
            listener_ = std::move(listener).value();
            return {};
        }
        last = listener.error();
    }
    return last;
}

ElasticFront::~ElasticFront() {
    stop();
}

void ElasticFront::stop() {
    if (thread_ == nullptr) {
        return;
    }
    run_on(*loop_, [this] { listener_.reset(); });
    pool_->stop();
    run_on(*loop_, [this] { server_.reset(); });
    loop_->stop();
    thread_->join();
    answers_->stop();
    answers_thread_->join();
    thread_.reset();
}

}  // namespace kumo::server
