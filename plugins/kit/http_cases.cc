#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "plugins/kit/fake_config.h"
#include "plugins/kit/http_run.h"
#include "plugins/kit/trial.h"

namespace weir::kit {
namespace {

constexpr char kText[] = "{\"text\": \"The quick brown fox jumps over the lazy dog.\", \"n\": 7}\n";
constexpr std::size_t kTextSize = sizeof kText - 1;

const weir_http_filter_api& Api(const Subject& subject) {
  return subject.As<weir_http_filter_api>();
}

// The configuration that was given; a case that needs one fails without.
FakeConfig Given(const Subject& subject, Verdict* verdict) {
  FakeConfig config = FakeConfig::Http(Api(subject), subject.config);
  if (!config.ok()) {
    verdict->Fail(subject.config.empty()
                      ? "refuses to be without a configuration: give a file\n" + config.errors()
                      : "refuses the configuration that was given:\n" + config.errors());
  }
  return config;
}

// ---- Configuration

void ConfigGiven(const Subject& subject, Verdict* verdict) {
  for (int i = 0; i < 3; ++i) {
    if (!Given(subject, verdict).ok()) return;
  }
}

void ConfigWrong(const Subject& subject, Verdict* verdict) {
  const auto load = [&](const std::string& yaml, bool per_route) {
    const FakeConfig config = FakeConfig::Http(Api(subject), yaml, per_route);
    if (config.errors().find("gave no reason") != std::string::npos) {
      verdict->Note("refuses a configuration without saying why: " + yaml.substr(0, 60));
    }
    if (!config.ok() || per_route) return;
    // What it accepts, it must be able to use.
    HttpRun run(Api(subject), config.get(), verdict);
    run.set_failures_are_right();
    run.Run(OrdinaryScript(kText, kText));
  };
  load("", false);
  load("", true);
  load(subject.config, true);
  for (const std::string& yaml : BrokenConfigs(subject.config)) {
    load(yaml, false);
    load(yaml, true);
  }
  if (FakeConfig::Http(Api(subject), "{no_such_key_of_the_kit: 1}").ok()) {
    verdict->Note("takes a key that nobody can know: mistakes in key names are not found");
  }
}

void ConfigValidating(const Subject& subject, Verdict* verdict) {
  World().validating = true;
  const FakeConfig config = Given(subject, verdict);
  CheckNothingLeft("where a configuration is only looked at (weir_host.validating)", verdict);
}

void ConfigLeaks(const Subject& subject, Verdict* verdict) {
  // Names of counters are the fake host's to keep: fewer rounds than streams.
  CheckGrowth(
      "configuration", 300, [&] { FakeConfig::Http(Api(subject), subject.config); }, verdict);
}

// ---- Streams

// One direction of a stream in each shape that it can have.
std::vector<Script> Shapes(Step::Kind headers, Step::Kind data, Step::Kind trailers) {
  const std::string text = kText;
  return {{{headers, true, {}}},
          {{headers, false, {}}, {data, true, text}},
          {{headers, false, {}}, {data, false, text}, {data, false, text}, {data, true, {}}},
          {{headers, false, {}}, {data, false, text}, {trailers, false, {}}},
          {{headers, false, {}}, {trailers, false, {}}},
          {{headers, false, {}}, {data, true, {}}}};
}

// Every legal order of hooks: each shape of a request with each of a response, with interim
// responses or none, the response after the request or as early as it can come.
std::vector<Script> Orders() {
  std::vector<Script> orders;
  for (const Script& request :
       Shapes(Step::kRequestHeaders, Step::kRequestData, Step::kRequestTrailers)) {
    for (const Script& response :
         Shapes(Step::kResponseHeaders, Step::kResponseData, Step::kResponseTrailers)) {
      for (int interims = 0; interims <= 2; ++interims) {
        Script after = request;
        after.insert(after.end(), static_cast<std::size_t>(interims), {Step::kInterim, false, {}});
        after.insert(after.end(), response.begin(), response.end());
        orders.push_back(after);
        Script early = {request[0]};
        early.insert(early.end(), static_cast<std::size_t>(interims), {Step::kInterim, false, {}});
        // With the end of the response the stream is over.
        for (std::size_t i = 0; i < response.size(); ++i) {
          if (i > 0 && i < request.size()) early.push_back(request[i]);
          early.push_back(response[i]);
        }
        orders.push_back(early);
      }
    }
  }
  return orders;
}

void EveryOrder(const Subject& subject, Verdict* verdict) {
  const FakeConfig config = Given(subject, verdict);
  if (!config.ok()) return;
  for (const Script& script : Orders()) {
    HttpRun run(Api(subject), config.get(), verdict);
    run.Run(script);
    ForgetNotes();
  }
}

// A body in pieces: cut at `at`, or in pieces of `step` bytes, with an empty end or without.
Script InPieces(const std::vector<std::string>& pieces, bool empty_end) {
  Script script = {RequestHeaders(false)};
  const auto body = [&](Step::Kind kind) {
    for (const std::string& piece : pieces) script.push_back({kind, false, piece});
    if (empty_end) {
      script.push_back({kind, true, {}});
    } else {
      script.back().end = true;
    }
  };
  body(Step::kRequestData);
  script.push_back({Step::kResponseHeaders, false, {}});
  body(Step::kResponseData);
  return script;
}

std::vector<std::vector<std::string>> Splits() {
  const std::string text = kText;
  std::vector<std::vector<std::string>> splits = {{text}};
  for (std::size_t at = 0; at <= kTextSize; ++at) {
    splits.push_back({text.substr(0, at), text.substr(at)});
  }
  for (std::size_t size : {1u, 3u, 16u}) {
    std::vector<std::string> pieces;
    for (std::size_t at = 0; at < kTextSize; at += size) pieces.push_back(text.substr(at, size));
    splits.push_back(pieces);
  }
  return splits;
}

// Whether a filter decides by how a body came, and not by chance or by what came before: asked
// again in turns, it says the same of each.
bool DecidesBySplit(const Subject& subject, void* config, const Script& whole,
                    const Script& split) {
  Verdict quiet([](char, const std::string&) {});
  int first[2] = {0, 0};
  for (int turn = 0; turn < 4; ++turn) {
    int outcomes[2] = {0, 0};
    for (int i = 0; i < 2; ++i) {
      HttpRun run(Api(subject), config, &quiet);
      run.Run(i == 0 ? whole : split);
      outcomes[i] = run.outcome();
      if (turn == 0) first[i] = outcomes[i];
      if (outcomes[i] != first[i]) return false;
    }
    if (outcomes[0] == outcomes[1]) return false;
  }
  return true;
}

void EverySplit(const Subject& subject, Verdict* verdict) {
  const FakeConfig config = Given(subject, verdict);
  if (!config.ok()) return;
  std::vector<std::string> whole;
  int outcome = 0;
  for (const auto& pieces : Splits()) {
    for (const bool empty_end : {false, true}) {
      HttpRun run(Api(subject), config.get(), verdict);
      run.Run(InPieces(pieces, empty_end));
      const std::vector<std::string> passed = {run.passed(WEIR_REQUEST), run.passed(WEIR_RESPONSE)};
      if (whole.empty()) {
        whole = passed;
        outcome = run.outcome();
      } else if (run.outcome() != outcome) {
        if (!DecidesBySplit(subject, config.get(), InPieces({kText}, false),
                            InPieces(pieces, empty_end))) {
          continue;
        }
        verdict->Fail("decides otherwise when the same body comes in other pieces: " +
                      std::to_string(outcome) + " for one piece, " + std::to_string(run.outcome()) +
                      " for " + std::to_string(pieces.size()) +
                      " (0: it goes on; -1: it ends; else the status of a local reply)");
      } else if (passed != whole) {
        verdict->Note(
            "what goes on of a body depends on how it came in pieces: right for a compressor, "
            "wrong for most others");
      }
      ForgetNotes();
    }
  }
}

void ResetAnywhere(const Subject& subject, Verdict* verdict) {
  const FakeConfig config = Given(subject, verdict);
  if (!config.ok()) return;
  for (const Script& script : Orders()) {
    for (std::size_t count = 0; count <= script.size(); ++count) {
      HttpRun run(Api(subject), config.get(), verdict);
      run.RunAndReset(script, count);
    }
    ForgetNotes();
  }
}

// Empty, missing and very large: whatever may be in a message.
void StrangeMessages(const Subject& subject, Verdict* verdict) {
  const FakeConfig config = Given(subject, verdict);
  if (!config.ok()) return;
  const std::string huge(60000, 'x');
  const std::string odd = "\x80\xff\t\"'<>%00\\";
  const auto run = [&](auto change) {
    for (const Script& script :
         {OrdinaryScript({}, {}), OrdinaryScript(kText, kText),
          OrdinaryScript(std::string(1 << 20, '\xff'), std::string(1 << 20, '\0'))}) {
      HttpRun one(Api(subject), config.get(), verdict);
      one.set_failures_are_right();  // it may refuse them, and live
      change(&one.stream());
      one.Run(script);
      ForgetNotes();
    }
  };
  run([](FakeHttpStream* s) {
    for (FakeMessage& message : s->messages) message.fields.clear();
    for (auto& [name, value] : s->start) value.clear();
    s->attributes.clear();
    s->numbers.clear();
  });
  run([&](FakeHttpStream* s) {
    for (FakeMessage& message : s->messages) {
      for (auto& [name, value] : message.fields) value = huge;
    }
    for (auto& [name, value] : s->start) value = "/" + huge;
  });
  run([&](FakeHttpStream* s) {
    for (FakeMessage& message : s->messages) {
      for (auto& [name, value] : message.fields) value = odd;
      for (int i = 0; i < 100; ++i) message.fields.emplace_back("x-many", i % 2 == 0 ? "" : odd);
    }
    for (auto& [name, value] : s->start) value = "/?" + odd;
  });
  run([](FakeHttpStream* s) {
    s->start = {{":method", "CONNECT"}, {":authority", "a:1"}, {":path", ""}, {":protocol", "x"}};
    s->status = 599;
  });
}

void FailingHost(const Subject& subject, Verdict* verdict) {
  const FakeConfig config = Given(subject, verdict);
  if (!config.ok()) return;
  for (const std::int32_t failure : {WEIR_ERROR, WEIR_REFUSED, WEIR_NO_ROOM, WEIR_OK}) {
    for (const bool full : {false, true}) {
      for (const Script& script : Orders()) {
        World().full = full;
        HttpRun run(Api(subject), config.get(), verdict);
        run.set_failures_are_right();
        run.stream().failure = failure;
        run.Run(script);
        World().full = false;
        ForgetNotes();
      }
    }
  }
}

void FailingCallouts(const Subject& subject, Verdict* verdict) {
  const FakeConfig config = Given(subject, verdict);
  if (!config.ok()) return;
  for (const Cluster cluster :
       {Cluster::kOk, Cluster::kForbidden, Cluster::kError, Cluster::kTimeout, Cluster::kRefused,
        Cluster::kCut, Cluster::kHuge}) {
    for (const Script& script : Orders()) {
      HttpRun run(Api(subject), config.get(), verdict);
      run.set_cluster(cluster);
      run.Run(script);
      ForgetNotes();
    }
  }
}

// ---- Resources

void Leaks(const Subject& subject, Verdict* verdict) {
  const FakeConfig config = Given(subject, verdict);
  if (!config.ok()) return;
  const auto timers = World().timers();
  const Script scripts[] = {OrdinaryScript(kText, kText), OrdinaryScript({}, {})};
  int number = 0;
  CheckGrowth(
      "stream", 1000,
      [&] {
        HttpRun run(Api(subject), config.get(), verdict);
        if (++number % 3 == 0) {
          run.RunAndReset(scripts[0], static_cast<std::size_t>(number % 4));
        } else {
          run.Run(scripts[number % 2]);
        }
        ForgetNotes();
      },
      verdict);
  if (World().timers() > timers + 100) {
    verdict->Fail("makes timers for streams and does not free them: " +
                  std::to_string(World().timers()) + " after 3,000 streams");
  }
}

void SlowHooks(const Subject& subject, Verdict* verdict) {
  const FakeConfig config = Given(subject, verdict);
  if (!config.ok()) return;
  const Script script = InPieces({kText, kText}, false);
  std::vector<std::uint64_t> best;
  // The best of five, for the machine may be busy.
  for (int i = 0; i < 5; ++i) {
    HttpRun run(Api(subject), config.get(), verdict);
    run.Run(script);
    if (best.size() < run.times().size()) best.resize(run.times().size(), UINT64_MAX);
    for (std::size_t at = 0; at < run.times().size(); ++at) {
      best[at] = std::min(best[at], run.times()[at]);
    }
  }
  for (std::size_t at = 0; at < best.size(); ++at) {
    if (best[at] <= kSlowHookUs) continue;
    verdict->Fail(std::string(HttpRun::HookName(script[at].kind)) + " takes " +
                  std::to_string(best[at] / 1000) + " ms, each time: the worker and all its " +
                  "connections stand still for it (more than " +
                  std::to_string(kSlowHookUs / 1000) + " ms is slow)");
  }
}

void SeveralWorkers(const Subject& subject, Verdict* verdict) {
  const FakeConfig config = Given(subject, verdict);
  if (!config.ok()) return;
  std::vector<Script> orders = Orders();
  RunWorkers(subject, verdict, [&](std::uint32_t number) {
    Verdict own([](char, const std::string&) {});
    for (std::size_t i = 0; i < 3 * orders.size(); ++i) {
      HttpRun run(Api(subject), config.get(), &own);
      run.set_failures_are_right();
      run.Run(orders[(i + number * 7) % orders.size()]);
      if (own.failed()) return;
      ForgetNotes();
    }
  });
}

}  // namespace

std::vector<Case> HttpCases() {
  return {{"takes the configuration that was given", ConfigGiven},
          {"refuses wrong configurations and lives", ConfigWrong},
          {"starts nothing for a configuration that is only looked at", ConfigValidating},
          {"gives configurations back", ConfigLeaks},
          {"every hook, in every order that can come", EveryOrder},
          {"bodies in every split", EverySplit},
          {"a reset after each step", ResetAnywhere},
          {"empty and huge messages", StrangeMessages},
          {"a host whose functions fail", FailingHost},
          {"call-outs that fail, are slow, or are cut", FailingCallouts},
          {"memory and timers are given back", Leaks},
          {"no slow hook", SlowHooks},
          {"several workers at a time", SeveralWorkers}};
}

}  // namespace weir::kit
