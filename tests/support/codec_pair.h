// Two codecs of one protocol back to back, through random cuts of both directions: a client that
// sends many streams at once and a server that echoes them, with small windows, resets and a
// goaway.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "plugins/abi/weir.h"
#include "tests/support/fake_codec_host.h"

namespace weir::test {

inline weir_field Field(std::string_view name, std::string_view value) {
  weir_field field{};
  field.name = name.data();
  field.name_size = static_cast<std::uint16_t>(name.size());
  field.value = value.data();
  field.value_size = static_cast<std::uint32_t>(value.size());
  return field;
}

inline weir_head Head(std::uint8_t kind, std::vector<weir_field>* fields) {
  weir_head head{};
  head.struct_size = sizeof head;
  head.kind = kind;
  head.fields = fields->data();
  head.field_count = static_cast<std::uint32_t>(fields->size());
  return head;
}

inline std::string Text(weir_view view) {
  return view.data == nullptr ? std::string() : std::string(view.data, view.size);
}

inline std::string FieldValue(const weir_head& head, std::string_view name) {
  for (std::uint32_t i = 0; i < head.field_count; ++i) {
    const weir_field& field = head.fields[i];
    if (std::string_view(field.name, field.name_size) == name) {
      return std::string(field.value, field.value_size);
    }
  }
  return "(none)";
}

// One end: the codec, what it wrote and what it has not yet eaten.
struct End {
  End(const weir_codec_api& api, std::uint8_t position, std::uint32_t window, std::uint32_t streams,
      void* config)
      : api_(api) {
    weir_codec_params params = FakeCodecParams(position);
    params.stream_window = window;
    params.max_streams = streams;
    params.config = config;
    codec = api_.create(&params);
  }
  ~End() { api_.destroy(codec); }
  End(const End&) = delete;
  End& operator=(const End&) = delete;

  bool Produce(std::uint64_t budget) {
    const std::uint32_t result = api_.produce(codec, budget, out.out());
    closed = closed || (result & WEIR_PRODUCED_CLOSE) != 0;
    const std::string bytes = out.Take();
    wire += bytes;
    return !bytes.empty();
  }

  const weir_codec_api& api_;
  weir_codec* codec = nullptr;
  FakeOut out;
  std::string wire;   // written, on its way to the other end
  std::string input;  // arrived here, not consumed
  bool closed = false;
};

// A request and its echo. The body is told apart by the stream's name in each of its bytes.
struct Exchange {
  std::string name;
  std::string body;
  bool trailers = false;
  bool reset_by_client = false;  // at some time

  FakeStream up;    // client's half
  FakeStream down;  // server's half
  std::uint32_t client_number = 0;
  std::uint32_t server_number = 0;
  std::size_t fed = 0;     // of body, into `up`
  std::string arrived;     // at the server
  std::size_t echoed = 0;  // of `arrived`, into `down`
  std::string answer;      // back at the client
  bool request_complete = false;
  int interims = 0;
  bool answer_head = false;
  std::string answer_trailer;
  bool done = false;
  bool reset = false;
  std::uint32_t reset_reason = 0;
  std::uint32_t client_debt = 0;  // received and not yet told as consumed
  std::uint32_t server_debt = 0;
  std::vector<weir_field> trailer_fields;
  weir_head trailer_head{};
};

struct Plan {
  const weir_codec_api* api = nullptr;
  void* config = nullptr;  // what the codecs' config_new would make
  std::uint64_t seed = 1;
  int exchanges = 40;
  std::size_t longest_body = 3000;
  std::uint32_t window = 64;
  std::uint32_t streams = 6;
  int reset_in = 0;       // one of so many exchanges is reset; 0: none
  int goaway_after = -1;  // the server goes away when it has seen so many
};

class Pair {
 public:
  explicit Pair(const Plan& plan)
      : plan_(plan),
        api_(*plan.api),
        random_(plan.seed),
        client_(api_, WEIR_CLIENT, plan.window, plan.streams, plan.config),
        server_(api_, WEIR_SERVER, plan.window, plan.streams, plan.config) {
    for (int i = 0; i < plan.exchanges; ++i) {
      auto exchange = std::make_unique<Exchange>();
      exchange->name = "stream-" + std::to_string(i);
      const std::size_t size = Below(3) == 0 ? Below(4) : Below(plan.longest_body);
      while (exchange->body.size() < size) {
        exchange->body += exchange->name + ":" + std::to_string(exchange->body.size()) + " ";
      }
      exchange->trailers = Below(3) == 0;
      exchange->reset_by_client = plan.reset_in > 0 && i % plan.reset_in == 0;
      exchange->trailer_fields = {Field("x-trailer", exchange->name)};
      exchange->trailer_head = Head(WEIR_HEAD_TRAILERS, &exchange->trailer_fields);
      waiting_.push_back(exchange.get());
      exchanges_.push_back(std::move(exchange));
    }
  }

