# Swerve with its demo models, and nothing else: no shell, no package manager, no library that is not loaded.
#
#   docker build -t swerve .
#   docker run --rm -p 8080:8080 swerve
#   docker run --rm -p 8080:8080 -v "$PWD/my-models:/models:ro" --read-only --cap-drop ALL swerve
#
# For amd64 and arm64 (docker buildx build --platform linux/amd64,linux/arm64 .). scripts/image-test builds it, runs
# it and asks it a question. Give SWIFT_IMAGE by digest to build the same image again.

ARG SWIFT_IMAGE=swift:6.3-bookworm

FROM ${SWIFT_IMAGE} AS build
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
      ca-certificates g++ git libevent-dev libjansson-dev libopenblas-dev libssl-dev pkg-config zlib1g-dev \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /swerve
COPY . .

# SwiftPM's --static-swift-stdlib reaches executables only; the compiler's own flag reaches the plugins too.
RUN set -e; \
    build="swift build -c release --static-swift-stdlib -Xswiftc -static-stdlib --product"; \
    $build swerve; \
    for folder in plugins/*/; do \
      ls "$folder"*.c >/dev/null 2>&1 || $build "$(basename "$folder")"; \
    done; \
    scripts/image-root .build/release /root-file-system

FROM scratch
COPY --from=build /root-file-system/ /
COPY models /models

USER 65532:65532
EXPOSE 8080
STOPSIGNAL SIGTERM
# Alive, not ready: one bad model in a watched folder is no reason to restart a server that serves the others.
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s CMD ["/usr/bin/swerve", "health", "--path", "/livez"]
ENTRYPOINT ["/usr/bin/swerve"]
CMD ["serve", "--models", "/models", "--host", "0.0.0.0"]
