# syntax=docker/dockerfile:1
# Two images:
#   every step of the pipelines:  docker build --target pipeline -t stethoscope-python:0.1.0 .
#   the service:                  docker build --target serve -t stethoscope-serve:0.1.0 .

# Every package is installed by its hash; requirements/ is written by `make lock`.
FROM python:3.12-slim-bookworm AS source
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src
COPY requirements requirements
RUN python -m venv /opt/stethoscope /opt/build \
 && /opt/build/bin/pip install --require-hashes --requirement requirements/build.txt
COPY pyproject.toml constraints.txt README.md LICENSE pipeline.yaml ./
COPY data/catalogue.json data/
COPY deploy/kserve deploy/kserve
COPY pipelines pipelines
COPY stethoscope stethoscope
RUN /opt/build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /wheels .

FROM source AS build
# For nodes with a GPU, build with --build-arg TENSORFLOW='tensorflow[and-cuda]'. Its libraries are
# not locked by hashes.
ARG TENSORFLOW=tensorflow-cpu
# A step of a sweep runs a whole pipeline, so this image contains all of KFP.
RUN /opt/stethoscope/bin/pip install --require-hashes --requirement requirements/pipeline.txt \
 && /opt/stethoscope/bin/pip install --no-deps --no-index /wheels/*.whl \
 && if [ "$TENSORFLOW" != tensorflow-cpu ]; then \
      version=$(/opt/stethoscope/bin/python -c \
        'import importlib.metadata as m; print(m.version("tensorflow-cpu"))') \
      && /opt/stethoscope/bin/pip uninstall --yes tensorflow-cpu \
      && /opt/stethoscope/bin/pip install --constraint constraints.txt "$TENSORFLOW==$version"; \
    fi

FROM python:3.12-slim-bookworm AS pipeline
COPY --from=build /opt/stethoscope /opt/stethoscope
RUN useradd --create-home --uid 10001 listener
USER 10001
WORKDIR /home/listener
ENV PATH=/opt/stethoscope/bin:$PATH PYTHONUNBUFFERED=1 TF_CPP_MIN_LOG_LEVEL=2
ENTRYPOINT ["stethoscope"]
CMD ["--help"]

FROM source AS build-serve
RUN /opt/stethoscope/bin/pip install --require-hashes --requirement requirements/serve.txt \
 && /opt/stethoscope/bin/pip install --no-deps --no-index /wheels/*.whl \
 && /opt/stethoscope/bin/pip uninstall --yes pip setuptools
# What is in the image, with all licences.
RUN python -m venv /opt/tools \
 && /opt/tools/bin/pip install --require-hashes --requirement requirements/tools.txt \
 && /opt/tools/bin/cyclonedx-py environment --gather-license-texts \
      --output-file /opt/stethoscope/sbom.json /opt/stethoscope/bin/python

FROM python:3.12-slim-bookworm AS serve
COPY --from=build-serve /opt/stethoscope /opt/stethoscope
RUN useradd --no-create-home --uid 10001 listener
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
