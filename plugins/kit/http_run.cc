#include "plugins/kit/http_run.h"

#include <cstring>
#include <utility>

namespace weir::kit {
namespace {

constexpr std::size_t kGuardWords = 8;
constexpr std::uint64_t kGuard = 0xa5a5a5a5a5a5a5a5u;
// How long a withheld message is waited for, on the fake clock.
constexpr int kWaitSeconds = 120;

bool IsRequest(Step::Kind kind) {
  return kind <= Step::kRequestTrailers;
}
bool IsData(Step::Kind kind) {
  return kind == Step::kRequestData || kind == Step::kResponseData;
}
bool IsHeaders(Step::Kind kind) {
  return kind == Step::kRequestHeaders || kind == Step::kResponseHeaders;
}

// Which answers a hook may give (weir.h).
bool LegalStatus(Step::Kind kind, std::int32_t status) {
  if (status < 0) return status >= WEIR_NO_ROOM;
  if (IsHeaders(kind)) return status <= WEIR_STOP_ALL_WATERMARK;
  if (IsData(kind)) return status <= WEIR_STOP_WATERMARK;
  return status <= WEIR_STOP;
}

}  // namespace

Step RequestHeaders(bool end) {
  return {Step::kRequestHeaders, end, {}};
}

Script OrdinaryScript(std::string_view request_body, std::string_view response_body) {
  Script script = {RequestHeaders(request_body.empty())};
  if (!request_body.empty())
    script.push_back({Step::kRequestData, true, std::string(request_body)});
  script.push_back({Step::kResponseHeaders, response_body.empty(), {}});
  if (!response_body.empty()) {
    script.push_back({Step::kResponseData, true, std::string(response_body)});
  }
  return script;
}

HttpRun::HttpRun(const weir_http_filter_api& api, void* config, Verdict* verdict)
    : api_(api), config_(config), verdict_(verdict), stream_(std::make_unique<FakeHttpStream>()) {
  FakeHttpStream& fake = *stream_;
  fake.messages[WEIR_REQUEST].fields = {{"user-agent", "kit/1"},
                                        {"accept", "*/*"},
                                        {"accept-encoding", "gzip, br"},
                                        {"cookie", "a=b"},
                                        {"content-type", "text/plain"}};
  fake.messages[WEIR_REQUEST_TRAILERS].fields = {{"x-checksum", "1"}};
  fake.messages[WEIR_RESPONSE].fields = {{"content-type", "text/plain"}, {"etag", "\"1\""}};
  fake.messages[WEIR_RESPONSE_TRAILERS].fields = {{"grpc-status", "0"}};
  fake.status = 0;
  fake.attributes = {{WEIR_ATTR_DOWNSTREAM_ADDRESS, "192.0.2.1:4711"},
                     {WEIR_ATTR_DIRECT_ADDRESS, "192.0.2.1:4711"},
                     {WEIR_ATTR_LOCAL_ADDRESS, "192.0.2.9:80"},
                     {WEIR_ATTR_ROUTE, "route"},
                     {WEIR_ATTR_CLUSTER, "cluster"},
                     {WEIR_ATTR_PROTOCOL, "HTTP/1.1"}};
  fake.numbers = {{WEIR_NUMBER_CONNECTION_ID, 1}, {WEIR_NUMBER_STREAM_ID, 1}};
}

HttpRun::~HttpRun() {
  End();
}

const char* HttpRun::HookName(Step::Kind kind) {
  static const char* const names[] = {"request_headers",  "request_data",     "request_trailers",
                                      "response_interim", "response_headers", "response_data",
                                      "response_trailers"};
  return names[kind];
}

int HttpRun::outcome() const {
  if (failed_ || stream_->resets > 0) return -1;
  return stream_->local_replies > 0 ? static_cast<int>(stream_->reply_status) : 0;
}

bool HttpRun::Over() const {
  return failed_ || stream_->resets > 0 || stream_->local_replies > 0;
}

void HttpRun::CheckState(const char* hook) {
  if (api_.state_size == 0) return;
  const char* const behind = reinterpret_cast<const char*>(state_.data()) + api_.state_size;
  const char* const end = reinterpret_cast<const char*>(state_.data() + state_.size());
  for (const char* at = behind; at < end; ++at) {
    if (*at == static_cast<char>(kGuard)) continue;
    verdict_->Fail(std::string(hook) + " writes behind the " + std::to_string(api_.state_size) +
                   " bytes of its state");
    return;
  }
}

bool HttpRun::Create() {
  const std::size_t words = (api_.state_size + 7) / 8;
  state_.assign(words + kGuardWords, kGuard);
  std::memset(state_.data(), 0, api_.state_size);
  self_ = api_.state_size == 0 ? config_ : state_.data();
  const std::int32_t status =
      api_.create == nullptr ? WEIR_OK : api_.create(self_, config_, stream_->handle());
  CheckState("create");
  if (status < 0 && !failures_are_right_) {
    verdict_->Fail("create answers " + std::to_string(status) + " to an ordinary request");
  }
  created_ = status >= 0;
  failed_ = status < 0;
  return created_ && !Over();
}

std::int32_t HttpRun::Call(const Step& step) {
  weir_stream* const handle = stream_->handle();
  const std::uint32_t end = step.end ? 1 : 0;
  const auto headers = [&](auto* hook) { return hook == nullptr ? 0 : hook(self_, handle, end); };
  const auto plain = [&](auto* hook) { return hook == nullptr ? 0 : hook(self_, handle); };
  switch (step.kind) {
    case Step::kRequestHeaders:
      return headers(api_.request_headers);
    case Step::kRequestData:
      return headers(api_.request_data);
    case Step::kRequestTrailers:
      return plain(api_.request_trailers);
    case Step::kInterim:
      return plain(api_.response_interim);
    case Step::kResponseHeaders:
      return headers(api_.response_headers);
    case Step::kResponseData:
      return headers(api_.response_data);
    case Step::kResponseTrailers:
      return plain(api_.response_trailers);
  }
  return WEIR_ERROR;
}

bool HttpRun::Judge(const Step& step, std::int32_t status) {
  const std::string hook = HookName(step.kind);
  CheckState(hook.c_str());
  // With the stream over by a reply or a reset it does not matter which way of stopping it names.
  const bool stopped = Over() && status >= 0 && status <= WEIR_STOP_ALL_WATERMARK;
  if (!stopped && !LegalStatus(step.kind, status)) {
    verdict_->Fail(hook + " answers " + std::to_string(status) + ", which it must not");
    failed_ = true;
  } else if (status < 0) {
    failed_ = true;
    if (!failures_are_right_) {
      verdict_->Fail(hook + " answers " + std::to_string(status) + " to an ordinary message");
    }
  }
  return !failed_;
}

void HttpRun::Release(std::uint32_t which) {
  FakeMessage& message = stream_->messages[which];
  message.gone = true;
  passed_[which] += message.injected + message.body;
  message.injected.clear();
  message.body.clear();
  halves_[which] = {false, false, false, halves_[which].resumes_seen};
}

void HttpRun::Take(const Step& step, std::int32_t status, std::uint32_t which) {
  Half& half = halves_[which];
  if (step.kind == Step::kInterim) return;
  if (status == WEIR_CONTINUE) {
    // Trailers and data that go on take with them what was withheld before.
    if (!half.all_held) Release(which);
  } else if (IsHeaders(step.kind)) {
    (status >= WEIR_STOP_ALL ? half.all_held : half.headers_held) = true;
  } else {
    half.body_held = true;
  }
}

void HttpRun::NoticeResume() {
  for (std::uint32_t which : {WEIR_REQUEST, WEIR_RESPONSE}) {
    if (stream_->resumed[which] == halves_[which].resumes_seen) continue;
    halves_[which].resumes_seen = stream_->resumed[which];
    Release(which);
  }
}

void HttpRun::AnswerCallouts() {
  // By index: an answer may start another one.
  for (std::size_t i = 0; i < World().callouts.size(); ++i) {
    FakeCallout& callout = *World().callouts[i];
    switch (cluster_) {
      case Cluster::kOk:
        callout.Answer(200, {{"x-from", "kit"}}, "fine");
        break;
      case Cluster::kForbidden:
        callout.Answer(403, {}, "no");
        break;
      case Cluster::kError:
        callout.Answer(500);
        break;
      case Cluster::kTimeout:
        callout.Fail(WEIR_REASON_TIMEOUT);
        break;
      case Cluster::kRefused:
        callout.Fail(WEIR_REASON_REFUSED);
        break;
      case Cluster::kCut:
        callout.Cut(200, "half of");
        break;
      case Cluster::kHuge:
        callout.Answer(200, {{"x-long", std::string(60000, 'x')}}, std::string(1 << 16, 'x'));
        break;
    }
  }
}

bool HttpRun::Wait(std::uint32_t which, const char* hook) {
  for (int second = 0; second <= kWaitSeconds; ++second) {
    World().RunPosted();
    AnswerCallouts();
    World().RunPosted();
    NoticeResume();
    if (Over()) return false;
    if (!halves_[which].any()) return true;
    World().Advance(1000);
  }
  failed_ = true;
  if (!failures_are_right_) {
    verdict_->Fail(std::string(hook) + " has withheld the " +
                   (which == WEIR_REQUEST ? "request" : "response") +
                   " and never lets it go on: call-outs are answered, work is done, and " +
                   std::to_string(kWaitSeconds) + " s have passed");
  }
  return false;
}

bool HttpRun::Do(const Step& shown) {
  // A filter that knows of no trailers hears of the body's end when they come.
  Step step = shown;
  if (shown.kind == Step::kRequestTrailers && api_.request_trailers == nullptr) {
    step = {Step::kRequestData, true, {}};
  } else if (shown.kind == Step::kResponseTrailers && api_.response_trailers == nullptr) {
    step = {Step::kResponseData, true, {}};
  }
  const std::uint32_t which = IsRequest(step.kind) ? WEIR_REQUEST : WEIR_RESPONSE;
  Half& half = halves_[which];
  if (half.all_held && !Wait(which, IsRequest(step.kind) ? "request_headers" : "response_headers"))
    return false;
  if (which == WEIR_RESPONSE) {
    if (halves_[WEIR_REQUEST].all_held && !Wait(WEIR_REQUEST, "request_headers")) return false;
    if (halves_[WEIR_REQUEST].headers_held) {
      times_.push_back(0);
      return true;  // no backend has the request yet
    }
    response_begun_ = true;
    // The answer is there: what is left of the request is the backend's.
    if (stream_->status == 0) stream_->status = 200;
  }
  if (IsData(step.kind)) stream_->messages[which].body += step.data;
  const std::uint64_t begun = NowUs();
  const std::int32_t status = Call(step);
  times_.push_back(NowUs() - begun);
  if (!Judge(step, status)) return false;
  Take(step, status, which);
  NoticeResume();
  if (Over()) return false;
  const bool last =
      step.end || step.kind == Step::kRequestTrailers || step.kind == Step::kResponseTrailers;
  return !last || !half.any() || Wait(which, HookName(step.kind));
}

// The answer that a filter gave itself goes back through the filters, whole.
void HttpRun::ShowLocalReply() {
  const bool body = !stream_->reply_body.empty();
  stream_->status = stream_->reply_status;
  stream_->messages[WEIR_RESPONSE].fields = stream_->reply_fields;
  halves_[WEIR_RESPONSE] = {};
  for (const Step& step : {Step{Step::kResponseHeaders, !body, {}},
                           Step{Step::kResponseData, true, stream_->reply_body}}) {
    if (step.kind == Step::kResponseData && !body) return;
    if (IsData(step.kind)) stream_->messages[WEIR_RESPONSE].body += step.data;
    if (!Judge(step, Call(step))) return;
  }
}

void HttpRun::Run(const Script& script) {
  bool going = Create();
  for (const Step& step : script) going = going && Do(step);
  if (stream_->local_replies > 0 && stream_->resets == 0 && created_ && !failed_ &&
      !response_begun_) {
    if (stream_->reply_status < 200 || stream_->reply_status > 599) {
      verdict_->Fail("a local reply has the status " + std::to_string(stream_->reply_status));
    }
    ShowLocalReply();
  }
  End();
}

void HttpRun::RunAndReset(const Script& script, std::size_t count) {
  bool going = Create();
  for (std::size_t i = 0; i < count && i < script.size(); ++i) going = going && Do(script[i]);
  End();
}

void HttpRun::End() {
  if (std::exchange(ended_, true) || !created_) return;
  if (api_.complete != nullptr) api_.complete(self_, stream_->handle());
  CheckState("complete");
  stream_->End();
  if (api_.destroy != nullptr) api_.destroy(self_);
  CheckState("destroy");
  if (api_.state_size > 0) std::memset(state_.data(), 0x5a, api_.state_size);
  for (const auto& callout : World().callouts) {
    if (callout->over) continue;
    verdict_->Fail("a call-out outlives its stream: cancel it in destroy at the latest");
    callout->over = true;
  }
  // What comes late.
  World().RunPosted();
  World().Advance(1000);
  if (stream_->late_calls > 0) {
    verdict_->Fail("calls the host for a stream in destroy or after it");
  }
  if (stream_->foreign_calls > 0) {
    verdict_->Fail("calls the host for a stream from a thread that is not the stream's worker");
  }
}

}  // namespace weir::kit
