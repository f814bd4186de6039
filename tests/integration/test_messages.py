"""Requests and responses on their way through: keep-alive, pipelining, bodies' framing, HTTP/1.0, interim responses."""

import harness
from harness import WeirTest, chunks, ok, request, wait_until


class KeepAlive(WeirTest):

  def test_many_requests_use_one_client_connection_and_one_backend_connection(self):
    client = self.connect()
    for number in range(200):
      response = client.send(request("/%d" % number)).response()
      self.assertEqual((response.status, response.body), (200, b"/%d" % number))
    self.assertEqual(len(self.backend.wires), 1)
    self.assertEqual(len(self.backend.requests), 200)

  def test_connection_close_of_the_client_ends_the_connection_after_the_answer(self):
    client = self.connect()
    response = client.send(request("/", [("connection", "close")])).response()
    self.assertTrue(response.closes())
    self.assertTrue(client.at_end())

  def test_connection_close_of_the_client_is_not_the_backends_business(self):
    for _ in range(3):
      self.assertEqual(self.get("/", [("connection", "close")]).status, 200)
    self.assertEqual(len(self.backend.wires), 1)
    self.assertIsNone(self.backend.requests[0].get("connection"))

  def test_connection_close_of_the_backend_is_not_the_clients_business(self):
    def script(wire):
      wire.request()
      wire.send(ok(fields=[("connection", "close")]))
    self.backend.script = script
    client = self.connect()
    for _ in range(3):
      response = client.send(request()).response()
      self.assertEqual((response.status, response.body), (200, b"ok"))
      self.assertFalse(response.closes())
    self.assertEqual(len(self.backend.wires), 3)

  def test_connections_to_a_backend_are_shared_by_clients(self):
    clients = [self.connect() for _ in range(5)]
    for _ in range(3):
      for client in clients:
        self.assertEqual(client.send(request()).response().status, 200)
    self.assertEqual(len(self.backend.wires), 1)

  def test_one_empty_line_before_a_request_is_passed_over(self):
    client = self.connect()
    self.assertEqual(client.send(b"\r\n" + request("/a")).response().body, b"/a")
    self.assertEqual(client.send(b"\r\n" + request("/b")).response().body, b"/b")

  def test_half_closed_client_gets_its_answer(self):
    client = self.connect()
    client.send(request("/late")).half_close()
    self.assertEqual(client.response().body, b"/late")
    self.assertTrue(client.at_end())

  def test_client_that_goes_away_resets_its_request(self):
    def script(wire):
      wire.request()
      wire.gone = not wire.fill()
    self.backend.script = script
    client = self.connect()
    client.send(request())
    wait_until(lambda: self.backend.wires and self.backend.wires[0].received, "the request")
    client.rst()
    wait_until(lambda: getattr(self.backend.wires[0], "gone", False), "the end of the backend's connection")


