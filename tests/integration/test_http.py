"""What the connection manager and the routes do to a message: routing, rewriting, forwarding fields, filters, local replies."""

import re

import harness
from harness import WeirTest, chunks, config, cluster, listener, ok, request, route

UUID = re.compile(r"^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")


def tagged(name, **action):
  """An action that says which route was taken."""
  return {"direct_response": dict({"status": 200, "body": name}, **action)}


class Routing(WeirTest):

  @classmethod
  def make_config(cls):
    hosts = [
        {"name": "exact", "domains": ["exact.test", "other.test:8080"], "routes": [dict(match={"prefix": "/"}, **tagged("exact"))]},
        {"name": "suffix", "domains": ["*.suffix.test"], "routes": [dict(match={"prefix": "/"}, **tagged("suffix"))]},
        {"name": "longer", "domains": ["*.long.suffix.test"], "routes": [dict(match={"prefix": "/"}, **tagged("longer"))]},
        {"name": "prefix", "domains": ["prefix.*"], "routes": [dict(match={"prefix": "/"}, **tagged("prefix"))]},
        {"name": "paths", "domains": ["paths.test"], "routes": [
            dict(match={"path": "/exact"}, **tagged("path")),
            dict(match={"path": "/Case", "case_sensitive": False}, **tagged("caseless")),
            dict(match={"path_separated_prefix": "/part"}, **tagged("part")),
            dict(match={"safe_regex": {"regex": "/[a-z]+/[0-9]+"}}, **tagged("regex")),
            dict(match={"prefix": "/pre"}, **tagged("pre")),
        ]},
        {"name": "actions", "domains": ["actions.test"], "routes": [
            {"match": {"prefix": "/https"}, "redirect": {"https_redirect": True}},
            {"match": {"prefix": "/host"}, "redirect": {"host_redirect": "new.test", "response_code": "FOUND"}},
            {"match": {"prefix": "/path"}, "redirect": {"path_redirect": "/elsewhere", "response_code": "PERMANENT_REDIRECT"}},
            {"match": {"prefix": "/swap/"}, "redirect": {"prefix_rewrite": "/swapped/", "strip_query": True}},
            {"match": {"path": "/teapot"}, "direct_response": {"status": 418, "body": "short and stout"}},
            {"match": {"path": "/forbidden"}, "direct_response": {"status": 403}},
            {"match": {"prefix": "/old/"}, "route": {"cluster": "app", "prefix_rewrite": "/new/"}},
            {"match": {"prefix": "/rehost"}, "route": {"cluster": "app", "host_rewrite_literal": "inner.test"}},
        ]},
        {"name": "rest", "domains": ["*"], "routes": [route()]},
    ]
    return config([listener("main", virtual_hosts=hosts), listener("few", virtual_hosts=hosts[:5])],
                  [cluster("app", cls.backend.address)])

  def test_virtual_hosts(self):
    for host, expected in (("exact.test", b"exact"), ("EXACT.Test", b"exact"), ("other.test:8080", b"exact"),
                           ("a.suffix.test", b"suffix"), ("a.b.suffix.test", b"suffix"), ("x.long.suffix.test", b"longer"),
                           ("prefix.anything", b"prefix"), ("suffix.test", b"/"), ("other.test", b"/"), ("unknown", b"/")):
      with self.subTest(host):
        self.assertEqual(self.get("/", host=host).body, expected)

  def test_paths(self):
    for path, expected in (("/exact", b"path"), ("/exact?q=1", b"path"), ("/cASE", b"caseless"), ("/part", b"part"),
                           ("/part/more", b"part"), ("/part?x", b"part"), ("/abc/123", b"regex"), ("/prefixed", b"pre"),
                           ("/pre", b"pre")):
      with self.subTest(path):
        self.assertEqual(self.get(path, host="paths.test").body, expected)
    for path in ("/exact/", "/partial", "/abc/123x", "/x/abc/123", "/"):
      with self.subTest(path):
        self.assertEqual(self.get(path, host="paths.test").status, 404)

  def test_unknown_host_is_404(self):
    client = self.connect("few")
    response = client.send(request("/", host="unknown.test")).response()
    self.assertEqual(response.status, 404)
    self.assertFalse(response.closes())
    self.assertEqual(client.send(request("/", host="exact.test")).response().body, b"exact")

  def test_redirects(self):
    for path, status, location in (
        ("/https?a=1", 301, "https://actions.test/https?a=1"),
        ("/host/x", 302, "http://new.test/host/x"),
        ("/path/x?q", 308, "http://actions.test/elsewhere?q"),
        ("/swap/x?q=1", 301, "http://actions.test/swapped/x")):
      with self.subTest(path):
        response = self.get(path, host="actions.test")
        self.assertEqual((response.status, response.get("location")), (status, location))

  def test_direct_responses(self):
    response = self.get("/teapot", host="actions.test")
    self.assertEqual((response.status, response.body), (418, b"short and stout"))
    self.assertEqual(self.get("/forbidden", host="actions.test").status, 403)

  def test_direct_response_to_head_has_no_body(self):
    client = self.connect()
    response = client.send(request("/teapot", host="actions.test", method="HEAD")).response("HEAD")
    self.assertEqual((response.status, response.get("content-length")), (418, "15"))
    self.assertEqual(client.send(request("/teapot", host="actions.test")).response().body, b"short and stout")

  def test_direct_response_to_a_request_with_a_body(self):
    client = self.connect()
    for _ in range(3):
      client.send(request("/teapot", host="actions.test", method="POST", body=b"x" * 10000))
      self.assertEqual(client.response().status, 418)

  def test_rewritten_prefix(self):
    self.assertEqual(self.get("/old/thing?q=1", host="actions.test").body, b"/new/thing?q=1")

  def test_rewritten_host(self):
    self.get("/rehost", host="actions.test")
    self.assertEqual(self.backend.requests[0].all("host"), ["inner.test"])


