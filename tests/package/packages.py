"""The Debian packages of the build under test, made once for each test program, and roots to install them into: folders with
a package database of their own, whose maintainer scripts are told of the folder by DPKG_ROOT."""

import os
import subprocess
import sys
import tempfile

TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TREE, "tests", "integration"))

import harness  # noqa: E402

BUILD = os.path.dirname(harness.BINARY)
SCRATCH = tempfile.TemporaryDirectory(prefix="weir-package-")
os.chmod(SCRATCH.name, 0o755)  # for a service that is nobody
# Files of packages belong to root; who is not root pretends to be.
AS_ROOT = [] if os.getuid() == 0 else ["fakeroot"]
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", "HOME": SCRATCH.name, "DEBIAN_FRONTEND": "noninteractive"}


def run(*command, check=True, **keys):
  """Standard output and error together."""
  keys.setdefault("env", ENVIRONMENT)
  done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                        timeout=300, check=False, **keys)
  if check and done.returncode != 0:
    raise harness.HarnessError("%s\nended with %d:\n%s" % (" ".join(command), done.returncode, done.stdout))
  return done.stdout if check else done


def make():
  """The packages' files: {"weir": path, "weir-dev": path}."""
  out = os.path.join(SCRATCH.name, "packages")
  run("cpack", "--config", BUILD + "/CPackConfig.cmake", "-B", out, env=dict(ENVIRONMENT, SOURCE_DATE_EPOCH="1700000000"))
  files = [os.path.join(out, name) for name in os.listdir(out) if name.endswith(".deb")]
  return {run("dpkg-deb", "-f", file, "Package").strip(): file for file in files}


def next_version(package, change):
  """The package once more, with a higher version, after `change` was called with the folder of its files."""
  version = run("dpkg-deb", "-f", package, "Version").strip()
  folder = tempfile.mkdtemp(dir=SCRATCH.name)
  made = folder + ".deb"
  run(*AS_ROOT, "dpkg-deb", "-R", package, folder)
  control = folder + "/DEBIAN/control"
  with open(control, encoding="utf-8") as file:
    text = file.read()
  with open(control, "w", encoding="utf-8") as file:
    file.write(text.replace("Version: " + version, "Version: " + version + "+next"))
  change(folder)
  run("dpkg-deb", "--root-owner-group", "-b", folder, made)
  return made


class Root:
  """A folder that packages are installed into. What they depend on is looked for by a test of its own."""

  def __init__(self):
    self.path = tempfile.mkdtemp(prefix="root-", dir=SCRATCH.name)
    os.chmod(self.path, 0o755)
    for folder in ("var/lib/dpkg/info", "var/lib/dpkg/updates", "var/lib/dpkg/triggers", "var/log", "etc", "run", "tmp"):
      os.makedirs(os.path.join(self.path, folder))
    open(os.path.join(self.path, "var/lib/dpkg/status"), "w", encoding="ascii").close()

  def __call__(self, *parts):
    return os.path.join(self.path, *parts)

  def dpkg(self, *arguments, **keys):
    return run(*AS_ROOT, "dpkg", "--root=" + self.path, "--force-script-chrootless", "--force-depends", "--force-not-root",
               "--force-confold", "--log=/dev/null", *arguments, **keys)

  def read(self, *parts):
    with open(self(*parts), encoding="utf-8") as file:
      return file.read()

  def files(self):
    """What is not a folder, but dpkg's own."""
    found = set()
    for folder, _, names in os.walk(self.path):
      found.update(os.path.relpath(os.path.join(folder, name), self.path) for name in names)
    return {name for name in found if not name.startswith("var/lib/dpkg/")}
