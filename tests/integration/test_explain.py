"""`weir explain` and the running program say the same of every request."""

import itertools
import json
import os
import shutil
import subprocess
import tempfile

import harness
from harness import WeirTest, cluster, config, listener, request


def explain(path, *words):
  """Exit code, the JSON on stdout (None without one), stderr."""
  command = [harness.BINARY, "explain", "-c", path, "--json", "--plugin-path", harness.PLUGINS, *words]
  run = subprocess.run(command, capture_output=True, text=True, timeout=harness.DEADLINE, check=False)
  return run.returncode, json.loads(run.stdout) if run.stdout else None, run.stderr



def routes():
  """Of every kind, with overlaps; each answer says which one took the request: by the path that the backend is asked."""
  kinds = [{"path": "/a"}, {"path": "/A", "case_sensitive": False}, {"path_separated_prefix": "/a/b"}, {"prefix": "/a/b"},
           {"safe_regex": {"regex": "/[ax]/[0-9]+"}}, {"prefix": "/a"}, {"path": "/x"}, {"prefix": "/x/"}]
  return [{"match": match, "direct_response": {"status": 200, "body": "route %d" % number}}
          for number, match in enumerate(kinds, 1)]


def forwards():
  return [{"match": {"prefix": "/api/"}, "route": {"cluster": "app", "prefix_rewrite": "/v1/"}},
          {"match": {"prefix": "/files"}, "route": {"cluster": "app", "prefix_rewrite": "/data/"}},
          {"match": {"path": "/old"}, "redirect": {"path_redirect": "/new?q=1", "response_code": 302}},
          {"match": {"prefix": "/moved/"}, "redirect": {"https_redirect": True, "prefix_rewrite": "/m/"}},
          {"match": {"prefix": "/small"}, "route": {"cluster": "app"}, "max_request_bytes": 3},
          {"match": {"prefix": "/ws"}, "route": {"cluster": "app", "upgrade_configs": [{"upgrade_type": "websocket"}]}},
          {"match": {"prefix": "/host"}, "route": {"cluster": "app", "host_rewrite_literal": "inner.test"}}]


