"""The filters compressor and decompressor, with curl and raw wires, over HTTP/1.1 and HTTP/2."""

import gzip
import os
import queue
import zlib

import harness
from harness import ok, wait_until
from test_curl import CurlTest

PAGE = b"".join(b"<p>line %d of a page that is worth it</p>\n" % number for number in range(20000))
HTML = (("content-type", "text/html"), ("etag", '"v1"'), ("accept-ranges", "bytes"))
BOTH = ("--http1.1", "--http2-prior-knowledge")


class Compressor(CurlTest):
  http = {"http_filters": [{"name": "envoy.filters.http.compressor", "typed_config": {"libraries": ["zstd", "br", "gzip"]}},
                           {"name": "mux"}]}

  def test_what_curl_decodes_is_the_page(self):
    self.backend.answer = lambda seen: ok(PAGE, HTML)
    for version in BOTH:
      for coding in ("gzip", "br", "zstd"):
        body, log = self.curl("/", "-v", version, "--compressed", "-H", "accept-encoding: " + coding)
        self.assertTrue(body == PAGE, "%s %s" % (version, coding))
        log = log.lower()
        self.assertIn("< content-encoding: %s" % coding, log)
        self.assertIn('< etag: w/"v1"', log)
        self.assertEqual(log.count("< vary: accept-encoding"), 1)
        self.assertNotIn("< content-length", log)
        self.assertNotIn("< accept-ranges", log)
    self.assertGreaterEqual(self.weir.stat("plugin.compressor.response.compressed"), 6)

  def test_others_get_the_page_with_its_length(self):
    self.backend.answer = lambda seen: ok(PAGE, HTML)
    for version in BOTH:
      body, log = self.curl("/", "-v", version)
      self.assertTrue(body == PAGE)
      self.assertIn("< content-length: %d" % len(PAGE), log.lower())
      self.assertIn("< vary: accept-encoding", log.lower())
      self.assertIn('< etag: "v1"', log.lower())

  def test_head_and_not_modified_have_no_body_and_no_coding(self):
    self.backend.answer = lambda seen: ok(PAGE, HTML)
    body, _ = self.curl("/", "-I", "-H", "accept-encoding: gzip")
    self.assertIn(b"content-length: %d" % len(PAGE), body.lower())
    self.assertNotIn(b"content-encoding", body.lower())
    self.backend.answer = lambda seen: b"HTTP/1.1 304 Not Modified\r\netag: \"v1\"\r\n\r\n"
    response = self.get("/", fields=(("accept-encoding", "gzip"),))
    self.assertEqual((response.status, response.get("content-encoding")), (304, None))

  def test_a_stalled_stream_is_not_held_back(self):
    go = queue.Queue()

    def script(wire):
      wire.request()
      wire.send(b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ntransfer-encoding: chunked\r\ntrailer: x-t\r\n\r\n")
      for piece in (b"first", b"second"):
        wire.send(b"%x\r\n%s\r\n" % (len(piece), piece))
        go.get(timeout=harness.DEADLINE)
      wire.send(b"0\r\nx-t: end\r\n\r\n")
    self.backend.script = script
    wire = self.connect()
    wire.send(b"GET / HTTP/1.1\r\nhost: a\r\naccept-encoding: gzip\r\n\r\n")
    self.assertEqual(wire.head().get("content-encoding"), "gzip")
    decoder, seen = zlib.decompressobj(31), b""
    for wanted in (b"first", b"firstsecond"):
      while seen != wanted:
        seen += decoder.decompress(wire.take(int(wire.until(b"\r\n"), 16)))
        wire.take(2)
      go.put(None)
    message = harness.Message(b"HTTP/1.1 200 OK\r\n\r\n")
    wire.chunked(message)
    self.assertEqual(decoder.decompress(message.body), b"")
    self.assertTrue(decoder.eof)
    self.assertEqual(message.trailers, [("x-t", "end")])

  def test_an_answer_that_breaks_off_does_not_look_whole(self):
    self.backend.script = lambda wire: (wire.request(), wire.send(
        b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 100000\r\n\r\n" + PAGE[:5000]), wire.close())
    with self.assertRaises(harness.Truncated):
      self.get("/", fields=(("accept-encoding", "gzip"),))


class Decompressor(CurlTest):
  http = {"http_filters": [{"name": "decompressor", "typed_config": {"libraries": ["gzip", "br", "zstd"]}}, {"name": "mux"}]}

  def test_an_answer_for_a_client_that_knows_no_coding(self):
    def answer(seen):
      self.assertEqual(seen.get("accept-encoding"), "gzip, br, zstd")
      return ok(gzip.compress(PAGE), HTML + (("content-encoding", "gzip"),))
    self.backend.answer = answer
    for version in BOTH:
      body, log = self.curl("/", "-v", version)
      self.assertTrue(body == PAGE, version)
      self.assertNotIn("content-encoding", log.lower())

  def test_a_body_that_grows_a_hundredfold_comes_whole_through_a_slow_client(self):
    page = b"".join(os.urandom(8).hex().encode() * 60 for _ in range(20000))
    self.backend.answer = lambda seen: ok(gzip.compress(page), HTML + (("content-encoding", "gzip"),))
    before = self.weir.rss()
    wire = self.connect(receive_buffer=65536)
    wire.send(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
    wire.until(b"\r\n\r\n")
    wait_until(lambda: self.weir.stat("plugin.decompressor.response.total_uncompressed_bytes") > 0)
    self.assertLess(self.weir.rss() - before, 16 << 20, "it waits for the client")
    message = harness.Message(b"HTTP/1.1 200 OK\r\n\r\n")
    wire.chunked(message)
    self.assertTrue(message.body == page)
    for version in BOTH:
      body, _ = self.curl("/", version)
      self.assertTrue(body == page, version)

  def test_a_request_is_decoded_for_the_backend(self):
    self.backend.answer = lambda seen: ok(seen.body, (("x-coding", seen.get("content-encoding", "none")),))
    for version in BOTH:
      body, log = self.curl("/", "-v", version, "-H", "content-encoding: gzip", "--data-binary",
                            "@" + self.file(gzip.compress(PAGE)))
      self.assertTrue(body == PAGE, version)
      self.assertIn("x-coding: none", log)

  def test_a_bomb_is_413_and_junk_is_400(self):
    bomb = gzip.compress(bytes(30 << 20))
    for version in BOTH:
      for data, status in ((bomb, b"413"), (b"no gzip at all", b"400"), (gzip.compress(PAGE)[:-9], b"400")):
        body, _ = self.curl("/", "-s", version, "-o", "/dev/null", "-w", "%{http_code}", "-H", "content-encoding: gzip",
                            "--data-binary", "@" + self.file(data))
        self.assertEqual(body, status, version)
    self.assertGreaterEqual(self.weir.stat("plugin.decompressor.request.too_large"), 2)

  def test_an_answer_that_is_cut_is_not_passed_off_as_whole(self):
    self.backend.answer = lambda seen: ok(gzip.compress(PAGE)[:-9], HTML + (("content-encoding", "gzip"),))
    with self.assertRaises(harness.Truncated):
      self.get("/")


if __name__ == "__main__":
  harness.main()
