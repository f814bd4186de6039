"""The PROXY protocol on a listener: whoever stands in front says who the client is. Over HTTP/1.1, HTTP/2 and TLS."""

import socket
import struct
import tempfile

import certificates
import h2_peer
import harness
from harness import WeirTest, cluster, config, listener, request, wait_until
from peers import TlsSocket

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def v1(client="10.1.2.3", port=4660):
  return ("PROXY TCP4 %s 10.0.0.1 %d 443\r\n" % (client, port)).encode()


def v2(client="10.1.2.3", port=4660, tlvs=b"", command=0x21):
  payload = socket.inet_aton(client) + socket.inet_aton("10.0.0.1") + struct.pack(">HH", port, 443) + tlvs
  return SIGNATURE + bytes([command, 0x11]) + struct.pack(">H", len(payload)) + payload


def tlv(kind, value):
  return bytes([kind]) + struct.pack(">H", len(value)) + value


FILTER = {"name": "envoy.filters.listener.proxy_protocol", "typed_config": {
    "@type": "type.googleapis.com/envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol",
    "rules": [{"tlv_type": 5, "on_tlv_present": {"metadata_namespace": "front", "key": "id"}}]}}
LINE = "%DOWNSTREAM_REMOTE_ADDRESS% %DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT% %DOWNSTREAM_LOCAL_ADDRESS% " \
       "%DYNAMIC_METADATA(front:id)% %REQ(:PATH)%\n"


class ProxyProtocol(WeirTest):
  @classmethod
  def setUpClass(cls):
    folder = tempfile.TemporaryDirectory()
    cls.addClassCleanup(folder.cleanup)
    cls.authority = certificates.Authority(folder.name)
    cls.site = cls.authority.issue("site", ["DNS:a.test"])
    super().setUpClass()

  @classmethod
  def make_config(cls):
    log = [{"name": "file", "typed_config": {"path": "log.txt", "log_format": {"text_format": LINE}}}]
    tls = {"certificates": [{"cert": cls.site[0], "key": cls.site[1]}]}
    optional = {"name": "proxy_protocol", "typed_config": {"allow_requests_without_proxy_protocol": True}}
    return config([
        listener("main", options={"listener_filters": [FILTER]}, access_log=log),
        listener("secure", options={"listener_filters": [FILTER], "tls": tls}, access_log=log),
        listener("either", options={"listener_filters": [optional]}, access_log=log),
        listener("hasty", options={"listener_filters": [FILTER], "listener_filters_timeout": "200ms"}),
        listener("patient", options={"listener_filters": [optional], "listener_filters_timeout": "200ms",
                                     "continue_on_listener_filters_timeout": True}),
    ], [cluster("app", cls.backend.address)])

  def setUp(self):
    super().setUp()
    self.at = len(self.lines())

  def lines(self):
    try:
      with open(self.weir.path("log.txt"), encoding="utf-8") as file:
        return file.read().split("\n")[:-1]
    except FileNotFoundError:
      return []

  def line(self):
    line = wait_until(lambda: self.lines()[self.at:], "a line")[0]
    self.at += 1
    return line

  def forwarded(self):
    return self.backend.requests[-1].get("x-forwarded-for")

  def test_version_1_over_http_1(self):
    client = self.connect()
    client.send(v1() + request("/one"))
    self.assertEqual(client.response().status, 200)
    self.assertEqual(self.forwarded(), "10.1.2.3")
    self.assertEqual(self.line(), "10.1.2.3:4660 127.0.0.1 10.0.0.1:443 - /one")
    client.send(request("/two"))
    self.assertEqual(client.response().status, 200)
    self.assertEqual(self.line(), "10.1.2.3:4660 127.0.0.1 10.0.0.1:443 - /two")

  def test_version_2_with_tlvs_in_single_bytes(self):
    client = self.connect()
    whole = v2(tlvs=tlv(5, b"unique")) + request("/bytes")
    for at in range(len(whole)):
      client.send(whole[at:at + 1])
    self.assertEqual(client.response().status, 200)
    self.assertEqual(self.line(), "10.1.2.3:4660 127.0.0.1 10.0.0.1:443 unique /bytes")

  def test_http_2_behind_it(self):
    wire = self.connect()
    wire.send(v2("10.9.9.9"))
    connection = h2_peer.Connection(wire).begin()
    self.assertEqual(connection.start(path="/h2").response().status, 200)
    connection.close()
    self.assertEqual(self.line(), "10.9.9.9:4660 127.0.0.1 10.0.0.1:443 - /h2")

  def test_tls_behind_it(self):
    for alpn in ("http/1.1", "h2"):
      wire = self.connect("secure")
      wire.send(v1("10.8.8.8"))
      wire.sock = TlsSocket(wire.sock, certificates.client_context(self.authority, alpn=[alpn]), "a.test")
      if alpn == "h2":
        connection = h2_peer.Connection(wire).begin()
        self.assertEqual(connection.start(path="/tls").response().status, 200)
        connection.close()
      else:
        wire.send(request("/tls"))
        self.assertEqual(wire.response().status, 200)
        wire.close()
      self.assertEqual(self.line(), "10.8.8.8:4660 127.0.0.1 10.0.0.1:443 - /tls")

  def test_local_keeps_the_connections_addresses(self):
    client = self.connect()
    client.send(v2(command=0x20) + request("/local"))
    self.assertEqual(client.response().status, 200)
    self.assertEqual(self.forwarded(), "127.0.0.1")

  def test_no_header_or_a_bad_one_is_closed(self):
    for sent in (request("/"), b"PROXY TCP4 1.2.3.4\r\n", v2(tlvs=b"\x01"), v2(tlvs=tlv(3, b"1234"))):
      client = self.connect()
      client.send(sent)
      self.assertEqual(client.rest(), b"")
    self.assertEqual(self.weir.stat("plugin.proxy_proto.not_found_disallowed"), 1)
    self.assertEqual(self.weir.stat("plugin.proxy_proto.versions.v2.error"), 2)

  def test_none_is_needed_where_that_is_allowed(self):
    self.assertEqual(self.get("/none", name="either").status, 200)
    self.assertEqual(self.forwarded(), "127.0.0.1")
    client = self.connect("either")
    client.send(v1() + request("/some"))
    self.assertEqual(client.response().status, 200)
    self.assertEqual(self.forwarded(), "10.1.2.3")

  def test_who_says_nothing_is_closed_while_others_are_served(self):
    stalled = [self.connect("hasty") for _ in range(20)]
    for client in stalled:
      client.send(b"PROXY ")
    good = self.connect("hasty")
    good.send(v1() + request("/good"))
    self.assertEqual(good.response().status, 200)
    for client in stalled:
      self.assertEqual(client.rest(), b"")
    self.assertEqual(self.weir.stat("listener.hasty.downstream_pre_cx_timeout"), 20)

  def test_or_is_served_as_it_is(self):
    client = self.connect("patient")
    client.send(b"P")
    self.weir.wait_stat("listener.patient.downstream_pre_cx_timeout", 1)
    client.send(request("/late", method="POST")[1:])
    self.assertEqual(client.response().status, 200)


if __name__ == "__main__":
  harness.main()
