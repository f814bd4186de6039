"""The rbac filters through the program: what the rules keep out stays out however it is written, over HTTP/1 and HTTP/2."""

import shutil
import tempfile

import certificates
import harness
from harness import config, cluster, listener, ok, request, route
from test_curl import CurlTest

ADMIN = {"url_path": {"path": {"prefix": "/admin"}}}
INNER = {"header": {"name": ":authority", "string_match": {"exact": "inner.test"}}}
EVIL = {"header": {"name": "x-team", "string_match": {"exact": "evil"}}}
ANY = [{"any": True}]


def rbac(action, permissions, principals=None):
  policy = {"permissions": permissions, "principals": principals or ANY}
  return {"name": "rbac", "typed_config": {"rules": {"action": action, "policies": {"the rule": policy}}}}


def denies(name, permissions, principals=None, options=None, **http):
  return listener(name, http_filters=[rbac("DENY", permissions, principals), "mux"], options=options, **http)


class Rbac(CurlTest):

  @classmethod
  def make_config(cls):
    open_route = dict(route(prefix="/admin/open"), typed_per_filter_config={"rbac": {"@type": (
        "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBACPerRoute")}})
    off = dict(route(prefix="/admin/off"), typed_per_filter_config={"rbac": {"disabled": True}})
    envoy = rbac("ALLOW", [{"and_rules": {"rules": [{"header": {"name": ":method", "string_match": {"exact": "GET"}}},
                                                    {"not_rule": ADMIN}]}}])
    envoy["name"] = "envoy.filters.http.rbac"
    envoy["typed_config"]["@type"] = "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC"
    strict = {"merge_slashes": True, "normalize_path": True}
    return config(
        [denies("main", [ADMIN, INNER, EVIL], routes=[open_route, off, route()], **strict),
         listener("allow", http_filters=[envoy, "mux"]),
         listener("role", http_filters=[rbac("ALLOW", ANY, [{"header": {"name": "x-role", "string_match": {"exact": "admin"}}}]),
                                        "mux"]),
         denies("edge", ANY, [{"remote_ip": "127.0.0.0/8"}]),
         denies("client", ANY, [{"remote_ip": "10.0.0.0/8"}], xff_num_trusted_hops=1),
         denies("peer", ANY, [{"direct_remote_ip": "127.0.0.0/8"}]),
         denies("six", ANY, [{"remote_ip": "::1"}], options={"address": "[::1]:0"}),
         {"name": "tcp-shut", "address": "127.0.0.1:0", "filter_chains": [{"filters": [
             {"name": "envoy.filters.network.rbac", "typed_config": {
                 "@type": "type.googleapis.com/envoy.extensions.filters.network.rbac.v3.RBAC", "stat_prefix": "shut",
                 "rules": {"action": "DENY", "policies": {"p": {
                     "permissions": ANY, "principals": [{"remote_ip": "127.0.0.0/8"}]}}}}},
             {"name": "echo"}]}]},
         {"name": "tcp-late", "address": "127.0.0.1:0", "filter_chains": [{"filters": [
             {"name": "rbac", "typed_config": {"stat_prefix": "late", "rules": {}, "delay_deny": "0.2s"}},
             {"name": "echo"}]}]},
         {"name": "tcp-open", "address": "127.0.0.1:0", "filter_chains": [{"filters": [
             {"name": "rbac", "typed_config": {"stat_prefix": "open", "rules": {"action": "DENY"}}},
             {"name": "echo"}]}]}],
        [cluster("app", cls.backend.address)])

  def status(self, path, *options, name="main"):
    """The status over HTTP/1, which HTTP/2 must have too."""
    found = set()
    for version in ("--http1.1", "--http2-prior-knowledge"):
      out, _ = self.curl(path, version, "--path-as-is", "-o", "/dev/null", "-w", "%{http_code}", *options, name=name)
      found.add(int(out))
    self.assertEqual(len(found), 1, found)
    return found.pop()

  def test_what_is_not_denied_goes_on(self):
    self.assertEqual(self.status("/"), 200)
    self.assertEqual(self.status("/public/admin"), 200)

  def test_a_path_is_denied_however_it_is_written(self):
    for path in ("/admin", "/admin/x", "/admin?x", "/./admin", "/x/../admin", "/x/%2e%2e/admin", "//admin", "/%61dmin",
                 "/x/..//admin", "/%2E/admin", "/x\\..\\admin"):
      with self.subTest(path):
        self.assertEqual(self.status(path), 403)
    self.assertEqual(self.backend.requests, [])

  def test_an_escaped_slash_never_reaches_the_backend(self):
    for path in ("/x%2f..%2fadmin", "/x/..%2Fadmin", "/x%5c..%5cadmin", "/%2fadmin"):
      with self.subTest(path):
        self.assertIn(self.status(path), (307, 400, 403))
    self.assertEqual(self.backend.requests, [])

  def test_the_answer(self):
    response = self.get("/admin")
    self.assertEqual((response.status, response.body), (403, b"RBAC: access denied"))
    self.assertEqual(response.get("content-type"), "text/plain")

  def test_a_host_in_upper_case_is_denied(self):
    for host in ("inner.test", "INNER.test", "Inner.Test"):
      self.assertEqual(self.status("/", "-H", "Host: " + host), 403)

  def test_a_further_field_hides_nothing(self):
    for first, second in (("evil", "good"), ("good", "evil")):
      self.assertEqual(self.status("/", "-H", "x-team: " + first, "-H", "X-Team: " + second), 403)
    self.assertEqual(self.status("/", "-H", "x-team: good", "-H", "x-team: fine"), 200)

  def test_a_smuggled_second_field_opens_nothing(self):
    self.assertEqual(self.status("/", "-H", "x-role: admin", name="role"), 200)
    for first, second in (("user", "admin"), ("admin", "user")):
      self.assertEqual(self.status("/", "-H", "x-role: " + first, "-H", "X-Role: " + second, name="role"), 403)

  def test_a_route_without_rules(self):
    self.assertEqual(self.status("/admin/open"), 200)
    self.assertEqual(self.status("/admin/off"), 200)
    self.assertEqual(self.status("/admin/open/../x"), 403)

  def test_envoys_names(self):
    self.assertEqual(self.status("/", name="allow"), 200)
    self.assertEqual(self.status("/admin", name="allow"), 403)
    self.assertEqual(self.status("/", "-X", "DELETE", name="allow"), 403)

  def test_what_a_client_says_of_its_own_address_is_not_believed(self):
    for name in ("edge", "peer"):
      self.assertEqual(self.status("/", "-H", "x-forwarded-for: 11.1.2.3", name=name), 403)

  def test_the_client_behind_a_trusted_proxy(self):
    for said, status in (("10.1.2.3", 403), ("::ffff:10.1.2.3", 403), ("11.1.2.3, 10.1.2.3", 403), ("10.1.2.3, 11.1.2.3", 200),
                         ("11.1.2.3", 200)):
      with self.subTest(said):
        self.assertEqual(self.status("/", "-H", "x-forwarded-for: " + said, name="client"), status)

  def test_ipv6(self):
    out, _ = self.curl("/", "-o", "/dev/null", "-w", "%{http_code}", name="six")
    self.assertEqual(out, b"403")

  def test_a_body_of_a_refused_request_goes_nowhere(self):
    client = self.connect()
    for _ in range(3):
      client.send(request("/admin", method="POST", body=b"x" * 50000))
      self.assertEqual(client.response("POST").status, 403)
    self.assertEqual(self.backend.requests, [])

  def test_counters(self):
    before = self.weir.stats()
    self.status("/admin")
    self.status("/")
    after = self.weir.stats()
    for name in ("allowed", "denied"):
      self.assertEqual(after["plugin.rbac." + name] - before["plugin.rbac." + name], 2)

  def test_connections(self):
    client = self.connect("tcp-open")
    client.send(b"hello")
    self.assertEqual(client.take(5), b"hello")
    for name in ("shut", "late"):
      counter = "plugin.%s.rbac.denied" % name
      before = self.weir.stat(counter)
      client = self.connect("tcp-" + name)
      client.send(b"hello")
      self.assertEqual(client.rest(), b"")
      self.weir.wait_stat(counter, before + 1)


