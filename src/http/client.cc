#include "http/client.h"

#include "base/assert.h"
#include "io/stream.h"
#include "wire/http1_write.h"

#include <optional>
#include <utility>

namespace kumo::http {

namespace {

bool idempotent(wire::HttpMethod method) {
    return method != wire::HttpMethod::kPost && method != wire::HttpMethod::kPatch;
}

}  // namespace

/// The client's connection and the exchange on it. Callbacks of the user come last in each
/// function, or are followed by a check that the exchange is still the same: they may cancel it and
/// start another.
struct Client::Impl final : io::StreamHandler, std::enable_shared_from_this<Impl> {
    Impl(io::Loop& l, io::Network& n, io::Address a, std::string h, io::TlsContext* t)
        : loop(l), network(n), address(a), host(std::move(h)), tls(t) {}

    void begin(ClientRequest&& request, ResponseHandler& to);
    std::string host_field() const;
    void connect();
    void connected(std::unique_ptr<io::Stream> raw);
    void transmit();
    void send_bytes(std::string bytes) const;
    void tell_writable_later();
    void process(ByteView input);
    bool handle(wire::HttpEvent event);
    void input_ended();
    void complete();
    void broken(const std::string& why);
    void fail(const Error& error);
    void forget_exchange();
    void watch();
    void check_progress();

    void on_data(ByteView bytes) override;
    void on_eof() override;
    void on_drained() override;
    void on_closed(Status why) override;

    io::Loop& loop;
    io::Network& network;
    io::Address address;
    std::string host;
    io::TlsContext* tls;
    ClientOptions options;

    std::unique_ptr<io::Stream> stream;
    std::optional<wire::HttpResponseParser> parser;
    bool reused = false;  ///< The connection has carried an exchange before.

