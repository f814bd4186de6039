# Weir in a container: docker build -t weir .
#
# The final image holds the program, its plugins, and the shared objects that they need, and nothing else. It runs as a user
# without rights, with a read-only root and without capabilities: see the README's "In a container".

FROM debian:bookworm AS build
ENV CCACHE_DIR=/ccache CCACHE_BASEDIR=/src CCACHE_NOHASHDIR=1
WORKDIR /src
COPY dev ./
RUN apt-get update -q \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends -o Dpkg::Options::=--force-unsafe-io \
      ca-certificates $(./dev packages)
COPY . .
# Objects of an earlier build are found when its cache is mounted: podman build --volume "$HOME/.cache/ccache:/ccache" .
RUN cmake --preset release -DWEIR_TESTS=OFF -DCMAKE_INSTALL_PREFIX=/usr \
 && cmake --build build/release --target product \
 && cmake --install build/release --strip \
 && container/make-root /image

FROM scratch
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Weir" \
      org.opencontainers.image.description="A reverse proxy for HTTP/1.1 and HTTP/2, built as a chain of filters" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /image/ /
COPY container/weir.yaml /etc/weir/weir.yaml
COPY LICENSE /usr/share/doc/weir/LICENSE
# Plugins of your own: mount them, or COPY them, at /plugins.
ENV WEIR_PLUGIN_PATH=/plugins:/usr/lib/weir/plugins
USER 65532:65532
EXPOSE 8080
STOPSIGNAL SIGTERM
# Asks /ready of the admin listener that this file has; a file elsewhere, or one without an admin listener, wants another command.
HEALTHCHECK --interval=5s --timeout=6s --start-period=2s --retries=3 CMD ["weir", "health", "-c", "/etc/weir/weir.yaml"]
ENTRYPOINT ["weir"]
CMD ["-c", "/etc/weir/weir.yaml"]
