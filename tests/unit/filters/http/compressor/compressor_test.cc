#include "filters/http/compressor/compressor.h"

#include <memory>
#include <optional>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "filters/http/decompressor/decoder.h"
#include "plugins/kit/fake_config.h"
#include "plugins/kit/fake_host.h"
#include "plugins/kit/fake_stream.h"

namespace weir::filters {
namespace {

using kit::FakeConfig;
using kit::FakeHttpStream;
using kit::World;
using ::testing::HasSubstr;

FakeConfig Load(const std::string& yaml, bool per_route = false) {
  return FakeConfig::Http(kCompressorApi, yaml, per_route);
}

constexpr char kAll[] = "libraries: [zstd, br, gzip]";

// One stream through the filter.
class Exchange {
 public:
  explicit Exchange(const std::string& yaml = kAll) : config_(Load(yaml)), state_(new State) {
    EXPECT_TRUE(config_.ok()) << config_.errors();
    World().Clear();
    stream.messages[WEIR_REQUEST].fields = {{"accept-encoding", "gzip, br, zstd"}};
    stream.messages[WEIR_RESPONSE].fields = {{"content-type", "text/html; charset=utf-8"}};
    EXPECT_EQ(kCompressorApi.create(state_->bytes, config_.get(), stream.handle()), WEIR_OK);
  }
  ~Exchange() { kCompressorApi.destroy(state_->bytes); }
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  Exchange& Accept(const std::string& value) {
    stream.messages[WEIR_REQUEST].fields = {{"accept-encoding", value}};
    return *this;
  }
  Exchange& Field(const std::string& name, const std::string& value) {
    stream.messages[WEIR_RESPONSE].fields.emplace_back(name, value);
    return *this;
  }
  void Headers(bool end = false) {
    EXPECT_EQ(kCompressorApi.request_headers(state_->bytes, stream.handle(), 1), WEIR_CONTINUE);
    EXPECT_EQ(kCompressorApi.response_headers(state_->bytes, stream.handle(), end ? 1 : 0),
              WEIR_CONTINUE);
    stream.messages[WEIR_RESPONSE].gone = true;
  }
  // What goes on after a piece.
  std::string Data(const std::string& piece, bool end, std::int32_t status = WEIR_CONTINUE) {
    auto& body = stream.messages[WEIR_RESPONSE].body;
    body += piece;
    EXPECT_EQ(kCompressorApi.response_data(state_->bytes, stream.handle(), end ? 1 : 0), status);
    return std::exchange(body, std::string());
  }
  std::string Response(const std::string& name) const {
    return stream.messages[WEIR_RESPONSE].Values(name);
  }
  std::string Coding() const { return Response("content-encoding"); }

  FakeHttpStream stream;

