# mailsync in one small image. BASE may be any Debian-like image with python3 (3.11 or newer) and its venv module.
ARG BASE=docker.io/library/python:3.11-slim-bookworm

FROM ${BASE} AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY config/constraints.txt config/
COPY mailsync mailsync
RUN python3 -m venv /opt/mailsync \
 && /opt/mailsync/bin/pip install --quiet --no-cache-dir --constraint config/constraints.txt ".[postgres,server]"

FROM ${BASE}
COPY --from=build /opt/mailsync /opt/mailsync
RUN useradd --system --uid 10001 --user-group --create-home --home-dir /var/lib/mailsync mailsync
ENV PATH=/opt/mailsync/bin:$PATH PYTHONUNBUFFERED=1 MAILSYNC_CONFIG=/etc/mailsync/mailsync.toml
USER mailsync
WORKDIR /var/lib/mailsync
VOLUME /var/lib/mailsync
HEALTHCHECK --interval=1m --timeout=15s --start-period=2m CMD ["mailsync", "run", "--health"]
ENTRYPOINT ["mailsync"]
CMD ["run"]
