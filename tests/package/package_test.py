"""The packages as dpkg sees them: what is in them, what they need, and what installing, upgrading, removing and purging do."""

import gzip
import os
import re
import shutil
import stat
import subprocess
import tempfile
import unittest

import packages
from packages import ENVIRONMENT, Root, SCRATCH, TREE, run

PACKAGES = {}
CONFFILES = ["etc/default/weir", "etc/logrotate.d/weir", "etc/weir/weir.yaml"]


def setUpModule():
  PACKAGES.update(packages.make())


def field(package, name):
  return run("dpkg-deb", "-f", PACKAGES[package], name).strip()


def contents(package):
  """(mode, owner, path) of each file and folder."""
  rows = (line.split(None, 5) for line in run("dpkg-deb", "-c", PACKAGES[package]).splitlines())
  return [(row[0], row[1], row[5]) for row in rows]


class Contents(unittest.TestCase):

  def test_the_version_is_the_program_s(self):
    version = run(packages.BUILD + "/weir", "--version").split()[1]
    for package in ("weir", "weir-dev"):
      self.assertEqual(field(package, "Version"), version)
    self.assertEqual(field("weir-dev", "Depends"), "weir (= %s)" % version)

  def test_every_shipped_plugin_is_in_it(self):
    built = sorted(os.listdir(packages.BUILD + "/plugins.d"))
    folder = "./usr/lib/weir/plugins/"
    self.assertEqual(sorted(path[len(folder):] for _, _, path in contents("weir") if path.startswith(folder) and path != folder),
                     built)

  def test_files_are_root_s_and_nobody_else_can_write_them(self):
    for package in PACKAGES:
      for mode, owner, path in contents(package):
        with self.subTest(path):
          self.assertEqual(owner, "root/root")
          self.assertRegex(mode, r"^[d-]rw[x-]r-[x-]r-[x-]$")
          self.assertEqual("x" in mode, mode[0] == "d" or path == "./usr/bin/weir")

  def test_nothing_goes_where_debian_wants_no_package(self):
    for package in PACKAGES:
      for _, _, path in contents(package):
        self.assertNotRegex(path, r"^\./usr/local|^\./(var|run|tmp|home|opt)/")

  def test_what_is_in_etc_is_a_conffile(self):
    listed = run("dpkg-deb", "-I", PACKAGES["weir"], "conffiles").split()
    self.assertEqual(listed, ["/" + name for name in CONFFILES])
    self.assertEqual(sorted(path[2:] for _, _, path in contents("weir") if path.startswith("./etc/") and path[-1] != "/"), CONFFILES)

  def test_documents_have_the_forms_of_debian(self):
    root = Root()
    for package, file in PACKAGES.items():
      run("dpkg-deb", "-x", file, root.path)
      with gzip.open(root("usr/share/doc/%s/changelog.gz" % package), "rt") as packed:
        text = packed.read()
      changelog = root("changelog")
      with open(changelog, "w", encoding="utf-8") as unpacked:
        unpacked.write(text)
      said = [run("dpkg-parsechangelog", "-l", changelog, "-S", name).strip()
              for name in ("Source", "Version", "Maintainer", "Timestamp")]
      self.assertEqual(said, [package, field(package, "Version"), field(package, "Maintainer"), "1700000000"])
      self.assertIn("common-licenses/Apache-2.0", root.read("usr/share/doc/%s/copyright" % package))
    with gzip.open(root("usr/share/doc/weir/CHANGELOG.md.gz"), "rt") as file:
      self.assertIn("# Changelog", file.read())
    # Where the units say that there is more.
    for name in re.findall(r"file:(/\S+)", root.read("lib/systemd/system/weir.service")):
      self.assertTrue(os.path.exists(root(name[1:])), name)

  def test_the_manual_knows_every_command_and_option(self):
    help_text = run(packages.BUILD + "/weir", "--help")
    with open(os.path.join(TREE, "packaging/weir.1"), encoding="utf-8") as file:
      manual = file.read().replace("\\-", "-")
    commands = re.findall(r"^  ([a-z-]+) ", help_text.partition("Subcommands:")[2].partition("Examples:")[0], re.MULTILINE)
    options = re.findall(r"^  (?:-\w,)?(--[a-z-]+)", help_text.partition("Options:")[2].partition("Subcommands:")[0], re.MULTILINE)
    self.assertGreaterEqual(min(len(commands), len(options)), 8)
    for command in commands:
      self.assertRegex(manual, r"(?m)^\.BI? \"?%s\b" % command)
    for option in options:
      self.assertRegex(manual, r"(?m)^\.BI? .*%s\b" % option)


