#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "plugins/kit/codec_host.h"
#include "plugins/kit/fake_config.h"
#include "plugins/kit/trial.h"

namespace weir::kit {
namespace {

constexpr std::size_t kReadable = 64;  // bytes behind a span that may be read

const weir_codec_api& Api(const Subject& subject) {
  return subject.As<weir_codec_api>();
}

FakeConfig Given(const Subject& subject, Verdict* verdict) {
  FakeConfig config = FakeConfig::Codec(Api(subject), subject.config);
  if (!config.ok()) verdict->Fail("refuses the configuration that was given:\n" + config.errors());
  return config;
}

// One connection of a codec, driven as the host drives it.
class CodecRun {
 public:
  CodecRun(const weir_codec_api& api, CodecHost* host, std::uint8_t position, void* config,
           Verdict* verdict)
      : api_(api), host_(host), position_(position), verdict_(verdict) {
    const weir_codec_params params = host->Params(position, config);
    codec_ = api.create(&params);
  }
  ~CodecRun() {
    if (codec_ != nullptr) api_.destroy(codec_);
  }
  CodecRun(const CodecRun&) = delete;
  CodecRun& operator=(const CodecRun&) = delete;

  bool made() const { return codec_ != nullptr; }
  bool over() const { return over_; }
  void Receive(const std::string& bytes, bool eof);
  void Produce();
  // A request, in client position.
  void Open();

 private:
  void Take(const weir_event& event, const std::uint8_t* data, std::size_t size);
  void Answer(const weir_event& event);
  void CheckState();

