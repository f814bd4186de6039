#include <string>
#include <vector>

#include "plugins/kit/fake_config.h"
#include "plugins/kit/fake_host.h"
#include "plugins/kit/fake_logger.h"
#include "plugins/kit/fake_stream.h"
#include "plugins/kit/trial.h"

namespace weir::kit {
namespace {

const weir_access_logger_api& Api(const Subject& subject) {
  return subject.As<weir_access_logger_api>();
}

FakeConfig Given(const Subject& subject, Verdict* verdict) {
  FakeConfig config = FakeConfig::Logger(Api(subject), subject.config);
  if (!config.ok()) verdict->Fail("refuses the configuration that was given:\n" + config.errors());
  return config;
}

// Logs one stream and looks at the lines.
void LogOne(const Subject& subject, void* config, FakeHttpStream* stream, Verdict* verdict) {
  const std::int32_t status = Api(subject).log(config, stream->handle(), WEIR_LOG_STREAM_END);
  if (status < 0 && !World().full) {
    verdict->Fail("log answers " + std::to_string(status) + " for an ordinary stream");
  }
  if (ForgetFakeLines() > 0) {
    verdict->Fail("writes what is no whole line of at most 65,000 bytes");
  }
  stream->End();
  ForgetNotes();
}

void Configs(const Subject& subject, Verdict* verdict) {
  Given(subject, verdict);
  std::vector<std::string> all = BrokenConfigs(subject.config);
  all.emplace_back();
  for (const std::string& yaml : all) {
    const FakeConfig config = FakeConfig::Logger(Api(subject), yaml);
    FakeHttpStream stream;
    Verdict own([](char, const std::string&) {});
    if (config.ok()) LogOne(subject, config.get(), &stream, &own);
  }
}

void Streams(const Subject& subject, Verdict* verdict) {
  const FakeConfig config = Given(subject, verdict);
  if (!config.ok()) return;
  for (const char* value : {"", "plain", "\x80\xff \"quoted\" \\ \t"}) {
    for (const std::size_t repeat : {1, 6000}) {
      std::string text;
      for (std::size_t i = 0; i < repeat; ++i) text += value;
      FakeHttpStream stream;
      for (auto& [name, start] : stream.start) start = text;
      for (FakeMessage& message : stream.messages) {
        message.fields = {{"user-agent", text}, {"referer", text}, {"x-forwarded-for", text}};
      }
      stream.status = text.empty() ? 0 : 200;
      if (!text.empty()) {
        for (std::uint32_t id = 1; id < 30; ++id) stream.attributes[id] = text.substr(0, 300);
        for (std::uint32_t id = 1; id < 19; ++id) stream.numbers[id] = INT64_MAX;
      }
      // A line that is too long for the sink may be given up.
      World().full = false;
      Verdict own([](char, const std::string&) {});
      LogOne(subject, config.get(), &stream, text.size() > 60000 ? &own : verdict);
    }
  }
}

void OtherTypesAndFullSinks(const Subject& subject, Verdict* verdict) {
  const FakeConfig config = Given(subject, verdict);
  if (!config.ok()) return;
  FakeHttpStream stream;
  if (Api(subject).log(config.get(), stream.handle(), 99) < 0) {
    verdict->Fail("log fails for a type that it does not know: it is to ignore it");
  }
  for (const auto& [path, lines] : FakeLines()) {
    if (!lines.empty()) verdict->Fail("log writes a line for a type that it does not know");
  }
  World().full = true;
  LogOne(subject, config.get(), &stream, verdict);
  World().full = false;
}

void Leaks(const Subject& subject, Verdict* verdict) {
  const FakeConfig config = Given(subject, verdict);
  if (!config.ok()) return;
  CheckGrowth(
      "stream", 1000,
      [&] {
        FakeHttpStream stream;
        LogOne(subject, config.get(), &stream, verdict);
      },
      verdict);
}

void Workers(const Subject& subject, Verdict* verdict) {
  const FakeConfig config = Given(subject, verdict);
  if (!config.ok()) return;
  RunWorkers(subject, verdict, [&](std::uint32_t) {
    Verdict own([](char, const std::string&) {});
    for (int i = 0; i < 1000; ++i) {
      FakeHttpStream stream;
      LogOne(subject, config.get(), &stream, &own);
    }
  });
}

}  // namespace

std::vector<Case> LoggerCases() {
  return {{"takes the configuration that was given, and lives with wrong ones", Configs},
          {"streams with nothing, with much and with strange bytes", Streams},
          {"other types, and a sink without room", OtherTypesAndFullSinks},
          {"memory is given back", Leaks},
          {"several workers at a time", Workers}};
}

}  // namespace weir::kit
