// A connection with a codec of either position in the middle: the input says what the peer sends
// and what the host asks for, step by step; a model of the host checks each event, H2Peer each
// frame that is written.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "codecs/h2/hpack/encoder.h"
#include "codecs/h2/options.h"
#include "plugins/abi/weir.h"
#include "tests/support/fake_codec_host.h"
#include "tests/unit/codecs/h2/h2_peer.h"

namespace weir::h2 {

class H2Connection {
 public:
  H2Connection(uint8_t position, const uint8_t* data, size_t size);
  ~H2Connection();
  H2Connection(const H2Connection&) = delete;
  H2Connection& operator=(const H2Connection&) = delete;

  // To the end of the input. Aborts when a rule is broken.
  void Run();

 private:
  struct HostStream {
    test::FakeStream out;
    uint32_t number = 0;
    bool complete = false;
    bool over = false;
    bool head_sent = false;
    bool end_sent = false;
    bool tunnel = false;
    uint64_t held = 0;
    std::vector<weir_field> trailer_fields;
    weir_head trailers{};
  };

  uint32_t Take(uint32_t octets);
  uint32_t Byte() { return Take(1); }
  std::string TakeText(size_t most);
  weir_codec_params Params();
  bool server() const { return position_ == WEIR_SERVER; }

  // The peer's steps.
  void Receive(const std::string& bytes);
  void Ask(uint32_t flags, bool to_the_end);
  std::string SomeFrame();
  std::string SomeHead();
  std::string Block(const std::vector<weir_field>& fields);
  // The host's.
  void Step();
  HostStream* Some();
  void SendHead(HostStream* stream);
  void SendRequest();
  void SendBody(HostStream* stream);
  void Produce(uint64_t budget);
  void Pass(uint64_t ms);

  void OnEvent(const weir_event& event, const uint8_t* span, size_t used);
  void OnEnd(HostStream* stream, const weir_event& event);
  void Read(const weir_head& head);
  void Sent(HostStream* stream);

  const uint8_t position_;
  const uint8_t* data_;
  size_t left_;
  const weir_codec_api& api_;
  Options options_;
  uint64_t now_ = 1000;
  H2Peer peer_;
  hpack::Encoder encoder_;
  test::FakeOut out_;
  weir_codec* codec_ = nullptr;
  std::string input_;
  uint32_t next_stream_ = 1;  // of the peer's heads, in server position
  std::map<uint32_t, std::unique_ptr<HostStream>> streams_;
  uint64_t most_held_ = 0;
  uint64_t sum_ = 0;  // of all that was shown, so that it is read
  bool closed_ = false;
  bool dead_ = false;
};

}  // namespace weir::h2
