"""TLS on both sides: certificates by name, versions, client certificates, resumption, verification of backends, and ends:
nothing is cut, and what was cut is not passed on as whole."""

import hashlib
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import threading

import certificates
import harness
from certificates import client_context, server_context, wrap
from harness import HarnessError, Truncated, WeirTest, cluster, config, listener, ok, request, wait_until


class TlsTest(WeirTest):

  @classmethod
  def setUpClass(cls):
    cls.directory = tempfile.mkdtemp(prefix="weir-tls-")
    cls.addClassCleanup(shutil.rmtree, cls.directory, True)
    cls.authority = certificates.Authority(cls.directory)
    cls.make_certificates()
    super().setUpClass()

  @classmethod
  def make_certificates(cls):
    cls.site = cls.authority.issue("site", ["DNS:a.test"])

  @classmethod
  def listener_tls(cls):
    return {"certificates": [{"cert": cls.site[0], "key": cls.site[1]}]}

  @classmethod
  def make_config(cls):
    return config([listener("main", cls.routes, options=dict({"tls": cls.listener_tls()}, **cls.listener_keys), **cls.http)],
                  [cluster("app", cls.backend.address, **cls.cluster_keys)])

  def tls(self, name="a.test", context=None, session=None):
    return wrap(self.connect(), context or client_context(self.authority), name, session)

  def ssl_stat(self, name):
    return self.weir.stat("listener.main.ssl." + name)


