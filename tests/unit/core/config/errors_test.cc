#include "tests/unit/core/config/config_testing.h"

// Every kind of mistake, with its exact place.

namespace weir::config::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(Errors, AreAllReportedAtOnceInFileOrder) {
  EXPECT_THAT(
      Mistakes("listeners:\n"
               "  - adress: 0.0.0.0:8080\n"
               "    http:\n"
               "      request_timeout: 5 minutes\n"
               "      routes:\n"
               "        - { match: { prefix: / }, route: { cluster: ap } }\n"
               "clusters:\n"
               "  - name: app\n"
               "    lb_policy: ROUND_ROBBIN\n"
               "    endpoints: [127.0.0.1:99999]\n"),
      ElementsAre(
          "2:5 \"adress\" is no key of listeners[0]; did you mean address",
          "4:24 request_timeout is \"5 minutes\"; expected a duration such as 1.5s, 1500ms, "
          "5m or 1h",
          "6:53 there is no cluster \"ap\"; expected app; did you mean app",
          "9:16 lb_policy is \"ROUND_ROBBIN\"; expected ROUND_ROBIN or LEAST_REQUEST; did "
          "you mean ROUND_ROBIN",
          "10:17 endpoints[0] is \"127.0.0.1:99999\"; expected a port from 0 to 65535 after "
          "the colon"));
}

TEST(Errors, PrintWithFileLineAndCaret) {
  const LoadResult result = Load("listeners:\n  - adress: ':80'\n    filters: [echo]\n");
  EXPECT_EQ(result.bootstrap, nullptr);
  EXPECT_EQ(result.diagnostics.Print(),
            "test.yaml:2:5: \"adress\" is no key of listeners[0]; did you mean \"address\"?\n"
            "      - adress: ':80'\n"
            "        ^\n");
}

TEST(Errors, OfTypes) {
  EXPECT_THAT(Mistakes(WithCluster("endpoints: 5")),
              ElementsAre("2:35 endpoints is \"5\"; expected a list"));
  EXPECT_THAT(
      Mistakes(WithCluster("endpoints: ['127.0.0.1:1'], circuit_breakers: {max_requests: many}")),
      ElementsAre("2:85 max_requests is \"many\"; expected an integer, at least 1"));
  EXPECT_THAT(Mistakes(WithHttp("routes: [], normalize_path: yes")),
              ElementsAre("1:65 normalize_path is \"yes\"; expected true or false"));
  EXPECT_THAT(
      Mistakes(WithHttp("routes: [], via: \"a\\r\\nb\"")),
      ElementsAre("1:54 via is \"a\\x0d\\nb\"; expected a string without control characters"));
  EXPECT_THAT(Mistakes(WithHttp("routes: [], via: [a]")),
              ElementsAre("1:54 via is a list; expected a string"));
  EXPECT_THAT(Mistakes("[a]"), ElementsAre("1:1 the configuration is a list; expected a mapping"));
  EXPECT_THAT(Mistakes("{}"),
              ElementsAre("1:1 the configuration has no listeners; expected listeners"));
}

