#include "filters/http/decompressor/decompressor.h"

#include <memory>
#include <string>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "filters/http/compressor/encoder.h"
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
  return FakeConfig::Http(kDecompressorApi, yaml, per_route);
}

std::string Encode(Coding coding, std::string_view body) {
  EncoderOptions options;
  options.coding = coding;
  std::string out;
  EXPECT_TRUE(MakeEncoder(options)->Run(body, Encoder::Then::kFinish, &out));
  return out;
}

constexpr char kAll[] = "libraries: [gzip, br, zstd]";

class Exchange {
 public:
  explicit Exchange(const std::string& yaml = kAll) : config_(Load(yaml)) {
    EXPECT_TRUE(config_.ok()) << config_.errors();
    World().Clear();
    for (auto& message : stream.messages) message.inject_room = 1 << 20;
    EXPECT_EQ(kDecompressorApi.create(state_, config_.get(), stream.handle()), WEIR_OK);
  }
  ~Exchange() { kDecompressorApi.destroy(state_); }
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  std::vector<std::pair<std::string, std::string>>& fields(std::uint32_t which) {
    return stream.messages[which].fields;
  }
  Exchange& Request(bool end = false) {
    EXPECT_EQ(kDecompressorApi.request_headers(state_, stream.handle(), end), WEIR_CONTINUE);
    return *this;
  }
  Exchange& Response(bool end = false) {
    EXPECT_EQ(kDecompressorApi.response_headers(state_, stream.handle(), end), WEIR_CONTINUE);
    return *this;
  }
  // The hook's answer; what goes on is added to `passed`.
  std::int32_t Data(std::uint32_t which, std::string_view piece, bool end) {
    auto& message = stream.messages[which];
    message.body += piece;
    const auto hook =
        which == WEIR_REQUEST ? kDecompressorApi.request_data : kDecompressorApi.response_data;
    const std::int32_t status = hook(state_, stream.handle(), end);
    passed += std::exchange(message.injected, std::string());
    if (status == WEIR_CONTINUE) passed += std::exchange(message.body, std::string());
    return status;
  }
  // Lets the timers run until the filter has passed on everything; how often it was called.
  int Pump(std::uint32_t which) {
    int runs = 0;
    while (stream.resumes == 0 && stream.resets == 0 && stream.local_replies == 0 &&
           runs < 100000) {
      World().Advance(2);
      EXPECT_LE(stream.messages[which].injected.size(),
                stream.messages[which].inject_room + 2 * Decompressor::kStep);
      passed += std::exchange(stream.messages[which].injected, std::string());
      ++runs;
    }
    return runs;
  }

  FakeHttpStream stream;
  std::string passed;

 private:
  FakeConfig config_;
  alignas(16) char state_[1024] = {};
};

TEST(DecompressorTest, AnswersAreDecodedHoweverTheyAreCut) {
  const std::string body = "a body of some words, some words of a body";
  for (const Coding coding : {Coding::kGzip, Coding::kBrotli, Coding::kZstd}) {
    const std::string in = Encode(coding, body);
    for (std::size_t cut = 0; cut <= in.size(); ++cut) {
      Exchange run;
      run.fields(WEIR_RESPONSE) = {{"content-encoding", std::string(CodingName(coding))},
                                   {"etag", "\"1\""},
                                   {"content-md5", "x"}};
      run.Request(true).Response();
      EXPECT_EQ(run.stream.messages[WEIR_RESPONSE].Values("content-encoding"), "(none)");
      EXPECT_EQ(run.stream.messages[WEIR_RESPONSE].Values("content-md5"), "(none)");
      EXPECT_EQ(run.stream.messages[WEIR_RESPONSE].Values("etag"), "W/\"1\"");
      EXPECT_EQ(run.Data(WEIR_RESPONSE, in.substr(0, cut), false), WEIR_CONTINUE);
      EXPECT_EQ(run.Data(WEIR_RESPONSE, in.substr(cut), true), WEIR_CONTINUE);
      EXPECT_EQ(run.passed, body);
    }
  }
}