  // Runs until all is done, or nothing moves any more.
  void Run() {
    for (int idle = 0; idle < 50000 && !Finished(); ++steps_) {
      ASSERT_LT(steps_, 2'000'000) << "seed " << plan_.seed;
      idle = Step() ? 0 : idle + 1;
      if (::testing::Test::HasFatalFailure()) return;
    }
  }

  const std::vector<std::unique_ptr<Exchange>>& exchanges() const { return exchanges_; }
  End& client() { return client_; }
  End& server() { return server_; }
  int requests_seen() const { return requests_seen_; }
  std::size_t most_open() const { return most_open_; }

 private:
  std::uint64_t Below(std::uint64_t bound) { return bound == 0 ? 0 : random_() % bound; }

  bool Finished() const {
    for (const auto& exchange : exchanges_) {
      if (!exchange->done && !exchange->reset) return false;
    }
    return client_.wire.empty() && server_.wire.empty() &&
           (plan_.goaway_after < 0 || server_.closed);
  }

  bool Step() {
    switch (Below(8)) {
      case 0:
        return Start();
      case 1:
        return Feed();
      case 2:
        return Echo();
      case 3:
        return Consume();
      case 4:
        return Deliver(&client_, &server_);
      case 5:
        return Deliver(&server_, &client_);
      case 6:
        return client_.Produce(1 + Below(200));
      default:
        return server_.Produce(1 + Below(200));
    }
  }

  bool Start() {
    if (waiting_.empty() || api_.capacity(client_.codec) == 0) return false;
    Exchange* exchange = waiting_.back();
    waiting_.pop_back();
    exchange->client_number = api_.open(client_.codec, exchange->up.handle());
    EXPECT_NE(exchange->client_number, 0u);
    by_up_[&exchange->up] = exchange;
    most_open_ = std::max(most_open_, by_up_.size());
    std::vector<weir_field> fields = {Field("x-name", exchange->name)};
    weir_head head = Head(WEIR_HEAD_REQUEST, &fields);
    head.method = {"POST", 4};
    const std::string path = "/" + exchange->name;
    head.path = {path.data(), path.size()};
    head.authority = {"pair", 4};
    if (Below(2) == 0 || exchange->body.empty()) {
      head.flags |= WEIR_HEAD_HAS_LENGTH;
      head.content_length = exchange->body.size();
    }
    const bool end = exchange->body.empty() && !exchange->trailers;
    EXPECT_EQ(api_.send_head(client_.codec, exchange->client_number, &head, end, client_.out.out()),
              WEIR_OK);
    running_.push_back(exchange);
    return true;
  }