TEST(Errors, OfRanges) {
  EXPECT_THAT(Mistakes(WithHttp("routes: [], max_request_headers_kb: 0")),
              ElementsAre("1:73 max_request_headers_kb is \"0\"; expected an integer, 1 … 8192"));
  EXPECT_THAT(Mistakes(WithHttp("routes: [], max_request_headers_kb: 8193")),
              ElementsAre(HasSubstr("expected an integer, 1 … 8192")));
  EXPECT_THAT(Mistakes(WithHttp("routes: [], xff_num_trusted_hops: -1")),
              ElementsAre(HasSubstr("expected an integer, 0 … 1000")));
  EXPECT_THAT(Mistakes(WithHttp("routes: [], request_timeout: 0.0001s")),
              ElementsAre(HasSubstr("expected a whole number of milliseconds")));
  EXPECT_THAT(Mistakes(WithHttp("routes: [], request_timeout: 9000h")),
              ElementsAre(HasSubstr("expected a duration from 0s to 31536000s")));
  EXPECT_THAT(Mistakes(WithCluster("endpoints: ['127.0.0.1:1'], connect_timeout: 0s")),
              ElementsAre(HasSubstr("expected a duration from 0.001s to 3600s")));
  EXPECT_THAT(Mistakes("listeners: [{address: ':80', filters: [echo], "
                       "per_connection_buffer_limit_bytes: 100}]"),
              ElementsAre(HasSubstr("expected an integer, 16384 … 1073741824")));
  EXPECT_THAT(
      Mistakes("listeners: [{address: ':80', filters: [echo]}]\nlimits: {max_memory: 1.5GiB}"),
      ElementsAre("2:22 max_memory is \"1.5GiB\"; expected a number of bytes such as 65536 or "
                  "64KiB"));
}

TEST(Errors, OfAddresses) {
  EXPECT_THAT(
      Mistakes("listeners: [{address: 'localhost:80', filters: [echo]}]"),
      ElementsAre("1:23 address is the host name \"localhost\"; expected an IP address or a "
                  "Unix socket here"));
  EXPECT_THAT(Mistakes("listeners: [{address: {socket_address: {address: 1.2.3, port_value: 1}}, "
                       "filters: [echo]}]"),
              ElementsAre("1:50 address is \"1.2.3\"; expected an IP address or a host name"));
  EXPECT_THAT(Mistakes("listeners: [{address: {socket_address: {address: 1.2.3.4, protocol: UDP}}, "
                       "filters: [echo]}]"),
              ElementsAre("1:24 socket_address has no port_value; expected port_value (integer)",
                          "1:69 protocol \"UDP\" asks for a feature that Weir does not have: UDP; "
                          "expected TCP"));
  EXPECT_THAT(Mistakes("listeners: [{address: {pipe: {path: /a, mode: 0999}}, filters: [echo]}]"),
              ElementsAre("1:47 mode is \"0999\"; expected a file mode from 0 to 0777"));
  EXPECT_THAT(Mistakes("listeners: [{address: {}, filters: [echo]}]"),
              ElementsAre("1:14 address is incomplete; expected socket_address or pipe"));
  EXPECT_THAT(Mistakes(WithCluster("endpoints: ['127.0.0.1:0']")),
              ElementsAre("2:36 endpoints[0] has port 0; expected a port from 1 to 65535"));
  EXPECT_THAT(
      Mistakes(WithCluster("endpoints: ['gone.example:1']")),
      ElementsAre("2:36 host name \"gone.example\" cannot be resolved: no such host; expected "
                  "a name that resolves, or an IP address"));
}

TEST(Errors, OfTerminalFilters) {
  EXPECT_THAT(
      Mistakes(WithHttp("routes: [], http_filters: [mux, health_check]")),
      ElementsAre("1:64 filter \"mux\" ends a chain, so nothing after it can run; expected it "
                  "as the last of http_filters",
                  "1:69 filter \"health_check\" is the last of http_filters but ends no "
                  "chain; expected a terminal filter after it: direct_response or mux"));
  EXPECT_THAT(
      Mistakes(WithHttp("routes: [], http_filters: []")),
      ElementsAre("1:49 http_filters is empty; expected mux at its end, or no such key at all"));
  EXPECT_THAT(Mistakes("listeners: [{address: ':80', filters: [echo, direct_response]}]"),
              ElementsAre(HasSubstr("1:40 filter \"echo\" ends a chain")));
  EXPECT_THAT(Mistakes("listeners: [{address: ':80', filters: []}]"),
              ElementsAre("1:30 filters is empty; expected a terminal filter at its end"));
  EXPECT_THAT(Mistakes(WithHttp("routes: [], http_filters: [{name: mux, disabled: true}]")),
              ElementsAre(HasSubstr("the terminal filter \"mux\" cannot be disabled")));
  EXPECT_THAT(Mistakes(WithHttp("routes: [], http_filters: [a, a, mux]")),
              ElementsAre(HasSubstr("1:67 filter name \"a\" is used twice in the chain")));
}

