#include "core/server/options.h"

#include <algorithm>
#include <sstream>

#include <CLI/CLI.hpp>

#include "core/config/node.h"
#include "core/server/cpu_count.h"

#ifndef WEIR_VERSION
#define WEIR_VERSION "unknown"
#endif

namespace weir::server {
namespace {

constexpr uint32_t kMaxWorkers = 1024;
constexpr std::chrono::hours kMaxDrainTime{24};
constexpr std::chrono::milliseconds kMinInterval{100};
constexpr std::chrono::hours kMaxInterval{1};

constexpr char kExamples[] = R"(Examples:
  weir -c weir.yaml                             serve
  weir -c weir.yaml --concurrency 4             serve with four workers
  weir --config-yaml 'listeners: ...'           serve a configuration given on the command line
  weir validate weir.yaml                       check a file, its plugins included
  weir config --expand weir.yaml                print the long form, with every default
  weir plugins -c weir.yaml                     list the plugins that a file loads
  weir explain -c weir.yaml https://host/path   say which way a request would take, and why
  weir proxy --from :8080 --to 127.0.0.1:9000   proxy one port to one backend, without a file
  weir new-filter my_filter --lang c++          write the project of a new plugin
  weir plugin-test my_filter.so my_filter.yaml  try a plugin against all that a proxy needs of it
  weir health -c weir.yaml                      ask the proxy that runs on a file whether it is ready
  weir top                                      watch a running one, by its admin listener
  weir upgrade --pid-file /run/weir.pid         let a new program take over from the running one

Signals: SIGTERM and SIGINT drain and end; a second one ends at once. SIGUSR1 opens the logs again.
SIGUSR2 starts the program anew, which takes over the listening sockets; then this one drains.
Exit codes: 0 done, 1 mistakes in the configuration or a plugin, 2 in the command line, 3 an address cannot be bound.)";

struct Raw {
  std::string log_level = "info";
  std::string drain_delay = "0s";
  std::string drain_time = "30s";
  std::string max_memory;
  std::string format = "table";
  std::string interval = "2s";
};

std::string CheckLogLevel(const std::string& text) {
  return base::ParseLogLevel(text)
             ? ""
             : "\"" + text + "\" is no level; expected trace, debug, info, warn, error or off";
}

std::string CheckDuration(const std::string& text) {
  const auto duration = config::ParseDuration(text);
  if (duration && duration->count() >= 0 && *duration <= kMaxDrainTime) return "";
  return "\"" + text + "\" is no duration; expected one like 30s, 500ms or 2m, at most 24h";
}

// Of text that CheckDuration took.
std::chrono::milliseconds Milliseconds(const std::string& text) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(*config::ParseDuration(text));
}

std::string CheckInterval(const std::string& text) {
  const auto duration = config::ParseDuration(text);
  if (duration && *duration >= kMinInterval && *duration <= kMaxInterval) return "";
  return "\"" + text + "\" is no interval; expected a duration from 100ms to 1h";
}

std::string CheckBytes(const std::string& text) {
  const auto bytes = config::ParseBytes(text);
  return bytes && *bytes > 0 ? "" : "\"" + text + "\" is no size; expected one like 512MiB";
}