  const weir_codec_api& api_;
  CodecHost* const host_;
  const std::uint8_t position_;
  Verdict* const verdict_;
  weir_codec* codec_ = nullptr;
  std::string pending_;
  std::vector<std::unique_ptr<CodecStream>> streams_;
  bool over_ = false;
};

void CodecRun::CheckState() {
  if (api_.reusable(codec_) > 1) verdict_->Fail("reusable answers neither 0 nor 1");
  if (api_.capacity(codec_) > 1'000'000) verdict_->Fail("capacity has no bound");
}

void CodecRun::Answer(const weir_event& event) {
  auto stream = std::make_unique<CodecStream>();
  stream->available = 10;
  api_.adopt(codec_, event.stream, stream->handle());
  weir_head head{};
  head.struct_size = sizeof head;
  head.kind = WEIR_HEAD_RESPONSE;
  head.status = 200;
  head.flags = WEIR_HEAD_HAS_LENGTH;
  head.content_length = 10;
  if (api_.send_head(codec_, event.stream, &head, 0, host_->out()) == WEIR_OK) {
    api_.ready(codec_, event.stream);
  }
  streams_.push_back(std::move(stream));
}

void CodecRun::Take(const weir_event& event, const std::uint8_t* data, std::size_t size) {
  switch (event.type) {
    case WEIR_EVENT_HEAD:
      if (event.head == nullptr) {
        verdict_->Fail("a HEAD event has no head");
      } else if (position_ == WEIR_SERVER) {
        Answer(event);
      }
      break;
    case WEIR_EVENT_DATA:
      if (event.size > 0 && (event.data < data || event.data + event.size > data + size)) {
        verdict_->Fail("the bytes of a DATA event do not lie in the span that was shown");
      } else {
        api_.consumed(codec_, event.stream, static_cast<std::uint32_t>(event.size));
      }
      break;
    case WEIR_EVENT_TRAILERS:
      if (event.head == nullptr) verdict_->Fail("a TRAILERS event has no head");
      break;
    case WEIR_EVENT_ERROR:
      if (event.error.scope != WEIR_SCOPE_STREAM && event.error.scope != WEIR_SCOPE_CONNECTION) {
        verdict_->Fail("an ERROR event has no scope");
      }
      over_ = over_ || event.error.scope != WEIR_SCOPE_STREAM;
      break;
    default:
      if (event.type > WEIR_EVENT_STOP_SENDING) {
        verdict_->Fail("receive makes an event of type " + std::to_string(event.type) +
                       ", which there is not");
      }
  }
}

void CodecRun::Receive(const std::string& bytes, bool eof) {
  pending_ += bytes;
  // At an address of its own each time, with the bytes behind it that may be read.
  for (std::size_t idle = 0; !over_;) {
    std::vector<std::uint8_t> span(pending_.size() + kReadable);
    std::memcpy(span.data(), pending_.data(), pending_.size());
    weir_event event{};
    const std::size_t used = api_.receive(codec_, span.data(), pending_.size(),
                                          eof ? std::uint32_t{WEIR_RECEIVE_EOF} : 0u, &event);
    if (used > pending_.size()) {
      verdict_->Fail("receive uses more bytes than it was shown");
      over_ = true;
      return;
    }
    Take(event, span.data(), pending_.size());
    // It may have changed what it was shown.
    pending_.assign(reinterpret_cast<const char*>(span.data()) + used, pending_.size() - used);
    CheckState();
    idle = used == 0 ? idle + 1 : 0;
    if (idle > 10'000) {
      verdict_->Fail("receive makes events without end and uses no byte");
      over_ = true;
    }
    if (event.type == WEIR_EVENT_NONE || event.type == WEIR_EVENT_BLOCKED) break;
  }
  Produce();
}

void CodecRun::Produce() {
  for (int i = 0; i < 1000; ++i) {
    const std::uint32_t said = api_.produce(codec_, 65536, host_->out());
    const std::size_t output = host_->TakeOutput();
    if ((said & WEIR_PRODUCED_CLOSE) != 0 && (said & WEIR_PRODUCED_HALF) == 0) over_ = true;
    if ((said & WEIR_PRODUCED_MORE) == 0) return;
    if (output == 0 && i > 100) break;
  }
  verdict_->Fail("produce says that there is more, and makes nothing");
  over_ = true;
}

void CodecRun::Open() {
  auto stream = std::make_unique<CodecStream>();
  const std::uint32_t number = api_.open(codec_, stream->handle());
  if (number == 0) return;
  weir_head head{};
  head.struct_size = sizeof head;
  head.kind = WEIR_HEAD_REQUEST;
  head.method = {"GET", 3};
  head.scheme = {"http", 4};
  head.authority = {"kit.test", 8};
  head.path = {"/", 1};
  api_.send_head(codec_, number, &head, 1, host_->out());
  streams_.push_back(std::move(stream));
  Produce();
}

// ---- Cases

std::vector<std::string> Inputs(const weir_codec_api& api) {
  std::vector<std::string> inputs = {
      "",
      "GET / HTTP/1.1\r\nhost: a\r\n\r\nGET /2 HTTP/1.1\r\nhost: a\r\n\r\n",
      "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nhello",
      "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello",
      "GET /\n",
      "GET /a\nGET /b\n\n",
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + std::string("\0\0\0\4\0\0\0\0\0", 9),
      "\r\n\r\n\r\n",
      std::string(3000, '\0'),
      std::string(3000, '\xff'),
      std::string(70000, 'A'),
      "GET /" + std::string(70000, 'a') + "\n"};
  std::uint32_t state = 3;
  for (int i = 0; i < 20; ++i) {
    std::string noise;
    for (int byte = 0; byte < 300; ++byte) {
      state = state * 1664525u + 1013904223u;
      noise += static_cast<char>(i % 2 == 0 ? state >> 24 : 32 + (state >> 24) % 64);
    }
    inputs.push_back(noise);
  }
  (void)api;
  return inputs;
}

void Feed(const Subject& subject, std::uint8_t position, void* config, const std::string& input,
          std::size_t step, bool eof, Verdict* verdict) {
  CodecHost host(verdict);
  {
    CodecRun run(Api(subject), &host, position, config, verdict);
    if (!run.made()) return;
    if (position == WEIR_CLIENT) run.Open();
    run.Produce();
    for (std::size_t at = 0; at < input.size() && !run.over(); at += step) {
      run.Receive(input.substr(at, step), false);
    }
    if (eof && !run.over()) run.Receive({}, true);
  }
  host.CheckMemory("after destroy");
}

std::vector<std::uint8_t> Positions(const Subject& subject, void* config) {
  std::vector<std::uint8_t> made;
  Verdict quiet([](char, const std::string&) {});
  for (const std::uint8_t position : {WEIR_SERVER, WEIR_CLIENT}) {
    CodecHost host(&quiet);
    if (CodecRun(Api(subject), &host, position, config, &quiet).made()) made.push_back(position);
  }
  return made;
}

void CreateAndDestroy(const Subject& subject, Verdict* verdict) {
  const FakeConfig config = Given(subject, verdict);
  if (!config.ok()) return;
  const std::vector<std::uint8_t> positions = Positions(subject, config.get());
  if (positions.empty()) verdict->Fail("create makes a codec in neither position");
  if (positions.size() == 1) {
    verdict->Note(positions[0] == WEIR_SERVER ? "works as a server alone"
                                              : "works as a client alone");
  }
  for (const std::uint8_t position : positions) {
    CodecHost host(verdict);
    {
      CodecRun run(Api(subject), &host, position, config.get(), verdict);
      run.Produce();
    }
    host.CheckMemory("after destroy");
  }
}

void NoMemory(const Subject& subject, Verdict* verdict) {
  const FakeConfig config = Given(subject, verdict);
  if (!config.ok()) return;
  for (const std::uint8_t position : Positions(subject, config.get())) {
    for (int after = 0; after < 20; ++after) {
      CodecHost host(verdict);
      host.FailAllocationsAfter(after);
      { CodecRun run(Api(subject), &host, position, config.get(), verdict); }
      host.CheckMemory("when there is no memory for a codec");
    }
  }
}

void AnyBytes(const Subject& subject, Verdict* verdict) {
  const FakeConfig config = Given(subject, verdict);
  if (!config.ok()) return;
  for (const std::uint8_t position : Positions(subject, config.get())) {
    for (const std::string& input : Inputs(Api(subject))) {
      for (const std::size_t step : {1u, 7u, 1000u, 100000u}) {
        if (step < 1000 && input.size() > 10000) continue;
        for (const bool eof : {false, true}) {
          Feed(subject, position, config.get(), input, step, eof, verdict);
        }
      }
    }
  }
}

void Probe(const Subject& subject, Verdict* verdict) {
  const weir_codec_api& api = Api(subject);
  if (api.probe == nullptr) return;
  for (const std::string& input : Inputs(api)) {
    bool decided = false;
    std::uint32_t first = WEIR_PROBE_MORE;
    for (std::size_t size = 1; size <= std::min<std::size_t>(input.size(), 300); ++size) {
      const std::vector<std::uint8_t> copy(input.begin(),
                                           input.begin() + static_cast<std::ptrdiff_t>(size));
      const std::uint32_t said = api.probe(copy.data(), copy.size());
      if (said > WEIR_PROBE_MORE) verdict->Fail("probe answers " + std::to_string(said));
      if (decided && said != first) verdict->Fail("probe changes its mind with further bytes");
      decided = decided || said != WEIR_PROBE_MORE;
      first = said;
    }
  }
}

void Leaks(const Subject& subject, Verdict* verdict) {
  const FakeConfig config = Given(subject, verdict);
  if (!config.ok()) return;
  const std::vector<std::string> inputs = Inputs(Api(subject));
  for (const std::uint8_t position : Positions(subject, config.get())) {
    CheckGrowth(
        "connection", 300,
        [&] { Feed(subject, position, config.get(), inputs[1], 20, true, verdict); }, verdict);
  }
}

void Workers(const Subject& subject, Verdict* verdict) {
  const FakeConfig config = Given(subject, verdict);
  if (!config.ok()) return;
  const std::vector<std::uint8_t> positions = Positions(subject, config.get());
  const std::vector<std::string> inputs = Inputs(Api(subject));
  RunWorkers(subject, verdict, [&](std::uint32_t number) {
    Verdict own([](char, const std::string&) {});
    for (std::size_t i = 0; i < 100; ++i) {
      for (const std::uint8_t position : positions) {
        Feed(subject, position, config.get(), inputs[(i + number) % inputs.size()], 1000, true,
             &own);
      }
    }
  });
}

}  // namespace

std::vector<Case> CodecCases() {
  return {{"create and destroy", CreateAndDestroy}, {"no memory", NoMemory},
          {"any bytes, in any pieces", AnyBytes},   {"probe keeps to what it said", Probe},
          {"memory is given back", Leaks},          {"several workers at a time", Workers}};
}

}  // namespace weir::kit
