// How the tests of tests/conformance/rfc9113.tsv say what they expect. Each runs in all cuts.
#pragma once

#include <functional>
#include <string>

#include "tests/unit/codecs/h2/h2_harness.h"

namespace weir::h2 {

using Bytes = std::function<std::string(H2Harness&)>;

// Stream 1's request is not complete, stream 3's is; neither is answered. In client position both
// requests are complete, and nothing of the answers has come.
inline void OpenTwo(H2Harness& h) {
  if (h.server()) {
    h.Feed(wire::Headers(1, h.Request("/one"), false)
           << wire::Headers(3, h.Request("/three"), true));
  } else {
    h.Send("/one");
    h.Send("/three");
  }
}

inline void CostsTheConnection(const H2Setup& setup, ErrorCode code, const Bytes& bytes) {
  ForAllCuts(setup, [&](H2Harness& h) {
    if (setup.handshake) OpenTwo(h);
    h.Feed(bytes(h));
    h.ExpectConnectionError(code);
  });
}
inline void CostsTheConnection(ErrorCode code, const Bytes& bytes) {
  CostsTheConnection(H2Setup{}, code, bytes);
}
inline void CostsTheConnection(ErrorCode code, const std::string& bytes) {
  CostsTheConnection(H2Setup{}, code, [&](H2Harness&) { return bytes; });
}
inline void CostsTheConnection(const H2Setup& setup, ErrorCode code, const std::string& bytes) {
  CostsTheConnection(setup, code, [&](H2Harness&) { return bytes; });
}

inline void CostsTheStream(const H2Setup& setup, uint32_t stream, ErrorCode code,
                           const Bytes& bytes) {
  ForAllCuts(setup, [&](H2Harness& h) {
    OpenTwo(h);
    h.Feed(bytes(h));
    h.ExpectStreamError(stream, code);
  });
}
inline void CostsTheStream(uint32_t stream, ErrorCode code, const Bytes& bytes) {
  CostsTheStream(H2Setup{}, stream, code, bytes);
}
inline void CostsTheStream(uint32_t stream, ErrorCode code, const std::string& bytes) {
  CostsTheStream(H2Setup{}, stream, code, [&](H2Harness&) { return bytes; });
}

// A request of stream 5, malformed.
inline void MalformedRequest(const TextFields& fields, bool end = true,
                             const H2Setup& setup = H2Setup{}) {
  CostsTheStream(setup, 5, ErrorCode::kProtocolError,
                 [&](H2Harness& h) { return wire::Headers(5, h.Block(fields), end); });
}
// The response to stream 1's request.
inline void MalformedResponse(const TextFields& fields, bool end = true) {
  CostsTheStream(H2Setup::Client(), 1, ErrorCode::kProtocolError,
                 [&](H2Harness& h) { return wire::Headers(1, h.Block(fields), end); });
}

// Nothing comes of it.
inline void IsFine(const H2Setup& setup, const Bytes& bytes) {
  ForAllCuts(setup, [&](H2Harness& h) {
    if (setup.handshake) OpenTwo(h);
    h.Feed(bytes(h));
    h.ExpectFine();
  });
}
inline void IsFine(const std::string& bytes) {
  IsFine(H2Setup{}, [&](H2Harness&) { return bytes; });
}

// A request's fields, with one more, or without one.
inline TextFields RequestFields(const TextFields& more = {}) {
  TextFields fields = {
      {":method", "GET"}, {":scheme", "http"}, {":path", "/"}, {":authority", "weir.test"}};
  fields.insert(fields.end(), more.begin(), more.end());
  return fields;
}
inline TextFields Without(const std::string& name, TextFields fields = RequestFields()) {
  TextFields kept;
  for (const auto& field : fields) {
    if (field.first != name) kept.push_back(field);
  }
  return kept;
}
inline TextFields With(const std::string& name, const std::string& value,
                       TextFields fields = RequestFields()) {
  for (auto& field : fields) {
    if (field.first == name) field.second = value;
  }
  return fields;
}

}  // namespace weir::h2