class Paths(WeirTest):
  """The router and the backend see the same path."""

  @classmethod
  def make_config(cls):
    return config([listener("main", [dict(match={"prefix": "/admin"}, **tagged("admin")), route()]),
                   listener("reject", path_with_escaped_slashes_action="REJECT_REQUEST"),
                   listener("forward", [dict(match={"prefix": "/admin"}, **tagged("admin")), route()],
                            path_with_escaped_slashes_action="UNESCAPE_AND_FORWARD"),
                   listener("keep", path_with_escaped_slashes_action="KEEP_UNCHANGED")],
                  [cluster("app", cls.backend.address)])

  def test_normalisation(self):
    for sent, seen in (("/a/./b", "/a/b"), ("/a/../b", "/b"), ("/a//b", "/a/b"), ("//a", "/a"), ("/a/%62", "/a/b"),
                       ("/a/b/..", "/a/"), ("/a/%2e%2e/b", "/b"), ("/../a", None), ("/a/b?x=/../y", "/a/b?x=/../y"),
                       ("/a/%41%7e", "/a/A~"), ("/a%20b", "/a%20b"), ("/%zz", None), ("/a\\b", None), ("/a%00b", None)):
      with self.subTest(sent):
        response = self.get(sent)
        if seen is None:
          self.assertIn(response.status, (400, 404, 200, 307))
          if response.status == 200:
            self.assertNotIn(b"..", response.body)
            self.assertNotIn(b"\\", response.body)
            self.assertNotIn(b"%00", response.body)
        else:
          self.assertEqual((response.status, response.body.decode()), (200, seen))

  def test_a_guarded_prefix_cannot_be_reached_by_another_spelling(self):
    for spelling in ("/admin", "/./admin", "/x/../admin", "//admin", "/%61dmin", "/x/%2e%2e/admin", "/x/.%2E/admin/y",
                     "/x/..//admin"):
      for name in ("main", "forward"):
        with self.subTest(spelling, listener=name):
          self.assertEqual(self.get(spelling, name=name).body, b"admin")

  def test_escaped_slashes_are_redirected_by_default(self):
    response = self.get("/a%2fb?q=1")
    self.assertEqual((response.status, response.get("location")), (307, "http://a.test/a/b?q=1"))
    self.assertEqual(self.backend.requests, [])

  def test_escaped_slashes_by_setting(self):
    self.assertEqual(self.get("/a%2Fb", name="reject").status, 400)
    self.assertEqual(self.get("/a%2Fb", name="forward").body, b"/a/b")
    self.assertEqual(self.get("/x%2F..%2Fadmin", name="forward").body, b"admin")
    self.assertEqual(self.get("/a%2Fb", name="keep").body, b"/a%2Fb")


