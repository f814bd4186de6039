"""A browser loads a page of a hundred parts through a listener of HTTP/2 over TLS, from backends of either protocol."""

import base64
import collections
import json
import os
import re
import struct
import threading
import zlib

import chromium
import harness
from harness import wait_until
from matrix import MatrixTest
from peers import BLOCK, pieces

HERE = os.path.dirname(os.path.abspath(__file__))
LOG_LINE = re.compile(r'^\[[^]]*\] "(\S+) (\S+) (\S+)" (\d+) ')
# Bytes of what is no picture, from none at all to more than a stream's first window.
SIZES = (0, 1, 2, 100, 1000, 5000, 16383, 16384, 16385, 30000, 65535, 65536, 100000, 150000, 200000)
PICTURES = ((1, 1), (2, 3), (16, 16), (64, 64), (100, 99), (128, 128), (200, 180), (256, 260))
KEPT, NOT_KEPT, ASKED = "max-age=3600", "no-store", "no-cache"

Part = collections.namedtuple("Part", "kind content_type data expected cache chunked")


def body(size):
  return b"".join(pieces(size))


def text(size, at):
  """That many letters; parts of one size differ."""
  return base64.b64encode(BLOCK[at:] + BLOCK * 4).replace(b"+", b"a").replace(b"/", b"b")[:size].decode()


def png(width, height):
  """(file, colours): without compression, so that it is as long as its colours."""
  row = 3 * width
  colours = (BLOCK * 4)[width:width + row * height]
  rows = b"".join(b"\0" + colours[at:at + row] for at in range(0, len(colours), row))

  def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
  header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
  return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 0)) + chunk(b"IEND", b""), colours


def make_parts():
  """25 pictures, 25 scripts, 15 style sheets, 30 answers to GET and 5 to POST, by their names."""
  parts = {}

  def add(name, kind, content_type, data, seen):
    number = len(parts)
    cache = (None, KEPT, NOT_KEPT, ASKED)[number % 4]
    parts[name] = Part(kind, content_type, data, [len(seen), zlib.crc32(seen)], cache, number % 3 == 0)
  for number in range(25):
    data, colours = png(*PICTURES[number % len(PICTURES)])
    add("p%02d" % number, "picture", "image/png", data, colours)
  for number in range(25):
    name, words = "s%02d" % number, text(SIZES[number % len(SIZES)], number)
    add(name, "script", "text/javascript", ('part("%s", "%s");' % (name, words)).encode(), words.encode())
  for number in range(15):
    # A property cannot be empty.
    name, words = "c%02d" % number, text(max(1, SIZES[number]), number)
    add(name, "style", "text/css", (":root { --%s: %s; }" % (name, words)).encode(), words.encode())
  for number in range(30):
    data = body(SIZES[number % len(SIZES)])
    add("f%02d" % number, "fetch", "application/octet-stream", data, data)
  for number, size in enumerate((0, 1, 16385, 65536, 200000)):
    add("q%02d" % number, "post", "application/octet-stream", body(size), body(size))
  return parts


