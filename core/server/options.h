#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/base/log.h"
#include "core/server/new_filter.h"
#include "core/server/top/top.h"
#include "core/server/upgrade.h"

namespace weir::server {

inline constexpr int kExitOk = 0;
inline constexpr int kExitConfig = 1;  // the configuration has mistakes, or a plugin
inline constexpr int kExitUsage = 2;   // the command line has
inline constexpr int kExitBind = 3;    // an address cannot be listened on
// Of single commands:
inline constexpr int kExitWarnings = 3;  // validate --strict: no mistake, but warnings
inline constexpr int kExitNoRoute = 1;   // explain: no route takes the request

enum class Command : uint8_t {
  kServe,       // weir -c FILE | --config-yaml TEXT
  kValidate,    // weir validate FILE
  kExpand,      // weir config --expand FILE
  kProxy,       // weir proxy --from ADDRESS --to ADDRESS
  kPlugins,     // weir plugins -c FILE
  kExplain,     // weir explain -c FILE [METHOD] URL
  kNewFilter,   // weir new-filter NAME --lang LANGUAGE
  kPluginTest,  // weir plugin-test FILE [CONFIG]
  kHealth,      // weir health [-c FILE | --url URL]
  kTop,         // weir top
  kUpgrade,     // weir upgrade --pid-file FILE
};

// `weir plugin-test`: what plugins/kit is to try.
struct PluginTest {
  std::string file;
  std::string config_path;  // empty: the plugin is given no configuration
  std::string extension;    // empty: each one that the plugin has
  std::string only;         // cases whose name has this in it
  bool in_process = false;  // no process of its own for each case
};

// `weir health`: whom to ask.
struct HealthQuestion {
  // Its admin address is asked. Where there is no url either: this one.
  std::string config_path = "/etc/weir/weir.yaml";
  std::string url;  // "http://127.0.0.1:9901/ready"; wins where it is given
};

// `weir explain`.
struct ExplainOptions {
  std::vector<std::string> words;    // [METHOD] URL
  std::vector<std::string> headers;  // "name: value"
  std::string listener;              // empty: by the URL
  bool json = false;
  bool all = false;
};

struct Options {
  Command command = Command::kServe;
  std::string config_path;  // all but kProxy; empty when config_yaml is given
  std::string config_yaml;
  std::string proxy_from;
  std::string proxy_to;
  NewFilter new_filter;
  PluginTest plugin_test;
  HealthQuestion health;
  TopOptions top;
  ExplainOptions explain;
  bool strict = false;  // kValidate
  base::LogLevel log_level = base::LogLevel::kInfo;
  std::string log_path;      // empty: stderr
  uint32_t concurrency = 1;  // workers. Default: AvailableCpus()
  std::string plugin_path;   // directories, separated by colons; empty: the default
  std::chrono::milliseconds drain_delay{0};
  std::chrono::milliseconds drain_time{30'000};
  uint64_t max_memory = 0;      // bytes; 0: not given
  bool json = false;            // kPlugins: --format json
  bool watch = false;           // a change of config_path is a reload
  std::string pid_file;         // where the process's number is written; empty: nowhere
  ProgramCommand command_line;  // with which this process can be started anew
  std::string address_file;     // where "name address" of each listener is written; empty: nowhere
};

struct ParsedOptions {
  // Empty when the program is to end with exit_code, after printing `text` (to stdout when the code
  // is 0, else to stderr).
  std::optional<Options> options;
  int exit_code = kExitOk;
  std::string text;
};

ParsedOptions ParseOptions(int argc, const char* const* argv);

}  // namespace weir::server