    std::uint64_t exchange = 0;  ///< Numbers them, so that late callbacks know theirs is over.
    ResponseHandler* handler = nullptr;  ///< Set while an exchange is under way.
    wire::HttpMethod method = wire::HttpMethod::kGet;
    std::string unsent;  ///< The request as bytes; kept until an answer begins, to send again.
    bool streamed = false;
    bool request_ended = false;
    bool answer_began = false;
    bool body_paused = false;
    std::string pending;  ///< Bytes behind a pause.
    io::TimerId timer;
    MonotonicTime progress_at;
    std::size_t queued_before = 0;
};

void Client::Impl::begin(ClientRequest&& request, ResponseHandler& to) {
    ++exchange;
    handler = &to;
    method = request.method;
    streamed = request.streamed;
    request_ended = !streamed;
    answer_began = false;
    body_paused = false;
    unsent.clear();
    wire::append_request_line(unsent, request.method, request.target);
    wire::append_field(unsent, "Host", host_field());
    for (const Header& header : request.headers) {
        wire::append_field(unsent, header.name, header.value);
    }
    if (streamed) {
        wire::append_field(unsent, "Transfer-Encoding", "chunked");
    } else if (!request.body.empty() || method == wire::HttpMethod::kPost || method == wire::HttpMethod::kPut || method == wire::HttpMethod::kPatch) {
        wire::append_field(unsent, "Content-Length", request.body.size());
    }
    unsent.append("\r\n").append(request.body);
    progress_at = loop.clock().monotonic_now();
    watch();
    if (stream != nullptr) {
        reused = true;
        transmit();
    } else {
        connect();
    }
}

std::string Client::Impl::host_field() const {
    const bool numeric_v6 = host.find(':') != std::string::npos;
    const std::string name = numeric_v6 ? "[" + host + "]" : host;
    const bool default_port = address.port == (tls != nullptr ? 443 : 80);
    return default_port ? name : name + ":" + std::to_string(address.port);
}

void Client::Impl::connect() {
    reused = false;
    network.connect(
        loop,
        address,
        options.connect_timeout,
        [weak = weak_from_this(), id = exchange](Result<std::unique_ptr<io::Stream>> made) {
            const auto self = weak.lock();
            if (self == nullptr || self->exchange != id || self->handler == nullptr) {
                return;
            }
            if (made.ok()) {
                self->connected(std::move(made).value());
            } else {
                self->fail(made.error());
            }
        }
    );
}

void Client::Impl::connected(std::unique_ptr<io::Stream> raw) {
    stream = tls == nullptr ? std::move(raw) : tls->wrap_client(std::move(raw), host);
    parser.emplace(options.limits);
    stream->start(*this);
    transmit();
}

void Client::Impl::transmit() {
    parser->expect_answer_to(method);
    if (streamed) {
        send_bytes(std::exchange(unsent, std::string()));
        tell_writable_later();
    } else {
        send_bytes(unsent);
    }
}

void Client::Impl::send_bytes(std::string bytes) const {
    // A refusal means that the stream is closing: on_closed follows and says so.
    const Status written = stream->write(std::move(bytes));
    if (!written.ok() && written.error().code == ErrorCode::kOverloaded) {
        stream->abort();
    }
}

void Client::Impl::tell_writable_later() {
    loop.defer([weak = weak_from_this(), id = exchange] {
        const auto self = weak.lock();
        if (self != nullptr && self->exchange == id && self->handler != nullptr
            && !self->request_ended) {
            self->handler->on_writable();
        }
    });
}

void Client::Impl::on_data(ByteView bytes) {
    const auto keep = shared_from_this();
    progress_at = loop.clock().monotonic_now();
    if (handler == nullptr) {
        stream.reset();  // The server says something nobody asked for.
        return;
    }
    if (body_paused) {
        pending.append(bytes);
    } else {
        process(bytes);
    }
}

void Client::Impl::process(ByteView input) {
    const std::uint64_t id = exchange;
    answer_began = answer_began || !input.empty();
    for (;;) {
        if (body_paused) {
            pending.assign(input);
            return;
        }
        const wire::HttpEvent event = parser->next(input);
        if (event == wire::HttpEvent::kNeedMore) {
            return;
        }
        if (event == wire::HttpEvent::kComplete) {
            if (!input.empty()) {
                stream.reset();
            }
            complete();
            return;
        }
        if (!handle(event) || exchange != id || handler == nullptr) {
            return;
        }
    }
}

/// False if the exchange is over.
bool Client::Impl::handle(wire::HttpEvent event) {
    if (event == wire::HttpEvent::kError) {
        std::string why("the answer is not HTTP: ");
        fail(invalid_argument(why.append(parser->error().reason)));
        return false;
    }
    if (event == wire::HttpEvent::kHead) {
        parser->set_body_limit(options.response_bytes_max);
        handler->on_head(parser->head());
    } else {
        handler->on_body(parser->body());
    }
    return true;
}

void Client::Impl::complete() {
    const bool keep_connection = parser->head().keep_alive() && request_ended;
    ResponseHandler* to = handler;
    forget_exchange();
    if (!keep_connection) {
        stream.reset();
    }
    to->on_complete();
}

void Client::Impl::on_eof() {
    const auto keep = shared_from_this();
    if (handler == nullptr) {
        stream.reset();
    } else {
        input_ended();
    }
}

void Client::Impl::input_ended() {
    switch (parser->finish()) {
        case wire::HttpEvent::kComplete:
            request_ended = false;  // Whatever was said, this connection is over.
            complete();
            return;
        case wire::HttpEvent::kNeedMore: broken("the server closed the connection"); return;
        default: broken("the server closed the connection inside its answer"); return;
    }
}

void Client::Impl::on_closed(Status why) {
    const auto keep = shared_from_this();
    if (handler == nullptr) {
        stream.reset();
    } else {
        broken(why.ok() ? "the connection closed" : why.error().message);
    }
}

/// The connection is of no more use. A kept one may have been closed by the server while our
/// request was on its way; whether it was acted on nobody can tell, so only what may be done twice
/// is sent again (RFC 9110 9.2.2).
void Client::Impl::broken(const std::string& why) {
    stream.reset();
    if (reused && !answer_began && !streamed && idempotent(method)) {
        connect();
        return;
    }
    fail({ErrorCode::kUnavailable, why});
}

void Client::Impl::fail(const Error& error) {
    ResponseHandler* to = handler;
    forget_exchange();
    stream.reset();
    to->on_error(error);
}

void Client::Impl::forget_exchange() {
    handler = nullptr;
    unsent.clear();
    pending.clear();
    loop.cancel_timer(std::exchange(timer, io::TimerId{}));
    if (stream != nullptr && body_paused) {
        stream->resume_reading();
    }
    body_paused = false;
}

void Client::Impl::on_drained() {
    const auto keep = shared_from_this();
    progress_at = loop.clock().monotonic_now();
    if (handler != nullptr && streamed && !request_ended) {
        handler->on_writable();
    }
}

void Client::Impl::watch() {
    timer = loop.add_timer(options.progress_timeout, [weak = weak_from_this(), id = exchange] {
        const auto self = weak.lock();
        if (self != nullptr && self->exchange == id && self->handler != nullptr) {
            self->check_progress();
        }
    });
}

void Client::Impl::check_progress() {
    const std::size_t queued = stream == nullptr ? 0 : stream->queued_bytes();
    const bool moved = loop.clock().monotonic_now() - progress_at < options.progress_timeout
                       || queued != queued_before;
    queued_before = queued;
    // A stream that waits for its own producer, or an answer that its reader has paused, is not
    // the server's fault.
    if (moved || body_paused || (!request_ended && queued == 0)) {
        watch();
    } else {
        fail({ErrorCode::kTimeout, "the server did not answer in time"});
    }
}

Client::Client(
    io::Loop& loop,
    io::Network& network,
    io::Address address,
    std::string host,
    io::TlsContext* tls,
    const ClientOptions& options
)
    : impl_(std::make_shared<Impl>(loop, network, address, std::move(host), tls)) {
    impl_->options = options;
}

Client::~Client() {
    cancel();
}

void Client::send(ClientRequest request, ResponseHandler& handler) {
    KUMO_ASSERT(!busy());
    impl_->begin(std::move(request), handler);
}

std::size_t Client::write(ByteView piece) {
    Impl& impl = *impl_;
    if (!busy() || !impl.streamed || impl.request_ended) {
        return 0;
    }
    std::string chunk;
    wire::append_chunk(chunk, piece);
    if (impl.stream == nullptr) {
        impl.unsent.append(chunk);
        return impl.unsent.size();
    }
    impl.send_bytes(std::move(chunk));
    return impl.stream->queued_bytes();
}

void Client::end() {
    Impl& impl = *impl_;
    if (!busy() || std::exchange(impl.request_ended, true)) {
        return;
    }
    impl.progress_at = impl.loop.clock().monotonic_now();
    if (impl.stream == nullptr) {
        impl.unsent.append(wire::kLastChunk);
    } else {
        impl.send_bytes(std::string(wire::kLastChunk));
    }
}

void Client::pause_body() {
    if (busy() && impl_->stream != nullptr) {
        impl_->body_paused = true;
        impl_->stream->pause_reading();
    }
}

void Client::resume_body() {
    if (!busy() || !impl_->body_paused) {
        return;
    }
    impl_->loop.defer([weak = std::weak_ptr<Impl>(impl_), id = impl_->exchange] {
        const auto self = weak.lock();
        if (self == nullptr || self->exchange != id || self->handler == nullptr) {
            return;
        }
        self->body_paused = false;
        self->progress_at = self->loop.clock().monotonic_now();
        self->stream->resume_reading();
        const std::string held = std::exchange(self->pending, std::string());
        self->process(held);
    });
}

void Client::cancel() {
    if (impl_->handler != nullptr) {
        impl_->forget_exchange();
        ++impl_->exchange;
        impl_->stream.reset();
    }
}

bool Client::busy() const {
    return impl_->handler != nullptr;
}

}  // namespace kumo::http
