"""The filter basic_auth with curl over HTTP/1.1 and HTTP/2: hashes on helper threads, remembered credentials, many at once."""

import base64
import os
import tempfile
import threading

import harness
from harness import config, cluster, listener, request, route
from test_curl import CurlTest

# All of "secret". The last one takes a while: about as long as a slow test may.
USERS = """anna:$2y$04$7mtZ5q.sclIvC2G6CUJC4eRkulBdbzkLtiQuQ4wJMv7RbAjOfwtza
bert:$5$abcdefgh$gruCpC7VkOTspMQTTSAR8mtlO9Upms.fwqE5y16JVM.
carl:$6$abcdefgh$ltjgWl6579NluT/Vi1nwEvcil.G5Nbc4NiXZaNGStk8PSwGfQv72N2CKPPrVACtLtip/cZ/1GM/O6IND4WQhG.
dora:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=
"""
BOTH = ("--http1.1", "--http2-prior-knowledge")
ANNA = ("authorization", "Basic YW5uYTpzZWNyZXQ=")


class BasicAuth(CurlTest):

  @classmethod
  def make_config(cls):
    directory = tempfile.TemporaryDirectory(prefix="weir-users-")
    cls.addClassCleanup(directory.cleanup)
    path = os.path.join(directory.name, "htpasswd")
    with open(path, "w", encoding="utf-8") as file:
      file.write(USERS)
    filters = [{"name": "envoy.filters.http.basic_auth",
                "typed_config": {"users": {"filename": path}, "forward_username_header": "x-user"}}, {"name": "mux"}]
    own = dict(route("app", "/own"), typed_per_filter_config={
        "envoy.filters.http.basic_auth": {"users": {"inline_string": "erna:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ="}}})
    return config([listener("main", [own, route("app")], http_filters=filters)], [cluster("app", cls.backend.address)])

  def status(self, user, *options, path="/"):
    body, _ = self.curl(path, "-o", "/dev/null", "-w", "%{http_code}", *(("-u", user) if user else ()), *options)
    return int(body)

  def test_each_hash_lets_its_user_in_and_nobody_else(self):
    for version in BOTH:
      for name in ("anna", "bert", "carl", "dora"):
        self.assertEqual(self.status(name + ":secret", version), 200, name)
        self.assertEqual(self.status(name + ":wrong", version), 401, name)
      self.assertEqual(self.status("nobody:secret", version), 401)
      self.assertEqual(self.status("erna:secret", version), 401)
      self.assertEqual(self.status(None, version), 401)
      self.assertEqual(self.status("erna:secret", version, path="/own"), 200)
      self.assertEqual(self.status("anna:secret", version, path="/own"), 401)

  def test_the_backend_learns_the_name_from_here_alone(self):
    self.assertEqual(self.status("anna:secret", "-H", "x-user: root"), 200)
    self.assertEqual(self.backend.requests[-1].all("x-user"), ["anna"])

  def test_the_answer_asks_for_credentials(self):
    response = self.get("/")
    self.assertEqual(response.status, 401)
    self.assertEqual(response.get("www-authenticate"), 'Basic realm="restricted", charset="UTF-8"')
    self.assertEqual(self.backend.requests, [])

  def test_a_body_waits_for_the_password(self):
    body = os.urandom(300000)
    self.backend.answer = lambda seen: harness.ok(b"%d" % len(seen.body))
    for version in BOTH:
      made, _ = self.curl("/", version, "-u", "bert:secret", "--data-binary", "@" + self.file(body))
      self.assertEqual(made, b"300000")

  def test_what_was_right_is_remembered(self):
    self.assertEqual(self.get("/", [ANNA]).status, 200)
    before = self.weir.stat("plugin.basic_auth.cached")
    self.assertEqual(self.get("/", [ANNA]).status, 200)
    self.assertEqual(self.weir.stat("plugin.basic_auth.cached"), before + 1)

  def test_many_at_once_are_all_answered_and_clients_that_go_do_no_harm(self):
    statuses = []

    def ask(number):
      wire = self.connect()
      # Each with a password of its own: none is remembered.
      wrong = base64.b64encode(b"anna:wrong%d" % number).decode()
      wire.send(request("/", [("authorization", "Basic " + wrong)]))
      if number % 3 == 0:
        wire.rst()
        return
      statuses.append(wire.response().status)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(60)]
    for thread in threads:
      thread.start()
    for thread in threads:
      thread.join()
    self.assertEqual(set(statuses) - {401, 503}, set())
    self.assertEqual(len(statuses), 40)
    self.assertEqual(self.get("/", [ANNA]).status, 200)


if __name__ == "__main__":
  harness.main()
