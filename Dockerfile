# Images: docker build --target engine -t impasto:engine .   (engine, torch, cuda, bot; docs/how-to/serving.md says how to run them)
#
# What is downloaded depends on pyproject.toml and constraints.txt alone: an edit of the code builds the wheel anew, a few MB.
# PYTHON is best given with the digest that was tested: --build-arg PYTHON=python:3.11-slim@sha256:...
ARG PYTHON=python:3.11-slim

FROM ${PYTHON} AS wheel
WORKDIR /source
RUN pip install --no-cache-dir "hatchling>=1.27"
COPY pyproject.toml hatch_build.py README.md LICENSE ./
COPY src src
RUN pip wheel --no-cache-dir --no-deps --no-build-isolation -w /wheels .

# Packages, in layers that the code does not touch.
FROM ${PYTHON} AS packages
WORKDIR /source
COPY pyproject.toml constraints.txt ./
COPY tools/requirements.py tools/
RUN python -m venv /opt/impasto \
    && python tools/requirements.py web > web.txt \
    && /opt/impasto/bin/pip install --no-cache-dir -r web.txt -c constraints.txt

FROM packages AS torch-packages
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
RUN python tools/requirements.py torch > torch.txt \
    && /opt/impasto/bin/pip install --no-cache-dir --extra-index-url "$TORCH_INDEX" -r torch.txt -c constraints.txt

# What PyPI has for Linux is built for CUDA, and brings its libraries; the host needs the driver and NVIDIA's container toolkit.
FROM packages AS cuda-packages
RUN python tools/requirements.py torch > torch.txt \
    && /opt/impasto/bin/pip install --no-cache-dir -r torch.txt -c constraints.txt

FROM packages AS bot-packages
RUN python tools/requirements.py bot > bot.txt \
    && /opt/impasto/bin/pip install --no-cache-dir -r bot.txt -c constraints.txt

# The same for all: a user without rights, and nothing that is written, so that the file system can be read-only.
FROM ${PYTHON} AS runtime
LABEL org.opencontainers.image.title="impasto" \
      org.opencontainers.image.description="Turns pictures into paintings: style transfer, offline, at any size" \
      org.opencontainers.image.version="0.2.0" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin impasto \
    # For `--spool`, and the bot's memory: a volume here belongs to whom the folder does.
    && install --directory --mode 700 --owner 10001 --group 10001 /var/lib/impasto
ENV PATH=/opt/impasto/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 HOME=/nonexistent
STOPSIGNAL SIGTERM

FROM runtime AS serve
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=90s --retries=3 CMD ["python", "-c", \
    "import urllib.request as r; r.urlopen(r.Request('http://127.0.0.1:8000/healthz', headers={'Host': 'localhost'}), timeout=4)"]
ENTRYPOINT ["impasto", "serve", "--host", "0.0.0.0"]
CMD ["--keys", "/etc/impasto/keys.json"]

FROM serve AS torch
COPY --from=torch-packages /opt/impasto /opt/impasto
RUN --mount=type=bind,from=wheel,source=/wheels,target=/wheels \
    /opt/impasto/bin/pip install --no-cache-dir --no-deps --no-index /wheels/*.whl
USER 10001:10001

FROM serve AS cuda
COPY --from=cuda-packages /opt/impasto /opt/impasto
RUN --mount=type=bind,from=wheel,source=/wheels,target=/wheels \
    /opt/impasto/bin/pip install --no-cache-dir --no-deps --no-index /wheels/*.whl
USER 10001:10001

FROM runtime AS bot
COPY --from=bot-packages /opt/impasto /opt/impasto
RUN --mount=type=bind,from=wheel,source=/wheels,target=/wheels \
    /opt/impasto/bin/pip install --no-cache-dir --no-deps --no-index /wheels/*.whl
# The one thing that is written: what users said, in a volume that belongs to this user alone.
VOLUME /var/lib/impasto
USER 10001:10001
# The bot asks Telegram and listens nowhere: whether it lives is whether its process does.
HEALTHCHECK NONE
ENTRYPOINT ["impasto", "bot", "--memory", "/var/lib/impasto/bot.sqlite"]
CMD ["--token-file", "/run/secrets/telegram"]

# The last one is what a build without --target makes.
FROM serve AS engine
COPY --from=packages /opt/impasto /opt/impasto
RUN --mount=type=bind,from=wheel,source=/wheels,target=/wheels \
    /opt/impasto/bin/pip install --no-cache-dir --no-deps --no-index /wheels/*.whl
USER 10001:10001
