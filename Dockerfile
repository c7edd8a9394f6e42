# The course in a container that needs no network once it is built:
#   docker build --tag tuning .
#   docker run --init --rm --publish 127.0.0.1:8888:8888 tuning
# JupyterLab prints an address with a token: open the one that begins with http://127.0.0.1:8888.
# What you write is gone with the container, unless you leave out --rm and start the same container again.
FROM python:3.12-slim

RUN apt-get update \
    && apt-get install --yes --no-install-recommends make \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home learner \
    && install --directory --owner=learner /course

USER learner
WORKDIR /course
COPY --chown=learner . .
RUN PIP_NO_CACHE_DIR=1 make .venv/.installed

EXPOSE 8888
HEALTHCHECK --start-period=60s CMD [".venv/bin/python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8888/api')"]
CMD ["make", "lab", "OPTIONS=--no-browser --ip=0.0.0.0 --port=8888"]