class Forwarding(WeirTest):

  @classmethod
  def make_config(cls):
    return config([listener("main"),
                   listener("inner", use_remote_address=False, preserve_external_request_id=True, via="1.1 inner",
                            server_header_transformation="PASS_THROUGH", always_set_request_id_in_response=True),
                   listener("trusting", xff_num_trusted_hops=1, server_name="mine"),
                   listener("bare", skip_xff_append=True, generate_request_id=False,
                            server_header_transformation="APPEND_IF_ABSENT")],
                  [cluster("app", cls.backend.address)])

  def seen(self, fields=(), name="main"):
    response = self.get("/", fields, name=name)
    self.assertEqual(response.status, 200)
    return self.backend.requests[-1], response

  def test_edge_defaults(self):
    seen, response = self.seen()
    self.assertEqual(seen.all("x-forwarded-for"), ["127.0.0.1"])
    self.assertEqual(seen.all("x-forwarded-proto"), ["http"])
    self.assertRegex(seen.get("x-request-id"), UUID)
    self.assertEqual(seen.all("via"), [])
    self.assertEqual(response.all("server"), ["weir"])
    self.assertRegex(response.get("date"), r"^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$")
    self.assertEqual(response.all("x-request-id"), [])

  def test_the_client_is_appended_to_x_forwarded_for(self):
    seen, _ = self.seen([("x-forwarded-for", "1.2.3.4"), ("x-forwarded-for", "5.6.7.8")])
    self.assertEqual(", ".join(seen.all("x-forwarded-for")), "1.2.3.4, 5.6.7.8, 127.0.0.1")

  def test_what_an_outside_client_says_of_its_scheme_and_request_id_does_not_count(self):
    seen, _ = self.seen([("x-forwarded-proto", "https"), ("x-request-id", "mine"), ("x-envoy-internal", "true")])
    self.assertEqual(seen.all("x-forwarded-proto"), ["http"])
    self.assertNotEqual(seen.get("x-request-id"), "mine")
    self.assertEqual(seen.all("x-envoy-internal"), [])

  def test_each_request_has_its_own_id(self):
    ids = {self.seen()[0].get("x-request-id") for _ in range(20)}
    self.assertEqual(len(ids), 20)

  def test_behind_another_proxy(self):
    seen, response = self.seen([("x-forwarded-for", "1.2.3.4"), ("x-forwarded-proto", "https"), ("x-request-id", "theirs")],
                               "inner")
    self.assertEqual(seen.all("x-forwarded-for"), ["1.2.3.4"])
    self.assertEqual(seen.all("x-forwarded-proto"), ["https"])
    self.assertEqual(seen.all("x-request-id"), ["theirs"])
    self.assertEqual(response.all("x-request-id"), ["theirs"])
    self.assertEqual(seen.all("via"), ["1.1 inner"])
    self.assertEqual(response.all("via"), ["1.1 inner"])
    self.assertEqual(response.all("server"), [])

  def test_via_is_appended(self):
    seen, _ = self.seen([("via", "1.0 first")], "inner")
    self.assertEqual(", ".join(seen.all("via")), "1.0 first, 1.1 inner")

  def test_server_name(self):
    self.backend.answer = lambda _: ok(fields=[("server", "theirs"), ("date", "Thu, 01 Jan 1970 00:00:00 GMT")])
    _, response = self.seen(name="trusting")
    self.assertEqual(response.all("server"), ["mine"])
    self.assertEqual(response.all("date"), ["Thu, 01 Jan 1970 00:00:00 GMT"])
    self.assertEqual(self.seen(name="bare")[1].all("server"), ["theirs"])
    self.assertEqual(self.seen(name="inner")[1].all("server"), ["theirs"])

  def test_nothing_is_added_where_it_is_switched_off(self):
    seen, _ = self.seen(name="bare")
    self.assertEqual(seen.all("x-forwarded-for") + seen.all("x-request-id"), [])

  def test_hop_by_hop_fields_of_a_response_are_dropped(self):
    self.backend.answer = lambda _: ok(fields=[("connection", "x-hop, keep-alive"), ("x-hop", "1"),
                                               ("keep-alive", "timeout=5"), ("proxy-connection", "keep-alive"), ("x-end", "2")])
    _, response = self.seen()
    self.assertEqual(response.all("x-hop") + response.all("keep-alive") + response.all("proxy-connection"), [])
    self.assertEqual(response.get("x-end"), "2")

  def test_end_to_end_fields_pass_unchanged(self):
    fields = [("accept", "*/*"), ("cookie", "a=1"), ("cookie", "b=2"), ("x-empty", ""), ("x-high", "caf\xe9"), ("range", "bytes=0-1")]
    seen, _ = self.seen(fields)
    for name in {name for name, _ in fields}:
      self.assertEqual(seen.all(name), [value for key, value in fields if key == name])

  def test_names_with_underscores_are_refused(self):
    self.assertEqual(self.get("/", [("x_a", "1")]).status, 400)
    self.assertEqual(self.backend.requests, [])


