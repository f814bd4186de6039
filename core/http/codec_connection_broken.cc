// What becomes of a connection whose codec has broken the rules: an exception left it, or it says
// that it took bytes that it was not shown. Nobody knows what it is in the middle of.

#include <utility>

#include "core/base/log.h"
#include "core/base/thrown.h"
#include "core/http/codec_connection.h"
#include "core/observe/thread_stats.h"

namespace weir::http {
namespace {

// What stands in the place of the codec until its connection has ended. The codec itself is
// destroyed last, as ever: an event of it may still be looked at.
struct BrokenCodec {
  const weir_codec_api* api;
  weir_codec* codec;
};

void Complain(const char* plugin, observe::StatId errors, const char* what,
              const std::string& why) {
  if (observe::thread_stats != nullptr) observe::thread_stats->Get(errors)->Add();
  WEIR_LOG_EVERY_SECOND(kWarn, "codec of plugin %s failed: %s%s; its connection is closed", plugin,
                        what, why.c_str());
}

constexpr weir_codec_api MakeBrokenApi() {
  weir_codec_api api{};
  api.struct_size = sizeof api;
  api.receive = [](weir_codec*, uint8_t*, size_t, uint32_t, weir_event* event) -> size_t {
    event->type = WEIR_EVENT_BLOCKED;
    return 0;
  };
  api.adopt = [](weir_codec*, uint32_t, weir_stream*) {};
  api.open = [](weir_codec*, weir_stream*) -> uint32_t { return 0; };
  api.send_head = [](weir_codec*, uint32_t, const weir_head*, uint32_t, weir_out*) -> int32_t {
    return WEIR_REFUSED;
  };
  api.ready = [](weir_codec*, uint32_t) {};
  api.consumed = [](weir_codec*, uint32_t, uint32_t) {};
  api.reset = [](weir_codec*, uint32_t, uint32_t, weir_out*) {};
  api.produce = [](weir_codec*, uint64_t, weir_out*) -> uint32_t { return 0; };
  api.goaway = [](weir_codec*, uint32_t, weir_out*) {};
  api.deadline = [](const weir_codec*) -> uint64_t { return 0; };
  api.tick = [](weir_codec*, uint64_t, weir_out*) {};
  api.capacity = [](const weir_codec*) -> uint32_t { return 0; };
  api.reusable = [](const weir_codec*) -> uint32_t { return 0; };
  return api;
}
constexpr weir_codec_api kBrokenApi = MakeBrokenApi();

}  // namespace

bool CodecConnection::CreateCodec(const CodecChoice& choice, const weir_codec_params& params) {
  plugin_ = choice.plugin;
  errors_ = choice.errors;
  api_ = choice.api;
  try {
    codec_ = api_->create(&params);
    if (codec_ == nullptr) Complain(plugin_, errors_, "create answered null", {});
  } catch (...) {
    Complain(plugin_, errors_, "an exception left create: ", base::ThrownText());
  }
  return codec_ != nullptr;
}

void CodecConnection::DestroyCodec() {
  if (codec_ == nullptr) return;
  const weir_codec_api* api = api_;
  weir_codec* codec = std::exchange(codec_, nullptr);
  std::unique_ptr<BrokenCodec> broken;
  if (codec_broke_) {
    broken.reset(reinterpret_cast<BrokenCodec*>(codec));
    api = broken->api;
    codec = broken->codec;
  }
  try {
    api->destroy(codec);
  } catch (...) {
    Complain(plugin_, errors_, "an exception left destroy: ", base::ThrownText());
  }
}

void CodecConnection::CodecThrew(const char* hook) {
  const std::string text = base::ThrownText();
  CodecBroke(("an exception left " + std::string(hook) + ": ").c_str(), text);
}

void CodecConnection::CodecBroke(const char* what, const std::string& why) {
  Complain(plugin_, errors_, what, why);
  if (codec_broke_) return;
  codec_broke_ = failed_ = true;
  // Half a message must not look like a whole one.
  abort_ = true;
  codec_ = reinterpret_cast<weir_codec*>(new BrokenCodec{api_, codec_});
  api_ = &kBrokenApi;
  context_->reactor->Defer(this);
}

CodecSet::Probed CodecConnection::ProbeInput() {
  const CodecChoice* asked = nullptr;
  try {
    return codecs_->Probe(input_, input_size_, &asked);
  } catch (...) {
    Complain(asked->plugin, asked->errors, "an exception left probe: ", base::ThrownText());
  }
  return {CodecSet::Verdict::kFailed, nullptr};
}

}  // namespace weir::http
