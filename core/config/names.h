#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace weir::config {

// The vocabulary shared with Envoy's files: which names and @type URLs stand for which of Weir's
// filters.

enum class FilterKind { kNetwork, kHttp };

// Whether a filter ends its chain. kEither: unknown plugins, and filters that may stand anywhere.
enum class Terminal { kNo, kYes, kEither };

struct FilterName {
  FilterKind kind;
  const char* type;  // Weir's name
  const char*
      message;  // the message of its typed_config in an Envoy file; empty when Envoy has none
  const char* per_route;  // the message of its per-route configuration; empty when none
  Terminal terminal;
};

// The names that every configuration knows; plugins add others. In alphabetical order by kind.
const std::vector<FilterName>& KnownFilters();

// The name as Weir writes it: without `envoy.filters.network.` or `envoy.filters.http.`, and
// "router" is "mux".
std::string CanonicalFilterName(FilterKind kind, std::string_view name);

// The known filter of a canonical name, or null.
const FilterName* FindFilter(FilterKind kind, std::string_view type);
// The known filter whose typed_config (or per-route configuration) has the @type, or null. A
// leading "type.googleapis.com/" is optional.
const FilterName* FindFilterByMessage(FilterKind kind, std::string_view type_url);

// The message name without "type.googleapis.com/".
std::string_view MessageOf(std::string_view type_url);

Terminal TerminalOf(FilterKind kind, std::string_view type);

// The codec plugin that codec_type AUTO and HTTP1, and a cluster without `protocol`, stand for.
std::string_view DefaultCodec();

}  // namespace weir::config