class Downstream(TlsTest):

  def test_a_request_over_tls_is_https(self):
    client = self.tls()
    client.send(request("/secret"))
    self.assertEqual(client.response().body, b"/secret")
    self.assertEqual(self.backend.requests[0].get("x-forwarded-proto"), "https")
    self.assertEqual(client.sock.version(), "TLSv1.3")

  def test_curl_speaks_to_it(self):
    port = self.weir.addresses["main"].rpartition(":")[2]
    run = subprocess.run(["curl", "-sS", "--cacert", self.authority.cert, "--resolve", "a.test:%s:127.0.0.1" % port,
                          "--http1.1", "https://a.test:%s/x" % port], capture_output=True, timeout=60, check=False)
    self.assertEqual((run.returncode, run.stdout), (0, b"/x"), run.stderr)

  def test_many_requests_on_one_connection(self):
    client = self.tls()
    for number in range(50):
      client.send(request("/%d" % number))
      self.assertEqual(client.response().body, b"/%d" % number)

  def test_pipelined_requests_in_one_record(self):
    client = self.tls()
    client.send(request("/1") + request("/2") + request("/3"))
    self.assertEqual([client.response().body for _ in range(3)], [b"/1", b"/2", b"/3"])

  def test_a_request_byte_by_byte(self):
    client = self.tls()
    for byte in request("/slow"):
      client.send(bytes([byte]))
    self.assertEqual(client.response().body, b"/slow")

  def test_finished_and_the_first_request_in_one_segment(self):
    wire = self.connect()
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    session = client_context(self.authority).wrap_bio(incoming, outgoing, server_hostname="a.test")
    while True:
      try:
        session.do_handshake()
        break
      except ssl.SSLWantReadError:
        wire.send(outgoing.read())
        incoming.write(wire.sock.recv(65536))
    session.write(request("/first"))
    wire.send(outgoing.read())  # the Finished too
    answer = b""
    while b"/first" not in answer:
      incoming.write(wire.sock.recv(65536))
      try:
        answer += session.read(65536)
      except ssl.SSLWantReadError:
        pass
    self.assertTrue(answer.startswith(b"HTTP/1.1 200"))

  def test_large_bodies_both_ways(self):
    size = 64 << 20
    block = hashlib.sha256(b"seed").digest() * 2048
    wanted = hashlib.sha256(block * (size // len(block))).hexdigest()

    def script(wire):
      head = wire.head()
      digest, left = hashlib.sha256(), int(head.get("content-length"))
      digest.update(wire.buffer)
      left -= len(wire.buffer)
      while left:
        data = wire.sock.recv(min(left, 1 << 20))
        digest.update(data)
        left -= len(data)
      wire.digest = digest.hexdigest()
      wire.send(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % size)
      for _ in range(size // len(block)):
        wire.send(block)
    self.backend.script = script
    client = self.tls()
    client.send(b"POST / HTTP/1.1\r\nhost: a.test\r\ncontent-length: %d\r\n\r\n" % size)
    for _ in range(size // len(block)):
      client.send(block)
    response = client.head()
    self.assertEqual(response.status, 200)
    digest, left = hashlib.sha256(client.buffer), size - len(client.buffer)
    while left:
      data = client.sock.recv(min(left, 1 << 20))
      self.assertTrue(data)
      digest.update(data)
      left -= len(data)
    self.assertEqual(digest.hexdigest(), wanted)
    self.assertEqual(self.backend.wires[0].digest, wanted)

  def test_a_slow_reader_gets_the_end_of_a_closed_connection(self):
    body = b"x" * (5 << 20)
    self.backend.answer = lambda _: ok(body)
    client = self.connect(receive_buffer=4096)
    wrap(client, client_context(self.authority), "a.test")
    client.send(request("/", [("connection", "close")]))
    wait_until(lambda: self.backend.requests, "the request")
    threading.Event().wait(0.3)  # the proxy has written what the sockets take
    self.assertEqual(len(client.response().body), len(body))
    self.assertTrue(client.at_end(), "the end came with a close_notify")

  def test_a_client_that_goes_on_sending_gets_the_whole_answer(self):
    body = b"x" * (2 << 20)
    self.backend.answer = lambda _: ok(body)
    client = self.connect(receive_buffer=4096)
    wrap(client, client_context(self.authority), "a.test")
    client.send(request("/", [("connection", "close")]))
    wait_until(lambda: self.backend.requests, "the request")
    for _ in range(5):
      client.send(request("/junk"))
    response = client.head()
    self.assertEqual(response.status, 200)
    for _ in range(5):
      client.send(request("/more"))
    self.assertEqual(len(client.rest()), len(body))  # and a close_notify
    self.assertEqual(len(self.backend.requests), 1)

  def test_a_client_may_leave_at_any_byte_of_its_handshake(self):
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    session = client_context(self.authority).wrap_bio(incoming, outgoing, server_hostname="a.test")
    with self.assertRaises(ssl.SSLWantReadError):
      session.do_handshake()
    hello = outgoing.read()
    for cut in list(range(0, len(hello), 13)) + [len(hello)]:
      for leave in ("close", "rst", "half_close"):
        client = self.connect().send(hello[:cut])
        if cut == len(hello):
          client.take(5)  # the answer has begun
        getattr(client, leave)()
    client = self.tls()
    client.send(request("/good"))
    self.assertEqual(client.response().body, b"/good")

  def test_close_notify_comes_before_the_fin(self):
    client = self.tls()
    client.send(request("/", [("connection", "close")]))
    self.assertEqual(client.response().status, 200)
    self.assertTrue(client.at_end())  # an end without it raises

  def test_a_half_closed_client_gets_its_answer(self):
    release = threading.Event()

    def script(wire):
      wire.request()
      release.wait(harness.DEADLINE)
      wire.send(ok(b"late"))
    self.backend.script = script
    client = self.tls()
    client.send(request("/"))
    socket.socket.shutdown(client.sock, socket.SHUT_WR)  # a FIN and no close_notify
    threading.Event().wait(0.1)
    release.set()
    self.assertEqual(client.response().body, b"late")

  def test_garbage_ends_only_itself(self):
    errors = self.ssl_stat("connection_error")
    good = [self.tls() for _ in range(5)]
    for garbage in (b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\xff\xff" + b"z" * 5000, b"\0" * 100, b"\x80\x2e\x01\x03"):
      bad = self.connect()
      bad.send(garbage).half_close()
      self.assertNotIn(b"HTTP", bad.rest())
    for client in good:
      client.send(request("/good"))
      self.assertEqual(client.response().body, b"/good")
    wait_until(lambda: self.ssl_stat("connection_error") == errors + 4, "the counter")

  def test_handshakes_are_counted(self):
    before = self.ssl_stat("handshake")
    self.tls()
    wait_until(lambda: self.ssl_stat("handshake") == before + 1, "the counter")

  def test_the_manager_counts_connections_whose_handshake_is_over(self):
    before = self.weir.stats()
    errors = self.ssl_stat("connection_error")
    self.connect().send(b"no TLS at all\r\n\r\n").half_close()
    wait_until(lambda: self.ssl_stat("connection_error") == errors + 1, "the error")
    for _ in range(2):
      client = self.tls()
      for _ in range(2):
        client.send(request("/"))
        self.assertEqual(client.response().status, 200)
    after = self.weir.stats()
    for name in ("http.main.downstream_cx_ssl_total", "http.main.downstream_cx_total"):
      self.assertEqual(after[name] - before[name], 2, name)
    # The admin's is a manager too, without TLS.
    self.assertEqual(after["http.admin.downstream_cx_ssl_total"], 0)

  def test_http11_is_agreed_by_alpn(self):
    client = self.tls(context=client_context(self.authority, alpn=["http/1.1"]))
    self.assertEqual(client.sock.selected_alpn_protocol(), "http/1.1")

  def test_no_common_protocol_is_refused(self):
    with self.assertRaises(ssl.SSLError):
      self.tls(context=client_context(self.authority, alpn=["spdy/3"]))

  def test_sessions_are_resumed(self):
    for most in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
      context = client_context(self.authority, most=most)
      first = self.tls(context=context)
      first.send(request("/"))
      first.response()
      session = first.sock.session
      first.close()
      before = self.ssl_stat("session_reused")
      second = self.tls(context=context, session=session)
      second.send(request("/again"))
      self.assertEqual(second.response().body, b"/again")
      self.assertTrue(second.sock.session_reused, most)
      wait_until(lambda: self.ssl_stat("session_reused") == before + 1, "the counter")

  def test_old_versions_are_refused(self):
    context = client_context()
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    with self.assertRaises((ssl.SSLError, OSError)):
      self.tls(context=context)


class Ends(TlsTest):
  """A client tells an end from a cut by the close_notify, whatever the end's reason; `rest` fails without one."""

  http = {"common_http_protocol_options": {"idle_timeout": "2s"}, "request_headers_timeout": "0.3s", "drain_timeout": "0.3s"}
  PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes.fromhex("000000040000000000")
  GOAWAY = 7

  def h2(self):
    client = self.tls(context=client_context(self.authority, alpn=["h2"]))
    return client.send(self.PREFACE)

  def said(self, client):
    """The types of the frames that came, and the end."""
    data, types = client.rest(), []
    while data:
      types.append(data[3])
      data = data[9 + int.from_bytes(data[:3], "big"):]
    return types

  def test_of_silence(self):
    self.assertTrue(self.tls().at_end())
    self.assertIn(self.GOAWAY, self.said(self.h2()))

  def test_of_a_slow_head(self):
    self.assertIn(b" 408 ", self.tls().send(b"GET / HT").rest())
    self.assertIn(self.GOAWAY, self.said(self.h2().send(b"\0\0\x10\x01")))

  def test_of_a_mistake(self):
    self.assertIn(b" 400 ", self.tls().send(b"GET\r\n\r\n").rest())
    self.assertIn(self.GOAWAY, self.said(self.h2().send(bytes.fromhex("00000100000000000000"))))  # DATA of no stream

  def test_of_a_drain(self):
    clients = [self.tls(), self.h2()]
    try:
      self.weir.signal(signal.SIGTERM)
      self.assertEqual(clients[0].rest(), b"")
      self.assertIn(self.GOAWAY, self.said(clients[1]))
    finally:
      type(self).restart()


class Names(TlsTest):

  @classmethod
  def make_certificates(cls):
    cls.certs = [cls.authority.issue("first", ["DNS:first.test"]), cls.authority.issue("second", ["DNS:second.test"]),
                 cls.authority.issue("wild", ["DNS:*.wild.test"]), cls.authority.issue("rsa", ["DNS:second.test"], rsa=True),
                 cls.authority.issue("exact", ["DNS:exact.wild.test"])]

  @classmethod
  def listener_tls(cls):
    return {"certificates": [{"cert": cert, "key": key} for cert, key in cls.certs]}

  def served(self, name, sigalgs=None):
    """The subject of the certificate that a client gets who asks for the name, as OpenSSL's client prints it."""
    command = ["openssl", "s_client", "-connect", self.weir.addresses["main"], "-brief", "-CAfile", self.authority.cert]
    command += ["-servername", name] if name else ["-noservername"]
    command += ["-sigalgs", sigalgs] if sigalgs else []
    run = subprocess.run(command, input=b"", capture_output=True, timeout=60, check=False)
    for line in (run.stdout + run.stderr).decode().splitlines():
      if line.startswith("Peer certificate:"):
        return line.rpartition("CN = ")[2]
    raise HarnessError((run.stdout + run.stderr).decode())

  def test_exact_before_wildcard_before_the_first(self):
    self.assertEqual(self.served("second.test"), "second")
    self.assertEqual(self.served("SECOND.test"), "second")
    self.assertEqual(self.served("any.wild.test"), "wild")
    self.assertEqual(self.served("exact.wild.test"), "exact")
    self.assertEqual(self.served("two.labels.wild.test"), "first")
    self.assertEqual(self.served("wild.test"), "first")
    self.assertEqual(self.served("unknown.test"), "first")
    self.assertEqual(self.served(None), "first")

  def test_rsa_for_those_who_know_no_ecdsa(self):
    self.assertEqual(self.served("second.test", "ECDSA+SHA256:RSA-PSS+SHA256"), "second")
    self.assertEqual(self.served("second.test", "RSA-PSS+SHA256:ECDSA+SHA256"), "second")
    self.assertEqual(self.served("second.test", "RSA-PSS+SHA256"), "rsa")


class ClientCertificates(TlsTest):
  required = True

  @classmethod
  def make_certificates(cls):
    super().make_certificates()
    cls.mine = cls.authority.issue("client", ["DNS:client.test"])
    cls.other = certificates.Authority(cls.directory, "other").issue("stranger")

  @classmethod
  def listener_tls(cls):
    return dict(super().listener_tls(), ca=cls.authority.cert, require_client_certificate=cls.required)

  def get_with(self, cert):
    client = self.tls(context=client_context(self.authority, cert=cert))
    client.send(request("/"))
    return client.response().status

  def refused(self, cert, counter):
    before = self.ssl_stat(counter)
    with self.assertRaises((OSError, Truncated)):
      self.get_with(cert)
    wait_until(lambda: self.ssl_stat(counter) == before + 1, "the counter")

  def test_one_that_verifies_is_served(self):
    self.assertEqual(self.get_with(self.mine), 200)

  def test_a_strangers_is_refused(self):
    self.refused(self.other, "fail_verify_error")

  def test_none(self):
    if self.required:
      self.refused(None, "fail_verify_no_cert")
    else:
      self.assertEqual(self.get_with(None), 200)


class OptionalClientCertificates(ClientCertificates):
  required = False


class Versions(TlsTest):

  @classmethod
  def listener_tls(cls):
    return dict(super().listener_tls(), tls_minimum_protocol_version="TLSv1_3")

  def test_tls12_is_refused(self):
    with self.assertRaises(ssl.SSLError):
      self.tls(context=client_context(self.authority, most=ssl.TLSVersion.TLSv1_2))
    self.tls()


class SlowHandshakes(TlsTest):
  listener_keys = {"transport_socket_connect_timeout": "0.3s"}

  def test_one_that_does_not_come_to_an_end_is_closed(self):
    name = "listener.main.downstream_cx_transport_socket_connect_timeout"
    before = self.weir.stat(name)
    silent = self.connect()
    half = self.connect().send(b"\x16\x03\x01\x02\x00\x01")
    good = self.tls()
    self.assertTrue(silent.at_end())
    self.assertTrue(half.at_end())
    self.assertEqual(self.weir.stat(name), before + 2)
    good.send(request("/"))
    self.assertEqual(good.response().status, 200)


class Upstream(WeirTest):
  """A clear listener and a backend that speaks TLS."""

  tls_keys = {}
  names = ["IP:127.0.0.1", "DNS:backend.test"]

  @classmethod
  def setUpClass(cls):
    cls.directory = tempfile.mkdtemp(prefix="weir-tls-")
    cls.addClassCleanup(shutil.rmtree, cls.directory, True)
    cls.authority = certificates.Authority(cls.directory)
    cls.cert = cls.authority.issue("backend", cls.names)
    cls.context = server_context(cls.cert)
    super().setUpClass()

  @classmethod
  def make_config(cls):
    tls = dict({"ca": cls.authority.cert}, **cls.tls_keys)
    if tls.get("ca") is None:
      del tls["ca"]
    return config([listener("main")], [cluster("app", cls.backend.address, tls=tls)])

  def setUp(self):
    super().setUp()
    self.serve(self.backend.serve)

  def serve(self, script, context=None):
    def whole(wire):
      wrap(wire, context or self.context)
      script(wire)
    self.backend.script = whole

  def ssl_stat(self, name):
    return self.weir.stat("cluster.app.ssl." + name)


class VerifiedUpstream(Upstream):

  def test_a_verified_backend_is_used_and_kept(self):
    client = self.connect()
    for number in range(10):
      client.send(request("/%d" % number))
      self.assertEqual(client.response().body, b"/%d" % number)
    self.assertEqual(len(self.backend.wires), 1)

  def test_sessions_are_resumed(self):
    before = self.ssl_stat("session_reused")
    self.backend.answer = lambda _: ok(fields=[("connection", "close")])
    for _ in range(4):
      self.assertEqual(self.get().status, 200)
    self.assertGreaterEqual(self.ssl_stat("session_reused"), before + 3)

  def test_an_answer_that_ends_with_close_notify_is_whole(self):
    def script(wire):
      wire.request()
      wire.send(b"HTTP/1.1 200 OK\r\n\r\nthe whole answer")
      wire.sock.unwrap()
    self.serve(script)
    self.assertEqual(self.get().body, b"the whole answer")

  def test_an_answer_that_is_cut_is_not_passed_on_as_whole(self):
    def script(wire):
      wire.request()
      wire.send(b"HTTP/1.1 200 OK\r\n\r\nhalf of the ans")
      wire.sock.close()  # a FIN and no close_notify
    self.serve(script)
    client = self.connect()
    client.send(request("/"))
    response = client.head()
    if response.get("transfer-encoding") == "chunked":
      with self.assertRaises(Truncated):
        client.chunked(response)
    else:
      self.assertEqual(response.status, 502)

  def test_a_kept_connection_may_end_without_close_notify(self):
    def script(wire):
      wire.request()
      wire.send(ok(b"first"))
      wire.sock.close()
    self.serve(script)
    for _ in range(5):
      self.assertEqual(self.get().body, b"first")

  def test_large_bodies_both_ways(self):
    body = bytes(range(256)) * (8 << 12)
    seen = []

    def script(wire):
      got = wire.request()
      seen.append(got.body == body)
      wire.send(ok(got.body))
    self.serve(script)
    response = self.get(method="POST", body=body)
    self.assertEqual(seen, [True])
    self.assertTrue(response.body == body)

  def test_garbage_is_a_failed_connect(self):
    self.backend.script = lambda wire: wire.send(b"HTTP/1.1 200 OK\r\n\r\n").rest()
    self.assertEqual(self.get().status, 503)
    self.assertGreaterEqual(self.ssl_stat("connection_error"), 1)


class WrongNameUpstream(Upstream):
  names = ["DNS:somebody.else"]

  def test_a_certificate_for_somebody_else_is_refused(self):
    before = self.ssl_stat("fail_verify_san")
    self.assertEqual(self.get().status, 503)
    self.assertGreater(self.ssl_stat("fail_verify_san"), before)
    self.assertEqual(self.backend.requests, [])


class ServerNameUpstream(Upstream):
  tls_keys = {"sni": "backend.test"}
  names = ["DNS:backend.test"]

  def test_the_name_is_asked_for_and_verified(self):
    asked = []
    self.context.sni_callback = lambda _sock, name, _context: asked.append(name)
    self.assertEqual(self.get().status, 200)
    self.assertEqual(asked, ["backend.test"])


class UntrustedUpstream(Upstream):
  tls_keys = {"ca": None}  # the system's, which know nothing of ours

  def test_verification_is_on_by_default(self):
    before = self.ssl_stat("fail_verify_error")
    self.assertEqual(self.get().status, 503)
    self.assertGreater(self.ssl_stat("fail_verify_error"), before)
    self.assertEqual(self.backend.requests, [])


class UnverifiedUpstream(Upstream):
  tls_keys = {"ca": None, "verify": False}
  names = ["DNS:somebody.else"]

  def test_it_can_be_switched_off(self):
    self.assertEqual(self.get().status, 200)


class OwnCertificateUpstream(Upstream):

  @classmethod
  def make_config(cls):
    own = cls.authority.issue("proxy", ["DNS:proxy.test"])
    cls.context = server_context(cls.cert, cls.authority)
    cls.tls_keys = {"cert": own[0], "key": own[1]}
    return super().make_config()

  def test_it_is_shown_to_the_backend(self):
    shown = []

    def script(wire):
      shown.append(wire.sock.getpeercert()["subject"][0][0][1])
      self.backend.serve(wire)
    self.serve(script)
    self.assertEqual(self.get().status, 200)
    self.assertEqual(shown, ["proxy"])


class TcpBothSides(TlsTest):
  """Bytes from TLS to TLS, without HTTP."""

  @classmethod
  def make_config(cls):
    cert = cls.authority.issue("backend", ["IP:127.0.0.1"])
    cls.context = server_context(cert)
    tcp = {"name": "main", "address": "127.0.0.1:0", "tls": cls.listener_tls(), "tcp": {"cluster": "app"}}
    return config([tcp], [cluster("app", cls.backend.address, tls={"ca": cls.authority.cert})])

  def test_bytes_and_ends_are_passed_on(self):
    body = bytes(range(256)) * 40000

    def script(wire):
      wrap(wire, self.context)
      data = wire.take(len(body))
      wire.send(data)
      wire.sock.unwrap()
    self.backend.script = script
    client = self.tls()
    # The backend answers when it has all, and a connection of Python's is not for two threads.
    client.send(body)
    self.assertTrue(client.take(len(body)) == body)
    self.assertTrue(client.at_end())


class Mistakes(TlsTest):
  """A mistake names the place, the file and OpenSSL's reason."""

  def refused(self, tls):
    made = config([listener("main", options={"tls": tls})], [cluster("app", self.backend.address)])
    path = self.authority.path("mistake.yaml")
    with open(path, "w", encoding="utf-8") as file:
      file.write(harness.json.dumps(made, indent=1))
    run = subprocess.run([harness.BINARY, "validate", path], capture_output=True, text=True, timeout=60, check=False)
    self.assertNotEqual(run.returncode, 0, run.stdout)
    self.assertRegex(run.stderr, r"mistake\.yaml:\d+:\d+")
    self.assertNotIn("BEGIN", run.stderr)
    return run.stderr

  def test_files_that_are_not_there_or_hold_something_else(self):
    cert, key = self.site
    self.assertIn("/nowhere.pem", self.refused({"certificates": [{"cert": "/nowhere.pem", "key": key}]}))
    self.assertIn("no certificate", self.refused({"certificates": [{"cert": key, "key": key}]}))
    self.assertIn("no private key in PEM form", self.refused({"certificates": [{"cert": cert, "key": cert}]}))

  def test_a_key_of_another_certificate(self):
    other = self.authority.issue("other")
    text = self.refused({"certificates": [{"cert": self.site[0], "key": other[1]}]})
    self.assertIn("not the key of the certificate", text)
    self.assertIn(other[1], text)

  def test_a_sealed_key(self):
    sealed = self.authority.path("sealed.key")
    subprocess.run(["openssl", "ec", "-in", self.site[1], "-out", sealed, "-aes128", "-passout", "pass:secret"], check=True,
                   capture_output=True, timeout=60)
    self.assertIn("pass phrase", self.refused({"certificates": [{"cert": self.site[0], "key": sealed}]}))

  def test_ciphers_and_curves_that_nobody_knows(self):
    good = {"certificates": [{"cert": self.site[0], "key": self.site[1]}]}
    self.assertIn("cipher_suites", self.refused(dict(good, cipher_suites=["ROT13"])))
    self.assertIn("ecdh_curves", self.refused(dict(good, ecdh_curves=["P-1"])))


if __name__ == "__main__":
  harness.main()