class RbacOfCertificates(CurlTest):
  """Who a client is by its certificate's names, over TLS as it is on the wire."""

  @classmethod
  def make_config(cls):
    directory = tempfile.mkdtemp(prefix="weir-rbac-")
    cls.addClassCleanup(shutil.rmtree, directory)
    authority = certificates.Authority(directory)
    cert, key = authority.issue("server", ["DNS:localhost", "IP:127.0.0.1"])
    cls.shown = {"uri": authority.issue("uri", ["URI:spiffe://test/evil", "DNS:dns.test"]),
                 "dns": authority.issue("dns", ["DNS:evil.test"]),
                 "good": authority.issue("good", ["DNS:good.test"])}
    tls = {"certificates": [{"cert": cert, "key": key}], "ca": authority.cert, "require_client_certificate": True}

    def named(name):
      return [{"authenticated": {"principal_name": {"exact": name}}}]

    return config([denies("uri", ANY, named("spiffe://test/evil"), options={"tls": tls}),
                   denies("dns", ANY, named("evil.test"), options={"tls": tls})], [cluster("app", cls.backend.address)])

  def status_as(self, client, name):
    cert, key = self.shown[client]
    found = set()
    for version in ("--http1.1", "--http2"):
      out, _ = self.curl_url("https://%s/" % self.weir.addresses[name], version, "-k", "--cert", cert, "--key", key, "-o",
                             "/dev/null", "-w", "%{http_code}")
      found.add(int(out))
    self.assertEqual(len(found), 1, found)
    return found.pop()

  def test_a_name_of_the_certificate_is_denied_and_others_are_not(self):
    self.assertEqual(self.status_as("uri", "uri"), 403)
    self.assertEqual(self.status_as("dns", "dns"), 403)
    self.assertEqual(self.status_as("good", "uri"), 200)
    self.assertEqual(self.status_as("good", "dns"), 200)


if __name__ == "__main__":
  harness.main()
