#include "core/config/names.h"
#include "core/config/tables.h"

// Two limits that Envoy's files can only set as runtime keys or resource monitors, and that are
// plain keys here.

namespace weir::config {
namespace {

using B = Bootstrap;

constexpr std::string_view kListenerPrefix = "envoy.resource_limits.listener.";
constexpr std::string_view kListenerSuffix = ".connection_limit";
constexpr std::string_view kGlobalKey = "overload.global_downstream_max_connections";
constexpr const char* kMonitorName = "envoy.resource_monitors.global_downstream_max_connections";
constexpr const char* kMonitorMessage =
    "envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig";

// "envoy.resource_limits.listener.NAME.connection_limit" gives NAME; anything else nothing.
std::string_view ListenerOf(std::string_view path) {
  const std::size_t fixed = kListenerPrefix.size() + kListenerSuffix.size();
  if (path.size() <= fixed || path.substr(0, kListenerPrefix.size()) != kListenerPrefix) return {};
  if (path.substr(path.size() - kListenerSuffix.size()) != kListenerSuffix) return {};
  return path.substr(kListenerPrefix.size(), path.size() - fixed);
}

void ReadRuntimeKey(Context& c, const Field& field, B* out) {
  if (field.key == kGlobalKey) {
    return ReadInt(c, field, 0, UINT32_MAX, &out->limits.max_connections);
  }
  if (const std::string_view name = ListenerOf(field.key); !name.empty()) {
    Context::ListenerLimit limit{std::string(name), 0, field.key_mark};
    ReadInt(c, field, 0, UINT32_MAX, &limit.connection_limit);
    c.listener_limits.push_back(std::move(limit));
    return;
  }
  c.Add(field.key_mark, "runtime key " + Quote(field.key) + " is none that Weir has",
        std::string(kGlobalKey) + " or " + std::string(kListenerPrefix) + "NAME" +
            std::string(kListenerSuffix));
}

// Runtime keys may be written with dots, as nested mappings, or as both.
void ReadStaticLayer(Context& c, const Node& node, const std::string& prefix, B* out) {
  for (const Node::Entry& entry : node.entries()) {
    entry.read = true;
    const std::string path = prefix.empty() ? entry.key : prefix + "." + entry.key;
    if (entry.value->is_map()) {
      ReadStaticLayer(c, *entry.value, path, out);
    } else {
      ReadRuntimeKey(c, {path, entry.key_mark, entry.value}, out);
    }
  }
}

const Keys<B>& LayerKeys() {
  static const Keys<B> keys = {
      DescriptiveKey<B>("name", ""),
      CustomKey<B>(
          "static_layer", "mapping",
          [](Context& c, const Field& f, B* b) {
            if (ExpectMap(c, f)) ReadStaticLayer(c, f.node(), "", b);
          },
          nullptr, ""),
      CustomKey<B>(
          "admin_layer", "empty mapping",
          [](Context& c, const Field& f, B*) {
            if (!f.node().is_map() || f.node().size() != 0) c.AddExpected(f, "{}");
          },
          nullptr, ""),
      MissingKey<B>("disk_layer", "runtime keys from files"),
      MissingKey<B>("rtds_layer", "runtime keys by discovery"),
  };
  return keys;
}

struct Monitor {
  std::string name;
  std::string message;
  std::uint32_t max_connections = 0;
  bool given = false;
};

const Keys<Monitor>& MonitorKeys() {
  static const Keys<Monitor> config = {
      CustomKey<Monitor>(
          "@type", "string",
          [](Context& c, const Field& f, Monitor* m) {
            std::string text;
            ReadText(c, f, &text);
            m->message = MessageOf(text);
          },
          nullptr, ""),
      CustomKey<Monitor>(
          "max_active_downstream_connections", "integer",
          [](Context& c, const Field& f, Monitor* m) {
            m->given = true;
            ReadInt(c, f, 1, UINT32_MAX, &m->max_connections);
          },
          nullptr, ""),
      MissingKey<Monitor>("max_heap_size_bytes", "a heap monitor (limits.max_memory is near it)"),
  };
  static const Keys<Monitor> keys = {
      TextKey("name", &Monitor::name, "").Required(),
      CustomKey<Monitor>(
          "typed_config", "mapping",
          [](Context& c, const Field& f, Monitor* m) { ReadMap(c, f, config, m); }, nullptr, ""),
  };
  return keys;
}

void ReadMonitor(Context& c, const Field& field, B* out) {
  const std::size_t before = c.diagnostics().count();
  Monitor monitor;
  ReadMap(c, field, MonitorKeys(), &monitor);
  if (c.diagnostics().count() != before) return;
  if ((monitor.name != kMonitorName && monitor.message != kMonitorMessage) || !monitor.given) {
    c.Add(field.key_mark,
          "resource monitor " + Quote(monitor.name) + " asks for a feature that Weir does not have",
          std::string(kMonitorName) + " with max_active_downstream_connections");
    return;
  }
  out->limits.max_connections = monitor.max_connections;
}

}  // namespace

void ReadLayeredRuntime(Context& c, const Field& field, Bootstrap* out) {
  static const Keys<B> keys = {
      CustomKey<B>(
          "layers", "list of layers",
          [](Context& c2, const Field& f, B* b) {
            if (!ExpectList(c2, f)) return;
            std::vector<std::string> names;
            for (const Field& element : Elements(f, &names)) ReadMap(c2, element, LayerKeys(), b);
          },
          nullptr, ""),
  };
  ReadMap(c, field, keys, out);
}

void ReadOverloadManager(Context& c, const Field& field, Bootstrap* out) {
  static const Keys<B> keys = {
      // How often a monitor looks; connections are counted at each accept.
      DescriptiveKey<B>("refresh_interval", ""),
      CustomKey<B>(
          "resource_monitors", "list of resource monitors",
          [](Context& c2, const Field& f, B* b) {
            if (!ExpectList(c2, f)) return;
            std::vector<std::string> names;
            for (const Field& element : Elements(f, &names)) ReadMonitor(c2, element, b);
          },
          nullptr, ""),
      MissingKey<B>("actions", "overload actions (limits sets limits)"),
      MissingKey<B>("loadshed_points", "load shed points"),
      MissingKey<B>("buffer_factory_config", "options of buffers"),
  };
  ReadMap(c, field, keys, out);
}

void ApplyListenerLimits(Context& c, Bootstrap* bootstrap) {
  for (const Context::ListenerLimit& limit : c.listener_limits) {
    std::vector<std::string_view> names;
    bool found = false;
    for (Listener& listener : bootstrap->listeners) {
      names.push_back(listener.name);
      if (listener.name != limit.name) continue;
      listener.connection_limit = limit.connection_limit;
      found = true;
    }
    if (found) continue;
    c.Add(limit.mark, "there is no listener " + Quote(limit.name) + " to limit", "",
          NearestName(limit.name, names));
  }
}

}  // namespace weir::config
