"""A backend that ends after every byte of its answer, by FIN and by RST, in each of the three framings.

The rule: until the head is complete the client gets an error of the proxy's; after it the client gets exactly the bytes
that came, and then an end that it cannot take for that of a complete message. Only where the FIN is the framing does the
message end with it.
"""

import threading

import harness
from harness import HarnessError, Message, WeirTest, ok, request, wait_until

BODY = b"".join(b"%02d-" % number for number in range(26))
FIELDS = b"x-one: a value of some length\r\nx-two: 2\r\n"
CHUNKS = b"7;name=\"value\"\r\n" + BODY[:7] + b"\r\n1\r\n" + BODY[7:8] + b"\r\n0046\r\n" + BODY[8:] + b"\r\n"


class Ended(Exception):
  """The connection ended inside of a message; `reset` says whether by RST, `body` what of the body had come."""

  def __init__(self, reset, body=b""):
    super().__init__(reset, body)
    self.reset = reset
    self.body = body


class Client:
  """Reads one answer and keeps apart what harness.Wire does not need to: FIN, RST, and the part of a body."""

  def __init__(self, wire):
    self.wire = wire
    self.data = b""
    self.end = None

  def more(self):
    if self.end is not None:
      return False
    try:
      data = self.wire.sock.recv(65536)
    except ConnectionResetError:
      self.end = "rst"
      return False
    if not data:
      self.end = "fin"
      return False
    self.data += data
    return True

  def take(self, enough, body=b""):
    """Until enough(data) gives a count, of which so many bytes are taken."""
    while (count := enough(self.data)) is None:
      if not self.more():
        raise Ended(self.end == "rst", body + self.data if body is not None else b"")
    taken, self.data = self.data[:count], self.data[count:]
    return taken

  def line(self):
    return self.take(lambda data: data.find(b"\n") + 1 or None, None)

  def head(self):
    return Message(self.take(lambda data: data.find(b"\r\n\r\n") + 4 if b"\r\n\r\n" in data else None, None))

  def body(self, head):
    """The body of a message that is complete; Ended otherwise."""
    if head.get("content-length") is not None:
      size = int(head.get("content-length"))
      return self.take(lambda data: size if len(data) >= size else None)
    if head.get("transfer-encoding") is None:
      while self.more():
        pass
      if self.end == "rst":
        raise Ended(True, self.data)
      return self.data
    body = b""
    while True:
      try:
        size = int(self.line(), 16)
      except Ended as ended:
        raise Ended(ended.reset, body) from None
      if size == 0:
        break
      piece = self.take(lambda data: size if len(data) >= size else None, body)  # pylint: disable=cell-var-from-loop
      body += piece
      try:
        if self.line() != b"\r\n":
          raise HarnessError("no CRLF after a chunk")
      except Ended as ended:
        raise Ended(ended.reset, body) from None
    while True:
      try:
        line = self.line()
      except Ended as ended:
        raise Ended(ended.reset, body) from None
      if line == b"\r\n":
        return body
      name, _, value = line[:-2].decode("latin-1").partition(": ")
      head.trailers.append((name, value))


