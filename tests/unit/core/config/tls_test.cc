#include "tests/unit/core/config/config_testing.h"

// transport_socket as Envoy writes it, and what the short forms stand for.

namespace weir::config::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr const char* kEnvoy = R"(
static_resources:
  listeners:
  - name: l
    address: {socket_address: {address: 127.0.0.1, port_value: 1}}
    filter_chains:
    - filters: [echo]
      transport_socket_connect_timeout: 3s
      transport_socket:
        name: envoy.transport_sockets.tls
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext
          require_client_certificate: true
          session_timeout: 600s
          common_tls_context:
            tls_params:
              tls_minimum_protocol_version: TLSv1_3
              tls_maximum_protocol_version: TLS_AUTO
              cipher_suites: ["[ECDHE-ECDSA-AES128-GCM-SHA256|ECDHE-ECDSA-CHACHA20-POLY1305]", TLS_AES_128_GCM_SHA256]
              ecdh_curves: [P-256]
            tls_certificates:
            - certificate_chain: {filename: a.pem}
              private_key: {filename: a.key}
            - certificate_chain: {inline_string: "-----BEGIN CERTIFICATE-----"}
              private_key: {inline_string: "-----BEGIN PRIVATE KEY-----"}
            validation_context: {trusted_ca: {filename: ca.pem}}
            alpn_protocols: [h2, http/1.1]
  clusters:
  - name: c
    load_assignment: {endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: 2}}}}]}]}
    transport_socket:
      name: envoy.transport_sockets.tls
      typed_config:
        "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext
        sni: backend.example
        max_session_keys: 3
        common_tls_context:
          validation_context:
            trusted_ca: {filename: ca.pem}
            match_typed_subject_alt_names: [{san_type: DNS, matcher: {exact: a.example}}, {san_type: IP_ADDRESS, matcher: {exact: 192.0.2.1}}]
)";

