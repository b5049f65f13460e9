-- API keys. The key itself is nowhere: only the SHA-256 of its 32 random bytes, and the prefix that finds it.
CREATE TABLE powercrud.api_key (
  id           uuid PRIMARY KEY,
  name         text NOT NULL,
  prefix       text NOT NULL UNIQUE,
  hash         bytea NOT NULL,
  -- On whose behalf its holder asks.
  viewer       jsonb NOT NULL,
  -- What it may be used for: read, write, metrics.
  scopes       text[] NOT NULL,
  created_at   timestamptz(3) NOT NULL,
  expires_at   timestamptz(3),
  revoked_at   timestamptz(3),
  -- Written once a minute at most.
  last_used_at timestamptz(3)
);
CREATE UNIQUE INDEX api_key_name ON powercrud.api_key (name) WHERE revoked_at IS NULL;

-- Most viewers see their own tasks only, the newest first.
CREATE INDEX task_created_by ON powercrud.task (created_by, id);