TEST(Errors, OfMissingParts) {
  EXPECT_THAT(
      Mistakes(WithHttp("stat_prefix: a")),
      ElementsAre("1:30 http has no routes; expected route_config, virtual_hosts or routes"));
  EXPECT_THAT(Mistakes("listeners: [{address: ':80'}]"),
              ElementsAre("1:13 listeners[0] is incomplete; expected http, tcp, filters or "
                          "filter_chains"));
  EXPECT_THAT(Mistakes("listeners: [{address: ':80', filters: [tcp_proxy]}]"),
              ElementsAre("1:40 filter \"tcp_proxy\" has no typed_config; expected its keys"));
  EXPECT_THAT(Mistakes("listeners: [{address: ':80', filters: [{name: tcp_proxy, typed_config: "
                       "{cluster: a}}]}]\nclusters: [{name: a, endpoints: ['127.0.0.1:1']}]"),
              ElementsAre("1:58 typed_config has no stat_prefix; expected stat_prefix (string)"));
  EXPECT_THAT(Mistakes(WithRoute("match: {prefix: /}")),
              ElementsAre(HasSubstr("routes[0] is incomplete; expected route, redirect, "
                                    "direct_response")));
  EXPECT_THAT(Mistakes(WithRoute("route: {cluster: app}")),
              ElementsAre("1:46 routes[0] has no match; expected match (route match)"));
  EXPECT_THAT(Mistakes(WithRoute("match: {}, route: {cluster: app}")),
              ElementsAre(HasSubstr("match is incomplete; expected path, prefix")));
  EXPECT_THAT(
      Mistakes(WithCluster("connect_timeout: 1s")),
      ElementsAre(HasSubstr("clusters[0] is incomplete; expected endpoints, load_assignment")));
  EXPECT_THAT(Mistakes(WithCluster("endpoints: []")),
              ElementsAre("2:12 clusters[0] has no endpoints; expected at least one"));
}

TEST(Errors, OfContradictions) {
  EXPECT_THAT(Mistakes(WithRoute("match: {prefix: /, path: /a}, route: {cluster: app}")),
              ElementsAre(HasSubstr("1:66 \"path\" cannot stand beside \"prefix\"")));
  EXPECT_THAT(Mistakes(WithRoute("match: {prefix: /}, route: {cluster: app}, redirect: {}")),
              ElementsAre(HasSubstr("\"redirect\" cannot stand beside \"route\"")));
  EXPECT_THAT(Mistakes(WithHttp("routes: [], virtual_hosts: []")),
              ElementsAre(HasSubstr("1:49 \"virtual_hosts\" cannot stand beside \"routes\"")));
  EXPECT_THAT(Mistakes(WithRoute("match: {prefix: /}, redirect: {https_redirect: true, "
                                 "scheme_redirect: http}")),
              ElementsAre(HasSubstr("\"scheme_redirect\" cannot stand beside \"https_redirect\"")));
  EXPECT_THAT(
      Mistakes(WithRoute("match: {safe_regex: /a}, route: {cluster: app, prefix_rewrite: /}")),
      ElementsAre(HasSubstr("has prefix_rewrite, but its match is no prefix")));
  EXPECT_THAT(Mistakes(WithRoute("match: {connect_matcher: {}}, route: {cluster: app}")),
              ElementsAre(HasSubstr("matches CONNECT but does not allow it")));
}

