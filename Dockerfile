# One file for every part: docker build --build-arg APP=sts .   (APP: a folder of apps/)
# TypeScript runs as it is (Node strips the types), so the image holds the workspace and production dependencies alone.
ARG NODE_IMAGE=docker.io/library/node:24-slim

# The same for every part, and until the lockfile changes: what production needs, fetched.
FROM ${NODE_IMAGE} AS workspace
ARG PNPM_VERSION=12.21.0
ENV CI=true
RUN npm install --global pnpm@${PNPM_VERSION}
WORKDIR /behalf
COPY pnpm-workspace.yaml pnpm-lock.yaml ./
RUN pnpm fetch --prod && rm -rf node_modules
COPY package.json ./
COPY apps apps
COPY packages packages

# The part with the packages that it uses. The web client is built, and leaves its sources behind; every other part has
# nothing to build.
FROM workspace AS built
ARG APP
RUN if [ -z "$APP" ] || [ ! -d "apps/$APP" ]; then echo "Which part? docker build --build-arg APP=sts ." >&2; exit 1; fi
RUN if [ "$APP" = web ]; then \
      pnpm install --frozen-lockfile --filter "@behalf/web..." && pnpm --filter @behalf/web run build \
      && find . -name node_modules -prune -exec rm -rf {} + \
      && rm -rf apps/web/src apps/web/public apps/web/index.html; \
    fi
# Hoisted, because the packages' peer dependencies (Express, oidc-provider) are the app's. The Node that a clone brings along for
# its scripts and the types of libraries are not needed here.
RUN pnpm install --prod --offline --frozen-lockfile --shamefully-hoist --filter-prod "@behalf/${APP}..." \
    && pnpm --filter-prod "@behalf/${APP}..." list --depth -1 --parseable > /tmp/used \
    && for folder in apps/* packages/*; do grep -qx "$PWD/$folder" /tmp/used || rm -rf "$folder"; done \
    && find apps packages -name node_modules -prune -o \
         \( -name 'testing*' -o -name '*.config.ts' -o -name 'tsconfig*' -o -name turbo.json \) -print0 \
       | xargs -0 rm -rf \
    && rm -rf node_modules/node-linux-* node_modules/.pnpm/node-linux-* node_modules/.bin/node \
         node_modules/@types node_modules/.pnpm/@types+* pnpm-lock.yaml pnpm-workspace.yaml

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
# Types are stripped once, here, and not at every start. Every module is loaded but the two that act: one that lacks something fails the build.
RUN node --input-type=module -e "import { globSync } from 'node:fs'; \
    for (const file of globSync('{src,server}/**/*.ts', { exclude: ['src/main.ts', 'src/cli.ts', 'server/main.ts'] })) await import(process.cwd() + '/' + file)"
USER node
# Ready, on the part's own port: API1_PORT for api1, and so on. In bash, because a Node process takes 70 ms of CPU to start.
HEALTHCHECK --interval=5s --timeout=4s --start-period=20s --retries=6 \
  CMD ["bash", "-c", "p=${APP^^}_PORT; exec 3<>/dev/tcp/127.0.0.1/${!p} && printf 'GET /health/ready HTTP/1.0\r\n\r\n' >&3 && read -r _ s _ <&3 && [ \"$s\" = 200 ]"]
CMD ["sh", "-c", "exec node --import @behalf/service/telemetry $(if [ \"$APP\" = web ]; then echo server; else echo src; fi)/main.ts"]
