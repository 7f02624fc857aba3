// The table beside the one of a real Redis 7.0.15, when it is installed.
#include "kv/command/introspection.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <string>

#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

namespace kumo::kv {
namespace {

using Json = nlohmann::json;

/// A complete RESP3 value, read; sets are sorted.
class Reader {
public:
    explicit Reader(std::string_view bytes) : bytes_(bytes) {}

    bool complete = true;

    Json value() {
        const std::string_view line = next_line();
        if (!complete) {
            return nullptr;
        }
        const std::string_view rest = line.substr(1);
        switch (line[0]) {
            case '+':
            case '-': return std::string(rest);
            case ':': return number(rest);
            case '$': return bulk(number(rest));
            case '*': return list(number(rest));
            case '~': {
                Json out = list(number(rest));
                std::sort(out.begin(), out.end());
                return out;
            }
            case '%': return map(number(rest));
            default: return nullptr;
        }
    }

private:
    std::string_view next_line() {
        const std::size_t end = bytes_.find("\r\n");
        if (end == std::string_view::npos) {
            complete = false;
            return {};
        }
        const std::string_view line = bytes_.substr(0, end);
        bytes_.remove_prefix(end + 2);
        return line;
    }

    static long number(std::string_view digits) {
        long out = 0;
        std::from_chars(digits.data(), digits.data() + digits.size(), out);
        return out;
    }

    Json bulk(long size) {
        if (bytes_.size() < static_cast<std::size_t>(size) + 2) {
            complete = false;
            return nullptr;
        }
        std::string out(bytes_.substr(0, static_cast<std::size_t>(size)));
        bytes_.remove_prefix(static_cast<std::size_t>(size) + 2);
        return out;
    }

    Json list(long size) {
        Json out = Json::array();
        for (long i = 0; i < size && complete; ++i) {
            out.push_back(value());
        }
        return out;
    }

    Json map(long size) {
        Json out = Json::object();
        for (long i = 0; i < size && complete; ++i) {
            const Json key = value();
            if (complete) {
                out[key.get<std::string>()] = value();
            }
        }
        return out;
    }

    std::string_view bytes_;
};

/// redis-server on a socket file; ends with the fixture.
class Reference {
public:
    Reference() {
        std::string folder = "/tmp/kumo_reference_XXXXXX";
        if (::mkdtemp(folder.data()) == nullptr) {
            return;
        }
        folder_ = folder;
        const std::string command = "exec redis-server --port 0 --save '' --dir " + folder_
                                    + " --unixsocket " + folder_ + "/socket 2>/dev/null";
        output_ = ::popen(command.c_str(), "r");
        char line[512];
        while (output_ != nullptr && std::fgets(line, sizeof line, output_) != nullptr) {
            version_ok_ |= std::string_view(line).find("version=7.0.15") != std::string_view::npos;
            if (std::string_view(line).find("Ready to accept") != std::string_view::npos
                || std::string_view(line).find("at the Unix") != std::string_view::npos
                || std::string_view(line).find("at /tmp") != std::string_view::npos) {
                connect();
                break;
            }
        }
    }

    Reference(const Reference&) = delete;
    Reference& operator=(const Reference&) = delete;

    ~Reference() {
        if (socket_ >= 0) {
            (void)!::write(socket_, "shutdown nosave\r\n", 17);
            ::close(socket_);
        }
        if (output_ != nullptr) {
            ::pclose(output_);
        }
        const std::string clean = "rm -rf " + folder_;
        if (!folder_.empty()) {
            (void)!std::system(clean.c_str());
        }
    }

    bool there() const { return socket_ >= 0 && version_ok_; }

    Json ask(const std::string& line) {
        const std::string request = line + "\r\n";
        EXPECT_EQ(
            ::write(socket_, request.data(), request.size()),
            static_cast<ssize_t>(request.size())
        );
        std::string got;
        char piece[65536];
        while (true) {
            const ssize_t n = ::read(socket_, piece, sizeof piece);
            if (n <= 0) {
                return nullptr;
            }
            got.append(piece, static_cast<std::size_t>(n));
            Reader reader(got);
            Json value = reader.value();
            if (reader.complete) {
                return value;
            }
        }
    }

private:
    void connect() {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        const std::string path = folder_ + "/socket";
        path.copy(address.sun_path, sizeof address.sun_path - 1);
        const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
            socket_ = fd;
        } else {
            ::close(fd);
        }
    }

    std::string folder_;
    std::FILE* output_ = nullptr;
    int socket_ = -1;
    bool version_ok_ = false;
};

Json ours(std::vector<ByteView> words) {
    wire::RespWriter reply(3);
    answer_command(words, reply);
    Reader reader(reply.bytes());
    Json value = reader.value();
    EXPECT_TRUE(reader.complete);
    return value;
}

/// By name, without notes, which are in our words.
void flatten(const Json& commands, Json* out) {
    for (Json command : commands) {
        flatten(command[9], out);
        command.erase(9);
        for (Json& key : command[8]) {
            key.erase("notes");
        }
        (*out)[command[0].get<std::string>()] = command;
    }
}

void flatten_docs(const Json& docs, Json* out) {
    for (const auto& [name, doc] : docs.items()) {
        Json kept = doc;
        flatten_docs(doc.value("subcommands", Json::object()), out);
        for (const char* words :
             {"summary", "complexity", "history", "replaced_by", "subcommands"}) {
            kept.erase(words);
        }
        (*out)[name] = kept;
    }
}

void expect_same(const Json& real, const Json& mine) {
    EXPECT_EQ(real.size(), 366U);
    for (const auto& [name, facts] : real.items()) {
        EXPECT_EQ(facts.dump(), mine.value(name, Json()).dump()) << name;
    }
}

TEST(CommandTable, SaysWhatRedisSays) {
    Reference reference;
    if (!reference.there()) {
        GTEST_SKIP() << "no redis-server 7.0.15 here";
    }
    reference.ask("hello 3");
    Json real = Json::object();
    Json mine = Json::object();
    flatten(reference.ask("command"), &real);
    flatten(ours({"command"}), &mine);
    expect_same(real, mine);
    real = Json::object();
    mine = Json::object();
    flatten_docs(reference.ask("command docs"), &real);
    flatten_docs(ours({"command", "docs"}), &mine);
    expect_same(real, mine);
}

}  // namespace
}  // namespace kumo::kv
