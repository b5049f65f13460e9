const COLUMNS = `
  v.id::text AS id, v.model, v.created_by, v.name, v.state, v.is_shared, v.created_at, v.updated_at`;

/** $1 model, $2 viewer or null, $3 limit. The viewer's own first, then the shared ones of others, each by name. */
export const LIST_SAVED_VIEWS = `
  SELECT ${COLUMNS} FROM powercrud.saved_view v
  WHERE v.model = $1::text AND (v.is_shared OR v.created_by IS NOT DISTINCT FROM $2::text)
  ORDER BY v.created_by IS DISTINCT FROM $2::text, lower(v.name), v.id
  LIMIT $3::integer`;

/** $1 id. */
export const FIND_SAVED_VIEW = `SELECT ${COLUMNS} FROM powercrud.saved_view v WHERE v.id = $1::uuid`;

/** $1 id, $2 model, $3 viewer or null, $4 name, $5 state, $6 whether it is shared, $7 at, $8 the most of a viewer. */
export const ADD_SAVED_VIEW = `
  INSERT INTO powercrud.saved_view AS v (id, model, created_by, name, state, is_shared, created_at, updated_at)
  SELECT $1::uuid, $2::text, $3::text, $4::text, $5::jsonb, $6::boolean, $7::timestamptz, $7::timestamptz
  WHERE $8::integer > (
    SELECT count(*) FROM powercrud.saved_view o
    WHERE o.model = $2::text AND o.created_by IS NOT DISTINCT FROM $3::text
  )
  RETURNING v.id::text AS id`;

/** $1 id, $2 name, $3 state, $4 whether it is shared, $5 at. */
export const CHANGE_SAVED_VIEW = `
  UPDATE powercrud.saved_view v
  SET name = $2::text, state = $3::jsonb, is_shared = $4::boolean, updated_at = $5::timestamptz
  WHERE v.id = $1::uuid
  RETURNING ${COLUMNS}`;

/** $1 id. */
export const REMOVE_SAVED_VIEW = `DELETE FROM powercrud.saved_view v WHERE v.id = $1::uuid RETURNING v.id::text AS id`;
