// An HTTP filter that replaces a word in answers of text while they go by, also where a word is cut
// between two pieces. It keeps back no more than what may be the start of the word.
//
//   http_filters:
//     - { name: rewrite, typed_config: { from: colour, to: color } }
//     - { name: mux }
#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "plugins/sdk/weir.hpp"

namespace {

using weir::sdk::Status;

struct RewriteConfig {
  std::string from;
  std::string to;

  bool Load(const weir::sdk::ConfigLoad& load) {
    if (!load.node.ExpectMap("the configuration of rewrite")) return false;
    const weir::sdk::ConfigNode word = load.node.Get("from");
    bool ok = word.Read(&from);
    ok = load.node.Get("to").Read(&to) && ok;
    if (ok && (from.empty() || from.size() > 1000)) ok = word.Fail("from is 1 to 1000 bytes");
    return ok;
  }
};

class Rewrite : public weir::sdk::HttpFilter<Rewrite, RewriteConfig> {
 public:
  // The host clears the announced length.
  static constexpr std::uint32_t kFlags = WEIR_FILTER_CHANGES_RESPONSE_LENGTH;

  Status OnResponseHeaders(bool end_stream) {
    // What is compressed, or no text, is not looked into; and a part of something has the ranges of
    // the original.
    active_ = !end_stream && response().Get("content-type").starts_with("text/") &&
              !response().Has("content-encoding") && stream().status() != 206;
    if (active_) {
      response().Remove("etag");
      response().Remove("accept-ranges");
    }
    return Status::kContinue;
  }

  Status OnResponseData(bool end_stream) {
    if (!active_) return Status::kContinue;
    std::string text = std::move(held_);
    text += stream().response_body().ToString();
    std::string out = Replace(text, end_stream);
    return stream().response_body().Replace(out) ? Status::kContinue : Status::kFail;
  }

  Status OnResponseTrailers() {
    // The body has ended without a last piece: what was kept back goes before the trailers.
    if (held_.empty()) return Status::kContinue;
    const bool sent = stream().response_body().Append(held_);
    held_.clear();
    return sent ? Status::kContinue : Status::kFail;
  }

 private:
  // Replaces whole words, and keeps back the longest end that may begin one.
  std::string Replace(std::string_view text, bool last) {
    const std::string& from = config().from;
    std::string out;
    std::size_t begin = 0;
    for (std::size_t at; (at = text.find(from, begin)) != std::string_view::npos;
         begin = at + from.size()) {
      out.append(text.substr(begin, at - begin)).append(config().to);
    }
    std::string_view rest = text.substr(begin);
    std::size_t keep = last ? 0 : std::min(rest.size(), from.size() - 1);
    while (keep > 0 && !std::string_view(from).starts_with(rest.substr(rest.size() - keep))) --keep;
    held_.assign(rest.substr(rest.size() - keep));
    rest.remove_suffix(keep);
    return out.append(rest);
  }

  std::string held_;
  bool active_ = false;
};

}  // namespace

WEIR_HTTP_FILTER(rewrite, "1.0", Rewrite)
