/**
 * $1 task, $2 type, $3 at, $4 progress, $5 message. The task's row is locked by who appends, so that the highest
 * sequence cannot change under this statement. The position is set by the trigger, while the transaction commits.
 */
export const APPEND_EVENT = `
  INSERT INTO powercrud.event (task_id, sequence, type, at, progress, message)
  SELECT $1::uuid, coalesce(max(sequence), 0) + 1, $2::text, $3::timestamptz, $4::jsonb, $5::text
  FROM powercrud.event WHERE task_id = $1::uuid`;
