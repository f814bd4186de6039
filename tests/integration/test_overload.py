"""Memory at its limit: new work is refused first, what runs goes on, and when memory is free again so is the way."""

import harness
from harness import Weir, WeirTest, ok, request, route, wait_until

MIB = 1 << 20

class Memory(WeirTest):
  BODY = 4 * MIB
  ROOM = 48 * MIB  # beyond what the process has at its start
  routes = [route(timeout="0s")]
  http = {"stream_idle_timeout": "0s"}
  expect_warnings = ("memory: ",)

  @classmethod
  def make_config(cls):
    made = super().make_config()
    # What a process of this build has resident with nothing to do.
    idle = Weir(made)
    try:
      cls.limit = idle.rss() + cls.ROOM
    finally:
      idle.kill()
    cls.options = ("--max-memory", str(cls.limit))
    return made

  def answer(self, seen):
    return ok(b"x" * self.BODY if seen.target == "/large" else seen.target.encode())

  def stops(self):
    return self.weir.stat("server.overload_stop_accept")

  def until_no_more_are_accepted(self):
    """Clients that do not read the answers that have begun to come, and those that came too late to be accepted."""
    before = self.stops()
    reading, waiting = [], []
    while self.stops() == before:
      self.assertLess(len(reading), 1000, "memory is not what stops it")
      client = self.connect()
      client.send(request("/large"))
      wait_until(lambda: client.has_input(0.001) or self.stops() > before, "an answer, or the end of accepting")
      (reading if client.has_input() else waiting).append(client)
    return reading, waiting

  def until_requests_are_refused(self, clients):
    """Those of them whose answers began to come, and the response to the first one that was refused."""
    reading = []
    for client in clients:
      client.send(request("/large"))
      wait_until(lambda: client.has_input(0.001), "an answer")
      head = client.head()
      if head.status == 503:
        return reading, head
      client.length = int(head.get("content-length"))
      reading.append(client)
    self.fail("no request was refused")

  def test_new_work_is_refused_first_what_runs_goes_on_and_it_ends(self):
    self.backend.answer = self.answer
    before = self.weir.stats()
    early = [self.connect() for _ in range(100)]
    for client in early:
      self.assertEqual(client.send(request("/early")).response().body, b"/early")
    reading, waiting = self.until_no_more_are_accepted()
    late = self.connect()
    late.send(request("/late"))
    more, refused = self.until_requests_are_refused(early)
    # Refused politely, and counted.
    self.assertEqual((refused.get("x-envoy-overloaded"), refused.closes()), ("true", True))
    stats = self.weir.stats()
    self.assertGreater(stats["http.main.downstream_rq_overload_close"], before["http.main.downstream_rq_overload_close"])
    self.assertEqual(stats["server.overload_stop_accept"], before["server.overload_stop_accept"] + 1)
    # Whoever looks after the process is answered, and not told that it is ill.
    self.assertEqual(self.weir.ask_admin("/ready").status, 200)
    # A new connection is not refused: it waits.
    self.assertFalse(late.has_input(0.3))
    # What runs goes on, to the last byte.
    for client in more:
      self.assertEqual(client.take(client.length), b"x" * self.BODY)
      client.close()
    for client in reading:
      self.assertEqual(client.response().body, b"x" * self.BODY)
      client.close()
    # With that the memory is free again, and so is the way: for those who waited, and for new ones.
    self.assertEqual(late.response().body, b"/late")
    for client in waiting:
      self.assertEqual(client.response().body, b"x" * self.BODY)
    self.assertEqual(self.get("/new").body, b"/new")
    self.assertLess(self.weir.rss(), self.limit)
    # It was said once a second at most, though it was looked at ten times as often.
    said = [line[:19] for line in self.weir.log().splitlines() if "warn" in line and "memory: " in line]
    self.assertTrue(said)
    self.assertLessEqual(max(said.count(second) for second in said), 2)


class Bodies(WeirTest):
  """The bound of what messages hold, whatever the rest of the process does."""
  routes = [route(timeout="0s")]
  http = {"stream_idle_timeout": "0s"}
  BODY = 4 * MIB

  @classmethod
  def make_config(cls):
    return dict(super().make_config(), limits={"max_body_bytes_per_worker": 8 * MIB})

  def test_requests_beyond_it_are_refused_and_those_before_it_complete(self):
    self.backend.answer = lambda seen: ok(b"x" * self.BODY if seen.target == "/large" else seen.target.encode())
    before = self.weir.stat("http.main.downstream_rq_overload_close")
    reading = []
    while True:
      client = self.connect()
      client.send(request("/large"))
      head = client.head()
      if head.status == 503:
        break
      reading.append(client)
      self.assertLess(len(reading), 1000, "nothing was refused")
    self.assertEqual((head.get("x-envoy-overloaded"), head.closes()), ("true", True))
    self.assertEqual(self.weir.stat("http.main.downstream_rq_overload_close"), before + 1)
    self.assertGreater(len(reading), 4)
    for client in reading:
      self.assertEqual(client.take(self.BODY), b"x" * self.BODY)
    self.assertEqual(self.get("/again").body, b"/again")


if harness.SANITIZED:
  # Its allocator keeps what is freed: resident memory does not fall again, and the limit looks at that.
  del Memory


if __name__ == "__main__":
  harness.main()