void AddRunOptions(CLI::App* app, Options* options, Raw* raw) {
  app->add_option("--concurrency", options->concurrency,
                  "Worker threads; default: the CPUs this process may use, by affinity and the "
                  "control group's quota")
      ->type_name("N")
      ->check(CLI::Range(1u, kMaxWorkers));
  app->add_option("--log-level", raw->log_level,
                  "trace, debug, info, warn, error or off; default info")
      ->type_name("LEVEL")
      ->check(CheckLogLevel);
  app->add_option("--log-path", options->log_path,
                  "The program's log goes to this file; default: stderr")
      ->type_name("PATH");
  app->add_option("--plugin-path", options->plugin_path,
                  "Directories to look for plugins in, separated by colons; default: "
                  "WEIR_PLUGIN_PATH, else beside the program; +DIRS: behind those")
      ->type_name("DIRS");
  app->add_option("--drain-delay", raw->drain_delay,
                  "How long it serves on, not ready any more, before it drains; default 0s")
      ->type_name("TIME")
      ->check(CheckDuration);
  app->add_option("--drain-time", raw->drain_time, "How long a drain may take; default 30s")
      ->type_name("TIME")
      ->check(CheckDuration);
  app->add_option("--max-memory", raw->max_memory,
                  "Refuse new work beyond this; default: the control group's limit")
      ->type_name("SIZE")
      ->check(CheckBytes);
  app->add_option("--pid-file", options->pid_file,
                  "Write the number of this process there once it serves")
      ->type_name("PATH");
  app->add_flag("--watch", options->watch,
                "Reload when the configuration's file changes; links that are swapped count");
  app->add_option("--address-file", options->address_file,
                  "Write a line \"name address\" for each listener once it is bound")
      ->type_name("PATH");
}

struct Commands {
  CLI::App* validate;
  CLI::App* expand;
  CLI::App* proxy;
  CLI::App* plugins;
  CLI::App* explain;
  CLI::App* new_filter;
  CLI::App* plugin_test;
  CLI::App* health;
  CLI::App* top;
  CLI::App* upgrade;
};

CLI::App* AddHealth(CLI::App* app, Options* options) {
  CLI::App* health = app->add_subcommand(
      "health", "Ask a running proxy whether it is ready; the exit code is 0 or 1");
  CLI::Option* file = health->add_option("-c,--config", options->health.config_path,
                                         "Its configuration, with an admin section");
  file->type_name("FILE")->capture_default_str();
  health
      ->add_option("--url", options->health.url, "Ask there; default: /ready of the admin address")
      ->type_name("URL")
      ->excludes(file);
  health->footer("Example:\n  weir health --url http://127.0.0.1:9901/ready");
  return health;
}

CLI::App* AddPlugins(CLI::App* app, Options* options, Raw* raw) {
  CLI::App* plugins = app->add_subcommand("plugins", "List the plugins that a configuration loads");
  plugins->add_option("-c,--config", options->config_path, "The configuration")
      ->type_name("FILE")
      ->required();
  plugins->add_option("--format", raw->format, "table or json; default table")
      ->type_name("FORMAT")
      ->check(CLI::IsMember({"table", "json"}));
  plugins->footer("Example:\n  weir plugins -c weir.yaml --format json");
  return plugins;
}

CLI::App* AddExplain(CLI::App* app, Options* options) {
  CLI::App* explain = app->add_subcommand(
      "explain", "Say which way a request would take, and why no other; send nothing");
  explain->add_option("-c,--config", options->config_path, "The configuration")
      ->type_name("FILE")
      ->required();
  explain
      ->add_option("REQUEST", options->explain.words,
                   "[METHOD] URL, as https://host/path; or a /path with -H 'host: ...'")
      ->type_name("")
      ->expected(1, 2)
      ->required();
  explain
      ->add_option("-H,--header", options->explain.headers,
                   "A field of the request, 'name: value'; any number of them")
      ->type_name("FIELD")
      ->allow_extra_args(false);  // what follows the one value is the request's
  explain
      ->add_option("--listener", options->explain.listener,
                   "The listener of this name; default: by the URL's scheme and port")
      ->type_name("NAME");
  explain->add_flag("--json", options->explain.json, "For programs: docs/explain.md has the keys");
  explain->add_flag("--all", options->explain.all,
                    "Every virtual host and route, and not only those that say something");
  explain->footer(
      "Examples:\n"
      "  weir explain -c weir.yaml https://shop.example.com/api/items?page=2\n"
      "  weir explain -c weir.yaml POST http://localhost:8080/ -H 'content-length: 5000000'\n"
      "  weir explain -c weir.yaml --listener web /ws -H 'host: a' -H 'upgrade: websocket'\n"
      "Exit codes: 0 a route takes it, 1 none does, 2 mistakes in the command line or the file.");
  return explain;
}

