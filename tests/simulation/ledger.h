#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

// What the simulated clients asked for and what the simulated backends did about it: the truth with
// which every answer is compared.

namespace weir::sim {

// One appearance of a request at a backend.
struct Attempt {
  uint32_t backend = 0;
  uint32_t status = 200;
  uint64_t body_size = 0;  // of the answer
  uint64_t received = 0;   // body of the request
  bool complete_request = false;
  bool head_sent = false;  // the final head was given to the network
  bool answered = false;   // the whole answer was given to the network
  bool cut = false;        // it ended the answer early, or never gave it
  bool refused = false;    // it said that it did nothing about it
  bool garbage = false;    // what it sent is no HTTP
  bool stalled = false;    // it stopped for longer than any timeout
  bool closes = false;     // it said, or will say, that the connection ends
  bool until_close = false;
  bool truncated = false;  // that close is not the word that the answer is whole
  bool trailers = false;   // follow the answer
};

enum class BodyKind : uint8_t { kNone, kLength, kChunked };

struct Request {
  uint32_t id = 0;
  uint32_t client = 0;
  uint32_t path = 0;     // says which cluster it asks for
  uint32_t cluster = 0;  // by the configuration that its connection began with
  uint64_t began = 0;    // the turn
  uint32_t link = 0;
  uint32_t setting = 0;  // with which its connection began
  bool begun = false;
  bool accepted = false;  // the worker had all of it when it told the connection to end
  std::string method;
  BodyKind body = BodyKind::kNone;
  uint64_t body_size = 0;
  bool trailers = false;
  bool expect = false;
  bool old = false;    // HTTP/1.0
  bool close = false;  // says connection: close

  // What became of it.
  bool sent_all = false;
  bool given_up = false;  // its client went away, or let it time out
  bool stalled = false;   // its client stopped for longer than any timeout
  uint32_t lost = 0;      // how often it came to a backend's connection that was closed
  std::vector<Attempt> attempts;
  bool head_received = false;
  uint32_t status = 0;
  int attempt = -1;              // whose answer it is; -1: the worker's own
  uint64_t received = 0;         // body bytes
  bool checks_trailers = false;  // its client speaks a protocol that always has them
  bool trailers_received = false;
  bool resolved = false;  // answered, visibly cut, or rightly dropped
  bool complete = false;  // answered to the end

  std::string Path() const { return (path == 0 ? "/r/" : "/s/") + std::to_string(id); }
};

// Backends are numbered through the clusters.
inline constexpr uint32_t kHostsPerCluster = 1000;
inline constexpr uint32_t kHostsPerVersion = 10;
inline uint32_t ClusterOf(uint32_t host) {
  return host / kHostsPerCluster;
}

inline bool Idempotent(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "PUT" || method == "DELETE";
}

// The body's bytes are made from whose they are and where they stand, so that one which is lost,
// doubled, moved or another's is seen at once.
inline uint64_t BodyKey(uint32_t id, uint32_t attempt, bool answer) {
  return (uint64_t{id} << 20 | uint64_t{attempt} << 1 | (answer ? 1 : 0)) * 0x9e3779b97f4a7c15u;
}
void AppendBody(uint64_t key, uint64_t offset, size_t size, std::string* out);
// Where the bytes differ from the body's, or -1.
int64_t CompareBody(uint64_t key, uint64_t offset, std::string_view bytes);

}  // namespace weir::sim
