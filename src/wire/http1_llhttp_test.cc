// Our request parser beside llhttp, the parser of Node.js: over random requests near the grammar,
// whatever we accept llhttp accepts too, and both see the same messages. (The reverse does not
// hold: we refuse more.) Compiled when Debian's node-llhttp is installed.
#if defined(KUMO_HAS_LLHTTP)

#include "base/random.h"
#include "wire/http1.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include <llhttp.h>

namespace kumo::wire {
namespace {

/// One transcript of everything that matters for framing; `ok` if nothing was refused.
struct Heard {
    bool ok = true;
    std::string text;
};

Heard ours(ByteView input) {
    HttpRequestParser parser;
    Heard heard;
    for (;;) {
        switch (parser.next(input)) {
            case HttpEvent::kNeedMore: return heard;
            case HttpEvent::kHead: {
                const HttpRequestHead& head = parser.head();
                heard.text.append(http_method_name(head.method())).append(" ");
                heard.text.append(head.target()).append(head.keep_alive() ? " keep" : " close");
                heard.text.append("<");
                break;
            }
            case HttpEvent::kBody: heard.text.append(parser.body()); break;
            case HttpEvent::kComplete:
                heard.text.append(">");
                if (!parser.head().keep_alive()) {
                    return heard;  // llhttp stops here by itself.
                }
                break;
            case HttpEvent::kError: heard.ok = false; return heard;
        }
    }
}

struct Collector {
    llhttp_t parser{};
    std::string url;
    Heard heard;
};

Collector& collector_of(llhttp_t* parser) {
    return *static_cast<Collector*>(parser->data);
}

int on_url(llhttp_t* parser, const char* at, std::size_t size) {
    collector_of(parser).url.append(at, size);
    return 0;
}

int on_headers_complete(llhttp_t* parser) {
    Collector& c = collector_of(parser);
    c.heard.text.append(llhttp_method_name(static_cast<llhttp_method_t>(parser->method)));
    c.heard.text.append(" ").append(c.url);
    c.heard.text.append(llhttp_should_keep_alive(parser) != 0 ? " keep" : " close").append("<");
    c.url.clear();
    return 0;
}

int on_body(llhttp_t* parser, const char* at, std::size_t size) {
    collector_of(parser).heard.text.append(at, size);
    return 0;
}

int on_message_complete(llhttp_t* parser) {
    collector_of(parser).heard.text.append(">");
    return 0;
}

Heard theirs(ByteView input) {
    llhttp_settings_t settings;
    llhttp_settings_init(&settings);
    settings.on_url = on_url;
    settings.on_headers_complete = on_headers_complete;
    settings.on_body = on_body;
    settings.on_message_complete = on_message_complete;
    Collector c;
    llhttp_init(&c.parser, HTTP_REQUEST, &settings);
    c.parser.data = &c;
    c.heard.ok = llhttp_execute(&c.parser, input.data(), input.size()) == HPE_OK;
    return c.heard;
}

class Generator {
public:
    explicit Generator(std::uint64_t seed) : random_(seed) {}

    std::string requests() {
        std::string out;
        for (std::uint64_t n = 1 + random_.below(3); n > 0; --n) {
            out += one_request();
        }
        if (random_.chance(1, 3) && !out.empty()) {
            mutate(out);
        }
        return out;
    }

private:
    std::string pick(const std::vector<std::string>& from) {
        return from[random_.below(from.size())];
    }

    std::string one_request() {
        std::string out = pick({"GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"}) + " ";
        out += pick({"/", "/a?b=c", "/%20x", "*", "http://h/p?q", "/a;b"}) + " ";
        out += pick({"HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.0"}) + "\r\nHost: h\r\n";
        // One Connection at most: of contradicting ones we take close (RFC 9112 9.3), llhttp the
        // last.
        out += pick({"", "", "Connection: close\r\n", "Connection: keep-alive\r\n"});
        for (std::uint64_t n = random_.below(3); n > 0; --n) {
            out += pick({"A: b", "X:y", "B:  c\t", "Content-Length: 0", " folded"}) + "\r\n";
        }
        switch (random_.below(4)) {
            case 0: return out + "\r\n";
            case 1: return out + "Content-Length: 3\r\n\r\nabc";
            case 2: out += "Transfer-Encoding: " + pick({"chunked", "Chunked", "gzip"}); break;
            default: out += "Content-Length: 2\r\nTransfer-Encoding: chunked"; break;
        }
        return out + "\r\n\r\n" + chunks();
    }

    std::string chunks() {
        std::string out;
        for (std::uint64_t n = random_.below(3); n > 0; --n) {
            out += pick({"3\r\nxyz\r\n", "A;e=f\r\n0123456789\r\n", "01\r\nq\r\n", "2 \r\nhi\r\n"});
        }
        return out + pick({"0\r\n\r\n", "0\r\nT: v\r\n\r\n", "00\r\n\r\n"});
    }

    void mutate(std::string& text) {
        const std::size_t at = random_.below(text.size());
        switch (random_.below(3)) {
            case 0: text.erase(at, 1 + random_.below(2)); break;
            case 1: text.insert(at, pick({"\r", "\n", " ", ":", "0", "\r\n", ","})); break;
            // No tabs: after a Content-Length they are white space for RFC 9110, not for llhttp.
            default: text[at] = "\r\n :0a;"[random_.below(7)]; break;
        }
    }

    SeededRandom random_;
};

TEST(HttpRequestParser, WhatItAcceptsLlhttpUnderstandsTheSameWay) {
    int accepted = 0;
    for (std::uint64_t seed = 0; seed < 100'000; ++seed) {
        const std::string input = Generator(seed).requests();
        const Heard we = ours(input);
        if (!we.ok) {
            continue;
        }
        ++accepted;
        const Heard they = theirs(input);
        ASSERT_EQ(we.text, they.text.substr(0, we.text.size())) << input;
        ASSERT_TRUE(they.ok || they.text == we.text) << input;
    }
    EXPECT_GT(accepted, 10000);
}

}  // namespace
}  // namespace kumo::wire

#endif
