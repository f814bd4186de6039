"""Requests that two parsers could read differently. Each is refused, the connection ends, and not one byte of it reaches a
backend. A fault that shows only in the body ends the backend's connection, which is never used again."""

import harness
from harness import WeirTest, ok, request, wait_until

POST = b"POST /x HTTP/1.1\r\nhost: a.test\r\n"
GET = b"GET /x HTTP/1.1\r\nhost: a.test\r\n"
# What an attacker hides in the body or behind the request.
HIDDEN = b"GET /hidden HTTP/1.1\r\nhost: a.test\r\n\r\n"


def te(value):
  return POST + b"transfer-encoding: " + value + b"\r\n\r\n0\r\n\r\n"


def length(value):
  return POST + b"content-length: " + value + b"\r\n\r\n12345"


# name: (expected status, bytes)
HEADS = {
    # Row 1: both lengths.
    "length_then_encoding": (400, POST + b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"),
    "encoding_then_length": (400, POST + b"transfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n"),
    "length_0_and_encoding": (400, POST + b"content-length: 0\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"),
    # Row 2: lengths.
    "lengths_differ": (400, POST + b"content-length: 5\r\ncontent-length: 6\r\n\r\n123456"),
    "lengths_equal": (400, POST + b"content-length: 5\r\ncontent-length: 5\r\n\r\n12345"),
    "length_list": (400, length(b"5, 5")),
    "length_list_without_space": (400, length(b"5,6")),
    "length_empty": (400, length(b"")),
    "length_plus": (400, length(b"+5")),
    "length_minus": (400, length(b"-5")),
    "length_hex": (400, length(b"0x5")),
    "length_underscore": (400, length(b"1_0")),
    "length_inner_space": (400, length(b"5 5")),
    "length_trailing_junk": (400, length(b"5x")),
    "length_fraction": (400, length(b"5.0")),
    "length_vertical_tab": (400, length(b"\x0b5")),
    "length_2_to_63": (400, length(b"9223372036854775808")),
    "length_2_to_64_plus_5": (400, length(b"18446744073709551621")),
    "length_unicode_digit": (400, length(b"\xd9\xa5")),
    # Row 3: transfer-encoding.
    "encoding_leading_comma": (400, te(b",chunked")),
    "encoding_trailing_comma": (400, te(b"chunked,")),
    "encoding_twice_in_list": (400, te(b"chunked, chunked")),
    "encoding_twice": (400, POST + b"transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"),
    "encoding_and_identity": (400, POST + b"transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n\r\n0\r\n\r\n"),
    "encoding_xchunked": (501, te(b"xchunked")),
    "encoding_identity": (501, te(b"identity")),
    "encoding_gzip": (501, te(b"gzip")),
    "encoding_gzip_chunked": (501, te(b"gzip, chunked")),
    "encoding_chunked_not_last": (400, te(b"chunked, gzip")),
    "encoding_parameter": (400, te(b"chunked;q=1")),
    "encoding_quoted": (400, te(b"\"chunked\"")),
    "encoding_vertical_tab": (400, te(b"\x0bchunked")),
    "encoding_form_feed": (400, te(b"chunked\x0c")),
    "encoding_no_break_space": (400, te(b"chunked\xa0")),
    "encoding_inner_space": (400, te(b"chunk ed")),
    "encoding_null": (400, te(b"chunked\x00")),
    "encoding_empty": (400, te(b"")),
    "encoding_on_http_10": (400, b"POST /x HTTP/1.0\r\nhost: a.test\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"),
    "encoding_space_before_colon": (400, POST + b"transfer-encoding : chunked\r\n\r\n0\r\n\r\n"),
    "encoding_tab_before_colon": (400, POST + b"transfer-encoding\t: chunked\r\n\r\n0\r\n\r\n"),
    "encoding_folded": (400, POST + b"transfer-encoding:\r\n chunked\r\n\r\n0\r\n\r\n"),
    "encoding_after_bare_lf": (400, POST + b"x: y\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"),
    "encoding_after_bare_cr": (400, POST + b"x: y\rtransfer-encoding: chunked\r\n\r\n0\r\n\r\n"),
    "encoding_underscore": (400, POST + b"content-length: 5\r\ntransfer_encoding: chunked\r\n\r\n12345"),
    "length_underscore_name": (400, POST + b"content_length: 5\r\n\r\n"),
    # Row 5: names.
    "space_before_colon": (400, GET + b"x-a : 1\r\n\r\n"),
    "space_before_name": (400, GET + b" x-a: 1\r\n\r\n"),
    "first_line_folded": (400, b"GET /x HTTP/1.1\r\n host: a.test\r\n\r\n"),
    "empty_name": (400, GET + b": 1\r\n\r\n"),
    "no_colon": (400, GET + b"x-a\r\n\r\n"),
    "name_high_byte": (400, GET + b"x\x85a: 1\r\n\r\n"),
    "name_with_slash": (400, GET + b"x/a: 1\r\n\r\n"),
    "name_with_null": (400, GET + b"x\x00a: 1\r\n\r\n"),
    "name_with_tab": (400, GET + b"x\ta: 1\r\n\r\n"),
    # Row 6: folding.
    "folded_by_space": (400, GET + b"x-a: 1\r\n 2\r\n\r\n"),
    "folded_by_tab": (400, GET + b"x-a: 1\r\n\t2\r\n\r\n"),
    # Row 7: line ends.
    "bare_cr_in_value": (400, GET + b"x-a: 1\r2\r\n\r\n"),
    "bare_cr_at_end": (400, GET + b"x-a: 1\r\r\n\r\n"),
    "bare_lf_line_end": (400, GET + b"x-a: 1\nx-b: 2\r\n\r\n"),
    "bare_lf_head_end": (400, GET + b"x-a: 1\r\n\nrest"),
    "bare_lf_request_line": (400, b"GET /x HTTP/1.1\nhost: a.test\r\n\r\n"),
    "only_lf": (400, b"GET /x HTTP/1.1\nhost: a.test\n\n"),
    "bare_cr_request_line": (400, b"GET /x HTTP/1.1\rhost: a.test\r\n\r\n"),
    # Row 8: controls.
    "null_in_value": (400, GET + b"x-a: 1\x002\r\n\r\n"),
    "control_in_value": (400, GET + b"x-a: 1\x012\r\n\r\n"),
    "delete_in_value": (400, GET + b"x-a: 1\x7f2\r\n\r\n"),
    # Row 11: host.
    "host_missing": (400, b"GET /x HTTP/1.1\r\nx-a: 1\r\n\r\n"),
    "host_twice": (400, GET + b"host: b.test\r\n\r\n"),
    "host_twice_equal": (400, GET + b"host: a.test\r\n\r\n"),
    "host_list": (400, b"GET /x HTTP/1.1\r\nhost: a.test, b.test\r\n\r\n"),
    "host_userinfo": (400, b"GET /x HTTP/1.1\r\nhost: u@a.test\r\n\r\n"),
    "host_port_not_a_number": (400, b"GET /x HTTP/1.1\r\nhost: a.test:x\r\n\r\n"),
    "host_port_too_large": (400, b"GET /x HTTP/1.1\r\nhost: a.test:65536\r\n\r\n"),
    "host_with_space": (400, b"GET /x HTTP/1.1\r\nhost: a b\r\n\r\n"),
    "host_with_slash": (400, b"GET /x HTTP/1.1\r\nhost: a.test/b\r\n\r\n"),
    "host_with_null": (400, b"GET /x HTTP/1.1\r\nhost: a\x00.b\r\n\r\n"),
    "host_empty": (400, b"GET /x HTTP/1.1\r\nhost: \r\n\r\n"),
    "host_differs_from_absolute_form": (400, b"GET http://b.test/x HTTP/1.1\r\nhost: a.test\r\n\r\n"),
    "absolute_form_userinfo": (400, b"GET http://u@a.test/x HTTP/1.1\r\nhost: a.test\r\n\r\n"),
    "absolute_form_other_scheme": (400, b"GET ftp://a.test/x HTTP/1.1\r\nhost: a.test\r\n\r\n"),
    # Row 12: targets.
    "target_fragment": (400, b"GET /x#y HTTP/1.1\r\nhost: a.test\r\n\r\n"),
    "target_control": (400, b"GET /x\x01 HTTP/1.1\r\nhost: a.test\r\n\r\n"),
    "target_tab": (400, b"GET /x\ty HTTP/1.1\r\nhost: a.test\r\n\r\n"),
    "target_high_byte": (400, b"GET /x\xff HTTP/1.1\r\nhost: a.test\r\n\r\n"),
    "target_null": (400, b"GET /x\x00 HTTP/1.1\r\nhost: a.test\r\n\r\n"),
    "target_relative": (400, b"GET x HTTP/1.1\r\nhost: a.test\r\n\r\n"),
    "target_asterisk_for_get": (400, b"GET * HTTP/1.1\r\nhost: a.test\r\n\r\n"),
    "target_missing": (400, b"GET HTTP/1.1\r\nhost: a.test\r\n\r\n"),
    "connect_where_not_configured": (501, b"CONNECT a.test:80 HTTP/1.1\r\nhost: a.test:80\r\n\r\n"),
    # Row 13: versions.
    "version_20": (505, b"GET /x HTTP/2.0\r\nhost: a.test\r\n\r\n"),
    "version_12": (505, b"GET /x HTTP/1.2\r\nhost: a.test\r\n\r\n"),
    "version_09": (505, b"GET /x HTTP/0.9\r\nhost: a.test\r\n\r\n"),
    "version_lower_case": (400, b"GET /x http/1.1\r\nhost: a.test\r\n\r\n"),
    "version_two_digits": (400, b"GET /x HTTP/1.10\r\nhost: a.test\r\n\r\n"),
    "version_missing": (400, b"GET /x\r\nhost: a.test\r\n\r\n"),
    "http2_preface": (505, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    # Row 14: spaces and empty lines.
    "two_spaces_before_target": (400, b"GET  /x HTTP/1.1\r\nhost: a.test\r\n\r\n"),
    "two_spaces_before_version": (400, b"GET /x  HTTP/1.1\r\nhost: a.test\r\n\r\n"),
    "space_after_version": (400, b"GET /x HTTP/1.1 \r\nhost: a.test\r\n\r\n"),
    "leading_space": (400, b" GET /x HTTP/1.1\r\nhost: a.test\r\n\r\n"),
    "tab_before_target": (400, b"GET\t/x HTTP/1.1\r\nhost: a.test\r\n\r\n"),
    "two_empty_lines_before": (400, b"\r\n\r\nGET /x HTTP/1.1\r\nhost: a.test\r\n\r\n"),
    "leading_lf": (400, b"\nGET /x HTTP/1.1\r\nhost: a.test\r\n\r\n"),
    "method_with_colon": (400, b"GE:T /x HTTP/1.1\r\nhost: a.test\r\n\r\n"),
    "tls_client_hello": (400, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 32),
    # Row 15: HTTP/1.0 methods with bodies.
    "get_10_with_body": (413, b"GET /x HTTP/1.0\r\nhost: a.test\r\ncontent-length: 5\r\n\r\n12345"),
    # Row 19: connection.
    "connection_not_a_token": (400, GET + b"connection: a b\r\n\r\n"),
}

CHUNKED = POST + b"transfer-encoding: chunked\r\n\r\n"
# Faults that show when the head is gone already: (bytes after the head)
BODIES = {
    "size_missing": b"\r\nhello\r\n0\r\n\r\n",
    "size_not_hex": b"xyz\r\nhello\r\n0\r\n\r\n",
    "size_sign": b"+5\r\nhello\r\n0\r\n\r\n",
    "size_minus": b"-5\r\nhello\r\n0\r\n\r\n",
    "size_0x": b"0x5\r\nhello\r\n0\r\n\r\n",
    "size_underscore": b"0_5\r\nhello\r\n0\r\n\r\n",
    "size_space_before": b" 5\r\nhello\r\n0\r\n\r\n",
    "size_space_after": b"5 \r\nhello\r\n0\r\n\r\n",
    "size_tab_after": b"5\t\r\nhello\r\n0\r\n\r\n",
    "size_17_digits": b"00000000000000005\r\nhello\r\n0\r\n\r\n",
    "size_overflow": b"fffffffffffffffff\r\nhello\r\n0\r\n\r\n",
    "size_2_to_63": b"8000000000000000\r\nhello\r\n0\r\n\r\n",
    "size_by_lf": b"5\nhello\r\n0\r\n\r\n",
    "size_by_cr": b"5\rhello\r\n0\r\n\r\n",
    "extension_with_lf": b"5;a=b\nhello\r\n0\r\n\r\n",
    "extension_with_cr": b"5;a=b\r\rX\r\nhello\r\n0\r\n\r\n",
    "extension_with_null": b"5;a=\x00\r\nhello\r\n0\r\n\r\n",
    "data_too_long": b"5\r\nhelloo\r\n0\r\n\r\n",
    "data_by_lf": b"5\r\nhello\n0\r\n\r\n",
    "data_by_cr": b"5\r\nhello\r0\r\n\r\n",
    "last_chunk_by_lf": b"5\r\nhello\r\n0\n\r\n",
    "end_by_lf": b"5\r\nhello\r\n0\r\n\n",
    "trailer_without_colon": b"0\r\nnonsense\r\n\r\n",
    "trailer_folded": b"0\r\nx: 1\r\n 2\r\n\r\n",
    "trailer_space_before_colon": b"0\r\nx : 1\r\n\r\n",
    "trailer_with_null": b"0\r\nx: \x00\r\n\r\n",
    "trailer_by_lf": b"0\r\nx: 1\n\r\n",
}


class RefusedHeads(WeirTest):
  http = {"codec_type": "HTTP1"}  # else the preface of HTTP/2 would be one

  def check(self, raw, status):
    client = self.connect()
    client.send(raw + HIDDEN)
    response = client.response()
    self.assertEqual(response.status, status, response)
    self.assertTrue(response.closes(), response)
    self.assertTrue(client.at_end(), "nothing follows, and the connection ends")
    client.close()
    self.assertEqual(self.backend.total_received(), 0)

  def test_every_refused_head_goes_nowhere(self):
    for name, (status, raw) in HEADS.items():
      with self.subTest(name):
        self.check(raw, status)

  def test_every_refused_head_is_refused_when_it_comes_byte_by_byte(self):
    for name, (status, raw) in HEADS.items():
      with self.subTest(name):
        client = self.connect()
        try:
          for at in range(len(raw)):
            client.send(raw[at:at + 1])
        except ConnectionError:
          pass  # refused before the end of it
        response = client.response()
        self.assertEqual((response.status, response.closes()), (status, True))
        client.close()
        self.assertEqual(self.backend.total_received(), 0)

  def test_a_refused_head_behind_a_good_request_goes_nowhere(self):
    for name, (status, raw) in HEADS.items():
      if name in ("two_empty_lines_before", "leading_lf"):
        continue
      with self.subTest(name):
        client = self.connect()
        client.send(request("/good") + raw + HIDDEN)
        self.assertEqual(client.response().body, b"/good")
        response = client.response()
        self.assertEqual((response.status, response.closes()), (status, True))
        self.assertTrue(client.at_end())
        client.close()
        self.assertEqual({seen.target for seen in self.backend.requests}, {"/good"})


class RefusedBodies(WeirTest):

  def test_every_bad_chunked_body_ends_both_connections(self):
    for name, raw in BODIES.items():
      with self.subTest(name):
        client = self.connect()
        client.send(CHUNKED + raw + HIDDEN)
        answer = client.rest()
        self.assertTrue(answer == b"" or answer.startswith(b"HTTP/1.1 400 "), answer)
        client.close()
        # A connection that was opened for it and got nothing of it may serve the next request.
        wait_until(lambda: all(getattr(wire, "done", False) or wire.received == 0 for wire in self.backend.wires),
                   "the end of the backend's connection")
        self.assertEqual([seen for seen in self.backend.requests], [], "no request came through whole")

  def test_a_bad_chunked_body_in_pieces_ends_both_connections(self):
    for name, raw in BODIES.items():
      with self.subTest(name):
        before = len(self.backend.wires)
        client = self.connect()
        client.send(CHUNKED)
        wait_until(lambda: len(self.backend.wires) > before and self.backend.wires[-1].received, "the head")
        try:
          for at in range(len(raw)):
            client.send(raw[at:at + 1])
        except ConnectionError:
          pass
        answer = client.rest()
        self.assertTrue(answer == b"" or answer.startswith(b"HTTP/1.1 400 "), answer)
        client.close()
        wire = self.backend.wires[-1]
        wait_until(lambda: getattr(wire, "done", False), "the end of the backend's connection")
        self.assertNotIn(b"0\r\n\r\n", wire.buffer[-5:])
        self.assertEqual(self.backend.requests, [])

  def test_client_that_ends_inside_a_body_ends_the_backends_connection(self):
    for head, body in ((POST + b"content-length: 10\r\n\r\n", b"12345"), (CHUNKED, b"5\r\nhel"), (CHUNKED, b"5\r\nhello\r\n")):
      before = len(self.backend.wires)
      client = self.connect()
      client.send(head + body)
      wait_until(lambda: len(self.backend.wires) > before and self.backend.wires[-1].received, "the head")
      client.half_close()
      client.rest()
      wait_until(lambda: getattr(self.backend.wires[-1], "done", False), "the end of the backend's connection")
      self.assertEqual(self.backend.requests, [])


class Sanitised(WeirTest):
  """What is let through, but not as it came."""

  def seen(self, raw):
    client = self.connect()
    client.send(raw)
    self.assertEqual(client.response().status, 200)
    client.close()
    return self.backend.requests[-1]

  def test_h2c_upgrade_is_never_forwarded(self):
    client = self.connect()
    client.send(GET + b"connection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n\r\n")
    client.response()
    for seen in self.backend.requests:
      self.assertEqual(seen.all("upgrade") + seen.all("http2-settings"), [])
      self.assertNotIn("upgrade", (seen.get("connection") or "").lower())

  def test_hop_by_hop_fields_are_dropped(self):
    seen = self.seen(GET + b"keep-alive: timeout=5\r\nproxy-connection: keep-alive\r\nte: trailers\r\nx-a: 1\r\n\r\n")
    self.assertEqual(seen.all("keep-alive") + seen.all("proxy-connection"), [])
    self.assertEqual(seen.get("x-a"), "1")

  def test_fields_nominated_by_connection_are_dropped(self):
    seen = self.seen(GET + b"connection: x-secret, keep-alive\r\nx-secret: 1\r\nX-Secret: 2\r\nx-b: 3\r\n\r\n")
    self.assertEqual(seen.all("x-secret"), [])
    self.assertEqual(seen.get("x-b"), "3")

  def test_framing_cannot_be_nominated_away(self):
    seen = self.seen(POST + b"connection: content-length, host\r\ncontent-length: 5\r\n\r\nhello")
    self.assertEqual((seen.body, seen.get("host")), (b"hello", "a.test"))
    seen = self.seen(POST + b"connection: transfer-encoding\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")
    self.assertEqual(seen.body, b"hello")

  def test_what_weir_adds_cannot_be_nominated_away(self):
    seen = self.seen(GET + b"connection: x-forwarded-for, x-request-id, x-forwarded-proto\r\nx-forwarded-for: 9.9.9.9\r\n\r\n")
    self.assertEqual(seen.get("x-forwarded-for"), "127.0.0.1")
    self.assertTrue(seen.get("x-request-id"))
    self.assertEqual(seen.get("x-forwarded-proto"), "http")

  def test_encoding_in_another_case_is_chunked(self):
    seen = self.seen(POST + b"Transfer-Encoding: CHUNKED \t\r\n\r\n5\r\nhello\r\n0\r\n\r\n")
    self.assertEqual((seen.body, seen.all("transfer-encoding")), (b"hello", ["chunked"]))

  def test_forbidden_trailers_do_not_reach_the_backend(self):
    seen = self.seen(CHUNKED + b"0\r\nx-forwarded-for: 6.6.6.6\r\ncontent-length: 3\r\nhost: evil\r\nauthorization: x\r\n"
                     b"x-ok: 1\r\n\r\n")
    self.assertEqual(seen.trailers, [("x-ok", "1")])


if __name__ == "__main__":
  harness.main()
