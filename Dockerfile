# Swerve with its demo models:
#
#   docker build -t swerve .
#   docker run --rm -p 8080:8080 swerve
#   docker run --rm -p 8080:8080 -v "$PWD/my-models:/models:ro" swerve
#
# scripts/image-test builds it and asks it a question.

ARG SWIFT_IMAGE=swift:6.3-bookworm
ARG RUN_IMAGE=debian:bookworm-slim

FROM ${SWIFT_IMAGE} AS build
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
      ca-certificates g++ git libevent-dev libjansson-dev libopenblas-dev libssl-dev pkg-config zlib1g-dev \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /swerve
COPY . .

# SwiftPM's --static-swift-stdlib reaches executables only; the compiler's own flag reaches the plugins too.
RUN mkdir -p /installed/usr/bin /installed/usr/lib/swerve/plugins \
 && build="swift build -c release --static-swift-stdlib -Xswiftc -static-stdlib --product" \
 && $build swerve \
 && install --strip .build/release/swerve /installed/usr/bin/
# A plugin in Swift carries the Swift runtime; one in C is a few kilobytes of plain cc.
RUN set -e; \
    build="swift build -c release --static-swift-stdlib -Xswiftc -static-stdlib --product"; \
    for folder in plugins/*/; do \
      name=$(basename "$folder"); \
      library=".build/release/lib$name.so"; \
      if ls "$folder"*.c >/dev/null 2>&1; then \
        library="/tmp/$name.so"; \
        cc -O2 -shared -fPIC -I Sources/CSwervePlugin/include "$folder"*.c -o "$library"; \
      else \
        $build "$name"; \
      fi; \
      install --strip --mode 644 "$library" "/installed/usr/lib/swerve/plugins/$name.so"; \
    done

FROM ${RUN_IMAGE}
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
      libevent-core-2.1-7 libevent-pthreads-2.1-7 libjansson4 libopenblas0-pthread libssl3 libstdc++6 \
      zlib1g \
 && apt-get clean \
 && rm -rf /var/lib/apt/lists/*
COPY --from=build /installed/ /
COPY openapi.yaml /usr/share/swerve/
COPY models /models
# A library that the run stage lacks shall fail here, not on the user's machine.
RUN missing=$(ldd /usr/bin/swerve /usr/lib/swerve/plugins/*.so | grep 'not found' || true) \
 && if [ -n "$missing" ]; then echo "$missing" >&2; exit 1; fi

USER 65532:65532
EXPOSE 8080
STOPSIGNAL SIGTERM
# Alive, not ready: one bad model in a watched folder is no reason to restart a server that serves the others.
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s CMD ["/usr/bin/swerve", "health", "--path", "/livez"]
ENTRYPOINT ["/usr/bin/swerve"]
CMD ["serve", "--models", "/models", "--host", "0.0.0.0"]
