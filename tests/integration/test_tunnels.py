"""Upgrades and CONNECT: refused unless configured, and otherwise a tunnel in both directions until both ends are done."""

import base64
import hashlib
import threading

import harness
from harness import WeirTest, ok, request, wait_until

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
WEBSOCKET = [("connection", "Upgrade"), ("upgrade", "websocket"), ("sec-websocket-version", "13"), ("sec-websocket-key", KEY)]


def accept_of(key):
  return base64.b64encode(hashlib.sha1(key.encode() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()).decode()


def switching(head):
  return ("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-accept: %s\r\n\r\n"
          % accept_of(head.get("sec-websocket-key"))).encode()


class Websocket(WeirTest):
  http = {"upgrade_configs": ["websocket"]}

  def tunnel(self, script):
    """The script runs once the backend has answered 101."""
    def whole(wire):
      wire.upgrade_head = wire.head()
      wire.send(switching(wire.upgrade_head))
      script(wire)
    self.backend.script = whole
    client = self.connect()
    client.send(request("/ws", WEBSOCKET))
    response = client.response()
    self.assertEqual(response.status, 101)
    return client, response

  def test_the_handshake_is_made_on_both_sides(self):
    client, response = self.tunnel(lambda wire: wire.rest())
    self.assertEqual(response.get("sec-websocket-accept"), accept_of(KEY))
    self.assertEqual(response.get("upgrade").lower(), "websocket")
    self.assertIn("upgrade", response.get("connection").lower())
    seen = self.backend.wires[0].upgrade_head
    self.assertEqual(seen.get("upgrade").lower(), "websocket")
    self.assertIn("upgrade", seen.get("connection").lower())
    self.assertEqual(seen.get("sec-websocket-version"), "13")
    del client

  def test_bytes_go_both_ways(self):
    def echo(wire):
      while wire.fill():
        data, wire.buffer = wire.buffer, b""
        wire.send(data.upper())
    client, _ = self.tunnel(echo)
    for number in range(50):
      text = b"message %d " % number
      client.send(text)
      self.assertEqual(client.take(len(text)), text.upper())

  def test_server_speaks_first_in_the_segment_of_the_101(self):
    def script(wire):
      head = wire.head()
      wire.send(switching(head) + b"hello from the server")
      wire.rest()
    self.backend.script = script
    client = self.connect()
    client.send(request("/ws", WEBSOCKET))
    self.assertEqual(client.response().status, 101)
    self.assertEqual(client.take(21), b"hello from the server")

  def test_101_and_first_bytes_cut_at_every_byte(self):
    for cut in range(1, 140, 3):
      def script(wire):
        data = switching(wire.head()) + b"hello"
        wire.send_pieces(data[:cut], data[cut:])
        wire.rest()
      self.backend.script = script
      client = self.connect()
      client.send(request("/ws", WEBSOCKET))
      self.assertEqual(client.response().status, 101)
      self.assertEqual(client.take(5), b"hello", cut)
      client.close()

  def test_client_bytes_in_the_segment_of_the_request_reach_the_server(self):
    def script(wire):
      head = wire.head()
      wire.early = wire.has_input(0.1)
      wire.send(switching(head))
      wire.send(wire.take(5).upper())
      wire.rest()
    self.backend.script = script
    client = self.connect()
    client.send(request("/ws", WEBSOCKET) + b"hello")
    self.assertEqual(client.response().status, 101)
    self.assertEqual(client.take(5), b"HELLO")
    self.assertFalse(self.backend.wires[0].early, "nothing is sent before the 101")

  def test_half_close_of_the_client_leaves_the_other_direction_open(self):
    def script(wire):
      wire.got = wire.rest()
      wire.send(b"after your end: " + wire.got)
    client, _ = self.tunnel(script)
    client.send(b"last words").half_close()
    self.assertEqual(client.rest(), b"after your end: last words")

  def test_half_close_of_the_server_leaves_the_other_direction_open(self):
    done = threading.Event()

    def script(wire):
      wire.send(b"bye")
      wire.half_close()
      wire.got = wire.rest()
      done.set()
    client, _ = self.tunnel(script)
    self.assertEqual(client.rest(), b"bye")
    client.send(b"still here").half_close()
    self.assertTrue(done.wait(harness.DEADLINE))
    self.assertEqual(self.backend.wires[0].got, b"still here")

  def test_rst_of_the_server_ends_the_clients_side(self):
    client, _ = self.tunnel(lambda wire: wire.rst())
    client.rest()

  def test_rst_of_the_client_ends_the_servers_side(self):
    ended = threading.Event()

    def script(wire):
      wire.rest()
      ended.set()
    client, _ = self.tunnel(script)
    client.rst()
    self.assertTrue(ended.wait(harness.DEADLINE))

  def test_an_idle_tunnel_costs_no_processor_time(self):
    client, _ = self.tunnel(lambda wire: (wire.half_close(), wire.rest()))
    self.assertEqual(client.rest(), b"")
    before = self.weir.cpu_seconds()
    harness.select.select([], [], [], 0.5)  # the time over which it is measured
    self.assertLess(self.weir.cpu_seconds() - before, 0.2)

  def test_a_megabyte_each_way_at_once(self):
    size = 4 << 20
    pattern = bytes(range(256)) * (size // 256)

    def script(wire):
      writer = threading.Thread(target=lambda: wire.send(pattern))
      writer.start()
      wire.got = wire.take(size)
      writer.join()
    client, _ = self.tunnel(script)
    writer = threading.Thread(target=lambda: client.send(pattern))
    writer.start()
    self.assertEqual(client.take(size), pattern)
    writer.join()
    wait_until(lambda: getattr(self.backend.wires[0], "got", None) == pattern, "the bytes at the backend")

  def test_gauge_of_tunnels(self):
    client, _ = self.tunnel(lambda wire: wire.rest())
    self.assertEqual(self.weir.stat("http.main.downstream_cx_upgrades_active"), 1)
    client.close()
    self.weir.wait_stat("http.main.downstream_cx_upgrades_active", 0)

  def test_server_that_refuses_is_heard_and_its_connection_is_not_kept(self):
    def script(wire):
      wire.head()
      wire.send(ok(b"no websockets today", status="400 Bad Request"))
      wire.rest()
    self.backend.scripts = [script]
    client = self.connect()
    client.send(request("/ws", WEBSOCKET))
    response = client.response()
    self.assertEqual((response.status, response.body), (400, b"no websockets today"))

  def test_wrong_accept_of_the_server_is_a_bad_response(self):
    def script(wire):
      wire.head()
      wire.send(b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
                b"sec-websocket-accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n")
      wire.rest()
    self.backend.scripts = [script]
    self.assertEqual(self.connect().send(request("/ws", WEBSOCKET)).response().status, 502)

  def test_another_protocol_than_asked_for_is_a_bad_response(self):
    def script(wire):
      wire.head()
      wire.send(b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: irc\r\n\r\n")
      wire.rest()
    self.backend.scripts = [script]
    self.assertEqual(self.connect().send(request("/ws", WEBSOCKET)).response().status, 502)

  def test_other_protocols_stay_refused(self):
    client = self.connect()
    response = client.send(request("/", [("connection", "upgrade"), ("upgrade", "irc")])).response()
    self.assertEqual(response.status, 403)

  def test_websocket_without_a_key_is_400(self):
    client = self.connect()
    response = client.send(request("/ws", [("connection", "upgrade"), ("upgrade", "websocket")])).response()
    self.assertEqual(response.status, 400)
    self.assertEqual(self.backend.total_received(), 0)


class Refused(WeirTest):

  def test_upgrade_is_403_where_it_is_not_configured(self):
    client = self.connect()
    response = client.send(request("/ws", WEBSOCKET)).response()
    self.assertEqual(response.status, 403)
    self.assertEqual(self.backend.total_received(), 0)
    self.assertTrue(client.at_end())

  def test_connect_is_refused_where_it_is_not_configured(self):
    client = self.connect()
    client.send(b"CONNECT a.test:443 HTTP/1.1\r\nhost: a.test:443\r\n\r\n")
    self.assertIn(client.response("CONNECT").status, (403, 404, 405, 501))
    self.assertEqual(self.backend.total_received(), 0)


class PerRoute(WeirTest):
  http = {"upgrade_configs": ["websocket"]}
  routes = [harness.route(prefix="/no", upgrade_configs=[{"upgrade_type": "websocket", "enabled": False}]),
            harness.route()]

  def test_a_route_forbids_what_the_connection_manager_allows(self):
    self.assertEqual(self.connect().send(request("/no", WEBSOCKET)).response().status, 403)

  def test_other_routes_allow_it(self):
    self.backend.script = lambda wire: (wire.send(switching(wire.head())), wire.rest())
    self.assertEqual(self.connect().send(request("/yes", WEBSOCKET)).response().status, 101)


class Connect(WeirTest):
  routes = [harness.route(match={"connect_matcher": {}}, upgrade_configs=["CONNECT"]), harness.route()]

  def test_connect_is_forwarded_where_it_is_configured(self):
    def script(wire):
      wire.connect_head = wire.head()
      wire.send(b"HTTP/1.1 200 OK\r\n\r\n" + b"first")
      wire.send(wire.take(5).upper())
    self.backend.script = script
    client = self.connect()
    client.send(b"CONNECT a.test:443 HTTP/1.1\r\nhost: a.test:443\r\n\r\n")
    response = client.response("CONNECT")
    self.assertEqual(response.status, 200)
    self.assertEqual(response.all("content-length") + response.all("transfer-encoding"), [])
    self.assertEqual(client.take(5), b"first")
    client.send(b"hello")
    self.assertEqual(client.take(5), b"HELLO")
    self.assertEqual(self.backend.wires[0].connect_head.start_line, "CONNECT a.test:443 HTTP/1.1")

  def test_other_methods_go_on_as_usual(self):
    self.assertEqual(self.get("/a").body, b"/a")


if __name__ == "__main__":
  harness.main()