TEST(Errors, OfMatches) {
  EXPECT_THAT(
      Mistakes(WithRoute("match: {safe_regex: '/a('}, route: {cluster: app}")),
      ElementsAre("1:67 safe_regex is \"/a(\": missing ): /a(; expected a regular expression "
                  "(RE2)"));
  EXPECT_THAT(Mistakes(WithRoute("match: {safe_regex: '(a{1000}){1000}'}, route: {cluster: app}")),
              ElementsAre(HasSubstr("safe_regex is")));
  EXPECT_THAT(Mistakes(WithRoute("match: {path: a}, route: {cluster: app}")),
              ElementsAre(HasSubstr("path is \"a\"; expected a path that begins with /")));
  EXPECT_THAT(Mistakes(WithRoute("match: {path: '/a?b'}, route: {cluster: app}")),
              ElementsAre(HasSubstr("expected a path alone")));
  EXPECT_THAT(Mistakes(WithRoute("match: {path_separated_prefix: /a/}, route: {cluster: app}")),
              ElementsAre(HasSubstr("does not end with it")));
}

TEST(Errors, OfNamesTakenTwice) {
  EXPECT_THAT(
      Mistakes("listeners:\n"
               "  - {name: a, address: ':80', filters: [echo]}\n"
               "  - {name: a, address: ':81', filters: [echo]}\n"),
      ElementsAre("3:5 a listener named \"a\" stands already at line 2; expected a name of its "
                  "own"));
  EXPECT_THAT(
      Mistakes("listeners:\n"
               "  - {name: a, address: ':80', filters: [echo]}\n"
               "  - {name: b, address: ':80', filters: [echo]}\n"),
      ElementsAre("3:5 address 0.0.0.0:80 is taken already at line 2; expected an address of "
                  "its own"));
  EXPECT_THAT(
      Mistakes("listeners: [{address: ':80', filters: [echo]}]\n"
               "clusters:\n"
               "  - {name: a, endpoints: ['127.0.0.1:1']}\n"
               "  - {name: a, endpoints: ['127.0.0.1:1']}\n"),
      ElementsAre("4:5 a cluster named \"a\" stands already at line 3; expected a name of its "
                  "own"));
  EXPECT_THAT(
      Mistakes(WithHttp("virtual_hosts: [{name: a, domains: [X]}, {name: b, domains: [x]}]")),
      ElementsAre("1:78 domain \"x\" of virtual host \"b\" belongs to \"a\" already; expected "
                  "each domain once"));
  EXPECT_THAT(Mistakes("listeners: [{address: ':80', address: ':81', filters: [echo]}]"),
              ElementsAre("1:30 key \"address\" is given twice"));
}

TEST(Errors, OfDomains) {
  for (const char* domain : {"''", "'a*b'", "'*a*'", "'a b'", "'http://a'"}) {
    EXPECT_THAT(
        Mistakes(WithHttp(std::string("virtual_hosts: [{name: a, domains: [") + domain + "]}]")),
        ElementsAre(HasSubstr("expected a host name, *.suffix, prefix.* or *")))
        << domain;
  }
}

TEST(Errors, NameTheFeatureThatWeirLacks) {
  EXPECT_THAT(Mistakes(WithRoute(
                  "match: {prefix: /}, route: {cluster: app, retry_policy: {retry_on: 5xx}}")),
              ElementsAre("1:89 \"retry_policy\" asks for a feature that Weir does not have: retry "
                          "policies"));
  EXPECT_THAT(
      Mistakes(WithHttp("routes: [], codec_type: HTTP3")),
      ElementsAre(HasSubstr("codec_type \"HTTP3\" asks for a feature that Weir does not have")));
  EXPECT_THAT(Mistakes(WithCluster("endpoints: ['127.0.0.1:1'], transport_socket_matches: [{}]")),
              ElementsAre(HasSubstr("feature that Weir does not have: TLS by endpoint")));
  EXPECT_THAT(Mistakes(WithRoute("match: {prefix: /}, route: {cluster: app, max_grpc_timeout: 1s, "
                                 "grpc_timeout_offset: 1s}")),
              ElementsAre(HasSubstr("max_stream_duration.grpc_timeout_header_max"),
                          HasSubstr("max_stream_duration.grpc_timeout_header_offset")));
  EXPECT_THAT(Mistakes(WithRoute("match: {prefix: /}, route: {cluster: app, max_stream_duration: "
                                 "{grpc_timeout_header_offset: 1s}}")),
              ElementsAre(HasSubstr("without grpc_timeout_header_max does nothing")));
  EXPECT_THAT(Mistakes(WithCluster("endpoints: ['127.0.0.1:1'], type: EDS")),
              ElementsAre(HasSubstr("feature that Weir does not have: EDS")));
  EXPECT_THAT(Mistakes("listeners: [{address: ':80', filters: [echo]}]\ndynamic_resources: {}"),
              ElementsAre(HasSubstr("configuration by discovery (xDS)")));
}

