# syntax=docker/dockerfile:1
# Production: no private services, no build tools, not root.

FROM python:3.13-slim AS build
WORKDIR /build
COPY requirements.txt .
RUN python -m venv /venv \
    && /venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements.txt

FROM python:3.13-slim
ENV PATH=/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    TANDEM_ENVIRONMENT=production \
    TANDEM_DATA_DIR=/tmp/tandem
RUN useradd --system --no-create-home --uid 10001 tandem
COPY --from=build /venv /venv
WORKDIR /srv/tandem
COPY app app
RUN python -m compileall -q app
COPY static static
USER tandem
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/health', timeout=2)"]
CMD ["python", "-m", "app", "serve", "--host", "0.0.0.0", "--workers", "2"]
