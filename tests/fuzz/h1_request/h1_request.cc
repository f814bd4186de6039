// Requests as a client may send them. Whatever the cuts, the events are the same; and what is
// accepted can be written and is read back as exactly one request that says the same: nothing can
// be smuggled past the next server.
#include <cstdio>
#include <cstdlib>

#include "plugins/util/scan.h"
#include "plugins/util/token.h"
#include "tests/unit/codecs/h1/codec_harness.h"

namespace weir::h1 {
namespace {

void Check(bool good) {
  if (!good) std::abort();
}

CodecOptions Options(uint8_t choice) {
  CodecOptions options;
  if ((choice & 1) != 0) options.max_head_bytes = 256;
  if ((choice & 2) != 0) options.max_field_count = 4;
  if ((choice & 4) != 0) options.flags = WEIR_CODEC_ACCEPT_HTTP_10 | WEIR_CODEC_DROP_TRAILERS;
  if ((choice & 8) != 0) options.max_trailer_bytes = 32;
  if ((choice & 16) != 0) options.stream_window = 5;
  return options;
}

// The next hop reads what we write as we read it.
void CheckForwarded(void*, const weir_head& head) {
  for (uint32_t i = 0; i < head.field_count; ++i) {
    const weir_field& field = head.fields[i];
    Check(util::IsLowerName(field.name, field.name_size));
    Check(util::IsFieldValue(field.value, field.value_size));
    Check(!util::IsFramingToken(field.token));
    Check(field.token == util::FindToken(field.name, field.name_size));
  }
  if (head.kind != WEIR_HEAD_REQUEST || head.authority.size == 0) return;
  TestHead sent(head);  // the next receive of any codec ends the head's time
  CodecOptions options;
  options.position = WEIR_CLIENT;
  CodecHarness client(options);
  client.Open();
  const bool has_length = (head.flags & WEIR_HEAD_HAS_LENGTH) != 0;
  const bool end = (head.flags & WEIR_HEAD_TUNNEL) == 0 && has_length && head.content_length == 0;
  Check(client.SendRaw(head, end) == WEIR_OK);
  options.position = WEIR_SERVER;
  CodecHarness server(options);
  server.Feed(client.TakeOutput());
  Check(server.left() == 0);
  Check(server.events().size() == (end ? 2u : 1u));
  sent.version = 11;
  sent.scheme.clear();
  TestHead got = server.last_head();
  Check(sent.method == got.method && sent.path == got.path && sent.authority == got.authority);
  Check(sent.flags == got.flags && sent.length == got.length && sent.protocol == got.protocol);
  if (sent.protocol.empty()) {
    Check(sent.Describe() == got.Describe());
  }
}

std::string Run(std::string_view bytes, const test::Cuts& cuts, const CodecOptions& options) {
  CodecHarness codec(options);
  codec.OnHead(CheckForwarded, nullptr);
  size_t seen = 0;
  const auto answer = [&] {
    while (codec.events().size() > seen) {
      const std::string last = codec.events().back();
      seen = codec.events().size();
      TestHead response;
      response.kind = WEIR_HEAD_RESPONSE;
      if (last == "END" && codec.Capacity() == 0) {
        response.status = 204;
      } else if (last.rfind("ERROR 4", 0) == 0 || last.rfind("ERROR 5", 0) == 0) {
        response.status = 400;
      } else if (last.rfind("HEAD ", 0) == 0 && (codec.last_head().flags & WEIR_HEAD_TUNNEL) != 0) {
        response.status = 200;
        response.flags = WEIR_HEAD_TUNNEL;
      } else {
        continue;
      }
      const bool tunnel = response.flags != 0;
      const int32_t sent = codec.Send(response, !tunnel);
      Check(sent == WEIR_OK || sent == WEIR_REFUSED);
      codec.Produce();
      codec.Poke();
    }
  };
  for (const size_t cut : cuts) {
    codec.Feed(bytes.substr(0, cut));
    bytes.remove_prefix(cut);
    answer();
  }
  codec.FeedEof();
  answer();
  return codec.EventText();
}

}  // namespace
}  // namespace weir::h1

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace weir;
  if (size < 2) return 0;
  const h1::CodecOptions options = h1::Options(data[0]);
  std::mt19937_64 random(data[1]);
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  const std::string whole = h1::Run(bytes, test::WholeCut(bytes.size()), options);
  const size_t longest = 1 + random() % 40;
  const std::string cut = h1::Run(bytes, test::RandomCuts(bytes.size(), longest, random), options);
  if (whole != cut) {
    std::fprintf(stderr, "whole:\n%s\ncut:\n%s\n", whole.c_str(), cut.c_str());
    std::abort();
  }
  return 0;
}
