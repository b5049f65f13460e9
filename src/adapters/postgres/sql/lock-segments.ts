/**
 * Turns five arrays of text into a `powercrud.segment[]`. Casts everywhere: sessions other than pg's send
 * parameters without types.
 * @param first number of the first of the parameters: models, lowest, highest, ids, scopes
 */
export function segmentsSql(first: number): string {
  const parameters = Array.from({ length: 5 }, (_, at) => `$${first + at}::text[]`).join(", ");
  return `ARRAY(SELECT ROW(s.model, s.lowest, s.highest, s.ids, s.scope)::powercrud.segment
    FROM unnest(${parameters}) AS s(model, lowest, highest, ids, scope))`;
}
