# Helios in a container. Keys come in by the environment when it runs; none is in the image.
#
#   docker build -t helios .
#   docker build -t helios --build-arg PIP_EXTRA_INDEX_URL=... .    an index with torch for CPUs makes it much smaller

FROM python:3.12-slim AS build
ARG PIP_EXTRA_INDEX_URL=""
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /src
RUN python -m venv /opt/helios
ENV PATH=/opt/helios/bin:$PATH
# The packages first: they change less often than the code.
COPY pyproject.toml requirements.lock README.md ./
RUN mkdir helios_nautilus \
    && touch helios_nautilus/__init__.py \
    && pip install --constraint requirements.lock '.[dashboard,journal,llm]' \
    && pip uninstall --yes helios-nautilus
COPY helios_nautilus helios_nautilus
RUN pip install --no-deps .

FROM python:3.12-slim
RUN groupadd --gid 10001 helios \
    && useradd --uid 10001 --gid helios --no-create-home --home-dir /var/lib/helios helios \
    && install --directory --owner=helios --group=helios --mode=0750 /var/lib/helios
COPY --from=build /opt/helios /opt/helios
COPY configs /etc/helios
ENV PATH=/opt/helios/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    HELIOS_HOME=/var/lib/helios/home \
    NUMBA_CACHE_DIR=/var/lib/helios/cache
USER 10001:10001
# Paths in a configuration count from here: the catalogue and the models are on the volume, too.
WORKDIR /var/lib/helios
VOLUME /var/lib/helios
STOPSIGNAL SIGTERM
# A start fetches history first.
HEALTHCHECK --interval=30s --timeout=20s --start-period=10m --retries=3 \
    CMD ["helios", "status", "--json"]
ENTRYPOINT ["helios"]
CMD ["paper", "/etc/helios/paper.toml"]
