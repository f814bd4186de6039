"""A filter that asks a service before a request may pass: whatever becomes of the service, the client or the program, the
request never passes unasked, and nothing is left under way."""

import signal
import threading

import h2_peer
import harness
import plugin_build
from harness import Backend, WeirTest, chunks, closed_port, cluster, config, listener, ok, request, route


class Services(WeirTest):
  """The service speaks HTTP/1.1 on the listener `main` and HTTP/2 on the listener `h2`; `dead` has one that is not there."""

  @classmethod
  def make_config(cls):
    plugin_build.build("tests/integration/plugins/authorize.c")
    cls.service, cls.service2 = Backend(), Backend()
    cls.backends += [cls.service, cls.service2]
    cls.closed, dead = closed_port()
    cls.addClassCleanup(cls.closed.close)

    def filters(name, **keys):
      typed = dict({"cluster": name, "timeout": "10s"}, **keys)
      return [{"name": "authorize", "typed_config": typed}, {"name": "mux"}]
    return config([listener("main", [route()], http_filters=filters("service")),
                   listener("h2", [route()], http_filters=filters("service2")),
                   listener("body", [route()], http_filters=filters("service", body=True)),
                   listener("body2", [route()], http_filters=filters("service2", body=True)),
                   listener("dead", [route()], http_filters=filters("dead")),
                   listener("nowhere", [route()], http_filters=filters("nowhere")),
                   listener("hasty", [route()], http_filters=filters("service", timeout="0.2s"))],
                  [cluster("app", cls.backend.address), cluster("service", cls.service.address),
                   cluster("service2", cls.service2.address, protocol="h2"), cluster("dead", dead)])

  expect_warnings = ["http filter authorize of plugin authorize failed: request_headers answered -1"]

  def setUp(self):
    super().setUp()
    self.asked = []
    self.verdict = lambda target: (200, "ann")
    self.service.answer = self._answer1
    self.service2.script = self._serve2

  def _answer1(self, question):
    self.asked.append((question.method, question.target, bytes(question.body)))
    status, user = self.verdict(question.target)
    return ok(b"said", [("x-user", user)], "%d Said" % status)

  def _serve2(self, wire):
    connection = h2_peer.Connection(wire, self._answer2)
    connection.run()
    for error in connection.errors:
      raise error

  def _answer2(self, stream):
    self.asked.append((stream.method, stream.path, stream.body().body.start))
    status, user = self.verdict(stream.path)
    stream.respond(status, [("x-user", user)]).send(b"said", end=True)

  def both(self):
    return (("main", self.service), ("h2", self.service2))

  def test_what_the_service_allows_passes_with_what_it_says(self):
    for name, _ in self.both():
      response = self.get("/private?x=1", [("x-user", "forged")], name=name)
      self.assertEqual((response.status, response.body), (200, b"/private?x=1"))
      self.assertEqual(self.backend.requests[-1].all("x-user"), ["ann"])
      self.assertEqual(self.asked.pop()[:2], ("GET", "/private?x=1"))

  def test_a_body_waits_for_the_verdict_and_passes_whole(self):
    for name, _ in self.both():
      body = bytes(range(256)) * 4000
      response = self.get("/up", method="POST", body=body, name=name)
      self.assertEqual(response.status, 200)
      self.assertEqual(self.backend.requests[-1].body, body)

  def test_what_the_service_denies_is_denied(self):
    for name, _ in self.both():
      for status in (401, 403):
        self.verdict = lambda target, status=status: (status, "")
        response = self.get("/", name=name)
        self.assertEqual((response.status, response.body), (status, b"denied"))
      self.verdict = lambda target: (500, "")
      response = self.get("/", name=name)
      self.assertEqual((response.status, response.body), (503, b"no answer"))
    self.assertEqual(self.backend.requests, [])

  def test_a_service_that_fails_lets_nothing_pass(self):
    self.service.script = lambda wire: (wire.request(), wire.send(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nab"))
    self.assertEqual(self.get("/").status, 503)
    self.service.script = lambda wire: (wire.request(), wire.rst())
    self.assertEqual(self.get("/").status, 503)
    self.service.script = lambda wire: (wire.request(), wire.send(b"garbage\r\n\r\n"))
    self.assertEqual(self.get("/").status, 503)
    self.service2.script = lambda wire: h2_peer.Connection(wire, lambda stream: stream.reset()).run()
    self.assertEqual(self.get("/", name="h2").status, 503)
    self.assertEqual(self.get("/", name="dead").status, 503)
    self.assertEqual(self.backend.requests, [])

  def test_a_cluster_that_is_not_there_fails_closed(self):
    errors = self.weir.stats().get("plugin.authorize.errors", 0)
    self.assertEqual(self.get("/", name="nowhere").status, 500)
    self.assertEqual(self.weir.stat("plugin.authorize.errors"), errors + 1)
    self.assertEqual(self.backend.requests, [])

  def test_a_service_that_says_nothing_has_its_time(self):
    timeouts = self.weir.stat("callout.timeout")
    self.service.script = lambda wire: (wire.request(), wire.at_end())
    self.assertEqual(self.get("/", name="hasty").status, 503)
    self.assertEqual(self.weir.stat("callout.timeout"), timeouts + 1)
    self.assertEqual(self.weir.stat("callout.active"), 0)
    self.assertEqual(self.backend.requests, [])

  def test_a_client_that_goes_meanwhile_takes_its_question_along(self):
    reached = threading.Event()
    self.service.script = lambda wire: (wire.request(), reached.set(), wire.at_end())
    for _ in range(3):
      reached.clear()
      client = self.connect()
      client.send(request("/"))
      self.assertTrue(reached.wait(harness.DEADLINE))
      self.assertEqual(self.weir.stat("callout.active"), 1)
      client.rst()
      self.weir.wait_stat("callout.active", 0)
    self.assertEqual(self.backend.requests, [])

  def test_others_are_served_while_one_waits(self):
    reached, go = threading.Event(), threading.Event()

    def slow(wire):
      question = wire.request()
      if question.target == "/slow":
        reached.set()
        go.wait(harness.DEADLINE)
      wire.send(ok(b"said"))
    self.service.script = slow
    client = self.connect()
    client.send(request("/slow"))
    self.assertTrue(reached.wait(harness.DEADLINE))
    for _ in range(5):
      self.assertEqual(self.get("/quick").status, 200)
    go.set()
    self.assertEqual(client.response().status, 200)

  def test_the_body_goes_to_the_service_as_it_comes(self):
    for name in ("body", "body2"):
      client = self.connect(name)
      client.send(b"POST /b HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n")
      client.send(b"3\r\ntwo\r\n")
      client.send(chunks())
      self.assertEqual(client.response().status, 200)
      self.assertEqual(self.asked.pop(), ("POST", "/b", b"onetwo"))

  def test_the_counters_of_the_cluster_have_them(self):
    before = self.weir.stats()
    self.assertEqual(self.get("/").status, 200)
    after = self.weir.stats()
    for name in ("cluster.service.upstream_rq_total", "cluster.service.upstream_rq_2xx", "callout.total"):
      self.assertEqual(after[name], before[name] + 1, name)

  def test_many_at_once(self):
    results = []
    threads = [threading.Thread(target=lambda: results.extend(self.ask_ten_times())) for _ in range(16)]
    for thread in threads:
      thread.start()
    for thread in threads:
      thread.join(harness.DEADLINE)
    self.assertEqual(results, [200] * 160)

  def ask_ten_times(self):
    statuses = []
    for name in ("main", "h2") * 5:
      client = self.weir.connect(name)
      client.send(request("/"))
      statuses.append(client.response().status)
      client.close()
    return statuses

  def test_a_program_that_ends_leaves_none(self):
    reached = threading.Event()
    self.service.script = lambda wire: (wire.request(), reached.set(), wire.at_end())
    client = self.connect()
    client.send(request("/"))
    self.assertTrue(reached.wait(harness.DEADLINE))
    self.weir.signal(signal.SIGINT)
    self.weir.wait_exit()
    self.restart()


if __name__ == "__main__":
  harness.main()
