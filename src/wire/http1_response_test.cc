#include "wire/http1.h"
#include "wire/http1_write.h"

#include <gtest/gtest.h>

#include <string>

namespace kumo::wire {
namespace {

std::string events(ByteView input, bool closes, HttpMethod method = HttpMethod::kGet) {
    HttpResponseParser parser;
    parser.expect_answer_to(method);
    std::string out;
    std::string body;
    const auto note = [&](HttpEvent event) {
        switch (event) {
            case HttpEvent::kNeedMore: out += "more"; break;
            case HttpEvent::kHead:
                out += std::to_string(parser.head().status()) + " "
                       + std::string(parser.head().reason())
                       + (parser.head().keep_alive() ? " keep" : " close");
                break;
            case HttpEvent::kBody: body += parser.body(); break;
            case HttpEvent::kComplete: out += " [" + body + "] "; break;
            case HttpEvent::kError: out += "! " + std::string(parser.error().reason); break;
        }
    };
    HttpEvent event = HttpEvent::kNeedMore;
    do {
        event = parser.next(input);
        note(event);
    } while (event != HttpEvent::kNeedMore && event != HttpEvent::kError);
    if (closes) {
        note(parser.finish());
    }
    return out;
}

TEST(HttpResponseParser, ReadsEveryFraming) {
    EXPECT_EQ(
        events("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", true),
        "200 OK keep [hi] moremore"
    );
    EXPECT_EQ(
        events(
            "HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
            false
        ),
        "404 Not Found keep [x] more"
    );
    EXPECT_EQ(events("HTTP/1.0 200\r\n\r\nrest", true), "200  closemore [rest] ");
    EXPECT_EQ(events("HTTP/1.1 204 No Content\r\n\r\n", false), "204 No Content keep [] more");
    EXPECT_EQ(
        events("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", false, HttpMethod::kHead),
        "200 OK keep [] more"
    );
}

TEST(HttpResponseParser, DropsInformationalResponses) {
    EXPECT_EQ(
        events(
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n",
            false
        ),
        "201 Created keep [] more"
    );
    std::string flood;
    for (int i = 0; i < 9; ++i) {
        flood += "HTTP/1.1 103 Early Hints\r\n\r\n";
    }
    EXPECT_EQ(events(flood, false), "! unexpected informational response");
    EXPECT_EQ(
        events("HTTP/1.1 101 Switching Protocols\r\n\r\n", false),
        "! unexpected informational response"
    );
}

TEST(HttpResponseParser, ACutResponseIsAnError) {
    EXPECT_EQ(events("", true), "moremore");
    EXPECT_EQ(events("HTTP/1.1 200 OK\r\n", true), "more! the connection closed inside a response");
    EXPECT_EQ(
        events("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nh", true),
        "200 OK keepmore! the connection closed inside a response"
    );
}

TEST(HttpResponseParser, RefusesMalformedStatusLines) {
    for (const char* bad :
         {"HTTP/2 200 OK",
          "HTTP/1.1 20 OK",
          "HTTP/1.1 2000",
          "HTTP/1.1  200",
          "200 OK",
          "HTTP/1.1 200 O\x01K"}) {
        EXPECT_EQ(events(std::string(bad) + "\r\n\r\n", false), "! malformed status line") << bad;
    }
    EXPECT_EQ(events("HTTP/1.1 999 X\r\n\r\n", false), "! invalid status code");
    EXPECT_EQ(
        events("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", false),
        "! both Content-Length and Transfer-Encoding"
    );
}

TEST(HttpWrite, WhatIsWrittenReadsBack) {
    std::string out;
    append_status_line(out, 422);
    append_field(out, "Echo", "a\r\nInjected: b");
    append_field(out, "Transfer-Encoding", "chunked");
    out += "\r\n";
    append_chunk(out, "hello ");
    append_chunk(out, "");
    append_chunk(out, std::string(300, 'x'));
    out += kLastChunk;
    EXPECT_EQ(
        events(out, false),
        "422 Unprocessable Content keep [hello " + std::string(300, 'x') + "] more"
    );
    EXPECT_NE(out.find("Echo: a  Injected: b\r\n"), std::string::npos);
}

TEST(HttpWrite, RequestLineCannotBeBroken) {
    std::string out;
    append_request_line(out, HttpMethod::kPost, "/a b\r\nX: \x7f#");
    EXPECT_EQ(out, "POST /a%20b%0D%0AX:%20%7F%23 HTTP/1.1\r\n");
    out.clear();
    append_field(out, "Content-Length", 17);
    EXPECT_EQ(out, "Content-Length: 17\r\n");
}

}  // namespace
}  // namespace kumo::wire
