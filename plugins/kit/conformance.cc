#include "plugins/kit/conformance.h"

#include <cerrno>
#include <cstring>
#include <exception>
#include <fstream>
#include <optional>
#include <sstream>
#include <vector>

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "plugins/kit/fake_host.h"
#include "plugins/kit/trial.h"
#include "plugins/loader/descriptor_check.h"
#include "plugins/loader/plugin_loader.h"

namespace weir::kit {
namespace {

// What one case's process has said: 'F' a failure, 'N' a note, 'E' an extension.
struct Line {
  char kind;
  std::string text;
};

struct Outcome {
  std::vector<Line> lines;
  bool failed = false;
};

using Report = std::function<void(char, const std::string&)>;

void WriteLine(int pipe, char kind, std::string text) {
  for (char& c : text) {
    if (c == '\n') c = '\t';  // a line of several
  }
  text = kind + text + "\n";
  for (std::size_t at = 0; at < text.size();) {
    const ssize_t wrote = write(pipe, text.data() + at, text.size() - at);
    if (wrote < 0 && errno != EINTR) _exit(3);
    if (wrote > 0) at += static_cast<std::size_t>(wrote);
  }
}

// Reads until the other end is closed. False: the time was up first.
bool ReadAll(int pipe, unsigned seconds, std::string* all) {
  const std::uint64_t end = NowUs() + std::uint64_t{seconds} * 1'000'000;
  for (;;) {
    const std::uint64_t now = NowUs();
    pollfd waiting = {pipe, POLLIN, 0};
    if (now >= end) return false;
    if (poll(&waiting, 1, static_cast<int>((end - now) / 1000 + 1)) <= 0) continue;
    char buffer[4096];
    const ssize_t got = read(pipe, buffer, sizeof buffer);
    if (got == 0) return true;
    if (got > 0) all->append(buffer, static_cast<std::size_t>(got));
  }
}

std::vector<Line> ParseLines(const std::string& all) {
  std::vector<Line> lines;
  std::istringstream in(all);
  for (std::string line; std::getline(in, line);) {
    if (!line.empty()) lines.push_back({line[0], line.substr(1)});
  }
  return lines;
}

std::string HowItEnded(int status) {
  if (WIFSIGNALED(status)) {
    const int number = WTERMSIG(status);
    return std::string("the plugin ended the process: SIG") +
           (sigabbrev_np(number) != nullptr ? sigabbrev_np(number) : "?") + " (" +
           strsignal(number) + ")";
  }
  return "the plugin ended the process with code " + std::to_string(WEXITSTATUS(status));
}

// What `work` reports. In a process of its own nothing but that leaves it.
bool Guarded(const std::function<void(const Report&)>& work, const Report& report) {
  try {
    work(report);
    return true;
  } catch (const std::exception& error) {
    report('F', std::string("an exception has left the plugin: ") + error.what());
  } catch (...) {
    report('F', "an exception has left the plugin");
  }
  return false;
}

Outcome Here(const std::function<void(const Report&)>& work) {
  Outcome outcome;
  outcome.failed = !Guarded(work, [&](char kind, const std::string& text) {
    outcome.lines.push_back({kind, text});
  });
  for (const Line& line : outcome.lines) outcome.failed = outcome.failed || line.kind == 'F';
  return outcome;
}

// Runs `work` in a process of its own, and collects what it reports.
Outcome Apart(unsigned seconds, const std::function<void(const Report&)>& work) {
  Outcome outcome;
  int ends[2];
  if (pipe(ends) != 0) return {{{'F', "no pipe can be made"}}, true};
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child == 0) {
    close(ends[0]);
    Guarded(work, [&](char kind, const std::string& text) { WriteLine(ends[1], kind, text); });
    WriteLine(ends[1], 'D', "");  // done: what follows is exit
    _exit(0);
  }
  close(ends[1]);
  std::string all;
  const bool in_time = child > 0 && ReadAll(ends[0], seconds, &all);
  close(ends[0]);
  if (child < 0) return {{{'F', "no process can be made"}}, true};
  if (!in_time) kill(child, SIGKILL);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  outcome.lines = ParseLines(all);
  const bool done = !outcome.lines.empty() && outcome.lines.back().kind == 'D';
  if (!in_time) {
    outcome.lines.push_back({'F', "it did not end within " + std::to_string(seconds) + " s"});
  } else if (!done) {
    outcome.lines.push_back({'F', HowItEnded(status)});
  }
  for (const Line& line : outcome.lines) outcome.failed = outcome.failed || line.kind == 'F';
  return outcome;
}

// Calls visit(kind, name, api, plugin) for each extension.
template <typename Visit>
void ForEachExtension(const plugins::PluginLoader& loader, Visit&& visit) {
  const auto each = [&](const auto& list, std::uint32_t kind) {
    for (const auto* item : list) visit(kind, item->name, item->api, item->plugin);
  };
  each(loader.codecs(), WEIR_KIND_CODEC);
  each(loader.network_filters(), WEIR_KIND_NETWORK_FILTER);
  each(loader.http_filters(), WEIR_KIND_HTTP_FILTER);
  each(loader.listener_filters(), WEIR_KIND_LISTENER_FILTER);
  each(loader.access_loggers(), WEIR_KIND_ACCESS_LOGGER);
}

std::vector<Case> CasesOf(std::uint32_t kind) {
  switch (kind) {
    case WEIR_KIND_CODEC:
      return CodecCases();
    case WEIR_KIND_NETWORK_FILTER:
      return NetworkCases();
    case WEIR_KIND_LISTENER_FILTER:
      return ListenerCases();
    case WEIR_KIND_ACCESS_LOGGER:
      return LoggerCases();
    default:
      return HttpCases();
  }
}

class Runner {
 public:
  Runner(const Conformance& request, std::string config, std::FILE* out)
      : request_(request), config_(std::move(config)), out_(out) {}

