# One image for web, worker, beat, mail and migrate: they differ in their command only (docker-compose.yml).

FROM node:24-slim AS packages
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
RUN npm ci

FROM python:3.13-slim AS python
ENV PYTHONUNBUFFERED=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH
COPY requirements/production.lock /tmp/
RUN pip install --no-cache-dir --require-hashes -r /tmp/production.lock

FROM python AS site
WORKDIR /srv/feedbackfive
COPY . .
COPY --from=packages /build/node_modules node_modules
# These settings lead nowhere and hold no secret; they let Django find the files.
RUN DJANGO_SETTINGS_MODULE=feedbackfive.settings_for_mypy FEEDBACKFIVE_STATIC_COLLECTED=yes \
    python manage.py collectstatic --noinput --verbosity 0 --ignore 'tabler-*'

FROM python:3.13-slim
ENV PYTHONUNBUFFERED=1 PATH=/opt/venv/bin:$PATH FEEDBACKFIVE_STATIC_COLLECTED=yes
RUN useradd --system --uid 10001 --home-dir /nonexistent feedbackfive
COPY --from=python /opt/venv /opt/venv
COPY --from=site /srv/feedbackfive /srv/feedbackfive
WORKDIR /srv/feedbackfive
USER feedbackfive
EXPOSE 8000 2525
CMD ["gunicorn", "feedbackfive.wsgi", "--bind", "0.0.0.0:8000", "--worker-class", "gthread", "--workers", "2", "--threads", "8", "--worker-tmp-dir", "/dev/shm", "--no-control-socket", "--access-logfile", "-", "--logger-class", "feedbackfive.access_log.Discreet"]
