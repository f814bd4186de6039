"""Chromium without a window: a process with a profile of its own, which knows one host and asks the network for nothing."""

import base64
import os
import shutil
import signal
import subprocess
import tempfile

import harness

PROGRAM = shutil.which("chromium")
# It has no sandbox where it is root's, and trusts nobody here but this machine.
QUIET = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic", "--no-proxy-server",
         "--no-first-run", "--no-default-browser-check", "--disable-background-networking", "--disable-component-update",
         "--disable-default-apps", "--disable-extensions", "--disable-sync", "--disable-breakpad",
         "--disable-domain-reliability", "--disable-client-side-phishing-detection", "--metrics-recording-only",
         "--password-store=basic", "--use-mock-keychain", "--mute-audio",
         "--disable-features=OptimizationHints,MediaRouter,DialMediaRouteProvider,Translate,AutofillServerCommunication")


def require():
  """Skips the class when there is none; where nobody looks, that is a failure."""
  if PROGRAM is None:
    if os.environ.get("CI") == "true":
      raise harness.HarnessError("chromium is not there")
    raise harness.unittest.SkipTest("chromium is not there")


def key_of(cert):
  """What the browser calls a certificate's key: the SHA-256 of its SubjectPublicKeyInfo."""
  public = subprocess.run(["openssl", "x509", "-in", cert, "-noout", "-pubkey"], check=True, capture_output=True, timeout=60)
  der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], input=public.stdout, check=True,
                       capture_output=True, timeout=60)
  digest = subprocess.run(["openssl", "dgst", "-sha256", "-binary"], input=der.stdout, check=True, capture_output=True,
                          timeout=60)
  return base64.b64encode(digest.stdout).decode()


class Browser:
  """Opens one page. The host is 127.0.0.1, and the one certificate is believed for its key."""

  def __init__(self, url, host, cert):
    self.directory = tempfile.mkdtemp(prefix="weir-chromium-")
    self.log_path = os.path.join(self.directory, "log")
    command = [PROGRAM, *QUIET, "--user-data-dir=" + os.path.join(self.directory, "profile"),
               "--host-resolver-rules=MAP %s 127.0.0.1, MAP * ~NOTFOUND" % host,
               "--ignore-certificate-errors-spki-list=" + key_of(cert), url]
    environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR", "TMPDIR"):
      environment[name] = self.directory
    # It is many processes: they are one session, so that all of them can be ended.
    with open(self.log_path, "wb") as log:
      self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment,
                                      start_new_session=True)

  def log(self):
    with open(self.log_path, encoding="utf-8", errors="replace") as file:
      return file.read()[-4000:]

  def ended(self):
    return self.process.poll() is not None

  def _left(self, number):
    """Sends the signal to all of them; False when none is left."""
    self.process.poll()
    try:
      os.killpg(self.process.pid, number)
    except ProcessLookupError:
      return False
    return True

  def end(self):
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
