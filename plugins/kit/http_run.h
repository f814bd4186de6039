#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/abi/weir.h"
#include "plugins/kit/fake_host.h"
#include "plugins/kit/fake_stream.h"
#include "plugins/kit/trial.h"

namespace weir::kit {

// One event of a stream that a filter is shown.
struct Step {
  enum Kind : std::uint8_t {
    kRequestHeaders,
    kRequestData,
    kRequestTrailers,
    kInterim,
    kResponseHeaders,
    kResponseData,
    kResponseTrailers
  };
  Kind kind = kRequestHeaders;
  bool end = false;
  std::string data = {};
};
using Script = std::vector<Step>;

// How the cluster of call-outs behaves.
enum class Cluster : std::uint8_t { kOk, kForbidden, kError, kTimeout, kRefused, kCut, kHuge };

// One stream with one filter, as the host runs it: what may follow what, what is withheld, and what
// a resume lets go. Says what the filter does wrong on the way.
class HttpRun {
 public:
  HttpRun(const weir_http_filter_api& api, void* config, Verdict* verdict);
  ~HttpRun();
  HttpRun(const HttpRun&) = delete;
  HttpRun& operator=(const HttpRun&) = delete;

  // Before the first step.
  void set_cluster(Cluster cluster) { cluster_ = cluster; }
  // A hook that fails is no mistake here: the host's functions fail too.
  void set_failures_are_right() { failures_are_right_ = true; }
  FakeHttpStream& stream() { return *stream_; }

  // All steps, until the stream is over; then its end.
  void Run(const Script& script);
  // The first `count` steps, and then the client is gone.
  void RunAndReset(const Script& script, std::size_t count);

  // What went on to the later filters.
  const std::string& passed(std::uint32_t which) const { return passed_[which]; }
  // The status of its local reply, 0 for none; -1 when it failed or reset the stream.
  int outcome() const;
  // Microseconds of each hook that was called, by step.
  const std::vector<std::uint64_t>& times() const { return times_; }
  static const char* HookName(Step::Kind kind);

 private:
  struct Half {
    bool headers_held = false;
    bool all_held = false;  // STOP_ALL
    bool body_held = false;
    int resumes_seen = 0;
    bool any() const { return headers_held || all_held || body_held; }
  };

  bool Create();
  bool Do(const Step& shown);
  std::int32_t Call(const Step& step);
  bool Judge(const Step& step, std::int32_t status);
  void Take(const Step& step, std::int32_t status, std::uint32_t which);
  void Release(std::uint32_t which);
  void NoticeResume();
  bool Wait(std::uint32_t which, const char* hook);
  void AnswerCallouts();
  bool Over() const;
  void ShowLocalReply();
  void End();
  void CheckState(const char* hook);

  const weir_http_filter_api& api_;
  void* const config_;
  Verdict* const verdict_;
  std::unique_ptr<FakeHttpStream> stream_;
  std::vector<std::uint64_t> state_;
  void* self_ = nullptr;
  Half halves_[2];
  std::string passed_[2];
  std::vector<std::uint64_t> times_;
  Cluster cluster_ = Cluster::kOk;
  bool failures_are_right_ = false;
  bool created_ = false;
  bool failed_ = false;
  bool ended_ = false;
  bool response_begun_ = false;
};

// Ordinary streams: a client's request, in a shape, and a backend's answer.
Step RequestHeaders(bool end);
Script OrdinaryScript(std::string_view request_body, std::string_view response_body);

}  // namespace weir::kit