class Dependencies(unittest.TestCase):
  """Whoever has installed what the package asks for has what it needs."""

  @classmethod
  def setUpClass(cls):
    cls.root = Root()
    run("dpkg-deb", "-x", PACKAGES["weir"], cls.root.path)
    cls.objects = [cls.root("usr/bin/weir")] + [cls.root("usr/lib/weir/plugins", name)
                                                for name in os.listdir(cls.root("usr/lib/weir/plugins"))]
    cls.depends = {re.split(r"[ (]", choice.strip())[0]
                   for name in ("Depends", "Pre-Depends") for entry in field("weir", name).split(",") for choice in entry.split("|")}

  @staticmethod
  def names_of_owner(path):
    """The package's name, and those that it provides."""
    real = os.path.realpath(path)
    for name in (path, real, real.replace("/usr/lib/", "/lib/", 1)):
      done = run("dpkg-query", "-S", name, check=False)
      if done.returncode == 0:
        owner = done.stdout.split(":")[0]
        provided = run("dpkg-query", "-W", "-f", "${Provides}", owner).splitlines()[0:1]
        return {owner} | {name.split()[0] for name in "".join(provided).split(",") if name.strip()}
    raise AssertionError("no package has " + path)

  def test_every_library_is_of_a_package_that_it_depends_on(self):
    libraries = {}
    for path in self.objects:
      needed = re.findall(r"\(NEEDED\).*\[(.*)\]", run("readelf", "-d", path))
      found = dict(re.findall(r"^\s*(\S+) => (/\S+)", run("ldd", path), re.MULTILINE))
      for name in needed:
        if not name.startswith("ld-linux"):
          self.assertIn(name, found, path)
          libraries[name] = found[name]
    self.assertIn("libc.so.6", libraries)
    for name, path in libraries.items():
      with self.subTest(name):
        self.assertTrue(self.names_of_owner(path) & self.depends, self.names_of_owner(path))

  def test_the_maintainer_scripts_programs_are_there(self):
    # The rest is in packages that each system has.
    owners = {"systemd-sysusers": {"systemd", "systemd-standalone-sysusers"}, "deb-systemd-helper": {"init-system-helpers"},
              "deb-systemd-invoke": {"init-system-helpers"}}
    scripts = "".join(run("dpkg-deb", "-I", PACKAGES["weir"], name) for name in ("postinst", "prerm", "postrm"))
    for program, names in owners.items():
      self.assertIn(program, scripts)
      self.assertTrue(names <= self.depends, program)

  def test_nothing_is_left_that_only_the_build_needs(self):
    for path in self.objects:
      self.assertNotIn("RUNPATH", run("readelf", "-d", path))
      self.assertNotIn(".symtab", run("readelf", "-SW", path))
      with open(path, "rb") as file:
        self.assertNotIn(packages.BUILD.encode(), file.read())


