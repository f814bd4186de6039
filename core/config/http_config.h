#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/config/node.h"
#include "core/config/route_config.h"

// The HTTP connection manager's configuration. Plain values, immutable once loaded. A duration of 0
// means "none".

namespace weir::config {

// One access log: a line for each request.
struct AccessLog {
  enum class Sink { kStdout, kStderr, kFile };
  // Without a logger: where the lines go, which have the default format.
  Sink sink = Sink::kStdout;
  std::string path;  // kFile only
  // The access logger of a plugin that writes them; empty: none. Known ones have a format of the
  // user's.
  std::string logger;
  // Its keys; null when none were given. Keys that nobody reads are errors
  // (Diagnostics::AddUnread).
  std::shared_ptr<const Node> typed_config;
  Mark mark;
};

// One HTTP filter of a chain, in file order.
struct HttpFilter {
  // As written in the file, `envoy.filters.http.` removed; unique in the chain; per-route
  // configuration refers to it.
  std::string name;
  // Which filter it is: a plugin's name, or "mux".
  std::string type;
  // The filter's keys; null when none were given. Keys that nobody reads are errors
  // (Diagnostics::AddUnread).
  std::shared_ptr<const Node> typed_config;
  // Off unless a route's typed_per_filter_config turns it on. Default false.
  bool disabled = false;
  Mark mark;
};

// A piece of a local reply's body format.
struct FormatPiece {
  enum class Kind { kLiteral, kResponseCode, kResponseCodeDetails, kLocalReplyBody };
  Kind kind = Kind::kLiteral;
  std::string literal;  // kLiteral only
};

struct BodyFormat {
  // As written: "%RESPONSE_CODE% %RESPONSE_CODE_DETAILS%\n". Default "%LOCAL_REPLY_BODY%".
  std::string text_format = "%LOCAL_REPLY_BODY%";
  // The same in pieces.
  std::vector<FormatPiece> pieces = {{FormatPiece::Kind::kLocalReplyBody, ""}};
  std::string content_type = "text/plain";
};

// Status codes from min to max, both included.
struct StatusRange {
  std::uint32_t min = 0;
  std::uint32_t max = 999;
};

// What to change in a local reply. The first mapper whose ranges hold the status applies.
struct LocalReplyMapper {
  std::vector<StatusRange> status;           // any of these
  std::optional<std::uint32_t> status_code;  // replaces the status
  std::optional<std::string> body;           // replaces %LOCAL_REPLY_BODY%
  std::optional<BodyFormat> body_format;     // replaces LocalReplyConfig::body_format
};

struct LocalReplyConfig {
  std::vector<LocalReplyMapper> mappers;
  BodyFormat body_format;
};

// What a codec's plugin reads: a map of its keys. A key that it does not know is an error.
struct CodecOptions {
  std::string codec;
  std::shared_ptr<const Node> node;  // never null, a map
  Mark mark;
};

enum class HeadersWithUnderscores { kAllow, kRejectRequest, kDropHeader };
enum class EscapedSlashes {
  kKeepUnchanged,
  kRejectRequest,
  kUnescapeAndRedirect,
  kUnescapeAndForward
};
enum class ServerHeader { kOverwrite, kAppendIfAbsent, kPassThrough };

struct HttpConnectionManager {
  // The prefix of its counters: http.<stat_prefix>. Required in the long form; the listener's name
  // in the short one.
  std::string stat_prefix;
  // Codec plugins that may serve a connection, in order of preference: ALPN decides, else the
  // client's first bytes, else it is the last. What codec_type stands for is in names.h. Never
  // empty.
  std::vector<std::string> codecs;
  // One entry per codec at most; each names one of `codecs` (checked when they are made).
  std::vector<CodecOptions> codec_options;
  // Streams of one connection at once, where its codec takes several (http2_protocol_options).
  // Default 100, range 1 … 1000000.
  std::uint32_t max_concurrent_streams = 100;
  std::shared_ptr<const RouteConfiguration> route_config;
  // Never empty; the last is terminal. Default: the Mux alone.
  std::vector<HttpFilter> http_filters;

  // --- timeouts; where a key has a parent in the file, it is named ---
  Milliseconds request_headers_timeout{
      10'000};                            // first byte of a head to its end; 408. Default 10s
  Milliseconds request_timeout{300'000};  // whole request received; 408. Default 5m
  Milliseconds stream_idle_timeout{
      300'000};  // no byte either way on a stream; 408 or 504. Default 5m
  Milliseconds idle_timeout{
      3'600'000};  // connection without streams (common_http_protocol_options). 1h
  Milliseconds max_connection_duration{0};  // (common_http_protocol_options). Default none
  Milliseconds max_stream_duration{0};      // (common_http_protocol_options). Default none
  Milliseconds drain_timeout{5'000};  // between the two steps of closing a connection. Default 5s
  Milliseconds delayed_close_timeout{
      1'000};  // wait for the peer's FIN after a closing answer. Default 1s

  // --- limits ---
  std::uint32_t max_requests_per_connection = 0;  // (common_http_protocol_options) 0: no limit
  std::uint32_t max_request_headers_kb = 60;      // 431. Default 60, range 1 … 8192
  std::uint32_t max_headers_count =
      100;  // (common_http_protocol_options) 431. Default 100, 1 … 10000
  // A request body that comes in slower than this, averaged over the window, is refused with 408.
  // 0: off.
  std::uint32_t min_request_body_rate = 240;          // bytes per second. Default 240
  Milliseconds min_request_body_rate_window{20'000};  // Default 20s, range 1s … 1h

  // --- HTTP/1 (http_protocol_options) ---
  bool accept_http_10 = true;
  std::string default_host_for_http_10;  // empty: an HTTP/1.0 request without Host is refused
  bool enable_trailers = true;

  // --- what a request may look like ---
  HeadersWithUnderscores headers_with_underscores_action = HeadersWithUnderscores::kRejectRequest;
  bool normalize_path =
      true;  // RFC 3986 §6.2.2: dot segments removed, unreserved characters unescaped
  bool merge_slashes = true;
  EscapedSlashes path_with_escaped_slashes_action = EscapedSlashes::kUnescapeAndRedirect;
  bool strip_matching_host_port = false;  // drop the authority's port when it is the listener's
  bool strip_any_host_port = false;
  bool strip_trailing_host_dot = false;

  // --- fields that Weir writes ---
  std::string server_name = "weir";
  ServerHeader server_header_transformation = ServerHeader::kOverwrite;
  std::string via;  // empty: no via field
  bool use_remote_address =
      true;  // trust the connection's address, not the client's x-forwarded-for
  std::uint32_t xff_num_trusted_hops = 0;
  bool skip_xff_append = false;
  bool generate_request_id = true;
  bool preserve_external_request_id = false;
  bool always_set_request_id_in_response = false;
  bool proxy_100_continue = true;  // relay Expect and the backend's 100; false: answer 100 here

  std::vector<UpgradeConfig> upgrade_configs;  // none: upgrades are refused with 403
  std::vector<AccessLog> access_log;
  LocalReplyConfig local_reply_config;

  Mark mark;
};

}  // namespace weir::config
