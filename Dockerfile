# The web page and the HTTP API in a container: docker build -t impasto . ; docs/serving.md says how to run it.
FROM python:3.11-slim AS build
WORKDIR /source
# The CPU build of PyTorch; another index, or none, for a GPU.
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
COPY constraints.txt pyproject.toml README.md LICENSE ./
COPY src src
RUN python -m venv /opt/impasto \
    && /opt/impasto/bin/pip install --no-cache-dir --extra-index-url "$TORCH_INDEX" -c constraints.txt ".[web]"

FROM python:3.11-slim
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin impasto \
    # For `--spool`: a volume here belongs to whom the folder does.
    && install --directory --mode 700 --owner 10001 --group 10001 /var/lib/impasto
COPY --from=build /opt/impasto /opt/impasto
USER 10001:10001
# Nothing is written without --spool: the file system can be read-only.
ENV PATH=/opt/impasto/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 HOME=/nonexistent
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=90s --retries=3 CMD ["python", "-c", \
    "import urllib.request as r; r.urlopen(r.Request('http://127.0.0.1:8000/healthz', headers={'Host': 'localhost'}), timeout=4)"]
ENTRYPOINT ["impasto", "serve", "--host", "0.0.0.0"]
CMD ["--keys", "/etc/impasto/keys.json"]