class Filters(WeirTest):

  @classmethod
  def make_config(cls):
    mutation = {"mutations": {
        "request_mutations": [{"append": {"header": {"key": "x-team", "value": "core"}}}, {"remove": "x-internal"}],
        "response_mutations": [{"append": {"header": {"key": "x-from", "value": "weir"},
                                           "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}}, {"remove": "x-debug"}]}}
    special = route(prefix="/special")
    special["typed_per_filter_config"] = {"header_mutation": {"mutations": {
        "request_mutations": [{"append": {"header": {"key": "x-special", "value": "yes"}}}]}}}
    off = route(prefix="/off")
    off["typed_per_filter_config"] = {"header_mutation": {"disabled": True}}
    return config([listener("main", [special, off, dict(match={"path": "/direct"}, **tagged("direct")), route()],
                            http_filters=[{"name": "health_check", "typed_config": {"path": "/healthz"}},
                                          {"name": "header_mutation", "typed_config": mutation}, "mux"]),
                   listener("closed", http_filters=[{"name": "direct_response", "typed_config": {
                       "status": 503, "body": "back at noon", "headers": [{"key": "retry-after", "value": "60"}]}}, "mux"])],
                  [cluster("app", cls.backend.address)])

  def test_header_mutation(self):
    self.backend.answer = lambda _: ok(fields=[("x-debug", "1"), ("x-from", "app")])
    response = self.get("/", [("x-internal", "1"), ("x-team", "theirs")])
    seen = self.backend.requests[0]
    self.assertEqual((seen.all("x-team"), seen.all("x-internal")), (["theirs", "core"], []))
    self.assertEqual((response.all("x-from"), response.all("x-debug")), (["weir"], []))

  def test_header_mutation_of_local_replies(self):
    self.assertEqual(self.get("/direct").all("x-from"), ["weir"])

  def test_header_mutation_per_route(self):
    self.get("/special")
    self.assertEqual(self.backend.requests[0].all("x-special"), ["yes"])
    self.get("/")
    self.assertEqual(self.backend.requests[1].all("x-special"), [])

  def test_filter_disabled_per_route(self):
    response = self.get("/off")
    self.assertEqual(self.backend.requests[0].all("x-team") + response.all("x-from"), [])

  def test_health_check_is_answered_here(self):
    response = self.get("/healthz")
    self.assertEqual((response.status, response.body), (200, b""))
    self.assertEqual(self.get("/healthz?x=1").status, 200)
    self.assertEqual(self.backend.requests, [])
    self.get("/healthzz")
    self.assertEqual(len(self.backend.requests), 1)

  def test_direct_response_filter(self):
    client = self.connect("closed")
    for _ in range(2):
      response = client.send(request(method="POST", body=b"x")).response()
      self.assertEqual((response.status, response.body, response.get("retry-after")), (503, b"back at noon", "60"))
    self.assertEqual(self.backend.requests, [])

  def test_bodies_pass_filters_unchanged(self):
    client = self.connect()
    client.send(request(method="POST", fields=[("transfer-encoding", "chunked")]) + chunks(b"x" * 100000, trailers=[("x-t", "1")]))
    self.assertEqual(client.response().status, 200)
    self.assertEqual((self.backend.requests[0].body, self.backend.requests[0].trailers), (b"x" * 100000, [("x-t", "1")]))


class LocalReplies(WeirTest):

  @classmethod
  def make_config(cls):
    cls.held, dead = harness.closed_port()
    cls.addClassCleanup(cls.held.close)
    routes = [route("dead", "/dead"), route(prefix="/app")]
    return config([listener("main", routes),
                   listener("custom", routes, local_reply_config={
                       "mappers": [{"status_codes": [404], "status_code": 410, "body": "gone away"}],
                       "body_format": {"text_format": "%RESPONSE_CODE%|%RESPONSE_CODE_DETAILS%|%LOCAL_REPLY_BODY%",
                                       "content_type": "text/x-test"}})],
                  [cluster("app", cls.backend.address), cluster("dead", dead)])

  def test_404_keeps_the_connection(self):
    client = self.connect()
    for _ in range(3):
      self.assertEqual(client.send(request("/nowhere", method="POST", body=b"x" * 1000)).response().status, 404)
    self.assertEqual(client.send(request("/app")).response().body, b"/app")

  def test_custom_body_and_status(self):
    response = self.get("/nowhere", name="custom")
    self.assertEqual((response.status, response.get("content-type")), (410, "text/x-test"))
    self.assertEqual(response.body, b"410|route_not_found|gone away")
    response = self.get("/dead", name="custom")
    self.assertEqual(response.status, 503)
    self.assertTrue(response.body.startswith(b"503|upstream_reset_before_response_started{remote_connection_failure"), response.body)

  def test_custom_body_of_codec_errors(self):
    client = self.connect("custom")
    response = client.send(b"GET / HTTP/1.1\r\n\r\n").response()
    self.assertEqual((response.status, response.body), (400, b"400|missing_host_header|"))

  def test_answers_of_the_backend_are_not_touched(self):
    self.backend.answer = lambda _: ok(b"their own", status="404 Not Found")
    response = self.get("/app", name="custom")
    self.assertEqual((response.status, response.body), (404, b"their own"))

  def test_grpc_requests_get_their_status_in_a_field(self):
    for path, grpc in (("/nowhere", "12"), ("/dead", "14")):
      response = self.get(path, [("content-type", "application/grpc")], method="POST", body=b"")
      self.assertEqual((response.status, response.get("content-type"), response.get("grpc-status")), (200, "application/grpc", grpc))
      self.assertEqual(response.body, b"")

  def test_request_too_odd_for_a_route_keeps_counters_right(self):
    before = self.weir.stats()
    self.get("/nowhere")
    after = self.weir.stats()
    for name, more in (("http.main.downstream_rq_total", 1), ("http.main.downstream_rq_4xx", 1), ("http.main.no_route", 1),
                       ("http.main.downstream_rq_completed", 1), ("http.main.downstream_rq_5xx", 0)):
      self.assertEqual(after[name] - before[name], more, name)


if __name__ == "__main__":
  harness.main()
