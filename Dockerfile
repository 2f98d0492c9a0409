# syntax=docker/dockerfile:1
# Three images:
#   every step of the pipelines:      docker build --target pipeline -t stethoscope-python:0.1.0 .
#   the steps that do not train:      docker build --target steps -t stethoscope-python:0.1.0-steps .
#   the service:                      docker build --target serve -t stethoscope-serve:0.1.0 .
#
# In each the dependencies are one layer, which is built again only if requirements/ changes, and
# the package is a small last one. For a build that can be repeated, name the base by its digest:
#   --build-arg BASE=python:3.12-slim-bookworm@sha256:...
ARG BASE=python:3.12-slim-bookworm

# Every package is installed by its hash; requirements/ is written by `make lock`.
FROM ${BASE} AS tools
# PIP_INDEX_URL names a mirror of PyPI, for a site without internet.
ARG PIP_INDEX_URL
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src
RUN python -m venv /opt/stethoscope

FROM tools AS wheel
COPY requirements/build.txt requirements/
RUN python -m venv /opt/build \
 && /opt/build/bin/pip install --require-hashes --requirement requirements/build.txt
COPY pyproject.toml README.md LICENSE pipeline.yaml ./
COPY data/catalogue.json data/
COPY deploy/kserve deploy/kserve
COPY pipelines pipelines
COPY stethoscope stethoscope
# Into a folder of its own with the layout of the environment, and with its interpreter.
RUN /opt/build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . \
 && /opt/stethoscope/bin/pip install --no-deps --no-index --prefix /opt/package /wheels/*.whl

FROM tools AS dependencies
# For nodes with a GPU, build with --build-arg TENSORFLOW='tensorflow[and-cuda]'. Its libraries are
# not locked by hashes.
ARG TENSORFLOW=tensorflow-cpu
COPY requirements/pipeline.txt constraints.txt requirements/
# A step of a sweep runs a whole pipeline, so this image contains all of KFP.
RUN /opt/stethoscope/bin/pip install --require-hashes --requirement requirements/pipeline.txt \
 && if [ "$TENSORFLOW" != tensorflow-cpu ]; then \
      version=$(/opt/stethoscope/bin/python -c \
        'import importlib.metadata as m; print(m.version("tensorflow-cpu"))') \
      && /opt/stethoscope/bin/pip uninstall --yes tensorflow-cpu \
      && /opt/stethoscope/bin/pip install --constraint requirements/constraints.txt "$TENSORFLOW==$version"; \
    fi

FROM ${BASE} AS pipeline
RUN useradd --create-home --uid 10001 listener
COPY --from=dependencies /opt/stethoscope /opt/stethoscope
COPY --from=wheel /opt/package /opt/stethoscope
# Which code this is: --build-arg VERSION=0.1.0 --build-arg REVISION=$(git rev-parse HEAD)
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.title="stethoscope: steps of the pipelines"
USER 10001
WORKDIR /home/listener
ENV PATH=/opt/stethoscope/bin:$PATH PYTHONUNBUFFERED=1 TF_CPP_MIN_LOG_LEVEL=2
ENTRYPOINT ["stethoscope"]
CMD ["--help"]

# The same without TensorFlow.
FROM tools AS dependencies-steps
COPY requirements/steps.txt requirements/
RUN /opt/stethoscope/bin/pip install --require-hashes --requirement requirements/steps.txt

FROM ${BASE} AS steps
RUN useradd --create-home --uid 10001 listener
COPY --from=dependencies-steps /opt/stethoscope /opt/stethoscope
COPY --from=wheel /opt/package /opt/stethoscope
# Which code this is: --build-arg VERSION=0.1.0 --build-arg REVISION=$(git rev-parse HEAD)
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.title="stethoscope: steps of the pipelines that do not train"
USER 10001
WORKDIR /home/listener
ENV PATH=/opt/stethoscope/bin:$PATH PYTHONUNBUFFERED=1
ENTRYPOINT ["stethoscope"]
CMD ["--help"]

FROM tools AS dependencies-serve
COPY requirements/serve.txt requirements/
RUN /opt/stethoscope/bin/pip install --require-hashes --requirement requirements/serve.txt

# What is in the image of the service, with all licences.
FROM dependencies-serve AS contents
COPY requirements/tools.txt requirements/
RUN python -m venv /opt/tools \
 && /opt/tools/bin/pip install --require-hashes --requirement requirements/tools.txt
COPY --from=wheel /opt/package /opt/stethoscope
RUN /opt/stethoscope/bin/pip uninstall --yes pip setuptools \
 && /opt/tools/bin/cyclonedx-py environment --gather-license-texts \
      --output-file /opt/sbom.json /opt/stethoscope/bin/python

FROM dependencies-serve AS environment-serve
RUN /opt/stethoscope/bin/pip uninstall --yes pip setuptools

FROM ${BASE} AS serve
RUN useradd --no-create-home --uid 10001 listener
COPY --from=environment-serve /opt/stethoscope /opt/stethoscope
COPY --from=contents /opt/sbom.json /opt/stethoscope/sbom.json
COPY --from=wheel /opt/package /opt/stethoscope
# Which code this is: --build-arg VERSION=0.1.0 --build-arg REVISION=$(git rev-parse HEAD)
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.title="stethoscope: service"
USER 10001
WORKDIR /model
ENV PATH=/opt/stethoscope/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 MALLOC_ARENA_MAX=2
EXPOSE 5000
HEALTHCHECK --interval=30s --timeout=3s --start-period=10s \
  CMD ["python", "-c", \
       "import urllib.request; urllib.request.urlopen('http://127.0.0.1:5000/v2/health/ready', timeout=2)"]
# Mount the bundle at /model:
#   docker run --read-only -v ./bundle:/model:ro -p 5000:5000 stethoscope-serve:0.1.0
ENTRYPOINT ["stethoscope", "serve"]
CMD ["/model", "--host", "0.0.0.0"]