void AddPluginCommands(CLI::App* app, Options* options, Commands* commands) {
  commands->new_filter =
      app->add_subcommand("new-filter", "Write the project of a new plugin, with a test");
  commands->new_filter
      ->add_option("NAME", options->new_filter.name, "Its name, and that of the folder made for it")
      ->required();
  commands->new_filter->add_option("--lang", options->new_filter.language, "c, c++ or rust")
      ->type_name("LANGUAGE")
      ->required()
      ->check(CLI::IsMember({"c", "c++", "rust"}));
  commands->new_filter->footer("Example:\n  weir new-filter my_filter --lang c++");
  commands->plugin_test = app->add_subcommand(
      "plugin-test",
      "Try a plugin, in a host without sockets, against all that a proxy needs of it");
  commands->plugin_test->add_option("FILE", options->plugin_test.file, "The shared object")
      ->required();
  commands->plugin_test->add_option("CONFIG", options->plugin_test.config_path,
                                    "A file with the plugin's own configuration (typed_config)");
  commands->plugin_test
      ->add_option("--extension", options->plugin_test.extension,
                   "Only the extension of this name; default: all")
      ->type_name("NAME");
  commands->plugin_test
      ->add_option("--case", options->plugin_test.only,
                   "Only the cases whose name has this in it; default: all")
      ->type_name("TEXT");
  commands->plugin_test->add_flag("--in-process", options->plugin_test.in_process,
                                  "Run cases in this process, without a limit of time: for a "
                                  "debugger");
  commands->plugin_test->footer("Example:\n  weir plugin-test my_filter.so my_filter.yaml");
}

CLI::App* AddTop(CLI::App* app, Options* options, Raw* raw) {
  CLI::App* top =
      app->add_subcommand("top", "Watch a running process in the terminal, by its admin listener");
  top->add_option("--url", options->top.url,
                  "Its admin listener: http://host:port or unix:/path; default " + options->top.url)
      ->type_name("URL");
  top->add_option("--token-file", options->top.token_file, "The token that it asks for is in here")
      ->type_name("PATH");
  top->add_option("--interval", raw->interval, "Time between two looks; default 2s")
      ->type_name("TIME")
      ->check(CheckInterval);
  top->add_flag("--once", options->top.once,
                "Print one table and end; so it is too where the output is no terminal");
  top->footer("Example:\n  weir top --url http://127.0.0.1:9901");
  return top;
}

CLI::App* AddUpgrade(CLI::App* app, Options* options) {
  CLI::App* upgrade = app->add_subcommand(
      "upgrade", "Let a new program take over the sockets of the running one, which then drains");
  upgrade->add_option("--pid-file", options->pid_file, "What the running program's --pid-file is")
      ->type_name("PATH")
      ->required();
  upgrade->footer("Example:\n  weir upgrade --pid-file /run/weir.pid");
  return upgrade;
}

Commands AddCommands(CLI::App* app, Options* options, Raw* raw) {
  Commands commands;
  commands.validate = app->add_subcommand("validate", "Check a configuration; start nothing");
  commands.validate->add_option("FILE", options->config_path, "The configuration")->required();
  commands.validate->add_flag("--strict", options->strict,
                              "Warn of what loads but can never happen, or will hurt later");
  commands.validate->footer(
      "Examples:\n"
      "  weir validate weir.yaml\n"
      "  weir validate --strict weir.yaml\n"
      "Exit codes: 0 no mistakes, 1 mistakes, 2 in the command line, 3 with --strict: no mistakes, "
      "but warnings.");
  commands.expand = app->add_subcommand("config", "Print a configuration");
  commands.expand
      ->add_option("--expand", options->config_path,
                   "The long form of this file, with every default")
      ->type_name("FILE")
      ->required();
  commands.expand->footer("Example:\n  weir config --expand weir.yaml");
  commands.proxy =
      app->add_subcommand("proxy", "Proxy HTTP from one address to another, without a file");
  commands.proxy
      ->add_option("--from", options->proxy_from,
                   "Where to listen: :8080, 127.0.0.1:8080, [::1]:8080, unix:/path")
      ->type_name("ADDRESS")
      ->required();
  commands.proxy->add_option("--to", options->proxy_to, "The backend: host:port or unix:/path")
      ->type_name("ADDRESS")
      ->required();
  commands.proxy->footer("Example:\n  weir proxy --from :8080 --to 127.0.0.1:9000");
  commands.plugins = AddPlugins(app, options, raw);
  commands.explain = AddExplain(app, options);
  AddPluginCommands(app, options, &commands);
  commands.health = AddHealth(app, options);
  commands.top = AddTop(app, options, raw);
  commands.upgrade = AddUpgrade(app, options);
  for (CLI::App* command :
       {commands.validate, commands.expand, commands.proxy, commands.plugins, commands.explain})
    command->fallthrough();
  return commands;
}