TEST(Tls, IsReadAsEnvoyWritesIt) {
  const auto bootstrap = MustLoad(kEnvoy);
  ASSERT_EQ(bootstrap->listeners.size(), 1u);
  const FilterChain& chain = bootstrap->listeners[0].filter_chains.at(0);
  EXPECT_EQ(chain.transport_socket_connect_timeout, Milliseconds(3000));
  ASSERT_NE(chain.tls, nullptr);
  const TlsContext& down = *chain.tls;
  EXPECT_TRUE(down.require_client_certificate);
  EXPECT_EQ(down.session_timeout, Milliseconds(600'000));
  EXPECT_EQ(down.tls_minimum_protocol_version, TlsVersion::kTls13);
  EXPECT_EQ(down.tls_maximum_protocol_version, TlsVersion::kTls13);
  EXPECT_THAT(down.cipher_suites,
              ElementsAre("ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305",
                          "TLS_AES_128_GCM_SHA256"));
  EXPECT_THAT(down.ecdh_curves, ElementsAre("P-256"));
  ASSERT_EQ(down.certificates.size(), 2u);
  EXPECT_EQ(down.certificates[0].private_key.filename, "a.key");
  EXPECT_EQ(down.certificates[1].private_key.inline_string, "-----BEGIN PRIVATE KEY-----");
  EXPECT_EQ(down.trusted_ca.filename, "ca.pem");
  EXPECT_THAT(down.alpn_protocols, ElementsAre("h2", "http/1.1"));
  ASSERT_NE(bootstrap->clusters[0].tls, nullptr);
  const TlsContext& up = *bootstrap->clusters[0].tls;
  EXPECT_EQ(up.sni, "backend.example");
  EXPECT_EQ(up.max_session_keys, 3u);
  EXPECT_TRUE(up.verify);
  EXPECT_THAT(up.subject_alt_names, ElementsAre("a.example", "192.0.2.1"));
}

TEST(Tls, TheShortFormsStandForTheLongOnes) {
  const auto bootstrap = MustLoad(R"(
listeners:
  - address: 127.0.0.1:1
    tls:
      certificates: [{cert: a.pem, key: a.key}]
      ca: ca.pem
      tls_minimum_protocol_version: TLSv1_3
    transport_socket_connect_timeout: 2s
    http: {routes: [{match: {prefix: /}, route: {cluster: c}}]}
clusters:
  - {name: c, endpoints: ['127.0.0.1:2'], tls: {ca: ca.pem, cert: b.pem, key: b.key, verify: false}}
  - {name: d, endpoints: ['127.0.0.1:2'], tls: {}}
)");
  ASSERT_EQ(bootstrap->clusters.size(), 2u);
  const FilterChain& chain = bootstrap->listeners[0].filter_chains.at(0);
  EXPECT_EQ(chain.transport_socket_connect_timeout, Milliseconds(2000));
  ASSERT_NE(chain.tls, nullptr);
  EXPECT_EQ(chain.tls->certificates.at(0).certificate_chain.filename, "a.pem");
  EXPECT_EQ(chain.tls->trusted_ca.filename, "ca.pem");
  EXPECT_FALSE(chain.tls->alpn_given);
  EXPECT_EQ(bootstrap->clusters[0].tls->certificates.at(0).private_key.filename, "b.key");
  EXPECT_FALSE(bootstrap->clusters[0].tls->verify);
  ASSERT_NE(bootstrap->clusters[1].tls, nullptr);
  EXPECT_TRUE(bootstrap->clusters[1].tls->verify);
  const std::string expanded = Expand(*bootstrap);
  const auto again = MustLoad(expanded);
  EXPECT_EQ(Expand(*again), expanded);
  EXPECT_THAT(expanded, HasSubstr("DownstreamTlsContext"));
  EXPECT_THAT(expanded, HasSubstr("ACCEPT_UNTRUSTED"));
}

TEST(Tls, APrivateKeyIsPrintedNowhere) {
  const std::string expanded = Expand(*MustLoad(kEnvoy));
  EXPECT_THAT(expanded, ::testing::Not(HasSubstr("BEGIN PRIVATE KEY")));
  EXPECT_THAT(expanded, HasSubstr("BEGIN CERTIFICATE"));
}

std::string WithTls(const std::string& tls) {
  return "listeners: [{address: '127.0.0.1:1', filters: [echo], tls: {" + tls + "}}]";
}

std::string WithClusterTls(const std::string& tls) {
  return "listeners: [{address: '127.0.0.1:1', filters: [echo]}]\n"
         "clusters: [{name: c, endpoints: ['127.0.0.1:2'], tls: {" +
         tls + "}}]";
}

TEST(Tls, MistakesAreReportedWithTheirPlace) {
  const std::string good = "certificates: [{cert: a, key: b}]";
  EXPECT_THAT(Mistakes(WithTls(good)), IsEmpty());
  EXPECT_THAT(Mistakes(WithTls("")), ElementsAre(HasSubstr("1:55 tls has no certificates")));
  EXPECT_THAT(Mistakes(WithTls("certificates: []")),
              ElementsAre(HasSubstr("1:55 tls has no certificate")));
  EXPECT_THAT(Mistakes(WithTls("certificates: [{cert: a}]")), ElementsAre(HasSubstr("has no key")));
  EXPECT_THAT(Mistakes(WithTls(good + ", require_client_certificate: true")),
              ElementsAre(HasSubstr("needs to know who signs clients' certificates")));
  EXPECT_THAT(Mistakes(WithTls(good + ", tls_minimum_protocol_version: TLSv1_3, "
                                      "tls_maximum_protocol_version: TLSv1_2")),
              ElementsAre(HasSubstr("the minimum version is above the maximum")));
  EXPECT_THAT(Mistakes(WithTls(good + ", tls_minimum_protocol_version: TLSv1_0")),
              ElementsAre(HasSubstr("feature that Weir does not have: TLSv1_0")));
  EXPECT_THAT(Mistakes(WithTls(good + ", certs: 1")), ElementsAre(HasSubstr("certs")));
  EXPECT_THAT(Mistakes(WithClusterTls("cert: a")),
              ElementsAre(HasSubstr("a certificate and its key belong together")));
}

TEST(Tls, ATransportSocketOfTheOtherSideIsRefused) {
  EXPECT_THAT(
      Mistakes("listeners: [{address: '127.0.0.1:1', filters: [echo]}]\n"
               "clusters: [{name: c, endpoints: ['127.0.0.1:2'], transport_socket: {name: t, "
               "typed_config: {'@type': "
               "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext}}}]"),
      ElementsAre(HasSubstr("is of no transport socket for this place")));
  EXPECT_THAT(Mistakes("listeners: [{address: '127.0.0.1:1', filters: [echo]}]\n"
                       "clusters: [{name: c, endpoints: ['127.0.0.1:2'], transport_socket: "
                       "{name: envoy.transport_sockets.raw_buffer}}]"),
              IsEmpty());
}

TEST(Tls, WhatWeirLacksIsNamed) {
  EXPECT_THAT(
      Mistakes("listeners: [{address: '127.0.0.1:1', filter_chains: [{filters: [echo], "
               "transport_socket: {name: t, typed_config: {'@type': "
               "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext, "
               "common_tls_context: {tls_certificates: [{certificate_chain: {filename: a}, "
               "private_key: {filename: b}, password: {filename: c}, ocsp_staple: {filename: "
               "d}}]}}}}]}]"),
      ElementsAre(HasSubstr("pass phrases of private keys"), HasSubstr("OCSP stapling")));
}

}  // namespace
}  // namespace weir::config::testing
