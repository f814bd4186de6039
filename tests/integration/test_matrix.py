"""Every protocol in front of every other: HTTP/1.1 and HTTP/2, clear and over TLS, on both sides. What holds must hold in each
of the sixteen pairs."""

import itertools
import signal
import sys
import threading
import time
import zlib

import harness
from harness import Truncated, wait_until
from matrix import KINDS, PAIRS, MatrixTest, is_h2
from pairwise import all_pairs

MIB = 1 << 20
EARLY = 16 * MIB  # more than any window and any socket's buffers
GIB = 1 << 30


def ok(exchange, body=b"ok", fields=()):
  exchange.respond(200, fields, len(body))
  exchange.send(body).end()


class Core:
  """The rules; each is a test of each pair."""

  def small(self, front, path):
    response = self.client(front).start(path=path).response()
    self.assertEqual((response.status, response.body.start), (200, path.encode()))

  def one_mebibyte(self, front, path):
    def handler(exchange):
      exchange.body()
      exchange.respond(200, length=MIB)
      exchange.send_body(MIB).end()
    self.handler = handler
    self.client(front).start(path=path).response().body.check(MIB)

  def echo(self, front, path, length):
    def handler(exchange):
      request = exchange.body()
      request.body.check(MIB)
      self.lengths.append(request.get("content-length"))
      exchange.respond(200, length=length)
      exchange.send_body(request.body.size).end()
    self.handler, self.lengths = handler, []
    exchange = self.client(front).start("POST", path, length=length, end=False)
    exchange.send_body(MIB).end()
    exchange.response().body.check(MIB)
    self.assertEqual(self.lengths, [str(MIB) if length == MIB else None])

  def post_with_a_length(self, front, path):
    self.echo(front, path, MIB)

  def post_without_a_length(self, front, path):
    self.echo(front, path, "chunked")

  def head(self, front, path):
    def handler(exchange):
      self.assertEqual(exchange.method, "HEAD")
      exchange.respond(200, length=12345)
      # Nothing follows, on either protocol.
      exchange.chunked = False
      exchange.end()
    self.handler = handler
    client = self.client(front)
    for _ in range(2):
      response = client.start("HEAD", path).response()
      self.assertEqual((response.status, response.get("content-length"), response.body.size), (200, "12345", 0))

  def no_content(self, front, path):
    self.handler = lambda exchange: exchange.respond(204, [("x-a", "b")], end=True).end() if not exchange.multiplexed else \
        exchange.respond(204, [("x-a", "b")], end=True)
    client = self.client(front)
    for _ in range(2):
      response = client.start(path=path).response()
      self.assertEqual((response.status, response.get("x-a"), response.body.size), (204, "b", 0))
      self.assertIsNone(response.get("content-length"))

  def not_modified(self, front, path):
    def handler(exchange):
      if exchange.multiplexed:
        exchange.respond(304, [("etag", '"e"')], 4321, end=True)
      else:
        exchange.respond(304, [("etag", '"e"')], 4321)
        exchange.end()
    self.handler = handler
    client = self.client(front)
    for _ in range(2):
      response = client.start(path=path).response()
      self.assertEqual((response.status, response.get("etag"), response.body.size), (304, '"e"', 0))

  def early_hints(self, front, path):
    def handler(exchange):
      exchange.interim(103, [("link", "</a>")])
      exchange.interim(103, [("link", "</b>")])
      ok(exchange)
    self.handler = handler
    response = self.client(front).start(path=path).response()
    self.assertEqual([(hint.status, hint.get("link")) for hint in response.interim], [(103, "</a>"), (103, "</b>")])
    self.assertEqual((response.status, response.body.start), (200, b"ok"))

  def trailers(self, front, path):
    seen = []

    def handler(exchange):
      request = exchange.body()
      seen.append((request.body.size, request.trailers))
      exchange.respond(200, length="chunked")
      exchange.send(b"body").end([("x-sum", "22"), ("grpc-status", "0")])
    self.handler = handler
    exchange = self.client(front).start("POST", path, length="chunked", end=False)
    exchange.send(b"abc").end([("x-sum", "11")])
    response = exchange.response()
    self.assertEqual(seen, [(3, [("x-sum", "11")])])
    self.assertEqual((response.body.start, response.trailers), (b"body", [("x-sum", "22"), ("grpc-status", "0")]))

  def early(self, front, path, status, size, reads):
    """The whole answer comes while most of the request is still to be sent."""
    told = threading.Event()

    def handler(exchange):
      if exchange.method != "POST":
        ok(exchange)
        return
      exchange.credit = False
      if reads:
        exchange.some_body()
      exchange.respond(status, [("x-early", "1")], size)
      exchange.send_body(size).end()
      if exchange.cancelled():
        told.set()
    self.handler = handler
    client = self.client(front)
    exchange = client.start("POST", path, length=EARLY, end=False)

    def upload():
      try:
        exchange.send_body(EARLY).end()
      except (OSError, Truncated):
        pass  # it need not be taken
    thread = threading.Thread(target=upload, daemon=True)
    thread.start()
    response = exchange.response()
    self.assertEqual((response.status, response.get("x-early")), (status, "1"))
    response.body.check(size)
    thread.join(harness.DEADLINE)
    self.assertFalse(thread.is_alive(), "the upload ends")
    self.assertTrue(told.wait(harness.DEADLINE), "the backend is told")
    if client.multiplexed:
      self.assertIn(exchange.reset_by_peer, (None, 0), "NO_ERROR")
    else:
      self.assertTrue(client.gone(), "what follows would be taken for a request")
      client = self.client(front)
    self.assertEqual(client.start(path=path).response().status, 200, "it goes on")
    if is_h2(path.split("/")[1]):
      self.assertEqual(self.dialled(path.split("/")[1]), 1)

  def early_answer(self, front, path):
    self.early(front, path, 200, 3, True)

  def early_refusal(self, front, path):
    self.early(front, path, 413, 100000, False)

  def cancel(self, front, path):
    reached, gone = threading.Event(), []

    def handler(exchange):
      reached.set()
      gone.append(exchange.cancelled())
    self.handler = handler
    client = self.client(front)
    exchange = client.start("POST", path, length=10, end=False)
    exchange.send(b"12345")
    self.assertTrue(reached.wait(harness.DEADLINE))
    exchange.cancel()
    wait_until(lambda: gone, "the end at the backend")
    self.assertEqual(gone, [True])
    if client.multiplexed:
      self.handler = ok
      self.assertEqual(client.start(path=path).response().status, 200, "the connection goes on")

  def dead_before_the_head(self, front, path):
    self.handler = lambda exchange: exchange.die()
    client = self.client(front)
    exchange = client.start("POST", path, length=3, end=False)
    try:
      exchange.send(b"abc").end()
    except Truncated:
      pass  # it was answered before
    response = exchange.response()
    self.assertEqual(response.status, 503)
    self.handler = lambda exchange: (exchange.body(), ok(exchange))
    self.assertEqual(client.start(path=path).response().status, 200)

  def dead_in_the_body(self, front, path, length):
    go_on = threading.Event()

    def handler(exchange):
      exchange.respond(200, length=length)
      exchange.send_body(100000)
      go_on.wait(harness.DEADLINE)
      exchange.die()
    self.handler = handler
    client = self.client(front)
    exchange = client.start(path=path)
    go_on.set()
    with self.assertRaises(Truncated):
      exchange.response()
    if client.multiplexed:
      self.assertIsNotNone(exchange.reset_by_peer)
      self.handler = ok
      self.assertEqual(client.start(path=path).response().status, 200, "the connection goes on")

  def dead_in_a_body_with_length(self, front, path):
    self.dead_in_the_body(front, path, 200000)

  def dead_in_a_body_without_length(self, front, path):
    self.dead_in_the_body(front, path, "chunked")

  def stale_connection(self, front, path):
    seen = []

    def handler(exchange):
      seen.append(exchange.path)
      if len(seen) == 2:
        exchange.die()
      else:
        ok(exchange, b"%d" % len(seen))
    self.handler = handler
    client = self.client(front)
    self.assertEqual(client.start(path=path + "1").response().body.start, b"1")
    self.assertEqual(client.start(path=path + "2").response().body.start, b"3")
    self.assertEqual(seen, [path + "1", path + "2", path + "2"])

  def kept_connection(self, front, path):
    client = self.client(front)
    for number in range(3):
      target = "%s%d" % (path, number)
      self.assertEqual(client.start(path=target).response().body.start, target.encode())
    self.assertEqual(self.dialled(path.split("/")[1]), 1)

  def fifty_at_once(self, front, path):
    together = threading.Barrier(50)

    def handler(exchange):
      together.wait(harness.DEADLINE)
      ok(exchange, exchange.path.encode())
    self.handler = handler
    if is_h2(front):
      clients = [self.client(front)] * 50
    else:
      clients = [self.client(front) for _ in range(50)]
    exchanges = [client.start(path="%s%d" % (path, number)) for number, client in enumerate(clients)]
    for number, exchange in enumerate(exchanges):
      self.assertEqual(exchange.response().body.start, b"%s%d" % (path.encode(), number))
    if is_h2(path.split("/")[1]):
      self.assertEqual(self.dialled(path.split("/")[1]), 1)


