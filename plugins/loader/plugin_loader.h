#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/abi/weir.h"

namespace weir::plugins {

// A plugin that is loaded and initialised.
struct Plugin {
  std::string name;
  std::string version;
  std::string path;  // its file; "(built in)" when it is linked into the program
  std::uint16_t abi_minor = 0;
  // For its worker_start and worker_stop, which are called by whoever has workers. Of an older
  // minor version: ask WEIR_HAS.
  const weir_plugin_descriptor* descriptor = nullptr;
};

// One extension of a loaded plugin. `api` may be larger or smaller than this host's table only in
// members behind those of version 0.1: ask WEIR_HAS for anything newer.
template <typename Api>
struct Extension {
  std::string name;
  const Api* api = nullptr;
  const Plugin* plugin = nullptr;
};

using HttpFilterExtension = Extension<weir_http_filter_api>;
using NetworkFilterExtension = Extension<weir_network_filter_api>;
using ListenerFilterExtension = Extension<weir_listener_filter_api>;
using AccessLoggerExtension = Extension<weir_access_logger_api>;

struct CodecExtension : Extension<weir_codec_api> {
  // For weir_codec_params: 1 to 255, a different one for each codec of this process.
  std::uint8_t raw_form = 0;
};

// Finds, checks and loads plugins, and knows the extensions that came with them. Used on the main
// thread only, before the workers start or while a new configuration is made.
//
// What it hands out lives as long as the loader, which is meant to live as long as the process: a
// plugin is never unloaded, for a stream, a timer or a thread might still return into it.
class PluginLoader {
 public:
  struct Options {
    // Where `<name>.so` is looked for; the first directory that has it wins. See search_path.h.
    std::vector<std::string> directories;
    // Handed to each plugin's init. Must outlive the loader and every plugin.
    const weir_host* host = nullptr;
    // Plugins that are linked into the program; they come before any file.
    std::vector<const weir_plugin_descriptor*> built_in;
  };

  explicit PluginLoader(Options options);
  // Calls each plugin's fini, the last loaded first. All that plugins made is freed by now.
  ~PluginLoader();
  PluginLoader(const PluginLoader&) = delete;
  PluginLoader& operator=(const PluginLoader&) = delete;

  // The extension with this name: of a plugin that is already loaded, else of a built-in one, else
  // of the file `<name>.so`, which is loaded now. Null when there is none or when it was refused;
  // *error then has one line with the file and the reason, or where was looked. A file that was
  // refused once is not tried again: the same reason is given.
  const CodecExtension* FindCodec(std::string_view name, std::string* error);
  const HttpFilterExtension* FindHttpFilter(std::string_view name, std::string* error);
  const NetworkFilterExtension* FindNetworkFilter(std::string_view name, std::string* error);
  const ListenerFilterExtension* FindListenerFilter(std::string_view name, std::string* error);
  // `file` is the name of the file that holds it, where that is not its own.
  const AccessLoggerExtension* FindAccessLogger(std::string_view name, std::string* error,
                                                std::string_view file = {});

  // Loads the file `<name>.so` from the directories, whatever extensions it holds. Null and *error
  // as above. Loading a plugin again gives the same one.
  const Plugin* Load(std::string_view name, std::string* error);
  // The same for one file.
  const Plugin* LoadFile(const std::string& path, std::string* error);

  // A new configuration is about to be made. A plugin whose file is another one by now is not found
  // any more: the next to ask for it gets the new file's. What was handed out before stays good. A
  // file that was refused is tried again. The file must have been replaced, by a rename: one that
  // was written in place is refused, for its old code runs on what was there.
  void Refresh();
  // Of the plugins that a text names as extensions, and of all codecs: which have been replaced,
  // and how often. Empty where none has.
  std::string ReplacedOf(const std::string& text) const;

  // All that is loaded, in the order of loading.
  std::vector<const Plugin*> plugins() const;
  std::vector<const CodecExtension*> codecs() const;
  std::vector<const HttpFilterExtension*> http_filters() const;
  std::vector<const NetworkFilterExtension*> network_filters() const;
  std::vector<const ListenerFilterExtension*> listener_filters() const;
  std::vector<const AccessLoggerExtension*> access_loggers() const;
  const std::vector<std::string>& directories() const { return options_.directories; }

 private:
  struct Attempt;  // what became of one file or built-in descriptor

  const Attempt* TryFile(const std::string& path);
  const Attempt* TryBuiltIn(const weir_plugin_descriptor* descriptor);
  std::string Open(const std::string& path, Attempt* attempt);
  void Retire(const Plugin* plugin);
  std::string Adopt(const weir_plugin_descriptor& descriptor, const std::string& path,
                    const Plugin** plugin);
  std::string CheckNames(const weir_plugin_descriptor& descriptor) const;
  std::string RunInit(const weir_plugin_descriptor& descriptor) const;
  void Register(const weir_plugin_descriptor& descriptor, const Plugin* plugin);
  const Plugin* OwnerOf(std::uint32_t kind, std::string_view name) const;
  bool LoadExtension(std::uint32_t kind, std::string_view name, std::string_view file,
                     std::string* error);
  template <typename T>
  const T* Find(const std::vector<std::unique_ptr<T>>& list, std::uint32_t kind,
                std::string_view name, std::string_view file, std::string* error);

  // A file that was replaced.
  struct Replaced {
    std::uint32_t times = 0;
    bool codec = false;
    std::vector<std::string> extensions;
  };

  Options options_;
  std::map<std::string, Replaced> replaced_;  // by path
  std::uint32_t codecs_so_far_ = 0;
  // Extensions that are not found any more, and may still be used.
  std::vector<std::shared_ptr<const void>> retired_;
  std::vector<std::unique_ptr<Attempt>> attempts_;
  std::vector<std::unique_ptr<Plugin>> plugins_;
  std::vector<std::unique_ptr<CodecExtension>> codecs_;
  std::vector<std::unique_ptr<HttpFilterExtension>> http_filters_;
  std::vector<std::unique_ptr<NetworkFilterExtension>> network_filters_;
  std::vector<std::unique_ptr<ListenerFilterExtension>> listener_filters_;
  std::vector<std::unique_ptr<AccessLoggerExtension>> access_loggers_;
};

}  // namespace weir::plugins