TEST(Errors, DoNotNameAFeatureThatIsSwitchedOff) {
  EXPECT_THAT(Mistakes(WithHttp("routes: [], add_user_agent: false, internal_address_config: []")),
              IsEmpty());
  EXPECT_THAT(Mistakes(WithHttp("routes: [], add_user_agent: true")),
              ElementsAre(HasSubstr("expected false or nothing")));
}

TEST(Errors, OfPerFilterConfiguration) {
  EXPECT_THAT(
      Mistakes(WithHttp("http_filters: [header_mutation, mux], routes: [{match: {prefix: /}, "
                        "route: {cluster: app}, typed_per_filter_config: {header_mutaton: {}}}]")),
      ElementsAre("1:154 typed_per_filter_config is for \"header_mutaton\", which is no filter "
                  "of http_filters; did you mean header_mutation"));
  EXPECT_THAT(Mistakes(WithHttp("routes: [{match: {prefix: /}, route: {cluster: app}, "
                                "typed_per_filter_config: {mux: {}}}]")),
              ElementsAre(HasSubstr("the filter mux takes no configuration per route")));
}

TEST(Errors, OfLocalReplies) {
  EXPECT_THAT(Mistakes(WithHttp(
                  "routes: [], local_reply_config: {body_format: {text_format: '%REQ(:path)%'}}")),
              ElementsAre(HasSubstr("text_format has the operator \"%REQ(:path)%\"; expected "
                                    "%RESPONSE_CODE%")));
  EXPECT_THAT(Mistakes(WithHttp("routes: [], local_reply_config: {body_format: '100%'}")),
              ElementsAre(HasSubstr("has the operator \"%\"")));
  EXPECT_THAT(
      Mistakes(WithHttp("routes: [], local_reply_config: {mappers: [{status_codes: [5xx]}]}")),
      ElementsAre(HasSubstr("status_codes[0] is \"5xx\"; expected a status code such as 503")));
}

TEST(Errors, OfFiles) {
  EXPECT_THAT(Mistakes(WithRoute(
                  "match: {prefix: /}, direct_response: {status: 200, body: {filename: /no}}")),
              ElementsAre(HasSubstr("filename is \"/no\": there is no such file")));
  EXPECT_THAT(
      Mistakes(WithRoute("match: {prefix: /}, direct_response: {status: 200, body: {filename: "
                         "/dev/zero}}")),
      ElementsAre(HasSubstr("filename is \"/dev/zero\": there is no such file")));
}

TEST(Errors, OfALongDirectResponse) {
  const std::string body(4097, 'a');
  EXPECT_THAT(
      Mistakes(WithRoute("match: {prefix: /}, direct_response: {status: 200, body: " + body + "}")),
      ElementsAre(HasSubstr("the direct_response has a body of 4097 bytes; expected at most "
                            "max_direct_response_body_size_bytes (4096)")));
}

