"""No private door: a plugin takes from outside only the C and C++ runtimes, and shows only its descriptor.

Few are written on a library of the system, which stands here beside their name. All else reaches a plugin through the table
of host functions that its init is handed, so a plugin that could not be built by a third party shows here: as an import
from the host, as a further library, or as a further export.
"""

import os
import re
import subprocess
import sys

import tree

DESCRIPTOR = "weir_plugin"
LIBRARIES = {"libc.so.6", "libm.so.6", "libstdc++.so.6", "libgcc_s.so.1", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"}
RUNTIME_VERSIONS = ("GLIBC_", "GLIBCXX_", "CXXABI_", "GCC_")
# Weak references that the compiler's start files leave unversioned.
START_FILES = {"__gmon_start__", "_ITM_deregisterTMCloneTable", "_ITM_registerTMCloneTable", "__cxa_finalize"}
# In the C library, but the host's business: a plugin has no socket, no clock, no thread and no process of its own.
HOST_ONLY = re.compile(
    r"^(socket|connect|accept4?|bind|listen|send(to|msg)?|recv(from|msg)?|epoll_\w+|poll|select|clock_gettime|gettimeofday|time|"
    r"pthread_create|thrd_create|fork|vfork|exec\w+|posix_spawn\w*|system|signal|sigaction|dlopen|dlsym|exit|abort)$"
)
# (plugin, function): why it may.
GRANTED = {}
# Libraries of the system, and their functions; which plugins are written on which.
FURTHER = {
    "re2": (re.compile(r"^libre2\.so\.\d+$"), re.compile(r"^_ZNK?3re2")),
    "zlib": (re.compile(r"^libz\.so\.\d+$"), re.compile(r"^(de|in)flate")),
    "brotli": (re.compile(r"^libbrotli(enc|dec)\.so\.\d+$"), re.compile(r"^Brotli(En|De)coder")),
    "zstd": (re.compile(r"^libzstd\.so\.\d+$"), re.compile(r"^ZSTD_")),
    "crypt": (re.compile(r"^libcrypt\.so\.\d+$"), re.compile(r"^crypt_rn$")),
}
WRITTEN_ON = {
    "basic_auth.so": ("crypt",),
    "compressor.so": ("zlib", "brotli", "zstd"),
    "cors.so": ("re2",),
    "decompressor.so": ("zlib", "brotli", "zstd"),
    "ext_authz.so": ("re2",),
    "fault.so": ("re2",),
    "header_mutation.so": ("re2",),
    "health_check.so": ("re2",),
    "local_ratelimit.so": ("re2",),
    "rbac.so": ("re2",),
}


def parse_nm(output):
    """(name, version, type) of each line of nm --dynamic --with-symbol-versions."""
    for line in output.splitlines():
        kind, symbol = line.split()[-2:]
        name, _, version = symbol.partition("@")
        yield name, version.lstrip("@"), kind


def further(plugin, column, name):
    """Whether the plugin has this library, or this function, from one that it is written on."""
    return any(FURTHER[library][column].match(name) for library in WRITTEN_ON.get(plugin, ()))


def check_imports(plugin, symbols):
    for name, version, _ in symbols:
        if further(plugin, 1, name):
            continue
        if not version.startswith(RUNTIME_VERSIONS) and name not in START_FILES:
            yield f"{plugin}: imports {name}, which is of no runtime library"
        elif HOST_ONLY.match(name) and (plugin, name) not in GRANTED:
            yield f"{plugin}: imports {name}, which is the host's business"


def check_exports(plugin, symbols):
    exported = [(name, kind) for name, _, kind in symbols]
    if [name for name, _ in exported] != [DESCRIPTOR]:
        yield f"{plugin}: exports {', '.join(name for name, _ in exported) or 'nothing'}; {DESCRIPTOR} alone is wanted"
    elif exported[0][1] not in "BDR":
        yield f"{plugin}: {DESCRIPTOR} is not data"


def check_libraries(plugin, dynamic_section):
    for name in re.findall(r"\(NEEDED\).*\[(.+)\]", dynamic_section):
        if name not in LIBRARIES and not further(plugin, 0, name):
            yield f"{plugin}: needs the library {name}"


def _output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def check(folder):
    plugins = [name for name in sorted(os.listdir(folder)) if name.endswith(".so")]
    offences = [] if plugins else [f"{folder}: there is no plugin in it"]
    for plugin in plugins:
        path = os.path.join(folder, plugin)
        nm = ("nm", "--dynamic", "--with-symbol-versions")
        offences += check_imports(plugin, parse_nm(_output(*nm, "--undefined-only", path)))
        offences += check_exports(plugin, list(parse_nm(_output(*nm, "--defined-only", path))))
        offences += check_libraries(plugin, _output("readelf", "--dynamic", "--wide", path))
    return offences


if __name__ == "__main__":
    tree.verdict("symbols", check(sys.argv[1]))
