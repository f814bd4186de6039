#include "core/http/filter_chain.h"

#include <algorithm>
#include <random>
#include <string>

#include <gtest/gtest.h>

#include "tests/support/scripted_filters.h"

namespace weir::http {
namespace {

using test::ChainOwner;
using test::FilterScript;

const weir_http_api& api() {
  return *HttpFilterHostTable();
}

std::string Body(weir_stream* stream, uint32_t which) {
  std::string text;
  while (text.size() < api().body_size(stream, which)) {
    const weir_view piece = api().body_piece(stream, which, text.size());
    text.append(piece.data, piece.size);
  }
  return text;
}

int32_t Append(weir_stream* stream, uint32_t which, std::string_view text) {
  return api().body_append(stream, which, View(text));
}

// A filter that sees everything, lets everything pass and writes down what it saw.
FilterScript Watcher(std::string* log, std::string name) {
  FilterScript s;
  s.request_headers = [=](weir_stream*, bool end) {
    return *log += name + (end ? "h! " : "h "), WEIR_CONTINUE;
  };
  s.request_data = [=](weir_stream* x, bool end) {
    return *log += name + "d" + Body(x, WEIR_REQUEST) + (end ? "! " : " "), WEIR_CONTINUE;
  };
  s.request_trailers = [=](weir_stream*) { return *log += name + "t ", WEIR_CONTINUE; };
  s.response_headers = [=](weir_stream*, bool end) {
    return *log += name + (end ? "H! " : "H "), WEIR_CONTINUE;
  };
  s.response_data = [=](weir_stream* x, bool end) {
    return *log += name + "D" + Body(x, WEIR_RESPONSE) + (end ? "! " : " "), WEIR_CONTINUE;
  };
  s.response_trailers = [=](weir_stream*) { return *log += name + "T ", WEIR_CONTINUE; };
  s.response_interim = [=](weir_stream*) { return *log += name + "I ", WEIR_CONTINUE; };
  return s;
}

class FilterChainTest : public testing::Test {
 protected:
  // A filter whose two directions answer these statuses, and which can be resumed by its ticket.
  FilterScript Stopper(int32_t headers, int32_t data, int32_t trailers = WEIR_CONTINUE) {
    FilterScript s;
    s.request_headers = [=, this](weir_stream* x, bool) { return stream_ = x, headers; };
    s.response_headers = [=, this](weir_stream* x, bool) { return stream_ = x, headers; };
    s.request_data = [=, this](weir_stream* x, bool) { return seen_ += Body(x, 0) + "|", data; };
    s.response_data = [=, this](weir_stream* x, bool) { return seen_ += Body(x, 1) + "|", data; };
    s.request_trailers = [=, this](weir_stream*) { return ++trailers_seen_, trailers; };
    s.response_trailers = [=, this](weir_stream*) { return ++trailers_seen_, trailers; };
    return s;
  }
  void Resume(uint32_t which) {
    EXPECT_EQ(api().resume(api().ticket(stream_), which), WEIR_OK);
    owner_.Deferred();
  }

