"""Clients of HTTP/2 and HTTP/1.1 that mean harm, in frames made by hand."""

import struct
import threading
import time

import harness
from harness import WeirTest, route, wait_until

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
HIDDEN = b"GET /admin HTTP/1.1\r\nhost: h\r\n\r\n"
MOST_RSS_GROWTH = 48 << 20


def frame(kind, flags, stream, payload=b""):
  return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def literal(name, value):
  return bytes([0, len(name)]) + name + bytes([len(value)]) + value


def fields(*pairs):
  return b"".join(literal(name, value) for name, value in pairs)


class TunnelBytes(WeirTest):
  """What a client sends into a tunnel that no backend has agreed to would be a request to one that knows no tunnels."""

  http = {"upgrade_configs": [{"upgrade_type": "websocket"}, {"upgrade_type": "CONNECT"}]}
  routes = [{"match": {"connect_matcher": {}},
             "route": {"cluster": "app", "upgrade_configs": [{"upgrade_type": "CONNECT"}]}}, route()]

  def refused(self, head):
    answered = threading.Event()

    def script(wire):
      wire.head()
      wire.early = wire.has_input(0.2)
      wire.send(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n")
      answered.set()
      wire.got = wire.rest()

    self.backend.script = script
    client = self.connect()
    client.send(PREFACE + frame(4, 0, 0) + frame(1, 4, 1, head) + frame(0, 0, 1, HIDDEN))
    self.assertTrue(answered.wait(harness.DEADLINE))
    wait_until(lambda: hasattr(self.backend.wires[-1], "got"), "the backend's connection to end")
    self.assertFalse(self.backend.wires[-1].early, "nothing is sent before the answer")
    self.assertEqual(self.backend.wires[-1].got, b"", "nor after a refusal")
    client.close()

  def test_of_an_extended_connect_wait_for_the_answer(self):
    self.refused(fields((b":method", b"CONNECT"), (b":protocol", b"websocket"), (b":scheme", b"http"), (b":path", b"/chat"),
                        (b":authority", b"h"), (b"sec-websocket-version", b"13")))

  def test_of_a_connect_wait_for_the_answer(self):
    self.refused(fields((b":method", b"CONNECT"), (b":authority", b"h:80")))


class UnreadAnswers(WeirTest):
  """Who asks and does not read what it is answered is not listened to; what waits for it is bounded."""

  routes = [{"match": {"prefix": "/"}, "redirect": {"host_redirect": "elsewhere.test"}}]

  def wait_quiet(self):
    """Until no request was taken between two looks."""
    seen = [-1]

    def quiet():
      time.sleep(0.1)
      now = self.weir.stat("http.main.downstream_rq_total")
      last, seen[0] = seen[0], now
      return now == last

    wait_until(quiet, "requests to be taken no more")

  def flood(self, one, count):
    before = self.weir.rss()
    total = self.weir.stat("http.main.downstream_rq_total")
    client = self.connect(receive_buffer=4096)
    client.sock.settimeout(0.5)  # long enough for a proxy that still reads
    sent = 0
    try:
      while sent < count:
        client.sock.sendall(b"".join(one(sent + i) for i in range(500)))
        sent += 500
    except TimeoutError:
      pass
    self.wait_quiet()
    self.assertLess(self.weir.stat("http.main.downstream_rq_total") - total, count, "not all of them were listened to")
    self.assertLess(self.weir.peak_rss() - before, MOST_RSS_GROWTH)
    client.rst()
    wait_until(lambda: self.weir.stat("http.main.downstream_rq_active") == 0, "all requests to be over")

  def test_of_http_2_do_not_pile_up(self):
    head = b"\x82\x86\x04\x02/r\x01\x01h"  # :method GET, :scheme http, :path, :authority
    self.flood(lambda i: (PREFACE + frame(4, 0, 0) if i == 0 else b"") + frame(1, 5, 2 * i + 1, head), 200000)

  def test_of_http_1_do_not_pile_up(self):
    self.flood(lambda i: b"GET /r HTTP/1.1\r\nhost: h\r\n\r\n", 150000)


if __name__ == "__main__":
  harness.main()
