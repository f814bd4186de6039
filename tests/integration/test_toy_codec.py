"""A protocol that the program does not know, from a plugin: H1 to toy to H1, through two listeners of one process.

The toy codec (tests/support/toy_codec) is multiplexed, so this is also the proof that nothing between the codecs counts on
one stream a connection.
"""

import os
import socket
import tempfile
import threading

import harness
from harness import WeirTest, cluster, config, listener, ok, request, route

TOY = os.path.join(os.path.dirname(harness.BINARY), "tests.d", "plugins")
harness.PLUGINS = TOY + ":" + harness.PLUGINS


class ThroughTheToyProtocol(WeirTest):

  @classmethod
  def make_config(cls):
    directory = tempfile.TemporaryDirectory(prefix="weir-toy-")
    cls.addClassCleanup(directory.cleanup)
    address = "unix:" + os.path.join(directory.name, "toy")
    # The admin pages speak the codec of the last listener.
    return config([listener("toy", [route("app")], address=address, codecs=["toy"]), listener("main", [route("toy")])],
                  # So that nothing is left open between tests.
                  [cluster("toy", address, protocol="toy", idle_timeout="0.05s"),
                   cluster("app", cls.backend.address)])

  def echo(self, body):
    def script(wire):
      # Keep-alive: a backend that closes unannounced may do so under the next POST, which cannot be sent again.
      while (message := wire.request()) is not None:
        wire.send(ok(message.body))
    self.backend.script = script
    return body

  def test_a_request_and_its_fields_arrive(self):
    response = self.get("/a?b=c", [("x-there", "1")])
    self.assertEqual((response.status, response.body), (200, b"/a?b=c"))
    self.assertEqual(self.backend.requests[0].get("x-there"), "1")
    self.assertEqual(self.backend.requests[0].get("host"), "a.test")

  def test_bodies_larger_than_every_window_go_both_ways(self):
    body = self.echo(os.urandom(3000000))
    response = self.get("/", method="POST", body=body)
    self.assertEqual(response.status, 200)
    self.assertTrue(response.body == body, "%d of %d bytes" % (len(response.body), len(body)))

  def test_many_requests_share_connections_without_mixing(self):
    self.echo(b"")
    bodies = [os.urandom(100000 + number) for number in range(30)]
    clients = [self.connect() for _ in bodies]
    for client, body in zip(clients, bodies):
      client.send(request("/", method="POST", body=body))
    for client, body in zip(clients, bodies):
      response = client.response("POST")
      self.assertEqual(response.status, 200)
      self.assertTrue(response.body == body)

  def test_a_client_that_goes_away_ends_its_stream_alone(self):
    stays = self.connect()
    stays.send(request("/stays", method="POST", body=b"x"))
    self.assertEqual(stays.response("POST").status, 200)
    leaves = self.connect()
    leaves.send(b"POST /leaves HTTP/1.1\r\nhost: a.test\r\ncontent-length: 1000\r\n\r\nsome")
    leaves.rst()
    for _ in range(5):
      self.assertEqual(stays.send(request("/stays")).response().body, b"/stays")


class TheToyProtocolBesideHttp(WeirTest):
  """One listener, two codecs: the client's first bytes say which."""

  HELLO = bytes([1, 0, 0, 12, 0, 0, 0, 0]) + b"TOY1" + bytes([0, 0, 255, 255, 0, 0, 0, 100])

  @classmethod
  def make_config(cls):
    directory = tempfile.TemporaryDirectory(prefix="weir-toy-")
    cls.addClassCleanup(directory.cleanup)
    cls.path = os.path.join(directory.name, "both")
    address = "unix:" + cls.path
    return config([listener("both", [route("app")], address=address, codecs=["toy", "h1"], request_headers_timeout="0.3s"),
                   listener("main", [route("toy")])],
                  [cluster("toy", address, protocol="toy", idle_timeout="0.05s"),
                   cluster("app", cls.backend.address)])

  def dial(self):
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(harness.DEADLINE)
    sock.connect(self.path)
    wire = harness.Wire(sock)
    self.clients.append(wire)
    return wire

  def test_a_toy_client_and_an_http_client_are_served_on_one_socket(self):
    for number in range(3):
      self.assertEqual(self.get("/toy%d" % number).body, b"/toy%d" % number)
      self.assertEqual(self.dial().send(request("/http%d" % number)).response().body, b"/http%d" % number)

  def test_first_bytes_in_pieces_decide_the_same(self):
    http = self.dial()
    for byte in request("/slow"):
      http.send(bytes([byte]))
    self.assertEqual(http.response().body, b"/slow")
    toy = self.dial()
    for byte in self.HELLO:
      toy.send(bytes([byte]))
    self.assertEqual(toy.take(12)[8:], b"TOY1")

  def test_undecided_bytes_have_the_time_of_a_head(self):
    wire = self.dial()
    wire.send(self.HELLO[:5])
    self.assertEqual(wire.rest(), b"")
    self.weir.wait_stat("http.both.downstream_rq_header_timeout", 1)

  def test_a_client_that_goes_without_a_byte_leaves_nothing(self):
    self.dial().close()
    half = self.dial()
    half.half_close()
    self.assertEqual(half.rest(), b"")


class AToyConnectionThatHasToEnd(WeirTest):
  """In two steps: no more streams please, and some time later none are taken. What is under way is finished."""

  @classmethod
  def make_config(cls):
    return config([listener("main", [route("app")], codecs=["toy"], drain_timeout="0.4s",
                            common_http_protocol_options={"max_connection_duration": "0.3s"})],
                  [cluster("app", cls.backend.address)])

  @staticmethod
  def head(stream):
    texts = b"".join(len(text).to_bytes(2, "big") + text for text in (b"GET", b"http", b"a.test", b"/", b""))
    payload = bytes([1, 20]) + bytes(14) + texts
    return bytes([2, 1]) + len(payload).to_bytes(2, "big") + stream.to_bytes(4, "big") + payload

  def frame(self, client):
    kind, _, *length = client.take(4)
    stream = int.from_bytes(client.take(4), "big")
    return kind, stream, client.take(length[0] * 256 + length[1])

  def test_a_stream_that_goes_on_is_answered_after_both_steps_and_a_later_one_is_refused(self):
    release = threading.Event()
    self.addCleanup(release.set)

    def script(wire):
      while wire.request() is not None:
        release.wait(harness.DEADLINE)
        wire.send(ok(b"late"))
    self.backend.script = script
    client = self.connect()
    client.send(TheToyProtocolBesideHttp.HELLO + self.head(1))
    self.assertEqual(self.frame(client)[0], 1)
    self.assertEqual(self.frame(client), (6, 0, bytes([255] * 4)))
    client.send(self.head(2))
    self.assertEqual(self.frame(client), (6, 0, bytes([0, 0, 0, 2])))
    client.send(self.head(3))
    self.assertEqual(self.frame(client)[:2], (4, 3))
    release.set()
    frames = [self.frame(client) for _ in range(4)]
    self.assertEqual(sorted(stream for _, stream, _ in frames), [1, 1, 2, 2])
    self.assertEqual(client.rest(), b"")


if __name__ == "__main__":
  harness.main()
