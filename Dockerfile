# One image for helios-atlasd (the default), helios-smtp and the mailbox of docker-compose.yml.

FROM node:20-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
RUN npm run build && npm prune --omit=dev

FROM node:20-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY bin ./bin
COPY cluster-configs ./cluster-configs
RUN mkdir /data && chown node:node /data
USER node
VOLUME /data
# RESP, members, gateway, metrics
EXPOSE 6379 7000 8443 9090
HEALTHCHECK --interval=5s --timeout=3s --start-period=15s --retries=3 \
  CMD ["node", "dist/cli/health.js"]
# The script execs node, so the daemon is process 1 and receives SIGTERM itself.
ENTRYPOINT ["bin/helios-atlasd"]
CMD ["-data-dir=/data"]