  // More of a request's body, its end, or a reset.
  bool Feed() {
    if (running_.empty()) return false;
    Exchange* exchange = running_[Below(running_.size())];
    if (exchange->done || exchange->reset || exchange->up.end) return false;
    if (exchange->reset_by_client && Below(4) == 0) {
      api_.reset(client_.codec, exchange->client_number, WEIR_REASON_CANCEL, client_.out.out());
      ForgetUp(exchange);
      return true;
    }
    const std::size_t size =
        std::min<std::size_t>(exchange->body.size() - exchange->fed, Below(500));
    exchange->up.body += exchange->body.substr(exchange->fed, size);
    exchange->fed += size;
    if (exchange->fed == exchange->body.size()) {
      exchange->up.end = true;
      if (exchange->trailers) exchange->up.trailers = &exchange->trailer_head;
    }
    api_.ready(client_.codec, exchange->client_number);
    return true;
  }

  // The server answers with what it has got so far.
  bool Echo() {
    bool moved = false;
    for (const auto& [down, exchange] : by_down_) {
      if (exchange->echoed == exchange->arrived.size() && !exchange->request_complete) continue;
      if (exchange->down.end) continue;
      exchange->down.body += exchange->arrived.substr(exchange->echoed);
      exchange->echoed = exchange->arrived.size();
      if (exchange->request_complete) {
        exchange->down.end = true;
        exchange->down.trailers = exchange->trailers ? &exchange->trailer_head : nullptr;
      }
      api_.ready(server_.codec, exchange->server_number);
      moved = true;
    }
    return moved;
  }

  bool Consume() {
    for (const auto& exchange : exchanges_) {
      std::uint32_t* debt = Below(2) == 0 ? &exchange->client_debt : &exchange->server_debt;
      if (*debt == 0) continue;
      const auto size = static_cast<std::uint32_t>(1 + Below(*debt));
      const bool at_client = debt == &exchange->client_debt;
      api_.consumed(at_client ? client_.codec : server_.codec,
                    at_client ? exchange->client_number : exchange->server_number, size);
      *debt -= size;
      return true;
    }
    return false;
  }

  bool Deliver(End* from, End* to) {
    const std::size_t size = std::min<std::size_t>(from->wire.size(), 1 + Below(300));
    if (size == 0) return false;
    to->input += from->wire.substr(0, size);
    from->wire.erase(0, size);
    while (true) {
      // Bytes come again at another address: as the header says they may.
      std::vector<std::uint8_t> span(to->input.begin(), to->input.end());
      const std::size_t shown = span.size();
      span.resize(shown + 64);
      weir_event event;
      const std::size_t used = api_.receive(to->codec, span.data(), shown, 0, &event);
      EXPECT_LE(used, shown);
      if (to == &server_) {
        OnServer(event);
      } else {
        OnClient(event);
      }
      to->input.erase(0, used);
      if (event.type == WEIR_EVENT_NONE || event.type == WEIR_EVENT_BLOCKED) return true;
      if (event.type == WEIR_EVENT_ERROR) return true;
    }
  }

  void OnServer(const weir_event& event) {
    if (event.type == WEIR_EVENT_HEAD) return OnRequest(event);
    const auto found = by_down_.find(FakeStream::From(event.user));
    Exchange* exchange = found == by_down_.end() ? nullptr : found->second;
    if (event.type == WEIR_EVENT_NONE || event.type == WEIR_EVENT_BLOCKED) return;
    ASSERT_NE(event.type, WEIR_EVENT_ERROR) << event.error.detail << " seed " << plan_.seed;
    ASSERT_NE(exchange, nullptr) << "event " << int{event.type} << " seed " << plan_.seed;
    if (event.type == WEIR_EVENT_RESET) {
      exchange->server_debt = 0;
      by_down_.erase(found);
      return;
    }
    if (event.type == WEIR_EVENT_DATA) {
      exchange->arrived.append(reinterpret_cast<const char*>(event.data), event.size);
      exchange->server_debt += static_cast<std::uint32_t>(event.size);
    }
    if (event.type == WEIR_EVENT_TRAILERS) {
      EXPECT_EQ(FieldValue(*event.head, "x-trailer"), exchange->name);
    }
    if (event.type != WEIR_EVENT_DATA || event.end_stream != 0) exchange->request_complete = true;
  }

