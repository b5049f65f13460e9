const KEY_COLUMNS = `
  k.id::text AS id, k.name, k.prefix, k.hash, k.viewer, k.scopes, k.created_at, k.expires_at, k.revoked_at, k.last_used_at`;

/** $1 id, $2 name, $3 prefix, $4 hash, $5 viewer, $6 scopes, $7 at, $8 when it expires or null. No row if the name is taken. */
export const INSERT_API_KEY = `
  INSERT INTO powercrud.api_key AS k (id, name, prefix, hash, viewer, scopes, created_at, expires_at)
  VALUES ($1::uuid, $2::text, $3::text, $4::bytea, $5::jsonb, $6::text[], $7::timestamptz, $8::timestamptz)
  ON CONFLICT DO NOTHING
  RETURNING k.id::text AS id`;

/** $1 prefix. */
export const FIND_API_KEY = `SELECT ${KEY_COLUMNS} FROM powercrud.api_key k WHERE k.prefix = $1::text`;

/** $1 id. */
export const FIND_API_KEY_BY_ID = `SELECT ${KEY_COLUMNS} FROM powercrud.api_key k WHERE k.id = $1::uuid`;

export const LIST_API_KEYS = `SELECT ${KEY_COLUMNS} FROM powercrud.api_key k ORDER BY k.created_at, k.id`;

/** $1 at. */
export const HAS_USABLE_API_KEY = `
  SELECT EXISTS (
    SELECT FROM powercrud.api_key k
    WHERE k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > $1::timestamptz)
  ) AS "isThere"`;

/** $1 name or prefix, $2 at. */
export const REVOKE_API_KEY = `
  UPDATE powercrud.api_key k SET revoked_at = $2::timestamptz
  WHERE $1::text IN (k.name, k.prefix) AND k.revoked_at IS NULL
  RETURNING ${KEY_COLUMNS}`;

/**
 * $1 keys, $2 those of them that were used, $3 at. Returns those that are not revoked. Their use is noted once a minute:
 * a row that is written again and again leaves dead ones behind.
 */
export const REFRESH_API_KEYS = `
  WITH used AS (
    UPDATE powercrud.api_key k SET last_used_at = $3::timestamptz
    WHERE k.id = ANY ($2::uuid[])
      AND (k.last_used_at IS NULL OR k.last_used_at < $3::timestamptz - interval '1 minute')
  )
  SELECT k.id::text AS id FROM powercrud.api_key k WHERE k.id = ANY ($1::uuid[]) AND k.revoked_at IS NULL`;