class Life(unittest.TestCase):
  """Install, upgrade, remove, purge."""

  def setUp(self):
    self.root = Root()
    self.root.dpkg("-i", PACKAGES["weir"])

  def status(self):
    return run("dpkg-query", "--root=" + self.root.path, "-W", "-f", "${db:Status-Abbrev}", "weir").strip()

  def enabled(self, unit, target):
    return os.path.islink(self.root("etc/systemd/system/%s.wants/%s" % (target, unit)))

  def test_an_installed_one_is_whole(self):
    self.assertEqual(self.status(), "ii")
    self.assertEqual(self.root.dpkg("--verify", "weir"), "")
    self.assertEqual(self.root.dpkg("--audit"), "")

  def test_it_makes_a_user_that_nobody_can_log_in_as(self):
    row = next(line for line in self.root.read("etc/passwd").splitlines() if line.startswith("weir:")).split(":")
    self.assertEqual(row[5:], ["/nonexistent", "/usr/sbin/nologin"])
    self.assertLess(int(row[2]), 1000)

  def test_keys_have_a_place_that_only_the_service_can_read(self):
    status = os.stat(self.root("etc/weir/tls"))
    self.assertEqual(stat.S_IMODE(status.st_mode), 0o750)
    if os.getuid() == 0:
      group = next(line for line in self.root.read("etc/group").splitlines() if line.startswith("weir:")).split(":")[2]
      self.assertEqual((status.st_uid, status.st_gid), (0, int(group)))

  def test_the_service_is_enabled_and_the_socket_is_not(self):
    self.assertTrue(self.enabled("weir.service", "multi-user.target"))
    self.assertFalse(self.enabled("weir.socket", "sockets.target"))

  def test_an_upgrade_keeps_what_somebody_has_changed(self):
    with open(self.root("etc/weir/weir.yaml"), "a", encoding="utf-8") as file:
      file.write("# mine\n")
    os.chmod(self.root("etc/weir/tls"), 0o700)
    os.unlink(self.root("etc/systemd/system/multi-user.target.wants/weir.service"))  # systemctl disable

    def change(folder):
      for name in CONFFILES:
        with open(os.path.join(folder, name), "a", encoding="utf-8") as file:
          file.write("# new\n")
    self.root.dpkg("-i", packages.next_version(PACKAGES["weir"], change))
    self.assertEqual(self.status(), "ii")
    self.assertTrue(self.root.read("etc/weir/weir.yaml").endswith("# mine\n"))
    self.assertTrue(self.root.read("etc/weir/weir.yaml.dpkg-dist").endswith("# new\n"))
    self.assertTrue(self.root.read("etc/default/weir").endswith("# new\n"))
    self.assertEqual(stat.S_IMODE(os.stat(self.root("etc/weir/tls")).st_mode), 0o700)
    self.assertFalse(self.enabled("weir.service", "multi-user.target"))

  def test_a_removal_leaves_configuration_and_nothing_that_runs(self):
    self.root.dpkg("-r", "weir")
    self.assertEqual(self.status(), "rc")
    for name in CONFFILES:
      self.assertTrue(os.path.exists(self.root(name)), name)
    self.assertEqual([name for name in self.root.files() if name.startswith(("usr/", "lib/"))], [])
    # It comes back as it was.
    self.root.dpkg("-i", PACKAGES["weir"])
    self.assertTrue(self.enabled("weir.service", "multi-user.target"))
    self.assertFalse(os.path.lexists(self.root("etc/systemd/system/weir.service")), "masked")

  def test_a_purge_leaves_the_user_and_nothing_else(self):
    for folder in ("var/log/weir", "run/weir"):
      os.makedirs(self.root(folder))
      open(self.root(folder, "a"), "w", encoding="ascii").close()
    self.root.dpkg("-P", "weir")
    left = {name for name in self.root.files() if not re.fullmatch(r"etc/(passwd|group|shadow|gshadow)-?|etc/\.pwd\.lock", name)}
    self.assertEqual(left, set())
    self.assertFalse(os.path.exists(self.root("etc/weir")))

  def test_a_purge_leaves_keys(self):
    key = self.root("etc/weir/tls/key.pem")
    open(key, "w", encoding="ascii").close()
    self.root.dpkg("-P", "weir")
    self.assertTrue(os.path.exists(key))

  def test_authors_of_plugins_find_what_they_need(self):
    self.root.dpkg("-i", PACKAGES["weir-dev"])
    environment = dict(ENVIRONMENT, PKG_CONFIG_PATH=self.root("usr/lib/pkgconfig"), CMAKE_PREFIX_PATH=self.root("usr"))
    flags = run("pkg-config", "--cflags", "weir", env=environment).split()
    example = self.root("usr/share/doc/weir-dev/examples/add_header/add_header.c")
    made = self.root("tmp/add_header.so")
    run("cc", "-std=c11", "-shared", "-fPIC", "-fvisibility=hidden", *flags, example, "-o", made, env=environment)
    settings = self.root("tmp/add_header.yaml")
    with open(settings, "w", encoding="ascii") as file:
      file.write("{ name: x-made, value: here }\n")
    run(self.root("usr/bin/weir"), "plugin-test", made, settings)
    project = self.root("tmp/project")
    os.mkdir(project)
    with open(project + "/CMakeLists.txt", "w", encoding="ascii") as file:
      file.write("cmake_minimum_required(VERSION 3.16)\nproject(p C CXX)\nfind_package(weir %s REQUIRED)\n"
                 "weir_add_plugin(add_header %s)\nmessage(STATUS \"program ${WEIR_PROGRAM}\")\n" % (field("weir", "Version"), example))
    said = run("cmake", "-S", project, "-B", project + "/build", env=environment)
    self.assertIn("program " + self.root("usr/bin/weir"), said)
    run("cmake", "--build", project + "/build", env=environment)
    run(self.root("usr/bin/weir"), "plugin-test", project + "/build/add_header.so", settings)


