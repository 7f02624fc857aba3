#include "base/random.h"
#include "wire/http1.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace kumo::wire {
namespace {

/// Everything a parser says about the pieces, as one line of text.
std::string events(
    const std::vector<ByteView>& pieces,
    const HttpLimits& limits = {},
    std::uint64_t body_limit = ~0ULL
) {
    HttpRequestParser parser(limits);
    std::string out;
    std::string body;
    for (ByteView input : pieces) {
        for (HttpEvent event = parser.next(input); event != HttpEvent::kNeedMore;
             event = parser.next(input)) {
            if (event == HttpEvent::kHead) {
                const HttpRequestHead& head = parser.head();
                out += std::string(http_method_name(head.method())) + " " + std::string(head.path())
                       + "?" + std::string(head.query()) + " @" + std::string(head.host())
                       + (head.keep_alive() ? " keep" : " close");
                if (body_limit != ~0ULL) {
                    parser.set_body_limit(body_limit);
                }
            } else if (event == HttpEvent::kBody) {
                body += parser.body();
            } else if (event == HttpEvent::kComplete) {
                out += " [" + body + "] ";
                body.clear();
                EXPECT_TRUE(parser.idle());
            } else {
                return out + std::to_string(parser.error().status) + " "
                       + std::string(parser.error().reason);
            }
        }
        EXPECT_TRUE(input.empty());
    }
    return out;
}

std::string with(const std::string& fields, const std::string& body = "") {
    return "POST /x HTTP/1.1\r\nHost: h\r\n" + fields + "\r\n" + body;
}

std::string refusal(const std::string& text) {
    return events({text});
}

TEST(HttpRequestParser, ReadsASimpleRequest) {
    EXPECT_EQ(
        events({"GET /a/b?q=1&x=%20 HTTP/1.1\r\nHost: h:80\r\nAccept: */*\r\n\r\n"}),
        "GET /a/b?q=1&x=%20 @h:80 keep [] "
    );
}

TEST(HttpRequestParser, FieldsAreFoundWhateverTheirCase) {
    HttpRequestParser parser;
    ByteView input = "GET / HTTP/1.1\r\nHOST: h\r\nX-Key:  secret \r\nempty:\r\nx-key: 2\r\n\r\n";
    ASSERT_EQ(parser.next(input), HttpEvent::kHead);
    EXPECT_EQ(parser.head().find("x-KEY"), "secret");
    EXPECT_EQ(parser.head().find("Empty"), "");
    EXPECT_FALSE(parser.head().find("nope").has_value());
    EXPECT_EQ(parser.head().field_count(), 4U);
    EXPECT_EQ(parser.head().field(3).value, "2");
}

TEST(HttpRequestParser, ReadsBodies) {
    EXPECT_EQ(events({with("Content-Length: 5\r\n", "hello")}), "POST /x? @h keep [hello] ");
    EXPECT_EQ(events({with("Content-Length: 0\r\n")}), "POST /x? @h keep [] ");
    EXPECT_EQ(
        events({with("Transfer-Encoding: Chunked\r\n", "5\r\nhello\r\n1;a=b\r\n!\r\n0\r\n\r\n")}),
        "POST /x? @h keep [hello!] "
    );
    EXPECT_EQ(
        events({with("Transfer-Encoding: chunked\r\n", "A\r\n0123456789\r\n000\r\nX: y\r\n\r\n")}),
        "POST /x? @h keep [0123456789] "
    );
}

TEST(HttpRequestParser, ReadsPipelinedRequestsWhereverTheyAreCut) {
    const std::string text = with("Content-Length: 3\r\n", "abc")
                             + "GET /2?z HTTP/1.0\r\nConnection: keep-alive\r\n\r\n\r\n"
                             + with(
                                 "Transfer-Encoding: chunked\r\nConnection: close\r\n",
                                 "2\r\nhi\r\n3;x\r\nyou\r\n0\r\nT: 1\r\n\r\n"
                             );
    const std::string expected =
        "POST /x? @h keep [abc] GET /2?z @ keep [] POST /x? @h close [hiyou] ";
    EXPECT_EQ(events({text}), expected);
    SeededRandom random(11);
    for (int round = 0; round < 300; ++round) {
        std::vector<ByteView> pieces;
        for (ByteView rest = text; !rest.empty();) {
            const std::size_t n = 1 + random.below(round == 0 ? 1 : 40);
            pieces.push_back(rest.substr(0, n));
            rest.remove_prefix(pieces.back().size());
        }
        ASSERT_EQ(events(pieces), expected);
    }
}

TEST(HttpRequestParser, StopsBetweenMessages) {
    HttpRequestParser parser;
    const std::string one = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
    const std::string two = one + one;
    ByteView input = two;
    EXPECT_EQ(parser.next(input), HttpEvent::kHead);
    EXPECT_EQ(parser.next(input), HttpEvent::kComplete);
    EXPECT_EQ(input, one);
    EXPECT_EQ(parser.head().host(), "h");
}

TEST(HttpRequestParser, ConnectionAndVersionDecideKeepAlive) {
    EXPECT_EQ(events({"GET / HTTP/1.0\r\n\r\n"}), "GET /? @ close [] ");
    EXPECT_EQ(
        events({"GET / HTTP/1.1\r\nHost: h\r\nConnection: x, Close\r\n\r\n"}),
        "GET /? @h close [] "
    );
    EXPECT_EQ(events({"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"}), "GET /? @ keep [] ");
}

TEST(HttpRequestParser, AbsoluteFormReplacesHost) {
    EXPECT_EQ(
        events({"GET http://other:8/p?q HTTP/1.1\r\nHost: h\r\n\r\n"}),
        "GET /p?q @other:8 keep [] "
    );
    EXPECT_EQ(
        events({"GET HTTPS://other?q HTTP/1.1\r\nHost: h\r\n\r\n"}),
        "GET /?q @other keep [] "
    );
    EXPECT_EQ(events({"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n"}), "OPTIONS *? @h keep [] ");
    EXPECT_EQ(
        refusal("GET http:///p HTTP/1.1\r\nHost: h\r\n\r\n"),
        "400 invalid authority in the request target"
    );
    EXPECT_EQ(
        refusal("GET http://a@b/ HTTP/1.1\r\nHost: h\r\n\r\n"),
        "400 invalid authority in the request target"
    );
}

TEST(HttpRequestParser, ExpectContinueIsReported) {
    HttpRequestParser parser;
    const std::string text = with("Expect: 100-Continue\r\nContent-Length: 1\r\n");
    ByteView input = text;
    ASSERT_EQ(parser.next(input), HttpEvent::kHead);
    EXPECT_TRUE(parser.head().expects_continue());
    EXPECT_EQ(refusal(with("Expect: cookies\r\n")), "417 unknown expectation");
}

TEST(HttpRequestParser, RefusesAmbiguousFraming) {
    EXPECT_EQ(
        refusal(with("Content-Length: 1\r\nContent-Length: 2\r\n")),
        "400 repeated Content-Length"
    );
    EXPECT_EQ(
        refusal(with("Content-Length: 1\r\nContent-Length: 1\r\n")),
        "400 repeated Content-Length"
    );
    EXPECT_EQ(refusal(with("Content-Length: 1, 1\r\n")), "400 invalid Content-Length");
    for (const char* bad : {"+1", "-1", "1 ", "0x1", "", "1.0", "\xB2"}) {
        const std::string text = with(std::string("Content-Length: ") + bad + "x\r\n");
        EXPECT_EQ(refusal(text), "400 invalid Content-Length");
    }
    EXPECT_EQ(
        refusal(with("Content-Length: 9999999999999999999999\r\n")),
        "413 Content-Length too large"
    );
    EXPECT_EQ(
        refusal(with("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n")),
        "400 both Content-Length and Transfer-Encoding"
    );
    EXPECT_EQ(
        refusal(with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n")),
        "400 repeated Transfer-Encoding"
    );
    for (const char* bad :
         {"gzip, chunked", "identity", "chunked, identity", "xchunked", "\"chunked\""}) {
        EXPECT_EQ(
            refusal(with(std::string("Transfer-Encoding: ") + bad + "\r\n")),
            "501 transfer coding other than chunked"
        );
    }
    EXPECT_EQ(
        refusal("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"),
        "400 Transfer-Encoding in HTTP/1.0"
    );
}

TEST(HttpRequestParser, RefusesMalformedLines) {
    EXPECT_EQ(refusal("GET / HTTP/1.1\nHost: h\r\n\r\n"), "400 line ends without CR");
    EXPECT_EQ(refusal(with("A: b\n")), "400 line ends without CR");
    EXPECT_EQ(refusal(with("A: b\rc\r\n")), "400 control character in a header value");
    EXPECT_EQ(refusal(with("A: b\r\r\n")), "400 control character in a header value");
    EXPECT_EQ(
        refusal(with(std::string("A: b\0c\r\n", 8))),
        "400 control character in a header value"
    );
    EXPECT_EQ(refusal(with("A: 12345678\x7f\r\n")), "400 control character in a header value");
    EXPECT_EQ(refusal(with(" folded\r\n")), "400 folded header line");
    EXPECT_EQ(refusal(with("\tfolded: x\r\n")), "400 folded header line");
    EXPECT_EQ(refusal(with("A : b\r\n")), "400 white space in a header name");
    EXPECT_EQ(refusal(with(": b\r\n")), "400 invalid character in a header name");
    EXPECT_EQ(refusal(with("A(): b\r\n")), "400 invalid character in a header name");
    EXPECT_EQ(refusal(with("nocolon\r\n")), "400 header line without a colon");
    EXPECT_EQ(refusal(with("\xC3\xA9: b\r\n")), "400 invalid character in a header name");
}

TEST(HttpRequestParser, RefusesBadRequestLines) {
    const std::string tail = "\r\nHost: h\r\n\r\n";
    EXPECT_EQ(refusal("GET /" + tail), "400 malformed request line");
    EXPECT_EQ(refusal("GET  / HTTP/1.1" + tail), "400 invalid character in the request target");
    EXPECT_EQ(refusal("GET / /x HTTP/1.1" + tail), "400 invalid character in the request target");
    EXPECT_EQ(refusal("GET  HTTP/1.1" + tail), "400 empty request target");
    EXPECT_EQ(refusal("GET x HTTP/1.1" + tail), "400 invalid request target");
    EXPECT_EQ(refusal("GET * HTTP/1.1" + tail), "400 invalid request target");
    EXPECT_EQ(refusal("GET /a#b HTTP/1.1" + tail), "400 invalid character in the request target");
    EXPECT_EQ(refusal("GET /a\tb HTTP/1.1" + tail), "400 invalid character in the request target");
    EXPECT_EQ(
        refusal("GET /a% HTTP/1.1" + tail),
        "400 invalid percent escape in the request target"
    );
    EXPECT_EQ(
        refusal("GET /a%4 HTTP/1.1" + tail),
        "400 invalid percent escape in the request target"
    );
    EXPECT_EQ(
        refusal("GET /a%zz HTTP/1.1" + tail),
        "400 invalid percent escape in the request target"
    );
    EXPECT_EQ(refusal("get / HTTP/1.1" + tail), "501 method not supported");
    EXPECT_EQ(refusal("BREW / HTTP/1.1" + tail), "501 method not supported");
    EXPECT_EQ(refusal("CONNECT h:80 HTTP/1.1" + tail), "501 method not supported");
    EXPECT_EQ(refusal("G@T / HTTP/1.1" + tail), "400 invalid method");
    EXPECT_EQ(refusal("GET / HTTP/2.0" + tail), "505 HTTP version not supported");
    EXPECT_EQ(refusal("GET / HTTP/1.2" + tail), "505 HTTP version not supported");
    EXPECT_EQ(refusal("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), "505 HTTP version not supported");
    EXPECT_EQ(refusal("GET / http/1.1" + tail), "400 invalid HTTP version");
    EXPECT_EQ(refusal("GET / HTTP/1.1 " + tail), "400 invalid HTTP version");
    EXPECT_EQ(refusal("\x16\x03\x01\x02"), "400 not an HTTP message");
    EXPECT_EQ(refusal("\r\n\r\n\r\nGET / HTTP/1.1" + tail), "400 malformed request line");
}

TEST(HttpRequestParser, RefusesMissingOrStrangeHost) {
    EXPECT_EQ(refusal("GET / HTTP/1.1\r\n\r\n"), "400 missing Host");
    EXPECT_EQ(refusal("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"), "400 repeated Host");
    EXPECT_EQ(refusal("GET / HTTP/1.1\r\nHost: a b\r\n\r\n"), "400 invalid Host");
    EXPECT_EQ(refusal("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"), "400 invalid Host");
    EXPECT_EQ(refusal("GET / HTTP/1.1\r\nHost: a,b\r\n\r\n"), "400 invalid Host");
    EXPECT_EQ(events({"GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n"}), "GET /? @[::1]:80 keep [] ");
}

TEST(HttpRequestParser, RefusesBadChunks) {
    const auto chunked = [](const std::string& body) {
        const std::string all = refusal(with("Transfer-Encoding: chunked\r\n", body));
        return all.substr(std::string("POST /x? @h keep").size());
    };
    EXPECT_EQ(chunked("x\r\n"), "400 invalid chunk size");
    EXPECT_EQ(chunked("\r\n"), "400 invalid chunk size");
    EXPECT_EQ(chunked(" 1\r\n"), "400 invalid chunk size");
    EXPECT_EQ(chunked("1 \r\n"), "400 invalid chunk size");
    EXPECT_EQ(chunked("0x1\r\n"), "400 invalid chunk size");
    EXPECT_EQ(chunked("-1\r\n"), "400 invalid chunk size");
    EXPECT_EQ(chunked("1\n"), "400 line ends without CR");
    EXPECT_EQ(chunked("1\r\nab\r\n"), "400 chunk longer than its size");
    EXPECT_EQ(chunked("1\r\na\n"), "400 line ends without CR");
    for (const char* bad :
         {"1;\x01", "1;", "1;=b", "1;a=", "1;a:b", "1;a=\"b", "1;a b", "1;a=\"b\"c"}) {
        EXPECT_EQ(chunked(std::string(bad) + "\r\n"), "400 invalid chunk extension") << bad;
    }
    EXPECT_EQ(chunked("1;a;b=c;d=\"e\\\"; \"\r\nx\r\n0\r\n\r\n"), " [x] ");
    EXPECT_EQ(chunked("FFFFFFFFFFFFFFFF\r\n"), "400 chunk size too large");
    EXPECT_EQ(chunked("FFFFFFFFFFFFFFF\r\n"), "413 body too large");
    EXPECT_EQ(chunked("1;" + std::string(300, 'e')), "400 chunk line too long");
    EXPECT_EQ(chunked("0\r\nbad trailer\r\n"), "400 white space in a header name");
    std::string extended;
    for (int i = 0; i < 100; ++i) {
        extended += "1;" + std::string(200, 'e') + "\r\na\r\n";
    }
    EXPECT_EQ(chunked(extended), "400 chunk extensions too large");
    std::string trailers = "0\r\n";
    for (int i = 0; i < 100; ++i) {
        trailers += "T: " + std::string(200, 't') + "\r\n";
    }
    EXPECT_EQ(chunked(trailers), "431 trailer fields too large");
}

TEST(HttpRequestParser, LimitsHold) {
    const std::string tail = " HTTP/1.1\r\nHost: h\r\n\r\n";
    EXPECT_EQ(refusal("GET /" + std::string(9000, 'a')), "414 request line too long");
    EXPECT_EQ(refusal("GET /" + std::string(9000, 'a') + tail), "414 request line too long");
    EXPECT_EQ(events({"GET /" + std::string(8000, 'a') + tail}).size(), 8000 + 18U);
    EXPECT_EQ(refusal(with("A: " + std::string(17000, 'a'))), "431 header fields too large");
    std::string many;
    for (int i = 0; i < 101; ++i) {
        many += "A: b\r\n";
    }
    EXPECT_EQ(refusal(with(many)), "431 too many header fields");
    const std::string head = "POST /x? @h keep";
    EXPECT_EQ(events({with("Content-Length: 11\r\n")}, {}, 10), head + "413 body too large");
    EXPECT_EQ(
        events({with("Content-Length: 10\r\n", "0123456789")}, {}, 10),
        head + " [0123456789] "
    );
    EXPECT_EQ(
        events({with("Transfer-Encoding: chunked\r\n", "6\r\n012345\r\n5\r\n")}, {}, 10),
        head + "413 body too large"
    );
    EXPECT_EQ(events({with("Content-Length: 104857601\r\n")}), head + "413 body too large");
}

TEST(HttpRequestParser, AnErrorIsFinal) {
    HttpRequestParser parser;
    ByteView bad = "\x01";
    EXPECT_EQ(parser.next(bad), HttpEvent::kError);
    ByteView good = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
    EXPECT_EQ(parser.next(good), HttpEvent::kError);
}

}  // namespace
}  // namespace kumo::wire
