#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/unit/codecs/h2/h2_peer.h"
#include "tests/unit/codecs/h2/h2_wire.h"
#include "tests/unit/filters/network/http_connection_manager/hcm_world.h"

namespace weir::hcm {

// The far end of a connection of the worker that speaks HTTP/2. Its books are kept, and what the
// worker does against the protocol fails the test.
struct H2Far {
  explicit H2Far(h2::Position worker) : peer(worker) {}
  ~H2Far() { EXPECT_EQ(peer.fault(), ""); }
  H2Far(const H2Far&) = delete;
  H2Far& operator=(const H2Far&) = delete;

  const h2::OutFrame* Last(h2::FrameType type, uint32_t stream) const;
  size_t Count(h2::FrameType type) const;
  // Of a stream: the field of its last head, its content, whether it was ended.
  std::string Field(uint32_t stream, std::string_view name) const;
  std::string Body(uint32_t stream) const;
  bool Ended(uint32_t stream) const;
  bool Reset(uint32_t stream) const { return Last(h2::FrameType::kRstStream, stream) != nullptr; }

  h2::H2Peer peer;
  h2::EagerEncoder encoder;
  test::FakePeer* wire = nullptr;
  test::FakeIo* io = nullptr;
};

// A worker whose clients speak HTTP/2, and whose backends do unless HTTP/1 is asked for.
class H2World : public HcmWorld {
 public:
  enum class Backends { kH1, kH2 };
  explicit H2World(Backends backends, const std::string& keys = "", const std::string& routes = "",
                   const std::string& cluster = "",
                   const std::vector<test::FilterScript*>& scripts = {});

  H2Far& Connect(const h2::wire::SettingList& settings = {});
  // The HTTP/2 end of backend connection i; the first time it says its settings.
  H2Far& Back(size_t i, const h2::wire::SettingList& settings = {});
  void Say(H2Far& far, const std::string& bytes);
  // More room of its socket.
  void Take(H2Far& far, size_t room);
  // What all have been sent so far is read.
  void Collect();

  // HEADERS of a request for "/", and of a response.
  static std::string Request(H2Far& far, uint32_t stream, bool end = true,
                             const std::string& method = "GET", const h2::TextFields& more = {});
  static std::string Response(H2Far& far, uint32_t stream, const std::string& status, bool end);

  // As the base's, and read.
  void Answer(size_t i, const std::string& bytes);
  void Pass(uint64_t ms);

 private:
  std::vector<std::unique_ptr<H2Far>> clients_;
  std::vector<std::unique_ptr<H2Far>> backs_;  // by connection; null: not asked for
};

}  // namespace weir::hcm
