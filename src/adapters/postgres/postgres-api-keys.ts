import type { ApiKeyStore, KeyScope, StoredApiKey } from "../../core/access/api-key.ts";
import type { Viewer } from "../../core/access/viewer.ts";
import { fullViewer } from "../../core/access/viewer.ts";
import { isUuid } from "../../kernel/ids.ts";
import type { SqlSession } from "../../kernel/sql-session.ts";
import {
  FIND_API_KEY,
  FIND_API_KEY_BY_ID,
  HAS_USABLE_API_KEY,
  INSERT_API_KEY,
  LIST_API_KEYS,
  REFRESH_API_KEYS,
  REVOKE_API_KEY,
} from "./sql/api-keys.ts";

interface Row {
  readonly id: string;
  readonly name: string;
  readonly prefix: string;
  readonly hash: Buffer;
  readonly viewer: Viewer;
  readonly scopes: readonly KeyScope[];
  readonly created_at: Date;
  readonly expires_at: Date | null;
  readonly revoked_at: Date | null;
  readonly last_used_at: Date | null;
}

/** API keys as rows of `powercrud.api_key`. One statement each. */
export function createPostgresApiKeys({ session }: { readonly session: SqlSession }): ApiKeyStore {
  return {
    async create({ id, name, prefix, hash, viewer, scopes, createdAt, expiresAt }) {
      const values = [id, name, prefix, hash, JSON.stringify(viewer), scopes, createdAt, expiresAt];
      return (await session.query(INSERT_API_KEY, values)).length > 0;
    },
    async find(prefix) {
      const [row] = await session.query<Row>(FIND_API_KEY, [prefix]);
      return row && toKey(row);
    },
    async findById(id) {
      const [row] = isUuid(id) ? await session.query<Row>(FIND_API_KEY_BY_ID, [id]) : [];
      return row && toKey(row);
    },
    list: async () => (await session.query<Row>(LIST_API_KEYS, [])).map(toKey),
    async hasUsable(at) {
      const [row] = await session.query<{ isThere: boolean }>(HAS_USABLE_API_KEY, [at]);
      return row?.isThere === true;
    },
    async revoke(nameOrPrefix, at) {
      const [row] = await session.query<Row>(REVOKE_API_KEY, [nameOrPrefix, at]);
      return row && toKey(row);
    },
    async refresh({ ids, usedIds, at }) {
      const rows = await session.query<{ id: string }>(REFRESH_API_KEYS, [ids, usedIds, at]);
      return new Set(rows.map(({ id }) => id));
    },
  };
}

function toKey(row: Row): StoredApiKey {
  const {
    created_at: createdAt,
    expires_at: expiresAt,
    revoked_at: revokedAt,
    last_used_at: lastUsedAt,
  } = row;
  const { id, name, prefix, hash, scopes } = row;
  const viewer = fullViewer(row.viewer);
  return { id, name, prefix, hash, viewer, scopes, createdAt, expiresAt, revokedAt, lastUsedAt };
}
