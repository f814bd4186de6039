#include <algorithm>
#include <string>
#include <utility>

#include "core/net/connection_report.h"
#include "filters/network/http_connection_manager/server_connection.h"
#include "filters/network/http_connection_manager/stream.h"

namespace weir::hcm {
namespace {

// Of a text that a client chose.
constexpr size_t kMaxText = 256;

std::string Text(std::string_view text) {
  return std::string(text.substr(0, kMaxText));
}

}  // namespace

// In the order in which a stream goes: the first thing that is not there yet is what it waits for.
std::string Stream::WaitsFor() {
  if (tunnel_open_) return "bytes of either side of its tunnel";
  if (response_ended_ || queued_bytes() > 0) return "the client to take the answer";
  if (const http::FilterEntry* filter = chain_.Withholder(http::kResponse))
    return "the filter " + filter->name + ", which withholds the answer";
  if (response_started_) return "the rest of the answer from the backend";
  if (const http::FilterEntry* filter = chain_.Withholder(http::kRequest))
    return "the filter " + filter->name + ", which withholds the request";
  if (terminal_ != nullptr && info_.upstream == nullptr) return "a connection to a backend";
  if (!request_ended_) return "the rest of the request from the client";
  return "the backend to answer";
}

void Stream::Describe(net::StreamReport* report) {
  const uint64_t now = worker()->reactor->now_ms();
  report->method = Text(request_.method());
  report->authority = Text(request_.authority());
  report->path = Text(request_.path());
  report->cluster = Text(info_.cluster);
  if (info_.upstream != nullptr) report->upstream = info_.upstream->ToString();
  report->waits_for = WaitsFor();
  report->age_ms = now - std::min(info_.start_ms, now);
  report->waits_ms = report->age_ms;
  // The timer of an idle stream is set anew with each byte.
  if (idle_ms_ != 0 && idle_deadline_ > idle_ms_)
    report->waits_ms = now - std::min(idle_deadline_ - idle_ms_, now);
  report->bytes_received = request_received_;
  report->bytes_sent = info_.bytes_sent;
  report->response_code = info_.response_code;
}

void ServerConnection::Describe(net::ConnectionReport* report) {
  report->protocol = "http";
  report->tls = tls() != nullptr;
  report->draining = draining_ || last_request_;
  report->bytes_received = bytes_received();
  report->bytes_sent = bytes_sent();
  report->stream_count = streams_;
  if (streams_ > 0) {
    report->waits_for = "its streams";
  } else if (OutputWaits()) {
    report->waits_for = "the client to take what waits";
  } else if (closing()) {
    report->waits_for = "the client's end";
  } else {
    report->waits_for = head_deadline_ != 0 ? "the rest of a request's head" : "a request";
  }
  ForEachStream([report](http::CodecStream* stream) {
    if (report->streams.size() >= report->max_streams) return false;
    static_cast<Stream*>(stream)->Describe(&report->streams.emplace_back());
    return true;
  });
}

}  // namespace weir::hcm
