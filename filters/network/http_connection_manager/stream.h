#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/arena.h"
#include "core/http/codec_stream.h"
#include "core/http/filter_chain.h"
#include "core/http/message.h"
#include "core/http/terminal.h"
#include "core/net/actor.h"
#include "core/net/connection_report.h"
#include "filters/network/http_connection_manager/hcm.h"

namespace weir::hcm {

class ServerConnection;

// One request and its answer: between the downstream codec, the HTTP filters and the terminal
// filter. Lives in one slab of 4 KiB, the head of an ordinary request and the Mux's part included;
// ends when the codec has the whole answer, or when either side gives up.
class Stream final : public net::Actor,
                     public http::CodecStream,
                     public http::TerminalHost,
                     public http::FilterChainOwner {
 public:
  static Stream* Make(ServerConnection* connection);
  ~Stream() override;
  static void operator delete(void* memory);
  void Describe(net::StreamReport* report);

  // http::TerminalHost
  net::WorkerContext* worker() override { return hcm_->worker; }
  base::Arena* arena() override { return &arena_; }
  http::Message& request() override { return request_; }
  const http::Route* route() override { return route_; }
  http::StreamInfo& info() override { return info_; }
  uint32_t client() override;
  const net::Address* client_peer() override;
  const net::Address* client_local() override;
  void RespondInterim(const weir_head& head) override;
  void RespondHead(const weir_head& head, bool end_stream) override;
  void RespondData(base::Slice data, bool end_stream) override;
  void RespondTrailers(const weir_head& head) override;
  void RespondEnd() override;
  void RespondFailure(const http::LocalReply& reply) override;
  void RequestBodyTaken(uint64_t bytes) override;
  void TunnelOver() override;

 private:
  // What a filter's hook asked for, carried out when the hook has returned.
  struct Pending {
    bool reset = false;
    http::LocalReply reply;
  };

  Stream(ServerConnection* connection, uint8_t* memory, size_t size);
  static void* operator new(size_t, void* at) { return at; }
  static void operator delete(void*, void*) {}

  // http::CodecStream
  void OnHead(weir_head& head, bool end_stream) override;
  void OnData(base::Slice data, bool end_stream) override;
  void OnTrailers(weir_head& head) override;
  void OnEnd() override;
  void OnReset(const weir_error& error) override;
  void OnBodyTaken(uint64_t bytes) override;
  void OnSent() override;

  // http::FilterChainOwner
  void OnChainHeaders(http::Direction direction, bool end_stream) override;
  void OnChainData(http::Direction direction, http::SliceQueue* data, bool end_stream) override;
  void OnChainTrailers(http::Direction direction) override;
  void OnChainOverflow(http::Direction direction) override;
  void CountFailure(const http::FilterEntry& entry) override;
  void OnChainFailure(const http::FilterEntry& entry) override;
  bool RunPendingAction() override;
  http::Message* ChainMessage(uint32_t which) override;
  bool ChainWritable(uint32_t which) override;
  void RequestLocalReply(uint32_t status, std::string_view body, const weir_field* extra,
                         uint32_t count, std::string_view details) override;
  void RequestReset() override;
  bool CopyReply(uint32_t status, std::string_view body, const weir_field* extra, uint32_t count,
                 std::string_view details, http::LocalReply* reply);
  void RequestResume() override;
  uint64_t Ticket() override { return ticket_; }
  std::string_view Attribute(uint32_t id) override;
  const http::PathOptions& ChainPathOptions() const override { return hcm_->config->path_options; }
  bool Number(uint32_t id, int64_t* value) override;
  std::string_view ConnectionNote(std::string_view space, std::string_view key) override;
  std::string_view NotedAttribute(uint32_t id) const;
  void AddFlag(observe::ResponseFlag flag) override { info_.flags.Set(flag); }
  void OnPathChange() override;
  const http::Route* RefreshRoute() override;
  uint64_t BytesAhead(http::Direction direction) override;
  http::Message* MakeTrailers(http::Direction direction) override;

  // net::Actor
  void OnDeferred() override;
  void OnDeadline() override;

  // The request's side (stream_request.cc).
  bool AcceptHead(const weir_head& head);
  const http::Route* FindRoute();
  bool CheckUpgrade();
  bool CheckLength();
  void Refuse(uint32_t status, std::string_view details);
  void RedirectTo(uint32_t status, std::string_view details, std::string_view location);
  void StartFilters(bool end_stream);
  void AnswerContinue();
  void ServeRoute(bool end_stream);
  bool CountRequestBody(uint64_t bytes);
  void RequestEnded();
  void UpdateRequestCredit();

  // The answer's side (stream_response.cc).
  void SendResponseHead(bool end_stream);
  void EndResponse(const weir_head* trailers);
  void UpdateResponseCredit();
  void Reply(const http::LocalReply& reply);
  void SendReply(const http::LocalReply& reply, bool bypass);
  bool EndGrpcAnswer(const http::LocalReply& reply);
  void Reply(uint32_t status, std::string_view details, observe::ResponseFlag flag);
  void Reply(uint32_t status, std::string_view details);
  void BuildReply(const http::LocalReply& reply, std::string_view* body);
  void ResetDownstream(uint32_t reason);
  void NoteReset(const weir_error& error);
  void CancelTerminal(uint32_t reason);
  void Finish();
  void Log();
  void LogByPlugins();

  // What is known (stream_attributes.cc).
  static constexpr uint32_t kTexts = 32;  // room for each WEIR_ATTR_*
  std::string_view Kept(uint32_t id, std::string_view text);
  std::string_view AddressText(uint32_t id, const net::Address& address);
  std::string_view FlagsText();
  std::string_view TlsAttribute(uint32_t id);
  std::string_view OriginalPath();
  uint32_t ProtocolVersion() const;
  bool Since(uint64_t moment_ms, int64_t* value) const;
  uint64_t StartUnixUs();

  // What the stream waits for (describe.cc).
  std::string WaitsFor();

  // Time (stream_timers.cc).
  void StartTimers();
  void StartIdleTimer();
  void StartRouteTimer();
  void UseRouteTimes();
  void TouchIdle();
  void Arm();
  void Expire(uint64_t now);
  std::optional<config::Milliseconds> Life();
  void TimeOut(uint32_t status, std::string_view details, observe::ResponseFlag flag,
               int32_t grpc_status);
  void CheckBodyRate(uint64_t now);

  ServerConnection* downstream_;
  HcmWorker* hcm_;
  base::Arena arena_;
  http::Message request_;
  http::Message response_;
  http::Message* request_trailers_ = nullptr;
  http::Message* response_trailers_ = nullptr;
  http::FilterChain chain_;
  http::Terminal* terminal_ = nullptr;
  const http::Route* route_ = nullptr;
  Pending* pending_ = nullptr;
  http::StreamInfo info_;
  std::string_view original_path_;
  std::string_view reply_body_;
  std::string_view* texts_ = nullptr;  // of attributes that somebody asked for, by their ids
  uint64_t start_unix_ms_ = 0;         // 0: nobody asked yet

  bool counted_ : 1 = false;           // rq_active has us
  bool request_ended_ : 1 = false;     // all of the request arrived
  bool request_dead_ : 1 = false;      // the rest of the request goes nowhere
  bool request_passed_ : 1 = false;    // the head went to the terminal filter: it is const now
  bool response_started_ : 1 = false;  // a final head entered the filters
  bool response_sent_ : 1 = false;     // a final head went to the codec
  bool response_gone_ : 1 = false;     // its bytes were not kept: nobody may look at it
  bool response_ended_ : 1 = false;    // the end went to the codec
  bool head_only_ : 1 = false;         // what went to the codec has no body: it ended with its head
  bool local_reply_ : 1 = false;
  bool expects_continue_ : 1 = false;
  bool continue_sent_ : 1 = false;
  bool tunnel_ : 1 = false;
  bool tunnel_open_ : 1 = false;  // upgrades_active has us
  bool tunnel_over_ : 1 = false;  // the backend's side of it is done
  bool grpc_ : 1 = false;
  bool grpc_answer_ : 1 = false;  // what went to the codec is gRPC's, and can end with trailers
  bool paused_ : 1 = false;
  bool trailers_passed_ : 1 = false;  // the request's trailers went to the terminal filter
  bool timed_ : 1 = false;            // the timers run
  bool route_is_new_ : 1 = false;     // a filter had it found anew, and the head has not got there
  bool finished_ : 1 = false;

  uint8_t replies_ = 0;  // local replies begun: a second one replaces the first
  uint64_t ticket_ = 0;
  uint64_t request_received_ = 0;  // body bytes from the codec
  uint64_t request_credited_ = 0;
  uint64_t request_passed_on_ = 0;  // to the terminal filter
  uint64_t request_taken_ = 0;      // from there to a backend
  uint64_t response_received_ = 0;
  uint64_t response_credited_ = 0;

  uint64_t idle_deadline_ = 0;
  uint64_t request_deadline_ = 0;  // the whole request must be here
  uint64_t route_deadline_ = 0;    // the whole answer must be here
  uint64_t end_deadline_ = 0;      // max_stream_duration
  uint64_t rate_deadline_ = 0;     // the end of the present window of the body's rate
  uint64_t rate_bytes_ = 0;        // received at the start of the window
  uint32_t idle_ms_ = 0;
};

}  // namespace weir::hcm
