# kfpipe in a container. Another base, such as a mirror's or your own: docker build --build-arg BASE=... .
ARG BASE=python:3.13-slim

FROM ${BASE} AS build
WORKDIR /src
COPY pyproject.toml hatch_build.py README.md LICENSE constraints.txt ./
COPY kfpipe kfpipe
COPY schemas schemas
RUN python -m venv /opt/kfpipe \
    && PIP_CONSTRAINT=constraints.txt PIP_BUILD_CONSTRAINT=constraints.txt \
       /opt/kfpipe/bin/pip install --no-cache-dir '.[cluster,keyring,notify,otel,xlsx,heic]'

FROM ${BASE}
# plan --diff, ci check and ci comment read the project's history
RUN apt-get update && apt-get install -y --no-install-recommends git && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 1000 kfpipe
COPY --from=build /opt/kfpipe /opt/kfpipe
ENV PATH=/opt/kfpipe/bin:$PATH PYTHONUNBUFFERED=1
USER kfpipe
WORKDIR /project
HEALTHCHECK --interval=5m --timeout=30s --start-period=10s CMD ["kfpipe", "doctor", "--json"]
ENTRYPOINT ["kfpipe"]
CMD ["--help"]