TEST(DecompressorTest, RequestsAreDecodedToo) {
  Exchange run;
  run.fields(WEIR_REQUEST) = {{"content-encoding", "X-GZIP"}, {"content-length", "50"}};
  run.Request();
  EXPECT_EQ(run.stream.messages[WEIR_REQUEST].Values("content-encoding"), "(none)");
  EXPECT_FALSE(run.stream.messages[WEIR_REQUEST].length.has_value());
  EXPECT_EQ(run.Data(WEIR_REQUEST, Encode(Coding::kGzip, "hello"), true), WEIR_CONTINUE);
  EXPECT_EQ(run.passed, "hello");
  EXPECT_EQ(World().counters["decompressor.request.decompressed"], 1u);
}

TEST(DecompressorTest, OnlyTheOuterCodingIsTaken) {
  Exchange run;
  run.fields(WEIR_RESPONSE) = {{"content-encoding", "exi"}, {"content-encoding", "aes, gzip"}};
  run.Request(true).Response();
  EXPECT_EQ(run.stream.messages[WEIR_RESPONSE].Values("content-encoding"), "exi, aes");
  Exchange other;
  other.fields(WEIR_RESPONSE) = {{"content-encoding", "gzip, aes"}};
  other.Request(true).Response();
  EXPECT_EQ(other.stream.messages[WEIR_RESPONSE].Values("content-encoding"), "gzip, aes");
  EXPECT_EQ(other.Data(WEIR_RESPONSE, "as it is", true), WEIR_CONTINUE);
  EXPECT_EQ(other.passed, "as it is");
}

TEST(DecompressorTest, PartsAndNoTransformGoByAsTheyAre) {
  Exchange part;
  part.stream.status = 206;
  part.fields(WEIR_RESPONSE) = {{"content-encoding", "gzip"}, {"content-length", "7"}};
  part.Request(true).Response();
  EXPECT_EQ(part.stream.messages[WEIR_RESPONSE].Values("content-encoding"), "gzip");
  EXPECT_EQ(part.stream.messages[WEIR_RESPONSE].length, 7u);
  Exchange fixed;
  fixed.fields(WEIR_RESPONSE) = {{"content-encoding", "gzip"}, {"cache-control", "no-transform"}};
  fixed.Request(true).Response();
  EXPECT_EQ(fixed.stream.messages[WEIR_RESPONSE].Values("content-encoding"), "gzip");
  Exchange ignore(
      "libraries: [gzip]\n"
      "response_direction_config: {common_config: {ignore_no_transform_header: true}}");
  ignore.fields(WEIR_RESPONSE) = {{"content-encoding", "gzip"}, {"cache-control", "no-transform"}};
  ignore.Request(true).Response();
  EXPECT_EQ(ignore.stream.messages[WEIR_RESPONSE].Values("content-encoding"), "(none)");
}

TEST(DecompressorTest, TheBackendIsToldWhatIsTakenAwayHere) {
  Exchange run("libraries: [gzip, zstd]");
  run.fields(WEIR_REQUEST) = {{"accept-encoding", "gzip;q=0, br;q=0.5"}};
  run.Request(true);
  EXPECT_EQ(run.stream.messages[WEIR_REQUEST].Values("accept-encoding"), "br;q=0.5, gzip, zstd");
  Exchange range;
  range.fields(WEIR_REQUEST) = {{"range", "bytes=0-9"}};
  range.Request(true);
  EXPECT_EQ(range.stream.messages[WEIR_REQUEST].Values("accept-encoding"), "(none)");
  Exchange off("libraries: [gzip]\nrequest_direction_config: {advertise_accept_encoding: false}");
  off.Request(true);
  EXPECT_EQ(off.stream.messages[WEIR_REQUEST].Values("accept-encoding"), "(none)");
}

