// What a codec in server position reads from good and bad requests.
#include <gtest/gtest.h>

#include "tests/unit/codecs/h1/expect_events.h"

namespace weir::h1 {
namespace {

struct Case {
  const char* rule;
  std::string bytes;
  std::string expected;
};

void RunAll(const std::vector<Case>& cases, CodecOptions options = {}) {
  for (const Case& c : cases) {
    SCOPED_TRACE(c.rule);
    ExpectRequestEvents(c.bytes, c.expected, options);
  }
}

// A head with one more line, and with a Host.
std::string With(const std::string& lines, const std::string& first = "POST / HTTP/1.1") {
  return first + "\r\nHost: a\r\n" + lines + "\r\n";
}

std::string Refused(int status, const std::string& detail) {
  return "ERROR " + std::to_string(status) + " http1." + detail + "\n";
}

TEST(RequestTest, TheFourFormsOfATarget) {
  RunAll({
      {"origin", "GET /a/b?c=d HTTP/1.1\r\nHost: h\r\n\r\n", "HEAD GET [] h /a/b?c=d\nEND\n"},
      {"absolute", "GET http://h:80/p HTTP/1.1\r\nHost: h\r\n\r\n",
       "HEAD GET [http] h:80 /p\nEND\n"},
      {"absolute, scheme in any case", "GET HTTPS://h/p HTTP/1.1\r\nHost: h:443\r\n\r\n",
       "HEAD GET [https] h /p\nEND\n"},
      {"absolute without path", "GET http://h HTTP/1.1\r\nHost: H\r\n\r\n",
       "HEAD GET [http] h /\nEND\n"},
      {"absolute with query only", "GET http://h:8080?q=1 HTTP/1.1\r\nHost: h:8080\r\n\r\n",
       "HEAD GET [http] h:8080 /?q=1\nEND\n"},
      {"absolute OPTIONS without path is asterisk", "OPTIONS http://h HTTP/1.1\r\nHost: h\r\n\r\n",
       "HEAD OPTIONS [http] h *\nEND\n"},
      {"asterisk", "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", "HEAD OPTIONS [] h *\nEND\n"},
      {"authority", "CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n",
       "HEAD CONNECT [] h:443  tunnel\n"},
      {"any token is a method", "M-SEARCH /x HTTP/1.1\r\nHost: h\r\n\r\n",
       "HEAD M-SEARCH [] h /x\nEND\n"},
      {"IPv6 literal", "GET / HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n",
       "HEAD GET [] [::1]:8080 /\nEND\n"},
  });
}

TEST(RequestTest, BadTargetsAreRefused) {
  const std::string host = " HTTP/1.1\r\nHost: h\r\n\r\n";
  RunAll({
      {"fragment", "GET /a#b" + host, Refused(400, "fragment_in_url")},
      {"tab", "GET /a\tb" + host, Refused(400, "invalid_url")},
      {"control", std::string("GET /a\x01z") + host, Refused(400, "invalid_url")},
      {"NUL", std::string("GET /a\0z", 8) + host, Refused(400, "invalid_url")},
      {"DEL", "GET /a\x7f" + host, Refused(400, "invalid_url")},
      {"raw byte above 0x7e", "GET /\xc3\xa4" + host, Refused(400, "invalid_url")},
      {"no slash", "GET a" + host, Refused(400, "invalid_url")},
      {"other scheme", "GET ftp://h/" + host, Refused(400, "invalid_url")},
      {"userinfo", "GET http://u@h/" + host, Refused(400, "invalid_authority")},
      {"empty authority", "GET http:///x" + host, Refused(400, "invalid_authority")},
      {"asterisk with GET", "GET *" + host, Refused(400, "invalid_url")},
      {"CONNECT without port", "CONNECT h" + host, Refused(400, "invalid_connect_target")},
      {"CONNECT with a path", "CONNECT /x" + host, Refused(400, "invalid_connect_target")},
      {"CONNECT with other Host", "CONNECT g:1" + host, Refused(400, "host_differs_from_target")},
  });
}

TEST(RequestTest, ConnectIsRefusedWhereItIsNotAllowed) {
  CodecOptions options;
  options.flags = WEIR_CODEC_ACCEPT_HTTP_10;
  ExpectRequestEvents("CONNECT h:1 HTTP/1.1\r\nHost: h:1\r\n\r\n",
                      Refused(501, "connect_not_allowed"), options);
}

TEST(RequestTest, TheRequestLineHasOneFormOnly) {
  const std::string rest = "\r\nHost: h\r\n\r\n";
  RunAll({
      {"leading space", " GET / HTTP/1.1" + rest, Refused(400, "invalid_method")},
      {"two spaces", "GET  / HTTP/1.1" + rest, Refused(400, "repeated_space")},
      {"two spaces before the version", "GET /  HTTP/1.1" + rest, Refused(400, "invalid_version")},
      {"trailing space", "GET / HTTP/1.1 " + rest, Refused(400, "invalid_version")},
      {"tab for space", "GET\t/ HTTP/1.1" + rest, Refused(400, "invalid_method")},
      {"byte in method", "GE(T / HTTP/1.1" + rest, Refused(400, "invalid_method")},
      {"empty method", "/ HTTP/1.1" + rest, Refused(400, "invalid_method")},
      {"HTTP/0.9", "GET /\r\n", Refused(400, "no_version")},
      {"HTTP/0.9 in full", "GET / HTTP/0.9" + rest, Refused(505, "unsupported_version")},
      {"HTTP/1.2", "GET / HTTP/1.2" + rest, Refused(505, "unsupported_version")},
      {"HTTP/2.0", "GET / HTTP/2.0" + rest, Refused(505, "unsupported_version")},
      {"the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
       Refused(505, "unsupported_version")},
      {"many digits", "GET / HTTP/1.10" + rest, Refused(400, "invalid_version")},
      {"lower case", "GET / http/1.1" + rest, Refused(400, "invalid_version")},
      {"other protocol", "GET / RTSP/1.0" + rest, Refused(400, "invalid_version")},
      {"bare LF", "GET / HTTP/1.1\nHost: h\r\n\r\n", Refused(400, "bare_lf")},
      {"bare CR", "GET / HTTP/1.1\rHost: h\r\n\r\n", Refused(400, "bare_cr")},
      {"nothing behind the target", "GET / \r\n\r\n", Refused(400, "invalid_version")},
  });
}

TEST(RequestTest, OneEmptyLineMayStandBefore) {
  RunAll({
      {"one", "\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", "HEAD GET [] h /\nEND\n"},
      {"two", "\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", Refused(400, "invalid_method")},
      {"LF", "\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", Refused(400, "invalid_method")},
      {"CR", "\rGET / HTTP/1.1\r\nHost: h\r\n\r\n", Refused(400, "invalid_method")},
  });
}

TEST(RequestTest, FieldsAreReadInOrderAndLowerCased) {
  RunAll({
      {"names and values",
       With("X-One: A  b\r\nCOOKIE:c=d\r\nEmpty:\r\nBlank: \t \r\nTrail: x \t\r\n",
            "GET / HTTP/1.1"),
       "HEAD GET [] a / x-one=A  b cookie=c=d empty= blank= trail=x\nEND\n"},
      {"a tab and bytes above 0x7f in a value", With("A: x\ty\xff\x80\r\n", "GET / HTTP/1.1"),
       "HEAD GET [] a / a=x\ty\xff\x80\nEND\n"},
      {"a long value", With("A: " + std::string(3000, 'v') + "\r\n", "GET / HTTP/1.1"),
       "HEAD GET [] a / a=" + std::string(3000, 'v') + "\nEND\n"},
  });
}

TEST(RequestTest, BadFieldLinesAreRefused) {
  std::vector<Case> cases = {
      {"space before colon", With("A : b\r\n"), Refused(400, "space_before_colon")},
      {"tab before colon", With("A\t: b\r\n"), Refused(400, "space_before_colon")},
      {"empty name", With(": b\r\n"), Refused(400, "empty_field_name")},
      {"no colon", With("Ab\r\n"), Refused(400, "invalid_field_name")},
      {"byte in name", With("A(b: c\r\n"), Refused(400, "invalid_field_name")},
      {"high byte in name", With("A\x85: c\r\n"), Refused(400, "invalid_field_name")},
      {"obs-fold", With("A: b\r\n c\r\n"), Refused(400, "obs_fold")},
      {"obs-fold with tab", With("A: b\r\n\tc\r\n"), Refused(400, "obs_fold")},
      {"fold behind the request line", "GET / HTTP/1.1\r\n A: b\r\n\r\n", Refused(400, "obs_fold")},
      {"bare CR in value", With("A: b\rc\r\n"), Refused(400, "bare_cr")},
      {"CR CR LF", With("A: b\r\r\n"), Refused(400, "bare_cr")},
      {"bare LF", With("A: b\nC: d\r\n"), Refused(400, "bare_lf")},
      {"bare LF ends the head", "GET / HTTP/1.1\r\nHost: a\r\n\n",
       Refused(400, "invalid_field_name")},
      {"CR and no LF end the head", "GET / HTTP/1.1\r\nHost: a\r\n\rx", Refused(400, "bare_cr")},
      {"NUL", With(std::string("A: b\0c\r\n", 8)), Refused(400, "invalid_characters")},
      {"DEL", With("A: b\x7f\r\n"), Refused(400, "invalid_characters")},
  };
  for (int c = 1; c < 32; ++c) {
    if (c == '\t' || c == '\r' || c == '\n') continue;
    cases.push_back({"control", With(std::string("A: b") + static_cast<char>(c) + "c\r\n"),
                     Refused(400, "invalid_characters")});
  }
  RunAll(cases);
}

TEST(RequestTest, TransferEncodingWithLengthIsRefused) {
  RunAll({
      {"length first", With("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n"),
       Refused(400, "content_length_and_chunked_not_allowed")},
      {"coding first", With("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n"),
       Refused(400, "content_length_and_chunked_not_allowed")},
  });
}

TEST(RequestTest, ContentLengthIsOneNumberOnce) {
  std::vector<Case> cases = {
      {"good", With("Content-Length: 3\r\n") + "abc", "HEAD POST [] a / length=3\nDATA abc\nEND\n"},
      {"zero", With("Content-Length: 0\r\n"), "HEAD POST [] a / length=0\nEND\n"},
      {"leading zeros", With("Content-Length: 0003\r\n") + "abc",
       "HEAD POST [] a / length=3\nDATA abc\nEND\n"},
      {"the largest", With("Content-Length: 9223372036854775807\r\n"),
       "HEAD POST [] a / length=9223372036854775807\nRESET 5\n"},
      {"repeated and equal", With("Content-Length: 3\r\nContent-Length: 3\r\n"),
       Refused(400, "repeated_content_length")},
      {"repeated and different", With("Content-Length: 3\r\nContent-Length: 4\r\n"),
       Refused(400, "repeated_content_length")},
  };
  for (const char* bad :
       {"", "+5", "-5", "0x10", "1_0", "5 5", "5,5", "5, 5", "5.0", "a", "5a", "\x35\xa0",
        "9223372036854775808", "18446744073709551616", "99999999999999999999"}) {
    cases.push_back({bad, With(std::string("Content-Length: ") + bad + "\r\n"),
                     Refused(400, "invalid_content_length")});
  }
  RunAll(cases);
}

TEST(RequestTest, TransferEncodingIsOneFinalChunked) {
  std::vector<Case> cases = {
      {"good", With("Transfer-Encoding: chunked\r\n") + "0\r\n\r\n", "HEAD POST [] a /\nEND\n"},
      {"any case", With("Transfer-Encoding: ChunKed\r\n") + "0\r\n\r\n", "HEAD POST [] a /\nEND\n"},
      {"two fields", With("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
       Refused(400, "repeated_transfer_encoding")},
      {"two fields, gzip first", With("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n"),
       Refused(400, "repeated_transfer_encoding")},
      {"vertical tab", With("Transfer-Encoding: \vchunked\r\n"),
       Refused(400, "invalid_characters")},
  };
  for (const char* bad : {"", ",chunked", "chunked,", "chunked,chunked", "chunked, gzip",
                          "chunked;q=1", "chun ked", "\"chunked\"", "chunked\xa0",
                          "\xa0"
                          "chunked"}) {
    cases.push_back({bad, With(std::string("Transfer-Encoding: ") + bad + "\r\n"),
                     Refused(400, "invalid_transfer_encoding")});
  }
  for (const char* unknown : {"xchunked", "chunkedx", "gzip", "identity", "gzip, chunked"}) {
    cases.push_back({unknown, With(std::string("Transfer-Encoding: ") + unknown + "\r\n"),
                     Refused(501, "invalid_transfer_encoding")});
  }
  RunAll(cases);
}

TEST(RequestTest, HttpOneZero) {
  RunAll({
      {"closes", "GET / HTTP/1.0\r\n\r\n", "HEAD GET []  / v10\nEND\n"},
      {"with Host", "GET / HTTP/1.0\r\nHost: a\r\n\r\n", "HEAD GET [] a / v10\nEND\n"},
      {"transfer-encoding", With("Transfer-Encoding: chunked\r\n", "POST / HTTP/1.0"),
       Refused(400, "transfer_encoding_not_allowed")},
      {"POST with length", With("Content-Length: 2\r\n", "POST / HTTP/1.0") + "ab",
       "HEAD POST [] a / v10 length=2\nDATA ab\nEND\n"},
      {"GET with body", With("Content-Length: 2\r\n", "GET / HTTP/1.0"),
       Refused(413, "body_disallowed")},
      {"HEAD with body", With("Content-Length: 2\r\n", "HEAD / HTTP/1.0"),
       Refused(413, "body_disallowed")},
      {"DELETE with body", With("Content-Length: 2\r\n", "DELETE / HTTP/1.0"),
       Refused(413, "body_disallowed")},
      {"GET with length 0", With("Content-Length: 0\r\n", "GET / HTTP/1.0"),
       "HEAD GET [] a / v10 length=0\nEND\n"},
      {"expects nothing",
       With("Content-Length: 1\r\nExpect: 100-continue\r\n", "POST / HTTP/1.0") + "x",
       "HEAD POST [] a / v10 length=1\nDATA x\nEND\n"},
  });
}

TEST(RequestTest, HttpOneZeroIsRefusedWhereItIsNotAccepted) {
  CodecOptions options;
  options.flags = 0;
  ExpectRequestEvents("GET / HTTP/1.0\r\n\r\n", Refused(505, "unsupported_version"), options);
}

TEST(RequestTest, AGetMayHaveABody) {
  ExpectRequestEvents(With("Content-Length: 2\r\n", "GET / HTTP/1.1") + "ab",
                      "HEAD GET [] a / length=2\nDATA ab\nEND\n");
}

TEST(RequestTest, HostIsOneGoodAuthority) {
  std::vector<Case> cases = {
      {"missing", "GET / HTTP/1.1\r\n\r\n", "ERROR 400 missing_host_header\n"},
      {"repeated", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", Refused(400, "repeated_host")},
      {"differs from the target", "GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n",
       Refused(400, "host_differs_from_target")},
      {"port differs from the target", "GET http://a:81/ HTTP/1.1\r\nHost: a\r\n\r\n",
       Refused(400, "host_differs_from_target")},
  };
  for (const char* bad :
       {"", "a, b", "a,b", "u@a", "a:", "a:x", "a:0", "a:65536", "a:080", "a b", "a/b", "a%41",
        "[::1", "[]", "[g::1]", "a:1:2", "a\xc3\xa4", "a#", "a?"}) {
    cases.push_back({bad, std::string("GET / HTTP/1.1\r\nHost: ") + bad + "\r\n\r\n",
                     Refused(400, "invalid_host")});
  }
  RunAll(cases);
}

TEST(RequestTest, NothingThatIsFramingStandsInTheFields) {
  ExpectRequestEvents(
      With("Connection: keep-alive, X-Gone\r\nKeep-Alive: timeout=5\r\nX-Gone: 1\r\n"
           "Proxy-Connection: keep-alive\r\nTE: trailers, deflate;q=0.5\r\nX-Kept: 2\r\n"
           "HTTP2-Settings: AAA\r\nUpgrade: h2c\r\n",
           "GET / HTTP/1.1"),
      "HEAD GET [] a / te x-kept=2\nEND\n");
}

TEST(RequestTest, NominationRemovesWhatItNamesAndNeverHostOrFraming) {
  RunAll({
      {"framing", With("Connection: content-length, host\r\nContent-Length: 1\r\n") + "x",
       "HEAD POST [] a / length=1\nDATA x\nEND\n"},
      {"in any case and more than once",
       With("A: 1\r\nConnection: a, B\r\nb: 2\r\nConnection: C\r\n"
            "c: 3\r\nD: 4\r\na: 5\r\n",
            "GET / HTTP/1.1"),
       "HEAD GET [] a / d=4\nEND\n"},
      {"no list of tokens", With("Connection: a b\r\n"), Refused(400, "invalid_connection")},
      {"too many",
       With("Connection: a\r\nConnection: a\r\nConnection: a\r\nConnection: a\r\n"
            "Connection: a\r\nConnection: a\r\nConnection: a\r\nConnection: a\r\n"
            "Connection: a\r\n"),
       Refused(400, "too_many_connection_fields")},
  });
}

TEST(RequestTest, Expectations) {
  RunAll({
      {"100-continue", With("Content-Length: 1\r\nExpect: 100-Continue\r\n") + "x",
       "HEAD POST [] a / length=1 expect\nDATA x\nEND\n"},
      {"without a body it means nothing", With("Expect: 100-continue\r\n"),
       "HEAD POST [] a /\nEND\n"},
      {"anything else", With("Expect: 200-ok\r\n"), Refused(417, "unknown_expectation")},
  });
}

TEST(RequestTest, BodiesByLengthAndByChunks) {
  const std::string chunked = With("Transfer-Encoding: chunked\r\n");
  RunAll({
      {"length", With("Content-Length: 11\r\n") + "hello world",
       "HEAD POST [] a / length=11\nDATA hello world\nEND\n"},
      {"one chunk", chunked + "5\r\nhello\r\n0\r\n\r\n", "HEAD POST [] a /\nDATA hello\nEND\n"},
      {"chunks", chunked + "5\r\nhello\r\n00006\r\n world\r\n000\r\n\r\n",
       "HEAD POST [] a /\nDATA hello world\nEND\n"},
      {"hex in both cases", chunked + "A\r\n0123456789\r\nb\r\nabcdefghijk\r\n0\r\n\r\n",
       "HEAD POST [] a /\nDATA 0123456789abcdefghijk\nEND\n"},
      {"extensions are dropped", chunked + "5;a;b=c;d=\"e \\\" f\"\r\nhello\r\n0;last\r\n\r\n",
       "HEAD POST [] a /\nDATA hello\nEND\n"},
      {"trailers", chunked + "1\r\nx\r\n0\r\nX-Sum: 7\r\nGrpc-Status: 0\r\n\r\n",
       "HEAD POST [] a /\nDATA x\nTRAILERS x-sum=7 grpc-status=0\nEND\n"},
      {"forbidden trailers are dropped",
       chunked + "0\r\nContent-Length: 5\r\nHost: evil\r\nAuthorization: x\r\nX-Sum: 7\r\n"
                 "Transfer-Encoding: chunked\r\nContent-Type: a\r\nTrailer: b\r\n\r\n",
       "HEAD POST [] a /\nTRAILERS x-sum=7\nEND\n"},
      {"only forbidden trailers", chunked + "0\r\nHost: evil\r\n\r\n", "HEAD POST [] a /\nEND\n"},
      {"end inside a length", With("Content-Length: 5\r\n") + "ab",
       "HEAD POST [] a / length=5\nDATA ab\nRESET 5\n"},
      {"end inside a chunk", chunked + "5\r\nab", "HEAD POST [] a /\nDATA ab\nRESET 5\n"},
      {"end before the last chunk", chunked + "2\r\nab\r\n",
       "HEAD POST [] a /\nDATA ab\nRESET 5\n"},
      {"end inside trailers", chunked + "2\r\nab\r\n0\r\nA: b\r\n",
       "HEAD POST [] a /\nDATA ab\nRESET 5\n"},
      {"end inside a head", "GET / HTTP/1.1\r\nHost: a\r\n", "ERROR 0 http1.truncated_head\n"},
      {"end before anything", "", ""},
  });
}

TEST(RequestTest, BadChunksAreRefused) {
  const std::string chunked = With("Transfer-Encoding: chunked\r\n");
  struct Bad {
    const char* bytes;
    const char* detail;
    const char* data = "";
  };
  for (const Bad& bad : {
           Bad{"\r\n", "invalid_chunk_size"},
           Bad{";a\r\n", "invalid_chunk_size"},
           Bad{"g\r\n", "invalid_chunk_size"},
           Bad{"+1\r\nx", "invalid_chunk_size"},
           Bad{"-1\r\nx", "invalid_chunk_size"},
           Bad{"0x1\r\nx", "invalid_chunk_size"},
           Bad{"1_0\r\nx", "invalid_chunk_size"},
           Bad{" 1\r\nx", "invalid_chunk_size"},
           Bad{"1 \r\nx", "blank_in_chunk_line"},
           Bad{"1\t;a\r\nx", "blank_in_chunk_line"},
           Bad{"8000000000000000\r\n", "invalid_chunk_size"},
           Bad{"ffffffffffffffff\r\n", "invalid_chunk_size"},
           Bad{"10000000000000000\r\n", "invalid_chunk_size"},
           Bad{"00000000000000001\r\nx", "invalid_chunk_size"},
           Bad{"1\nx", "invalid_chunk_size"},
           Bad{"1\rx", "invalid_chunk"},
           Bad{"1;\r\nx", "invalid_chunk_extension"},
           Bad{"1;a=\r\nx", "invalid_chunk_extension"},
           Bad{"1;a\nx", "invalid_chunk_extension"},
           Bad{"1;a\r\r\nx", "invalid_chunk"},
           Bad{"1;a b\r\nx", "invalid_chunk_extension"},
           Bad{"1; a\r\nx", "invalid_chunk_extension"},
           Bad{"1;a=\"b\r\n\"\r\nx", "invalid_chunk_extension"},
           Bad{"1;a=\"\\\n\"\r\nx", "invalid_chunk_extension"},
           Bad{"1;a=\"b\"c\r\nx", "invalid_chunk_extension"},
           Bad{"1\r\nxy", "invalid_chunk_end", "x"},
           Bad{"1\r\nx\n", "invalid_chunk_end", "x"},
           Bad{"1\r\nx\rz", "invalid_chunk_end", "x"},
           Bad{"1\r\nx0\r\n\r\n", "invalid_chunk_end", "x"},
           Bad{"0\r\n\n", "invalid_field_name"},
           Bad{"0\r\n A: b\r\n\r\n", "obs_fold"},
           Bad{"0\r\nA : b\r\n\r\n", "space_before_colon"},
           Bad{"0\r\nA: b\nC: d\r\n\r\n", "bare_lf"},
       }) {
    SCOPED_TRACE(bad.bytes);
    const std::string data = *bad.data == 0 ? "" : std::string("DATA ") + bad.data + "\n";
    ExpectRequestEvents(chunked + bad.bytes,
                        "HEAD POST [] a /\n" + data + Refused(400, bad.detail));
  }
}

TEST(RequestTest, TrailersAreDroppedWhereAsked) {
  CodecOptions options;
  options.flags |= WEIR_CODEC_DROP_TRAILERS;
  ExpectRequestEvents(With("Transfer-Encoding: chunked\r\n") + "1\r\nx\r\n0\r\nA: b\r\n\r\n",
                      "HEAD POST [] a /\nDATA x\nEND\n", options);
}

TEST(RequestTest, LimitsHoldWhileTheHeadComes) {
  CodecOptions options;
  options.max_head_bytes = 200;
  options.max_field_count = 5;
  RunAll(
      {
          {"a head of exactly the limit",
           "GET / HTTP/1.1\r\nHost: a\r\nA: " + std::string(200 - 16 - 9 - 3 - 4, 'x') + "\r\n\r\n",
           "HEAD GET [] a / a=" + std::string(168, 'x') + "\nEND\n"},
          {"one byte more",
           "GET / HTTP/1.1\r\nHost: a\r\nA: " + std::string(200 - 16 - 9 - 3 - 3, 'x') + "\r\n\r\n",
           Refused(431, "headers_too_large")},
          {"a target that does not end", "GET /" + std::string(300, 'x'),
           Refused(414, "target_too_long")},
          {"a method that does not end", std::string(300, 'X'), Refused(414, "target_too_long")},
          {"a value that does not end", "GET / HTTP/1.1\r\nA: " + std::string(300, 'x'),
           Refused(431, "headers_too_large")},
          {"as many fields as are allowed",
           "GET / HTTP/1.1\r\nHost: a\r\nA: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\n\r\n",
           "HEAD GET [] a / a=1 b=2 c=3 d=4\nEND\n"},
          {"one more, framing fields count",
           "GET / HTTP/1.1\r\nHost: a\r\nA: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\nE: 5\r\n\r\n",
           Refused(431, "too_many_headers")},
      },
      options);
}

TEST(RequestTest, LimitsHoldBeforeTheHeadIsComplete) {
  CodecOptions options;
  options.max_head_bytes = 1000;
  options.max_field_count = 5;
  for (const size_t piece : {1u, 7u, 5000u}) {
    CodecHarness many(options);
    for (int i = 0; i < 100 && many.events().empty(); ++i) {
      const std::string line = i == 0 ? "GET / HTTP/1.1\r\n" : "A: 1\r\n";
      for (size_t at = 0; at < line.size(); at += piece) many.Feed(line.substr(at, piece));
      ASSERT_LT(i, 8) << "the seventh line is too much";
    }
    EXPECT_EQ(many.EventText(), Refused(431, "too_many_headers"));
    CodecHarness large(options);
    size_t fed = 0;
    large.Feed("GET / HTTP/1.1\r\nA: ");
    while (large.events().empty() && fed < 5000) {
      large.Feed(std::string(piece, 'x'));
      fed += piece;
    }
    EXPECT_EQ(large.EventText(), Refused(431, "headers_too_large"));
    EXPECT_LE(fed, std::max<size_t>(1000, piece));
  }
}

TEST(RequestTest, TrailersAreBounded) {
  CodecOptions options;
  options.max_trailer_bytes = 64;
  options.max_field_count = 4;
  const std::string head = With("Transfer-Encoding: chunked\r\n") + "0\r\n";
  ExpectRequestEvents(head + "A: " + std::string(100, 'x') + "\r\n\r\n",
                      "HEAD POST [] a /\n" + Refused(431, "trailers_too_large"), options);
  ExpectRequestEvents(head + "A: 1\r\nB: 1\r\nC: 1\r\nD: 1\r\nE: 1\r\n\r\n",
                      "HEAD POST [] a /\n" + Refused(431, "too_many_headers"), options);
}

TEST(RequestTest, ChunkExtensionsAreBounded) {
  const std::string head = With("Transfer-Encoding: chunked\r\n");
  ExpectRequestEvents(head + "1;" + std::string(20000, 'x') + "\r\n",
                      "HEAD POST [] a /\n" + Refused(400, "chunk_extensions_too_long"));
  std::string many = head;
  for (int i = 0; i < 5000; ++i) many += "1;abc\r\nx\r\n";
  CodecHarness codec;
  codec.Feed(many);
  EXPECT_EQ(codec.events().back(), "ERROR 400 http1.chunk_extensions_too_long");
}

TEST(RequestTest, AByteAtATimeCostsOneLookPerByteAndOneParse) {
  // Quadratic work would take minutes here.
  CodecOptions options;
  options.max_head_bytes = 1 << 20;
  options.max_field_count = 20000;
  std::string bytes = "GET / HTTP/1.1\r\nHost: a\r\n";
  for (int i = 0; i < 4000; ++i) bytes += "A: 0123456789\r\n";
  bytes += "\r\n";
  // The span is shown in place, as a slab is: the harness' own copies would be quadratic.
  CodecHarness codec(options);
  std::vector<uint8_t> slab(bytes.begin(), bytes.end());
  slab.resize(slab.size() + 64);
  weir_event event;
  for (size_t size = 1; size < bytes.size(); ++size) {
    ASSERT_EQ(codec.api().receive(codec.codec(), slab.data(), size, 0, &event), 0u);
    ASSERT_EQ(event.type, WEIR_EVENT_NONE);
  }
  EXPECT_EQ(codec.api().receive(codec.codec(), slab.data(), bytes.size(), 0, &event), bytes.size());
  ASSERT_EQ(event.type, WEIR_EVENT_HEAD);
  EXPECT_EQ(event.head->field_count, 4000u);
}

TEST(RequestTest, AHeadThatIsLateIsAnswered408) {
  CodecHarness codec;
  codec.Feed("GET / HT");
  uint8_t span[8 + 64] = "GET / HT";
  weir_event event;
  codec.api().receive(codec.codec(), span, 8, WEIR_RECEIVE_EXPIRED, &event);
  EXPECT_EQ(event.type, WEIR_EVENT_ERROR);
  EXPECT_EQ(event.error.status, 408);
  EXPECT_EQ(event.error.reason, WEIR_REASON_TIMEOUT);
  CodecHarness idle;
  idle.api().receive(idle.codec(), span, 0, WEIR_RECEIVE_EXPIRED, &event);
  EXPECT_EQ(event.type, WEIR_EVENT_NONE) << "an idle connection is not late";
}

TEST(RequestTest, LinesInOneFormAreMarkedAsRaw) {
  CodecHarness codec;
  std::vector<int> raw;
  codec.OnHead(
      [](void* context, const weir_head& head) {
        for (uint32_t i = 0; i < head.field_count; ++i) {
          const weir_field& f = head.fields[i];
          static_cast<std::vector<int>*>(context)->push_back(f.raw_form);
          if (f.raw_form != 0) {
            const std::string line = std::string(f.name, f.name_size) + ": " +
                                     std::string(f.value, f.value_size) + "\r\n";
            EXPECT_EQ(std::string(f.name, f.value + f.value_size + f.raw_tail), line);
          }
          EXPECT_GE(f.name, head.block.data);
          EXPECT_LE(f.value + f.value_size, head.block.data + head.block.size);
        }
      },
      &raw);
  codec.Feed(
      "GET / HTTP/1.1\r\nHost: a\r\nA: 1\r\nB:2\r\nC:  3\r\nD: 4 \r\nE: \r\nF:\r\nG: x y\r\n\r\n");
  EXPECT_EQ(raw, (std::vector<int>{7, 0, 0, 0, 7, 0, 7}));
}

}  // namespace
}  // namespace weir::h1
