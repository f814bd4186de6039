// Responses as a backend may send them, to each kind of request. Whatever the cuts, the events are
// the same; a final head that is accepted can be written to a client, which reads it the same.
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

TestHead RequestOf(uint8_t choice) {
  TestHead head = Request("GET", "/");
  switch (choice % 5) {
    case 1:
      head.method = "HEAD";
      break;
    case 2:
      head.method = "CONNECT";
      head.authority = "h:1";
      head.flags = WEIR_HEAD_TUNNEL;
      break;
    case 3:
      head.protocol = "foo";
      head.flags = WEIR_HEAD_TUNNEL;
      break;
    case 4:
      head.protocol = "websocket";
      head.flags = WEIR_HEAD_TUNNEL;
      break;
    default:
      break;
  }
  return head;
}

void CheckForwarded(void* context, const weir_head& head) {
  for (uint32_t i = 0; i < head.field_count; ++i) {
    const weir_field& field = head.fields[i];
    Check(util::IsLowerName(field.name, field.name_size));
    Check(util::IsFieldValue(field.value, field.value_size));
    Check(!util::IsFramingToken(field.token));
  }
  const auto& request = *static_cast<const TestHead*>(context);
  if (head.kind != WEIR_HEAD_RESPONSE || (request.flags & WEIR_HEAD_TUNNEL) != 0) return;
  TestHead sent(head);  // the next receive of any codec ends the head's time
  weir_head copy = head;
  std::vector<weir_field> fields(head.fields, head.fields + head.field_count);
  copy.fields = fields.data();
  CodecHarness server;
  server.Feed(request.method + " / HTTP/1.1\r\nHost: a\r\n\r\n");
  const bool has_length = (copy.flags & WEIR_HEAD_HAS_LENGTH) != 0;
  const bool end =
      (copy.flags & WEIR_HEAD_NO_BODY) != 0 || (has_length && copy.content_length == 0);
  Check(server.SendRaw(copy, end) == WEIR_OK);
  CodecOptions options;
  options.position = WEIR_CLIENT;
  CodecHarness client(options);
  client.Open();
  client.Send(request, true);
  client.Feed(server.TakeOutput());
  Check(client.left() == 0);
  Check(client.events().size() == (end ? 2u : 1u));
  sent.version = 11;
  Check(sent.Describe() == client.last_head().Describe());
}

std::string Run(std::string_view bytes, const test::Cuts& cuts, CodecOptions options,
                TestHead request) {
  options.position = WEIR_CLIENT;
  CodecHarness codec(options);
  codec.OnHead(CheckForwarded, &request);
  codec.Open();
  Check(codec.Send(request, (request.flags & WEIR_HEAD_TUNNEL) == 0) == WEIR_OK);
  std::string_view rest = bytes;
  for (const size_t cut : cuts) {
    codec.Feed(rest.substr(0, cut));
    rest.remove_prefix(cut);
    codec.Produce();
  }
  codec.FeedEof();
  codec.Produce();
  Check(!codec.Reusable());
  // Bytes behind the response are a fault or not, by when they come; but never a second response.
  std::string text;
  for (const std::string& event : codec.events()) {
    if (event == "ERROR 0 http1.unexpected_bytes") continue;
    text += event + "\n";
  }
  return text;
}

}  // namespace
}  // namespace weir::h1

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace weir;
  if (size < 3) return 0;
  h1::CodecOptions options;
  if ((data[0] & 1) != 0) options.max_head_bytes = 256;
  if ((data[0] & 2) != 0) options.max_field_count = 4;
  if ((data[0] & 4) != 0) options.flags |= WEIR_CODEC_DROP_TRAILERS;
  const h1::TestHead request = h1::RequestOf(data[1]);
  std::mt19937_64 random(data[2]);
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 3, size - 3);
  const std::string whole = h1::Run(bytes, test::WholeCut(bytes.size()), options, request);
  const size_t longest = 1 + random() % 40;
  const std::string cut =
      h1::Run(bytes, test::RandomCuts(bytes.size(), longest, random), options, request);
  if (whole != cut) {
    std::fprintf(stderr, "whole:\n%s\ncut:\n%s\n", whole.c_str(), cut.c_str());
    std::abort();
  }
  return 0;
}