class Pipelining(WeirTest):

  def pipeline(self, count):
    requests = []
    for number in range(count):
      if number % 3 == 1:
        requests.append((b"POST", request("/%d" % number, method="POST", body=b"b" * (number + 3))))
      elif number % 3 == 2:
        head = request("/%d" % number, [("transfer-encoding", "chunked")], method="POST")
        requests.append((b"POST", head + chunks(b"abc", b"defgh")))
      else:
        requests.append((b"GET", request("/%d" % number)))
    return b"".join(data for _, data in requests)

  def check(self, client, count):
    for number in range(count):
      response = client.response()
      self.assertEqual((response.status, response.body), (200, b"/%d" % number))

  def test_answers_come_in_order(self):
    for count in (2, 3, 4, 5):
      client = self.connect()
      client.send(self.pipeline(count))
      self.check(client, count)
      client.close()

  def test_two_requests_cut_at_every_byte(self):
    data = request("/0", [("x-a", "1")]) + request("/1", method="POST", body=b"hello")
    for cut in range(1, len(data)):
      client = self.connect()
      client.send_pieces(data[:cut], data[cut:])
      self.check(client, 2)
      client.close()
    self.assertEqual(len(self.backend.requests), 2 * (len(data) - 1))
    bodies = {r.body for r in self.backend.requests if r.method == "POST"}
    self.assertEqual(bodies, {b"hello"})

  def test_five_requests_cut_at_every_byte_on_one_connection(self):
    data = self.pipeline(5)
    client = self.connect()
    for cut in range(1, len(data)):
      client.send_pieces(data[:cut], data[cut:])
      self.check(client, 5)

  def test_requests_sent_byte_by_byte(self):
    data = self.pipeline(4)
    client = self.connect()
    client.send_pieces(*[data[i:i + 1] for i in range(len(data))])
    self.check(client, 4)

  def test_the_second_request_waits_for_the_first_answer(self):
    def script(wire):
      wire.request()
      wire.second_came_early = wire.has_input(0.2)
      wire.send(ok(b"first"))
      self.backend.serve(wire)
    self.backend.script = script
    client = self.connect()
    client.send(request("/1") + request("/2"))
    self.assertEqual(client.response().body, b"first")
    self.assertEqual(client.response().body, b"/2")
    self.assertFalse(self.backend.wires[0].second_came_early)
    self.assertEqual(len(self.backend.wires), 1)

  def test_requests_after_one_with_connection_close_are_not_served(self):
    client = self.connect()
    client.send(request("/1", [("connection", "close")]) + request("/2"))
    self.assertEqual(client.response().body, b"/1")
    self.assertTrue(client.at_end())
    self.assertEqual([r.target for r in self.backend.requests], ["/1"])

  def test_client_that_pipelines_and_closes_its_side_gets_all_answers(self):
    client = self.connect()
    client.send(self.pipeline(5)).half_close()
    self.check(client, 5)
    self.assertTrue(client.at_end())

  def test_many_pipelined_requests_are_answered(self):
    client = self.connect()
    client.send(b"".join(request("/%d" % n) for n in range(500)))
    self.check(client, 500)