 private:
  struct State {
    alignas(16) char bytes[1024] = {};
  };
  FakeConfig config_;
  std::unique_ptr<State> state_;
};

std::string Decode(Coding coding, std::string_view in, bool* whole) {
  const auto decoder = MakeDecoder(coding, 15);
  std::string out(1 << 20, '\0');
  std::size_t made = 0;
  EXPECT_EQ(decoder->Run(&in, out.data(), out.size(), &made), Decoder::Result::kMore);
  *whole = decoder->whole();
  out.resize(made);
  return out;
}

std::string Page() {
  std::string page;
  for (int i = 0; i < 40; ++i) page += "<p>a line of text</p>\n";
  return page;
}

constexpr char kSays[] =
    "libraries: [br, gzip]\nresponse_direction_config: {status_header_enabled: true, "
    "disable_on_etag_header: true, uncompressible_response_codes: [404]}";
constexpr char kStatus[] = "x-envoy-compression-status";

TEST(CompressorTest, TheStatusFieldSaysWhatWasDone) {
  Exchange known(kSays);
  known.Field("content-length", "1000").Headers();
  EXPECT_EQ(known.Response(kStatus), "br;Compressed;OriginalLength=1000");
  Exchange streamed(kSays);
  streamed.Accept("gzip").Headers();
  EXPECT_EQ(streamed.Response(kStatus), "gzip;Compressed");
  Exchange second(kSays);
  second.Field(kStatus, "zstd;ContentTypeNotAllowed").Headers();
  EXPECT_EQ(second.Response(kStatus), "zstd;ContentTypeNotAllowed,br;Compressed");
}

TEST(CompressorTest, TheStatusFieldSaysWhatWasInTheWay) {
  Exchange small(kSays);
  small.Field("content-length", "29").Headers();
  EXPECT_EQ(small.Response(kStatus), "br;ContentLengthTooSmall");
  Exchange etag(kSays);
  etag.Field("etag", "\"a\"").Headers();
  EXPECT_EQ(etag.Response(kStatus), "br;EtagNotAllowed");
  Exchange code(kSays);
  code.stream.status = 404;
  code.Headers();
  EXPECT_EQ(code.Response(kStatus), "br;StatusCodeNotAllowed");
  Exchange type(kSays);
  type.stream.messages[WEIR_RESPONSE].fields = {{"content-type", "image/png"}};
  type.Headers();
  EXPECT_EQ(type.Response(kStatus), "br;ContentTypeNotAllowed");
}

TEST(CompressorTest, TheStatusFieldIsForWhoAskedAndWhereItIsSwitchedOn) {
  Exchange nobody(kSays);
  nobody.Accept("deflate").Headers();
  EXPECT_EQ(nobody.Response(kStatus), "(none)");
  Exchange other(kSays);
  other.Field("content-encoding", "gzip").Headers();
  EXPECT_EQ(other.Response(kStatus), "(none)");
  Exchange off;
  off.Headers();
  EXPECT_EQ(off.Coding(), "zstd");
  EXPECT_EQ(off.Response(kStatus), "(none)");
}

TEST(CompressorTest, WeakeningEtagsGoesBeforeLeavingThemAlone) {
  Exchange run(
      "libraries: [gzip]\nresponse_direction_config: {disable_on_etag_header: true, "
      "weaken_etag_on_compress: true}");
  run.Field("etag", "\"abc\"").Headers();
  EXPECT_EQ(run.Coding(), "gzip");
  EXPECT_EQ(run.Response("etag"), "W/\"abc\"");
}

TEST(CompressorTest, APageIsCompressedAndItsFieldsSaySo) {
  Exchange run;
  run.Field("content-length", "1000").Field("accept-ranges", "bytes").Field("etag", "\"abc\"");
  run.Headers();
  EXPECT_EQ(run.Coding(), "zstd");
  EXPECT_EQ(run.Response("vary"), "Accept-Encoding");
  EXPECT_EQ(run.Response("accept-ranges"), "(none)");
  EXPECT_EQ(run.Response("etag"), "W/\"abc\"");
  EXPECT_EQ(run.stream.messages[WEIR_RESPONSE].length, std::nullopt);
  bool whole = false;
  const std::string out = run.Data(Page(), true);
  EXPECT_LT(out.size(), 200u);
  EXPECT_EQ(Decode(Coding::kZstd, out, &whole), Page());
  EXPECT_TRUE(whole);
  EXPECT_EQ(World().counters["compressor.response.compressed"], 1u);
  EXPECT_EQ(World().counters["compressor.response.total_uncompressed_bytes"], Page().size());
  EXPECT_EQ(World().counters["compressor.response.total_compressed_bytes"], out.size());
}

TEST(CompressorTest, EachPieceCanBeDecodedBeforeTheNextOneComes) {
  for (const auto& [accept, coding] :
       {std::pair("gzip", Coding::kGzip), {"br", Coding::kBrotli}, {"zstd", Coding::kZstd}}) {
    Exchange run;
    run.Accept(accept).Headers();
    const std::string page = Page();
    std::string out;
    bool whole = false;
    for (std::size_t i = 0; i < page.size(); ++i) {
      out += run.Data(page.substr(i, 1), false);
      ASSERT_EQ(Decode(coding, out, &whole), page.substr(0, i + 1));
      ASSERT_FALSE(whole);
    }
    out += run.Data("", true);
    EXPECT_EQ(Decode(coding, out, &whole), page);
    EXPECT_TRUE(whole);
  }
}

TEST(CompressorTest, NothingComesOfAHookWithoutBytes) {
  Exchange run;
  run.Headers();
  EXPECT_EQ(run.Data("", false), "");
}

TEST(CompressorTest, TheClientsWeightsDecide) {
  const std::pair<const char*, const char*> cases[] = {
      {"gzip", "gzip"},
      {"gzip;q=0.9, br;q=0.8", "gzip"},
      {"br, gzip", "br"},  // equal: the order of the configuration
      {"*", "zstd"},
      {"*;q=0.5, gzip", "gzip"},
      {"gzip;q=0, *", "zstd"},
      {"zstd;q=0, *;q=0.1", "br"},
      {"identity", "(none)"},
      {"identity;q=1, gzip;q=0.5", "(none)"},
      {"identity;q=0, gzip;q=0.001", "gzip"},
      {"identity;q=0", "(none)"},
      {"gzip;q=0", "(none)"},
      {"deflate, compress", "(none)"},
      {"", "(none)"},
  };
  for (const auto& [accept, coding] : cases) {
    Exchange run;
    run.Accept(accept).Headers();
    EXPECT_EQ(run.Coding(), coding) << accept;
    EXPECT_EQ(run.Response("vary"), "Accept-Encoding") << accept;
  }
}

TEST(CompressorTest, WithoutAcceptEncodingABodyStaysAsItIsAndVaries) {
  Exchange run;
  run.stream.messages[WEIR_REQUEST].fields.clear();
  run.Field("content-length", "840").Headers();
  EXPECT_EQ(run.Coding(), "(none)");
  EXPECT_EQ(run.Response("vary"), "Accept-Encoding");
  EXPECT_EQ(run.stream.messages[WEIR_RESPONSE].length, 840u);
  EXPECT_EQ(run.Data(Page(), true), Page());
  EXPECT_EQ(World().counters["compressor.response.no_accept_header"], 1u);
}

TEST(CompressorTest, WhatCannotBeCompressedForAnybodyDoesNotVary) {
  const std::pair<const char*, const char*> cases[] = {
      {"content-encoding", "br"},        {"content-encoding", "identity"},
      {"content-range", "bytes 0-9/20"}, {"cache-control", "max-age=5, No-Transform"},
      {"content-length", "29"},          {"content-digest", "sha-256=:AAAA:"},
      {"content-md5", "AAAA"},
  };
  for (const auto& [name, value] : cases) {
    Exchange run;
    run.Field("etag", "\"x\"").Field(name, value).Headers();
    EXPECT_EQ(run.Response("vary"), "(none)") << name;
    EXPECT_EQ(run.Response("etag"), "\"x\"") << name;
    EXPECT_EQ(run.Data("as it is", true), "as it is") << name;
  }
}

TEST(CompressorTest, StatusesWithoutAWholeBodyGoBy) {
  for (const std::uint32_t status : {101u, 204u, 205u, 206u, 304u}) {
    Exchange run;
    run.stream.status = status;
    run.Headers();
    EXPECT_EQ(run.Coding(), "(none)") << status;
    EXPECT_EQ(run.Response("vary"), "(none)") << status;
  }
}

TEST(CompressorTest, OnlyTypesOfTheListAreCompressed) {
  for (const char* type : {"image/png", "text/event-stream", "application/grpc", "texthtml", ""}) {
    Exchange run;
    run.stream.messages[WEIR_RESPONSE].fields = {{"content-type", type}};
    run.Headers();
    EXPECT_EQ(run.Coding(), "(none)") << type;
  }
  Exchange json;
  json.stream.messages[WEIR_RESPONSE].fields = {{"content-type", "Application/JSON ;x=y"}};
  json.Headers();
  EXPECT_EQ(json.Coding(), "zstd");
  Exchange none;
  none.stream.messages[WEIR_RESPONSE].fields.clear();
  none.Headers();
  EXPECT_EQ(none.Coding(), "(none)");
  Exchange own(
      "libraries: [gzip]\nresponse_direction_config: {common_config: {content_type: [x/y]}}");
  own.Headers();
  EXPECT_EQ(own.Coding(), "(none)");
}

TEST(CompressorTest, VaryIsMergedOnce) {
  const std::pair<const char*, const char*> cases[] = {
      {"Origin", "Origin, Accept-Encoding"},
      {"accept-encoding", "accept-encoding"},
      {"Origin, ACCEPT-ENCODING", "Origin, ACCEPT-ENCODING"},
      {"*", "*"},
  };
  for (const auto& [before, after] : cases) {
    Exchange run;
    run.Field("vary", before).Headers();
    EXPECT_EQ(run.Response("vary"), after);
  }
  Exchange two;
  two.Field("vary", "A").Field("vary", "B").Headers();
  EXPECT_EQ(two.Response("vary"), "A, B, Accept-Encoding");
}

TEST(CompressorTest, AWeakValidatorStaysAndAStrongOneCanForbid) {
  Exchange weak;
  weak.Field("etag", "W/\"1\"").Headers();
  EXPECT_EQ(weak.Response("etag"), "W/\"1\"");
  Exchange strong("libraries: [gzip]\nresponse_direction_config: {disable_on_etag_header: true}");
  strong.Field("etag", "\"1\"").Headers();
  EXPECT_EQ(strong.Coding(), "(none)");
  EXPECT_EQ(strong.Response("etag"), "\"1\"");
  EXPECT_EQ(World().counters["compressor.response.not_compressed_etag"], 1u);
}

TEST(CompressorTest, AHeadIsAnsweredWithTheVaryOfItsGet) {
  Exchange run;
  run.stream.SetStart(":method", "HEAD");
  run.Field("content-length", "500").Headers(true);
  EXPECT_EQ(run.Response("vary"), "Accept-Encoding");
  EXPECT_EQ(run.Coding(), "(none)");
}

TEST(CompressorTest, AnAnswerWithoutBodyIsLeftAlone) {
  Exchange run;
  run.Headers(true);
  EXPECT_EQ(run.Response("vary"), "(none)");
  EXPECT_EQ(run.Coding(), "(none)");
}

TEST(CompressorTest, TunnelsAreNotLookedInto) {
  Exchange run;
  run.stream.SetStart(":method", "CONNECT");
  run.Headers();
  EXPECT_EQ(run.Coding(), "(none)");
  Exchange upgrade;
  upgrade.stream.start.emplace_back(":protocol", "websocket");
  upgrade.Headers();
  EXPECT_EQ(upgrade.Coding(), "(none)");
}

TEST(CompressorTest, TheBackendNeedNotKnowWhatTheClientAccepts) {
  Exchange run(
      "libraries: [gzip]\nresponse_direction_config: {remove_accept_encoding_header: true}");
  run.Headers();
  EXPECT_EQ(run.stream.messages[WEIR_REQUEST].Values("accept-encoding"), "(none)");
  EXPECT_EQ(run.Coding(), "gzip");
  Exchange kept;
  kept.Headers();
  EXPECT_EQ(kept.stream.messages[WEIR_REQUEST].Values("accept-encoding"), "gzip, br, zstd");
}

TEST(CompressorTest, ARouteMaySwitchItOffAndOnAndHaveALibraryOfItsOwn) {
  const FakeConfig off = Load("disabled: true", true);
  const FakeConfig own = Load("overrides: {libraries: [gzip]}", true);
  ASSERT_TRUE(off.ok() && own.ok()) << off.errors() << own.errors();
  Exchange run;
  run.stream.route_config = off.get();
  run.Field("content-length", "840").Headers();
  EXPECT_EQ(run.Coding(), "(none)");
  EXPECT_EQ(run.stream.messages[WEIR_RESPONSE].length, 840u);
  Exchange on("libraries: [br]\nresponse_direction_config: {common_config: {enabled: false}}");
  on.stream.route_config = own.get();
  on.Headers();
  EXPECT_EQ(on.Coding(), "gzip");
}

TEST(CompressorTest, CodesMayBeLeftOut) {
  Exchange run(
      "libraries: [br]\nresponse_direction_config: {uncompressible_response_codes: [404]}");
  run.stream.status = 404;
  run.Headers();
  EXPECT_EQ(run.Coding(), "(none)");
}

TEST(CompressorTest, ABodyThatCannotBeWrittenIsResetAndNotCut) {
  Exchange run;
  run.Headers();
  auto& message = run.stream.messages[WEIR_RESPONSE];
  message.body = Page();
  run.stream.failure = WEIR_NO_ROOM;
  EXPECT_EQ(run.Data("", true, WEIR_STOP), Page());
  EXPECT_EQ(run.stream.resets, 1);
  EXPECT_EQ(World().counters["compressor.response.errors"], 1u);
}

// ---- Configuration

TEST(CompressorConfigTest, EnvoysFormIsUnderstood) {
  const FakeConfig config = Load(R"(
response_direction_config:
  common_config:
    min_content_length: 100
    content_type: [text/html, application/json]
    enabled: {default_value: true, runtime_key: response_compressor_enabled}
  disable_on_etag_header: true
request_direction_config:
  common_config: {enabled: {default_value: false, runtime_key: request_compressor_enabled}}
compressor_library:
  name: text_optimized
  typed_config:
    "@type": type.googleapis.com/envoy.extensions.compression.gzip.compressor.v3.Gzip
    memory_level: 3
    window_bits: 10
    compression_level: BEST_COMPRESSION
    compression_strategy: DEFAULT_STRATEGY
)");
  EXPECT_TRUE(config.ok()) << config.errors();
}

TEST(CompressorConfigTest, MistakesAreNamedAtTheirPlaces) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "needs compressor_library or libraries"},
      {"{}", "needs compressor_library or libraries"},
      {"libraries: []", "1:12: the filter: libraries is empty"},
      {"libraries: [gzip, lz4]", "1:19: the filter: \"lz4\" is none of gzip, br, brotli, zstd"},
      {"libraries: [gzip, gzip]", "stands twice"},
      {"libraries: [gzip]\ncompressor_library: gzip", "not both"},
      {"compressor_library: {name: gzip, typed_config: {window_bits: 16}}", "9"},
      {"compressor_library: {name: gzip, typed_config: {quality: 3}}", "quality"},
      {"compressor_library: {name: zstd, typed_config: {dictionary: x}}", "dictionary"},
      {"libraries: [gzip]\ncontent_length: 30",
       "2:17: the filter: content_length is the old place"},
      {"libraries: [gzip]\nchoose_first: true", "choose_first"},
      {"libraries: [gzip]\nrequest_direction_config: {common_config: {enabled: true}}",
       "compression of requests"},
      {"libraries: [gzip]\nresponse_direction_config: {common_config: {content_type: [html]}}",
       "no media type"},
      {"libraries: [gzip]\nresponse_direction_config: {uncompressible_response_codes: [99]}",
       "200"},
      {"libraries: [gzip]\nlibrary: x", "library"},
  };
  for (const auto& [yaml, expected] : cases) {
    const FakeConfig config = Load(yaml);
    EXPECT_FALSE(config.ok()) << yaml;
    EXPECT_THAT(config.errors(), HasSubstr(expected)) << yaml;
  }
}

TEST(CompressorConfigTest, ARoutesEntryHasOneOfDisabledAndOverrides) {
  for (const char* yaml : {"", "{}", "disabled: false", "{disabled: true, overrides: {}}",
                           "overrides: {libraries: [x]}", "overrides: 3"}) {
    EXPECT_FALSE(Load(yaml, true).ok()) << yaml;
  }
  EXPECT_TRUE(Load("overrides: {response_direction_config: {}}", true).ok());
}

}  // namespace
}  // namespace weir::filters
