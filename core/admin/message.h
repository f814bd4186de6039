#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace weir::admin {

// One request to the admin listener, as far as the pages look at it. Plain values: it crosses from
// the worker that has the connection to the thread that makes the page.
struct Request {
  std::string method;
  std::string target;         // the path with its query
  std::string authority;      // "localhost:9901"
  std::string authorization;  // field values; empty where the request has none
  std::string origin;
  std::string fetch_site;  // sec-fetch-site
};

inline constexpr std::string_view kText = "text/plain; charset=UTF-8";
inline constexpr std::string_view kJson = "application/json";

// An answer. Views are of text that lives as long as the program.
struct Reply {
  uint32_t status = 200;
  std::string_view content_type = kText;
  std::string_view allow;      // the allow field's value; not empty for a 405
  std::string_view challenge;  // the www-authenticate field's value; not empty for a 401
  // content-security-policy: what a browser may do with the page. Default: show it, no more.
  std::string_view policy = "default-src 'none'; frame-ancestors 'none'";
  std::string body;  // also for HEAD: who sends the answer leaves the body away
};

inline Reply Answer(uint32_t status, std::string body) {
  Reply reply;
  reply.status = status;
  reply.body = std::move(body);
  return reply;
}

inline Reply AnswerJson(std::string body) {
  Reply reply;
  reply.content_type = kJson;
  reply.body = std::move(body);
  return reply;
}

// What a request holds, for messages: shortened, and nothing in it can steer a terminal.
std::string Shown(std::string_view text);

}  // namespace weir::admin
