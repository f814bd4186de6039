// A whole worker without sockets, threads or the clock, one run for each seed.
//
//   sim_worker --seed N [--count M] [--trace]
//
// Runs seeds N … N+M-1. A failure prints the seed and what happened last; --trace prints all of it.

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <string>

#include "tests/simulation/world.h"

namespace {

using weir::sim::World;

int RunSeed(uint64_t seed, bool trace) {
  if (World(seed, trace ? World::Tell::kAll : World::Tell::kNothing).Run().empty()) return 0;
  // The same again, for what led to it.
  World world(seed, World::Tell::kRecent);
  const std::string failure = world.Run();
  for (const std::string& line : world.recent()) std::cout << "  " << line << '\n';
  std::cout << "seed " << seed << " (" << world.variation().Text() << "): " << failure << '\n'
            << "again with: sim_worker --seed " << seed << " --trace" << std::endl;
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  uint64_t seed = 1;
  uint64_t count = 1;
  bool trace = false;
  bool go_on = false;
  for (int i = 1; i < argc; ++i) {
    const std::string option = argv[i];
    if (option == "--trace") {
      trace = true;
    } else if (option == "--all") {
      go_on = true;
    } else if ((option == "--seed" || option == "--count") && i + 1 < argc) {
      (option == "--seed" ? seed : count) = std::strtoull(argv[++i], nullptr, 10);
    } else {
      std::cerr << "sim_worker --seed N [--count M] [--trace] [--all]\n";
      return 2;
    }
  }
  // More of them, where there is time: each part then runs its own million's first ones.
  if (const char* wanted = std::getenv("WEIR_SIM_SEEDS"); wanted != nullptr && count > 1) {
    if (std::strtoull(wanted, nullptr, 10) > count) seed *= 1'000'000;
    count = std::strtoull(wanted, nullptr, 10);
  }
  int failures = 0;
  for (uint64_t s = seed; s < seed + count; ++s) {
    failures += RunSeed(s, trace);
    if (failures != 0 && !go_on) break;
  }
  if (failures == 0) std::cout << count << " seeds from " << seed << ": all well\n";
  if (go_on && failures != 0) std::cout << failures << " of " << count << " seeds failed\n";
  return failures == 0 ? 0 : 1;
}
