"""Mistakes of authors that the C++ SDK refuses to compile, in words."""

import os
import subprocess
import tempfile
import unittest

import harness
import plugin_build

FILTER = """#include "plugins/sdk/weir.hpp"
class Mine : public weir::sdk::HttpFilter<Mine> {
 %s
};
WEIR_HTTP_FILTER(mine, "1.0", Mine)
"""
CODEC = """#include "plugins/sdk/codec_table.h"
#include "plugins/sdk/weir.hpp"
struct Config {};
bool Read(const weir_config_api&, const weir_node*, Config*) { return true; }
class Codec %s {
 public:
  static Codec* Create(const weir_codec_params&) { return nullptr; }
  void Destroy() {}
  std::size_t Receive(std::uint8_t*, std::size_t, std::uint32_t, weir_event*) { return 0; }
  void Adopt(std::uint32_t, weir_stream*) {}
  std::uint32_t Open(weir_stream*) { return 0; }
  std::int32_t SendHead(std::uint32_t, const weir_head&, bool, weir_out*) { return 0; }
  void Ready(std::uint32_t) {}
  void Consumed(std::uint32_t, std::uint32_t) {}
  void Reset(std::uint32_t, std::uint32_t, weir_out*) {}
  std::uint32_t Produce(std::uint64_t, weir_out*) { return 0; }
  void GoAway(std::uint32_t, weir_out*) {}
  std::uint32_t Capacity() const { return 0; }
  std::uint32_t Reusable() const { return 0; }
  %s
};
constexpr weir_codec_api kApi = weir::sdk::CodecTable<Codec, Config, Read>::Make(0, nullptr, nullptr);
static_assert((kApi.tick != nullptr) == %s);
"""
TICK = "void Tick(std::uint64_t, weir_out*) {}"
DEADLINE = "std::uint64_t Deadline() const { return 0; }"


class MistakesOfAuthors(unittest.TestCase):

  def compile(self, text):
    with tempfile.NamedTemporaryFile("w", suffix=".cc") as file:
      file.write(text)
      file.flush()
      return subprocess.run(["c++", "-std=c++20", "-fsyntax-only", "-I" + plugin_build.TREE, file.name],
                            capture_output=True, text=True, check=False, env=dict(os.environ, LC_ALL="C"))

  def good(self, text):
    done = self.compile(text)
    self.assertEqual((done.returncode, done.stderr), (0, ""))

  def refused(self, words, text):
    done = self.compile(text)
    self.assertNotEqual(done.returncode, 0)
    self.assertIn(words, done.stderr)

  def test_a_hook_that_nobody_could_call(self):
    hook = "weir::sdk::Status OnRequestHeaders(bool) { return weir::sdk::Status::kContinue; }"
    self.good(FILTER % ("public: " + hook))
    self.refused("OnRequestHeaders must be public and must not be overloaded", FILTER % ("private: " + hook))
    self.refused("OnRequestHeaders must be public and must not be overloaded",
                 FILTER % ("public: " + hook + hook.replace("bool", "bool, int")))

  def test_a_codecs_clock_that_nobody_could_call(self):
    self.good(CODEC % ("", "", "false"))
    self.good(CODEC % ("", TICK + DEADLINE, "true"))
    self.refused("Tick must be public and must not be overloaded", CODEC % ("", DEADLINE + " private: " + TICK, "true"))
    self.refused("Deadline must be public and must not be overloaded", CODEC % ("", TICK + " private: " + DEADLINE, "true"))

  def test_half_of_a_codecs_clock(self):
    self.refused("Deadline and Tick go together", CODEC % ("", TICK, "true"))
    self.refused("Deadline and Tick go together", CODEC % ("", DEADLINE, "true"))

  def test_a_codec_that_is_final(self):
    self.refused("must not be final", CODEC % ("final", "", "false"))


if __name__ == "__main__":
  harness.main()
