#include "plugins/kit/trial.h"

#include <algorithm>
#include <chrono>
#include <mutex>
#include <thread>

#include <malloc.h>

#include "plugins/kit/fake_host.h"
#include "plugins/kit/fake_logger.h"

namespace weir::kit {
namespace {

// Values that are wrong nearly everywhere, for a line "key: value".
const std::vector<std::string>& WrongValues() {
  static const std::vector<std::string> values = {
      "", "[]", "{}", "[[]]", "-1", "1e99", "\"\"", "99999999999999999999", "{a: b}"};
  return values;
}

std::size_t HeapInUse() {
  return mallinfo2().uordblks;
}

}  // namespace

void Verdict::Report(char kind, const std::string& what) {
  failed_ = failed_ || kind == 'F';
  if (std::find(said_.begin(), said_.end(), what) != said_.end()) return;
  said_.push_back(what);
  report_(kind, what);
}

std::uint64_t NowUs() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(now).count());
}

std::vector<std::string> BrokenConfigs(const std::string& good) {
  std::vector<std::string> broken = {"~",
                                     "text",
                                     "7",
                                     "[]",
                                     "[1, [2], {a: 3}]",
                                     "{}",
                                     "{no_such_key_of_the_kit: 1}",
                                     "\"" + std::string(1 << 20, 'x') + "\""};
  for (std::size_t begin = 0; begin < good.size();) {
    std::size_t end = std::min(good.find('\n', begin), good.size());
    const std::string line = good.substr(begin, end - begin);
    const std::size_t colon = line.find(": ");
    const std::size_t text = line.find_first_not_of(" -");
    if (colon != std::string::npos && line[text] != '#' && line[text] != '{') {
      for (const std::string& value : WrongValues()) {
        broken.push_back(good.substr(0, begin + colon + 2) + value + good.substr(end));
      }
      broken.push_back(good.substr(0, begin + colon + 2) + "\"" + std::string(70000, 'x') + "\"" +
                       good.substr(end));
    }
    begin = end + 1;
  }
  return broken;
}

void CheckGrowth(const char* what, int rounds, const std::function<void()>& round,
                 Verdict* verdict) {
  std::size_t sizes[3];
  // Twice: what grows in the first part may be a cache that is filled.
  for (std::size_t& size : sizes) {
    for (int i = 0; i < rounds; ++i) round();
    ForgetNotes();
    malloc_trim(0);
    size = HeapInUse();
  }
  // A block of malloc is at least 32 bytes.
  const auto leak = static_cast<std::size_t>(rounds) * 16;
  if (sizes[1] > sizes[0] + leak && sizes[2] > sizes[1] + leak) {
    verdict->Fail("memory grows by about " +
                  std::to_string((sizes[2] - sizes[1]) / static_cast<std::size_t>(rounds)) +
                  " bytes with each " + what + " and is not given back");
  }
}

void RunWorkers(const Subject& subject, Verdict* verdict,
                const std::function<void(std::uint32_t)>& work) {
  std::mutex mutex;
  std::vector<std::string> failures;
  const auto run = [&](std::uint32_t number) {
    World().worker = number;
    World().workers = kTrialWorkers + 1;
    const weir_plugin_descriptor* const plugin = subject.plugin;
    if (WEIR_HAS(plugin, worker_start) && plugin->worker_start) plugin->worker_start(number);
    World().RunPosted();
    Verdict own([&](char, const std::string& text) {
      const std::lock_guard<std::mutex> lock(mutex);
      failures.push_back(text);
    });
    try {
      work(number);
    } catch (...) {
      own.Fail("an exception has left the plugin");
    }
    World().RunPosted();
    if (WEIR_HAS(plugin, worker_stop) && plugin->worker_stop) plugin->worker_stop(number);
    CheckNothingLeft("after worker_stop", &own);
  };
  std::vector<std::thread> threads;
  for (std::uint32_t i = 1; i <= kTrialWorkers; ++i) threads.emplace_back(run, i);
  for (std::thread& thread : threads) thread.join();
  for (const std::string& text : failures) verdict->Fail(text);
}

void CheckNothingLeft(const char* when, Verdict* verdict) {
  if (World().timers() > 0) {
    verdict->Fail(std::to_string(World().timers()) + " timers are not freed " + when);
  }
  const auto running = std::count_if(World().callouts.begin(), World().callouts.end(),
                                     [](const auto& callout) { return !callout->over; });
  if (running > 0) {
    verdict->Fail(std::to_string(running) + " call-outs are neither over nor cancelled " + when);
  }
}

void ForgetNotes() {
  World().log.clear();
  World().histograms.clear();
  std::erase_if(World().callouts, [](const auto& callout) { return callout->over; });
  ForgetFakeLines();
}

}  // namespace weir::kit