TEST(Errors, OfTextsThatWouldEndUpInRequests) {
  const auto route = [](const std::string& keys) {
    return Mistakes(WithRoute("match: {prefix: /}, route: {cluster: app, " + keys + "}"));
  };
  EXPECT_THAT(route("prefix_rewrite: '/a b'"),
              ElementsAre(HasSubstr("expected a path of visible ASCII")));
  EXPECT_THAT(route("prefix_rewrite: '/a?b'"),
              ElementsAre(HasSubstr("expected a path of visible ASCII")));
  EXPECT_THAT(route("prefix_rewrite: \"/a\\r\\nb\""), ElementsAre(HasSubstr("expected a path")));
  EXPECT_THAT(route("prefix_rewrite: a"),
              ElementsAre(HasSubstr("expected a path that begins with /")));
  EXPECT_THAT(route("host_rewrite_literal: 'a b'"), ElementsAre(HasSubstr("expected a host")));
  EXPECT_THAT(route("host_rewrite_literal: 'a/b'"), ElementsAre(HasSubstr("expected a host")));
  EXPECT_THAT(route("host_rewrite_literal: 'u@h'"), ElementsAre(HasSubstr("expected a host")));
  EXPECT_THAT(route("host_rewrite_literal: '[::1]:80'"), IsEmpty());
  EXPECT_THAT(Mistakes(WithRoute("match: {prefix: /}, redirect: {path_redirect: '/a?b=c'}")),
              IsEmpty());
  EXPECT_THAT(Mistakes(WithRoute("match: {prefix: /}, redirect: {path_redirect: '/a#b'}")),
              ElementsAre(HasSubstr("path_redirect is")));
  EXPECT_THAT(Mistakes(WithRoute("match: {prefix: /}, redirect: {host_redirect: \"a\\tb\"}")),
              ElementsAre(HasSubstr("expected a host")));
  EXPECT_THAT(Mistakes(WithRoute("match: {prefix: /}, direct_response: {status: 204, body: a}")),
              ElementsAre(HasSubstr("has a body, and status 204 has none")));
}

TEST(Errors, OfPluginNamesThatAreNoNames) {
  EXPECT_THAT(Mistakes(WithHttp("routes: [], http_filters: [../evil, mux]")),
              ElementsAre(HasSubstr("filter name \"../evil\" is no plugin's name")));
  EXPECT_THAT(Mistakes(WithHttp("routes: [], codecs: [a/b]")),
              ElementsAre(HasSubstr("codecs[0] is \"a/b\"; expected a plugin's name")));
  EXPECT_THAT(Mistakes(WithCluster("endpoints: ['127.0.0.1:1'], protocol: '.h1'")),
              ElementsAre(HasSubstr("protocol is \".h1\"; expected a plugin's name")));
}

TEST(Errors, OfUpgrades) {
  EXPECT_THAT(Mistakes(WithHttp("routes: [], upgrade_configs: [h2c]")),
              ElementsAre(HasSubstr("an upgrade to h2c would hide its requests from every rule")));
  EXPECT_THAT(Mistakes(WithHttp("routes: [], upgrade_configs: [websocket, WebSocket]")),
              ElementsAre(HasSubstr("upgrade_type \"websocket\" is given twice")));
  EXPECT_THAT(Mistakes(WithHttp("routes: [], upgrade_configs: ['a b']")),
              ElementsAre(HasSubstr("expected a protocol's name such as websocket")));
  EXPECT_THAT(
      Mistakes(
          WithHttp("routes: [], upgrade_configs: [{upgrade_type: websocket, connect_config: {}}]")),
      ElementsAre(HasSubstr("\"connect_config\" asks for a feature that Weir does not have")));
}

TEST(Errors, AreBounded) {
  std::string text = "listeners: [{address: ':80', filters: [echo]}]\nlimits:\n";
  for (int i = 0; i < 1000; ++i) text += "  key" + std::to_string(i) + ": 1\n";
  const LoadResult result = Load(text);
  EXPECT_EQ(result.diagnostics.count(), 1000u);
  EXPECT_NE(result.diagnostics.Print().find("and 900 more"), std::string::npos);
}

}  // namespace
}  // namespace weir::config::testing
