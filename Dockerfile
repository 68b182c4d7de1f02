# Swerve with its demo models, and nothing else: no shell, no package manager, no library that is not loaded.
#
#   docker build -t swerve .
#   docker run --rm -p 8080:8080 swerve
#   docker run --rm -p 8080:8080 -v "$PWD/my-models:/models:ro" --read-only --cap-drop ALL swerve
#
# Plugins of your own lie in the models' version folders, or in a folder at /plugins.
#
# For amd64 and arm64 (docker buildx build --platform linux/amd64,linux/arm64 .). scripts/image-test builds it, runs
# it, asks it questions and lists what is in it. Give SWIFT_IMAGE by digest to build the same image again.

ARG SWIFT_IMAGE=swift:6.3-bookworm

FROM ${SWIFT_IMAGE} AS build
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
      ca-certificates g++ git libevent-dev libjansson-dev libopenblas-dev libssl-dev pkg-config zlib1g-dev \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /swerve
COPY . .
RUN scripts/image-root /root-file-system

FROM scratch
COPY --from=build /root-file-system/ /
COPY models /models

ENV SWERVE_PLUGINS=/plugins
USER 65532:65532
EXPOSE 8080
STOPSIGNAL SIGTERM
# Alive, not ready: one bad model in a watched folder is no reason to restart a server that serves the others.
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s CMD ["/usr/bin/swerve", "health", "--path", "/livez"]
ENTRYPOINT ["/usr/bin/swerve"]
CMD ["serve", "--models", "/models", "--host", "0.0.0.0"]
