"""The filter cors: simple requests and preflights, per route, over both protocols."""

import harness
from filters import FilterTest
from harness import ok

SHOP = [("origin", "https://shop.example")]
EVIL = [("origin", "https://evil.example")]
PREFLIGHT = [("access-control-request-method", "PUT"), ("access-control-request-headers", "x-token")]
POLICY = {"@type": "type.googleapis.com/envoy.extensions.filters.http.cors.v3.CorsPolicy",
          "allow_origin_string_match": [{"exact": "https://shop.example"}], "allow_methods": "GET, PUT", "allow_headers": "*",
          "expose_headers": "x-total", "max_age": "600", "allow_credentials": True}


class Cors(FilterTest):
  http = {"http_filters": [{"name": "envoy.filters.http.cors",
                            "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.cors.v3.Cors"}},
                           {"name": "mux"}]}
  routes = [{"match": {"prefix": "/open"}, "route": {"cluster": "app"}},
            {"match": {"prefix": "/strict"}, "route": {"cluster": "app"},
             "typed_per_filter_config": {"envoy.filters.http.cors": dict(POLICY, forward_not_matching_preflights=False)}},
            {"match": {"prefix": "/"}, "route": {"cluster": "app"},
             "typed_per_filter_config": {"envoy.filters.http.cors": POLICY}}]

  def test_an_answer_names_the_origin_that_may_read_it(self):
    def check(client):
      answer = self.ask(client, "/", SHOP)
      self.assertEqual((answer.status, answer.get("access-control-allow-origin")), (200, "https://shop.example"))
      self.assertEqual(answer.get("access-control-allow-credentials"), "true")
      self.assertEqual(answer.get("access-control-expose-headers"), "x-total")
      self.assertEqual(answer.get("vary"), "origin")
      answer = self.ask(client, "/", EVIL)
      self.assertEqual((answer.status, answer.get("access-control-allow-origin")), (200, None))
    self.over_both(check)

  def test_a_preflight_reaches_no_backend(self):
    def check(client):
      answer = self.ask(client, "/", SHOP + PREFLIGHT, "OPTIONS")
      self.assertEqual((answer.status, answer.body.size), (200, 0))
      self.assertEqual(answer.get("access-control-allow-origin"), "https://shop.example")
      self.assertEqual(answer.get("access-control-allow-methods"), "GET, PUT")
      self.assertEqual(answer.get("access-control-allow-headers"), "x-token")
      self.assertEqual(answer.get("access-control-max-age"), "600")
      self.assertEqual([value for name, value in answer.fields if name == "vary"], ["origin"])
      self.assertEqual(self.backend.requests, [])
    self.over_both(check)

  def test_another_origins_preflight_goes_on_or_is_answered_without_it(self):
    self.backend.answer = lambda seen: ok(b"", status="204 No Content")
    def check(client):
      self.assertEqual(self.ask(client, "/", EVIL + PREFLIGHT, "OPTIONS").status, 204)
      answer = self.ask(client, "/strict", EVIL + PREFLIGHT, "OPTIONS")
      self.assertEqual((answer.status, answer.get("access-control-allow-origin")), (200, None))
    self.over_both(check)

  def test_a_route_without_a_policy_is_left_alone(self):
    def check(client):
      answer = self.ask(client, "/open", SHOP)
      self.assertEqual((answer.get("access-control-allow-origin"), answer.get("vary")), (None, None))
    self.over_both(check)

  def test_origins_are_counted(self):
    before = self.weir.stats()
    def check(client):
      for fields in (SHOP, EVIL, EVIL, []):
        self.ask(client, "/", fields)
    self.over_both(check)
    after = self.weir.stats()
    self.assertEqual([after[name] - before[name] for name in ("plugin.cors.origin_valid", "plugin.cors.origin_invalid")], [2, 4])


if __name__ == "__main__":
  harness.main()
