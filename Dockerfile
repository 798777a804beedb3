# syntax=docker/dockerfile:1

# --- the browser interface, with a Node.js that stays behind here ----------------------------------
FROM python:3.13-slim-bookworm AS interface

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
COPY requirements/node.txt requirements/
RUN python -m pip install \
    --only-binary :all: --require-hashes --no-compile --requirement requirements/node.txt
COPY web web
RUN python web/build.py build

# --- the packages, in a virtual environment of their own -----------------------------------------
FROM python:3.13-slim-bookworm AS build

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
RUN python -m venv --without-pip /opt/codelab

# The list changes less often than the code, so that this layer is kept.
COPY requirements/runtime.txt requirements/
RUN python -m pip --python /opt/codelab/bin/python install \
    --only-binary :all: --require-hashes --no-compile --requirement requirements/runtime.txt

COPY pyproject.toml hatch_build.py LICENSE README.md ./
COPY migrations migrations
COPY src src
COPY --from=interface /build/src/codelab/web/static src/codelab/web/static
# Compiled once, and never compared with the sources again: nothing can write them at run time.
RUN python -m pip --python /opt/codelab/bin/python install \
    --no-deps --no-build-isolation --no-compile . \
    && python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/codelab/lib

# --- what runs -----------------------------------------------------------------------------------
FROM python:3.13-slim-bookworm

# bubblewrap boxes in what agents run; git is what they ask for changes.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends bubblewrap git \
    && rm -rf /var/lib/apt/lists/*

# Nothing is written outside /data. A folder per purpose, since a workspace may not hold CodeLab's
# own data or a home folder.
RUN groupadd --gid 10001 codelab \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /data/home \
    --shell /usr/sbin/nologin codelab \
    && install --directory --mode 0700 --owner 10001 --group 10001 \
    /data /data/codelab /data/home /data/projects /data/projects/shared /data/tmp

COPY --from=build /opt/codelab /opt/codelab

ENV PATH=/opt/codelab/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/data/home \
    TMPDIR=/data/tmp \
    CODELAB_DATA_DIR=/data/codelab \
    CODELAB_WORKSPACES_ROOT=/data/projects \
    CODELAB_LOG_FORMAT=json

USER 10001:10001
WORKDIR /data/projects/shared
VOLUME ["/data"]
EXPOSE 8000

HEALTHCHECK --interval=15s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/health/live', timeout=4)"]

ENTRYPOINT ["codelab"]
# Other machines can reach this address, so that CODELAB_SECRET_KEY must be given.
CMD ["serve", "--host", "0.0.0.0", "--port", "8000"]
