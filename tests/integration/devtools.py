"""A page in Chromium without a window, seen and driven through DevTools over two pipes: what it logs, what it asks the network
for, what stands in it, how it looks."""

import base64
import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time

import chromium
import harness


class Page:
  """One browser with one page. `messages` has what scripts and the browser complained of, `requests` every address asked for."""

  def __init__(self, width, height, dark=False, phone=False, reduced_motion=False):
    self.directory = tempfile.mkdtemp(prefix="weir-devtools-")
    self.log_path = os.path.join(self.directory, "log")
    to_browser, self.write = os.pipe()
    self.read, from_browser = os.pipe()
    # The browser has its pipes at 3 and 4.
    command = ["bash", "-c", 'exec "$@" 3<&%d 4>&%d' % (to_browser, from_browser), "bash", chromium.PROGRAM, *chromium.QUIET,
               "--remote-debugging-pipe", "--user-data-dir=" + os.path.join(self.directory, "profile"),
               "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "about:blank"]
    environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR", "TMPDIR"):
      environment[name] = self.directory
    with open(self.log_path, "wb") as log:
      self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment,
                                      pass_fds=(to_browser, from_browser), start_new_session=True)
    os.close(to_browser)
    os.close(from_browser)
    self.buffer, self.last, self.session = b"", 0, None
    self.messages, self.requests = [], []
    try:
      self._attach(width, height, dark, phone, reduced_motion)
    except BaseException:
      self.stop()
      raise

  def _attach(self, width, height, dark, phone, reduced_motion):
    target = self.call("Target.createTarget", url="about:blank")["targetId"]
    self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
    for domain in ("Page", "Runtime", "Log", "Network"):
      self.call(domain + ".enable")
    self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=2 if phone else 1, mobile=phone)
    self.call("Emulation.setEmulatedMedia", features=[
        {"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
        {"name": "prefers-reduced-motion", "value": "reduce" if reduced_motion else "no-preference"}])

  def log(self):
    with open(self.log_path, encoding="utf-8", errors="replace") as file:
      return file.read()[-4000:]

  def _message(self, end):
    while b"\0" not in self.buffer:
      left = end - time.monotonic()
      if left <= 0 or not select.select([self.read], [], [], left)[0]:
        raise harness.HarnessError("the browser says nothing: " + self.log())
      piece = os.read(self.read, 1 << 20)
      if not piece:
        raise harness.HarnessError("the browser ended: " + self.log())
      self.buffer += piece
    text, _, self.buffer = self.buffer.partition(b"\0")
    return json.loads(text)

  def _note(self, event):
    method, params = event.get("method"), event.get("params", {})
    if method == "Runtime.exceptionThrown":
      self.messages.append(params["exceptionDetails"])
    elif method == "Runtime.consoleAPICalled":
      self.messages.append((params["type"], [one.get("value", one.get("description")) for one in params["args"]]))
    elif method == "Log.entryAdded":
      self.messages.append((params["entry"]["level"], params["entry"]["text"], params["entry"].get("url")))
    elif method == "Network.requestWillBeSent":
      self.requests.append(params["request"]["url"])

  def call(self, method, **params):
    self.last += 1
    message = {"id": self.last, "method": method, "params": params}
    if self.session:
      message["sessionId"] = self.session
    data = json.dumps(message).encode() + b"\0"
    while data:
      data = data[os.write(self.write, data):]
    end = time.monotonic() + 4 * harness.DEADLINE
    while True:
      answer = self._message(end)
      if answer.get("id") == self.last:
        if "error" in answer:
          raise harness.HarnessError("%s: %r" % (method, answer["error"]))
        return answer["result"]
      self._note(answer)

  def open(self, url):
    answer = self.call("Page.navigate", url=url)
    if "errorText" in answer:
      raise harness.HarnessError("%s: %s" % (url, answer["errorText"]))
    harness.wait_until(lambda: self.js("document.readyState") == "complete", "the page to be loaded", 4 * harness.DEADLINE)

  def js(self, expression):
    """The value of an expression in the page."""
    answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
    if "exceptionDetails" in answer:
      raise harness.HarnessError("%s: %r" % (expression, answer["exceptionDetails"]))
    return answer["result"].get("value")

  def wait(self, expression, what=None, seconds=4 * harness.DEADLINE):
    # What is not there yet is a failure of the expression, not of the page.
    careful = "(() => { try { return %s; } catch { return false; } })()" % expression
    return harness.wait_until(lambda: self.js(careful), lambda: "%s; the page says: %s" %
                              (what or expression, self.js("document.body.innerText")), seconds)

  def key(self, name):
    for kind in ("rawKeyDown", "keyUp"):
      self.call("Input.dispatchKeyEvent", type=kind, key=name, code=name)

  def screenshot(self, path):
    """The whole page, as far down as it goes."""
    data = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True)["data"]
    with open(path, "wb") as file:
      file.write(base64.b64decode(data))

  def _left(self, number):
    self.process.poll()
    try:
      os.killpg(self.process.pid, number)
    except ProcessLookupError:
      return False
    return True

  def stop(self):
    for descriptor in (self.read, self.write):
      os.close(descriptor)
    if self._left(signal.SIGTERM):
      try:
        self.process.wait(harness.DEADLINE)
      except subprocess.TimeoutExpired:
        pass
    try:
      harness.wait_until(lambda: not self._left(signal.SIGKILL), "the end of the browser", harness.DEADLINE / 4)
    except harness.HarnessError:
      pass  # dead, but nobody has asked after them: where process 1 does not, they stay so
    shutil.rmtree(self.directory, ignore_errors=True)
