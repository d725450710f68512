# The worker's image. requirements-worker.lock is a second, smaller lock: the first holds the tests'
# and the embedded stack's packages too, three times the size and none of a worker's business.
FROM python:3.12-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/envwright
ENV PATH=/opt/envwright/bin:$PATH
WORKDIR /app
COPY requirements-worker.lock ./
RUN pip install --require-hashes --no-deps --only-binary :all: -r requirements-worker.lock
COPY pyproject.toml README.md LICENSE ./
COPY envwright ./envwright
COPY config ./config
COPY tasks ./tasks
COPY worker ./worker
RUN pip install --no-build-isolation --no-deps --editable . \
    && python -m compileall -q envwright config tasks worker

FROM python:3.12-slim
COPY --from=build /opt/envwright /opt/envwright
COPY --from=build /app /app
ENV PATH=/opt/envwright/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
WORKDIR /app
# With an entry of its own, since Celery takes a nameless group for a security risk and says so.
RUN useradd --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin envwright
# By number, so that a cluster that asks for non-root can see that it is.
USER 10001
# As a list, so that the worker itself gets the signal to stop, and no shell in between.
# It asks no other worker for its news: that takes a second, and all that they share is in Redis.
CMD ["celery", "-A", "worker.app", "worker", "--without-mingle", "--without-gossip"]
