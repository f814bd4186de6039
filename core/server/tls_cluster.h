#pragma once

#include <memory>
#include <vector>

#include "core/http/codec_set.h"
#include "core/net/worker_context.h"
#include "core/server/wiring.h"
#include "core/upstream/transport.h"

namespace weir::server {

// The TLS contexts of all clusters, read and tried. Null after a mistake in context.diagnostics.
// Main thread.
std::shared_ptr<const ClusterTls> BuildClusterTls(const ServerContext& context);

// The clusters of `now` that are as they were in `before` follow their files with what they had
// there, so that whoever goes on with either sees the same. Before anything is made of
// now->cluster_tls.
void KeepClusterTls(const ServerContext& before, ServerContext* now);

// TLS to the backends of a cluster, by its index, on one worker; null where the cluster has none.
// Its counters are the cluster's. codecs: of a cluster with a pool for each protocol, those of this
// pool; ALPN offers what they speak and no more. A handshake that begins uses what the cluster's
// files have then; connections that are there go on. Must outlive its connections' use, not their
// end.
std::unique_ptr<upstream::Transport> MakeTlsTransport(const ServerContext& context, size_t cluster,
                                                      net::WorkerContext* worker,
                                                      const http::CodecSet* codecs = nullptr);

}  // namespace weir::server
