FROM node:24-slim
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY . .
RUN npm run generate && chown -R node:node /app
USER node
ENTRYPOINT ["node", "scripts/bootstrap.mjs"]
CMD ["serve"]