  ChainOwner owner_;
  std::string log_;
  weir_stream* stream_ = nullptr;
  std::string seen_;
  int trailers_seen_ = 0;
};

class BothDirections : public FilterChainTest, public testing::WithParamInterface<Direction> {
 protected:
  Direction d() const { return GetParam(); }
  std::string& out() { return owner_.out[d()]; }
  void Resume() { FilterChainTest::Resume(d()); }
};
INSTANTIATE_TEST_SUITE_P(Direction, BothDirections, testing::Values(kRequest, kResponse),
                         [](const auto& i) {
                           return std::string(i.param == kRequest ? "Request" : "Response");
                         });

TEST_F(FilterChainTest, RequestsPassInOrderAndResponsesInReverse) {
  FilterScript a = Watcher(&log_, "a"), b = Watcher(&log_, "b");
  FilterChain& chain = owner_.Make({&a, &b});
  chain.Headers(kRequest, false);
  owner_.Data(kRequest, "x");
  chain.Trailers(kRequest);
  chain.Interim();
  chain.Headers(kResponse, false);
  owner_.Data(kResponse, "y", true);
  EXPECT_EQ(log_, "ah bh adx bdx at bt bI aI bH aH bDy! aDy! ");
  EXPECT_EQ(owner_.out[kRequest], "H[x]T");
  EXPECT_EQ(owner_.out[kResponse], "H[y]!");
}

TEST_P(BothDirections, AnEmptyChainPassesAllOn) {
  FilterChain& chain = owner_.Make({});
  chain.Headers(d(), false);
  owner_.Data(d(), "x");
  chain.Trailers(d());
  EXPECT_EQ(out(), "H[x]T");
}

TEST_P(BothDirections, AFilterWithoutHooksIsPassedBy) {
  FilterScript none;
  std::string log;
  FilterScript last = Watcher(&log, "l");
  FilterChain& chain = owner_.Make({&none, &last, &none});
  chain.Headers(d(), false);
  owner_.Data(d(), "x", true);
  EXPECT_EQ(out(), "H[x]!");
}

TEST_P(BothDirections, StoppedHeadersStayWhileTheFilterSeesTheBodyAndGoFirst) {
  FilterScript s = Stopper(WEIR_STOP, WEIR_STOP);
  FilterChain& chain = owner_.Make({&s});
  chain.Headers(d(), false);
  owner_.Data(d(), "one");
  owner_.Data(d(), "two", true);
  EXPECT_EQ(out(), "");
  EXPECT_EQ(seen_, "one|onetwo|");
  Resume();
  EXPECT_EQ(out(), "H[onetwo]!");
}

TEST_P(BothDirections, DataThatContinuesReleasesTheHeadersBeforeIt) {
  FilterScript s = Stopper(WEIR_STOP, WEIR_CONTINUE);
  FilterChain& chain = owner_.Make({&s});
  chain.Headers(d(), false);
  owner_.Data(d(), "one");
  EXPECT_EQ(out(), "H[one]");
  owner_.Data(d(), "two", true);
  EXPECT_EQ(out(), "H[one][two]!");
}

TEST_P(BothDirections, StopAllShowsNothingUntilResumeAndThenTheBodyToThisFilter) {
  FilterScript s = Stopper(WEIR_STOP_ALL, WEIR_CONTINUE);
  FilterChain& chain = owner_.Make({&s});
  chain.Headers(d(), false);
  owner_.Data(d(), "one");
  owner_.Data(d(), "two");
  chain.Trailers(d());
  EXPECT_EQ(out() + seen_, "");
  EXPECT_EQ(trailers_seen_, 0);
  Resume();
  EXPECT_EQ(out(), "H[onetwo]T");
  EXPECT_EQ(seen_, "onetwo|");
  EXPECT_EQ(trailers_seen_, 1);
}

TEST_P(BothDirections, StoppedHeadersWithTheEndGoOnWithIt) {
  FilterScript s = Stopper(WEIR_STOP_ALL, WEIR_CONTINUE);
  owner_.Make({&s}).Headers(d(), true);
  Resume();
  EXPECT_EQ(out(), "H!");
}

TEST_P(BothDirections, BufferedDataIsShownWholeWithWhatComesNext) {
  FilterScript s = Stopper(WEIR_CONTINUE, WEIR_STOP);
  FilterChain& chain = owner_.Make({&s});
  chain.Headers(d(), false);
  EXPECT_EQ(out(), "H");
  for (const char* piece : {"a", "b", "c"}) owner_.Data(d(), piece);
  owner_.Data(d(), "", true);
  EXPECT_EQ(seen_, "a|ab|abc|abc|");
  EXPECT_EQ(out(), "H");
  Resume();
  EXPECT_EQ(out(), "H[abc]!");
}

TEST_P(BothDirections, TrailersThatContinueReleaseWhatWasHeldBeforeThem) {
  FilterScript s = Stopper(WEIR_STOP, WEIR_STOP, WEIR_CONTINUE);
  FilterChain& chain = owner_.Make({&s});
  chain.Headers(d(), false);
  owner_.Data(d(), "body");
  chain.Trailers(d());
  EXPECT_EQ(out(), "H[body]T");
}

TEST_P(BothDirections, StoppedTrailersAreShownOnceAndGoOnAtResume) {
  for (const int32_t headers : {WEIR_CONTINUE, WEIR_STOP}) {
    for (const int32_t data : {WEIR_CONTINUE, WEIR_STOP}) {
      ChainOwner owner;
      trailers_seen_ = 0;
      FilterScript s = Stopper(headers, data, WEIR_STOP);
      FilterChain& chain = owner.Make({&s});
      chain.Headers(d(), false);
      owner.Data(d(), "body");
      chain.Trailers(d());
      EXPECT_EQ(owner.out[d()].find('T'), std::string::npos);
      api().resume(api().ticket(stream_), d());
      owner.Deferred();
      EXPECT_EQ(owner.out[d()], "H[body]T") << headers << data;
      EXPECT_EQ(trailers_seen_, 1) << headers << data;
    }
  }
}

TEST_P(BothDirections, StopAllFromADataHookDoesNotSendTheHeadersTwice) {
  FilterScript s = Stopper(WEIR_CONTINUE, WEIR_STOP_ALL);
  FilterChain& chain = owner_.Make({&s});
  chain.Headers(d(), false);
  owner_.Data(d(), "x", true);
  Resume();
  EXPECT_EQ(out(), "H[x]!");
}

TEST_P(BothDirections, StopWatermarkFromAHeadersHookDoesNotLoseTheHeaders) {
  FilterScript s = Stopper(WEIR_STOP_WATERMARK, WEIR_CONTINUE);
  FilterChain& chain = owner_.Make({&s});
  chain.Headers(d(), false);
  owner_.Data(d(), "x", true);
  EXPECT_EQ(out(), "H[x]!");
}

TEST_P(BothDirections, WatermarkUnderStoppedHeadersPausesInPlaceOfFailing) {
  FilterScript s = Stopper(WEIR_STOP, WEIR_STOP_WATERMARK);
  FilterChain& chain = owner_.Make({&s}, 10);
  chain.Headers(d(), false);
  owner_.Data(d(), "0123456789");
  EXPECT_EQ(chain.HeldBytes(d()), 0u) << "up to the limit the sender goes on";
  owner_.Data(d(), "abcdef");
  EXPECT_EQ(chain.HeldBytes(d()), 6u);
  EXPECT_EQ(owner_.overflows[d()], 0);
  Resume();
  EXPECT_EQ(out(), "H[0123456789abcdef]");
  EXPECT_EQ(chain.HeldBytes(d()), 0u);
}

TEST_P(BothDirections, ABufferOverItsLimitIsAnOverflowAndNothingGoesOn) {
  for (const int32_t headers : {WEIR_CONTINUE, WEIR_STOP, WEIR_STOP_ALL}) {
    ChainOwner owner;
    owner.reply_on_failure = false;
    FilterScript s = Stopper(headers, WEIR_STOP);
    FilterScript next = Watcher(&log_, "n");
    FilterChain& chain =
        d() == kRequest ? owner.Make({&s, &next}, 10) : owner.Make({&next, &s}, 10);
    chain.Headers(d(), false);
    log_.clear();
    owner.Data(d(), "0123456789");
    EXPECT_EQ(owner.overflows[d()], 0);
    owner.Data(d(), "x");
    EXPECT_EQ(owner.overflows[d()], 1);
    owner.Data(d(), "more", true);
    chain.Trailers(d());
    api().resume(api().ticket(stream_), d());
    owner.Deferred();
    EXPECT_EQ(log_, "");
    EXPECT_EQ(owner.body[d()], "");
    EXPECT_EQ(owner.overflows[d()], 1);
    EXPECT_EQ(owner.left, 0u) << "what is dropped is taken";
  }
}

TEST_P(BothDirections, ABodyGivenToAMessageWithoutOneFollowsTheHeaders) {
  FilterScript s;
  s.request_headers = s.response_headers = [&](weir_stream* x, bool end) {
    EXPECT_TRUE(end);
    EXPECT_EQ(Append(x, d(), "added"), WEIR_OK);
    return WEIR_CONTINUE;
  };
  FilterScript w = Watcher(&log_, "w");
  if (d() == kRequest) {
    owner_.Make({&s, &w}).Headers(d(), true);
    EXPECT_EQ(log_, "wh wdadded! ");
  } else {
    owner_.Make({&w, &s}).Headers(d(), true);
    EXPECT_EQ(log_, "wH wDadded! ");
  }
  EXPECT_EQ(out(), "H[added]!");
}

TEST_P(BothDirections, ABodyAddedWhileStoppedGoesOnAtResume) {
  FilterScript s = Stopper(WEIR_STOP, WEIR_CONTINUE);
  owner_.Make({&s}).Headers(d(), true);
  EXPECT_EQ(Append(stream_, d(), "late"), WEIR_OK);
  Resume();
  EXPECT_EQ(out(), "H[late]!");
}

TEST_P(BothDirections, BytesAddedBeforeTrailersGoBeforeThem) {
  FilterScript s;
  s.request_trailers =
      s.response_trailers = [&](weir_stream* x) { return Append(x, d(), "tail"), WEIR_CONTINUE; };
  FilterChain& chain = owner_.Make({&s});
  chain.Headers(d(), false);
  owner_.Data(d(), "body");
  chain.Trailers(d());
  EXPECT_EQ(out(), "H[body][tail]T");
}

// ---- The known ways to get this wrong

TEST_P(BothDirections, Pitfall1ResumeWhileNothingIsStoppedDoesNothing) {
  FilterScript s = Stopper(WEIR_CONTINUE, WEIR_STOP);
  FilterChain& chain = owner_.Make({&s});
  chain.Headers(d(), false);
  Resume();
  EXPECT_EQ(out(), "H");
  // Nor does a resume that was asked for too early release what is stopped after it.
  api().resume(api().ticket(stream_), d());
  owner_.Data(d(), "held");
  owner_.Deferred();
  EXPECT_EQ(out(), "H");
  Resume();
  Resume();
  EXPECT_EQ(out(), "H[held]");
}

TEST_P(BothDirections, Pitfall1AResumeInsideTheHookThatStopsCounts) {
  FilterScript s;
  s.request_headers = s.response_headers = [&](weir_stream* x, bool) {
    EXPECT_EQ(api().resume(api().ticket(x), d()), WEIR_OK);
    return WEIR_STOP_ALL;
  };
  owner_.Make({&s}).Headers(d(), true);
  EXPECT_EQ(out(), "");
  owner_.Deferred();
  EXPECT_EQ(out(), "H!");
}

TEST_F(FilterChainTest, Pitfall1ARequestResumeDoesNotSwallowAResponseResume) {
  FilterScript s = Stopper(WEIR_STOP_ALL, WEIR_CONTINUE);
  FilterChain& chain = owner_.Make({&s});
  chain.Headers(kRequest, true);
  chain.Headers(kResponse, true);
  api().resume(api().ticket(stream_), WEIR_REQUEST);
  api().resume(api().ticket(stream_), WEIR_RESPONSE);
  owner_.Deferred();
  EXPECT_EQ(owner_.out[kRequest], "H!");
  EXPECT_EQ(owner_.out[kResponse], "H!");
}

TEST_P(BothDirections, Pitfall2TheBodyIncludesThePresentChunk) {
  std::string last;
  FilterScript s;
  s.request_data = s.response_data = [&](weir_stream* x, bool end) {
    if (end) last = Body(x, d());
    return end ? WEIR_CONTINUE : WEIR_STOP;
  };
  FilterChain& chain = owner_.Make({&s});
  chain.Headers(d(), false);
  owner_.Data(d(), "first ");
  owner_.Data(d(), "last", true);
  EXPECT_EQ(last, "first last");
  EXPECT_EQ(out(), "H[first last]!");
}

TEST_P(BothDirections, Pitfall3AddingOutsideOfAHookWithNothingStoppedIsRefused) {
  FilterScript s = Stopper(WEIR_CONTINUE, WEIR_CONTINUE);
  FilterChain& chain = owner_.Make({&s});
  chain.Headers(d(), false);
  EXPECT_EQ(Append(stream_, d(), "lost"), WEIR_REFUSED);
  owner_.Data(d(), "x", true);
  EXPECT_EQ(Append(stream_, d(), "lost"), WEIR_REFUSED);
  EXPECT_EQ(out(), "H[x]!");
}

TEST_P(BothDirections, Pitfall4AResumedFilterThatAddsAndContinuesLosesNothing) {
  FilterScript s;
  s.request_headers =
      s.response_headers = [&](weir_stream* x, bool) { return stream_ = x, WEIR_STOP; };
  s.request_data = s.response_data = [&](weir_stream* x, bool end) {
    Append(x, d(), "+");
    return end ? WEIR_CONTINUE : WEIR_STOP;
  };
  FilterChain& chain = owner_.Make({&s});
  chain.Headers(d(), false);
  owner_.Data(d(), "one");
  Resume();
  owner_.Data(d(), "two", true);
  EXPECT_EQ(owner_.body[d()], "one+two+");
}

TEST_P(BothDirections, Pitfall5FramesAfterKillReachNobody) {
  FilterScript w = Watcher(&log_, "w");
  FilterChain& chain = owner_.Make({&w});
  chain.Headers(d(), false);
  log_.clear();
  chain.Kill();
  chain.Headers(d(), false);
  owner_.Data(d(), "x", true);
  chain.Trailers(d());
  EXPECT_FALSE(chain.Interim());
  chain.RunResumes();
  EXPECT_EQ(log_, "");
  EXPECT_EQ(out(), "H");
  EXPECT_EQ(owner_.left, 0u);
}

TEST_F(FilterChainTest, Pitfall6AnOverflowReplacesTheResponseAndNothingOfTheOldOneFollows) {
  FilterScript s = Stopper(WEIR_STOP, WEIR_STOP);
  bool first = true;
  s.response_headers = [&](weir_stream* x, bool) {
    stream_ = x;
    return std::exchange(first, false) ? WEIR_STOP : WEIR_CONTINUE;
  };
  FilterChain& chain = owner_.Make({&s}, 4);
  chain.Headers(kResponse, false);
  owner_.Data(kResponse, "too much");
  EXPECT_EQ(owner_.replied, 500u);
  EXPECT_EQ(owner_.out[kResponse], "H!");
  owner_.Data(kResponse, "more");
  Resume(WEIR_RESPONSE);
  EXPECT_EQ(owner_.body[kResponse], "more") << "the owner alone decides what follows a new head";
}

TEST_F(FilterChainTest, Pitfall9ALocalReplyRunsTheResponseHooksAfterTheHookReturned) {
  bool inside = false;
  FilterScript s;
  s.request_headers = [&](weir_stream* x, bool) {
    inside = true;
    EXPECT_EQ(api().local_reply(x, 403, {"no", 2}, nullptr, 0, {nullptr, 0}), WEIR_OK);
    EXPECT_EQ(api().local_reply(x, 200, {"yes", 3}, nullptr, 0, {nullptr, 0}), WEIR_OK);
    inside = false;
    return WEIR_CONTINUE;
  };
  s.response_headers = [&](weir_stream* x, bool) {
    EXPECT_FALSE(inside);
    EXPECT_EQ(api().status(x), 403u);
    log_ += "own ";
    return WEIR_CONTINUE;
  };
  FilterScript later = Watcher(&log_, "l");
  FilterChain& chain = owner_.Make({&s, &later});
  chain.Headers(kRequest, false);
  owner_.Data(kRequest, "x", true);
  EXPECT_EQ(log_, "lH! own ");
  EXPECT_EQ(owner_.replied, 403u);
  EXPECT_EQ(owner_.out[kRequest], "");
}

TEST_P(BothDirections, Pitfall11TheEndIsOnDataOnlyWhenNoTrailersFollow) {
  FilterScript w = Watcher(&log_, "w");
  FilterChain& chain = owner_.Make({&w});
  chain.Headers(d(), false);
  owner_.Data(d(), "x");
  chain.Trailers(d());
  EXPECT_EQ(log_.find('!'), std::string::npos);
  EXPECT_EQ(out(), "H[x]T");
}

// A filter that buffers until the end and does not know of trailers: they must neither pass it by
// nor let it wait for ever.
TEST_P(BothDirections, AFilterWithoutATrailersHookSeesTheEndOfTheBodyWhenTrailersCome) {
  FilterScript s;
  std::string whole;
  s.request_data = s.response_data = [&](weir_stream* x, bool end) {
    if (!end) return WEIR_STOP;
    whole = Body(x, d());
    return WEIR_CONTINUE;
  };
  FilterChain& chain = owner_.Make({&s});
  chain.Headers(d(), false);
  owner_.Data(d(), "attack");
  chain.Trailers(d());
  EXPECT_EQ(whole, "attack");
  EXPECT_EQ(out(), "H[attack]T");
}

TEST_P(BothDirections, TrailersDoNotPassAFilterThatHoldsTheHeaders) {
  FilterScript s;
  s.request_headers =
      s.response_headers = [&](weir_stream* x, bool) { return stream_ = x, WEIR_STOP; };
  FilterChain& chain = owner_.Make({&s});
  chain.Headers(d(), false);
  owner_.Data(d(), "x");
  chain.Trailers(d());
  EXPECT_EQ(out(), "");
  Resume();
  EXPECT_EQ(out(), "H[x]T");
}

TEST_P(BothDirections, LaterFiltersSeeHeadersBeforeData) {
  FilterScript s = Stopper(WEIR_STOP, WEIR_STOP, WEIR_CONTINUE);
  FilterScript w = Watcher(&log_, "w");
  FilterChain& chain = d() == kRequest ? owner_.Make({&s, &w}) : owner_.Make({&w, &s});
  chain.Headers(d(), false);
  owner_.Data(d(), "x");
  EXPECT_EQ(log_, "");
  chain.Trailers(d());
  EXPECT_EQ(log_, d() == kRequest ? "wh wdx wt " : "wH wDx wT ");
}

// ---- Local replies and failures

TEST_P(BothDirections, ALocalReplyFromAnyHookEndsTheDirectionForAll) {
  for (const char* where : {"headers", "data", "trailers"}) {
    ChainOwner owner;
    log_.clear();
    bool done = false;
    const auto reply = [&](weir_stream* x, bool here) {
      if (here && !std::exchange(done, true)) api().local_reply(x, 403, {}, nullptr, 0, {});
      return WEIR_CONTINUE;
    };
    FilterScript s;
    s.request_headers =
        s.response_headers = [&](weir_stream* x, bool) { return reply(x, where[0] == 'h'); };
    s.request_data =
        s.response_data = [&](weir_stream* x, bool) { return reply(x, where[0] == 'd'); };
    s.request_trailers =
        s.response_trailers = [&](weir_stream* x) { return reply(x, where[0] == 't'); };
    FilterChain& chain = owner.Make({&s});
    chain.Headers(d(), false);
    owner.Data(d(), "one");
    chain.Trailers(d());
    EXPECT_EQ(owner.replied, 403u) << where;
    EXPECT_EQ(owner.out[kResponse].substr(owner.out[kResponse].rfind('H')).substr(0, 2), "H!")
        << where;
    if (d() == kRequest) {
      EXPECT_EQ(owner.out[kRequest].find('T'), std::string::npos) << where;
    }
  }
}

// The reply comes from a filter behind one that gave the message a body: the body must not go on.
TEST_F(FilterChainTest, ALocalReplyInsideANestedPassStopsTheOuterOne) {
  FilterScript adds;
  adds.request_headers = [&](weir_stream* x, bool) {
    return Append(x, WEIR_REQUEST, "added"), WEIR_CONTINUE;
  };
  FilterScript denies = Watcher(&log_, "x");
  denies.request_headers = [&](weir_stream* x, bool) {
    api().local_reply(x, 403, {}, nullptr, 0, {});
    return WEIR_CONTINUE;
  };
  owner_.Make({&adds, &denies}).Headers(kRequest, true);
  EXPECT_EQ(owner_.replied, 403u);
  EXPECT_EQ(owner_.out[kRequest], "");
  EXPECT_EQ(log_, "xH! ");
}

TEST_F(FilterChainTest, AFilterThatIsResumedAfterTheAnswerSendsNothing) {
  FilterScript s = Stopper(WEIR_STOP_ALL, WEIR_CONTINUE);
  s.response_headers = nullptr;
  FilterChain& chain = owner_.Make({&s});
  chain.Headers(kRequest, true);
  EXPECT_EQ(api().local_reply(stream_, 504, {}, nullptr, 0, {}), WEIR_OK);
  EXPECT_EQ(api().resume(api().ticket(stream_), WEIR_REQUEST), WEIR_OK);
  owner_.Deferred();
  owner_.Deferred();
  EXPECT_EQ(owner_.out[kRequest], "");
  EXPECT_EQ(owner_.out[kResponse], "H!");
}

TEST_P(BothDirections, AFailedHookIsSaidOnceAndNoFurtherHookRuns) {
  for (const int32_t status : {int32_t{WEIR_ERROR}, -77, 5, 1000}) {
    ChainOwner owner;
    owner.reply_on_failure = false;
    log_.clear();
    FilterScript s;
    s.request_headers = s.response_headers = [=](weir_stream*, bool) { return status; };
    FilterScript w = Watcher(&log_, "w");
    FilterChain& chain = d() == kRequest ? owner.Make({&s, &w}) : owner.Make({&w, &s});
    chain.Headers(d(), false);
    owner.Data(d(), "x");
    chain.Trailers(d());
    EXPECT_EQ(owner.failures, 1) << status;
    EXPECT_EQ(log_, "") << status;
    EXPECT_EQ(owner.out[d()], "") << status;
  }
}

TEST_F(FilterChainTest, AFailureGoesBeforeWhatTheHookAskedFor) {
  FilterScript s;
  s.request_headers = [&](weir_stream* x, bool) {
    api().local_reply(x, 200, {"fine", 4}, nullptr, 0, {});
    return int32_t{WEIR_ERROR};
  };
  owner_.Make({&s}).Headers(kRequest, true);
  EXPECT_EQ(owner_.failures, 1);
  EXPECT_EQ(owner_.replied, 500u);
}

TEST_F(FilterChainTest, AResetFromAHookEndsEverything) {
  FilterScript s;
  s.request_headers = [&](weir_stream* x, bool) { return api().reset(x), WEIR_CONTINUE; };
  FilterScript w = Watcher(&log_, "w");
  FilterChain& chain = owner_.Make({&s, &w});
  chain.Headers(kRequest, true);
  chain.Headers(kResponse, true);
  EXPECT_EQ(log_ + owner_.out[0] + owner_.out[1], "");
}

TEST_F(FilterChainTest, AnInterimAnswerCanBeWithheldAndFail) {
  FilterScript s;
  int32_t answer = WEIR_CONTINUE;
  s.response_interim = [&](weir_stream*) { return answer; };
  FilterChain& chain = owner_.Make({&s});
  EXPECT_TRUE(chain.Interim());
  answer = WEIR_STOP;
  EXPECT_FALSE(chain.Interim());
  chain.Headers(kResponse, true);
  EXPECT_EQ(owner_.out[kResponse], "H!");
}

// ---- Making and ending

TEST_F(FilterChainTest, AFilterThatCannotBeMadeFailsTheChain) {
  FilterScript good, bad;
  good.with_state = true;
  bad.create = [](weir_stream*) { return int32_t{WEIR_ERROR}; };
  owner_.reply_on_failure = false;
  owner_.Make({&good, &bad});
  EXPECT_FALSE(owner_.built);
  EXPECT_EQ(owner_.failures, 1);
  owner_.chain().Destroy();
  EXPECT_EQ(good.destroyed, 1);
  EXPECT_EQ(bad.destroyed, 0);
}

TEST_F(FilterChainTest, AFullArenaFailsTheChain) {
  ChainOwner owner(0);
  FilterScript scripts[20];
  std::vector<FilterScript*> all;
  for (FilterScript& s : scripts) all.push_back(&s);
  owner.Make(all);
  EXPECT_FALSE(owner.built);
}

TEST_F(FilterChainTest, ADisabledFilterIsNotMade) {
  FilterScript off = Watcher(&log_, "off"), on = Watcher(&log_, "on");
  off.disabled = true;
  owner_.Make({&off, &on}).Headers(kRequest, true);
  EXPECT_EQ(owner_.chain().count(), 1u);
  EXPECT_EQ(log_, "onh! ");
}

TEST_F(FilterChainTest, EveryMadeFilterIsDestroyedOnce) {
  FilterScript a, b;
  a.with_state = b.with_state = true;
  owner_.Make({&a, &b});
  owner_.chain().Destroy();
  owner_.chain().Destroy();
  EXPECT_EQ(a.destroyed, 1);
  EXPECT_EQ(b.destroyed, 1);
}

TEST_F(FilterChainTest, CompleteRunsOnceAndCanStillRead) {
  FilterScript s;
  s.complete = [&](weir_stream* x) {
    weir_view path;
    EXPECT_EQ(api().get_start(x, {":path", 5}, &path), WEIR_OK);
    EXPECT_EQ(View(path), "/path");
    log_ += "complete ";
  };
  FilterChain& chain = owner_.Make({&s});
  chain.Headers(kRequest, true);
  chain.Complete();
  chain.Complete();
  EXPECT_EQ(log_, "complete ");
}

TEST_F(FilterChainTest, TheAnnouncedLengthGoesWithTheFilterThatMayChangeTheBody) {
  FilterScript before, changes, after;
  const auto sees = [&](const char* name) {
    return [this, name](weir_stream* x, bool) {
      weir_view value;
      log_ += name +
              std::string(api().get(x, WEIR_REQUEST, {"content-length", 14}, 0, &value) == WEIR_OK
                              ? "+ "
                              : "- ");
      return WEIR_CONTINUE;
    };
  };
  before.request_headers = sees("before");
  changes.request_headers = sees("changes");
  changes.flags = WEIR_FILTER_CHANGES_REQUEST_LENGTH;
  after.request_headers = sees("after");
  owner_.request().head().flags |= WEIR_HEAD_HAS_LENGTH;
  owner_.request().head().content_length = 5;
  owner_.Make({&before, &changes, &after}).Headers(kRequest, false);
  EXPECT_EQ(log_, "before+ changes+ after- ");
}

// Random filters over random bodies: what reaches the owner is what was sent, whatever stopped,
// buffered or resumed on the way.
TEST_P(BothDirections, NoScriptLosesOrReordersABodyByte) {
  for (uint32_t seed = 1; seed <= 300; ++seed) {
    std::minstd_rand random(seed);
    ChainOwner owner;
    weir_stream* streams[4] = {};
    FilterScript scripts[4];
    std::vector<FilterScript*> all;
    const auto answer = [&](bool headers) -> int32_t {
      const auto roll = random() % 10;
      if (roll < 5) return WEIR_CONTINUE;
      if (roll < 7) return WEIR_STOP;
      if (roll < 8) return WEIR_STOP_WATERMARK;
      return headers ? (roll == 8 ? WEIR_STOP_ALL : WEIR_STOP_ALL_WATERMARK) : WEIR_STOP;
    };
    for (int i = 0; i < 4; ++i) {
      FilterScript& s = scripts[i];
      s.create = [&streams, i](weir_stream* x) { return streams[i] = x, WEIR_OK; };
      if (random() % 4 != 0)
        s.request_headers = s.response_headers = [&](weir_stream*, bool) { return answer(true); };
      if (random() % 4 != 0)
        s.request_data = s.response_data = [&](weir_stream*, bool) { return answer(false); };
      if (random() % 2 != 0)
        s.request_trailers = s.response_trailers = [&](weir_stream*) { return answer(false); };
      all.push_back(&s);
    }
    FilterChain& chain = owner.Make(all);
    const bool trailers = random() % 2 == 0;
    const int pieces = static_cast<int>(random() % 6);
    std::string sent;
    const auto resume_some = [&](bool everything) {
      for (weir_stream* x : streams) {
        if (everything || random() % 4 == 0) api().resume(api().ticket(x), d());
      }
      owner.Deferred();
    };
    const bool bodiless = pieces == 0 && !trailers;
    chain.Headers(d(), bodiless);
    for (int p = 0; p < pieces; ++p) {
      const std::string text(random() % 3000, static_cast<char>('a' + p));
      sent += text;
      resume_some(false);
      owner.Data(d(), text, !trailers && p == pieces - 1);
    }
    if (trailers) chain.Trailers(d());
    for (int i = 0; i < 8; ++i) resume_some(true);
    ASSERT_EQ(owner.body[d()], sent) << "seed " << seed;
    const std::string& out = owner.out[d()];
    ASSERT_EQ(out.find('H'), 0u) << "seed " << seed;
    ASSERT_EQ(out.rfind('H'), 0u) << "seed " << seed << ": the headers went twice";
    ASSERT_EQ(std::count(out.begin(), out.end(), '!'), trailers ? 0 : 1)
        << "seed " << seed << out.substr(0, 100);
    ASSERT_EQ(std::count(out.begin(), out.end(), 'T'), trailers ? 1 : 0) << "seed " << seed;
    ASSERT_EQ(out.back(), trailers ? 'T' : '!') << "seed " << seed;
    ASSERT_EQ(owner.failures + owner.overflows[0] + owner.overflows[1], 0);
  }
}

}  // namespace
}  // namespace weir::http
