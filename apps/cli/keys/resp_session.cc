#include "cli/keys/resp_session.h"

#include "io/network.h"
#include "io/resolver.h"
#include "io/system.h"

#include <charconv>
#include <utility>

namespace kumo::cli {

namespace {

constexpr Duration kConnectTimeout = std::chrono::seconds(5);
constexpr Duration kAnswerTimeout = std::chrono::seconds(60);
constexpr int kDepthMax = 8;

/// Reads answers off bytes that may end anywhere.
class Reader {
public:
    explicit Reader(ByteView bytes) : bytes_(bytes) {}

    std::size_t taken() const { return at_; }

    bool damaged() const { return damaged_; }

    std::optional<RespReply> next(int depth = 0) {
        const auto line = take_line();
        if (!line || line->empty() || depth > kDepthMax) {
            damaged_ = damaged_ || line.has_value();
            return std::nullopt;
        }
        RespReply reply;
        const ByteView rest = line->substr(1);
        switch (line->front()) {
            case '+':
                reply.kind = RespReply::Kind::kText;
                reply.text = rest;
                return reply;
            case '-':
                reply.kind = RespReply::Kind::kError;
                reply.text = rest;
                return reply;
            case '_': return reply;
            case ':':
                reply.kind = RespReply::Kind::kInteger;
                reply.integer = number(rest);
                return damaged_ ? std::nullopt : std::optional(std::move(reply));
            case '$': return bulk(number(rest));
            case '*': return array(number(rest), depth);
            default: damaged_ = true; return std::nullopt;
        }
    }

private:
    std::optional<ByteView> take_line() {
        const std::size_t end = bytes_.find("\r\n", at_);
        if (end == ByteView::npos) {
            return std::nullopt;
        }
        const ByteView line = bytes_.substr(at_, end - at_);
        at_ = end + 2;
        return line;
    }

    std::int64_t number(ByteView text) {
        std::int64_t value = 0;
        const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
        damaged_ = damaged_ || parsed.ec != std::errc() || parsed.ptr != text.data() + text.size();
        return value;
    }

    std::optional<RespReply> bulk(std::int64_t size) {
        RespReply reply;
        if (size < 0 || damaged_) {
            return damaged_ ? std::nullopt : std::optional(std::move(reply));
        }
        const auto bytes = static_cast<std::size_t>(size);
        if (bytes > kReplyBytesMax) {
            damaged_ = true;
            return std::nullopt;
        }
        if (bytes_.size() - at_ < bytes + 2) {
            return std::nullopt;
        }
        reply.kind = RespReply::Kind::kText;
        reply.text = bytes_.substr(at_, bytes);
        at_ += bytes + 2;
        return reply;
    }

    std::optional<RespReply> array(std::int64_t size, int depth) {
        RespReply reply;
        for (std::int64_t i = 0; i < size && !damaged_; ++i) {
            auto element = next(depth + 1);
            if (!element) {
                return std::nullopt;
            }
            reply.elements.push_back(std::move(*element));
        }
        reply.kind = size < 0 ? RespReply::Kind::kNull : RespReply::Kind::kArray;
        return damaged_ ? std::nullopt : std::optional(std::move(reply));
    }

    ByteView bytes_;
    std::size_t at_ = 0;
    bool damaged_ = false;
};

std::string request_of(const std::vector<std::string>& words) {
    std::string out = "*" + std::to_string(words.size()) + "\r\n";
    for (const std::string& word : words) {
        out += "$" + std::to_string(word.size()) + "\r\n" + word + "\r\n";
    }
    return out;
}

class StreamSession final : public RespSession, private io::StreamHandler {
public:
    explicit StreamSession(RespAddress address) : address_(std::move(address)) {}

    Status open() {
        KUMO_TRY_ASSIGN(const auto addresses, resolve());
        Status status = Error{ErrorCode::kUnavailable, "no address"};
        for (const io::Address& each : addresses) {
            network_->connect(
                *loop_,
                each,
                kConnectTimeout,
                [this, &status](Result<std::unique_ptr<io::Stream>> made) {
                    status = made.ok() ? Status() : Status(made.error());
                    if (made.ok()) {
                        stream_ = std::move(made).value();
                        stream_->start(*this);
                    }
                    loop_->stop();
                }
            );
            loop_->run();
            if (status.ok()) {
                return {};
            }
        }
        return status;
    }

