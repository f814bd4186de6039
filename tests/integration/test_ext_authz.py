"""The filter ext_authz over HTTP/1.1 and HTTP/2: what the service is asked, what its answers do, and that it fails closed."""

import os

import h2_peer
import harness
from harness import Backend, cluster, closed_port, config, listener, ok, request, route, wait_until
from test_curl import CurlTest

BOTH = ("--http1.1", "--http2-prior-knowledge")


def authz(**keys):
  service = {"server_uri": {"uri": "http://authz", "cluster": keys.pop("cluster", "authz"),
                            "timeout": keys.pop("timeout", "10s")},
             "path_prefix": "/check",
             "authorization_response": {
                 "allowed_upstream_headers": {"patterns": [{"exact": "x-user"}]},
                 "allowed_client_headers_on_success": {"patterns": [{"exact": "x-seen"}]}}}
  return [{"name": "envoy.filters.http.ext_authz", "typed_config": dict({"http_service": service}, **keys)}, {"name": "mux"}]


class ExtAuthz(CurlTest):

  @classmethod
  def make_config(cls):
    cls.service = Backend()
    cls.backends.append(cls.service)
    cls.nobody, dead = closed_port()
    cls.addClassCleanup(cls.nobody.close)
    free = dict(route("app", "/free"), typed_per_filter_config={"envoy.filters.http.ext_authz": {"disabled": True}})
    routes = [free, route("app")]
    body = {"max_request_bytes": 100000}
    return config([
        listener("main", routes, http_filters=authz(clear_route_cache=True)),
        listener("body", routes, http_filters=authz(with_request_body=body)),
        listener("partial", routes, http_filters=authz(with_request_body=dict(body, allow_partial_message=True))),
        listener("hasty", routes, http_filters=authz(timeout="0.05s", status_on_error={"code": 503})),
        listener("lenient", routes, http_filters=authz(timeout="0.05s", failure_mode_allow=True)),
        listener("dead", routes, http_filters=authz(cluster="dead")),
    ], [cluster("app", cls.backend.address), cluster("authz", cls.service.address), cluster("dead", dead)])

  def status(self, *options, path="/", name="main"):
    body, _ = self.curl(path, "-o", "/dev/null", "-w", "%{http_code}", *options, name=name)
    return int(body)

  def test_a_yes_passes_and_says_who_it_is(self):
    self.service.answer = lambda seen: ok(b"", (("x-user", "anna"), ("x-seen", "yes"), ("x-more", "no")))
    for version in BOTH:
      _, log = self.curl("/a?b=c", "-v", version, "-H", "x-user: root", "-H", "authorization: t")
      self.assertIn("x-seen: yes", log)
      asked, got = self.service.requests[-1], self.backend.requests[-1]
      self.assertEqual((asked.method, asked.target), ("GET", "/check/a?b=c"))
      self.assertEqual(asked.get("authorization"), "t")
      self.assertIsNone(asked.get("x-user"))
      self.assertEqual(asked.get("host"), self.weir.addresses["main"])
      self.assertEqual(got.all("x-user"), ["anna"])
      self.assertIsNone(got.get("x-more"))

  def test_what_the_service_does_not_say_nobody_says(self):
    self.service.answer = lambda seen: ok(b"")
    self.assertEqual(self.status("-H", "x-user: root"), 200)
    self.assertIsNone(self.backend.requests[-1].get("x-user"))

  def test_a_no_is_the_clients_answer(self):
    self.service.answer = lambda seen: ok(b"not today", (("www-authenticate", "Basic"), ("x-why", "no"),
                                                              ("content-type", "text/html")), "401 Unauthorized")
    # Over HTTP/2 curl 7 drops an answer that ends, with RST_STREAM(NO_ERROR), before curl has sent its body.
    for options in (("--http1.1", "--data-binary", "abc"), ("--http2-prior-knowledge", "-X", "POST")):
      body, log = self.curl("/", "-v", *options)
      self.assertEqual(body, b"not today")
      self.assertIn(" 401", log)
      self.assertIn("www-authenticate: Basic", log)
      self.assertIn("x-why: no", log)
      self.assertEqual(log.lower().count("< content-type: "), 1)
      self.assertIn("content-type: text/html", log)
    self.assertEqual(self.backend.requests, [])

  def test_a_no_reaches_an_http2_client_that_holds_its_body_back(self):
    self.service.answer = lambda seen: ok(b"not today", (("x-why", "no"),), "401 Unauthorized")
    connection = h2_peer.Connection(self.connect()).begin()
    for _ in range(2):
      stream = connection.start("POST", "/", length=3, end=False)
      answer = stream.response()
      self.assertEqual((answer.status, answer.get("x-why"), answer.body.size), (401, "no", 9))
    connection.close()
    self.assertEqual(self.backend.requests, [])

  def test_an_error_of_the_service_and_its_absence_are_a_no(self):
    self.service.answer = lambda seen: ok(b"secrets", (), "500 Internal Server Error")
    for version in BOTH:
      body, log = self.curl("/", "-v", version)
      self.assertNotIn(b"secrets", body)
      self.assertIn(" 403", log)
      self.assertEqual(self.status(version, name="dead"), 403)
    self.assertEqual(self.backend.requests, [])

  def test_garbage_a_cut_and_a_huge_answer_are_a_no(self):
    answers = (b"this is no answer at all\r\n\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf", b"",
               ok(bytes(1 << 20)))
    for answer in answers:
      self.service.script = lambda wire, data=answer: (wire.request(), wire.send(data), wire.close())
      self.assertEqual(self.status(), 403, answer[:40])
    self.assertEqual(self.backend.requests, [])

  def test_a_service_that_is_slow_is_a_no_or_let_through_as_configured(self):
    self.service.script = lambda wire: (wire.request(), wire.rest())
    for version in BOTH:
      self.assertEqual(self.status(version, name="hasty"), 503)
      self.assertEqual(self.status(version, "-H", "x-user: root", name="lenient"), 200)
      self.assertIsNone(self.backend.requests[-1].get("x-user"))
    self.assertGreaterEqual(self.weir.stat("plugin.ext_authz.failure_mode_allowed"), 2)

  def test_the_body_is_shown_and_goes_on_whole(self):
    self.service.answer = lambda seen: ok(b"")
    self.backend.answer = lambda seen: ok(seen.body)
    for version in BOTH:
      for size in (0, 1, 100000):
        data = os.urandom(size)
        body, _ = self.curl("/", version, "--data-binary", "@" + self.file(data), name="body")
        self.assertTrue(body == data, size)
        self.assertTrue(self.service.requests[-1].body == data, size)
      self.assertEqual(self.status(version, "--data-binary", "@" + self.file(bytes(100001)), name="body"), 413)
      data = os.urandom(3000000)
      body, _ = self.curl("/", version, "--data-binary", "@" + self.file(data), name="partial")
      self.assertTrue(body == data)
      self.assertTrue(self.service.requests[-1].body == data[:100000])
      self.assertEqual(self.service.requests[-1].get("x-envoy-auth-partial-body"), "true")

  def test_a_body_goes_on_after_a_yes_without_being_shown(self):
    self.service.answer = lambda seen: ok(b"")
    self.backend.answer = lambda seen: ok(b"%d" % len(seen.body))
    for version in BOTH:
      body, _ = self.curl("/", version, "--data-binary", "@" + self.file(bytes(3000000)))
      self.assertEqual(body, b"3000000")
      self.assertEqual(self.service.requests[-1].body, b"")

  def test_a_free_route_asks_nobody(self):
    self.assertEqual(self.status(path="/free"), 200)
    self.assertEqual(self.service.requests, [])

  def test_a_client_that_goes_takes_the_question_back(self):
    self.service.script = lambda wire: (wire.request(), wire.rest())
    wire = self.connect()
    wire.send(request("/"))
    wait_until(lambda: self.service.total_received() > 0, "the question")
    wire.rst()
    # The gauges of its stream and of the question are back, without waiting for the timeout.
    wait_until(lambda: not self.weir.gauges_off(), "the end of both", 8)


if __name__ == "__main__":
  harness.main()
