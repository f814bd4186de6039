/* Known field names as small integers, so that host, codecs and filters compare numbers in place of
 * strings.
 *
 * weir_field.token holds one of these. The numbers are fixed within an ABI major: new names are
 * added at the end. The framing names stand first, so that one range compare tells them; they never
 * stand in weir_head.fields.
 */
#ifndef WEIR_ABI_TOKENS_H_
#define WEIR_ABI_TOKENS_H_

/* X(NAME, "name") for each known name, in the order of the numbers, which start at 1. */
#define WEIR_TOKENS_FRAMING(X)              \
  X(CONTENT_LENGTH, "content-length")       \
  X(TRANSFER_ENCODING, "transfer-encoding") \
  X(CONNECTION, "connection")               \
  X(KEEP_ALIVE, "keep-alive")               \
  X(PROXY_CONNECTION, "proxy-connection")   \
  X(UPGRADE, "upgrade")                     \
  X(TE, "te")                               \
  X(HOST, "host")                           \
  X(EXPECT, "expect")                       \
  X(HTTP2_SETTINGS, "http2-settings")

#define WEIR_TOKENS_OTHER(X)                                                  \
  X(ACCEPT, "accept")                                                         \
  X(ACCEPT_CHARSET, "accept-charset")                                         \
  X(ACCEPT_ENCODING, "accept-encoding")                                       \
  X(ACCEPT_LANGUAGE, "accept-language")                                       \
  X(ACCEPT_RANGES, "accept-ranges")                                           \
  X(ACCESS_CONTROL_ALLOW_CREDENTIALS, "access-control-allow-credentials")     \
  X(ACCESS_CONTROL_ALLOW_HEADERS, "access-control-allow-headers")             \
  X(ACCESS_CONTROL_ALLOW_METHODS, "access-control-allow-methods")             \
  X(ACCESS_CONTROL_ALLOW_ORIGIN, "access-control-allow-origin")               \
  X(ACCESS_CONTROL_EXPOSE_HEADERS, "access-control-expose-headers")           \
  X(ACCESS_CONTROL_MAX_AGE, "access-control-max-age")                         \
  X(ACCESS_CONTROL_REQUEST_HEADERS, "access-control-request-headers")         \
  X(ACCESS_CONTROL_REQUEST_METHOD, "access-control-request-method")           \
  X(AGE, "age")                                                               \
  X(ALLOW, "allow")                                                           \
  X(ALT_SVC, "alt-svc")                                                       \
  X(AUTHORIZATION, "authorization")                                           \
  X(CACHE_CONTROL, "cache-control")                                           \
  X(CONTENT_DISPOSITION, "content-disposition")                               \
  X(CONTENT_ENCODING, "content-encoding")                                     \
  X(CONTENT_LANGUAGE, "content-language")                                     \
  X(CONTENT_LOCATION, "content-location")                                     \
  X(CONTENT_RANGE, "content-range")                                           \
  X(CONTENT_SECURITY_POLICY, "content-security-policy")                       \
  X(CONTENT_TYPE, "content-type")                                             \
  X(COOKIE, "cookie")                                                         \
  X(CROSS_ORIGIN_OPENER_POLICY, "cross-origin-opener-policy")                 \
  X(CROSS_ORIGIN_RESOURCE_POLICY, "cross-origin-resource-policy")             \
  X(DATE, "date")                                                             \
  X(DNT, "dnt")                                                               \
  X(EARLY_DATA, "early-data")                                                 \
  X(ETAG, "etag")                                                             \
  X(EXPIRES, "expires")                                                       \
  X(FORWARDED, "forwarded")                                                   \
  X(FROM, "from")                                                             \
  X(GRPC_ACCEPT_ENCODING, "grpc-accept-encoding")                             \
  X(GRPC_ENCODING, "grpc-encoding")                                           \
  X(GRPC_MESSAGE, "grpc-message")                                             \
  X(GRPC_STATUS, "grpc-status")                                               \
  X(GRPC_STATUS_DETAILS_BIN, "grpc-status-details-bin")                       \
  X(GRPC_TIMEOUT, "grpc-timeout")                                             \
  X(IF_MATCH, "if-match")                                                     \
  X(IF_MODIFIED_SINCE, "if-modified-since")                                   \
  X(IF_NONE_MATCH, "if-none-match")                                           \
  X(IF_RANGE, "if-range")                                                     \
  X(IF_UNMODIFIED_SINCE, "if-unmodified-since")                               \
  X(LAST_MODIFIED, "last-modified")                                           \
  X(LINK, "link")                                                             \
  X(LOCATION, "location")                                                     \
  X(MAX_FORWARDS, "max-forwards")                                             \
  X(ORIGIN, "origin")                                                         \
  X(PERMISSIONS_POLICY, "permissions-policy")                                 \
  X(PRAGMA, "pragma")                                                         \
  X(PREFER, "prefer")                                                         \
  X(PRIORITY, "priority")                                                     \
  X(PROXY_AUTHENTICATE, "proxy-authenticate")                                 \
  X(PROXY_AUTHENTICATION_INFO, "proxy-authentication-info")                   \
  X(PROXY_AUTHORIZATION, "proxy-authorization")                               \
  X(PROXY_STATUS, "proxy-status")                                             \
  X(PURPOSE, "purpose")                                                       \
  X(RANGE, "range")                                                           \
  X(REFERER, "referer")                                                       \
  X(REFERRER_POLICY, "referrer-policy")                                       \
  X(REFRESH, "refresh")                                                       \
  X(RETRY_AFTER, "retry-after")                                               \
  X(SEC_CH_UA, "sec-ch-ua")                                                   \
  X(SEC_CH_UA_MOBILE, "sec-ch-ua-mobile")                                     \
  X(SEC_CH_UA_PLATFORM, "sec-ch-ua-platform")                                 \
  X(SEC_FETCH_DEST, "sec-fetch-dest")                                         \
  X(SEC_FETCH_MODE, "sec-fetch-mode")                                         \
  X(SEC_FETCH_SITE, "sec-fetch-site")                                         \
  X(SEC_FETCH_USER, "sec-fetch-user")                                         \
  X(SEC_WEBSOCKET_ACCEPT, "sec-websocket-accept")                             \
  X(SEC_WEBSOCKET_EXTENSIONS, "sec-websocket-extensions")                     \
  X(SEC_WEBSOCKET_KEY, "sec-websocket-key")                                   \
  X(SEC_WEBSOCKET_PROTOCOL, "sec-websocket-protocol")                         \
  X(SEC_WEBSOCKET_VERSION, "sec-websocket-version")                           \
  X(SERVER, "server")                                                         \
  X(SERVER_TIMING, "server-timing")                                           \
  X(SET_COOKIE, "set-cookie")                                                 \
  X(STRICT_TRANSPORT_SECURITY, "strict-transport-security")                   \
  X(TIMING_ALLOW_ORIGIN, "timing-allow-origin")                               \
  X(TRACEPARENT, "traceparent")                                               \
  X(TRACESTATE, "tracestate")                                                 \
  X(TRAILER, "trailer")                                                       \
  X(UPGRADE_INSECURE_REQUESTS, "upgrade-insecure-requests")                   \
  X(USER_AGENT, "user-agent")                                                 \
  X(VARY, "vary")                                                             \
  X(VIA, "via")                                                               \
  X(WWW_AUTHENTICATE, "www-authenticate")                                     \
  X(X_CONTENT_TYPE_OPTIONS, "x-content-type-options")                         \
  X(X_ENVOY_ATTEMPT_COUNT, "x-envoy-attempt-count")                           \
  X(X_ENVOY_DOWNSTREAM_SERVICE_CLUSTER, "x-envoy-downstream-service-cluster") \
  X(X_ENVOY_EXPECTED_RQ_TIMEOUT_MS, "x-envoy-expected-rq-timeout-ms")         \
  X(X_ENVOY_EXTERNAL_ADDRESS, "x-envoy-external-address")                     \
  X(X_ENVOY_INTERNAL, "x-envoy-internal")                                     \
  X(X_ENVOY_ORIGINAL_PATH, "x-envoy-original-path")                           \
  X(X_ENVOY_OVERLOADED, "x-envoy-overloaded")                                 \
  X(X_ENVOY_RETRY_ON, "x-envoy-retry-on")                                     \
  X(X_ENVOY_UPSTREAM_RQ_TIMEOUT_MS, "x-envoy-upstream-rq-timeout-ms")         \
  X(X_ENVOY_UPSTREAM_SERVICE_TIME, "x-envoy-upstream-service-time")           \
  X(X_FORWARDED_CLIENT_CERT, "x-forwarded-client-cert")                       \
  X(X_FORWARDED_FOR, "x-forwarded-for")                                       \
  X(X_FORWARDED_HOST, "x-forwarded-host")                                     \
  X(X_FORWARDED_PORT, "x-forwarded-port")                                     \
  X(X_FORWARDED_PROTO, "x-forwarded-proto")                                   \
  X(X_FRAME_OPTIONS, "x-frame-options")                                       \
  X(X_POWERED_BY, "x-powered-by")                                             \
  X(X_REAL_IP, "x-real-ip")                                                   \
  X(X_REQUEST_ID, "x-request-id")                                             \
  X(X_REQUESTED_WITH, "x-requested-with")                                     \
  X(X_XSS_PROTECTION, "x-xss-protection")

#define WEIR_TOKENS(X)   \
  WEIR_TOKENS_FRAMING(X) \
  WEIR_TOKENS_OTHER(X)

enum {
  WEIR_TOKEN_UNKNOWN = 0, /* the name is not in the table */
#define WEIR_TOKEN_ENUM_(id, name) WEIR_TOKEN_##id,
  WEIR_TOKENS(WEIR_TOKEN_ENUM_)
#undef WEIR_TOKEN_ENUM_
      WEIR_TOKEN_COUNT, /* one more than the last token; below 128, so that presence is two words of
                           bits */
  WEIR_TOKEN_UNSET = 0xFFFF /* "host, please look it up" */
};

enum {
  WEIR_TOKEN_FRAMING_FIRST = WEIR_TOKEN_CONTENT_LENGTH,
  WEIR_TOKEN_FRAMING_LAST = WEIR_TOKEN_HTTP2_SETTINGS
};

#define WEIR_TOKEN_IS_FRAMING(token)             \
  ((unsigned)(token)-WEIR_TOKEN_FRAMING_FIRST <= \
   (unsigned)WEIR_TOKEN_FRAMING_LAST - WEIR_TOKEN_FRAMING_FIRST)

#endif /* WEIR_ABI_TOKENS_H_ */
