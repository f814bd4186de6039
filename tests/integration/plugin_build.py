"""Plugins that tests build themselves: with a compiler and the header, nothing else of the tree."""

import os
import subprocess
import tempfile

import harness

TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
_BUILT = tempfile.TemporaryDirectory(prefix="weir-plugins-")
harness.PLUGINS = _BUILT.name + ":" + harness.PLUGINS


def build(source, name=None, flags=()):
  """`source` is a path in the tree; the plugin has its name, or this one."""
  base, kind = os.path.splitext(os.path.basename(source))
  compiler = ["cc", "-std=c11"] if kind == ".c" else ["c++", "-std=c++20"]
  subprocess.run(compiler + ["-O1", "-shared", "-fPIC", "-fvisibility=hidden", "-Wall", "-Wextra", "-Werror", "-I" + TREE] +
                 list(flags) + [os.path.join(TREE, source), "-o", "%s/%s.so" % (_BUILT.name, name or base)], check=True)