  void OnRequest(const weir_event& event) {
    ++requests_seen_;
    const std::string name = FieldValue(*event.head, "x-name");
    EXPECT_EQ(Text(event.head->path), "/" + name);
    EXPECT_EQ(Text(event.head->method), "POST");
    Exchange* exchange = exchanges_[std::stoul(name.substr(7))].get();
    exchange->server_number = event.stream;
    by_down_[&exchange->down] = exchange;
    api_.adopt(server_.codec, event.stream, exchange->down.handle());
    if (event.end_stream != 0) exchange->request_complete = true;
    std::vector<weir_field> fields = {Field("x-name", name)};
    weir_head head = Head(WEIR_HEAD_INTERIM, &fields);
    head.status = 103;
    api_.send_head(server_.codec, event.stream, &head, 0, server_.out.out());
    head = Head(WEIR_HEAD_RESPONSE, &fields);
    head.status = 200;
    api_.send_head(server_.codec, event.stream, &head, 0, server_.out.out());
    if (requests_seen_ == plan_.goaway_after) {
      api_.goaway(server_.codec, 1, server_.out.out());
      api_.goaway(server_.codec, 2, server_.out.out());
    }
  }

  void OnClient(const weir_event& event) {
    if (event.type == WEIR_EVENT_NONE || event.type == WEIR_EVENT_BLOCKED) return;
    ASSERT_NE(event.type, WEIR_EVENT_ERROR) << event.error.detail << " seed " << plan_.seed;
    if (event.type == WEIR_EVENT_GOAWAY) return OnGoaway();
    const auto found = by_up_.find(FakeStream::From(event.user));
    ASSERT_NE(found, by_up_.end()) << "event " << int{event.type} << " seed " << plan_.seed;
    Exchange* exchange = found->second;
    switch (event.type) {
      case WEIR_EVENT_HEAD:
        EXPECT_EQ(FieldValue(*event.head, "x-name"), exchange->name);
        if (event.head->kind == WEIR_HEAD_INTERIM) {
          EXPECT_FALSE(exchange->answer_head);
          ++exchange->interims;
        } else {
          exchange->answer_head = true;
        }
        break;
      case WEIR_EVENT_DATA:
        EXPECT_TRUE(exchange->answer_head);
        exchange->answer.append(reinterpret_cast<const char*>(event.data), event.size);
        exchange->client_debt += static_cast<std::uint32_t>(event.size);
        break;
      case WEIR_EVENT_TRAILERS:
        exchange->answer_trailer = FieldValue(*event.head, "x-trailer");
        break;
      case WEIR_EVENT_RESET:
        exchange->reset_reason = event.error.reason;
        ForgetUp(exchange);
        return;
      default:
        EXPECT_EQ(event.type, WEIR_EVENT_END);
    }
    if (event.end_stream != 0 || event.type == WEIR_EVENT_END ||
        event.type == WEIR_EVENT_TRAILERS) {
      exchange->done = true;
      exchange->client_debt = 0;
      by_up_.erase(&exchange->up);
    }
  }

  void OnGoaway() {
    // What was not started goes elsewhere.
    if (api_.reusable(client_.codec) != 0) return;
    for (Exchange* exchange : waiting_) {
      exchange->reset = true;
      exchange->reset_reason = WEIR_REASON_REFUSED;
    }
    waiting_.clear();
  }

  void ForgetUp(Exchange* exchange) {
    exchange->reset = true;
    exchange->client_debt = 0;
    by_up_.erase(&exchange->up);
  }