class Responses(WeirTest):

  def answer(self, raw, close=False):
    def script(wire):
      while wire.request():
        wire.send(raw)
        if close:
          return
    self.backend.script = script

  def test_head_keeps_the_announced_length_and_has_no_body(self):
    self.answer(b"HTTP/1.1 200 OK\r\ncontent-length: 123\r\n\r\n")
    client = self.connect()
    for _ in range(2):
      response = client.send(request(method="HEAD")).response("HEAD")
      self.assertEqual(response.get("content-length"), "123")
    self.assertFalse(client.has_input(0.05))
    self.assertEqual(len(self.backend.wires), 1)

  def test_head_with_chunked_announcement_has_no_body(self):
    self.answer(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
    client = self.connect()
    for _ in range(2):
      self.assertEqual(client.send(request(method="HEAD")).response("HEAD").status, 200)
    self.assertEqual(len(self.backend.wires), 1)

  def test_204_has_no_body_and_no_length(self):
    self.answer(b"HTTP/1.1 204 No Content\r\n\r\n")
    client = self.connect()
    for _ in range(2):
      response = client.send(request()).response()
      self.assertEqual(response.status, 204)
      self.assertEqual(response.all("content-length") + response.all("transfer-encoding"), [])
    self.assertEqual(len(self.backend.wires), 1)

  def test_304_keeps_the_announced_length_and_has_no_body(self):
    self.answer(b"HTTP/1.1 304 Not Modified\r\ncontent-length: 55\r\netag: \"x\"\r\n\r\n")
    client = self.connect()
    for _ in range(2):
      response = client.send(request()).response()
      self.assertEqual((response.status, response.get("content-length")), (304, "55"))
    self.assertEqual(len(self.backend.wires), 1)

  def test_empty_body_by_content_length_0(self):
    self.answer(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
    client = self.connect()
    for _ in range(2):
      response = client.send(request()).response()
      self.assertEqual((response.body, response.get("content-length")), (b"", "0"))

  def test_close_delimited_response_is_whole(self):
    body = b"x" * 100000
    self.answer(b"HTTP/1.1 200 OK\r\n\r\n" + body, close=True)
    client = self.connect()
    for _ in range(2):
      response = client.send(request()).response()
      self.assertEqual(response.body, body)
      self.assertEqual(response.get("transfer-encoding"), "chunked")

  def test_close_delimited_response_of_a_10_backend_is_whole(self):
    self.answer(b"HTTP/1.0 200 OK\r\n\r\nhello", close=True)
    self.assertEqual(self.get().body, b"hello")

  def test_10_backend_without_keep_alive_is_not_used_again(self):
    def script(wire):
      wire.request()
      wire.send(b"HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok")
      wire.rest()
    self.backend.script = script
    client = self.connect()
    for _ in range(3):
      self.assertEqual(client.send(request()).response().body, b"ok")
    self.assertEqual(len(self.backend.wires), 3)

  def test_10_backend_with_keep_alive_is_used_again(self):
    self.answer(b"HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 2\r\n\r\nok")
    client = self.connect()
    for _ in range(3):
      self.assertEqual(client.send(request()).response().body, b"ok")
    self.assertEqual(len(self.backend.wires), 1)

  def test_chunked_response_with_trailers(self):
    self.answer(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-sum\r\n\r\n"
                + chunks(b"hello", b" world", trailers=[("x-sum", "42")]))
    client = self.connect()
    for _ in range(2):
      response = client.send(request(fields=[("te", "trailers")])).response()
      self.assertEqual(response.body, b"hello world")
      self.assertEqual(response.trailers, [("x-sum", "42")])

  def test_framing_and_routing_fields_in_trailers_are_dropped(self):
    self.answer(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
                + chunks(b"a", trailers=[("content-length", "5"), ("set-cookie", "a=b"), ("x-ok", "1")]))
    response = self.get()
    self.assertEqual(response.trailers, [("x-ok", "1")])

  def test_response_cut_at_every_byte(self):
    raw = (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nx-field: value\r\n\r\n"
           + chunks(b"hello", b"there", trailers=[("x-t", "1")]))
    cuts = iter(range(1, len(raw)))

    def script(wire):
      while wire.request():
        cut = next(cuts)
        wire.send_pieces(raw[:cut], raw[cut:])
    self.backend.script = script
    client = self.connect()
    for cut in range(1, len(raw)):
      response = client.send(request()).response()
      self.assertEqual((response.body, response.get("x-field"), response.trailers),
                       (b"hellothere", "value", [("x-t", "1")]), "cut at %d" % cut)

  def test_response_sent_byte_by_byte(self):
    raw = ok(b"hello", [("x-field", "value")])

    def script(wire):
      while wire.request():
        wire.send_pieces(*[raw[i:i + 1] for i in range(len(raw))])
    self.backend.script = script
    client = self.connect()
    for _ in range(3):
      self.assertEqual(client.send(request()).response().body, b"hello")

  def test_response_fields_keep_their_order_and_repetition(self):
    self.answer(b"HTTP/1.1 200 OK\r\nset-cookie: a=1\r\nx-b: 2\r\nset-cookie: c=3\r\ncontent-length: 0\r\n\r\n")
    fields = [f for f in self.get().fields if f[0] in ("set-cookie", "x-b")]
    self.assertEqual(fields, [("set-cookie", "a=1"), ("x-b", "2"), ("set-cookie", "c=3")])

  def test_early_response_reaches_a_client_that_still_sends(self):
    def script(wire):
      wire.head()
      wire.send(b"HTTP/1.1 413 Content Too Large\r\ncontent-length: 3\r\nconnection: close\r\n\r\nbig")
    self.backend.script = script
    client = self.connect()
    client.send(request(method="POST", fields=[("content-length", "10000000")]) + b"x" * 100)
    response = client.response()
    self.assertEqual((response.status, response.body), (413, b"big"))

  def test_early_response_does_not_leave_the_backend_connection_for_others(self):
    def script(wire):
      wire.head()
      wire.send(ok(b"early"))
      wire.extra = wire.rest()
    self.backend.scripts = [script]
    client = self.connect()
    client.send(request(method="POST", fields=[("content-length", "10")]) + b"12345")
    self.assertEqual(client.response().body, b"early")
    self.assertEqual(self.get("/next").body, b"/next")
    self.assertEqual(len(self.backend.wires), 2)
    self.assertNotIn(b"/next", getattr(self.backend.wires[0], "extra", b""))


class RequestBodies(WeirTest):

  def test_content_length_body_arrives_with_its_length(self):
    self.get(method="POST", body=b"hello")
    seen = self.backend.requests[0]
    self.assertEqual((seen.body, seen.get("content-length")), (b"hello", "5"))
    self.assertIsNone(seen.get("transfer-encoding"))

  def test_chunked_body_with_trailers_arrives_chunked(self):
    client = self.connect()
    client.send(request(method="POST", fields=[("transfer-encoding", "chunked"), ("te", "trailers")])
                + chunks(b"hello", b" world", trailers=[("x-sum", "7")]))
    self.assertEqual(client.response().status, 200)
    seen = self.backend.requests[0]
    self.assertEqual((seen.body, seen.trailers), (b"hello world", [("x-sum", "7")]))
    self.assertIsNone(seen.get("content-length"))

  def test_chunk_extensions_are_not_forwarded(self):
    client = self.connect()
    client.send(request(method="POST", fields=[("transfer-encoding", "chunked")])
                + b"5;a=b;c=\"d\"\r\nhello\r\n0;x\r\n\r\n")
    self.assertEqual(client.response().status, 200)
    self.assertEqual(self.backend.requests[0].body, b"hello")

  def test_chunked_request_cut_at_every_byte(self):
    data = (request(method="POST", fields=[("transfer-encoding", "chunked")])
            + chunks(b"hello", b"0123456789abcdef", trailers=[("x-t", "v")]))
    client = self.connect()
    for cut in range(1, len(data)):
      client.send_pieces(data[:cut], data[cut:])
      self.assertEqual(client.response().status, 200, "cut at %d" % cut)
    for seen in self.backend.requests:
      self.assertEqual((seen.body, seen.trailers), (b"hello0123456789abcdef", [("x-t", "v")]))

  def test_get_with_a_body_is_forwarded_with_it(self):
    self.get(method="GET", body=b"query")
    self.assertEqual(self.backend.requests[0].body, b"query")

  def test_post_with_content_length_0(self):
    self.get(method="POST", body=b"")
    self.assertEqual(self.backend.requests[0].get("content-length"), "0")

  def test_body_streams_before_it_is_complete(self):
    def script(wire):
      wire.head()
      wire.first = wire.take(5)
      wire.rest_of_body = wire.take(5)
      wire.send(ok())
    self.backend.script = script
    client = self.connect()
    client.send(request(method="POST", fields=[("content-length", "10")]) + b"01234")
    wait_until(lambda: self.backend.wires and getattr(self.backend.wires[0], "first", None) == b"01234", "the first half")
    client.send(b"56789")
    self.assertEqual(client.response().status, 200)

  def test_unknown_methods_are_forwarded(self):
    self.assertEqual(self.get(method="PROPFIND").status, 200)
    self.assertEqual(self.backend.requests[0].method, "PROPFIND")

  def test_options_asterisk_matches_no_path(self):
    self.assertEqual(self.get("*", method="OPTIONS").status, 404)

  def test_absolute_form_is_forwarded_in_origin_form(self):
    response = self.get("http://a.test/path?q=1")
    self.assertEqual(response.body, b"/path?q=1")
    self.assertEqual(self.backend.requests[0].get("host"), "a.test")


class EveryPath(WeirTest):
  routes = [harness.route(prefix="")]

  def test_options_asterisk_is_forwarded_as_it_is(self):
    self.assertEqual(self.get("*", method="OPTIONS").body, b"*")


class Http10(WeirTest):

  def test_connection_ends_after_the_answer(self):
    client = self.connect()
    response = client.send(request(version="1.0")).response()
    self.assertEqual((response.status, response.body), (200, b"/"))
    self.assertTrue(client.at_end())

  def test_keep_alive_is_honoured(self):
    client = self.connect()
    for number in range(3):
      response = client.send(request("/%d" % number, [("connection", "keep-alive")], version="1.0")).response()
      self.assertEqual(response.body, b"/%d" % number)
      self.assertEqual(response.get("connection").lower(), "keep-alive")

  def test_the_backend_is_asked_in_11(self):
    self.get()
    client = self.connect()
    client.send(request(version="1.0")).response()
    self.assertEqual({r.start_line for r in self.backend.requests}, {"GET / HTTP/1.1"})

  def test_chunked_answer_becomes_close_delimited(self):
    def script(wire):
      wire.request()
      wire.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + chunks(b"hello", b"there"))
    self.backend.script = script
    client = self.connect()
    response = client.send(request(version="1.0", fields=[("connection", "keep-alive")])).response()
    self.assertTrue(response.until_close)
    self.assertEqual(response.body, b"hellothere")
    self.assertIsNone(response.get("transfer-encoding"))

  def test_no_interim_responses(self):
    def script(wire):
      wire.request()
      wire.send(b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" + ok())
    self.backend.script = script
    client = self.connect()
    response = client.send(request(version="1.0")).response()
    self.assertEqual((response.status, response.interim), (200, []))

  def test_without_host_it_is_refused(self):
    client = self.connect()
    response = client.send(request(version="1.0", host=None)).response()
    self.assertEqual(response.status, 400)


class Http10Settings(WeirTest):
  http = {"http_protocol_options": {"accept_http_10": True, "default_host_for_http_10": "default.test"}}

  def test_default_host_for_http_10(self):
    client = self.connect()
    client.send(request(version="1.0", host=None)).response()
    self.assertEqual(self.backend.requests[0].get("host"), "default.test")


class Http10Refused(WeirTest):
  http = {"http_protocol_options": {"accept_http_10": False}}

  def test_http_10_is_505_where_it_is_not_accepted(self):
    client = self.connect()
    self.assertEqual(client.send(request(version="1.0")).response().status, 505)
    self.assertTrue(client.at_end())


class Interim(WeirTest):

  def test_100_103_103_come_before_the_final_response(self):
    def script(wire):
      while wire.request():
        wire.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        wire.send(b"HTTP/1.1 103 Early Hints\r\nlink: </a.css>\r\n\r\n")
        wire.send(b"HTTP/1.1 103 Early Hints\r\nlink: </b.css>\r\n\r\n")
        wire.send(ok(b"final"))
    self.backend.script = script
    client = self.connect()
    for _ in range(2):
      response = client.send(request(method="POST", body=b"x", fields=[("expect", "100-continue")])).response()
      self.assertEqual(response.body, b"final")
      self.assertEqual([i.status for i in response.interim], [100, 103, 103])
      self.assertEqual([i.get("link") for i in response.interim], [None, "</a.css>", "</b.css>"])
    self.assertEqual(len(self.backend.wires), 1)

  def test_interim_responses_in_one_segment_with_the_final_one(self):
    def script(wire):
      while wire.request():
        wire.send(b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n" + ok(b"final"))
    self.backend.script = script
    response = self.get()
    self.assertEqual(([i.status for i in response.interim], response.body), ([103, 103], b"final"))

  def test_too_many_interim_responses_are_a_bad_response(self):
    def script(wire):
      wire.request()
      wire.send(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 100 + ok())
    self.backend.script = script
    response = self.get()
    self.assertEqual(response.status, 502)

  def test_expect_100_is_relayed_and_the_body_comes_after_it(self):
    def script(wire):
      head = wire.head()
      wire.expected = head.get("expect")
      wire.early = wire.has_input(0.1)
      wire.send(b"HTTP/1.1 100 Continue\r\n\r\n")
      wire.body = wire.take(5)
      wire.send(ok())
      wire.rest()
    self.backend.script = script
    client = self.connect()
    client.send(request(method="PUT", fields=[("expect", "100-continue"), ("content-length", "5")]))
    self.assertEqual(client.head().status, 100)
    client.send(b"hello")
    self.assertEqual(client.response().status, 200)
    wire = self.backend.wires[0]
    self.assertEqual((wire.expected, wire.early, wire.body), ("100-continue", False, b"hello"))

  def test_expect_100_refused_by_the_backend(self):
    def script(wire):
      wire.head()
      wire.send(b"HTTP/1.1 417 Expectation Failed\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
    self.backend.script = script
    client = self.connect()
    client.send(request(method="PUT", fields=[("expect", "100-continue"), ("content-length", "5")]))
    response = client.response()
    self.assertEqual((response.status, response.interim), (417, []))
    self.assertTrue(response.closes())

  def test_client_that_does_not_wait_for_the_100(self):
    def script(wire):
      while wire.request():
        wire.send(ok(b"done"))
    self.backend.script = script
    client = self.connect()
    for _ in range(2):
      client.send(request(method="PUT", body=b"hello", fields=[("expect", "100-continue")]))
      self.assertEqual(client.response().body, b"done")


class ContinueAnsweredHere(WeirTest):
  http = {"proxy_100_continue": False}

  def test_100_is_answered_here_and_expect_not_forwarded(self):
    client = self.connect()
    client.send(request("/here", method="PUT", fields=[("expect", "100-continue"), ("content-length", "5")]))
    self.assertEqual(client.head().status, 100)
    client.send(b"hello")
    response = client.response()
    self.assertEqual((response.status, response.interim), (200, []))
    self.assertIsNone(self.backend.requests[0].get("expect"))


if __name__ == "__main__":
  harness.main()
