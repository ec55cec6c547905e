# One image for every part of compose.yaml, and for workers anywhere else: all of them must have the same version.
# torch's plain wheels bring CUDA; for machines without a GPU build with PyTorch's index of CPU wheels:
#   docker build --build-arg PIP_EXTRA_INDEX_URL=... -t embertext .
FROM python:3.11-slim

ARG PIP_EXTRA_INDEX_URL=
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONUNBUFFERED=1
ENV DO_NOT_TRACK=1 PREFECT_SERVER_ANALYTICS_ENABLED=false

WORKDIR /app
COPY pyproject.toml README.md LICENSE ./
COPY data data
COPY algorithms algorithms
COPY tasks tasks
COPY flows flows
RUN pip install .
COPY prefect.yaml ./

# SageMaker starts containers by `train` and `serve`, and may choose the port
RUN for name in train serve; do \
      printf '#!/bin/sh\nexec embertext %s "$@"\n' $name > /usr/local/bin/$name && chmod +x /usr/local/bin/$name; \
    done
LABEL com.amazonaws.sagemaker.capabilities.accept-bind-to-port=true

RUN useradd --create-home --uid 1000 embertext && mkdir -p /home/embertext/.prefect && chown -R embertext /home/embertext
USER embertext

# each service says at which address it tells that it is well
HEALTHCHECK --interval=10s --timeout=5s --start-period=120s --retries=6 CMD ["python", "-c", "import os, urllib.request as r; 'HEALTH' in os.environ and r.urlopen(os.environ['HEALTH'], timeout=4)"]
CMD ["embertext", "--help"]
