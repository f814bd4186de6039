#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/abi/weir.h"

namespace weir::kit {

// One extension of a plugin under trial, in the process of one case.
struct Subject {
  const weir_plugin_descriptor* plugin = nullptr;
  std::uint32_t kind = 0;
  std::string name;
  const void* api = nullptr;
  std::string config;  // YAML; empty: it is given none

  template <typename Api>
  const Api& As() const {
    return *static_cast<const Api*>(api);
  }
};

// What a case finds. A text that was reported once is not reported again.
class Verdict {
 public:
  explicit Verdict(std::function<void(char, const std::string&)> report)
      : report_(std::move(report)) {}
  void Fail(const std::string& what) { Report('F', what); }
  // Something that an author should look at and that may be right.
  void Note(const std::string& what) { Report('N', what); }
  bool failed() const { return failed_; }

 private:
  void Report(char kind, const std::string& what);

  std::function<void(char, const std::string&)> report_;
  std::vector<std::string> said_;
  bool failed_ = false;
};

// One thing that is tried, in a process of its own: whatever happens there ends that case alone.
struct Case {
  const char* name;
  void (*run)(const Subject& subject, Verdict* verdict);
};

std::vector<Case> HttpCases();
std::vector<Case> NetworkCases();
std::vector<Case> ListenerCases();
std::vector<Case> LoggerCases();
std::vector<Case> CodecCases();

// ---- What cases of several kinds share

// Longer than this for one hook, each time it is tried, is slow: the worker stands still for it.
inline constexpr std::uint64_t kSlowHookUs = 10'000;
std::uint64_t NowUs();

// Configurations made from the one that is given, wrong in one place each, and others that are
// wrong for everybody.
std::vector<std::string> BrokenConfigs(const std::string& good);

// Memory must not grow with the number of rounds. `round` leaves nothing behind.
void CheckGrowth(const char* what, int rounds, const std::function<void()>& round,
                 Verdict* verdict);

inline constexpr std::uint32_t kTrialWorkers = 4;
// Runs `work(number)` as several workers at a time, each with worker_start before and worker_stop
// behind it, and then looks for what they left.
void RunWorkers(const Subject& subject, Verdict* verdict,
                const std::function<void(std::uint32_t)>& work);

// What the plugin has of the host when nothing should be left: timers and call-outs of this thread.
void CheckNothingLeft(const char* when, Verdict* verdict);
// Forgets what the fake host only notes, so that it does not look like the plugin's.
void ForgetNotes();

}  // namespace weir::kit