class Scripts(unittest.TestCase):
  """What the maintainer scripts ask of systemd: programs of the same names write down how they were called."""

  PROGRAMS = ("systemctl", "deb-systemd-invoke", "deb-systemd-helper", "systemd-sysusers", "setpriv", "chown")

  def setUp(self):
    self.folder = tempfile.mkdtemp(dir=SCRATCH.name)
    for name in ("bin", "etc/weir", "run/weir"):
      os.makedirs(self.path(name))
    with open(self.path("etc/group"), "w", encoding="ascii") as file:
      file.write("root:x:0:\nweir:x:123:\n")
    self.exits = dict.fromkeys(self.PROGRAMS, 0)
    os.makedirs(self.path("scripts"))
    for name in ("postinst", "prerm", "postrm"):
      with open(os.path.join(TREE, "packaging/debian", name), encoding="utf-8") as file:
        text = file.read().replace("$root/", self.folder + "/").replace("/run/", self.folder + "/run/")
      with open(self.path("scripts", name), "w", encoding="utf-8") as file:
        file.write(text)

  def path(self, *parts):
    return os.path.join(self.folder, *parts)

  def call(self, script, *arguments, systemd=True):
    """What was called, and what was printed."""
    for name in self.PROGRAMS:
      with open(self.path("bin", name), "w", encoding="ascii") as file:
        file.write('#!/bin/sh\necho "%s $*" >>%s\nexit %d\n' % (name, self.path("calls"), self.exits[name]))
      os.chmod(self.path("bin", name), 0o755)
    open(self.path("calls"), "w", encoding="ascii").close()
    if systemd:
      os.makedirs(self.path("run/systemd/system"), exist_ok=True)
    done = subprocess.run(["/bin/sh", "-eu", self.path("scripts", script), *arguments, ""], capture_output=True, text=True,
                          env={"PATH": self.path("bin") + ":/usr/bin:/bin"}, timeout=60, check=False)
    with open(self.path("calls"), encoding="ascii") as file:
      return done, [line.strip() for line in file if not line.startswith(("deb-systemd-helper", "systemd-sysusers", "chown"))]

  def calls(self, script, *arguments, systemd=True):
    done, calls = self.call(script, *arguments, systemd=systemd)
    self.assertEqual((done.returncode, done.stderr), (0, ""))
    return calls

  def test_the_first_start_is_systemd_s(self):
    self.assertEqual(self.calls("postinst", "configure"), ["systemctl --system daemon-reload", "deb-systemd-invoke start weir.service"])

  def test_without_systemd_nothing_is_started_or_stopped(self):
    for arguments in (("postinst", "configure"), ("postinst", "configure", "0.0.1"), ("prerm", "remove"), ("postrm", "purge")):
      self.assertEqual(self.calls(*arguments, systemd=False), [])

  UPGRADE = ["systemctl --system daemon-reload", "systemctl --quiet is-active weir.service"]

  def test_a_new_version_takes_over_from_a_running_one(self):
    open(self.path("run/weir/weir.pid"), "w", encoding="ascii").close()
    self.assertEqual(self.calls("postinst", "configure", "0.0.1"), self.UPGRADE + [
        "setpriv --reuid=weir --regid=weir --clear-groups weir upgrade --pid-file %s/run/weir/weir.pid" % self.folder])

  def test_a_new_version_that_cannot_take_over_leaves_the_old_one(self):
    open(self.path("run/weir/weir.pid"), "w", encoding="ascii").close()
    self.exits["setpriv"] = 1
    done, calls = self.call("postinst", "configure", "0.0.1")
    self.assertEqual(done.returncode, 0)
    self.assertIn("serves on", done.stderr)
    self.assertEqual(len(calls), 3)

  def test_a_service_of_an_own_unit_is_restarted(self):
    self.assertEqual(self.calls("postinst", "configure", "0.0.1"), self.UPGRADE + ["deb-systemd-invoke try-restart weir.service"])

  def test_only_a_removal_stops_the_service(self):
    self.assertEqual(self.calls("prerm", "remove"), ["deb-systemd-invoke stop weir.socket weir.service"])
    for arguments in (("upgrade", "9"), ("deconfigure",), ("failed-upgrade", "0")):
      self.assertEqual(self.calls("prerm", *arguments), [])

  def test_what_dpkg_never_asks_is_refused(self):
    self.assertEqual(self.call("postinst", "nonsense")[0].returncode, 1)


class Rotation(unittest.TestCase):

  def test_logs_are_rotated_and_made_anew(self):
    import grp
    import pwd
    folder = tempfile.mkdtemp(dir=SCRATCH.name)
    log = folder + "/access.log"
    with open(log, "w", encoding="ascii") as file:
      file.write("a line\n")
    with open(os.path.join(TREE, "packaging/debian/weir.logrotate"), encoding="utf-8") as file:
      text = file.read()
    self.assertEqual((text.count("/var/log/weir/"), text.count("weir adm")), (1, 1))
    me = "%s %s" % (pwd.getpwuid(os.getuid()).pw_name, grp.getgrgid(os.getgid()).gr_name)
    settings = folder + "/settings"
    with open(settings, "w", encoding="utf-8") as file:
      file.write(text.replace("/var/log/weir/", folder + "/").replace("weir adm", me).replace("/run/", folder + "/run/"))
    os.chmod(settings, 0o644)
    run("logrotate", "--force", "--state", folder + "/state", settings)
    self.assertEqual((os.path.getsize(log), os.path.getsize(log + ".1")), (0, 7))


if __name__ == "__main__":
  packages.harness.main()