TEST(DecompressorTest, ABodyThatIsCutEndsInAResetAtEveryPlace) {
  for (const Coding coding : {Coding::kGzip, Coding::kBrotli, Coding::kZstd}) {
    const std::string in = Encode(coding, "a body of some words");
    for (std::size_t size = 1; size < in.size(); ++size) {
      Exchange run;
      run.fields(WEIR_RESPONSE) = {{"content-encoding", std::string(CodingName(coding))}};
      run.Request(true).Response();
      EXPECT_NE(run.Data(WEIR_RESPONSE, in.substr(0, size), true), WEIR_CONTINUE);
      EXPECT_EQ(run.stream.resets, 1) << size;
      EXPECT_EQ(World().counters["decompressor.response.bad_input"], 1u);
    }
  }
}

TEST(DecompressorTest, NoBodyAtAllIsNoCutOne) {
  Exchange run;
  run.fields(WEIR_RESPONSE) = {{"content-encoding", "gzip"}};
  run.Request(true).Response();
  EXPECT_EQ(run.Data(WEIR_RESPONSE, "", true), WEIR_CONTINUE);
  EXPECT_EQ(run.stream.resets, 0);
}

TEST(DecompressorTest, ABadRequestBodyIsAnsweredWith400) {
  Exchange run;
  run.fields(WEIR_REQUEST) = {{"content-encoding", "gzip"}};
  run.Request();
  run.Data(WEIR_REQUEST, "this is no gzip", false);
  EXPECT_EQ(run.stream.reply_status, 400u);
  EXPECT_EQ(run.stream.reply_details, "decompressor_bad_input");
}

TEST(DecompressorTest, ABodyOfWhichMuchComesIsPassedOnInSteps) {
  const std::string body(10 << 20, 'x');
  for (const Coding coding : {Coding::kGzip, Coding::kBrotli, Coding::kZstd}) {
    Exchange run(
        "libraries: [{name: gzip, typed_config: {max_inflate_ratio: 1000000}},"
        "{name: br, typed_config: {max_inflate_ratio: 1000000}},"
        "{name: zstd, typed_config: {max_inflate_ratio: 1000000}}]");
    run.fields(WEIR_RESPONSE) = {{"content-encoding", std::string(CodingName(coding))}};
    run.Request(true).Response();
    EXPECT_EQ(run.Data(WEIR_RESPONSE, Encode(coding, body), true), WEIR_STOP_WATERMARK);
    run.stream.messages[WEIR_RESPONSE].inject_room = 300000;
    EXPECT_GT(run.Pump(WEIR_RESPONSE), 20);
    EXPECT_EQ(run.stream.resumes, 1);
    EXPECT_TRUE(run.passed == body) << run.passed.size();
    EXPECT_EQ(World().counters["decompressor.response.total_uncompressed_bytes"], body.size());
  }
}

TEST(DecompressorTest, WhatComesWhileItIsBusyWaitsItsTurn) {
  const std::string body = std::string(1 << 20, 'x') + "the end";
  const std::string in = Encode(Coding::kGzip, body);
  Exchange run("libraries: [{name: gzip, typed_config: {max_inflate_ratio: 10000}}]");
  run.fields(WEIR_RESPONSE) = {{"content-encoding", "gzip"}};
  run.Request(true).Response();
  const std::size_t most = in.size() - 5;
  EXPECT_EQ(run.Data(WEIR_RESPONSE, in.substr(0, most), false), WEIR_STOP_WATERMARK);
  EXPECT_EQ(run.Data(WEIR_RESPONSE, in.substr(most), true), WEIR_STOP_WATERMARK);
  run.Pump(WEIR_RESPONSE);
  EXPECT_TRUE(run.passed == body);
  EXPECT_EQ(run.stream.resumes, 1);
}

