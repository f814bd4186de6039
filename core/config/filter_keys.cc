#include <algorithm>

#include "core/config/names.h"
#include "core/config/tables.h"

namespace weir::config {
namespace {

// What every filter entry holds, of either kind.
struct FilterEntry {
  std::string name;
  std::shared_ptr<const Node> typed_config;
  Mark typed_config_mark;
  bool disabled = false;
};

void TakeConfig(Context& c, const Field& field, FilterEntry* out) {
  out->typed_config_mark = field.key_mark;
  if (field.node().is_null()) return;
  if (ExpectMap(c, field)) out->typed_config = field.value;
}

Keys<FilterEntry> FilterEntryKeys(FilterKind kind) {
  Keys<FilterEntry> keys = {
      TextKey("name", &FilterEntry::name, "Which filter it is.").Required(),
      CustomKey<FilterEntry>("typed_config", "mapping", TakeConfig, nullptr, "The filter's keys."),
      MissingKey<FilterEntry>("config_discovery", "configuration by discovery"),
  };
  if (kind == FilterKind::kHttp) {
    keys.push_back(BoolKey("disabled", &FilterEntry::disabled,
                           "Off unless a route's typed_per_filter_config turns it on."));
    keys.push_back(MissingKey<FilterEntry>("is_optional", "optional filters", "false"));
  }
  if (kind == FilterKind::kListener) {
    keys.push_back(MissingKey<FilterEntry>("filter_disabled", "filters that are off for some"));
  }
  return keys;
}

const Keys<FilterEntry>& EntryKeys(FilterKind kind) {
  static const Keys<FilterEntry> network = FilterEntryKeys(FilterKind::kNetwork);
  static const Keys<FilterEntry> http = FilterEntryKeys(FilterKind::kHttp);
  static const Keys<FilterEntry> listener = FilterEntryKeys(FilterKind::kListener);
  return kind == FilterKind::kNetwork ? network : kind == FilterKind::kHttp ? http : listener;
}

// Which filter the entry means: by its @type where there is one, else by its name. They must not
// disagree.
std::string FilterType(Context& c, FilterKind kind, Mark mark, const std::string& name,
                       const std::shared_ptr<const Node>& typed_config) {
  const Node* type_url = typed_config == nullptr ? nullptr : typed_config->Find("@type");
  if (type_url == nullptr) {
    // The name alone says which plugin it is.
    if (!IsPluginName(name)) {
      c.Add(mark, "filter name " + Quote(name) + " is no plugin's name",
            "letters, digits, _, - and ., or an @type");
    }
    return name;
  }
  const FilterName* by_message = FindFilterByMessage(kind, type_url->text());
  const FilterName* by_name = FindFilter(kind, name);
  if (by_message == nullptr) {
    std::vector<std::string_view> known;
    for (const FilterName& filter : KnownFilters()) {
      if (filter.kind == kind && *filter.message != '\0') known.push_back(filter.message);
    }
    const std::string_view message = MessageOf(type_url->text());
    c.Add(type_url->mark(), "@type " + Quote(type_url->text()) + " is of no filter that Weir has",
          "", NearestName(message, known));
    return name;
  }
  if (by_name != nullptr && by_name != by_message) {
    c.Add(type_url->mark(),
          "@type " + Quote(type_url->text()) + " is not that of filter " + Quote(name),
          *by_name->message == '\0' ? "no @type" : by_name->message);
    return name;
  }
  return by_message->type;
}

// A whole entry: `{name, typed_config}` or, short, the name alone. False after an error.
bool ReadEntry(Context& c, FilterKind kind, const Field& field, FilterEntry* out) {
  const std::size_t before = c.diagnostics().count();
  out->typed_config_mark = field.key_mark;
  if (field.node().is_scalar()) {
    ReadText(c, field, &out->name);
  } else {
    ReadMap(c, field, EntryKeys(kind), out);
  }
  if (c.diagnostics().count() == before && out->name.empty()) {
    c.Add(field.key_mark, std::string(field.key) + " has an empty name");
  }
  out->name = CanonicalFilterName(kind, out->name);
  return c.diagnostics().count() == before;
}

// Only the last filter of a chain may be, and must be, terminal.
template <class Filter>
void CheckTerminal(Context& c, FilterKind kind, const Field& list,
                   const std::vector<Filter>& filters) {
  for (std::size_t i = 0; i < filters.size(); ++i) {
    const Terminal terminal = TerminalOf(kind, filters[i].type);
    const bool last = i + 1 == filters.size();
    if (!last && terminal == Terminal::kYes) {
      c.Add(filters[i].mark,
            "filter " + Quote(filters[i].name) + " ends a chain, so nothing after it can run",
            "it as the last of " + std::string(list.key));
    }
    if (last && terminal == Terminal::kNo) {
      std::vector<std::string_view> ends;
      for (const FilterName& known : KnownFilters()) {
        if (known.kind == kind && known.terminal != Terminal::kNo) ends.push_back(known.type);
      }
      c.Add(filters[i].mark,
            "filter " + Quote(filters[i].name) + " is the last of " + std::string(list.key) +
                " but ends no chain",
            "a terminal filter after it: " + JoinNames(ends));
    }
  }
}

void ReadBuiltIn(Context& c, NetworkFilter* filter, const FilterEntry& entry) {
  const bool http = filter->type == "http_connection_manager";
  if (!http && filter->type != "tcp_proxy") return;
  if (entry.typed_config == nullptr) {
    c.Add(filter->mark, "filter " + Quote(filter->name) + " has no typed_config", "its keys");
    return;
  }
  const Field config{"typed_config", entry.typed_config_mark, entry.typed_config};
  if (http) {
    filter->http = ReadHttpConnectionManager(c, config, "");
  } else {
    filter->tcp_proxy = ReadTcpProxy(c, config, "");
  }
}

// Whether the map is Envoy's wrapper around a per-route configuration, or the short `{disabled:
// true}`.
bool IsFilterConfigWrapper(const Node& node) {
  if (!node.is_map()) return false;
  for (const Node::Entry& entry : node.entries()) {
    if (entry.key != "@type") continue;
    return MessageOf(entry.value->text()) == "envoy.config.route.v3.FilterConfig";
  }
  return node.size() == 1 && node.KeyAt(0) == "disabled";
}

const Keys<PerFilterConfig>& FilterConfigKeys() {
  static const Keys<PerFilterConfig> keys = {
      CustomKey<PerFilterConfig>(
          "@type", "string", [](Context&, const Field&, PerFilterConfig*) {}, nullptr, ""),
      BoolKey("disabled", &PerFilterConfig::disabled, ""),
      CustomKey<PerFilterConfig>(
          "config", "mapping",
          [](Context& c, const Field& f, PerFilterConfig* p) {
            if (ExpectMap(c, f)) p->typed_config = f.value;
          },
          nullptr, ""),
      MissingKey<PerFilterConfig>("is_optional", "optional filters", "false"),
  };
  return keys;
}

}  // namespace

void ReadNetworkFilters(Context& c, const Field& field, std::vector<NetworkFilter>* out) {
  if (!ExpectList(c, field)) return;
  const std::size_t before = c.diagnostics().count();
  std::vector<std::string> names;
  for (const Field& element : Elements(field, &names)) {
    FilterEntry entry;
    if (!ReadEntry(c, FilterKind::kNetwork, element, &entry)) continue;
    NetworkFilter filter;
    filter.name = entry.name;
    filter.mark = element.key_mark;
    filter.type =
        FilterType(c, FilterKind::kNetwork, element.key_mark, entry.name, entry.typed_config);
    filter.typed_config = entry.typed_config;
    ReadBuiltIn(c, &filter, entry);
    out->push_back(std::move(filter));
  }
  if (field.node().size() == 0) {
    c.Add(field.key_mark, std::string(field.key) + " is empty", "a terminal filter at its end");
  }
  if (out->size() == field.node().size() || c.diagnostics().count() == before) {
    CheckTerminal(c, FilterKind::kNetwork, field, *out);
  }
}

void ReadFilterChain(Context& c, const Field& field, FilterChain* out) {
  static const Keys<FilterChain> keys = {
      TextKey("name", &FilterChain::name, "A name for messages."),
      CustomKey<FilterChain>(
          "filters", "list of network filters",
          [](Context& c2, const Field& f, FilterChain* chain) {
            ReadNetworkFilters(c2, f, &chain->filters);
          },
          nullptr, "The network filters, in order.")
          .Required(),
      CustomKey<FilterChain>(
          "filter_chain_match", "mapping",
          [](Context& c2, const Field& f, FilterChain*) {
            if (f.node().is_map() && f.node().size() == 0) return;
            ReadMissing(c2, f, "choosing a filter chain by what a connection looks like", "");
          },
          nullptr, ""),
      CustomKey<FilterChain>(
          "transport_socket", "mapping",
          [](Context& c2, const Field& f, FilterChain* chain) {
            chain->tls = ReadTransportSocket(c2, f, false);
          },
          nullptr, ""),
      DurationKey("transport_socket_connect_timeout",
                  &FilterChain::transport_socket_connect_timeout, kHandshakeTimeoutDoc),
      MissingKey<FilterChain>("use_proxy_proto", "the PROXY protocol", "false"),
      MissingKey<FilterChain>("metadata", "metadata of filter chains"),
  };
  ReadMap(c, field, keys, out);
}

std::shared_ptr<const Node> PrintFilterChain(const FilterChain& chain) {
  auto filters = Node::Sequence({});
  for (const NetworkFilter& filter : chain.filters) {
    std::shared_ptr<const Node> config = filter.typed_config;
    if (filter.http != nullptr) config = PrintKeys(HttpConnectionManagerKeys(), *filter.http);
    if (filter.tcp_proxy != nullptr) config = PrintKeys(TcpProxyKeys(), *filter.tcp_proxy);
    // The name alone decides the type when loaded again, so a free-form name gives way to it.
    filters->Add("", {}, PrintMap({{"name", PrintText(filter.type)}, {"typed_config", config}}));
  }
  std::shared_ptr<const Node> name;
  if (!chain.name.empty()) name = PrintText(chain.name);
  const auto timeout =
      chain.tls == nullptr ? nullptr : PrintDuration(chain.transport_socket_connect_timeout);
  return PrintMap({{"name", name},
                   {"filters", filters},
                   {"transport_socket", PrintTransportSocket(chain.tls.get(), false)},
                   {"transport_socket_connect_timeout", timeout}});
}

void ReadHttpFilters(Context& c, const Field& field, std::vector<HttpFilter>* out) {
  if (!ExpectList(c, field)) return;
  std::vector<std::string> names;
  for (const Field& element : Elements(field, &names)) {
    FilterEntry entry;
    if (!ReadEntry(c, FilterKind::kHttp, element, &entry)) continue;
    HttpFilter filter;
    filter.name = entry.name;
    filter.mark = element.key_mark;
    filter.disabled = entry.disabled;
    filter.type =
        FilterType(c, FilterKind::kHttp, element.key_mark, entry.name, entry.typed_config);
    filter.typed_config = entry.typed_config;
    for (const HttpFilter& other : *out) {
      if (other.name == filter.name) {
        c.Add(filter.mark, "filter name " + Quote(filter.name) + " is used twice in the chain",
              "a name of its own for each, so that routes can refer to it");
      }
    }
    if (filter.disabled && TerminalOf(FilterKind::kHttp, filter.type) == Terminal::kYes) {
      c.Add(filter.mark, "the terminal filter " + Quote(filter.name) + " cannot be disabled");
    }
    out->push_back(std::move(filter));
  }
  if (field.node().size() == 0) {
    c.Add(field.key_mark, std::string(field.key) + " is empty",
          "mux at its end, or no such key at all");
  }
  if (out->size() == field.node().size()) CheckTerminal(c, FilterKind::kHttp, field, *out);
}

void ReadListenerFilters(Context& c, const Field& field, std::vector<ListenerFilter>* out) {
  if (!ExpectList(c, field)) return;
  std::vector<std::string> names;
  for (const Field& element : Elements(field, &names)) {
    FilterEntry entry;
    if (!ReadEntry(c, FilterKind::kListener, element, &entry)) continue;
    ListenerFilter filter;
    filter.name = entry.name;
    filter.mark = element.key_mark;
    filter.type =
        FilterType(c, FilterKind::kListener, element.key_mark, entry.name, entry.typed_config);
    filter.typed_config = entry.typed_config;
    out->push_back(std::move(filter));
  }
}

std::shared_ptr<const Node> PrintListenerFilters(const std::vector<ListenerFilter>& filters) {
  if (filters.empty()) return nullptr;
  auto list = Node::Sequence({});
  for (const ListenerFilter& filter : filters) {
    list->Add("", {},
              PrintMap({{"name", PrintText(filter.type)}, {"typed_config", filter.typed_config}}));
  }
  return list;
}

std::shared_ptr<const Node> PrintHttpFilters(const std::vector<HttpFilter>& filters) {
  auto list = Node::Sequence({});
  for (const HttpFilter& filter : filters) {
    std::shared_ptr<const Node> config = filter.typed_config;
    const FilterName* known = FindFilter(FilterKind::kHttp, filter.type);
    if (config == nullptr && filter.name != filter.type && known != nullptr) {
      // A name of the user's own: the @type says which filter it is.
      config = PrintMap({{"@type", PrintText(known->message)}});
    }
    list->Add("", {},
              PrintMap({{"name", PrintText(filter.name)},
                        {"disabled", filter.disabled ? PrintBool(true) : nullptr},
                        {"typed_config", config}}));
  }
  return list;
}

void ReadPerFilterConfigs(Context& c, const Field& field, std::vector<PerFilterConfig>* out) {
  if (!ExpectMap(c, field)) return;
  for (const Node::Entry& entry : field.node().entries()) {
    entry.read = true;
    PerFilterConfig config;
    config.filter = CanonicalFilterName(FilterKind::kHttp, entry.key);
    config.mark = entry.key_mark;
    const Field value = EntryField(entry);
    if (IsFilterConfigWrapper(*entry.value)) {
      ReadMap(c, value, FilterConfigKeys(), &config);
    } else if (ExpectMap(c, value)) {
      config.typed_config = entry.value;
    }
    out->push_back(std::move(config));
  }
}

std::shared_ptr<const Node> PrintPerFilterConfigs(const std::vector<PerFilterConfig>& configs) {
  if (configs.empty()) return nullptr;
  auto map = Node::Map({});
  for (const PerFilterConfig& config : configs) {
    std::shared_ptr<const Node> value = config.typed_config;
    if (config.disabled || value == nullptr) {
      value = PrintMap({{"@type", PrintText("envoy.config.route.v3.FilterConfig")},
                        {"disabled", PrintBool(config.disabled)},
                        {"config", config.typed_config}});
    }
    map->Add(config.filter, {}, value);
  }
  return map;
}

}  // namespace weir::config