  int Run() {
    const Outcome loaded = Apart(request_.case_seconds, [this](const Report& report) {
      const auto loader = Load(report);
      if (loader == nullptr) return;
      ForEachExtension(
          *loader, [&](std::uint32_t kind, const std::string& name, const void*,
                       const plugins::Plugin*) { report('E', std::to_string(kind) + " " + name); });
    });
    Print("descriptor, load, init and fini", loaded);
    bool any = false;
    for (const Line& line : loaded.lines) {
      if (line.kind != 'E' || loaded.failed) continue;
      const auto kind = static_cast<std::uint32_t>(std::stoul(line.text));
      const std::string name = line.text.substr(line.text.find(' ') + 1);
      if (!request_.extension.empty() && request_.extension != name) continue;
      any = true;
      RunExtension(kind, name);
    }
    if (!loaded.failed && !any) {
      std::fprintf(out_, "%s: has no extension %s\n", request_.file.c_str(),
                   request_.extension.c_str());
      return 2;
    }
    std::fprintf(out_, "%s: %d cases, %d failed\n", request_.file.c_str(), cases_, failed_);
    return failed_ == 0 ? 0 : 1;
  }

 private:
  std::unique_ptr<plugins::PluginLoader> Load(const Report& report) const {
    World().workers = kTrialWorkers + 1;
    auto loader =
        std::make_unique<plugins::PluginLoader>(plugins::PluginLoader::Options{{}, FakeHost(), {}});
    std::string error;
    if (loader->LoadFile(request_.file, &error) != nullptr) return loader;
    report('F', error);
    return nullptr;
  }

  // The thread of a case is worker 0; the workers of RunWorkers are the others.
  static void RunCase(const Case& item, const Subject& subject, Verdict* verdict) {
    const weir_plugin_descriptor* const plugin = subject.plugin;
    if (WEIR_HAS(plugin, worker_start) && plugin->worker_start) plugin->worker_start(0);
    item.run(subject, verdict);
    World().RunPosted();
    if (WEIR_HAS(plugin, worker_stop) && plugin->worker_stop) plugin->worker_stop(0);
    CheckNothingLeft("after worker_stop", verdict);
  }

  void RunExtension(std::uint32_t kind, const std::string& name) {
    std::fprintf(out_, "%s %s\n", plugins::KindName(kind), name.c_str());
    for (const Case& item : CasesOf(kind)) {
      if (std::string_view(item.name).find(request_.only) == std::string_view::npos) continue;
      const auto work = [&](const Report& report) {
        const auto loader = Load(report);
        if (loader == nullptr) return;
        Subject subject;
        ForEachExtension(*loader, [&](std::uint32_t its_kind, const std::string& its_name,
                                      const void* api, const plugins::Plugin* plugin) {
          if (its_kind != kind || its_name != name) return;
          subject = {plugin->descriptor, kind, name, api, config_};
        });
        Verdict verdict(report);
        RunCase(item, subject, &verdict);
      };
      Print(item.name, request_.in_process ? Here(work) : Apart(request_.case_seconds, work));
    }
  }

  void Print(const char* name, const Outcome& outcome) {
    ++cases_;
    if (outcome.failed) ++failed_;
    std::fprintf(out_, "  %s  %s\n", outcome.failed ? "FAILED" : "ok    ", name);
    for (const Line& line : outcome.lines) {
      if (line.kind != 'F' && line.kind != 'N') continue;
      std::fprintf(out_, "          %s", line.kind == 'N' ? "note: " : "");
      for (const char c : line.text) {
        std::fputs(c == '\t' ? "\n            " : std::string(1, c).c_str(), out_);
      }
      std::fputc('\n', out_);
    }
    std::fflush(out_);
  }

  const Conformance& request_;
  const std::string config_;
  std::FILE* const out_;
  int cases_ = 0;
  int failed_ = 0;
};

}  // namespace

int RunConformance(const Conformance& request, std::FILE* out) {
  std::string config;
  if (!request.config_path.empty()) {
    std::ifstream file(request.config_path);
    config.assign(std::istreambuf_iterator<char>(file), {});
    if (!file) {
      std::fprintf(out, "%s: cannot be read\n", request.config_path.c_str());
      return 2;
    }
  }
  return Runner(request, config, out).Run();
}

}  // namespace weir::kit
