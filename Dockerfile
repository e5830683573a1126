# One image for every process of the product; docker-compose.yml says which one a container becomes.

FROM python:3.13-slim-bookworm AS packages
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/holdfast
COPY requirements.txt requirements-tracing.txt /tmp/
# Exact versions with hashes: what the index has today is what was tested. Traces are there for who
# asks for them with `--build-arg TRACING=yes`.
ARG TRACING=""
RUN /opt/holdfast/bin/python -m pip install --require-hashes --no-input -r /tmp/requirements.txt \
        ${TRACING:+-r /tmp/requirements-tracing.txt} \
    && /opt/holdfast/bin/python -m pip uninstall --yes pip

FROM python:3.13-slim-bookworm
LABEL org.opencontainers.image.title="Holdfast" \
    org.opencontainers.image.description="A booking engine that never sells a place twice" \
    org.opencontainers.image.licenses="Apache-2.0"
# /data and /run/metrics become volumes, which take their owner from here.
RUN groupadd --gid 10001 holdfast \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nowhere \
        --shell /usr/sbin/nologin holdfast \
    && install --directory --owner=10001 --group=10001 --mode=0700 /data /run/metrics
COPY --from=packages /opt/holdfast /opt/holdfast
WORKDIR /app
COPY celery_config.py logs.py metrics.py settings.py storage.py LICENSE ./
COPY tracing/ tracing/
COPY models/ models/
COPY migrations/ migrations/
COPY booking/ booking/
COPY reports/ reports/
COPY messages/ messages/
COPY admin/ admin/
COPY workers/ workers/
COPY webapp/ webapp/
COPY ops/ ops/
# Compiled here, since containers run with a read-only root.
RUN /opt/holdfast/bin/python -m compileall -q /app
ENV PATH=/opt/holdfast/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    HOLDFAST_BIND=0.0.0.0 \
    HOLDFAST_DATA=/data
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=10s --start-period=60s --retries=3 \
    CMD ["python", "-m", "ops.healthy", "web"]
ENTRYPOINT ["python", "-m", "ops"]
CMD ["run", "web"]