WEBSOCKET = [("upgrade", "websocket"), ("sec-websocket-version", "13"), ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")]
HOSTS = [("exact", ["a.test", "a.test:81"]), ("suffix", ["*.a.test"]), ("longer", ["*.b.a.test"]), ("prefix", ["www.*"]),
         ("any", ["*"])]


class TheSame(WeirTest):
  """Each request is explained, and asked for real."""

  http = dict(virtual_hosts=[
      {"name": name, "domains": domains,
       "routes": forwards() + routes() if name in ("exact", "any") else
                 [{"match": {"prefix": "/"}, "direct_response": {"status": 200, "body": name}}]}
      for name, domains in HOSTS])

  @classmethod
  def make_config(cls):
    return config([listener("main", **cls.http), listener("strict", **dict(
        cls.http, path_with_escaped_slashes_action="REJECT_REQUEST", strip_any_host_port=True))],
                  [cluster("app", cls.backend.address)])

  def check(self, target, host="a.test", fields=(), method="GET", name="main"):
    words = [method, target, "-H", "host: " + host, "--listener", name]
    for field in fields:
      words += ["-H", "%s: %s" % field]
    code, told, error = explain(self.weir.config_path, *words)
    where = (words, told and told["answer"], error)
    self.assertIn(code, (0, 1), where)
    self.assertEqual(told["matched"], code == 0, where)
    self.backend.requests.clear()
    client = self.connect(name)
    sent = list(fields) + ([("connection", "upgrade")] if any(key == "upgrade" for key, _ in fields) else [])
    client.send(request(target, sent, host, method))
    got = client.response(method)
    client.close()
    answer = told["answer"]
    if answer["kind"] == "forward":
      self.assertEqual(got.status, 200, where)
      asked = self.backend.requests[-1]
      self.assertEqual(answer["upstream_path"], asked.target, where)
      self.assertEqual(answer["upstream_authority"], asked.get("host"), where)
      self.assertEqual(told["cluster"]["endpoints"][0]["address"], self.backend.address)
      return told
    self.assertEqual(self.backend.requests, [], where)
    self.assertEqual(answer["status"], got.status, where)
    self.assertEqual(answer["location"], got.get("location", ""), where)
    if answer["kind"] == "direct_response" and got.body.startswith(b"route "):
      self.assertEqual(told["route"]["number"], int(got.body[6:]) + len(forwards()), where)
    elif answer["kind"] == "direct_response":
      self.assertEqual(told["virtual_host"]["name"].encode(), got.body, where)
    return told

  def test_of_every_path(self):
    paths = ["/", "/a", "/A", "/a/", "/a/b", "/a/bc", "/a/b/c", "/a/7", "/a/7x", "/ab", "/x", "/X", "/x/", "/x/7", "/y",
             "/a/../x", "/a//7", "/%61", "/a/./b/c", "/x%2f7", "/a%5cb", "/a%00", "/%zz", "/a?q=/x", "/..", "/api/x?y=1",
             "/api/", "/api", "/files/x", "/files../secret", "/old", "/old?a=b", "/moved/x?y", "/host", "/small/x",
             "/api/%2e%2e/x", "/a;b/../x", "/a#b"]
    for name, path in itertools.product(("main", "strict"), paths):
      if "#" not in path:
        self.check(path, name=name)

  def test_of_every_host(self):
    hosts = ["a.test", "A.TEST", "a.test:81", "a.test:82", "x.a.test", "x.b.a.test", "b.a.test", "www.org", "www.a.test",
             "www.", "other", "1.2.3.4", "[::1]", "[::1]:81", "a..test", "a@b", "", "a_b.test", "1.2.3.256", "a.test."]
    for name, host in itertools.product(("main", "strict"), hosts):
      self.check("/a", host=host, name=name)

  def test_of_tunnels_and_lengths(self):
    self.assertEqual(self.check("/api/x", fields=WEBSOCKET)["answer"]["status"], 403)
    told = self.check("/small/x", method="POST", fields=[("content-length", "4")])
    self.assertEqual(told["answer"]["details"], "request_payload_too_large")

  def test_of_fields_that_are_refused(self):
    self.assertEqual(self.check("/a", fields=[("a_b", "c")])["answer"]["details"], "http1.unexpected_underscore")


class Command(harness.unittest.TestCase):
  """What the command says, and its exit codes."""

  FILE = """\
listeners:
  - name: clear
    address: 127.0.0.1:8080
    http:
      http_filters:
        - { name: cors }
        - { name: buffer, disabled: true, typed_config: { max_request_bytes: 9 } }
        - { name: mux }
      virtual_hosts:
        - name: shop
          domains: [shop.test]
          typed_per_filter_config: { cors: { disabled: true } }
          routes:
            - match: { path: /health }
              direct_response: { status: 200 }
            - match: { prefix: /api }
              route: { cluster: app }
              typed_per_filter_config: { buffer: { buffer: { max_request_bytes: 7 } } }
            - match: { prefix: /api/admin }
              route: { cluster: app }
  - name: other
    address: 127.0.0.1:8081
    http: { routes: [{ match: { prefix: /x }, route: { cluster: app } }] }
  - name: bytes
    address: 127.0.0.1:8082
    filters: [{ name: tcp_proxy, typed_config: { stat_prefix: t, cluster: app } }]
clusters:
  - { name: app, endpoints: [10.1.2.3:80, 10.1.2.4:80] }
"""

  def setUp(self):
    self.directory = tempfile.mkdtemp(prefix="weir-it-")
    self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
    self.file = os.path.join(self.directory, "weir.yaml")
    self.write(self.FILE)

  def write(self, text):
    with open(self.file, "w", encoding="utf-8") as file:
      file.write(text)

  def run_weir(self, *words):
    return subprocess.run([harness.BINARY, *words, "--plugin-path", harness.PLUGINS], capture_output=True, text=True,
                          timeout=harness.DEADLINE, check=False)

  def say(self, *words):
    return self.run_weir("explain", "-c", self.file, *words)

  def test_the_way_of_a_request_with_file_and_line(self):
    run = self.say("http://shop.test:8080/api/admin", "-H", "Host: shop.test")
    self.assertEqual(run.returncode, 0, run.stderr)
    for line, what in ((2, "listener "), (10, "virtual host  shop  by domain shop.test"), (16, "route         2  prefix /api"),
                       (14, "- 1  path /health: the path is another"), (6, "1 cors  off: disabled by the virtual host"),
                       (7, "2 buffer  enabled by the route"), (18, "configured by the route"), (28, "cluster       app")):
      found = [text for text in run.stdout.splitlines() if what in text]
      self.assertEqual(len(found), 1, (what, run.stdout))
      self.assertTrue(found[0].endswith("%s:%d" % (self.file, line)), (found[0], line))
    self.assertIn("1 more route after it, not asked", run.stdout)
    self.assertIn("max_request_bytes: 7", run.stdout)
    self.assertIn("10.1.2.4:80  weight 1 of 2", run.stdout)
    self.assertNotIn("\x1b", run.stdout)

  def test_the_levels_of_a_filters_configuration(self):
    _, told, _ = explain(self.file, "http://shop.test:8080/api", "-H", "host: shop.test")
    cors, buffer, mux = told["http_filters"]
    self.assertEqual((cors["runs"], cors["per_route"]["from"]), (False, "virtual host"))
    self.assertEqual((buffer["runs"], buffer["per_route"]["from"]), (True, "route"))
    self.assertEqual(buffer["per_route"]["config"], {"buffer": {"max_request_bytes": 7}})
    self.assertEqual((mux["runs"], mux["per_route"]), (True, None))
    _, told, _ = explain(self.file, "http://shop.test:8080/health", "-H", "host: shop.test")
    self.assertFalse(told["http_filters"][1]["runs"])

  def test_no_route_is_exit_code_one_and_the_404(self):
    for host in ("shop.test", "nobody.test", "shop.test:8080"):
      code, told, _ = explain(self.file, "http://shop.test:8080/nothing", "-H", "host: " + host)
      self.assertEqual((code, told["answer"]["kind"], told["answer"]["status"]), (1, "not_found", 404))
    self.assertIn("only without the port", told["virtual_hosts"][0]["reason"])
    code, told, _ = explain(self.file, "http://shop.test:9/")
    self.assertEqual((code, told["answer"]["kind"], told["listener"]), (1, "no_listener", None))
    self.assertEqual([step["reason"] for step in told["listeners"]],
                     ["has port %d, the URL 9" % port for port in (8080, 8081, 8082)])
    code, told, _ = explain(self.file, "https://shop.test:8080/")
    self.assertEqual((code, told["listeners"][0]["reason"]), (1, "has no TLS, and the URL is https"))

  def test_bytes_of_a_tcp_proxy_go_to_its_cluster(self):
    code, told, _ = explain(self.file, "http://any.test:8082/")
    self.assertEqual((code, told["answer"]["kind"], told["cluster"]["name"]), (0, "tcp", "app"))

  def test_mistakes_are_exit_code_two(self):
    for words, said in ((["ftp://a/"], "expected https://host/path"), (["/api"], "choose one with --listener"),
                        (["http://a/"], "clear, other, bytes"), (["--listener", "cleer", "/"], 'did you mean "clear"'),
                        (["/", "--listener", "clear", "-H", "no colon"], "expected 'name: value'"), (["G T", "/"], "method"),
                        ([], "REQUEST"), (["http://a:70000/"], "host:port")):
      run = self.say(*words)
      self.assertEqual((run.returncode, run.stdout), (2, ""), (words, run.stderr))
      self.assertIn(said, run.stderr)
    self.write(self.FILE.replace("cluster: app }", "cluster: ap }", 1))
    run = self.say("http://shop.test:8080/")
    self.assertEqual(run.returncode, 2)
    self.assertIn('did you mean "app"', run.stderr)

  def test_validate_says_by_its_exit_code_what_it_found(self):
    self.assertEqual(self.run_weir("validate", self.file).returncode, 0)
    run = self.run_weir("validate", "--strict", self.file)
    self.assertEqual(run.returncode, 3, run.stderr)
    self.assertIn("%s:19:" % self.file, run.stderr)
    self.assertIn("warning: prefix /api/admin is never asked: prefix /api at line 16 takes all of it [shadowed-route]", run.stderr)
    self.assertIn("no mistakes, 1 warning", run.stdout)
    self.write(self.FILE.replace("{ prefix: /api/admin }", "{ prefix: /other }"))
    self.assertEqual(self.run_weir("validate", "--strict", self.file).returncode, 0)
    self.write(self.FILE.replace("{ prefix: /api/admin }", "{ prefx: /other }"))
    self.assertEqual(self.run_weir("validate", "--strict", self.file).returncode, 1)

  def test_certificates_that_end_soon_and_keys_that_everybody_may_read(self):
    for days, rules in ((90, []), (20, ["expiring-certificate"]), (0, ["expiring-certificate"])):
      key, chain = os.path.join(self.directory, "key.pem"), os.path.join(self.directory, "cert.pem")
      subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days",
                      str(max(days, 1)), "-subj", "/CN=a.test", "-keyout", key, "-out", chain], check=True,
                     capture_output=True, timeout=60)
      os.chmod(key, 0o604 if days == 0 else 0o600)
      self.write(self.FILE.replace("{ prefix: /api/admin }", "{ prefix: /other }").replace(
          "    address: 127.0.0.1:8081\n",
          "    address: 127.0.0.1:8081\n    tls: { certificates: [{ cert: %s, key: %s }] }\n" % (chain, key)))
      run = self.run_weir("validate", "--strict", self.file)
      found = [line.rpartition("[")[2].rstrip("]") for line in run.stderr.splitlines() if "warning:" in line]
      self.assertEqual(found, rules + (["readable-key"] if days == 0 else []), run.stderr)
      self.assertEqual(run.returncode, 3 if found else 0)


if __name__ == "__main__":
  harness.main()
