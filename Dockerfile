# Images of Mitosis: `docker build -t mitosis .` makes the coordinator's, `--target worker` a worker's, which is also the client's.
# Nothing secret is in them: passwords and addresses come as MITO_* variables or as files when a container starts.

FROM debian:12-slim AS build
WORKDIR /mitosis
COPY script/bootstrap script/bootstrap
RUN script/bootstrap --package
COPY . .
RUN script/package --archive
RUN script/install --prefix /opt/mito build/packages/mito-*-linux.tar.xz

# The archive brings its own libraries; of the distribution a task has what is in the slim image.
FROM debian:12-slim AS base
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /opt/mito /opt/mito
RUN ln -s /opt/mito/bin/mito /usr/local/bin/mito && useradd --system --uid 990 --create-home --home-dir /var/lib/mitosis --shell /usr/sbin/nologin mitosis
USER mitosis
WORKDIR /var/lib/mitosis
STOPSIGNAL SIGTERM
ENTRYPOINT ["mito"]

# docker run --rm mitosis-worker worker --coordinator http://… -u … --password-file …
FROM base AS worker
CMD ["worker", "--help"]

# docker run -p 5000:5000 -v mitosis:/var/lib/mitosis mitosis
FROM base AS coordinator
VOLUME /var/lib/mitosis
EXPOSE 5000
ENV MITO_BIND=0.0.0.0:5000 MITO_DATA_DIR=/var/lib/mitosis
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/5000 && printf 'GET /health HTTP/1.0\\r\\nHost: health\\r\\n\\r\\n' >&3 && head -n 1 <&3 | grep -q ' 200 '"]
CMD ["coordinator"]
