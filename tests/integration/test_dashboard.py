"""The dashboard in a browser, with traffic running: what it shows is true, it loads nothing, names are only text, and it looks
right on a phone and a desktop, light and dark (the screenshots are left in WEIR_SCREENSHOTS)."""

import json
import os
import shutil
import tempfile
import threading

import chromium
import devtools
import harness
from harness import Backend, Weir, WeirTest, cluster, closed_port, config, listener, ok, request, wait_until

TOKEN = "a-token-of-the-tests"
HOSTILE = '"><img/src=x/onerror=alert(1)>'
HOSTILE_PATH = "/<script>alert(2)</script>&amp;"


class Traffic:
  """Clients that ask on and on, until stopped."""

  def __init__(self, weir, targets, clients=3):
    self.weir, self.targets, self.stopped = weir, targets, threading.Event()
    self.threads = [threading.Thread(target=self._run, daemon=True) for _ in range(clients)]
    for thread in self.threads:
      thread.start()

  def _run(self):
    wire, at = None, 0
    while not self.stopped.wait(0.02):
      try:
        wire = wire or self.weir.connect("web")
        wire.send(request(self.targets[at % len(self.targets)], [("origin", "http://a.test")], "shop.test"))
        wire.response()
        at += 1
      except (OSError, harness.HarnessError):
        if wire is not None:
          wire.close()
        wire = None
    if wire is not None:
      wire.close()

  def stop(self):
    self.stopped.set()
    for thread in self.threads:
      thread.join(harness.DEADLINE)


class DashboardTest(WeirTest):
  """A configuration with every kind of thing that the page shows."""

  concurrency = 2

  @classmethod
  def make_config(cls):
    cls.second = Backend()
    cls.backends.append(cls.second)
    cls.closed, dead = closed_port()
    cls.addClassCleanup(cls.closed.close)
    routes = [{"match": {"prefix": HOSTILE_PATH}, "route": {"cluster": HOSTILE}},
              {"match": {"prefix": "/dead"}, "route": {"cluster": "gone"}},
              {"match": {"path": "/old"}, "redirect": {"host_redirect": "new.test"}},
              {"match": {"prefix": "/none"}, "direct_response": {"status": 404}},
              {"match": {"safe_regex": {"regex": "/v[0-9]+/.*"}}, "route": {"cluster": "api"}},
              {"match": {"prefix": "/"}, "route": {"cluster": "app"}}]
    web = listener("web", routes, http_filters=["cors", {"name": "buffer", "typed_config": {"max_request_bytes": 65536}}, "mux"])
    raw = {"name": "raw", "address": "127.0.0.1:0", "tcp": {"stat_prefix": "raw", "cluster": "app"}}
    return config([web, listener(HOSTILE), raw],
                  [cluster("app", cls.backend.address, cls.second.address), cluster("api", cls.second.address),
                   cluster("gone", dead), cluster(HOSTILE, cls.backend.address)])

  def setUp(self):
    super().setUp()
    for backend in self.backends:
      backend.answer = lambda request: ok(b"hello" * 100, status="500 Oops" if request.target == "/v1/bad" else "200 OK")


class TestJson(DashboardTest):

  def json(self, query=""):
    answer = self.weir.ask_admin("/dashboard.json" + query)
    self.assertEqual(answer.status, 200, answer.body)
    return json.loads(answer.body)

  def test_it_has_the_samples_of_what_went_on_and_then_only_new_ones(self):
    for _ in range(10):
      self.assertEqual(self.get("/", name="web").status, 200)
    made = wait_until(lambda: next((made for made in [self.json()] if len(made["samples"]["rows"]) >= 2), None), "two samples")
    newest = made["samples"]["rows"][-1][0]
    later = self.json("?since=%d" % newest)["samples"]["rows"]
    self.assertTrue(all(row[0] > newest for row in later), later)
    self.assertEqual([(l["name"], l["address"]) for l in made["listeners"]],
                     [(name, self.weir.addresses[name]) for name in ("web", HOSTILE, "raw")])
    self.assertEqual(made["state"], "LIVE")
    self.assertGreaterEqual(made["listeners"][0]["chains"][0]["requests_total"], 10)
    app = made["clusters"][0]
    self.assertEqual([(e["address"], e["state"]) for e in app["endpoints"]],
                     [(self.backend.address, "healthy"), (self.second.address, "healthy")])
    self.assertEqual(made["left_off"], {"listeners": 0, "clusters": 0, "routes": 0, "endpoints": 0})

  def test_a_number_that_is_none_is_refused(self):
    for query in ("?since=", "?since=-1", "?since=1x", "?since=99999999999999999999999", "?until=1"):
      self.assertEqual(self.weir.ask_admin("/dashboard.json" + query).status, 400, query)
    self.assertEqual(self.weir.ask_admin("/?a").status, 400)

  def test_the_page_comes_with_a_policy_that_lets_nothing_else_in(self):
    page = self.weir.ask_admin("/")
    self.assertEqual((page.status, page.get("content-type")), (200, "text/html; charset=UTF-8"))
    policy = page.get("content-security-policy")
    self.assertIn("default-src 'none'", policy)
    self.assertNotIn("unsafe", policy)