RULES = [name for name, value in vars(Core).items() if callable(value) and not name.startswith("_") and
         name not in ("early", "echo", "dead_in_the_body")]


class Pairs(Core, MatrixTest):
  pass


def _add_pairs():
  for front, back in PAIRS:
    for rule in RULES:
      def test(self, front=front, back=back, rule=rule):
        getattr(self, rule)(front, "/%s/" % back)
      setattr(Pairs, "test_%s_to_%s_%s" % (front, back, rule), test)


_add_pairs()


class Product(MatrixTest):
  """Every two of these meet in a case; in the long form all meet all."""

  dimensions = {
      "front": KINDS,
      "back": KINDS,
      "method": ("GET", "POST", "PUT"),
      "request_size": (0, 1, 16383, 16384, 16385, 65535, 65536, MIB, 16 * MIB),
      "response_size": (0, 1, 16383, 16384, 16385, 65535, 65536, MIB, 16 * MIB),
      "request_length": ("length", "chunked", None),
      "response_length": ("length", "chunked", "close"),
      "request_trailers": (False, True),
      "response_trailers": (False, True),
      "interim": (False, True),
      "slow_client": (False, True),
      "slow_backend": (False, True),
      "cut": (None, "head", "half", "last"),
  }

  @staticmethod
  def allowed(case):
    """What can be said in the protocols; None stands for a request without a body."""
    bare = case.get("method") == "GET"
    length = case.get("request_length", "?")
    if length != "?" and "method" in case and (length is None) != bare:
      return False
    if case.get("request_size") and (bare or length is None):
      return False
    if case.get("request_trailers") and (bare or length in ("length", None)):
      return False
    if case.get("response_trailers") and case.get("response_length") in ("length", "close"):
      return False
    if case.get("cut") in ("half", "last") and case.get("response_size", 2) < 2:
      return False
    if case.get("cut") == "head" and bare:
      return False  # it would be asked again; that is a rule of its own
    # A body that ends with its connection cannot lack its end, but by a reset, which may overtake what came before it.
    return not (case.get("cut") and case.get("response_length") == "close" and case.get("response_trailers"))

  def handler(self, exchange):
    case = self.case
    request = exchange.body(case["slow_backend"])
    self.seen.append(request)
    if case["interim"]:
      exchange.interim(103, [("link", "</a>")])
    if case["cut"] == "head":
      exchange.die()
      return
    size, length = case["response_size"], case["response_length"]
    exchange.respond(200, [("x-method", exchange.method)], size if length == "length" else length)
    if case["cut"]:
      exchange.send_body(size // 2 if case["cut"] == "half" else size - 1, case["slow_backend"])
      if self.announced is not None:
        self.announced.wait(harness.DEADLINE)
      exchange.die()
      return
    exchange.send_body(size, case["slow_backend"])
    exchange.end([("x-sum", "1"), ("x-more", "2")] if case["response_trailers"] else [])

  def run_case(self, case):
    self.case, self.seen, self.announced = case, [], None
    self.credit = not case["slow_client"]
    client = self.client(case["front"])
    bare = case["request_length"] is None
    exchange = client.start(case["method"], "/%s/x" % case["back"], end=bare, length=None if bare else
                            case["request_size"] if case["request_length"] == "length" else "chunked")
    if not bare:
      exchange.send_body(case["request_size"], case["slow_client"])
      try:
        exchange.end([("x-sum", "3")] if case["request_trailers"] else [])
      except Truncated:
        # Where the length said it all, the answer need not wait for the end, and a stream may be over with it.
        if case["request_length"] != "length":
          raise
    try:
      response = exchange.response(case["slow_client"])
    except Truncated:
      if case["cut"] is None:
        raise
      response = None
    self.judge(case, response)
    client.close()
    for backend in self.by_kind.values():
      self.assertEqual(backend.errors, [])

  def judge(self, case, response):
    # What is idempotent, small, and was not answered with a byte is asked a second time.
    again = case["cut"] == "head" and case["method"] == "PUT" and case["request_size"] <= 65536 and not case["interim"]
    self.assertIn(len(self.seen), (1, 2) if again else (1,))
    self.seen[0].body.check(case["request_size"])
    self.assertEqual(self.seen[0].method, case["method"])
    self.assertEqual(self.seen[0].trailers, [("x-sum", "3")] if case["request_trailers"] else None)
    if case["cut"] == "head":
      self.assertEqual(response.status, 503)
    elif case["cut"]:
      # The proxy may not have begun the answer yet.
      self.assertTrue(response is None or response.status in (502, 503), "%r passed for whole" % response)
    else:
      self.assertEqual((response.status, response.get("x-method")), (200, case["method"]))
      response.body.check(case["response_size"])
      self.assertEqual([hint.status for hint in response.interim], [103] if case["interim"] else [])
      self.assertEqual(response.trailers, [("x-sum", "1"), ("x-more", "2")] if case["response_trailers"] else None)

  def run_cases(self, cases):
    for case in cases:
      with self.subTest(**case):
        self.run_case(case)

  @classmethod
  def full(cls, front, back):
    """All of the cases of a pair of protocols. But each size goes with one of the other way, and who is slow takes turns."""
    dimensions = dict(cls.dimensions, front=[front], back=[back])
    sizes = dimensions.pop("response_size")
    slow = [dimensions.pop("slow_client"), dimensions.pop("slow_backend")]
    turns = itertools.cycle(itertools.product(*slow))
    for values in itertools.product(*dimensions.values()):
      case = dict(zip(dimensions, values))
      case["response_size"] = sizes[(sizes.index(case["request_size"]) * 2 + 1) % len(sizes)] if case["request_size"] else None
      for size in sizes if case["response_size"] is None else [case["response_size"]]:
        case = dict(case, response_size=size)
        if cls.allowed(case):
          case["slow_client"], case["slow_backend"] = next(turns)
          yield case

  def test_every_two_values_meet(self):
    cases = all_pairs(self.dimensions, self.allowed)
    if harness.SANITIZED and not harness.SOAK:
      cases = [case for case in cases if max(case["request_size"], case["response_size"]) <= MIB]
    self.assertGreater(len(cases), 80 if not harness.SANITIZED else 40)
    self.run_cases(cases)


def _slice_of(cases):
  """Those of this run, of each kind alike: a step through the product would meet few values of the last dimensions."""
  part, parts = harness.SOAK_SLICE
  return [case for case in cases if zlib.crc32(repr(case).encode()) % parts == part]


def _add_long_forms():
  for number, (front, back) in enumerate(PAIRS):
    def all_of_it(self, front=front, back=back):
      every = list(self.full(front, back))
      cases = _slice_of(every)
      begun = time.monotonic()
      self.run_cases(cases)
      print("%d of %d cases in %.0f s" % (len(cases), len(every), time.monotonic() - begun), file=sys.stderr)

    def a_gibibyte(self, front=front, back=back):
      case = {name: values[0] for name, values in self.dimensions.items()}
      case.update(front=front, back=back, method="POST", request_size=GIB, response_size=GIB, request_length="length")
      self.run_case(case)
    setattr(Product, "test_%s_to_%s_all_meet_all" % (front, back), all_of_it)
    if number % harness.SOAK_SLICE[1] == harness.SOAK_SLICE[0]:
      setattr(Product, "test_%s_to_%s_a_gibibyte_each_way" % (front, back), a_gibibyte)


if harness.SOAK:
  _add_long_forms()


class OneConnection(MatrixTest):
  """Streams of one downstream connection that go to backends of every kind."""

  def interleaved(self, front):
    together = threading.Barrier(4 * 8)

    def handler(exchange):
      request = exchange.body()
      together.wait(harness.DEADLINE)
      exchange.respond(200, length="chunked" if exchange.path.endswith("1") else 300000)
      exchange.send_body(300000).end()
      self.sizes[exchange.path] = request.body.size
    self.handler, self.sizes = handler, {}
    client = self.client(front)
    exchanges = {}
    for number in range(8):
      for back in KINDS:
        path = "/%s/%d" % (back, number)
        exchanges[path] = client.start("POST", path, length="chunked", end=False)
    for round_ in range(3):
      for exchange in exchanges.values():
        exchange.send(b"%d" % round_ * 5000)
    for exchange in exchanges.values():
      exchange.end()
    for path, exchange in exchanges.items():
      response = exchange.response()
      self.assertEqual(response.status, 200, path)
      response.body.check(300000)
    self.assertEqual(self.sizes, dict.fromkeys(exchanges, 15000))

  def test_h2c_to_all(self):
    self.interleaved("h2c")

  def test_h2s_to_all(self):
    self.interleaved("h2s")


class Stalled(MatrixTest):
  """Clients that take nothing share a backend's connection with one that does, and which does not notice."""

  # However slow the machine is.
  http = {"codec_options": {"h2": {"zero_window_ms": 0, "drip_bytes_per_second": 0}}}
  CLIENTS = 99

  def handler(self, exchange):
    if exchange.path.endswith("stalled"):
      exchange.patience = 20 * harness.DEADLINE
      exchange.respond(200, length=self.size)
      exchange.send_body(self.size).end()
      return
    request = exchange.body()
    exchange.respond(200, length=request.body.size or self.good_size)
    exchange.send_body(request.body.size or self.good_size).end()

  def begin(self, front, back):
    """As many clients as take nothing. HTTP/1.1 is stalled when the kernel's buffers are full."""
    self.good_size = 4 * 65536 + 1
    self.size = MIB if is_h2(front) else 4 * MIB
    self.credit = False
    stalled = []
    for _ in range(self.CLIENTS):
      client = self.client(front, receive_buffer=None if is_h2(front) else 8192)
      stalled.append(client.start(path="/%s/stalled" % back))
    self.credit = True
    for exchange in stalled if is_h2(front) else []:
      exchange.wait(lambda exchange=exchange: exchange.received and exchange.received.body.size == 65535, "its window")
    return stalled

  def at_the_backend(self, back):
    """What of their bodies each of the blocked streams has sent; that of others is missing."""
    wire, = self.by_kind[back].wires
    with wire.h2.lock:
      self.assertGreater(wire.h2.send_window, 0, "the connection's window is not theirs to keep")
      return [stream.sent for stream in wire.h2.streams.values()
              if stream.path.endswith("stalled") and not stream.ended and stream.send_window == 0]

  def ask(self, good, back):
    """Some requests of the good client, each way."""
    for number in range(10):
      length = self.good_size if number % 2 else None
      exchange = good.start("POST" if length else "GET", "/%s/good%d" % (back, number), length=length, end=length is None)
      if length:
        exchange.send_body(length).end()
      response = exchange.response()
      self.assertEqual(response.status, 200)
      response.body.check(self.good_size)

  def shared(self, front, back):
    stalled = self.begin(front, back)
    good = self.client(front)

    def served_while_nothing_moves():  # once what was on its way to them has settled
      self.ask(good, back)
      before = self.at_the_backend(back)
      self.ask(good, back)
      return len(before) == self.CLIENTS and before == self.at_the_backend(back)
    wait_until(served_while_nothing_moves, "the stalled ones to be still", 3 * harness.DEADLINE)
    for sent in self.at_the_backend(back):
      self.assertTrue(65535 <= sent < self.size, sent)
    self.assertEqual(self.weir.stat("cluster.%s.upstream_cx_active" % back), 1)
    self.assertEqual(self.dialled(back), 1)
    # They were stalled and not lost: when they read on they get the rest.
    for exchange in stalled:
      if is_h2(front):
        self.assertEqual(exchange.received.body.size, 65535)
        exchange.open()
    for exchange in stalled:
      exchange.response().body.check(self.size)
    self.ask(good, back)
    self.assertEqual(self.dialled(back), 1)


def _add_stalled():
  for front, back in PAIRS:
    if is_h2(back):
      setattr(Stalled, "test_%s_to_%s" % (front, back), lambda self, front=front, back=back: self.shared(front, back))


_add_stalled()


class Drain(MatrixTest):

  def test_what_runs_is_completed_in_every_pair(self):
    go, arrived = threading.Event(), []

    def handler(exchange):
      request = exchange.body()
      exchange.respond(200, length="chunked")
      exchange.send(b"begun ")
      arrived.append(exchange.path)
      go.wait(harness.DEADLINE)
      exchange.send(request.body.start).end()
    self.handler = handler
    exchanges = {}
    for front, back in PAIRS:
      path = "/%s/%s" % (back, front)
      exchange = self.client(front).start("POST", path, length=len(path), end=False)
      exchange.send(path.encode()).end()
      exchanges[path] = exchange
    wait_until(lambda: len(arrived) == len(PAIRS), "the requests")
    self.weir.signal(signal.SIGTERM)
    wait_until(lambda: "draining" in self.weir.log(), "the drain")
    go.set()
    for path, exchange in exchanges.items():
      self.assertEqual(exchange.response().body.start, b"begun " + path.encode())
    for connection in self.connections:
      connection.wait(lambda connection=connection: connection.gone, "the end of the connection")
      self.assertEqual([code for _, code, _ in connection.goaways], [0] * len(connection.goaways))
      self.assertTrue(connection.goaways and connection.clean, connection.goaways)
    for client in self.clients:
      client.close()
    self.assertEqual(self.weir.wait_exit(), 0)
    self.weir.check_log()

  def tearDown(self):
    type(self).restart()
    super().tearDown()


if __name__ == "__main__":
  harness.main()