TEST(DecompressorTest, ABombIsAnsweredWith413AndCounted) {
  Exchange run;
  run.fields(WEIR_REQUEST) = {{"content-encoding", "gzip"}};
  run.Request();
  run.Data(WEIR_REQUEST, Encode(Coding::kGzip, std::string(20 << 20, '\0')), true);
  run.Pump(WEIR_REQUEST);
  EXPECT_EQ(run.stream.reply_status, 413u);
  EXPECT_EQ(World().counters["decompressor.request.too_large"], 1u);
  EXPECT_LT(run.passed.size(), 3u << 20);
}

TEST(DecompressorTest, ABombInAnAnswerIsAReset) {
  Exchange run;
  run.fields(WEIR_RESPONSE) = {{"content-encoding", "zstd"}};
  run.Request(true).Response();
  run.Data(WEIR_RESPONSE, Encode(Coding::kZstd, std::string(20 << 20, '\0')), true);
  run.Pump(WEIR_RESPONSE);
  EXPECT_EQ(run.stream.resets, 1);
  EXPECT_EQ(run.stream.resumes, 0);
}

TEST(DecompressorTest, AnAbsoluteBoundHoldsForAnyRatio) {
  Exchange run("libraries: [gzip]\nrequest_direction_config: {max_decompressed_bytes: 10}");
  run.fields(WEIR_REQUEST) = {{"content-encoding", "gzip"}};
  run.Request();
  run.Data(WEIR_REQUEST, Encode(Coding::kGzip, "eleven byte"), true);
  EXPECT_EQ(run.stream.reply_status, 413u);
  Exchange fits("libraries: [gzip]\nrequest_direction_config: {max_decompressed_bytes: 11}");
  fits.fields(WEIR_REQUEST) = {{"content-encoding", "gzip"}};
  fits.Request();
  EXPECT_EQ(fits.Data(WEIR_REQUEST, Encode(Coding::kGzip, "eleven byte"), true), WEIR_CONTINUE);
}

TEST(DecompressorTest, ItsTimersGoWithTheStream) {
  {
    Exchange run("libraries: [{name: gzip, typed_config: {max_inflate_ratio: 10000}}]");
    run.fields(WEIR_RESPONSE) = {{"content-encoding", "gzip"}};
    run.Request(true).Response();
    run.Data(WEIR_RESPONSE, Encode(Coding::kGzip, std::string(1 << 20, 'x')), true);
    EXPECT_EQ(World().timers(), 1u);
  }
  EXPECT_EQ(World().timers(), 0u);
}

TEST(DecompressorConfigTest, EnvoysFormIsUnderstood) {
  const FakeConfig config = Load(R"(
decompressor_library:
  name: basic
  typed_config:
    "@type": type.googleapis.com/envoy.extensions.compression.gzip.decompressor.v3.Gzip
    window_bits: 10
    chunk_size: 4096
request_direction_config:
  common_config: {enabled: {default_value: false, runtime_key: request_decompressor_enabled}}
)");
  EXPECT_TRUE(config.ok()) << config.errors();
}

TEST(DecompressorConfigTest, MistakesAreNamed) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "needs decompressor_library or libraries"},
      {"libraries: [gzip, gzip]", "stands twice"},
      {"libraries: [deflate]", "\"deflate\" is none of"},
      {"decompressor_library: {name: gzip, typed_config: {window_bits: 8}}", "9"},
      {"decompressor_library: {name: zstd, typed_config: {dictionaries: []}}", "dictionaries"},
      {"libraries: [gzip]\nresponse_direction_config: {advertise_accept_encoding: true}",
       "advertise_accept_encoding"},
  };
  for (const auto& [yaml, expected] : cases) {
    const FakeConfig config = Load(yaml);
    EXPECT_FALSE(config.ok()) << yaml;
    EXPECT_THAT(config.errors(), HasSubstr(expected)) << yaml;
  }
  EXPECT_FALSE(Load("libraries: [gzip]", true).ok());
}

}  // namespace
}  // namespace weir::filters
