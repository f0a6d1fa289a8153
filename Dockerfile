# One file for every part: docker build --build-arg APP=sts .   (APP: sts, api1, api2, subscriptions, web)
# TypeScript runs as it is (Node strips the types), so the image holds the workspace and production dependencies alone.
ARG NODE_IMAGE=docker.io/library/node:24-slim

FROM ${NODE_IMAGE} AS workspace
ARG PNPM_VERSION=12.21.0
ENV CI=true
RUN npm install --global pnpm@${PNPM_VERSION}
WORKDIR /behalf
COPY pnpm-workspace.yaml pnpm-lock.yaml package.json ./
COPY apps apps
COPY packages packages

# The web client is built; every other part has nothing to build.
FROM workspace AS built
ARG APP
RUN if [ "$APP" = web ]; then \
      pnpm install --frozen-lockfile --filter "@behalf/web..." && pnpm --filter @behalf/web run build \
      && find . -name node_modules -prune -exec rm -rf {} +; \
    fi
# Hoisted, because the packages' peer dependencies (Express, oidc-provider) are the app's.
RUN pnpm install --prod --frozen-lockfile --shamefully-hoist --filter "@behalf/${APP}..." \
    && find apps -mindepth 1 -maxdepth 1 ! -name "${APP}" -exec rm -rf {} + \
    && find apps packages -name '*.test.ts*' -not -path '*/node_modules/*' -delete

FROM ${NODE_IMAGE}
ARG APP
# A small service in a small container: 25 MB of the heap are in use. MALLOC_ARENA_MAX: one arena outside of it (glibc).
ENV NODE_ENV=production \
    NODE_OPTIONS="--max-semi-space-size=4 --max-old-space-size=256" \
    MALLOC_ARENA_MAX=1 \
    NODE_COMPILE_CACHE=/behalf/.compiled \
    DATA_DIR=/data \
    APP=${APP}
# The one place that a part may write to: SQLite files while there is no DATABASE_URL, and the keys of the demonstration.
RUN install --directory --owner=node --group=node --mode=0700 /data
WORKDIR /behalf/apps/${APP}
COPY --from=built --chown=root:root /behalf /behalf
# Types are stripped once, here, and not at every start.
RUN node -e "import('/behalf/apps/${APP}/' + (process.env.APP === 'web' ? 'server' : 'src') + '/app.ts')"
USER node
# Ready, on the part's own port: API1_PORT for api1, and so on.
HEALTHCHECK --interval=5s --timeout=4s --start-period=20s --retries=6 \
  CMD ["node", "-e", "const { APP, ...env } = process.env; fetch(`http://127.0.0.1:${env[`${APP.toUpperCase()}_PORT`]}/health/ready`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
CMD ["sh", "-c", "exec node $(if [ \"$APP\" = web ]; then echo server; else echo src; fi)/main.ts"]