class CutShort:
  """What holds for every framing; `head` and `rest` are the answer, `body_of(n)` the body within n bytes of `rest`."""

  head = b""
  rest = b""
  fin_completes = False

  def body_of(self, count):
    raise NotImplementedError

  def exchange(self, count, end, method="POST", version="1.1", wait_for_head=False):
    """The client after a request that the backend answered with so many bytes, and the answer's head."""
    answer = (self.head + self.rest)[:count]
    went_on = threading.Event()

    def script(wire):
      wire.request()
      wire.send(answer)
      if wait_for_head:
        went_on.wait(harness.DEADLINE)
      getattr(wire, end)()
    self.backend.scripts = [script]
    # Whatever is asked besides does not leave a connection behind that the next exchange would use.
    self.backend.answer = lambda seen: ok(seen.target.encode(), [("connection", "close")])
    wire = self.connect()
    body = b"x" if method == "POST" else None
    wire.send(request("/x", [("te", "trailers"), ("connection", "te")], method=method, body=body, version=version))
    client = Client(wire)
    head = client.head()
    went_on.set()
    return client, head

  def is_an_error(self, client, head):
    self.assertIn(head.status, (502, 503))
    self.assertNotIn(b"x-one", head.raw_head)
    client.body(head)

  def is_cut_off(self, client, head, count):
    """The client got what came, and knows that it is not all."""
    with self.assertRaises(Ended) as caught:
      client.body(head)
    came = self.body_of(count - len(self.head))
    self.assertEqual(caught.exception.body, came[:len(caught.exception.body)])
    return caught.exception

  def is_complete(self, client, head, count):
    self.assertEqual(head.status, 200)
    self.assertEqual(head.get("x-one"), "a value of some length")
    self.assertEqual(client.body(head), self.body_of(count - len(self.head)))

  def completes(self, count, end):
    return count == len(self.head + self.rest) and not self.fin_completes or self.fin_completes and end == "close"

  def each(self, counts, check):
    for count in counts:
      for end in ("close", "rst"):
        with self.subTest(count=count, end=end):
          check(count, end)
          # Of one that fails, tearDown sees to it.
          self.clients.pop().close()
          if count == len(self.head + self.rest):
            # After a whole answer the connection is idle until its end comes: the next request must not get on it before.
            wait_until(lambda: all(getattr(wire, "done", False) for wire in self.backend.wires), "the ends")
            self.weir.wait_stat("cluster.app.upstream_cx_active", 0)

  def test_inside_the_head_is_an_error(self):
    def check(count, end):
      client, head = self.exchange(count, end)
      self.is_an_error(client, head)
      # The client's connection is good for another request.
      client.wire.send(request("/next"))
      self.assertEqual(client.body(client.head()), b"/next")
    self.each(range(len(self.head)), check)

  def test_a_get_is_sent_again_only_if_nothing_of_an_answer_came(self):
    def check(count, end):
      client, head = self.exchange(count, end, "GET")
      if count == 0:
        self.assertEqual((head.status, client.body(head)), (200, b"/x"))
      else:
        self.is_an_error(client, head)
    self.each(range(len(self.head)), check)

  def after_the_head(self):
    return range(len(self.head), len(self.head + self.rest) + 1)

  def test_after_the_head_all_at_once(self):
    def check(count, end):
      client, head = self.exchange(count, end)
      if self.completes(count, end):
        self.is_complete(client, head, count)
      elif head.status == 200:
        self.is_cut_off(client, head, count)
      else:
        # The end came with the head: nothing was sent yet, so the client can be told.
        self.is_an_error(client, head)
    self.each(self.after_the_head(), check)

  def test_after_the_head_was_passed_on(self):
    def check(count, end):
      client, head = self.exchange(count, end, wait_for_head=True)
      self.assertEqual(head.status, 200)
      if self.completes(count, end):
        self.is_complete(client, head, count)
      else:
        ended = self.is_cut_off(client, head, count)
        if end == "close":
          self.assertEqual(ended.body, self.body_of(count - len(self.head)))
    self.each(self.after_the_head(), check)

  def test_a_client_without_chunks_sees_it_too(self):
    # To HTTP/1.0 the end of the connection is the end of the body, unless there is a length: a FIN would lie.
    def check(count, end):
      client, head = self.exchange(count, end, version="1.0", wait_for_head=True)
      self.assertEqual((head.status, head.get("transfer-encoding")), (200, None))
      if self.completes(count, end):
        self.is_complete(client, head, count)
      else:
        self.is_cut_off(client, head, count)
    self.each(self.after_the_head(), check)


class ContentLength(CutShort, WeirTest):
  head = b"HTTP/1.1 200 OK\r\n" + FIELDS + b"content-length: %d\r\n\r\n" % len(BODY)
  rest = BODY

  def body_of(self, count):
    return BODY[:count]


class Chunked(CutShort, WeirTest):
  head = b"HTTP/1.1 200 OK\r\n" + FIELDS + b"trailer: x-sum\r\ntransfer-encoding: chunked\r\n\r\n"
  rest = CHUNKS + b"0\r\nx-sum: 12345\r\nx-more: 6\r\n\r\n"

  def body_of(self, count):
    body, at = b"", 0
    while True:
      line = self.rest.find(b"\r\n", at)
      size = int(self.rest[at:line].split(b";")[0], 16)
      at = line + 2
      if size == 0 or at >= count:
        return body
      body += self.rest[at:min(at + size, count)]
      at += size + 2

  def is_complete(self, client, head, count):
    super().is_complete(client, head, count)
    if head.get("transfer-encoding"):
      self.assertEqual(head.trailers, [("x-sum", "12345"), ("x-more", "6")])


class UntilTheEnd(CutShort, WeirTest):
  head = b"HTTP/1.1 200 OK\r\n" + FIELDS + b"\r\n"
  rest = BODY
  fin_completes = True

  def body_of(self, count):
    return BODY[:count]


class Clients(WeirTest):
  routes = [harness.route(timeout="0s")]
  http = {"stream_idle_timeout": "0s"}

  def test_a_reset_that_comes_with_the_request_cancels_it(self):
    self.backend.script = lambda wire: wire.rest()
    for number in range(50):
      client = self.connect()
      client.send(request("/%d" % number))
      client.rst()
    self.weir.wait_stat("http.main.downstream_cx_active", 0)
    self.weir.wait_stat("cluster.app.upstream_rq_active", 0)


if __name__ == "__main__":
  harness.main()
