#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "filters/http/local_ratelimit/local_ratelimit.h"
#include "plugins/kit/fake_config.h"
#include "plugins/kit/fake_host.h"
#include "plugins/kit/fake_stream.h"

namespace weir::filters::ratelimit {

inline kit::FakeConfig Load(const std::string& yaml, bool per_route = false) {
  return kit::FakeConfig::Http(kLocalRatelimitApi, yaml, per_route);
}

// One request from 10.1.2.3, from its head to the head of its answer.
struct Request : kit::FakeHttpStream {
  Request() { attributes[WEIR_ATTR_DOWNSTREAM_ADDRESS] = "10.1.2.3:4000"; }
  ~Request() {
    if (made_) kLocalRatelimitApi.destroy(self_);
  }

  Request& Field(std::string name, std::string value) {
    messages[WEIR_REQUEST].fields.emplace_back(std::move(name), std::move(value));
    return *this;
  }
  Request& From(std::string address) {
    attributes[WEIR_ATTR_DOWNSTREAM_ADDRESS] = std::move(address);
    return *this;
  }
  // Whether it goes on.
  bool Passes(const kit::FakeConfig& config) {
    EXPECT_TRUE(config.ok()) << config.errors();
    if (!config.ok()) return false;
    EXPECT_EQ(kLocalRatelimitApi.create(self_, config.get(), handle()), WEIR_OK);
    made_ = true;
    const std::int32_t head = kLocalRatelimitApi.request_headers(self_, handle(), 1);
    EXPECT_EQ(head, local_replies > 0 ? WEIR_STOP_ALL : WEIR_CONTINUE);
    return local_replies == 0;
  }
  // A field of the answer when the filter has seen it.
  std::string Answer(std::string_view name) {
    EXPECT_EQ(kLocalRatelimitApi.response_headers(self_, handle(), 1), WEIR_CONTINUE);
    return messages[WEIR_RESPONSE].Values(name);
  }

 private:
  alignas(16) unsigned char self_[sizeof(LocalRatelimit)] = {};
  bool made_ = false;
};

inline std::uint64_t Count(const std::string& name) {
  return kit::World().counters["s.http_local_rate_limit." + name];
}

}  // namespace weir::filters::ratelimit
