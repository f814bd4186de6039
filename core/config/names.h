#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace weir::config {

// The vocabulary shared with Envoy's files: which names and @type URLs stand for which of Weir's
// filters.

enum class FilterKind { kNetwork, kHttp, kListener };

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

// The name as Weir writes it: without `envoy.filters.network.`, `envoy.filters.http.` or
// `envoy.filters.listener.`, and "router" is "mux".
std::string CanonicalFilterName(FilterKind kind, std::string_view name);

// The known filter of a canonical name, or null.
const FilterName* FindFilter(FilterKind kind, std::string_view type);
// The known filter whose typed_config (or per-route configuration) has the @type, or null. A
// leading "type.googleapis.com/" is optional.
const FilterName* FindFilterByMessage(FilterKind kind, std::string_view type_url);

// The message name without "type.googleapis.com/".
std::string_view MessageOf(std::string_view type_url);

Terminal TerminalOf(FilterKind kind, std::string_view type);

// --- codec plugins by what Envoy calls them ---

// The codecs of HTTP/1 and HTTP/2: codec_type HTTP1 and HTTP2, `protocol` h1 and h2.
std::string_view Http1Codec();
std::string_view Http2Codec();
// Those of codec_type AUTO, and of a connection manager that says nothing; the last is used where
// nothing speaks for another.
const std::vector<std::string>& DefaultCodecs();
// The codec of a cluster without `protocol`.
std::string_view DefaultProtocol();
inline constexpr std::string_view kAutoProtocol = "auto";
// An HTTP/2 request goes to the backend as HTTP/2, any other as HTTP/1.
inline constexpr std::string_view kDownstreamProtocol = "downstream";
// The codecs that a cluster's `protocol` stands for: "auto" is HTTP/2 where ALPN settles it, else
// HTTP/1; "downstream" the same two, each in a pool of its own; any other is the codec's own name.
std::vector<std::string> CodecsOfProtocol(std::string_view protocol);

}  // namespace weir::config