class TestBrowser(DashboardTest):

  @classmethod
  def setUpClass(cls):
    chromium.require()
    super().setUpClass()
    cls.pictures = os.environ.get("WEIR_SCREENSHOTS") or tempfile.mkdtemp(prefix="weir-screenshots-")
    os.makedirs(cls.pictures, exist_ok=True)
    if not os.environ.get("WEIR_SCREENSHOTS"):
      cls.addClassCleanup(shutil.rmtree, cls.pictures)

  def setUp(self):
    super().setUp()
    self.running = []

  def tearDown(self):
    # Their connections end before gauges are looked at.
    for thing in self.running:
      thing.stop()
    super().tearDown()

  def browse(self, *args, **keys):
    page = devtools.Page(*args, **keys)
    self.running.append(page)
    return page

  def traffic(self):
    traffic = Traffic(self.weir, ["/", "/v2/x", "/v1/bad", "/none", "/dead", "/"])
    self.running.append(traffic)

  def look(self, picture, width, height, **keys):
    """Opens the page and waits until it shows traffic; afterwards it must have complained of nothing and asked nobody else."""
    self.traffic()
    origin = "http://" + self.weir.addresses["admin"]
    page = self.browse(width, height, **keys)
    page.open(origin + "/")
    page.wait("document.querySelectorAll('.chart .line').length === 8", "all lines of the charts")
    page.wait("parseFloat(document.querySelector('[data-listener=web] .figures dd').textContent) > 0", "the listener's rate")
    page.wait("parseFloat(document.querySelector('[data-cluster=app] .figures dd').textContent) > 0", "the cluster's rate")
    page.wait("document.querySelectorAll('#plugins tbody tr').length >= 2", "the plugins' times")
    page.wait("document.querySelector('[data-cluster=gone] .trouble').textContent.includes('failed connects')", "the dead cluster")
    page.screenshot(os.path.join(self.pictures, picture + ".png"))
    self.judge(page)
    self.assertEqual(page.messages, [])
    for address in page.requests:
      self.assertRegex(address, "^(data:|%s/($|dashboard.json\\?since=[0-9]+$))" % origin.replace(".", "\\."))
    return page

  def judge(self, page):
    """What every view of it shows."""
    self.assertEqual(page.js("document.getElementById('state').textContent"), "live")
    self.assertTrue(page.js("document.documentElement.scrollWidth <= innerWidth"), "it is wider than the screen")
    shown = page.js("[...document.querySelectorAll('[data-listener]')].map((card) => card.querySelector('h3').textContent)")
    self.assertEqual(shown, ["web", HOSTILE, "raw"])
    routes = page.js("[...document.querySelectorAll('[data-listener=web] .route')].map((row) => "
                     "[...row.children].map((cell) => cell.textContent))")
    self.assertEqual(routes, [["prefix", HOSTILE_PATH, HOSTILE], ["prefix", "/dead", "gone"],
                              ["path", "/old", "redirect 301 //new.test"], ["prefix", "/none", "answer 404"],
                              ["regex", "/v[0-9]+/.*", "api"], ["prefix", "/", "app"]])
    endpoints = page.js("[...document.querySelectorAll('[data-cluster=app] .endpoint')].map((row) => "
                        "[row.children[0].textContent, row.children[1].textContent])")
    self.assertEqual(endpoints, [["healthy", self.backend.address], ["healthy", self.second.address]])
    self.assertIn("5xx/s", page.js("document.querySelector('[data-listener=web] .figures').textContent"))
    self.assertTrue(page.js("[...document.querySelectorAll('.legend b')].slice(0, 1).every((b) => parseFloat(b.textContent) > 0)"))
    # Names are text: nothing came of their markup.
    self.assertEqual(page.js("document.querySelectorAll('main img, main script, main i').length"), 0)
    self.assertEqual(page.js("[...document.querySelectorAll('#plugins tbody td:first-child')].map((c) => c.textContent).sort()"),
                     ["buffer", "cors"])

  def test_on_a_desktop(self):
    page = self.look("dashboard-desktop-light", 1440, 1000)
    self.assertGreater(page.js("document.querySelectorAll('#wires path').length"), 5)
    # The keyboard walks through time, in all charts at once.
    page.js("document.querySelector('.plot').focus()")
    before = page.js("document.querySelector('.plot').getAttribute('aria-label')")
    page.key("ArrowLeft")
    page.wait("document.querySelectorAll('.cursor').length === 4", "a cursor in each chart")
    self.assertNotEqual(page.js("document.querySelector('.plot').getAttribute('aria-label')"), before)
    page.key("Escape")
    page.wait("document.querySelectorAll('.cursor').length === 0", "no cursor")
    # Paused, it asks for nothing.
    page.js("document.getElementById('pause').click()")
    self.assertEqual(page.js("document.getElementById('pause').textContent"), "Resume")
    page.js("document.querySelector('[data-range=\"60000\"]').click()")
    self.assertIn("1 min", page.js("document.querySelector('.plot').textContent"))

  def test_on_a_desktop_in_the_dark(self):
    page = self.look("dashboard-desktop-dark", 1440, 1000, dark=True, reduced_motion=True)
    self.assertEqual(page.js("getComputedStyle(document.body).backgroundColor"), "rgb(14, 20, 24)")
    self.assertEqual(page.js("getComputedStyle(document.querySelector('.object')).transitionDuration"), "0s")

  def test_on_a_phone(self):
    self.look("dashboard-phone-light", 360, 740, phone=True)

  def test_on_a_phone_in_the_dark(self):
    self.look("dashboard-phone-dark", 360, 740, phone=True, dark=True)

  def test_without_traffic_it_says_so(self):
    weir = Weir(config([listener("quiet", [{"match": {"prefix": "/"}, "direct_response": {"status": 200}}])], []), 1)
    self.addCleanup(weir.kill)
    page = self.browse(800, 600)
    page.open("http://%s/" % weir.addresses["admin"])
    page.wait("document.getElementById('clusters').textContent.includes('No cluster is configured')")
    self.assertIn("No filter of a plugin", page.js("document.getElementById('plugins').textContent"))
    page.wait("document.querySelector('.plot').textContent.includes('No requests')")
    self.assertEqual(page.messages, [])
    weir.stop()

  def test_when_the_server_goes_it_says_so_and_keeps_what_it_showed(self):
    weir = Weir(config([listener("web")], [cluster("app", self.backend.address)]), 1)
    self.addCleanup(weir.kill)
    page = self.browse(800, 600)
    page.open("http://%s/" % weir.addresses["admin"])
    page.wait("document.querySelector('[data-listener=web]') !== null")
    weir.stop()
    page.wait("!document.getElementById('notice').hidden")
    self.assertIn("Cannot reach Weir", page.js("document.getElementById('notice').textContent"))
    self.assertTrue(page.js("document.querySelector('[data-listener=web]') !== null"))

  def test_it_asks_for_a_token_and_keeps_it_in_the_tab(self):
    made = config([listener("web")], [cluster("app", self.backend.address)])
    made["admin"]["token"] = {"inline_string": TOKEN}
    weir = Weir(made, 1)
    self.addCleanup(weir.kill)
    page = self.browse(800, 600)
    page.open("http://%s/" % weir.addresses["admin"])
    page.wait("!document.getElementById('ask').hidden")

    def give(token):
      page.js("document.getElementById('token').value = %s; document.getElementById('ask').requestSubmit()" % json.dumps(token))
    give("wrong")
    page.wait("document.getElementById('ask-why').textContent.includes('refused')")
    self.assertIsNone(page.js("document.querySelector('[data-listener]')"))
    give(TOKEN)
    page.wait("document.querySelector('[data-listener=web]') !== null")
    self.assertEqual(page.js("sessionStorage.getItem('weir-token')"), TOKEN)
    self.assertEqual(page.js("localStorage.length + document.cookie.length"), 0)
    page.open("http://%s/" % weir.addresses["admin"])
    page.wait("document.querySelector('[data-listener=web]') !== null")
    weir.stop()


if __name__ == "__main__":
  harness.main()