    Result<RespReply> ask(const std::vector<std::string>& words) override {
        if (stream_ == nullptr) {
            return broken_;
        }
        KUMO_TRY(stream_->write(request_of(words)));
        reply_.reset();
        const io::TimerId timer = loop_->add_timer(kAnswerTimeout, [this] {
            broken_ = {ErrorCode::kTimeout, address_.to_string() + " does not answer"};
            stream_.reset();
            loop_->stop();
        });
        loop_->run();
        loop_->cancel_timer(timer);
        if (!reply_) {
            return broken_;
        }
        return *std::exchange(reply_, std::nullopt);
    }

    void wait(Duration span) override {
        (void)loop_->add_timer(span, [this] { loop_->stop(); });
        loop_->run();
    }

    const RespAddress& address() const override { return address_; }

private:
    Result<std::vector<io::Address>> resolve() {
        std::optional<Result<std::vector<io::Address>>> found;
        resolver_->resolve(*loop_, address_.host, address_.port, [this, &found](auto addresses) {
            found = std::move(addresses);
            loop_->stop();
        });
        loop_->run();
        return std::move(*found);
    }

    void on_data(ByteView bytes) override {
        input_.append(bytes);
        auto reply = take_reply(input_);
        if (!reply.ok()) {
            end(reply.error());
        } else if (reply.value()) {
            reply_ = std::move(*reply.value());
            loop_->stop();
        }
    }

    void on_eof() override {
        end({ErrorCode::kUnavailable, address_.to_string() + " closed the connection"});
    }

    void on_closed(Status why) override {
        end(why.ok() ? Error{ErrorCode::kUnavailable, "the connection is closed"} : why.error());
    }

    void end(Error why) {
        broken_ = std::move(why);
        stream_.reset();
        loop_->stop();
    }

    const RespAddress address_;
    std::unique_ptr<io::Loop> loop_ = io::make_system_loop();
    std::unique_ptr<io::Network> network_ = io::make_system_network();
    std::unique_ptr<io::Resolver> resolver_ = io::make_system_resolver();
    std::unique_ptr<io::Stream> stream_;
    std::string input_;
    std::optional<RespReply> reply_;
    Error broken_{ErrorCode::kUnavailable, "there is no connection"};
};

}  // namespace

const RespReply* RespReply::field(ByteView name) const {
    for (std::size_t i = 0; i + 1 < elements.size(); i += 2) {
        if (elements[i].text == name) {
            return &elements[i + 1];
        }
    }
    return nullptr;
}

Result<std::optional<RespReply>> take_reply(std::string& bytes) {
    Reader reader(bytes);
    auto reply = reader.next();
    if (reader.damaged() || (!reply && bytes.size() > 2 * kReplyBytesMax)) {
        return corruption("the server's answer is no RESP");
    }
    if (reply) {
        bytes.erase(0, reader.taken());
    }
    return reply;
}

std::string RespAddress::to_string() const {
    const bool v6 = host.find(':') != std::string::npos;
    return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

std::optional<RespAddress> parse_resp_address(const std::string& text) {
    RespAddress out;
    std::size_t end = text.rfind(':');
    if (text.starts_with('[')) {
        const std::size_t close = text.find(']');
        if (close == std::string::npos) {
            return std::nullopt;
        }
        out.host = text.substr(1, close - 1);
        end = close + 1 < text.size() ? close + 1 : std::string::npos;
    } else {
        out.host = text.substr(0, end);
    }
    if (end != std::string::npos) {
        const char* first = text.data() + end + 1;
        const char* last = text.data() + text.size();
        const auto parsed = std::from_chars(first, last, out.port);
        if (text[end] != ':' || parsed.ec != std::errc() || parsed.ptr != last || out.port == 0) {
            return std::nullopt;
        }
    }
    return out.host.empty() ? std::nullopt : std::optional(std::move(out));
}

Result<std::unique_ptr<RespSession>>
open_resp_session(const RespAddress& address, const RespLogin& login) {
    auto session = std::make_unique<StreamSession>(address);
    KUMO_TRY(session->open());
    if (!login.password.empty()) {
        std::vector<std::string> words = {"AUTH"};
        if (!login.user.empty()) {
            words.push_back(login.user);
        }
        words.push_back(login.password);
        KUMO_TRY_ASSIGN(const RespReply answer, session->ask(words));
        if (answer.kind == RespReply::Kind::kError) {
            return invalid_argument(address.to_string() + ": " + answer.text);
        }
    }
    return std::unique_ptr<RespSession>(std::move(session));
}

}  // namespace kumo::cli