ParsedOptions UsageError(const std::string& message) {
  return {std::nullopt, kExitUsage, "weir: " + message + "\nRun weir --help for examples.\n"};
}

ParsedOptions Finish(const CLI::App& app, const Commands& commands, const Raw& raw,
                     Options options) {
  const bool in_command = !app.get_subcommands().empty();
  if (*commands.validate) options.command = Command::kValidate;
  if (*commands.expand) options.command = Command::kExpand;
  if (*commands.proxy) options.command = Command::kProxy;
  if (*commands.plugins) options.command = Command::kPlugins;
  options.json = raw.format == "json";
  if (*commands.explain) options.command = Command::kExplain;
  if (*commands.new_filter) options.command = Command::kNewFilter;
  if (*commands.plugin_test) options.command = Command::kPluginTest;
  if (*commands.health) options.command = Command::kHealth;
  if (*commands.top) options.command = Command::kTop;
  options.top.interval =
      std::chrono::duration_cast<std::chrono::milliseconds>(*config::ParseDuration(raw.interval));
  if (*commands.upgrade) options.command = Command::kUpgrade;
  const bool with_file = app.count("--config") > 0;
  const bool with_text = app.count("--config-yaml") > 0;
  if (in_command && (with_file || with_text))
    return UsageError("a command takes no --config or --config-yaml");
  if (with_file && with_text) return UsageError("--config and --config-yaml exclude each other");
  if (!in_command && !with_file && !with_text) return UsageError("no configuration: give -c FILE");
  if (options.watch && (in_command || !with_file)) return UsageError("--watch needs -c FILE");
  options.log_level = *base::ParseLogLevel(raw.log_level);
  options.drain_delay = Milliseconds(raw.drain_delay);
  options.drain_time = Milliseconds(raw.drain_time);
  if (!raw.max_memory.empty()) options.max_memory = *config::ParseBytes(raw.max_memory);
  return {std::move(options), kExitOk, ""};
}

}  // namespace

ParsedOptions ParseOptions(int argc, const char* const* argv) {
  CLI::App app("Weir, a reverse proxy for HTTP", "weir");
  Options options;
  options.command_line = ProgramCommand::Of(argc, argv);
  options.concurrency = std::min(AvailableCpus(), kMaxWorkers);
  Raw raw;
  app.add_option("-c,--config", options.config_path, "The configuration")->type_name("FILE");
  app.add_option("--config-yaml", options.config_yaml, "The configuration itself")
      ->type_name("YAML");
  AddRunOptions(&app, &options, &raw);
  app.set_version_flag("--version", "weir " WEIR_VERSION);
  app.footer(kExamples);
  const Commands commands = AddCommands(&app, &options, &raw);
  app.require_subcommand(0, 1);
  try {
    app.parse(argc, const_cast<char**>(argv));
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() != 0) return UsageError(error.what());
    std::ostringstream out;
    app.exit(error, out, out);
    return {std::nullopt, kExitOk, out.str()};
  }
  return Finish(app, commands, raw, std::move(options));
}

}  // namespace weir::server
