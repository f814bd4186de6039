#include "plugins/loader/plugin_loader.h"

#include <algorithm>
#include <cerrno>

#include <dlfcn.h>
#include <sys/stat.h>

#include "core/base/log.h"
#include "core/base/thrown.h"
#include "plugins/loader/descriptor_check.h"
#include "plugins/loader/elf_file.h"

namespace weir::plugins {

// `descriptor` is set for a built-in plugin, `path` for a file. Exactly one of plugin and error.
struct PluginLoader::Attempt {
  std::string path;
  const weir_plugin_descriptor* descriptor = nullptr;
  const Plugin* plugin = nullptr;
  std::string error;
  // Of the file as it was loaded.
  dev_t device = 0;
  ino_t inode = 0;
  timespec modified{};
  off_t size = 0;

  bool IsOf(const struct stat& info) const {
    return info.st_dev == device && info.st_ino == inode && info.st_size == size &&
           info.st_mtim.tv_sec == modified.tv_sec && info.st_mtim.tv_nsec == modified.tv_nsec;
  }
};

namespace {

constexpr char kBuiltIn[] = "(built in)";

template <typename T>
const T* FindByName(const std::vector<std::unique_ptr<T>>& list, std::string_view name) {
  for (const auto& entry : list) {
    if (entry->name == name) return entry.get();
  }
  return nullptr;
}

template <typename T>
std::vector<const T*> Pointers(const std::vector<std::unique_ptr<T>>& list) {
  std::vector<const T*> result;
  for (const auto& entry : list) result.push_back(entry.get());
  return result;
}

template <typename Api>
void Keep(const weir_extension& extension, const Plugin* plugin,
          std::vector<std::unique_ptr<Extension<Api>>>* list) {
  list->push_back(std::make_unique<Extension<Api>>(
      Extension<Api>{extension.name, static_cast<const Api*>(extension.api), plugin}));
}

bool Exists(const std::string& path) {
  struct stat info {};
  // Anything but "not there" is worth an error of its own, which InspectElfFile gives.
  return ::stat(path.c_str(), &info) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

bool Holds(const weir_plugin_descriptor& descriptor, std::uint32_t kind, std::string_view name) {
  if (!CheckDescriptor(descriptor).empty()) return false;
  for (std::uint32_t i = 0; i < descriptor.extension_count; ++i) {
    if (descriptor.extensions[i].kind == kind && descriptor.extensions[i].name == name) return true;
  }
  return false;
}

// Another spelling of the path for each time the file was replaced: the linker takes a path that it
// knows for the object that it has.
std::string SpelledFor(const std::string& path, std::uint32_t times) {
  if (times == 0) return path;
  const std::size_t slash = path.rfind('/');
  std::string spelled = slash == std::string::npos ? "." : path.substr(0, slash);
  for (; times > 0; times /= 2) spelled += times % 2 == 1 ? "/./" : "//./";
  return spelled + (slash == std::string::npos ? path : path.substr(slash + 1));
}

// Moves what is of this plugin from a list to where it stays good and is not found.
template <typename T>
void MoveOf(const Plugin* plugin, std::vector<std::unique_ptr<T>>* list,
            std::vector<std::shared_ptr<const void>>* to) {
  for (auto& entry : *list) {
    if (entry->plugin == plugin) to->push_back(std::shared_ptr<const T>(std::move(entry)));
  }
  list->erase(std::remove(list->begin(), list->end(), nullptr), list->end());
}

std::string Joined(const std::vector<std::string>& directories) {
  std::string text;
  for (const std::string& directory : directories) {
    if (!text.empty()) text += ", ";
    text += directory;
  }
  return text.empty() ? "(no plugin directory)" : text;
}

}  // namespace

PluginLoader::PluginLoader(Options options) : options_(std::move(options)) {}

PluginLoader::~PluginLoader() {
  for (auto plugin = plugins_.rbegin(); plugin != plugins_.rend(); ++plugin) {
    const weir_plugin_descriptor* descriptor = (*plugin)->descriptor;
    if (!WEIR_HAS(descriptor, fini) || descriptor->fini == nullptr) continue;
    try {
      descriptor->fini();
    } catch (...) {
      WEIR_LOG(kError, "plugin %s: an exception left fini: %s", descriptor->name,
               base::ThrownText().c_str());
    }
  }
}

const Plugin* PluginLoader::OwnerOf(std::uint32_t kind, std::string_view name) const {
  const auto owner = [name](const auto& list) {
    const auto* found = FindByName(list, name);
    return found ? found->plugin : nullptr;
  };
  switch (kind) {
    case WEIR_KIND_CODEC:
      return owner(codecs_);
    case WEIR_KIND_NETWORK_FILTER:
      return owner(network_filters_);
    case WEIR_KIND_HTTP_FILTER:
      return owner(http_filters_);
    case WEIR_KIND_LISTENER_FILTER:
      return owner(listener_filters_);
    case WEIR_KIND_ACCESS_LOGGER:
      return owner(access_loggers_);
    default:
      return nullptr;
  }
}

std::string PluginLoader::CheckNames(const weir_plugin_descriptor& descriptor) const {
  std::size_t forms = codecs_so_far_;
  for (std::uint32_t i = 0; i < descriptor.extension_count; ++i) {
    const weir_extension& extension = descriptor.extensions[i];
    if (const Plugin* owner = OwnerOf(extension.kind, extension.name)) {
      return std::string(KindName(extension.kind)) + " " + extension.name +
             " is already provided by " + owner->path;
    }
    if (extension.kind == WEIR_KIND_CODEC && ++forms > 255)
      return "more than 255 codecs are loaded";
  }
  return {};
}

std::string PluginLoader::RunInit(const weir_plugin_descriptor& descriptor) const {
  if (descriptor.init == nullptr) return {};
  char reason[512] = {};
  std::int32_t status = WEIR_ERROR;
  try {
    status = descriptor.init(options_.host, reason, sizeof reason);
  } catch (...) {
    return "init failed: an exception left it: " + base::ThrownText();
  }
  if (status == WEIR_OK) return {};
  reason[sizeof reason - 1] = '\0';
  return std::string("init failed: ") + (reason[0] != '\0' ? reason : "the plugin gave no reason");
}

void PluginLoader::Register(const weir_plugin_descriptor& descriptor, const Plugin* plugin) {
  for (std::uint32_t i = 0; i < descriptor.extension_count; ++i) {
    const weir_extension& extension = descriptor.extensions[i];
    switch (extension.kind) {
      case WEIR_KIND_CODEC: {
        auto codec = std::make_unique<CodecExtension>();
        codec->name = extension.name;
        codec->api = static_cast<const weir_codec_api*>(extension.api);
        codec->plugin = plugin;
        codec->raw_form = static_cast<std::uint8_t>(++codecs_so_far_);
        codecs_.push_back(std::move(codec));
        break;
      }
      case WEIR_KIND_NETWORK_FILTER:
        Keep(extension, plugin, &network_filters_);
        break;
      case WEIR_KIND_HTTP_FILTER:
        Keep(extension, plugin, &http_filters_);
        break;
      case WEIR_KIND_LISTENER_FILTER:
        Keep(extension, plugin, &listener_filters_);
        break;
      case WEIR_KIND_ACCESS_LOGGER:
        Keep(extension, plugin, &access_loggers_);
        break;
      default:
        break;  // a kind of a newer minor version: nothing here can ask for it
    }
  }
}

std::string PluginLoader::Adopt(const weir_plugin_descriptor& descriptor, const std::string& path,
                                const Plugin** plugin) {
  std::string reason = CheckDescriptor(descriptor);
  if (reason.empty()) reason = CheckNames(descriptor);
  if (reason.empty()) reason = RunInit(descriptor);
  if (!reason.empty()) return reason;
  auto loaded = std::make_unique<Plugin>();
  loaded->name = descriptor.name;
  loaded->version = descriptor.version;
  loaded->path = path;
  loaded->abi_minor = descriptor.abi_minor;
  loaded->descriptor = &descriptor;
  *plugin = loaded.get();
  plugins_.push_back(std::move(loaded));
  Register(descriptor, *plugin);
  return {};
}

std::string PluginLoader::Open(const std::string& path, Attempt* attempt) {
  struct stat info {};
  if (::stat(path.c_str(), &info) == 0) {
    attempt->device = info.st_dev;
    attempt->inode = info.st_ino;
    attempt->modified = info.st_mtim;
    attempt->size = info.st_size;
  }
  const ElfReport report = InspectElfFile(path);
  if (!report.problem.empty()) return report.problem;
  if (report.descriptor) {
    std::string reason = CheckDescriptorHead(*report.descriptor);
    if (!reason.empty()) return reason;
  }
  const auto replaced = replaced_.find(path);
  const std::uint32_t times = replaced == replaced_.end() ? 0 : replaced->second.times;
  void* handle = ::dlopen(SpelledFor(path, times).c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    const char* reason = ::dlerror();
    return std::string("cannot be loaded: ") + (reason ? reason : "the linker gave no reason");
  }
  // From here on the object stays, refused or not: its constructors ran and may have left threads
  // or handlers behind.
  const void* symbol = ::dlsym(handle, WEIR_PLUGIN_SYMBOL);
  if (symbol == nullptr) return "is no plugin: it does not export the symbol " WEIR_PLUGIN_SYMBOL;
  for (const auto& plugin : plugins_) {
    if (plugin->descriptor == symbol && plugin->path == path)
      return "was written in place while it is in use: replace the file, by a rename";
  }
  return Adopt(*static_cast<const weir_plugin_descriptor*>(symbol), path, &attempt->plugin);
}

const PluginLoader::Attempt* PluginLoader::TryFile(const std::string& path) {
  for (const auto& attempt : attempts_) {
    if (attempt->path == path) return attempt.get();
  }
  auto attempt = std::make_unique<Attempt>();
  attempt->path = path;
  const std::string reason = Open(path, attempt.get());
  if (!reason.empty()) attempt->error = "plugin " + path + ": " + reason;
  attempts_.push_back(std::move(attempt));
  return attempts_.back().get();
}

void PluginLoader::Retire(const Plugin* plugin) {
  Replaced& replaced = replaced_[plugin->path];
  ++replaced.times;
  replaced.extensions.clear();
  const weir_plugin_descriptor& descriptor = *plugin->descriptor;
  for (std::uint32_t i = 0; i < descriptor.extension_count; ++i) {
    replaced.extensions.emplace_back(descriptor.extensions[i].name);
    replaced.codec = replaced.codec || descriptor.extensions[i].kind == WEIR_KIND_CODEC;
  }
  MoveOf(plugin, &codecs_, &retired_);
  MoveOf(plugin, &http_filters_, &retired_);
  MoveOf(plugin, &network_filters_, &retired_);
  MoveOf(plugin, &listener_filters_, &retired_);
  MoveOf(plugin, &access_loggers_, &retired_);
}

void PluginLoader::Refresh() {
  for (auto& attempt : attempts_) {
    if (attempt->descriptor != nullptr) continue;
    struct stat info {};
    if (attempt->plugin != nullptr) {
      // One that is not there any more goes on as it is.
      if (::stat(attempt->path.c_str(), &info) != 0 || attempt->IsOf(info)) continue;
      Retire(attempt->plugin);
    }
    attempt.reset();
  }
  attempts_.erase(std::remove(attempts_.begin(), attempts_.end(), nullptr), attempts_.end());
}

std::string PluginLoader::ReplacedOf(const std::string& text) const {
  std::string all;
  for (const auto& [path, replaced] : replaced_) {
    bool named = replaced.codec;
    for (const std::string& extension : replaced.extensions)
      named = named || text.find(extension) != std::string::npos;
    if (named) all += path + " " + std::to_string(replaced.times) + "\n";
  }
  return all;
}

const PluginLoader::Attempt* PluginLoader::TryBuiltIn(const weir_plugin_descriptor* descriptor) {
  for (const auto& attempt : attempts_) {
    if (attempt->descriptor == descriptor) return attempt.get();
  }
  auto attempt = std::make_unique<Attempt>();
  attempt->descriptor = descriptor;
  const std::string reason = Adopt(*descriptor, kBuiltIn, &attempt->plugin);
  if (!reason.empty()) {
    attempt->error = std::string("plugin ") + descriptor->name + " " + kBuiltIn + ": " + reason;
  }
  attempts_.push_back(std::move(attempt));
  return attempts_.back().get();
}

const Plugin* PluginLoader::LoadFile(const std::string& path, std::string* error) {
  const Attempt* attempt = TryFile(path);
  if (attempt->plugin == nullptr) *error = attempt->error;
  return attempt->plugin;
}

const Plugin* PluginLoader::Load(std::string_view name, std::string* error) {
  if (!ValidExtensionName(name)) {
    *error = "\"" + std::string(name.substr(0, kMaxNameSize)) +
             "\" is no plugin name (1 to 64 characters a-z 0-9 _ . are allowed)";
    return nullptr;
  }
  for (const std::string& directory : options_.directories) {
    const std::string path = directory + "/" + std::string(name) + ".so";
    if (Exists(path)) return LoadFile(path, error);
  }
  *error = "no plugin file " + std::string(name) + ".so in " + Joined(options_.directories);
  return nullptr;
}

bool PluginLoader::LoadExtension(std::uint32_t kind, std::string_view name, std::string_view file,
                                 std::string* error) {
  for (const weir_plugin_descriptor* descriptor : options_.built_in) {
    if (!Holds(*descriptor, kind, name)) continue;
    const Attempt* attempt = TryBuiltIn(descriptor);
    if (attempt->plugin == nullptr) *error = attempt->error;
    return attempt->plugin != nullptr;
  }
  const Plugin* plugin = Load(file.empty() ? name : file, error);
  if (plugin == nullptr) return false;
  if (OwnerOf(kind, name) != nullptr) return true;
  *error = "plugin " + plugin->path + ": it holds no " + KindName(kind) + " " + std::string(name);
  return false;
}

template <typename T>
const T* PluginLoader::Find(const std::vector<std::unique_ptr<T>>& list, std::uint32_t kind,
                            std::string_view name, std::string_view file, std::string* error) {
  if (const T* found = FindByName(list, name)) return found;
  return LoadExtension(kind, name, file, error) ? FindByName(list, name) : nullptr;
}

const CodecExtension* PluginLoader::FindCodec(std::string_view name, std::string* error) {
  return Find(codecs_, WEIR_KIND_CODEC, name, {}, error);
}
const HttpFilterExtension* PluginLoader::FindHttpFilter(std::string_view name, std::string* error) {
  return Find(http_filters_, WEIR_KIND_HTTP_FILTER, name, {}, error);
}
const NetworkFilterExtension* PluginLoader::FindNetworkFilter(std::string_view name,
                                                              std::string* error) {
  return Find(network_filters_, WEIR_KIND_NETWORK_FILTER, name, {}, error);
}
const ListenerFilterExtension* PluginLoader::FindListenerFilter(std::string_view name,
                                                                std::string* error) {
  return Find(listener_filters_, WEIR_KIND_LISTENER_FILTER, name, {}, error);
}
const AccessLoggerExtension* PluginLoader::FindAccessLogger(std::string_view name,
                                                            std::string* error,
                                                            std::string_view file) {
  return Find(access_loggers_, WEIR_KIND_ACCESS_LOGGER, name, file, error);
}

std::vector<const Plugin*> PluginLoader::plugins() const {
  return Pointers(plugins_);
}
std::vector<const CodecExtension*> PluginLoader::codecs() const {
  return Pointers(codecs_);
}
std::vector<const HttpFilterExtension*> PluginLoader::http_filters() const {
  return Pointers(http_filters_);
}
std::vector<const NetworkFilterExtension*> PluginLoader::network_filters() const {
  return Pointers(network_filters_);
}
std::vector<const ListenerFilterExtension*> PluginLoader::listener_filters() const {
  return Pointers(listener_filters_);
}
std::vector<const AccessLoggerExtension*> PluginLoader::access_loggers() const {
  return Pointers(access_loggers_);
}

}  // namespace weir::plugins
