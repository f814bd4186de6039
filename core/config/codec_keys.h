#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/config/http_config.h"
#include "core/config/keys.h"
#include "core/config/names.h"

namespace weir::config {

// The most streams that max_concurrent_streams takes.
inline constexpr std::uint32_t kMostStreams = 1'000'000;

// A map from codec names to what their plugins read.
void ReadCodecOptions(Context& c, const Field& field, std::vector<CodecOptions>* out);
std::shared_ptr<const Node> PrintCodecOptions(const std::vector<CodecOptions>& options);
// Adds one key of a codec. `field` says where it stands in the file.
void AddCodecOption(Context& c, const Field& field, std::string_view codec, std::string_view key,
                    std::shared_ptr<const Node> value, std::vector<CodecOptions>* out);
// The same for a duration that the codec takes as a number of milliseconds.
void AddCodecOptionMs(Context& c, const Field& field, std::string_view codec, std::string_view key,
                      std::vector<CodecOptions>* out);

// A key of Envoy's Http2ProtocolOptions that the codec has under the same name.
template <class S>
Key<S> Http2OptionKey(const char* name, const char* doc) {
  const std::string key = name;
  return CustomKey<S>(
             name, "integer",
             [key](Context& c, const Field& f, S* s) {
               AddCodecOption(c, f, Http2Codec(), key, f.value, &s->codec_options);
             },
             nullptr, doc)
      .Shorthand();
}

// Envoy's Http2ProtocolOptions in a struct that has codec_options and max_concurrent_streams.
template <class S>
Keys<S> Http2Rows() {
  const auto keepalive = [](const char* name, const char* option, const char* doc) {
    const std::string key = option;
    return CustomKey<S>(
               name, "duration",
               [key](Context& c, const Field& f, S* s) {
                 AddCodecOptionMs(c, f, Http2Codec(), key, &s->codec_options);
               },
               nullptr, doc)
        .Limit("")
        .Shorthand();
  };
  return {
      IntKey(
          "max_concurrent_streams", &S::max_concurrent_streams, 1, kMostStreams,
          "Streams that are open at once on one connection; beyond it they are refused, or wait."),
      Http2OptionKey<S>("initial_stream_window_size", "Short for the codec's option."),
      Http2OptionKey<S>("initial_connection_window_size", "Short for the codec's option."),
      Http2OptionKey<S>("hpack_table_size", "Short for the codec's option."),
      GroupKey<S>(
          "connection_keepalive",
          {keepalive("interval", "keepalive_interval_ms",
                     "Short for the codec's keepalive_interval_ms."),
           keepalive("timeout", "keepalive_timeout_ms",
                     "Short for the codec's keepalive_timeout_ms."),
           MissingKey<S>("interval_jitter", "a jitter of keep-alive"),
           MissingKey<S>("connection_idle_interval", "a PING before an idle connection is used")},
          "PINGs to see whether the peer is there."),
      MissingKey<S>("allow_connect", "this switch; upgrade_configs allow tunnels"),
      MissingKey<S>("allow_metadata", "METADATA frames", "false"),
      MissingKey<S>("max_outbound_frames", "this limit; codec_options has the codec's own"),
      MissingKey<S>("max_outbound_control_frames", "this limit; codec_options has the codec's own"),
      MissingKey<S>("max_consecutive_inbound_frames_with_empty_payload",
                    "this limit; codec_options has the codec's own"),
      MissingKey<S>("max_inbound_priority_frames_per_stream",
                    "this limit; codec_options has the codec's own"),
      MissingKey<S>("max_inbound_window_update_frames_per_data_frame_sent",
                    "this limit; codec_options has the codec's own"),
      MissingKey<S>("stream_error_on_invalid_http_messaging",
                    "this switch; an invalid message ends its stream", "true"),
      MissingKey<S>("override_stream_error_on_invalid_http_message",
                    "this switch; an invalid message ends its stream", "true"),
      MissingKey<S>("custom_settings_parameters", "SETTINGS of one's own"),
      MissingKey<S>("use_oghttp2_codec", "a choice of HTTP/2 implementations"),
      MissingKey<S>("max_metadata_size", "METADATA frames"),
  };
}

}  // namespace weir::config
