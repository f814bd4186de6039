#pragma once

#include <cstdint>
#include <string_view>

#include "core/http/filter_chain.h"
#include "core/observe/response_flags.h"
#include "core/server/access_loggers.h"
#include "core/server/connection_facts.h"

namespace weir::tcp_proxy {

// What is known of a connection that is over. Views need to live for the log call only.
struct ConnectionRecord {
  int64_t start_unix_ms = 0;
  uint64_t duration_ms = 0;
  uint64_t bytes_received = 0;
  uint64_t bytes_sent = 0;
  uint32_t attempts = 0;  // connections to endpoints that were begun
  observe::ResponseFlags flags;
  std::string_view listener;
  std::string_view cluster;
  const net::Address* upstream = nullptr;        // the endpoint tried last; null: none
  const net::Address* upstream_local = nullptr;  // null: unknown
  std::string_view upstream_failure;             // why it was not reached; empty: it was
};

// Shows a connection to access loggers of plugins, which know streams: one without messages, that
// is over. What it has not - methods, fields, a status - is not known; its code is 0.
class LoggedConnection final : private http::FilterChainOwner {
 public:
  // All must live as long. On a worker, for the call of Log only.
  LoggedConnection(const ConnectionRecord& record, server::ConnectionFacts* facts,
                   base::SlabPool* pool);
  void Log(const server::AccessLoggers& loggers);

 private:
  void OnChainHeaders(http::Direction, bool) override {}
  void OnChainData(http::Direction, http::SliceQueue*, bool) override {}
  void OnChainTrailers(http::Direction) override {}
  void OnChainOverflow(http::Direction) override {}
  void CountFailure(const http::FilterEntry&) override {}
  void OnChainFailure(const http::FilterEntry&) override {}
  bool RunPendingAction() override { return true; }
  http::Message* ChainMessage(uint32_t) override { return nullptr; }
  bool ChainWritable(uint32_t) override { return false; }
  void RequestLocalReply(uint32_t, std::string_view, const weir_field*, uint32_t,
                         std::string_view) override {}
  void RequestReset() override {}
  void RequestResume() override {}
  uint64_t Ticket() override { return 0; }
  std::string_view Attribute(uint32_t id) override;
  const http::PathOptions& ChainPathOptions() const override;
  bool Number(uint32_t id, int64_t* value) override;
  std::string_view ConnectionNote(std::string_view space, std::string_view key) override;
  void AddFlag(observe::ResponseFlag) override {}
  void OnPathChange() override {}
  const http::Route* RefreshRoute() override { return nullptr; }
  uint64_t BytesAhead(http::Direction) override { return 0; }
  http::Message* MakeTrailers(http::Direction) override { return nullptr; }

  std::string_view Text(const net::Address* address);
  std::string_view FlagsText();

  static constexpr uint32_t kRoom = 2048;
  static constexpr uint32_t kMost = 65536;

  const ConnectionRecord& record_;
  server::ConnectionFacts* facts_;
  uint8_t room_[kRoom + base::Slab::kPadding];
  base::Arena arena_;
  http::FilterChain chain_;
};

}  // namespace weir::tcp_proxy