  const Plan plan_;
  const weir_codec_api& api_;
  std::mt19937_64 random_;
  End client_;
  End server_;
  std::vector<std::unique_ptr<Exchange>> exchanges_;
  std::vector<Exchange*> waiting_;
  std::vector<Exchange*> running_;
  std::map<FakeStream*, Exchange*> by_up_;
  std::map<FakeStream*, Exchange*> by_down_;
  int requests_seen_ = 0;
  int steps_ = 0;
  std::size_t most_open_ = 0;
};

inline void ExpectEchoed(const Exchange& exchange, std::uint64_t seed) {
  EXPECT_TRUE(exchange.done) << exchange.name << " seed " << seed;
  EXPECT_TRUE(exchange.answer == exchange.body)
      << exchange.name << " seed " << seed << ": " << exchange.answer.size() << " of "
      << exchange.body.size();
  EXPECT_EQ(exchange.interims, 1);
  EXPECT_EQ(exchange.answer_trailer, exchange.trailers ? exchange.name : "");
}

// ---- What two codecs of any protocol that shares connections go through; `plan` names them.

inline void NoByteIsLostOrMixed(const Plan& first) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Plan plan = first;
    plan.seed = seed;
    Pair pair(plan);
    pair.Run();
    for (const auto& exchange : pair.exchanges()) ExpectEchoed(*exchange, seed);
    EXPECT_EQ(pair.requests_seen(), plan.exchanges);
    EXPECT_EQ(pair.most_open(), plan.streams);  // they did overlap
    if (::testing::Test::HasFailure()) return;
  }
  EXPECT_EQ(FakeCodecMemory(), 0u);
}

inline void WindowsOfAByteMove(const Plan& first) {
  Plan plan = first;
  plan.seed = 7;
  plan.window = 1;
  plan.exchanges = 8;
  plan.longest_body = 2000;
  Pair pair(plan);
  pair.Run();
  for (const auto& exchange : pair.exchanges()) ExpectEchoed(*exchange, plan.seed);
}

inline void LargeFramesAndWindows(const Plan& first) {
  Plan plan = first;
  plan.seed = 11;
  plan.window = 1 << 20;
  plan.longest_body = 20000;
  Pair pair(plan);
  pair.Run();
  for (const auto& exchange : pair.exchanges()) ExpectEchoed(*exchange, plan.seed);
}

inline void AResetStopsItsStreamAlone(const Plan& first) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Plan plan = first;
    plan.seed = seed;
    plan.reset_in = 3;
    Pair pair(plan);
    pair.Run();
    int resets = 0;
    for (const auto& exchange : pair.exchanges()) {
      if (exchange->reset) {
        EXPECT_TRUE(exchange->reset_by_client);
        // What had come back is the start of the truth.
        EXPECT_EQ(exchange->body.substr(0, exchange->answer.size()), exchange->answer);
        ++resets;
      } else {
        ExpectEchoed(*exchange, seed);
      }
    }
    EXPECT_GT(resets, 0);
    if (::testing::Test::HasFailure()) return;
  }
}

inline void AGoawayServesWhatItSawAndRefusesTheRest(const Plan& first) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Plan plan = first;
    plan.seed = seed;
    plan.goaway_after = 10;
    Pair pair(plan);
    pair.Run();
    int done = 0;
    for (const auto& exchange : pair.exchanges()) {
      if (exchange->reset) {
        EXPECT_EQ(exchange->reset_reason, std::uint32_t{WEIR_REASON_REFUSED});
        EXPECT_EQ(exchange->answer, "");  // and so it may be replayed
      } else {
        ExpectEchoed(*exchange, seed);
        ++done;
      }
    }
    EXPECT_EQ(done, pair.requests_seen());
    EXPECT_EQ(done, 10);
    EXPECT_TRUE(pair.server().closed) << "seed " << seed;
    EXPECT_EQ(plan.api->capacity(pair.client().codec), 0u);
    EXPECT_EQ(plan.api->reusable(pair.client().codec), 0u);
    if (::testing::Test::HasFailure()) return;
  }
}

}  // namespace weir::test