class Page(MatrixTest):

  http = {"access_log": "access.txt"}

  @classmethod
  def setUpClass(cls):
    chromium.require()
    cls.parts = make_parts()
    # Of each way to be kept, some are fetched again.
    cls.again = [name for name in cls.parts if cls.parts[name].kind == "fetch" and cls.parts[name].cache][:12]
    super().setUpClass()

  def page(self):
    def tags(kind, form):
      return "\n".join(form.format(name=name) for name, part in self.parts.items() if part.kind == kind)
    parts = {name: {"kind": part.kind, "size": part.expected[0]} for name, part in self.parts.items()}
    with open(os.path.join(HERE, "chromium", "page.html"), encoding="utf-8") as file:
      html = file.read()
    for word, value in (("MANIFEST", json.dumps({"parts": parts, "again": self.again})), ("BODY_BLOCK", str(len(BLOCK))),
                        ("STYLES", tags("style", '<link rel="stylesheet" href="{name}" onload="loaded(\'{name}\')">')),
                        ("PICTURES", tags("picture", '<img id="{name}" src="{name}" alt="" onload="loaded(\'{name}\')">')),
                        ("SCRIPTS", tags("script", '<script src="{name}" onload="loaded(\'{name}\')"></script>'))):
      html = html.replace(word, value)
    return html.encode()

  def handler(self, exchange):
    name = exchange.path.split("/")[2]
    request = exchange.body()
    with self.lock:
      self.asked[name] += 1
    if name == "page":
      self.answer(exchange, "text/html", self.page(), None)
    elif name == "result":
      self.result = json.loads(request.body.start)
      exchange.respond(204, end=True)
      self.done.set()
    else:
      self.serve_part(exchange, request, name, self.parts[name])

  def serve_part(self, exchange, request, name, part):
    self.assertEqual(exchange.method, "POST" if part.kind == "post" else "GET")
    if part.kind == "post":
      request.body.check(part.expected[0])
    if part.cache == ASKED and request.get("if-none-match") == '"%s"' % name:
      with self.lock:
        self.unchanged[name] += 1
      exchange.respond(304, [("etag", '"%s"' % name)], end=True)
      return
    self.answer(exchange, part.content_type, part.data, part.cache, [("etag", '"%s"' % name)], part.chunked)

  @staticmethod
  def answer(exchange, content_type, data, cache, fields=(), chunked=False):
    fields = [("content-type", content_type)] + list(fields) + ([("cache-control", cache)] if cache else [])
    exchange.respond(200, fields, "chunked" if chunked else len(data))
    for at in range(0, len(data), 65521):
      exchange.send(data[at:at + 65521])
    exchange.end()

  def load(self, back):
    self.lock, self.done = threading.Lock(), threading.Event()
    self.asked, self.unchanged, self.result = collections.Counter(), collections.Counter(), None
    self.assertEqual(len(self.parts), 100)
    before = self.weir.stats()
    port = self.weir.addresses["secure"].rpartition(":")[2]
    browser = chromium.Browser("https://a.test:%s/%s/page" % (port, back), "a.test", self.site[0])
    try:
      wait_until(lambda: self.done.is_set() or browser.ended(), lambda: "the page's word: %r\n%s" %
                 (self.asked, browser.log()), 8 * harness.DEADLINE)
      self.assertTrue(self.done.is_set(), "the browser ended: " + browser.log())
      after = self.weir.stats()
    finally:
      browser.end()
    self.judge_page()
    self.judge_connections(back, {name: after[name] - before[name] for name in before})

  def judge_page(self):
    self.assertEqual(self.result["errors"], [])
    self.assertEqual(self.result["parts"], {name: part.expected for name, part in self.parts.items()})
    self.assertEqual(sorted(self.result["loads"]),
                     sorted(name for name, part in self.parts.items() if part.kind in ("picture", "script", "style")))
    self.assertEqual(self.result["again"], {name: self.parts[name].expected for name in self.again})
    for name in self.again:
      cache = self.parts[name].cache
      self.assertEqual((self.asked[name], self.unchanged[name]),
                       {KEPT: (1, 0), NOT_KEPT: (2, 0), ASKED: (2, 1)}[cache], "%s: %s" % (name, cache))
    for name in self.parts:
      self.assertGreaterEqual(self.asked[name], 1, name)

  def judge_connections(self, back, counted):
    asked = sum(self.asked.values())
    self.assertGreaterEqual(asked, 102)
    connections = counted["http.secure.downstream_cx_total"]
    self.assertEqual(counted["http.secure.downstream_cx_ssl_total"], connections)
    # One, and those that the browser opens in the hope of needing them.
    self.assertLessEqual(connections, 4)
    self.assertGreaterEqual(counted["http.secure.downstream_rq_total"], asked)
    self.assertEqual(counted["http.secure.downstream_rq_tx_reset"], 0)
    self.assertEqual(counted["http.secure.downstream_cx_protocol_error"], 0)
    self.assertGreaterEqual(counted["cluster.%s.upstream_rq_total" % back], asked)
    if back.startswith("h2"):
      self.assertEqual(self.dialled(back), 1)
    # What the browser takes from its own store has a protocol too.
    self.assertEqual(set(self.result["protocols"]), {"h2"})
    self.assertGreaterEqual(self.result["protocols"]["h2"], 100)
    self.judge_log(back, asked)

  def judge_log(self, back, asked):
    """The proxy's own word for which protocol it was."""
    def lines():
      with open(self.weir.path("access.txt"), encoding="utf-8") as file:
        found = [LOG_LINE.match(line) for line in file]
      found = [line.groups() for line in found if line and line.group(2).startswith("/%s/" % back)]
      return found if len(found) >= asked else None
    for method, path, protocol, status in wait_until(lines, "the lines of the log"):
      self.assertEqual(protocol, "HTTP/2", (method, path))
      self.assertIn(status, ("200", "204", "304"), (method, path))

  def test_from_a_backend_of_http_1(self):
    self.load("h1")

  def test_from_a_backend_of_http_2(self):
    self.load("h2c")


if __name__ == "__main__":
  harness.main()
