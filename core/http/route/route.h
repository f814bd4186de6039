// One route, compiled: what a request must look like to take it, and everything that is known about
// such a request before it is served. Immutable; belongs to its RouteTable and points into the
// configuration that the table keeps alive.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string_view>

#include "core/config/route_config.h"
#include "core/http/route/path_regex.h"

namespace weir::http {

// What routing sees of a request. Views of the message; nothing is kept.
struct RequestView {
  std::string_view authority;  // normalised (authority.h); empty when the request had none
  std::string_view path;       // normalised (path.h), the query included
  std::string_view method;
  bool connect = false;  // a CONNECT without a path; a tunnel with a path is matched by its path
};

// What a filter of the chain is told for one route: the most specific of route, virtual host and
// route configuration.
struct FilterOverride {
  enum class State : uint8_t {
    kUnset,     // as the chain says
    kEnabled,   // configured for this route: runs even where the chain has it disabled
    kDisabled,  // skipped
  };
  // Whether the filter runs, where the chain says that it is disabled or not.
  bool Runs(bool disabled_in_chain) const {
    return state == State::kUnset ? !disabled_in_chain : state == State::kEnabled;
  }

  State state = State::kUnset;
  const void* config = nullptr;  // what RouteTableHooks::compile_filter made; null without one
};

// Why a route does not take a request.
enum class RouteMismatch : uint8_t {
  kNone,           // it does
  kTakesConnect,   // it is for CONNECT, and this is none
  kIsConnect,      // this is a CONNECT, and it is not for them
  kOtherPath,      // another path, or not in the same case
  kOtherPrefix,    // the path does not start so
  kInsideSegment,  // it starts so, but goes on within the segment
  kOtherPattern,   // the regular expression does not match
};

class Route {
 public:
  static constexpr uint64_t kNoLimit = std::numeric_limits<uint64_t>::max();

  const config::Route& config() const { return *config_; }
  const config::VirtualHost& virtual_host() const { return *virtual_host_; }

  // Exactly one of these three is not null.
  const config::RouteAction* forward() const {
    return std::get_if<config::RouteAction>(&config_->action);
  }
  const config::RedirectAction* redirect() const {
    return std::get_if<config::RedirectAction>(&config_->action);
  }
  const config::DirectResponseAction* direct_response() const {
    return std::get_if<config::DirectResponseAction>(&config_->action);
  }

  // What RouteTableHooks::find_cluster gave for forward(); null for the other actions and without
  // that hook.
  void* cluster() const { return cluster_; }

  // A longer request body is a 413.
  uint64_t max_request_bytes() const { return max_request_bytes_; }

  // `index` is the filter's place in the chain.
  const FilterOverride& filter(size_t index) const {
    return filters_ == nullptr ? kNoOverride : filters_[index];
  }
  // Whether any filter has an override here: one test for the common case that none has.
  bool has_filter_overrides() const { return filters_ != nullptr; }

  // `path` is the request's without the query, which the table cuts off once for all routes.
  bool Matches(const RequestView& request, std::string_view path) const {
    return Compare(request, path) == RouteMismatch::kNone;
  }
  RouteMismatch Compare(const RequestView& request, std::string_view path) const;

 private:
  friend class RouteTableBuilder;

  static const FilterOverride kNoOverride;

  const config::Route* config_ = nullptr;
  const config::VirtualHost* virtual_host_ = nullptr;
  const FilterOverride* filters_ = nullptr;  // one for each filter of the chain
  void* cluster_ = nullptr;
  uint64_t max_request_bytes_ = kNoLimit;
  std::unique_ptr<const PathRegex> regex_;
};

static_assert(sizeof(Route) <= 64, "a route's part of the table is one cache line");

}  // namespace weir::http
